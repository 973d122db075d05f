//! Tools and connections: making and freeing them, their output and their state.
//!
//! Not here: what a connection says.

use super::{Bytes, code};
use crate::boundary::{Conn, Poison, Tools, disown, grown, guard, look, own, put, sending, whole};
use crate::config::{Config, Setup};
use crate::error::Error;
use crate::event::State;
use crate::session::{Kit, Session};
use core::ptr;

/// Makes tools: limits, an inflater and a compressor, shared by all connections of one thread. `config` may be NULL for
/// the defaults; it is not needed after the call. `*tools` is NULL on an error.
///
/// They hold a few hundred bytes until something is compressed; then up to 700 KB, and for a moment the largest message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_tools_new(config: *const Config, tools: *mut *mut Tools) -> Error {
    // SAFETY: NULL, or good for one pointer.
    if let Err(error) = unsafe { put(tools, ptr::null_mut()) } {
        return error;
    }
    guard(&[], || {
        let setup = if config.is_null() {
            Setup::new()
        } else {
            // SAFETY: NULL or a configuration, which says how long it is.
            Setup::of(&unsafe { grown(config) }?)?
        };
        let made = Tools {
            poison: Poison::default(),
            kit: Kit::new(setup),
        };
        // SAFETY: NULL, or good for one pointer.
        unsafe { put(tools, own(made)) }
    })
}

/// Frees tools. NULL does nothing. Connections that were made with them live on, with the tools of another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_tools_free(tools: *mut Tools) {
    // SAFETY: NULL or a handle, for the last time.
    unsafe { disown(tools) };
}

/// Makes a server's side of a connection, to which nothing has come yet, with the limits that `tools` have. `*conn` is
/// NULL on an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_server_new(tools: *const Tools, conn: *mut *mut Conn) -> Error {
    // SAFETY: NULL, or good for one pointer.
    if let Err(error) = unsafe { put(conn, ptr::null_mut()) } {
        return error;
    }
    // SAFETY: NULL or tools that nobody else uses.
    let tools = unsafe { look(tools) };
    code(tools.map(|tools| {
        guard(&[&tools.poison], || {
            let made = Conn {
                poison: Poison::default(),
                session: Session::server(&tools.kit.setup),
            };
            // SAFETY: NULL, or good for one pointer.
            unsafe { put(conn, own(made)) }
        })
    }))
}

/// Frees a connection, and what it has lent. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_conn_free(conn: *mut Conn) {
    // SAFETY: NULL or a handle, for the last time.
    unsafe { disown(conn) };
}

/// What is to be written to the peer next, in order. It is lent until the next call with this connection. After any
/// other call there may be more: it is never too early to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_output(conn: *const Conn) -> Bytes {
    // SAFETY: NULL or a connection that nobody else uses.
    let conn = unsafe { look(conn) };
    conn.map_or(Bytes::NONE, |conn| Bytes::lend(conn.session.out.waiting()))
}

/// Says that the first `count` bytes of the output are written, and frees them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_written(conn: *mut Conn, count: usize) -> Error {
    // SAFETY: NULL or a connection that nobody else uses.
    let parts = unsafe { sending(conn, ptr::null_mut()) };
    code(parts.map(|(parts, poisons)| {
        guard(&poisons, || {
            let was_there = parts.out.wrote(count);
            was_there.then_some(()).ok_or(Error::Written)
        })
    }))
}

/// How far the connection has come. NULL and a dead handle are SOCKEYE_STATE_FAILED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_conn_state(conn: *const Conn) -> State {
    // SAFETY: NULL or a connection that nobody else uses.
    match unsafe { look(conn) } {
        Ok(conn) if !conn.poison.is_set() => conn.session.state(),
        Ok(_) | Err(_) => State::Failed,
    }
}

/// Whether nothing more will come of the connection, after a clean end or a violation. Then write what is in the output,
/// shut down the sending side, read and discard what still arrives until the peer ends or a deadline is up, and close
/// the socket. A server does so at once, a client when the server has (RFC 6455 section 7.1.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_is_over(conn: *const Conn) -> bool {
    // SAFETY: as here.
    let state = unsafe { sockeye_conn_state(conn) };
    matches!(state, State::Closed | State::Failed)
}

/// Gives back what an idle connection can do without: room for output, and a compressor of its own where it has one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockeye_idle(conn: *mut Conn) -> Error {
    // SAFETY: NULL or a connection that nobody else uses.
    let parts = unsafe { sending(conn, ptr::null_mut()) };
    code(parts.map(|(parts, poisons)| {
        guard(&poisons, || {
            parts.idle();
            Ok(())
        })
    }))
}

/// A connection as a whole, for the calls of the handshake.
///
/// # Safety
///
/// NULL or a connection that nobody else uses, of which nothing is lent.
pub(super) unsafe fn with<'a>(
    conn: *mut Conn,
    call: impl FnOnce(&'a mut Session) -> Result<(), Error>,
) -> Error {
    // SAFETY: what the caller promises.
    let conn = unsafe { whole(conn) };
    code(conn.map(|conn| guard(&[&conn.poison], || call(&mut conn.session))))
}
