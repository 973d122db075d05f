//! The value of `Authorization` and `Proxy-Authorization` for a user and a password (RFC 7617).
//!
//! Not here: which of the two is sent where, and checking that the user holds no colon.

use alloc::format;
use alloc::string::String;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use super::authority::Credentials;

/// `Basic` and the base64 of `user:password`, in UTF-8.
pub(crate) fn basic(credentials: &Credentials) -> String {
    let Credentials { user, password } = credentials;
    let both = format!("{user}:{password}");
    format!("Basic {}", Base64Display::new(both.as_bytes(), &STANDARD))
}
