//! Connections for async programs, over whatever carries bytes: tokio's streams, those of `futures-io`, your own.
//!
//! ```
//! # async fn run(listener: tokio::net::TcpListener) -> std::io::Result<()> {
//! loop {
//!     let (stream, _) = listener.accept().await?;
//!     tokio::spawn(async move {
//!         let mut socket = sockeye::aio::accept(stream).await?;
//!         while let Some(message) = socket.next().await.transpose()? {
//!             if message.is_data() {
//!                 socket.feed(&message).await?;
//!             }
//!         }
//!         Ok::<(), sockeye::aio::Error>(())
//!     });
//! }
//! # }
//! ```
//!
//! # Receiving
//!
//! [`WebSocket`] is a [`Stream`](futures_core::Stream) of [`Message`]s, which own what they say.
//! [`receive`](WebSocket::receive) lends an [`Event`](crate::proto::Event) from the buffer it has arrived in;
//! [`receive_to_answer`](WebSocket::receive_to_answer) comes with what sends while that is lent; and
//! [`split`](WebSocket::split) has one task receive and another one send.
//!
//! # Sending
//!
//! [`send`](WebSocket::send) writes at once, and waits until the system has taken everything. [`feed`](WebSocket::feed)
//! queues: what is fed before the next wait goes out in one write. Who receives writes that before waiting; one half does
//! not wake the other for it. Never is more queued than 64 KiB and a message, and about as much of answers to the peer.
//!
//! # Giving up
//!
//! All of it is safe to be given up, in `select!` or under a timeout: whatever has arrived is kept for the next call, and
//! a message is queued whole or not at all.
//!
//! # Time
//!
//! While somebody receives, a silent peer is pinged, and given up when it does not answer; the handshake and the end have
//! deadlines; see [`Terms`]. While nobody does, nothing happens: pings wait, and so does the peer's goodbye. How long a
//! peer may not read, while somebody sends, is for the caller's own timeout to say.
//!
//! # What it costs
//!
//! A connection that waits has no buffer: those, the inflater, and the compressor where no context is kept, are the
//! thread's.
//!
//! Not here: addresses, TLS, URLs, routes, rooms.

#[cfg(feature = "tokio")]
mod accept;
mod answer;
mod client;
mod error;
mod halves;
#[cfg(feature = "hyper")]
pub mod http;
mod incoming;
mod io;
mod line;
mod message;
mod opening;
mod server;
mod shared;
mod sinks;
mod socket;
mod steps;
mod sync;
mod terms;
mod tools;

#[cfg(feature = "tokio")]
pub use accept::accept;
pub use answer::Answer;
pub use client::Client;
pub use error::Error;
pub use halves::{Reader, Writer};
#[cfg(feature = "futures-io")]
pub use io::Futures;
pub use io::Io;
#[cfg(feature = "tokio")]
pub use io::Tokio;
pub use message::{Goodbye, Message, Outgoing};
pub use server::{Arrival, Server};
pub use socket::WebSocket;
pub use terms::Terms;
