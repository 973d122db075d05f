//! What is known of a connection, beside what its service keeps: [`Info`].
//!
//! Not here: its protocol state, which is the loop's.

use super::names::Name;
use crate::kernel::PeerAddr;
use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Info {
    /// The number of its place on its worker.
    pub(super) place: u32,
    /// And that of its seat there, which knows its id.
    pub(super) seat: u32,
    origin: Origin,
    /// In milliseconds.
    round_trip: u32,
    /// Whose it is, or what it is called.
    pub(super) name: Option<Name>,
    /// The lower halves: few connections have as many messages as need the upper ones, which are in [`Rare`].
    messages_in: u32,
    messages_out: u32,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

/// Where a connection comes from, and since when, in seconds since 1970: in 24 bytes, as most addresses of IPv6 have neither
/// a scope nor a flow.
#[derive(Debug)]
enum Origin {
    V4 { ip: [u8; 4], port: u16, since: u32 },
    V6 { ip: [u8; 16], port: u16, since: u32 },
    Rare(Box<Rare>),
}

/// What is known of a few.
#[derive(Debug)]
struct Rare {
    addr: PeerAddr,
    since: u32,
    /// The upper halves of how many messages there were.
    messages_in: u32,
    messages_out: u32,
}

impl Origin {
    fn new(addr: PeerAddr, since: u32) -> Self {
        match addr {
            PeerAddr::Ip(SocketAddr::V4(addr)) => Self::V4 {
                ip: addr.ip().octets(),
                port: addr.port(),
                since,
            },
            PeerAddr::Ip(SocketAddr::V6(addr)) if addr.scope_id() == 0 && addr.flowinfo() == 0 => {
                Self::V6 {
                    ip: addr.ip().octets(),
                    port: addr.port(),
                    since,
                }
            }
            other => Self::rare_of(other, since),
        }
    }

    fn rare_of(addr: PeerAddr, since: u32) -> Self {
        Self::Rare(Box::new(Rare {
            addr,
            since,
            messages_in: 0,
            messages_out: 0,
        }))
    }

    fn addr(&self) -> PeerAddr {
        match self {
            Self::V4 { ip, port, .. } => PeerAddr::Ip((*ip, *port).into()),
            Self::V6 { ip, port, .. } => PeerAddr::Ip((*ip, *port).into()),
            Self::Rare(rare) => rare.addr,
        }
    }

    const fn since(&self) -> u32 {
        match self {
            Self::V4 { since, .. } | Self::V6 { since, .. } => *since,
            Self::Rare(rare) => rare.since,
        }
    }

    /// What is known of a few is to be known of this one.
    #[cold]
    fn rare(&mut self) -> &mut Rare {
        if !matches!(self, Self::Rare(_)) {
            *self = Self::rare_of(self.addr(), self.since());
        }
        match self {
            Self::Rare(rare) => rare,
            _ => unreachable!("it is one of the few now"),
        }
    }

    /// The upper half of a count, and the lower.
    fn whole(&self, upper: impl FnOnce(&Rare) -> u32, lower: u32) -> u64 {
        let upper = match self {
            Self::Rare(rare) => upper(rare),
            _ => 0,
        };
        u64::from(upper) << 32 | u64::from(lower)
    }
}

/// No ping was answered yet.
const UNKNOWN: u32 = u32::MAX;

impl Info {
    /// One that comes now, in milliseconds since 1970.
    pub(super) fn new((place, seat): (u32, u32), addr: PeerAddr, now: u64) -> Self {
        Self {
            place,
            seat,
            origin: Origin::new(addr, u32::try_from(now / 1000).unwrap_or(u32::MAX)),
            round_trip: UNKNOWN,
            name: None,
            messages_in: 0,
            messages_out: 0,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// Where it comes from.
    pub(super) fn addr(&self) -> PeerAddr {
        self.origin.addr()
    }

    /// When it came, in milliseconds since 1970, of which whole seconds count.
    pub(super) fn since(&self) -> u64 {
        u64::from(self.origin.since()) * 1000
    }

    /// Whether it is known whose connection it is.
    pub(super) fn is_identified(&self) -> bool {
        self.name.as_ref().is_some_and(Name::is_users)
    }

    /// Messages that it has sent.
    pub(super) fn messages_in(&self) -> u64 {
        self.origin.whole(|rare| rare.messages_in, self.messages_in)
    }

    /// Messages that it was told.
    pub(super) fn messages_out(&self) -> u64 {
        self.origin
            .whole(|rare| rare.messages_out, self.messages_out)
    }

    pub(super) fn note_received(&mut self, bytes: usize) {
        let (lower, is_over) = self.messages_in.overflowing_add(1);
        self.messages_in = lower;
        if is_over {
            self.origin.rare().messages_in += 1;
        }
        self.bytes_in += bytes as u64;
    }

    pub(super) fn note_sent(&mut self, messages: u64, bytes: usize) {
        let sum = u64::from(self.messages_out) + messages;
        #[expect(clippy::cast_possible_truncation, reason = "these are the halves")]
        let (upper, lower) = ((sum >> 32) as u32, sum as u32);
        self.messages_out = lower;
        if upper > 0 {
            self.origin.rare().messages_out += upper;
        }
        self.bytes_out += bytes as u64;
    }

    pub(super) fn note_latency(&mut self, round_trip: Duration) {
        self.round_trip = u32::try_from(round_trip.as_millis()).unwrap_or(UNKNOWN - 1);
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        (self.round_trip != UNKNOWN).then(|| Duration::from_millis(self.round_trip.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Info, PeerAddr};
    use core::net::{Ipv6Addr, SocketAddrV6};

    #[test]
    fn an_address_comes_back_as_it_was() {
        let six = |flow, scope| {
            let addr = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 9, flow, scope);
            PeerAddr::Ip(addr.into())
        };
        let four = PeerAddr::Ip("192.0.2.1:50000".parse().expect("an address"));
        for addr in [
            four,
            six(0, 0),
            six(1, 0),
            six(0, 2),
            PeerAddr::Unix,
            PeerAddr::Unknown,
        ] {
            let mut info = Info::new((0, 0), addr, 1_700_000_000_999);
            for _ in 0..2 {
                assert_eq!((info.addr(), info.since()), (addr, 1_700_000_000_000));
                // As it is if it is one of the few.
                info.origin.rare();
            }
        }
    }

    #[test]
    fn no_message_is_lost_of_very_many() {
        let addr = PeerAddr::Ip("192.0.2.1:50000".parse().expect("an address"));
        let mut info = Info::new((0, 0), addr, 0);
        let many = u64::from(u32::MAX);
        info.messages_in = u32::MAX;
        info.note_received(1);
        info.note_received(1);
        assert_eq!((info.messages_in(), info.messages_out()), (many + 2, 0));
        info.note_sent(many, 1);
        assert_eq!(info.messages_out(), many);
        info.note_sent(2 * many, 1);
        assert_eq!(info.messages_in(), many + 2);
        assert_eq!(info.messages_out(), 3 * many);
        assert_eq!((info.bytes_in, info.bytes_out), (2, 2));
        assert_eq!(info.addr(), addr);
    }

    /// Each connection of an application has one.
    #[test]
    fn what_is_known_of_a_connection_is_small() {
        assert_eq!(size_of::<Info>(), 64);
        // With a place in a list, where there may be none.
        assert_eq!(size_of::<Option<Info>>(), 64);
    }
}
