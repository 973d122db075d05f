//! What is told once does what it says.
#![allow(
    clippy::indexing_slicing,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used
)]

mod support;

use sockeye::abi::receive::sockeye_next;
use sockeye::abi::send::sockeye_send_binary;
use sockeye::config::*;
use sockeye::error::Error;
use sockeye::event::*;
use support::{Side, blank, config, frame, request};

fn opened(config: &Config) -> Side {
    let mut side = Side::server(config);
    side.feed(&request(
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    ));
    side
}

/// What is agreed on about compression.
#[test]
fn compression_is_agreed_on_as_it_is_told() {
    let good = config();
    let both = "; server_no_context_takeover; client_no_context_takeover";
    let rows = [
        (good, Some(both)),
        (
            Config {
                flags: SOCKEYE_NO_DEFLATE,
                ..good
            },
            None,
        ),
        (
            Config {
                flags: SOCKEYE_SERVER_TAKEOVER,
                ..good
            },
            Some("; client_no_context_takeover"),
        ),
        (
            Config {
                flags: SOCKEYE_CLIENT_TAKEOVER,
                ..good
            },
            Some("; server_no_context_takeover"),
        ),
        (
            Config {
                flags: 24,
                server_window_bits: 9,
                client_window_bits: 12,
                ..good
            },
            Some("; server_max_window_bits=9; client_max_window_bits=12"),
        ),
    ];
    for (config, params) in rows {
        let written = String::from_utf8(opened(&config).written.clone()).unwrap();
        let line = written
            .split("Sec-WebSocket-Extensions: permessage-deflate")
            .nth(1);
        let line = line.and_then(|rest| rest.split("\r\n").next());
        assert_eq!(line, params);
    }
}

#[test]
fn messages_are_compressed_from_the_size_and_as_hard_as_is_told() {
    let sent = |config: &Config, data: &[u8]| {
        let mut side = opened(config);
        side.written.clear();
        let error =
            unsafe { sockeye_send_binary(side.conn, side.tools, data.as_ptr().cast(), data.len()) };
        assert_eq!(error, Error::None);
        side.write();
        side.written.clone()
    };
    for (deflate_threshold, len, compressed) in [
        (0, 255, false),
        (0, 256, true),
        (20, 19, false),
        (20, 20, true),
    ] {
        let config = Config {
            deflate_threshold,
            ..config()
        };
        let first = sent(&config, &vec![b'a'; len])[0];
        assert_eq!(
            first,
            if compressed { 0xc2 } else { 0x82 },
            "{deflate_threshold} {len}"
        );
    }
    let words: String = (0..5000)
        .map(|number| format!("{} ", number * number))
        .collect();
    let size = |deflate_level| {
        sent(
            &Config {
                deflate_level,
                ..config()
            },
            words.as_bytes(),
        )
        .len()
    };
    let sizes = [size(9), size(0), size(1)];
    assert!(
        sizes[0] < sizes[2] && sizes[1] < sizes[2] && sizes[0] != sizes[1],
        "{sizes:?}"
    );
}

/// What is said then, behind the 101.
#[test]
fn limits_and_pongs_are_as_is_told() {
    let good = config();
    let (part, last) = (frame(0x02, b"a"), frame(0x80, b"b"));
    let fragments = |count| [part.clone(), frame(0, b"").repeat(count), last.clone()].concat();
    let rows = [
        (
            good,
            frame(0x89, b"p"),
            "Ping 0 p\n",
            State::Open,
            &b"\x8a\x01p"[..],
        ),
        (
            Config {
                flags: SOCKEYE_NO_AUTO_PONG,
                ..good
            },
            frame(0x89, b"p"),
            "Ping 0 p\n",
            State::Open,
            b"",
        ),
        (
            Config {
                max_frame: 3,
                ..good
            },
            frame(0x82, b"four"),
            "Violation 1009 frame is over the size limit\n",
            State::Failed,
            b"\x88",
        ),
        (
            Config {
                max_message: 3,
                max_frame: 9,
                ..good
            },
            frame(0x82, b"four"),
            "Violation 1009 message is over the size limit\n",
            State::Failed,
            b"\x88",
        ),
        (
            good,
            fragments(1000),
            "Binary 0 ab\n",
            State::Open,
            b"\x82\x02ab",
        ),
        (
            Config {
                max_fragments: 3,
                ..good
            },
            fragments(1),
            "Binary 0 ab\n",
            State::Open,
            b"\x82\x02ab",
        ),
        (
            Config {
                max_fragments: 3,
                ..good
            },
            fragments(2),
            "Violation 1008 message in too many fragments\n",
            State::Failed,
            b"\x88",
        ),
    ];
    for (config, input, log, state, written) in rows {
        let mut side = opened(&config);
        (side.log, side.written) = Default::default();
        side.feed(&input);
        assert_eq!((&*side.log, side.state()), (log, state));
        assert!(
            side.written.starts_with(written) && side.written.is_empty() == written.is_empty(),
            "{log}"
        );
    }
}

#[test]
fn one_more_stream_than_is_told_is_refused() {
    for (max_streams, log) in [
        (0, ""),
        (1, "Violation 1013 too many compressed messages at once\n"),
    ] {
        let config = Config {
            delivery: SOCKEYE_DELIVER_CHUNKS,
            max_streams,
            ..config()
        };
        let mut first = opened(&config);
        let mut second = opened(&config);
        // Both with the tools of the first.
        std::mem::swap(&mut second.tools, &mut first.tools);
        let tools = std::mem::replace(&mut second.tools, first.tools);
        let begun = frame(0x42, b"\xf2\x48");
        first.feed(&begun);
        second.log.clear();
        second.feed(&begun);
        let said = second
            .log
            .strip_prefix("Parts of Binary of 2: H")
            .unwrap_or(&second.log);
        assert_eq!(said, log);
        second.tools = tools;
    }
}

/// Which ends each part has.
#[test]
fn parts_say_where_they_stand() {
    let rows = [
        (
            SOCKEYE_DELIVER_FRAMES,
            vec![(7, 3, &b"one"[..]), (13, 3, b"two")],
        ),
        (
            SOCKEYE_DELIVER_CHUNKS,
            vec![(3, 3, b"o"), (4, 0, b"ne"), (1, 3, b"t"), (12, 0, b"wo")],
        ),
    ];
    for (delivery, expected) in rows {
        let side = opened(&Config {
            delivery,
            ..config()
        });
        let mut bytes = [frame(0x01, b"one"), frame(0x80, b"two")].concat();
        let (mut from, mut parts) = (0, Vec::new());
        // In pieces that cut each frame behind the first byte of its payload.
        for to in [7, 9, 16, 18] {
            loop {
                let mut step = blank();
                unsafe {
                    sockeye_next(
                        side.conn,
                        side.tools,
                        bytes[from..].as_mut_ptr(),
                        to - from,
                        &mut step,
                    )
                };
                from += step.consumed;
                if step.event == Event::NeedMore {
                    break;
                }
                assert_eq!((step.event, step.message), (Event::Part, Event::Text));
                let data = unsafe { std::slice::from_raw_parts(step.data, step.len) }.to_vec();
                parts.push((step.part, step.frame_len, data));
            }
        }
        let starts = SOCKEYE_STARTS_FRAME | SOCKEYE_STARTS_MESSAGE;
        assert_eq!(
            (starts, SOCKEYE_ENDS_FRAME, SOCKEYE_ENDS_MESSAGE),
            (3, 4, 8)
        );
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(part, len, data)| (part, len, data.to_vec()))
            .collect();
        assert_eq!(parts, expected);
    }
}
