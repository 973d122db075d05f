//! Clients: on the loop, thousands of connections per thread; or blocking, one at a time.
//!
//! | file | holds |
//! |---|---|
//! | `connector` `headers` `basic` | what a connection is to be like, and its opening request |
//! | `url` `authority` | where to |
//! | `proxy` `no_proxy` `tunnel` `socks` | through what |
//! | `addresses` `redirect` `backoff` `queue` | in which order, where else, when again, and what waits meanwhile |
//! | `config_error` `url_error` `proxy_error` `error` | what can be wrong |
//!
//! Not here: the loop, which is `reactor`.

#![allow(dead_code, reason = "the loop does not use all of it yet")]

mod addresses;
mod authority;
mod backoff;
mod basic;
mod config_error;
mod connector;
mod error;
mod headers;
mod no_proxy;
mod proxy;
mod proxy_error;
mod queue;
mod redirect;
mod socks;
mod tunnel;
mod url;
mod url_error;

pub use authority::Host;
pub use backoff::Reconnect;
pub use config_error::{ConfigError, ProxyUrlError};
pub use connector::Connector;
pub use error::{Attempt, ConnectError, Refused, Stage};
pub use proxy::{Proxy, ProxyKind, ProxyServer};
pub use proxy_error::ProxyError;
pub use redirect::RedirectError;
pub use url::Url;
pub use url_error::UrlError;

pub use crate::reactor::{Limits, Timeouts};
