//! The opening handshake of both roles (RFC 6455 §4), as pure functions over bytes.
//!
//! | step | server | client |
//! |---|---|---|
//! | read what arrives | [`server::RequestParser`] | [`client::ResponseParser`] |
//! | judge it | [`server::Request`] exists only if every rule holds | [`client::Response::verify`] |
//! | write | [`Accept`], [`Refusal`] | [`client::Request`] |
//!
//! A server may have pages on the same port: [`RequestParser::parse_any`](server::RequestParser::parse_any) reads
//! requests of both kinds, and a [`Response`] answers for a page.
//!
//! Both parsers are resumable: they are given the same growing slice again and again, look at each byte once, and
//! refuse at the first byte that cannot belong to a good head. How the bytes were split never changes the answer.
//! `httparse` finds the fields; the grammar and every rule are here.
//!
//! The reading is strict where leniency has been an attack (line ends, duplicate fields, bodies, whitespace before
//! colons, substring matches) and lenient only where the RFC asks for it (case, list whitespace, empty list elements,
//! `obs-text` in fields nobody here reads).
//!
//! ```
//! use sockeye::proto::handshake::{Accept, HeadLimits, Refusal, server::RequestParser};
//!
//! let received = b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
//! let mut parser = RequestParser::new(HeadLimits::default());
//! let mut out = Vec::new();
//! match parser.parse(received) {
//!     Ok(None) => { /* read more, then call again with everything so far */ }
//!     Ok(Some(request)) => Accept::new(&request).write(&mut out).expect("nothing of ours was added"),
//!     Err(error) => Refusal::from(error).write(&mut out).expect("nothing of ours was added"),
//! }
//! assert!(out.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! ```
//!
//! Not here: sockets, deadlines (the driver arms them and answers [`HandshakeError::Timeout`]), URLs, TLS, proxies,
//! routing, authentication, cookies, redirects, what an extension's parameters mean, and randomness: the nonce of a
//! client is an argument.

mod answer;
pub mod client;
mod error;
mod extension;
mod grammar;
mod head;
mod key;
mod misuse;
mod origin;
mod outgoing;
mod page;
mod protocols;
mod request_head;
mod response;
pub mod server;
mod uri;

pub use answer::{Accept, Refusal};
pub use error::{HandshakeError, HeadError, ResponseError};
pub use extension::{Extension, Extensions, Param, Params};
#[cfg(feature = "admin")]
pub(crate) use grammar::is_token_byte;
pub use head::{Headers, MAX_HEADERS, MAX_START_LINE, Values};
pub use key::{accept_of, key_of};
pub use misuse::Misuse;
pub use origin::OriginPolicy;
pub use protocols::Protocols;
pub use response::{Body, Response};

/// How much head a peer may send; the same for requests and responses.
///
/// Everything is counted in what was received, so a limit cannot be dodged by repeating a name or by splitting writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head: start line, fields, all line ends and the closing empty line. A client counts interim
    /// (1xx) answers too. Default 8192.
    pub max_head: usize,
    /// Field lines, counted as lines. Default 64, and more than [`MAX_HEADERS`] means [`MAX_HEADERS`], because the
    /// parsed head lives on the stack.
    pub max_headers: usize,
}

impl HeadLimits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_head: 8192,
        max_headers: MAX_HEADERS,
    };
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
