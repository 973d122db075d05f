//! permessage-deflate (RFC 7692): what its parameters mean, and who agrees on what.
//!
//! | step | server | client |
//! |---|---|---|
//! | offer | | [`Policy::offer`] |
//! | answer | [`Policy::answer`] | |
//! | what holds | [`Params::agreed`] | [`Policy::confirm`] |
//!
//! ```
//! use sockeye::proto::deflate::Policy;
//! use sockeye::proto::handshake::{HandshakeError, HeadLimits, server};
//!
//! let head = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
//!     Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=10\r\n\r\n";
//! let request = server::parse(head, HeadLimits::default())?;
//! let policy = Policy { server_context_takeover: true, ..Policy::default() };
//! let answer = policy.answer(request.extensions()).unwrap();
//! assert_eq!(
//!     answer.to_string(),
//!     "permessage-deflate; client_no_context_takeover; server_max_window_bits=10",
//! );
//! assert_eq!(answer.agreed().server.window_bits(), 10);
//! # Ok::<(), HandshakeError>(())
//! ```
//!
//! Names are compared as they are, case and all: no RFC says otherwise, and tokens have a case (RFC 9110 §5.6.2). So
//! `Permessage-Deflate` is an extension that nobody here knows, and `Server_Max_Window_Bits` a parameter that it does
//! not have.
//!
//! Not here: the grammar of the header ([`Extension`](super::handshake::Extension)), and that an answer names only
//! what was offered ([`handshake::client`](super::handshake::client)).

mod answer_error;
mod codec;
mod compress;
mod history;
mod inflate;
mod params;
mod policy;

pub use answer_error::AnswerError;
pub use compress::Compressor;
#[cfg(feature = "server")]
pub(crate) use compress::window_of;
pub(crate) use compress::{CLASSES, Own, class_of};
pub(crate) use inflate::{Kept, Shared};
pub use params::{Agreed, ClientBits, Direction, NAME, Params, WindowBits};
pub use policy::Policy;
