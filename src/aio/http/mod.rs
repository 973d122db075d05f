//! Connections that begin as requests which an HTTP library has read: hyper, and with it axum, tower and others.
//!
//! The same rules, answers and [`Server`](super::Server) as where we read the request ourselves:
//!
//! ```
//! # use std::convert::Infallible;
//! use hyper::{Request, Response};
//! use sockeye::aio::Server;
//!
//! async fn serve<B>(mut request: Request<B>) -> Result<Response<String>, Infallible> {
//!     let (response, upgrade) = match Server::new().upgrade(&mut request) {
//!         Ok(accepted) => accepted,
//!         Err(refused) => return Ok(refused.into()),
//!     };
//!     tokio::spawn(async move {
//!         let mut socket = upgrade.await?;
//!         socket.send("welcome").await
//!     });
//!     Ok(response)
//! }
//! ```
//!
//! hyper's connection has to be served with upgrades; see `examples/hyper.rs`. For axum there is an extractor with the
//! feature `axum`, for tower a service with `tower`; with `http2`, all of them take requests over HTTP/2 too (RFC 8441), as
//! `examples/h2.rs` does.
//!
//! # What differs
//!
//! What hyper refuses never comes here: malformed heads, above all, which it answers by itself. It takes line feeds alone
//! for line ends, and does not tell a fragment. How long it waits for a head is for its `header_read_timeout` to say, and how
//! much it reads for its `max_buf_size`; of that, [`Terms::head`](super::Terms::head) allows as much as ever.
//!
//! Over HTTP/2 a request is an extended CONNECT, which the server has to announce (`enable_connect_protocol`). No key is
//! asked for and none is answered, the status is 200, and where 426 would be the answer it is 400.
//!
//! Not here: frames, and the rules of a handshake, which are [`proto`](crate::proto)'s; how a server is run.

mod answer;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "http2")]
mod connect;
mod head;
#[cfg(feature = "tower")]
mod tower;
mod upgrade;

pub use self::answer::Refused;
#[cfg(feature = "axum")]
pub use self::axum::WebSocketUpgrade;
#[cfg(feature = "tower")]
pub use self::tower::UpgradeService;
pub use self::upgrade::Upgrade;

use super::{Tokio, WebSocket};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

/// A connection that hyper has upgraded.
///
/// ```
/// use sockeye::aio::{Error, http};
///
/// async fn greet(mut socket: http::Socket) -> Result<(), Error> {
///     socket.send("welcome").await
/// }
/// ```
pub type Socket = WebSocket<Tokio<TokioIo<Upgraded>>>;
