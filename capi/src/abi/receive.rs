//! Bytes in, events out.
//!
//! Not here: what they mean.

use super::code;
use crate::boundary::{Conn, Tools, buffer, guard, put, whole};
use crate::error::Error;
use crate::event::{Event, Step};

/// Looks for the next event in `bytes`, which hold everything received and not consumed yet. They are unmasked in place:
/// what is left of them is fed again as it is then, with more behind it. Call again behind what was consumed, until the
/// step says SOCKEYE_EVENT_NEED_MORE.
///
/// On an error nothing was consumed, and the step says SOCKEYE_EVENT_NEED_MORE. What the peer does wrong is no error
/// but an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_next(
    conn: *mut Conn,
    tools: *mut Tools,
    bytes: *mut u8,
    len: usize,
    step: *mut Step,
) -> Error {
    // SAFETY: NULL, or good for one step.
    if let Err(error) = unsafe { put(step, Step::new(Event::NeedMore, 0)) } {
        return error;
    }
    // SAFETY: NULL or a connection that nobody else uses; what it has lent ends here.
    let conn = unsafe { whole(conn) };
    // SAFETY: NULL or tools that nobody else uses; what they have lent ends here.
    let tools = unsafe { whole(tools) };
    let handles = conn.and_then(|conn| Ok((conn, tools?)));
    code(handles.map(|(conn, tools)| {
        guard(&[&conn.poison, &tools.poison], || {
            // SAFETY: NULL, or good for `len` bytes that nobody else uses.
            let input = unsafe { buffer(bytes, len) }?;
            let found = conn.session.next(&mut tools.kit, input);
            // SAFETY: NULL, or good for one step.
            unsafe { put(step, found) }
        })
    }))
}
