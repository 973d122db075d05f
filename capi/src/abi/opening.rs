//! The opening handshake: asking, looking at a request, accepting and refusing.
//!
//! Not here: reading it, which `sockeye_next` does.

use super::handles::with;
use super::{Bytes, code};
use crate::boundary::{
    Conn, Growing, Poison, Tools, bytes, grown, guard, headers, look, own, put, string,
};
use crate::config::Config;
use crate::error::Error;
use crate::request::{HeaderField, Request};
use crate::session::{Asked, Field, Session};
use core::ffi::c_char;
use core::ptr;

// SAFETY: it begins with its size, and its fields are numbers.
unsafe impl Growing for Config {}
// SAFETY: it begins with its size, and its fields are numbers and pointers that may be NULL.
unsafe impl Growing for Request {}

/// Makes a client's side of a connection, with its request in the output. `*conn` is NULL on an error. Nothing may be
/// sent until sockeye_next says SOCKEYE_EVENT_OPEN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_client_new(
    tools: *const Tools,
    request: *const Request,
    conn: *mut *mut Conn,
) -> Error {
    // SAFETY: NULL, or good for one pointer.
    if let Err(error) = unsafe { put(conn, ptr::null_mut()) } {
        return error;
    }
    // SAFETY: NULL or tools that nobody else uses.
    let tools = unsafe { look(tools) };
    code(tools.map(|tools| {
        guard(&[&tools.poison], || {
            // SAFETY: NULL or a request, which says how long it is.
            let request = unsafe { grown(request) }?;
            // SAFETY: its pointers are NULL or good.
            let headers = unsafe { headers(request.headers, request.header_count) }?;
            // SAFETY: as above.
            let asked = unsafe { asked(&request, &headers) }?;
            let made = Conn {
                poison: Poison::default(),
                session: Session::client(&tools.kit.setup, &asked)?,
            };
            // SAFETY: NULL, or good for one pointer.
            unsafe { put(conn, own(made)) }
        })
    }))
}

/// What a request's pointers point to.
///
/// # Safety
///
/// They are NULL or good.
unsafe fn asked<'a>(
    request: &Request,
    headers: &'a [(&'a str, &'a str)],
) -> Result<Asked<'a>, Error> {
    // SAFETY: NULL or a string.
    let string = |text| unsafe { string(text) };
    let mut nonce = [0; 16];
    if request.nonce.is_null() {
        getrandom::fill(&mut nonce).map_err(|_| Error::NoRandomness)?;
    } else {
        // SAFETY: it is good for 16 bytes.
        let given = unsafe { bytes(request.nonce.cast(), 16) }?;
        nonce.copy_from_slice(given);
    }
    Ok(Asked {
        host: string(request.host)?.ok_or(Error::Null)?,
        target: string(request.target)?.ok_or(Error::Null)?,
        origin: string(request.origin)?,
        protocols: string(request.protocols)?.unwrap_or_default(),
        headers,
        nonce,
    })
}

/// The path that was asked for, which begins with `/`; not decoded. There is one between SOCKEYE_EVENT_REQUEST and
/// the answer to it; so it is with the next three.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_path(conn: *const Conn) -> Bytes {
    // SAFETY: as here.
    unsafe { ask(conn, Field::Path) }
}

/// What follows the first `?` of what was asked for, not decoded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_query(conn: *const Conn) -> Bytes {
    // SAFETY: as here.
    unsafe { ask(conn, Field::Query) }
}

/// The value of `Host`: a host with an optional port.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_host(conn: *const Conn) -> Bytes {
    // SAFETY: as here.
    unsafe { ask(conn, Field::Host) }
}

/// The value of `Origin` as it was sent; none where the client is not a browser.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_origin(conn: *const Conn) -> Bytes {
    // SAFETY: as here.
    unsafe { ask(conn, Field::Origin) }
}

/// The value of the peer's header of this name, in any case; `index` is 0 for the first of several. A server has them
/// between SOCKEYE_EVENT_REQUEST and its answer; a client after SOCKEYE_EVENT_OPEN until it receives more, and
/// when the server has refused. Each call reads the head again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_header(
    conn: *const Conn,
    name: *const c_char,
    index: usize,
) -> Bytes {
    // SAFETY: NULL or a string.
    match unsafe { string(name) } {
        // SAFETY: as here.
        Ok(Some(name)) => unsafe { ask(conn, Field::Header(name, index)) },
        Ok(None) | Err(_) => Bytes::NONE,
    }
}

/// The subprotocol in use, on a connection that is or was open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_protocol(conn: *const Conn) -> Bytes {
    // SAFETY: NULL or a connection that nobody else uses.
    unsafe { query(conn, Session::protocol) }
}

/// Accepts the request: the answer is in the output, and sending may begin. `protocols` are the subprotocols that the
/// program speaks, with commas between them, its favourite first: the first of them that the client offers is chosen, if
/// there is one; sockeye_protocol tells. NULL: none. `headers` may be NULL.
///
/// Compression is agreed on by itself. After an error the request still waits for an answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_accept(
    conn: *mut Conn,
    protocols: *const c_char,
    headers: *const HeaderField,
    header_count: usize,
) -> Error {
    let accept = |session: &mut Session| {
        // SAFETY: NULL or a string.
        let protocols = unsafe { string(protocols) }?.unwrap_or_default();
        // SAFETY: NULL or so many headers.
        let headers = unsafe { self::headers(headers, header_count) }?;
        session.accept(protocols, &headers)
    };
    // SAFETY: as here.
    unsafe { with(conn, accept) }
}

/// Refuses the request, also one that has not come in time: the answer is in the output, and the connection is over.
/// `status` is 300 to 599 but 304; `sentence` the body, one line, or NULL for the usual one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_refuse(
    conn: *mut Conn,
    status: u16,
    sentence: *const c_char,
    headers: *const HeaderField,
    header_count: usize,
) -> Error {
    let refuse = |session: &mut Session| {
        // SAFETY: NULL or a string.
        let sentence = unsafe { string(sentence) }?;
        // SAFETY: NULL or so many headers.
        let headers = unsafe { self::headers(headers, header_count) }?;
        session.refuse(status, sentence, &headers)
    };
    // SAFETY: as here.
    unsafe { with(conn, refuse) }
}

/// # Safety
///
/// NULL or a connection that nobody else uses.
unsafe fn ask(conn: *const Conn, field: Field<'_>) -> Bytes {
    // SAFETY: what the caller promises.
    unsafe { query(conn, |session| session.field(field)) }
}

/// # Safety
///
/// NULL or a connection that nobody else uses.
unsafe fn query(conn: *const Conn, about: impl Fn(&Session) -> Option<&[u8]>) -> Bytes {
    let mut answer = Bytes::NONE;
    // SAFETY: what the caller promises.
    if let Ok(conn) = unsafe { look(conn) } {
        guard(&[&conn.poison], || {
            answer = about(&conn.session).map_or(Bytes::NONE, Bytes::lend);
            Ok(())
        });
    }
    answer
}
