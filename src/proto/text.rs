//! Bytes to text: the one place with `unsafe`.
//!
//! Most text is ASCII, which a few wide comparisons show; `core::str::from_utf8` goes byte by byte until it is aligned,
//! which payload behind a header never is, and takes three times as long (`benches`, group `text`).
//!
//! Not here: text in pieces, which is `utf8`.

/// `bytes` as text, if they are UTF-8.
#[inline]
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() {
        #[expect(
            unsafe_code,
            reason = "the check above is all that `from_utf8` would do, and faster"
        )]
        // SAFETY: every byte is below 0x80, and so a whole character in UTF-8.
        Some(unsafe { core::str::from_utf8_unchecked(bytes) })
    } else {
        core::str::from_utf8(bytes).ok()
    }
}
