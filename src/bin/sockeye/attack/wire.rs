//! Frames on their way to the one under test, made without the code under test.
//!
//! Not here: what they say.

use sockeye::proto::Role;

/// Appends a header given without mask and its payload. Towards a server the mask bit is set, the key put in and
/// the payload masked, whatever the header says.
pub(crate) fn seal(under_test: Role, head: &[u8], payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(head);
    if under_test == Role::Server {
        if head.len() > 1 {
            out[start + 1] |= 0x80;
        }
        out.extend_from_slice(&key);
        let at = out.len();
        out.extend_from_slice(payload);
        xor(key, &mut out[at..]);
    } else {
        out.extend_from_slice(payload);
    }
}

/// Masks byte by byte, as RFC 6455 section 5.3 spells it out.
pub(crate) fn xor(key: [u8; 4], bytes: &mut [u8]) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
}
