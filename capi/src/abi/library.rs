//! About the library itself.
//!
//! Not here: anything with a handle.

use crate::error::Error;
use core::ffi::{CStr, c_char, c_int};

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// The library's version, such as "0.1.0". It is static.
#[unsafe(no_mangle)]
pub extern "C" fn sockeye_version() -> *const c_char {
    VERSION.as_ptr()
}

/// What an error says, in a few words of English. It is static, and there is one for every number.
#[unsafe(no_mangle)]
pub extern "C" fn sockeye_error_text(error: c_int) -> *const c_char {
    let known = Error::ALL.iter().find(|known| **known as c_int == error);
    known
        .map_or(c"unknown error", |known| known.text())
        .as_ptr()
}
