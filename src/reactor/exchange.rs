//! What loops that serve together tell each other, and what other threads tell them: one letter for each loop and turn, as
//! a rule, whoever many are to hear of it, and one wake-up.
//!
//! Not here: what letters say, which is `rooms`; the way, which is `mailbox`; what other threads see, which is `handle`.

use super::history::Ledger;
use super::mailbox::{Address, Mailbox, PutError, Wake};
use super::rooms::Letter;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::take;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that may wait for one loop, or four of its largest messages; beyond that it has fallen behind.
pub(super) const MAX_WAITING: usize = 64 << 20;

/// Joins servers: what is published on one reaches the connections of all. Clones are the same exchange.
///
/// ```
/// # #[cfg(all(feature = "server", feature = "client"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::server::{Builder, Exchange, Handler, Listener, Message, Peer, To};
/// # use sockeye::client::{self, Received};
///
/// struct Chat;
///
/// impl Handler for Chat {
///     type State = ();
///
///     fn on_message(&mut self, peer: &mut Peer<'_>, _: &mut (), message: Message<'_>) {
///         peer.publish(To::all(), message); // those of the other loop too
///     }
/// }
///
/// // One server on two threads, each with a loop of its own.
/// let (exchange, builder) = (Exchange::new(), Builder::new());
/// let mut servers = Listener::bind_for(&"127.0.0.1:0".parse()?, 2)?
///     .into_iter()
///     .map(|listener| builder.clone().exchange(&exchange).serve([listener], Chat))
///     .collect::<Result<Vec<_>, _>>()?;
/// let (addr, handle) = (servers[0].local_addr(), servers[0].handle()); // it speaks to both
/// let threads: Vec<_> =
///     servers.drain(..).map(|mut server| std::thread::spawn(move || server.run())).collect();
/// # let mut sockets = Vec::new();
/// # for _ in 0..8 {
/// #     sockets.push(client::connect(&format!("ws://{addr}/"))?);
/// # }
/// # sockets[0].send("hello")?;
/// # for socket in &mut sockets {
/// #     assert_eq!(socket.receive()?, Received::Text("hello".into()));
/// # }
/// # drop(sockets);
/// handle.shutdown()?;
/// for thread in threads {
///     thread.join().unwrap()?;
/// }
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "server", feature = "client")))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub(super) members: Arc<Mutex<Members>>,
    pub(super) counts: Arc<Counts>,
    /// What rooms keep.
    pub(super) ledger: Arc<Ledger>,
}

/// Who is there, for those who ask often.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// How many loops.
    loops: AtomicUsize,
    /// Somebody carries to elsewhere what is said in rooms.
    bridged: AtomicBool,
    /// How many hear what is said in rooms: the loops, and that one.
    hearers: AtomicUsize,
}

#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) addresses: Vec<(u32, Address<Letter>)>,
    /// Where what is said in rooms goes, too.
    pub(super) bridge: Option<Address<Letter>>,
    /// That of the next one. Only after 65 536 of them does one get another's.
    next: u16,
}

/// One loop's place in an exchange.
#[derive(Debug)]
pub(super) struct Membership {
    exchange: Exchange,
    worker: u32,
    mailbox: Mailbox<Letter>,
    /// What the mailbox is given for what it holds.
    spare: Vec<Letter>,
}

/// Wakes a loop on a kernel that is not ours.
#[cfg(feature = "server")]
pub(super) struct Alarm<F>(pub(super) F);

#[cfg(feature = "server")]
impl<F: Fn() + Send + Sync> Wake for Alarm<F> {
    fn wake(&self) {
        (self.0)();
    }
}

/// What came from the others since the last look.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) letters: Vec<Letter>,
    /// Too much waited and was given up.
    pub(super) fell_behind: bool,
}

impl Exchange {
    /// An exchange without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a loop that `wake` wakes, and whose messages have at most `max_message` bytes.
    pub(super) fn join(&self, max_message: u64, wake: Arc<dyn Wake>) -> Membership {
        let four = usize::try_from(max_message.saturating_mul(4)).unwrap_or(usize::MAX);
        let mailbox = Mailbox::new(four.max(MAX_WAITING), wake);
        let mut members = lock(&self.members);
        let worker = members.next.into();
        members.next = members.next.wrapping_add(1);
        members.addresses.push((worker, mailbox.address()));
        self.counts.note(&members);
        drop(members);
        Membership {
            exchange: self.clone(),
            worker,
            mailbox,
            spare: Vec::new(),
        }
    }

