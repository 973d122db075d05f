//! permessage-deflate (RFC 7692): what its parameters mean, who agrees on what, and compressing.
//!
//! # Agreeing
//!
//! | step | server | client |
//! |---|---|---|
//! | offer | | [`Policy::offer`] |
//! | answer | [`Policy::answer`] | |
//! | what holds | [`Params::agreed`] | [`Policy::confirm`] |
//!
//! Then [`Connection::set_deflate`](super::Connection::set_deflate). What arrives is inflated from there on; to compress
//! what is sent, lend the [`Outbound`](super::Outbound) a [`Compressor`]:
//!
//! ```
//! use sockeye::proto::deflate::{Compressor, Policy};
//! use sockeye::proto::handshake::{Accept, HandshakeError, HeadLimits, server};
//! use sockeye::proto::{Connection, Outbound};
//!
//! let policy = Policy { server_context_takeover: true, ..Policy::default() };
//! let mut compressor = Compressor::new(&policy); // one for all connections
//!
//! let head = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=10\r\n\r\n";
//! let request = server::parse(head, HeadLimits::default())?;
//! let answer = policy.answer(request.extensions());
//! let line = answer.map(|params| params.to_string());
//! assert_eq!(
//!     line.as_deref(),
//!     Some("permessage-deflate; client_no_context_takeover; server_max_window_bits=10"),
//! );
//! let mut written = Vec::new();
//! Accept::new(&request).extensions(line.as_deref()).write(&mut written).unwrap();
//!
//! let mut conn = Connection::server(Default::default());
//! if let Some(params) = answer {
//!     conn.set_deflate(params.agreed());
//! }
//! let mut out = Outbound::server(&mut written).deflate(&mut compressor);
//! conn.tx.text(&"always the same ".repeat(1000), &mut out).unwrap();
//! assert!(written.len() < 1000);
//! # Ok::<(), HandshakeError>(())
//! ```
//!
//! # What is compressed
//!
//! A message of at least [`Policy::threshold`] bytes, if it gets smaller; else it goes out as it is. Which messages an
//! attacker can learn something about from their compressed size is for the application to know (RFC 7692 section 8):
//! [`Outbound::uncompressed`](super::Outbound::uncompressed) sends one as it is.
//!
//! # What it costs
//!
//! An inflater takes 48 KiB, its buffer 64 to 256 KiB, and a compressor 251 to 380 KB, or 30 KB as long as no message is
//! longer than 4 KiB: have one of each for each thread rather than for each connection. Without context takeover, which is the default, connections
//! hold nothing between messages: one [`Inbound`](super::Inbound) and one [`Compressor`] serve all of them. With it, a
//! connection holds what was received last, up to the window's size, and a compressor once it has sent something;
//! [`Connection::heap_bytes`](super::Connection::heap_bytes) says how much, and
//! [`Sender::forget_context`](super::Sender::forget_context) gives the compressor back.
//!
//! | file | holds |
//! |---|---|
//! | `params` `policy` `answer_error` | offers and answers, as data |
//! | `codec` | the library, with its progress checked |
//! | `inflate` `run` `history` | messages, frames and parts of frames, inflated within a limit |
//! | `compress` | messages and fragments, compressed |
//! | `short` | short messages without a past, compressed by ourselves |
//!
//! Names are compared as they are, case and all: no RFC says otherwise, and tokens have a case (RFC 9110 §5.6.2). So
//! `Permessage-Deflate` is an extension that nobody here knows, and `Server_Max_Window_Bits` a parameter that it does
//! not have.
//!
//! Not here: the grammar of the header ([`Extension`](super::handshake::Extension)), and that an answer names only
//! what was offered ([`handshake::client`](super::handshake::client)); frames, which are the connection's.

mod answer_error;
mod codec;
mod compress;
mod history;
mod inflate;
mod params;
mod policy;
mod run;
mod short;

pub use answer_error::AnswerError;
pub use compress::Compressor;
pub(crate) use compress::{CLASSES, Own, class_of, window_of};
pub(crate) use inflate::{Kept, Shared};
pub use params::{Agreed, ClientBits, Direction, NAME, Params, WindowBits};
pub use policy::Policy;
