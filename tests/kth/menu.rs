//! What each call may come to.
//!
//! Not here: what the kernel makes of it; that is `support/sim/spoil`.

use crate::sim::faults::{Call, Fault};
use Fault::{AtMost, Backwards, Breaks, Ends, Fails, Late, Nothing, OneByOne, Twice};
use rustix::io::Errno;
use std::time::Duration;

/// A machine that has much to do.
const MOMENT: Duration = Duration::from_millis(30);
/// One that slept.
const SLEEP: Duration = Duration::from_secs(60);

/// All that a call may come to other than what it is to come to.
pub const fn faults_of(call: Call) -> &'static [Fault] {
    match call {
        Call::Poll => &[
            Nothing,
            Backwards,
            Twice,
            OneByOne,
            Fails(Errno::NOMEM),
            Late(MOMENT),
            Late(SLEEP),
        ],
        Call::Accept => &[
            Fails(Errno::INTR),
            Fails(Errno::AGAIN),
            Fails(Errno::CONNABORTED),
            Fails(Errno::MFILE),
            Fails(Errno::NFILE),
            Fails(Errno::NOBUFS),
            Fails(Errno::NOMEM),
            Fails(Errno::PERM),
            Fails(Errno::PROTO),
            Fails(Errno::NETDOWN),
            Breaks(Errno::CONNABORTED),
            Breaks(Errno::MFILE),
            Breaks(Errno::NOMEM),
        ],
        Call::PeerAddr => &[Fails(Errno::NOTCONN)],
        Call::Register | Call::RegisterAnew => &[
            Fails(Errno::NOSPC),
            Fails(Errno::NOMEM),
            Fails(Errno::EXIST),
        ],
        Call::Receive => &[
            Fails(Errno::INTR),
            Fails(Errno::AGAIN),
            Fails(Errno::CONNRESET),
            Fails(Errno::TIMEDOUT),
            Fails(Errno::HOSTUNREACH),
            Fails(Errno::NETDOWN),
            Fails(Errno::NOBUFS),
            Fails(Errno::NOMEM),
            Breaks(Errno::AGAIN),
            Breaks(Errno::CONNRESET),
            Breaks(Errno::TIMEDOUT),
            AtMost(1),
            AtMost(2),
            Ends,
        ],
        Call::Send => &[
            Fails(Errno::INTR),
            Fails(Errno::AGAIN),
            Fails(Errno::CONNRESET),
            Fails(Errno::PIPE),
            Fails(Errno::TIMEDOUT),
            Fails(Errno::HOSTUNREACH),
            Fails(Errno::NETDOWN),
            Fails(Errno::NOBUFS),
            Fails(Errno::NOMEM),
            Breaks(Errno::AGAIN),
            Breaks(Errno::CONNRESET),
            Breaks(Errno::PIPE),
            AtMost(0),
            AtMost(1),
            // Within a header, and behind it.
            AtMost(3),
        ],
        Call::Connect => &[
            Fails(Errno::INTR),
            Fails(Errno::AGAIN),
            Fails(Errno::MFILE),
            Fails(Errno::NFILE),
            Fails(Errno::NOBUFS),
            Fails(Errno::NOMEM),
            Fails(Errno::NETUNREACH),
            Fails(Errno::HOSTUNREACH),
            Fails(Errno::CONNREFUSED),
            Fails(Errno::ADDRNOTAVAIL),
        ],
        Call::Connected => &[
            Fails(Errno::CONNREFUSED),
            Fails(Errno::CONNRESET),
            Fails(Errno::TIMEDOUT),
            Fails(Errno::HOSTUNREACH),
            Fails(Errno::NETDOWN),
        ],
        Call::Resolve => &[Fails(Errno::MFILE), Fails(Errno::NOMEM)],
        Call::Resolved => &[Fails(Errno::TIMEDOUT), Fails(Errno::NOMEM)],
        Call::Random => &[Fails(Errno::IO)],
    }
}