    /// Puts a letter in for all whom it concerns, or for none. Says how many loops those are.
    ///
    /// # Errors
    ///
    /// When one of them has no room for it, or nobody is there.
    pub(super) fn put(&self, letter: &Letter) -> Result<usize, PutError<()>> {
        let members = lock(&self.members);
        let to = letter.worker();
        let concerned = || {
            let addresses = members.addresses.iter();
            addresses.filter(move |(worker, _)| to.is_none_or(|to| to == *worker))
        };
        if concerned().next().is_none() {
            return Err(PutError::Closed(()));
        }
        let weight = letter.bytes();
        let bridge = members.bridge.iter().filter(|_| letter.crosses());
        let all = || {
            concerned()
                .map(|(_, address)| address)
                .chain(bridge.clone())
        };
        if all().any(|address| !address.has_room(weight)) {
            return Err(PutError::Full(()));
        }
        let mut given_up = Vec::new();
        let count = concerned().count();
        for address in all() {
            given_up.extend(address.put_or_give_up(letter.clone(), weight));
        }
        // A letter may do anything when it is dropped, also put another.
        drop(members);
        drop(given_up);
        Ok(count)
    }

    /// Tells every loop, whether it has room for it or not. What has to give way is for the caller to drop: that may do
    /// anything.
    pub(super) fn tell_all(&self, letter: &Letter) -> Vec<Letter> {
        let weight = letter.bytes();
        let mut given_up = Vec::new();
        let members = lock(&self.members);
        for (_, address) in &members.addresses {
            given_up.extend(address.put_or_give_up(letter.clone(), weight));
        }
        given_up
    }

    /// Whether all loops have room for so many bytes; or whoever carries to elsewhere.
    ///
    /// # Errors
    ///
    /// When one has not, or nobody is there.
    pub(super) fn check_room(&self, bytes: usize, elsewhere: bool) -> Result<(), PutError<()>> {
        let members = lock(&self.members);
        let loops = members.addresses.iter().map(|(_, address)| address);
        if members.addresses.is_empty() {
            return Err(PutError::Closed(()));
        }
        let has_room = match elsewhere {
            true => members.bridge.iter().all(|bridge| bridge.has_room(bytes)),
            false => loops.into_iter().all(|address| address.has_room(bytes)),
        };
        if has_room {
            Ok(())
        } else {
            Err(PutError::Full(()))
        }
    }

    /// Tells whoever carries to elsewhere, where there is one.
    pub(super) fn tell_elsewhere(&self, letter: &Letter) {
        let bridge = lock(&self.members).bridge.clone();
        if let Some(bridge) = bridge {
            drop(bridge.put_or_give_up(letter.clone(), letter.bytes()));
        }
    }

    /// Loops.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counts.loops.load(Ordering::Relaxed)
    }
}

impl Counts {
    pub(super) fn note(&self, members: &Members) {
        let loops = members.addresses.len();
        let bridged = members.bridge.is_some();
        self.loops.store(loops, Ordering::Relaxed);
        self.bridged.store(bridged, Ordering::Relaxed);
        let hearers = loops + usize::from(bridged);
        self.hearers.store(hearers, Ordering::Relaxed);
    }

    /// Whether there is another loop.
    pub(super) fn has_others(&self) -> bool {
        self.loops.load(Ordering::Relaxed) > 1
    }

    /// Whether what one loop says in a room is to be heard by anybody else.
    pub(super) fn has_hearers(&self) -> bool {
        self.hearers.load(Ordering::Relaxed) > 1
    }

    /// Whether somebody asks who is in which room.
    #[cfg(feature = "backplane")]
    pub(super) fn is_bridged(&self) -> bool {
        self.bridged.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn pretend(&self, loops: usize) {
        self.loops.store(loops, Ordering::Relaxed);
        self.hearers.store(loops, Ordering::Relaxed);
    }
}

impl Membership {
    /// Which one this is.
    pub(super) const fn worker(&self) -> u32 {
        self.worker
    }

    /// What it is in.
    pub(super) fn exchange(&self) -> Exchange {
        self.exchange.clone()
    }

    /// Who is there, from now on.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.exchange.counts)
    }

    /// Gives the others what is for them.
    pub(super) fn post(&self, letters: &[Letter]) {
        if letters.is_empty() {
            return;
        }
        let mut given_up = Vec::new();
        let members = lock(&self.exchange.members);
        for letter in letters {
            let to = letter.worker();
            let weight = letter.bytes();
            if let Some(bridge) = members.bridge.as_ref().filter(|_| letter.crosses()) {
                given_up.extend(bridge.put_or_give_up(letter.clone(), weight));
            }
            if letter.only_crosses() {
                continue;
            }
            for (worker, address) in &members.addresses {
                if *worker != self.worker && to.is_none_or(|to| to == *worker) {
                    given_up.extend(address.put_or_give_up(letter.clone(), weight));
                }
            }
        }
        drop(members);
        drop(given_up);
    }

