//! What is known of a connection, beside what its service keeps: [`Info`].
//!
//! Not here: its protocol state, which is the loop's.

use super::audience::{is_somewhere, user_in};
use crate::kernel::PeerAddr;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Info {
    /// The number of its place on its worker.
    pub(super) place: u32,
    /// And that of its seat there, which knows its id.
    pub(super) seat: u32,
    addr: Addr,
    /// When it came, in seconds since 1970.
    since: u32,
    /// In milliseconds.
    round_trip: u32,
    pub(super) messages_in: u64,
    pub(super) bytes_in: u64,
    pub(super) messages_out: u64,
    pub(super) bytes_out: u64,
    /// The key of the room of its user, which that room has too; or that of no room, with what it is called.
    pub(super) user: Option<Arc<str>>,
}

/// Where a connection comes from, in 24 bytes and not in 32: most addresses of IPv6 have neither a scope nor a flow.
#[derive(Debug)]
enum Addr {
    V4([u8; 4], u16),
    V6([u8; 16], u16),
    Other(Box<PeerAddr>),
}

impl Addr {
    fn of(addr: PeerAddr) -> Self {
        match addr {
            PeerAddr::Ip(SocketAddr::V4(addr)) => Self::V4(addr.ip().octets(), addr.port()),
            PeerAddr::Ip(SocketAddr::V6(addr)) if addr.scope_id() == 0 && addr.flowinfo() == 0 => {
                Self::V6(addr.ip().octets(), addr.port())
            }
            other => Self::Other(Box::new(other)),
        }
    }

    fn get(&self) -> PeerAddr {
        match self {
            Self::V4(ip, port) => PeerAddr::Ip((*ip, *port).into()),
            Self::V6(ip, port) => PeerAddr::Ip((*ip, *port).into()),
            Self::Other(addr) => **addr,
        }
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
            addr: Addr::of(addr),
            since: u32::try_from(now / 1000).unwrap_or(u32::MAX),
            round_trip: UNKNOWN,
            messages_in: 0,
            bytes_in: 0,
            messages_out: 0,
            bytes_out: 0,
            user: None,
        }
    }

    /// Where it comes from.
    pub(super) fn addr(&self) -> PeerAddr {
        self.addr.get()
    }

    /// When it came, in milliseconds since 1970, of which whole seconds count.
    pub(super) fn since(&self) -> u64 {
        u64::from(self.since) * 1000
    }

    /// Whether it is known whose connection it is.
    pub(super) fn is_identified(&self) -> bool {
        self.user.as_deref().is_some_and(is_somewhere)
    }

    /// Whose connection it is, or what it is called, if that was said.
    pub(super) fn user_name(&self) -> Option<&str> {
        self.user.as_deref().and_then(user_in)
    }

    pub(super) const fn note_received(&mut self, bytes: usize) {
        self.messages_in += 1;
        self.bytes_in += bytes as u64;
    }

    pub(super) const fn note_sent(&mut self, messages: u64, bytes: usize) {
        self.messages_out += messages;
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
    use super::{Addr, Info, PeerAddr};
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
            assert_eq!(Addr::of(addr).get(), addr);
        }
    }

    /// Each connection of an application has one.
    #[test]
    fn what_is_known_of_a_connection_is_small() {
        assert!(size_of::<Info>() <= 88, "{}", size_of::<Info>());
    }
}
