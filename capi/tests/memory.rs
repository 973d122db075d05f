//! What is lent is not copied, and an echo allocates nothing.
#![allow(clippy::indexing_slicing, clippy::undocumented_unsafe_blocks)]

mod support;

#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/support/counting.rs"]
mod counting;

use sockeye::abi::handles::*;
use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::sockeye_send_binary;
use sockeye::config::{Config, SOCKEYE_SERVER_TAKEOVER};
use sockeye::error::Error;
use sockeye::event::Event;
use support::{Side, blank, config, frame, request};

/// One test alone: the counts are the process's.
#[test]
fn an_echo_lends_and_allocates_nothing_and_idle_connections_hold_little() {
    let mut side = Side::server(&config());
    side.feed(&request(""));
    side.log.clear();
    let message = frame(0x82, &[7; 1000]);
    let mut bytes = message.clone();
    let mut step = blank();
    let mut allocated = Vec::new();
    for _ in 0..4 {
        bytes.copy_from_slice(&message);
        let before = counting::calls();
        let error = unsafe {
            sockeye_next(
                side.conn,
                side.tools,
                bytes.as_mut_ptr(),
                bytes.len(),
                &mut step,
            )
        };
        assert_eq!(
            (error, step.event, step.consumed),
            (Error::None, Event::Binary, bytes.len())
        );
        // It lies where it was received.
        assert_eq!(step.data, bytes[8..].as_ptr());
        let error =
            unsafe { sockeye_send_binary(side.conn, side.tools, step.data.cast(), step.len) };
        assert_eq!(error, Error::None);
        let len = unsafe { sockeye_output(side.conn) }.len;
        assert_eq!(len, 1004);
        assert_eq!(unsafe { sockeye_written(side.conn, len) }, Error::None);
        allocated.push(counting::calls() - before);
    }
    assert_eq!(allocated[1..], [0, 0, 0], "{allocated:?}");
    let before = counting::held();
    assert_eq!(unsafe { sockeye_idle(side.conn) }, Error::None);
    assert!(before - counting::held() >= 1004);
    one_connection_takes_little(&side);
    what_one_large_message_needed_is_given_back();
    a_compressor_of_its_own_is_given_back();
}

fn one_connection_takes_little(side: &Side) {
    let before = counting::held();
    let mut conn = std::ptr::null_mut();
    let error = unsafe { sockeye_server_new(side.tools, &mut conn) };
    assert_eq!(error, Error::None);
    let held = counting::held() - before;
    unsafe { sockeye_conn_free(conn) };
    assert!((1..1024).contains(&held), "{held}");
    assert_eq!(counting::held(), before);
}

/// The compressor's buffer is as large as the message.
fn what_one_large_message_needed_is_given_back() {
    let mut side = Side::server(&Config {
        max_message: 1 << 24,
        ..config()
    });
    side.feed(&request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    let large = vec![0_u8; 1 << 22];
    let error =
        unsafe { sockeye_send_binary(side.conn, side.tools, large.as_ptr().cast(), large.len()) };
    assert_eq!(error, Error::None);
    side.write();
    side.written = Vec::new();
    let before = counting::held();
    side.feed(&[]);
    assert!(before - counting::held() >= 1 << 22);
}

fn a_compressor_of_its_own_is_given_back() {
    let mut side = Side::server(&Config {
        flags: SOCKEYE_SERVER_TAKEOVER,
        ..config()
    });
    side.feed(&request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    side.feed(&frame(0x82, &[0; 300]));
    let before = counting::held();
    assert_eq!(unsafe { sockeye_idle(side.conn) }, Error::None);
    assert!(before - counting::held() > 250_000);
    side.written.clear();
    side.feed(&frame(0x82, &[0; 300]));
    assert_eq!(side.written[0], 0xc2);
}
