//! What a handshake of ours says beside what it must.
//!
//! Not here: what is right; the core looks at it.

use core::ffi::c_char;

/// A header field to send.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HeaderField {
    /// The name. The handshake's own headers, and those of a body, are refused.
    pub name: *const c_char,
    /// The value, without control bytes.
    pub value: *const c_char,
}

/// What a client asks for. Set `size`, `host` and `target`, and leave the rest 0 unless it is wanted. Nothing of it is
/// needed after the call. All strings are NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// sizeof(sockeye_request)
    pub size: usize,
    /// The name or address, with `:port` unless that is the default one: what the `Host` header says.
    pub host: *const c_char,
    /// The path and query: `/chat?room=1`.
    pub target: *const c_char,
    /// The `Origin`, for a program that acts for a web page. NULL: none.
    pub origin: *const c_char,
    /// The subprotocols to offer, with commas between them, the favourite first. NULL: none.
    pub protocols: *const c_char,
    /// Further headers, such as `Authorization`. NULL: none.
    pub headers: *const HeaderField,
    /// How many there are.
    pub header_count: usize,
    /// 16 random bytes that nobody can guess and that are used once. NULL: the operating system's.
    pub nonce: *const u8,
}
