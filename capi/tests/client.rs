//! A client and a server, each through the ABI, in pieces of every size.
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]

mod support;

use sockeye::abi::opening::*;
use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::*;
use sockeye::config::{
    Config, SOCKEYE_CLIENT_TAKEOVER, SOCKEYE_NO_DEFLATE, SOCKEYE_SERVER_TAKEOVER,
};
use sockeye::error::Error;
use sockeye::event::{Event, State};
use sockeye::request::{HeaderField, Request};
use std::ffi::CStr;
use std::ptr::{null, null_mut};
use support::{Side, config, text};

const HEADERS: [HeaderField; 1] = [HeaderField {
    name: c"X-Token".as_ptr(),
    value: c"abc".as_ptr(),
}];

fn asked(nonce: Option<&[u8; 16]>) -> Request {
    Request {
        size: size_of::<Request>(),
        host: c"example.com:8080".as_ptr(),
        target: c"/chat?room=1".as_ptr(),
        origin: c"http://example.com:8080".as_ptr(),
        protocols: c"chat, superchat".as_ptr(),
        headers: HEADERS.as_ptr(),
        header_count: 1,
        nonce: nonce.map_or(null(), |nonce| nonce.as_ptr()),
    }
}

/// Miri is slow.
const STEP: usize = if cfg!(miri) { 37 } else { 1 };

/// Moves what the one has written to the other, in pieces of this size.
fn move_all(from: &mut Side, to: &mut Side, size: usize) {
    from.write();
    let written = std::mem::take(&mut from.written);
    for piece in written.chunks(size) {
        to.feed(piece);
    }
}

#[test]
fn they_agree_and_talk_in_pieces_of_every_size() {
    let takeover = SOCKEYE_SERVER_TAKEOVER | SOCKEYE_CLIENT_TAKEOVER;
    for (flags, size) in [0, SOCKEYE_NO_DEFLATE, takeover]
        .into_iter()
        .flat_map(|flags| (1..40).step_by(STEP).map(move |size| (flags, size)))
    {
        let config = Config { flags, ..config() };
        let (mut client, mut server) = (Side::client(&config, &asked(None)), Side::server(&config));
        server.protocols = c"superchat, chat".into();
        // Nothing but the request may go before the answer is there.
        let early =
            unsafe { sockeye_send_text(client.conn, client.tools, c"a".as_ptr().cast(), 1) };
        assert_eq!((early, client.state()), (Error::State, State::Handshake));
        move_all(&mut client, &mut server, size);
        assert_eq!(
            (server.state(), &*server.log),
            (State::Open, "Request 0 \n")
        );
        move_all(&mut server, &mut client, size);
        assert_eq!((client.state(), &*client.log), (State::Open, "Open 0 \n"));
        for side in [&client, &server] {
            assert_eq!(
                text(unsafe { sockeye_protocol(side.conn) }).as_deref(),
                Some("superchat")
            );
        }
        talk(&mut client, &mut server, size);
        assert_eq!(
            (client.state(), server.state()),
            (State::Closed, State::Closed)
        );
    }
}

/// Long and short messages, whole and in fragments, that the server echoes; then the client closes.
fn talk(client: &mut Side, server: &mut Side, size: usize) {
    server.log.clear();
    let long = "a message that is worth compressing ".repeat(20);
    for message in ["", "Hello", &long, &long] {
        let data = message.as_bytes();
        assert_eq!(
            unsafe {
                sockeye_send_text(client.conn, client.tools, data.as_ptr().cast(), data.len())
            },
            Error::None
        );
        client.log.clear();
        move_all(client, server, size);
        // The client echoes too, so the server's echo is taken by a step of its own.
        let said = format!("Text 0 {message}\n");
        assert_eq!(std::mem::take(&mut server.log), said);
        server.write();
        assert!(!server.written.is_empty());
        server.written.clear();
    }
    for (piece, last) in long.as_bytes().chunks(300).zip([0, 0, 1]) {
        let kind = Event::Text as i32;
        let sent = unsafe {
            sockeye_send_fragment(
                client.conn,
                client.tools,
                kind,
                piece.as_ptr().cast(),
                piece.len(),
                last,
            )
        };
        assert_eq!(sent, Error::None);
        assert_eq!(
            unsafe { sockeye_send_ping(client.conn, null(), 0) },
            Error::None
        );
    }
    assert_eq!(
        unsafe { sockeye_send_close(client.conn, 1000, c"bye".as_ptr().cast(), 3) },
        Error::None
    );
    assert_eq!(client.state(), State::Closing);
    move_all(client, server, size);
    // The last ping stands behind the message.
    assert_eq!(
        server.log,
        format!("Ping 0 \nPing 0 \nText 0 {long}\nPing 0 \nClose 1000 bye\n")
    );
    client.log.clear();
    move_all(server, client, size);
    assert_eq!(client.log, "Close 1000 \n");
}

