//! Which of all calls comes to something else than it would, and to what.
//!
//! A plan holds for a thread, as the kernel's random bytes do, which are asked for without a kernel: so one plan counts the
//! calls of all loops that take their turns in a test.
//!
//! Not here: which faults a call may come to; that is the test's. What the kernel makes of them; that is `kernel`.

use rustix::io::Errno;
use std::cell::RefCell;
use std::time::Duration;

/// A call that may come to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Poll,
    Accept,
    PeerAddr,
    Register,
    RegisterAnew,
    Receive,
    Send,
    Connect,
    Connected,
    Resolve,
    Resolved,
    Random,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails, once.
    Fails(Errno),
    /// It fails, and so does all that is done with this stream from then on. Accepting fails for 300 ms.
    Breaks(Errno),
    /// It moves so many bytes at most.
    AtMost(usize),
    /// The peer has ended its side, and what was under way is lost.
    Ends,
    /// Waiting is over for no reason. What there is to report comes next time.
    Nothing,
    /// What is reported stands in the opposite order.
    Backwards,
    /// All is reported twice.
    Twice,
    /// Only the first report comes now, and the others the next time.
    OneByOne,
    /// So much later than it was to be.
    Late(Duration),
}

/// Decides about each call, by its number.
pub type Plan = Box<dyn FnMut(usize, Call) -> Option<Fault>>;

#[derive(Default)]
struct Armed {
    plan: Option<Plan>,
    /// It is not asked for now.
    is_held: bool,
    calls: Vec<Call>,
    /// Those that came to something else.
    struck: Vec<(Call, Fault)>,
}

thread_local! {
    static ARMED: RefCell<Armed> = RefCell::default();
}

/// From now on calls are counted, and the plan decides about them.
pub fn arm(plan: impl FnMut(usize, Call) -> Option<Fault> + 'static) {
    ARMED.set(Armed {
        plan: Some(Box::new(plan)),
        ..Armed::default()
    });
}

/// Calls are neither counted nor decided about, until that is taken back.
pub fn hold(is_held: bool) {
    ARMED.with_borrow_mut(|armed| armed.is_held = is_held);
}

/// What was called while the plan held, and what of that came to something else.
pub struct Record {
    pub calls: Vec<Call>,
    pub struck: Vec<(Call, Fault)>,
}

/// No call comes to anything else any more.
pub fn disarm() -> Record {
    let Armed { calls, struck, .. } = ARMED.take();
    Record { calls, struck }
}

/// Whether a call has come to something else.
pub fn has_struck(call: Call) -> bool {
    ARMED.with_borrow(|armed| armed.struck.iter().any(|(struck, _)| *struck == call))
}

/// What this call comes to, if to something else.
pub(super) fn next(call: Call) -> Option<Fault> {
    ARMED.with_borrow_mut(|armed| {
        let plan = armed.plan.as_mut().filter(|_| !armed.is_held)?;
        let number = armed.calls.len();
        armed.calls.push(call);
        let fault = plan(number, call)?;
        armed.struck.push((call, fault));
        Some(fault)
    })
}

/// The same for a call that fails or does not.
pub(super) fn check(call: Call) -> std::io::Result<()> {
    match next(call) {
        Some(Fault::Fails(error) | Fault::Breaks(error)) => Err(error.into()),
        _ => Ok(()),
    }
}
