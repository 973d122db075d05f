//! Clients: on the loop, thousands of connections per thread; or blocking, one at a time.
//!
//! | file | holds |
//! |---|---|
//! | `on_loop` `blocking` | any number of connections; one |
//! | `connector` `headers` `basic` | what a connection is to be like, and its opening request |
//! | `url` `authority` | where to |
//! | `proxy` `no_proxy` `tunnel` `socks` | through what |
//! | `addresses` `redirect` `body` | in which order, where else, and what a refusal says |
//! | `backoff` `queue` `resume` | when again, what waits meanwhile, and where it goes on |
//! | `config_error` `url_error` `proxy_error` `error` | what can be wrong |
//!
//! Not here: the loop, which is `reactor`; and any order among attempts. RFC 6455 section 4.1 wants one handshake at a time
//! with each address: an application that is to keep to that opens one connection when the one before is open.

pub(crate) mod addresses;
mod authority;
pub(crate) mod backoff;
mod basic;
mod blocking;
pub(crate) mod body;
mod config_error;
mod connector;
mod error;
mod headers;
mod no_proxy;
mod on_loop;
mod proxy;
mod proxy_error;
pub(crate) mod queue;
pub(crate) mod redirect;
pub(crate) mod resume;
mod socks;
pub(crate) mod tunnel;
mod url;
mod url_error;

pub use authority::Host;
pub use backoff::Reconnect;
pub use blocking::{End, Error, Received, WebSocket, connect};
pub use config_error::{ConfigError, ProxyUrlError};
pub(crate) use connector::Agreement;
pub use connector::Connector;
pub use error::{Attempt, ConnectError, Refused, Stage};
pub use on_loop::Client;
pub use proxy::{Proxy, ProxyKind, ProxyServer};
pub use proxy_error::ProxyError;
pub use redirect::RedirectError;
pub use url::Url;
pub use url_error::UrlError;

pub use crate::reactor::{
    Answer, Cause, Closed, ConnectionId, Delivery, EventLoop, Handler, Hub, Limits, LinkState,
    LinkStatus, Message, Mio, Peer, Settings, Stopper, Timeouts,
};
