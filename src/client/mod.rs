//! Clients: on the loop, thousands of connections per thread; or blocking, one at a time.
//!
//! | file | holds |
//! |---|---|
//! | `url` `authority` | where to |
//! | `proxy` `no_proxy` | through what |
//! | `config_error` `url_error` | what can be wrong |
//!
//! Not here: the loop, which is `reactor`.

#![allow(dead_code, reason = "the loop does not use all of it yet")]

mod authority;
mod config_error;
mod no_proxy;
mod proxy;
mod url;
mod url_error;

pub use authority::Host;
pub use config_error::{ConfigError, ProxyUrlError};
pub use proxy::{Proxy, ProxyKind, ProxyServer};
pub use url::Url;
pub use url_error::UrlError;
