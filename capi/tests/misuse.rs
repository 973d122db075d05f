//! Wrong calls are told so, and change nothing.
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]

mod support;

use sockeye::abi::handles::*;
use sockeye::abi::library::*;
use sockeye::abi::opening::*;
use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::*;
use sockeye::abi::{Conn, Tools};
use sockeye::config::Config;
use sockeye::error::Error;
use sockeye::event::{Event, State};
use sockeye::request::{HeaderField, Request};
use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use support::{Side, asked, config, frame, request};

const NO_CONN: *mut Conn = null_mut();
const NO_TOOLS: *mut Tools = null_mut();

fn opened() -> Side {
    let mut side = Side::server(&config());
    side.feed(&request("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    side.written.clear();
    side
}

#[test]
fn null_is_an_error_wherever_something_is_needed() {
    let side = opened();
    let (conn, tools) = (side.conn, side.tools);
    let mut step = support::blank();
    let mut byte = 0;
    let some: *const c_void = (&raw const byte).cast();
    let (mut made, half) = (
        NO_CONN,
        HeaderField {
            name: c"X".as_ptr(),
            value: null(),
        },
    );
    let wrong = unsafe {
        [
            sockeye_tools_new(null(), null_mut()),
            sockeye_server_new(NO_TOOLS, &mut made),
            sockeye_server_new(tools, null_mut()),
            sockeye_client_new(NO_TOOLS, &asked(), &mut made),
            sockeye_client_new(tools, null(), &mut made),
            sockeye_client_new(tools, &asked(), null_mut()),
            sockeye_client_new(
                tools,
                &Request {
                    host: null(),
                    ..asked()
                },
                &mut made,
            ),
            sockeye_client_new(
                tools,
                &Request {
                    target: null(),
                    ..asked()
                },
                &mut made,
            ),
            sockeye_client_new(
                tools,
                &Request {
                    header_count: 1,
                    ..asked()
                },
                &mut made,
            ),
            sockeye_client_new(
                tools,
                &Request {
                    headers: &half,
                    header_count: 1,
                    ..asked()
                },
                &mut made,
            ),
            sockeye_next(NO_CONN, tools, &mut byte, 1, &mut step),
            sockeye_next(conn, NO_TOOLS, &mut byte, 1, &mut step),
            sockeye_next(conn, tools, null_mut(), 1, &mut step),
            sockeye_next(conn, tools, &mut byte, 1, null_mut()),
            sockeye_accept(NO_CONN, null(), null(), 0),
            sockeye_refuse(NO_CONN, 404, null(), null(), 0),
            sockeye_send_text(NO_CONN, tools, some, 1),
            sockeye_send_text(conn, tools, null(), 1),
            sockeye_send_binary(NO_CONN, tools, some, 1),
            sockeye_send_binary(conn, tools, null(), 1),
            sockeye_send_fragment(NO_CONN, tools, 3, some, 1, 1),
            sockeye_send_fragment(conn, tools, 3, null(), 1, 1),
            sockeye_send_ping(NO_CONN, some, 1),
            sockeye_send_ping(conn, null(), 1),
            sockeye_send_pong(NO_CONN, some, 1),
            sockeye_send_pong(conn, null(), 1),
            sockeye_send_close(NO_CONN, 1000, some, 1),
            sockeye_send_close(conn, 1000, null(), 1),
            sockeye_written(NO_CONN, 0),
            sockeye_idle(NO_CONN),
        ]
    };
    assert_eq!(wrong, [Error::Null; 30]);
    assert!(made.is_null());
    for field in [
        sockeye_path,
        sockeye_query,
        sockeye_host,
        sockeye_origin,
        sockeye_protocol,
        sockeye_output,
    ] {
        assert!(unsafe { field(NO_CONN) }.data.is_null());
    }
    assert!(
        unsafe { sockeye_header(NO_CONN, c"a".as_ptr(), 0) }
            .data
            .is_null()
    );
    assert!(unsafe { sockeye_header(conn, null(), 0) }.data.is_null());
    assert_eq!(unsafe { sockeye_conn_state(NO_CONN) }, State::Failed);
    assert!(unsafe { sockeye_is_over(NO_CONN) });
    unsafe { sockeye_conn_free(NO_CONN) };
    unsafe { sockeye_tools_free(NO_TOOLS) };
    // Nothing of this has been noticed by who was named.
    assert_eq!(side.state(), State::Open);
    assert_eq!(unsafe { sockeye_output(conn) }.len, 0);
}

#[test]
fn null_is_nothing_wherever_nothing_is_needed() {
    let mut side = opened();
    let (conn, tools) = (side.conn, side.tools);
    let right = unsafe {
        [
            sockeye_send_text(conn, NO_TOOLS, null(), 0),
            sockeye_send_binary(conn, tools, null(), 0),
            sockeye_send_fragment(conn, NO_TOOLS, 4, null(), 0, 0),
            sockeye_send_fragment(conn, NO_TOOLS, 4, null(), 0, 1),
            sockeye_send_ping(conn, null(), 0),
            sockeye_send_pong(conn, null(), 0),
            sockeye_idle(conn),
            sockeye_send_close(conn, 1000, null(), 0),
        ]
    };
    assert_eq!(right, [Error::None; 8]);
    side.write();
    assert_eq!(
        side.written,
        b"\x81\0\x82\0\x02\0\x80\0\x89\0\x8a\0\x88\x02\x03\xe8"
    );
    side.feed(&[]);
    assert_eq!(side.state(), State::Closing);
}

/// What is sent, and what comes of it on an open connection; nothing goes out.
#[test]
fn what_must_not_be_sent_is_not() {
    let long = [b'a'; 126];
    let data = |bytes: &[u8]| (bytes.as_ptr().cast::<c_void>(), bytes.len());
    type Call = fn(*mut Conn, *mut Tools, *const c_void, usize) -> Error;
    let text: Call = |conn, tools, data, len| unsafe { sockeye_send_text(conn, tools, data, len) };
    let fragment: Call =
        |conn, tools, data, len| unsafe { sockeye_send_fragment(conn, tools, 3, data, len, 1) };
    let kinds: [Call; 3] = [
        |conn, tools, data, len| unsafe { sockeye_send_fragment(conn, tools, 0, data, len, 1) },
        |conn, tools, data, len| unsafe { sockeye_send_fragment(conn, tools, 5, data, len, 1) },
        |conn, tools, data, len| unsafe { sockeye_send_fragment(conn, tools, -1, data, len, 1) },
    ];
    let ping: Call = |conn, _, data, len| unsafe { sockeye_send_ping(conn, data, len) };
    let pong: Call = |conn, _, data, len| unsafe { sockeye_send_pong(conn, data, len) };
    let close: Call = |conn, _, data, len| unsafe { sockeye_send_close(conn, 1000, data, len) };
    let codes: [Call; 4] = [
        |conn, _, _, _| unsafe { sockeye_send_close(conn, 0, null(), 0) },
        |conn, _, _, _| unsafe { sockeye_send_close(conn, 1005, null(), 0) },
        |conn, _, _, _| unsafe { sockeye_send_close(conn, 1015, null(), 0) },
        |conn, _, _, _| unsafe { sockeye_send_close(conn, 5000, null(), 0) },
    ];
    let written: Call = |conn, _, _, _| unsafe { sockeye_written(conn, 1) };
    let accept: Call = |conn, _, _, _| unsafe { sockeye_accept(conn, null(), null(), 0) };
    let mut rows = vec![
        (text, data(b"\xff"), Error::Utf8),
        (fragment, data(b"\xc5"), Error::Utf8),
        (ping, data(&long), Error::ControlTooLong),
        (pong, data(&long), Error::ControlTooLong),
        (close, data(&long[..124]), Error::ReasonTooLong),
        (close, data(b"\xff"), Error::Utf8),
        (written, data(b""), Error::Written),
        (accept, data(b""), Error::State),
    ];
    rows.extend(kinds.map(|kind| (kind, data(b""), Error::Kind)));
    rows.extend(codes.map(|code| (code, data(b""), Error::CloseCode)));
    let side = opened();
    for (at, (call, (data, len), error)) in rows.into_iter().enumerate() {
        assert_eq!(call(side.conn, side.tools, data, len), error, "{at}");
        assert_eq!(unsafe { sockeye_output(side.conn) }.len, 0, "{at}");
        assert_eq!(side.state(), State::Open, "{at}");
    }
}

#[test]
fn fragments_keep_their_order() {
    let side = opened();
    let send = |tools, kind: Event, data: &[u8], last| unsafe {
        sockeye_send_fragment(
            side.conn,
            tools,
            kind as i32,
            data.as_ptr().cast(),
            data.len(),
            last,
        )
    };
    let long = [b'a'; 300];
    assert_eq!(send(side.tools, Event::Text, &long, 0), Error::None);
    assert_eq!(
        send(side.tools, Event::Binary, &long, 0),
        Error::MessageInProgress
    );
    assert_eq!(send(NO_TOOLS, Event::Text, &long, 1), Error::NoTools);
    let text = unsafe { sockeye_send_text(side.conn, side.tools, null(), 0) };
    assert_eq!(text, Error::MessageInProgress);
    assert_eq!(send(side.tools, Event::Text, &long, 1), Error::None);
}

#[test]
fn what_is_over_takes_nothing_more() {
    let mut side = opened();
    side.feed(&frame(0x88, b"\x03\xe8"));
    side.written.clear();
    let conn = side.conn;
    assert_eq!(side.state(), State::Closed);
    let late = unsafe {
        [
            sockeye_send_text(conn, side.tools, c"\xff".as_ptr().cast(), 1),
            sockeye_send_fragment(conn, side.tools, 3, null(), 0, 1),
            sockeye_send_ping(conn, null(), 0),
            sockeye_send_close(conn, 0, null(), 0),
        ]
    };
    assert_eq!(late, [Error::Closed; 4]);
    side.feed(&frame(0x81, b"a"));
    side.write();
    assert!(side.written.is_empty());
}

#[test]
fn configurations_are_checked_and_may_be_shorter() {
    let good = config();
    let rows = [
        (good, Error::None),
        (Config { size: 0, ..good }, Error::Size),
        (Config { size: 7, ..good }, Error::Size),
        (
            Config {
                size: size_of::<Config>() + 1,
                ..good
            },
            Error::Size,
        ),
        (
            Config {
                delivery: 3,
                ..good
            },
            Error::Config,
        ),
        (
            Config {
                flags: 1 << 5,
                ..good
            },
            Error::Config,
        ),
        (
            Config {
                deflate_level: 10,
                ..good
            },
            Error::Config,
        ),
        (
            Config {
                deflate_level: 9,
                server_window_bits: 9,
                client_window_bits: 15,
                max_streams: 1,
                ..good
            },
            Error::None,
        ),
        (
            Config {
                server_window_bits: 8,
                ..good
            },
            Error::Config,
        ),
        (
            Config {
                client_window_bits: 16,
                ..good
            },
            Error::Config,
        ),
        // What it does not know of is not looked at.
        (
            Config {
                size: std::mem::offset_of!(Config, delivery),
                delivery: 3,
                ..good
            },
            Error::None,
        ),
        (
            Config {
                size: size_of::<usize>(),
                delivery: 3,
                ..good
            },
            Error::None,
        ),
    ];
    for (at, (config, error)) in rows.into_iter().enumerate() {
        let mut tools = std::ptr::dangling_mut();
        assert_eq!(
            unsafe { sockeye_tools_new(&config, &mut tools) },
            error,
            "{at}"
        );
        assert_eq!(tools.is_null(), error != Error::None, "{at}");
        unsafe { sockeye_tools_free(tools) };
    }
    let mut tools = null_mut();
    assert_eq!(
        unsafe { sockeye_tools_new(null(), &mut tools) },
        Error::None
    );
    unsafe { sockeye_tools_free(tools) };
}

#[test]
fn every_error_has_a_number_and_a_text_of_its_own() {
    let mut texts = std::collections::BTreeSet::new();
    for (number, error) in (0..).zip(Error::ALL) {
        assert_eq!(error as i32, number);
        assert!(texts.insert(unsafe { CStr::from_ptr(sockeye_error_text(number)) }));
    }
    let unknown = unsafe { CStr::from_ptr(sockeye_error_text(-1)) };
    assert!(texts.insert(unknown));
    let last = i32::try_from(Error::ALL.len()).unwrap();
    assert_eq!(unsafe { CStr::from_ptr(sockeye_error_text(last)) }, unknown);
}

#[test]
fn the_version_is_the_cores() {
    let version = unsafe { CStr::from_ptr(sockeye_version()) }
        .to_str()
        .unwrap();
    let manifest = include_str!("../../Cargo.toml");
    assert!(manifest.contains(&format!("\nversion = \"{version}\"\n")));
}
