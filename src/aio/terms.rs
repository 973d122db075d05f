//! What holds for a connection: [`Terms`].

use crate::proto::Config;
use crate::proto::handshake::HeadLimits;
use alloc::sync::Arc;
use core::time::Duration;

/// Limits, deadlines, and what to agree on about compression. One may be shared by all connections.
///
/// ```
/// use sockeye::aio::{Server, Terms};
/// use sockeye::proto::{Config, Limits};
///
/// let mut config = Config::default();
/// config.limits = Limits::with_max_message(64 << 10);
/// let mut terms = Terms::default();
/// terms.config = config.into();
/// terms.ping_every = None;
/// let server = Server::new().terms(terms);
/// # let _ = server;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Terms {
    /// What the peer may make us hold, how data is delivered, and compression.
    pub config: Arc<Config>,
    /// How much head the peer may send in the handshake.
    pub head: HeadLimits,
    /// From the call to the end of the handshake; a server answers a request that was late with 408. Default: 5 s.
    pub handshake_timeout: Option<Duration>,
    /// Silence after which the peer is pinged, while somebody waits for what it says. Default: 20 s.
    pub ping_every: Option<Duration>,
    /// Silence after such a ping; then the connection has ended. Default: 10 s.
    pub pong_timeout: Duration,
    /// From our last frame to the peer's end, and longer only where the peer takes what stands before it. Default: 3 s.
    pub close_timeout: Option<Duration>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            config: Arc::default(),
            head: HeadLimits::DEFAULT,
            handshake_timeout: Some(Duration::from_secs(5)),
            ping_every: Some(Duration::from_secs(20)),
            pong_timeout: Duration::from_secs(10),
            close_timeout: Some(Duration::from_secs(3)),
        }
    }
}