    /// Takes what the others said.
    pub(super) fn take(&mut self) -> Arrived {
        let mut letters = take(&mut self.spare);
        let lost = self.mailbox.take(&mut letters);
        Arrived {
            letters,
            fell_behind: lost > 0,
        }
    }

    /// Takes the buffer back, for the next time.
    pub(super) fn reuse(&mut self, mut read: Vec<Letter>) {
        read.clear();
        self.spare = read;
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.exchange.ledger.leave_all(self.worker);
        let mut members = lock(&self.exchange.members);
        members
            .addresses
            .retain(|(_, address)| !address.is_of(&self.mailbox));
        self.exchange.counts.note(&members);
        #[cfg(feature = "backplane")]
        super::bridge::tell_departure(members, self.worker);
    }
}

/// Nothing panics while it holds one of these locks, and what they guard is whole at every moment.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Exchange;
    use crate::reactor::Message;
    use crate::reactor::mailbox::{PutError, Wake};
    use crate::reactor::rooms::{Letter, Manner, Segment};
    use alloc::sync::Arc;
    use alloc::vec;
    use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// Counts how often its loop was woken.
    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn segment(bytes: usize) -> Arc<Segment> {
        Arc::new(Segment::of(
            Message::Binary(&vec![0; bytes]),
            Manner::default(),
        ))
    }

    fn for_all(segment: &Arc<Segment>) -> vec::Vec<Letter> {
        vec![Letter::All(Arc::clone(segment))]
    }

    fn said(letters: &[Letter]) -> vec::Vec<usize> {
        let bytes = letters.iter().map(|letter| match letter {
            Letter::All(segment) => segment.bytes(),
            _ => 0,
        });
        bytes.collect()
    }

    #[test]
    fn a_burst_wakes_once_and_its_author_never() {
        let wakes = [(); 2].map(|()| Arc::<Wakes>::default());
        let exchange = Exchange::new();
        let author = exchange.join(0, Arc::<Wakes>::clone(&wakes[0]));
        let mut reader = exchange.join(0, Arc::<Wakes>::clone(&wakes[1]));
        author.post(&for_all(&segment(1)));
        author.post(&for_all(&segment(2)));
        assert_eq!(wakes[1].count(), 1);
        let arrived = reader.take();
        assert_eq!(said(&arrived.letters), [3, 4]);
        assert!(!arrived.fell_behind);
        author.post(&for_all(&segment(3)));
        assert_eq!(wakes[1].count(), 2);
        assert_eq!(wakes[0].count(), 0);
    }

    #[test]
    fn a_loop_that_does_not_look_holds_a_bounded_amount_and_is_told() {
        let exchange = Exchange::new();
        let author = exchange.join(0, Arc::<Wakes>::default());
        let mut reader = exchange.join(0, Arc::<Wakes>::default());
        let large = segment(48 << 20);
        for _ in 0..9 {
            author.post(&for_all(&large));
        }
        let full = exchange.put(&Letter::All(Arc::clone(&large)));
        assert_eq!(full, Err(PutError::Full(())));
        let arrived = reader.take();
        assert!(arrived.fell_behind && arrived.letters.is_empty());
        assert_eq!(Arc::strong_count(&large), 1);
        author.post(&for_all(&large));
        assert_eq!(reader.take().letters.len(), 1);
    }

    /// Says whether others could speak to the exchange when it was dropped.
    struct Last(Exchange, Arc<AtomicBool>);

    impl Drop for Last {
        fn drop(&mut self) {
            let free = self.0.members.try_lock().is_ok();
            self.1.store(free, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_letter_that_is_given_up_may_speak_to_the_exchange() {
        let exchange = Exchange::new();
        let mut author = exchange.join(0, Arc::<Wakes>::default());
        let _reader = exchange.join(0, Arc::<Wakes>::default());
        let was_free = Arc::<AtomicBool>::default();
        let last = Last(exchange.clone(), Arc::clone(&was_free));
        let call = Letter::Call(Arc::new(move |_| {
            let _ = &last;
        }));
        assert_eq!(exchange.put(&call), Ok(2));
        drop(call);
        drop(author.take());
        let large = segment(48 << 20);
        for _ in 0..2 {
            author.post(&for_all(&large));
        }
        assert!(was_free.load(Ordering::Relaxed));
    }

    #[test]
    fn who_has_left_is_told_nothing() {
        let exchange = Exchange::new();
        let author = exchange.join(0, Arc::<Wakes>::default());
        drop(exchange.join(0, Arc::<Wakes>::default()));
        let one = segment(1);
        author.post(&for_all(&one));
        assert_eq!(Arc::strong_count(&one), 1);
        assert_eq!(exchange.len(), 1);
        drop(author);
        let nobody = exchange.put(&Letter::All(one));
        assert_eq!(nobody, Err(PutError::Closed(())));
    }
}
