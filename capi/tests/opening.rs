//! A server looks at requests, and accepts and refuses them.
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]

mod support;

use sockeye::abi::opening::*;
use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::sockeye_send_binary;
use sockeye::abi::{Bytes, Conn};
use sockeye::error::Error;
use sockeye::event::Event;
use sockeye::request::HeaderField;
use std::ffi::CStr;
use std::ptr::{null, null_mut};
use support::{Side, config, text};

#[test]
fn a_request_can_be_looked_at_until_it_is_answered() {
    let mut server = Side::server(&config());
    let conn = server.conn;
    let received = support::request(
        "X-A: one\r\nx-a: two\r\nOrigin: https://example.com\r\nSec-WebSocket-Protocol: chat\r\n",
    );
    let mut bytes = received.clone();
    let mut step = support::blank();
    let next = |bytes: &mut [u8], step: &mut _| unsafe {
        sockeye_next(conn, server.tools, bytes.as_mut_ptr(), bytes.len(), step)
    };
    assert_eq!(next(&mut bytes, &mut step), Error::None);
    assert_eq!(
        (step.event, step.consumed),
        (Event::Request, received.len())
    );
    // It is a copy: the caller's bytes may be gone.
    bytes.fill(0);
    let fields = || {
        let of = |field: unsafe extern "C" fn(*const Conn) -> Bytes| text(unsafe { field(conn) });
        [
            of(sockeye_path),
            of(sockeye_query),
            of(sockeye_host),
            of(sockeye_origin),
            of(sockeye_protocol),
            server.header("X-A", 0),
            server.header("X-a", 1),
            server.header("X-A", 2),
            server.header("", 0),
        ]
    };
    let some = |text: &str| Some(text.to_owned());
    let expected = [
        some("/chat"),
        some("room=1"),
        some("example.com"),
        some("https://example.com"),
        None,
        some("one"),
        some("two"),
        None,
        None,
    ];
    assert_eq!(fields(), expected);
    // Nothing is taken meanwhile.
    let mut more = *b"\x81\x80\0\0\0\0";
    assert_eq!(next(&mut more, &mut step), Error::None);
    assert_eq!((step.event, step.consumed), (Event::NeedMore, 0));
    // What cannot be said is not, and the request waits on.
    let bad = HeaderField {
        name: c"Upgrade".as_ptr(),
        value: c"h2c".as_ptr(),
    };
    assert_eq!(
        unsafe { sockeye_accept(conn, c"chat".as_ptr(), &bad, 1) },
        Error::Header
    );
    assert_eq!(fields(), expected);
    assert_eq!(
        unsafe { sockeye_accept(conn, c"chat".as_ptr(), null(), 0) },
        Error::None
    );
    assert_eq!(
        fields(),
        [None, None, None, None, some("chat"), None, None, None, None]
    );
    assert_eq!(
        unsafe { sockeye_accept(conn, null(), null(), 0) },
        Error::State
    );
    server.feed(&more);
    assert_eq!(server.log, "Text 0 \n");
}

#[test]
fn a_server_refuses_with_what_it_is_told() {
    let location = HeaderField {
        name: c"Location".as_ptr(),
        value: c"/there".as_ptr(),
    };
    type Row<'a> = (
        u16,
        Option<&'a CStr>,
        &'a [HeaderField],
        Result<&'a str, Error>,
    );
    let rows: [Row<'_>; 7] = [
        (404, None, &[], Ok("there is nothing at this path\n")),
        (408, None, &[], Ok("the request did not arrive in time\n")),
        (451, None, &[], Ok("this request is refused\n")),
        (
            302,
            Some(c"it is over there"),
            &[location],
            Ok("Location: /there\r\n\r\nit is over there\n"),
        ),
        (200, None, &[], Err(Error::Status)),
        (404, Some(c"two\nlines"), &[], Err(Error::Sentence)),
        (404, Some(c"\xff"), &[], Err(Error::Utf8)),
    ];
    for asks in [false, true] {
        for (status, sentence, headers, expected) in rows {
            let mut server = Side::server(&config());
            let conn = server.conn;
            if asks {
                let mut bytes = support::request("");
                let mut step = support::blank();
                unsafe {
                    sockeye_next(
                        conn,
                        server.tools,
                        bytes.as_mut_ptr(),
                        bytes.len(),
                        &mut step,
                    )
                };
            }
            let sentence = sentence.map_or(null(), CStr::as_ptr);
            let error =
                unsafe { sockeye_refuse(conn, status, sentence, headers.as_ptr(), headers.len()) };
            assert_eq!(error, expected.err().unwrap_or(Error::None), "{status}");
            assert_eq!(server.is_over(), expected.is_ok());
            server.write();
            let Ok(end) = expected else {
                assert!(server.written.is_empty());
                continue;
            };
            let written = String::from_utf8_lossy(&server.written).into_owned();
            assert!(
                written.starts_with(&format!("HTTP/1.1 {status} ")) && written.ends_with(end),
                "{written}"
            );
            assert_eq!(
                unsafe { sockeye_refuse(conn, status, null(), null(), 0) },
                Error::State
            );
            let sent = unsafe { sockeye_send_binary(conn, null_mut(), null(), 0) };
            assert_eq!(sent, Error::Closed);
        }
    }
}
