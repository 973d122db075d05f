//! TLS for servers and clients, by rustls with ring: [`Server`], [`Client`], and the stream that both run on.
//!
//! TLS 1.3 and 1.2; ALPN `http/1.1`; no early data, which could be replayed; no renegotiation and no compression, as
//! rustls has none. No TLS state is allocated for a connection before its first byte has come.
//!
//! Beyond a plain connection, one that has said nothing holds some 100 bytes, one that is quiet some 7.5 KB, of which 4 KiB
//! are rustls's buffer; one whose peer does not read, up to 64 KiB more. `tests/tls_memory.rs` measures the first two.
//!
//! | file | holds |
//! |---|---|
//! | `server` | certificates and keys from files, and reading them again |
//! | `client` | whom to trust |
//! | `stream` | records to bytes and back, without blocking |
//! | `error` | what can be wrong with certificates and files |
//!
//! Not here: deadlines; a handshake has those of the opening handshake that follows it.

mod client;
mod error;
mod server;
mod stream;

pub use client::Client;
pub use error::{FileError, TlsError};
pub use server::Server;
pub(crate) use stream::TlsStream;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use rustls::crypto::CryptoProvider;

/// What is spoken inside (RFC 7301).
fn alpn() -> Vec<Vec<u8>> {
    vec![b"http/1.1".to_vec()]
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
