//! The key and the value that answers it (RFC 6455 §4.1 step 7, §4.2.2 step 5.4).
//!
//! Not here: randomness. A client's 16 bytes are an argument; they must come from a CSPRNG and be used once.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::{Digest as _, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` value for a `Sec-WebSocket-Key` as it was sent, without surrounding whitespace.
///
/// ```
/// use sockeye::proto::handshake::accept_of;
/// assert_eq!(&accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_of(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    // 20 bytes are 28 characters, so this cannot run out of room; were it ever to, no peer would match the zeros.
    let written = STANDARD.encode_slice(digest, &mut accept);
    debug_assert_eq!(written, Ok(28));
    accept
}

/// The `Sec-WebSocket-Key` value for a nonce of 16 bytes.
///
/// ```
/// use sockeye::proto::handshake::key_of;
/// assert_eq!(&key_of(*b"the sample nonce"), b"dGhlIHNhbXBsZSBub25jZQ==");
/// ```
#[must_use]
pub fn key_of(nonce: [u8; 16]) -> [u8; 24] {
    let mut key = [0; 24];
    let written = STANDARD.encode_slice(nonce, &mut key);
    debug_assert_eq!(written, Ok(24));
    key
}

/// Whether a value is the base64 of 16 bytes: 22 characters and `==`.
///
/// The last character carries four bits that no byte owns. The RFC's own example leaves them set (erratum 3150), the
/// hash is over the text and not over the bytes, so they are not looked at.
pub(super) fn is_key(value: &[u8]) -> bool {
    value.len() == 24
        && value.strip_suffix(b"==").is_some_and(|text| {
            text.iter()
                .all(|&byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        })
}
