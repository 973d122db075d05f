//! What messages a route takes: its format, and how large they may be. Everything is heard again in pieces.
//!
//! Not here: which texts are JSON, which is `src/app/json/check`; UTF-8, which is `tests/proto`.

use crate::frames::{self, BINARY, CONTINUATION, FIN, TEXT};
use crate::harness::Sim;
use crate::world::{heard, open, request, start};
use flate2::{Compress, Compression, FlushCompress};
use sockeye::app::{App, BadJson, Conn, Format, Route, Router, Service};
use sockeye::server::{Limits, Message};

/// Says what it was told.
struct Scribe;

impl Service for Scribe {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let kind = match message {
            Message::Text(_) => "text",
            Message::Binary(_) => "binary",
        };
        let _ = conn.send(format!("{kind} {}", message.bytes().len()).as_str());
    }
}

fn serving(route: &Route) -> Sim<Router> {
    start(App::new().route(route.clone(), |_| Scribe))
}

/// What a route answers to bytes, however they come.
fn answers(route: &Route, bytes: &[u8]) -> Vec<String> {
    let whole = answers_in(route, &[bytes]);
    let middle = bytes.len() / 2;
    for at in [1, 2, middle, bytes.len() - 1] {
        let (left, right) = bytes.split_at(at);
        assert_eq!(answers_in(route, &[left, right]), whole, "cut at {at}");
    }
    if bytes.len() < 200 {
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(answers_in(route, &single), whole, "byte by byte");
    }
    whole
}

fn answers_in(route: &Route, pieces: &[&[u8]]) -> Vec<String> {
    let mut sim = serving(route);
    let mut client = open(&mut sim, "/");
    for piece in pieces {
        client.push(piece);
        sim.settle();
    }
    heard(&mut client)
}

/// A text in two fragments.
fn in_two(kind: u8, payload: &[u8]) -> Vec<u8> {
    let (left, right) = payload.split_at(payload.len() / 2);
    [
        frames::frame(kind, left),
        frames::frame(FIN | CONTINUATION, right),
    ]
    .concat()
}

const NO_BINARY: &str = "<close 1003 text is expected here>";
const NO_TEXT: &str = "<close 1003 binary data is expected here>";

#[test]
fn each_format_takes_its_messages_and_no_others() {
    for (format, json, text, binary) in [
        (Format::Any, "text 2", "text 2", "binary 2"),
        (Format::Text, "text 2", "text 2", NO_BINARY),
        (Format::Binary, NO_TEXT, NO_TEXT, "binary 2"),
        (
            Format::Json,
            "text 2",
            "<close 1007 invalid JSON at byte 1>",
            NO_BINARY,
        ),
    ] {
        let route = Route::new("/").format(format);
        for (kind, payload, expected) in [
            (TEXT, b"{}", json),
            (TEXT, b"no", text),
            (BINARY, b"{}", binary),
        ] {
            let whole = frames::frame(FIN | kind, payload);
            for bytes in [whole, in_two(kind, payload)] {
                assert_eq!(answers(&route, &bytes), [expected], "{format:?} {kind}");
            }
        }
    }
}

#[test]
fn what_is_said_behind_a_wrong_message_is_not_heard() {
    let route = Route::new("/").format(Format::Json);
    let bytes = [
        frames::text("1"),
        frames::text("[1,2"),
        frames::text("3"),
        frames::binary(b"4"),
    ]
    .concat();
    assert_eq!(
        answers(&route, &bytes),
        ["text 1", "<close 1007 invalid JSON at byte 4>"]
    );
}

#[test]
fn routes_that_are_written_as_text_take_json() {
    for (line, text, binary) in [
        ("SOCKET /", "<close 1007 invalid JSON at byte 0>", NO_BINARY),
        (
            "SOCKET / @json",
            "<close 1007 invalid JSON at byte 0>",
            NO_BINARY,
        ),
        ("SOCKET / @text", "text 1", NO_BINARY),
        ("SOCKET / @binary", NO_TEXT, "binary 1"),
        ("SOCKET / @any", "text 1", "binary 1"),
    ] {
        let route = Route::parse(line).expect("a route");
        assert_eq!(answers(&route, &frames::text("x")), [text], "{line}");
        assert_eq!(answers(&route, &frames::binary(b"x")), [binary], "{line}");
    }
}

