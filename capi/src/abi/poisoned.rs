//! A handle that a bug has gone through: every call says so, and none does anything.
//!
//! Not here: how it gets so, which `boundary` tests.

use super::handles::*;
use super::opening::*;
use super::receive::sockeye_next;
use super::send::*;
use crate::boundary::{Conn, Tools, guard, look};
use crate::error::Error;
use crate::event::{Event, State, Step};
use core::ptr::{null, null_mut};

fn kill_conn(conn: *mut Conn) {
    // SAFETY: a connection of this test's.
    let conn = unsafe { look(conn) }.unwrap();
    assert_eq!(guard(&[&conn.poison], || panic!("a bug")), Error::Panic);
}

fn kill_tools(tools: *mut Tools) {
    // SAFETY: tools of this test's.
    let tools = unsafe { look(tools) }.unwrap();
    assert_eq!(guard(&[&tools.poison], || panic!("a bug")), Error::Panic);
}

#[test]
#[expect(
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "handles of this test's"
)]
fn a_dead_handle_says_so_whatever_it_is_asked() {
    let (mut tools, mut conn) = (null_mut(), null_mut());
    let made = unsafe {
        [
            sockeye_tools_new(null(), &mut tools),
            sockeye_server_new(tools, &mut conn),
        ]
    };
    assert_eq!(made, [Error::None; 2]);
    let mut step = Step::new(Event::Text, 1);
    kill_conn(conn);
    let said = unsafe {
        [
            sockeye_next(conn, tools, null_mut(), 0, &mut step),
            sockeye_accept(conn, null(), null(), 0),
            sockeye_refuse(conn, 404, null(), null(), 0),
            sockeye_send_text(conn, tools, null(), 0),
            sockeye_send_binary(conn, null_mut(), null(), 0),
            sockeye_send_fragment(conn, tools, 3, null(), 0, 1),
            sockeye_send_ping(conn, null(), 0),
            sockeye_send_pong(conn, null(), 0),
            sockeye_send_close(conn, 1000, null(), 0),
            sockeye_written(conn, 0),
            sockeye_idle(conn),
        ]
    };
    assert_eq!(said, [Error::Panic; 11]);
    assert_eq!((step.event, step.consumed), (Event::NeedMore, 0));
    assert_eq!(unsafe { sockeye_conn_state(conn) }, State::Failed);
    assert!(unsafe { sockeye_is_over(conn) });
    assert!(unsafe { sockeye_path(conn) }.data.is_null());
    unsafe { sockeye_conn_free(conn) };

    // Tools are shared: whoever comes with dead ones is told, and lives.
    assert_eq!(unsafe { sockeye_server_new(tools, &mut conn) }, Error::None);
    kill_tools(tools);
    let mut other = null_mut();
    let said = unsafe {
        [
            sockeye_next(conn, tools, null_mut(), 0, &mut step),
            sockeye_send_text(conn, tools, null(), 0),
            sockeye_server_new(tools, &mut other),
            sockeye_client_new(tools, null(), &mut other),
        ]
    };
    assert_eq!(said, [Error::Panic; 4]);
    assert_eq!(unsafe { sockeye_conn_state(conn) }, State::Handshake);
    unsafe { sockeye_conn_free(conn) };
    unsafe { sockeye_tools_free(tools) };
}

/// A handle may move between threads; only whoever knows where it is in use may say so, so that is not asked of C.
#[test]
fn handles_may_move_between_threads() {
    const fn moves<T: Send>() {}
    moves::<Conn>();
    moves::<Tools>();
}
