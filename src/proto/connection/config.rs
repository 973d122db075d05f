//! What a connection is told once: limits and choices, shared by all connections behind one `Arc`.
//!
//! Not here: deadlines, which need a clock, and the server's own limits.
#![deny(clippy::arithmetic_side_effects)]

#[cfg(feature = "deflate")]
use crate::proto::deflate::Policy;

/// What a peer may make us hold. Every limit is finite by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes of one frame. Default: 1 MiB.
    ///
    /// Of a compressed frame these are the bytes on the wire, and where frames are delivered also those that come out. On
    /// the wire, a compressed frame and a compressed message may be larger by 1/128, 64 bytes and 16 for each fragment:
    /// data that does not get smaller by being compressed gets a little larger.
    pub max_frame: u64,
    /// Payload bytes of one message, all fragments together; of a compressed one, those that come out. Default: 1 MiB.
    pub max_message: u64,
    /// Fragments of one message, empty ones included, beyond one for every 32 payload bytes received.
    /// Default: 1024.
    ///
    /// The allowance for bytes lets an honest sender of many small fragments pass, while a peer that sends
    /// nothing but headers is stopped.
    pub max_fragments: u32,
}

impl Limits {
    /// The defaults, with this many bytes for a message and for a frame.
    #[must_use]
    pub fn with_max_message(bytes: u64) -> Self {
        Self {
            max_frame: bytes,
            max_message: bytes,
            ..Self::default()
        }
    }

    /// How many fragments a message may have that has brought `received` payload bytes.
    pub(crate) fn fragments_allowed(&self, received: u64) -> u64 {
        u64::from(self.max_fragments).saturating_add(received / 32)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 1 << 20,
            max_message: 1 << 20,
            max_fragments: 1024,
        }
    }
}

/// How data reaches the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Whole messages: [`Event::Text`](super::Event::Text) and [`Event::Binary`](super::Event::Binary).
    #[default]
    Messages,
    /// Whole frames, as [`Event::Part`](super::Event::Part).
    Frames,
    /// Whatever has arrived of a frame, as [`Event::Part`](super::Event::Part): a frame of any size passes
    /// through constant memory.
    Chunks,
}

/// A connection's configuration.
///
/// ```
/// use sockeye::proto::{Config, Connection, Delivery, Limits};
///
/// let mut config = Config::default();
/// config.limits = Limits::with_max_message(64 << 10);
/// config.delivery = Delivery::Chunks;
/// let config = std::sync::Arc::new(config); // one for all connections
/// let conn = Connection::server(config.clone());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What the peer may make us hold.
    pub limits: Limits,
    /// How data reaches the application. Default: whole messages.
    pub delivery: Delivery,
    /// Whether pings are answered without the application's doing (RFC 6455 section 5.5.2). Default: yes.
    ///
    /// Without it the application owes the pong.
    pub auto_pong: bool,
    /// What to agree on about compression in the opening handshake, or not to offer or accept it. Default: the policy's
    /// defaults.
    ///
    /// It is for whoever leads that handshake; the connection does what [`set_deflate`] tells it.
    ///
    /// [`set_deflate`]: super::Connection::set_deflate
    #[cfg(feature = "deflate")]
    pub deflate: Option<Policy>,
    /// Which of the driver's configurations this is; nothing here looks at it. Default: 0.
    pub number: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            delivery: Delivery::default(),
            auto_pong: true,
            #[cfg(feature = "deflate")]
            deflate: Some(Policy::default()),
            number: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;

    #[test]
    fn thirty_two_bytes_allow_one_more_fragment() {
        let mut limits = Limits {
            max_fragments: 2,
            ..Limits::default()
        };
        for (received, allowed) in [(0, 2), (31, 2), (32, 3), (63, 3), (64, 4), (3_200, 102)] {
            assert_eq!(limits.fragments_allowed(received), allowed, "{received}");
        }
        limits.max_fragments = u32::MAX;
        let most = u64::from(u32::MAX) + u64::MAX / 32;
        assert_eq!(limits.fragments_allowed(u64::MAX), most);
    }
}
