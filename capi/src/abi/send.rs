//! Messages and control frames, into the output.
//!
//! Not here: writing it.

use super::code;
use crate::boundary::{Conn, Tools, bytes, guard, sending};
use crate::error::Error;
use crate::event::Event;
use crate::session::Sending;
use core::ffi::{c_int, c_void};
use core::ptr;
use engine::proto::frame::MessageKind;

/// Sends a text message. With `tools` it is compressed where that was agreed on and pays; with NULL it is sent as it is,
/// as it should be where it holds a secret beside what a stranger chose (RFC 7692 section 8).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_text(
    conn: *mut Conn,
    tools: *mut Tools,
    text: *const c_void,
    len: usize,
) -> Error {
    // SAFETY: as here.
    unsafe { send(conn, tools, text, len, |parts, text| parts.text(text)) }
}

/// Sends a binary message. `tools` are as for sockeye_send_text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_binary(
    conn: *mut Conn,
    tools: *mut Tools,
    data: *const c_void,
    len: usize,
) -> Error {
    // SAFETY: as here.
    unsafe { send(conn, tools, data, len, |parts, data| parts.binary(data)) }
}

/// Sends the next fragment of a message; `last`, if it is not 0, ends it. `kind` is SOCKEYE_EVENT_TEXT or
/// SOCKEYE_EVENT_BINARY, the same for all fragments of a message. Pings, pongs and a close may go between them;
/// other messages may not. A character of a text may stand across fragments. A message that was begun with `tools` goes
/// on with tools.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_fragment(
    conn: *mut Conn,
    tools: *mut Tools,
    kind: c_int,
    data: *const c_void,
    len: usize,
    last: c_int,
) -> Error {
    let fragment = |parts: Sending<'_>, data: &[u8]| {
        let kind = if kind == Event::Text as c_int {
            MessageKind::Text
        } else if kind == Event::Binary as c_int {
            MessageKind::Binary
        } else {
            return Err(Error::Kind);
        };
        parts.fragment(kind, data, last != 0)
    };
    // SAFETY: as here.
    unsafe { send(conn, tools, data, len, fragment) }
}

/// Sends a ping with up to 125 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_ping(
    conn: *mut Conn,
    data: *const c_void,
    len: usize,
) -> Error {
    // SAFETY: as here.
    unsafe {
        send(conn, ptr::null_mut(), data, len, |parts, data| {
            parts.ping(data)
        })
    }
}

/// Sends a pong with up to 125 bytes. Pings are answered without it, unless SOCKEYE_NO_AUTO_PONG is set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_pong(
    conn: *mut Conn,
    data: *const c_void,
    len: usize,
) -> Error {
    // SAFETY: as here.
    unsafe {
        send(conn, ptr::null_mut(), data, len, |parts, data| {
            parts.pong(data)
        })
    }
}

/// Begins to close, with 1000 to 1003, 1007 to 1014 or 3000 to 4999, and a reason of up to 123 bytes of UTF-8. What the
/// peer sends from now on is discarded until its Close frame. Have a deadline running: it may never come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_send_close(
    conn: *mut Conn,
    code: u16,
    reason: *const c_void,
    len: usize,
) -> Error {
    let close = |parts: Sending<'_>, reason: &[u8]| parts.close(code, reason);
    // SAFETY: as here.
    unsafe { send(conn, ptr::null_mut(), reason, len, close) }
}

/// # Safety
///
/// `conn` and `tools` are NULL or handles that nobody else uses; `data` is NULL or good for `len` bytes, which may be what
/// they have lent, but not the output.
unsafe fn send(
    conn: *mut Conn,
    tools: *mut Tools,
    data: *const c_void,
    len: usize,
    call: impl FnOnce(Sending<'_>, &[u8]) -> Result<(), Error>,
) -> Error {
    // SAFETY: what the caller promises.
    let parts = unsafe { sending(conn, tools) };
    code(parts.map(|(parts, poisons)| {
        guard(&poisons, || {
            // SAFETY: what the caller promises.
            call(parts, unsafe { bytes(data, len) }?)
        })
    }))
}