#[test]
fn bad_json_ends_the_connection_or_is_answered_or_is_dropped() {
    const REPLY: &str = r#"{"cmd":"error","param":{"message":"invalid JSON at byte 6"}}"#;
    let bytes = [frames::text(r#"{"a":nil}"#), frames::text("[]")].concat();
    for (policy, expected) in [
        (
            BadJson::Close,
            &["<close 1007 invalid JSON at byte 6>"] as &[_],
        ),
        (BadJson::Reply, &[REPLY, "text 2"]),
        (BadJson::Drop, &["text 2"]),
    ] {
        let route = Route::new("/").format(Format::Json).on_bad_json(policy);
        assert_eq!(answers(&route, &bytes), expected, "{policy:?}");
        // That a message is binary is no fault of its JSON.
        assert_eq!(answers(&route, &frames::binary(b"{}")), [NO_BINARY]);
    }
}

#[test]
fn text_that_is_not_utf_8_ends_the_connection_whatever_is_done_with_bad_json() {
    for policy in [BadJson::Close, BadJson::Reply, BadJson::Drop] {
        let route = Route::new("/").format(Format::Json).on_bad_json(policy);
        let told = answers(&route, &frames::frame(FIN | TEXT, b"\"\xFF\""));
        assert!(told[0].starts_with("<close 1007 "), "{told:?}");
        assert_eq!(told.len(), 1);
    }
}

const MB: usize = 1 << 20;

/// A message of so many bytes in fragments.
fn fragments(bytes: usize, each: usize) -> Vec<u8> {
    let payload = vec![b'x'; bytes];
    let last = bytes.div_ceil(each) - 1;
    let parts = payload.chunks(each).enumerate().map(|(number, part)| {
        let opcode = if number == 0 { TEXT } else { CONTINUATION };
        let fin = if number == last { FIN } else { 0 };
        frames::frame(fin | opcode, part)
    });
    parts.collect::<Vec<_>>().concat()
}

fn compressed(bytes: usize) -> Vec<u8> {
    let payload = vec![b'x'; bytes];
    let mut out = Vec::with_capacity(bytes + 64);
    Compress::new(Compression::best(), false)
        .compress_vec(&payload, &mut out, FlushCompress::Sync)
        .expect("it compresses");
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    frames::frame(FIN | 0x40 | TEXT, &out)
}

fn assert_too_big(told: &[String]) {
    let [close] = told else {
        panic!("{told:?}");
    };
    assert!(close.starts_with("<close 1009 "), "{close}");
}

#[test]
fn a_megabyte_is_1_048_576_bytes_and_not_one_more() {
    let route = Route::parse("SOCKET / @text <1MB").expect("a route");
    let exactly = [format!("text {MB}")];
    assert_eq!(answers(&route, &frames::text(&"x".repeat(MB))), exactly);
    assert_eq!(answers(&route, &fragments(MB, 16 << 10)), exactly);
    assert_eq!(answers(&route, &fragments(MB, 1000)), exactly);
    // Refused at the header: nothing of the payload has come.
    let header = frames::head(FIN | TEXT, MB + 1);
    assert_too_big(&answers(&route, &header));
    let mut all_but_one = fragments(MB, 16 << 10);
    let last = all_but_one.len() - (16 << 10) - 8;
    all_but_one[last] &= !FIN;
    let header = frames::head(FIN | CONTINUATION, 1);
    assert_eq!(answers_in(&route, &[&all_but_one]), [""; 0]);
    assert_too_big(&answers(&route, &[all_but_one, header].concat()));
}

#[test]
fn the_limit_counts_what_is_inflated() {
    let route = Route::parse("SOCKET / @text <1MB").expect("a route");
    for (bytes, fits) in [(MB, true), (MB + 1, false), (8 * MB, false)] {
        let mut sim = serving(&route);
        let mut client = sim.connect();
        client.push(&request(
            "/",
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        ));
        sim.settle();
        let head = client.head();
        assert!(
            head.contains("Sec-WebSocket-Extensions: permessage-deflate"),
            "{head}"
        );
        let message = compressed(bytes);
        assert!(message.len() < MB / 50);
        client.conn.push_in_pieces(&message, 1000);
        sim.settle();
        let told = heard(&mut client);
        if fits {
            assert_eq!(told, [format!("text {bytes}")]);
        } else {
            assert_too_big(&told);
        }
    }
}

/// In a textual route, 256 KiB; in one that is made in code, what the server has, also beside a larger one.
#[test]
fn what_is_not_said_has_a_limit_too() {
    let mut limits = Limits::default();
    limits.connection.max_message = 5000;
    limits.connection.max_frame = 5000;
    for (target, most) in [
        ("/text", 256 << 10),
        ("/max", 5000),
        ("/code", 5000),
        ("/small", 10),
        ("/large", MB),
    ] {
        for over in [0, 1] {
            let app = App::new()
                .limits(limits)
                .route("SOCKET /text @text", |_| Scribe)
                .route("SOCKET /max @text <max", |_| Scribe)
                .route(Route::new("/code"), |_| Scribe)
                .route("SOCKET /small @text <10b", |_| Scribe)
                .route(Route::new("/large").max_message(MB as u64), |_| Scribe);
            let mut sim = start(app);
            let mut client = open(&mut sim, target);
            client.push(&frames::text(&"x".repeat(most + over)));
            sim.settle();
            let told = heard(&mut client);
            if over == 0 {
                assert_eq!(told, [format!("text {most}")], "{target}");
            } else {
                assert_too_big(&told);
            }
        }
    }
}