#[test]
fn a_request_says_what_was_asked_for() {
    let mut client = Side::client(&config(), &asked(Some(b"the sample nonce")));
    client.write();
    let expected = "GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate; \
        server_no_context_takeover; client_no_context_takeover; client_max_window_bits\r\n\
        Origin: http://example.com:8080\r\nX-Token: abc\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&client.written), expected);
    // Each frame has a key of its own.
    client.feed(ANSWERS[5].0.as_bytes());
    let keys = [(); 2].map(|()| {
        client.written.clear();
        let error = unsafe { sockeye_send_binary(client.conn, client.tools, null(), 0) };
        assert_eq!(error, Error::None);
        client.write();
        assert_eq!(client.written[..2], [0x82, 0x80]);
        client.written[2..].to_vec()
    });
    assert_ne!(keys[0], keys[1]);
    // Two nonces of the system's are different.
    let keys = [(); 2].map(|()| {
        let mut client = Side::client(&config(), &asked(None));
        client.write();
        std::mem::take(&mut client.written)
    });
    assert_ne!(keys[0], keys[1]);
}

/// An answer, what the client makes of it, and a header of it.
const ANSWERS: [(&str, &str, Option<&str>); 6] = [
    (
        "HTTP/1.1 404 Not Found\r\nX-Why: because\r\n\r\nbody",
        "Violation 404 the server refused the WebSocket handshake with status 404\n",
        Some("because"),
    ),
    (
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 302 Found\r\nX-Why: there\r\n\r\n",
        "Violation 302 the server refused the WebSocket handshake with status 302\n",
        Some("there"),
    ),
    (
        "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Why: no\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        "Violation 0 the Sec-WebSocket-Accept does not answer the key\n",
        Some("no"),
    ),
    (
        "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; no\r\n\r\n",
        "Violation 0 the server's permessage-deflate has an unknown parameter\n",
        None,
    ),
    (
        "SSH-2.0-OpenSSH\r\n",
        "Violation 0 this is not HTTP/1.1\n",
        None,
    ),
    (
        "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Why: yes\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "Open 0 \n",
        Some("yes"),
    ),
];

#[test]
fn what_a_server_says_is_judged_and_can_be_read_at_every_split() {
    for (answer, log, why) in ANSWERS {
        for at in (0..=answer.len()).step_by(STEP) {
            let mut client = Side::client(&config(), &asked(Some(b"the sample nonce")));
            let (left, right) = answer.as_bytes().split_at(at);
            client.feed(left);
            if !client.is_over() && !right.is_empty() {
                client.feed(right);
            }
            assert_eq!(client.log, log, "{answer} at {at}");
            assert_eq!(client.is_over(), !log.starts_with("Open"));
        }
        // The head can be read until there is a next call.
        let client = Side::client(&config(), &asked(Some(b"the sample nonce")));
        let mut bytes = answer.as_bytes().to_vec();
        let mut step = support::blank();
        unsafe {
            sockeye_next(
                client.conn,
                client.tools,
                bytes.as_mut_ptr(),
                bytes.len(),
                &mut step,
            )
        };
        assert_eq!(client.header("x-why", 0).as_deref(), why, "{answer}");
        assert_eq!(client.header("x-why", 1), None);
        if step.event == Event::Open {
            unsafe { sockeye_next(client.conn, client.tools, null_mut(), 0, &mut step) };
            assert_eq!(client.header("x-why", 0), None);
        }
    }
}

#[test]
fn requests_are_checked() {
    let side = Side::server(&config());
    let good = support::asked();
    let text = |text: &'static CStr| text.as_ptr();
    let reserved = HeaderField {
        name: text(c"Host"),
        value: text(c"a"),
    };
    let split = HeaderField {
        name: text(c"X-A"),
        value: text(c"a\r\nB: c"),
    };
    let rows = [
        (good, Error::None),
        (Request { size: 8, ..good }, Error::Null),
        (
            Request {
                size: size_of::<Request>() + 8,
                ..good
            },
            Error::Size,
        ),
        (
            Request {
                host: text(c"a b"),
                ..good
            },
            Error::Host,
        ),
        (
            Request {
                host: text(c"\xff"),
                ..good
            },
            Error::Utf8,
        ),
        (
            Request {
                target: text(c"no"),
                ..good
            },
            Error::Target,
        ),
        (
            Request {
                origin: text(c"no"),
                ..good
            },
            Error::Origin,
        ),
        (
            Request {
                protocols: text(c"a, a"),
                ..good
            },
            Error::Protocols,
        ),
        (
            Request {
                protocols: text(c"a b"),
                ..good
            },
            Error::Protocols,
        ),
        (
            Request {
                headers: &reserved,
                header_count: 1,
                ..good
            },
            Error::Header,
        ),
        (
            Request {
                headers: &split,
                header_count: 1,
                ..good
            },
            Error::Header,
        ),
    ];
    for (at, (request, error)) in rows.into_iter().enumerate() {
        let mut conn = std::ptr::dangling_mut();
        assert_eq!(
            unsafe { sockeye_client_new(side.tools, &request, &mut conn) },
            error,
            "{at}"
        );
        assert_eq!(conn.is_null(), error != Error::None, "{at}");
        unsafe { sockeye::abi::handles::sockeye_conn_free(conn) };
    }
}
