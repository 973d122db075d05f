//! What programs are used to: streams and sinks, and the traits of `futures-io`.

use crate::script::{REQUEST, Script, finish, now};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use sockeye::aio::{Error, Futures, Goodbye, Message, Outgoing, Server, WebSocket};
use sockeye::proto::{CloseCode, Event, MessageKind, Prepared};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const GOODBYE: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

fn open(script: &Script) -> WebSocket<Script> {
    let request = Script::new(REQUEST, []);
    let socket = now(Server::new().accept(script.behind(&request))).unwrap();
    script.written();
    socket
}

#[test]
fn a_stream_goes_into_its_sink() {
    // The halves of `futures` keep the last message until the stream has nothing for once. Behind a goodbye it is late.
    let script = Script::new(&[&HELLO.repeat(3), GOODBYE].concat(), [3 * HELLO.len()]);
    let (sink, stream) = StreamExt::split(open(&script));
    let echo = stream
        .try_filter(|message| future::ready(message.is_data()))
        .forward(sink);
    now(echo).unwrap();
    assert_eq!(
        script.written(),
        [&b"\x81\x05Hello".repeat(3)[..], b"\x88\x02\x03\xE8"].concat()
    );
}

#[test]
fn the_halves_are_a_stream_and_a_sink_too() {
    let script = Script::new(&[HELLO, GOODBYE].concat(), []);
    let (reader, writer) = open(&script).split();
    let echo = reader
        .try_filter(|message| future::ready(message.is_data()))
        .forward(writer);
    // The goodbye was answered by then: to close what is closed is no fault.
    now(echo).unwrap();
    assert_eq!(script.written(), b"\x81\x05Hello\x88\x02\x03\xE8");
}

#[test]
fn a_message_is_text_where_its_bytes_are() {
    let part = Message::Part {
        kind: MessageKind::Binary,
        data: b"hi".to_vec(),
        last: false,
    };
    let goodbye = Message::Close(Some(Goodbye {
        code: None,
        reason: "hi".to_owned(),
    }));
    let ping = Message::Ping(b"hi".to_vec());
    for message in [
        Message::text("hi"),
        Message::binary("hi"),
        part,
        goodbye,
        ping,
    ] {
        assert_eq!(message.to_text(), Ok("hi"), "{message:?}");
        assert_eq!(message.clone().into_text(), Ok("hi".to_owned()));
        assert_eq!(message.into_bytes(), b"hi");
    }
    assert_eq!(Message::Close(None).to_text(), Ok(""));
    assert_eq!(Message::Close(None).into_text(), Ok(String::new()));
    let none = Message::binary(b"\xFF");
    assert!(none.to_text().is_err());
    assert_eq!(none.into_text().unwrap_err().into_bytes(), b"\xFF");
}

#[test]
fn closing_a_sink_says_goodbye_and_waits() {
    let script = Script::default().stays_open();
    let mut socket = open(&script);
    assert!(finish(SinkExt::close(&mut socket)).is_none());
    assert_eq!(script.written(), b"\x88\x02\x03\xE8");
    script.say(GOODBYE);
    script.ends();
    now(SinkExt::close(&mut socket)).unwrap();
    let late = now(SinkExt::send(&mut socket, Message::text("late")));
    assert!(matches!(late, Err(Error::Send(_))));
}

#[test]
fn everything_can_be_sent() {
    let script = Script::default().stays_open();
    let mut socket = open(&script);
    let prepared = Prepared::text("to all");
    let (text, data) = ("b".to_owned(), vec![1, 2]);
    let part = |data, last| Outgoing::Part {
        kind: MessageKind::Text,
        data,
        last,
    };
    let rows: [(Outgoing<'_>, &[u8]); 9] = [
        ("a".into(), b"\x81\x01a"),
        ((&text).into(), b"\x81\x01b"),
        ((b"c").into(), b"\x82\x01c"),
        ((&data).into(), b"\x82\x02\x01\x02"),
        ((&prepared).into(), b"\x81\x06to all"),
        (part(b"d", false), b"\x01\x01d"),
        (part(b"e", true), b"\x80\x01e"),
        (Event::Ping(b"f").into(), b"\x89\x01f"),
        (Outgoing::Pong(b"g"), b"\x8A\x01g"),
    ];
    for (message, wire) in rows {
        now(socket.send(message)).unwrap();
        assert_eq!(script.written(), wire, "{message:?}");
    }
    let goodbye = Message::from(Event::Close(sockeye::proto::CloseReason {
        code: Some(CloseCode::GOING_AWAY),
        reason: "bye",
    }));
    now(socket.send(&goodbye)).unwrap();
    assert_eq!(script.written(), b"\x88\x05\x03\xE9bye");
}

/// What is fed goes out together, before the next wait.
#[test]
fn answers_to_what_came_together_go_together() {
    let script = Script::new(&HELLO.repeat(16), []).stays_open();
    let (mut reader, mut writer) = open(&script).split();
    for number in 0..16 {
        let event = now(reader.receive()).unwrap().unwrap();
        now(writer.feed(event)).unwrap();
        assert_eq!(script.written(), b"", "{number}");
    }
    assert!(finish(reader.receive()).is_none());
    assert_eq!(script.written(), b"\x81\x05Hello".repeat(16));
}

/// A stream as `futures-io` has them.
struct Foreign(Script);

impl futures_util::io::AsyncRead for Foreign {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut input = Vec::with_capacity(buf.len());
        let read = sockeye::aio::Io::poll_read(&mut self.0, cx, &mut input);
        buf[..input.len()].copy_from_slice(&input);
        read
    }
}

impl futures_util::io::AsyncWrite for Foreign {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        sockeye::aio::Io::poll_write(&mut self.0, cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        sockeye::aio::Io::poll_flush(&mut self.0, cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        sockeye::aio::Io::poll_shutdown(&mut self.0, cx)
    }
}

#[test]
fn other_runtimes_have_the_same() {
    let large = [
        &[0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
        &[9; 65_536],
    ]
    .concat();
    let script = Script::new(&[REQUEST, HELLO, &large, GOODBYE].concat(), []);
    let mut socket = now(Server::new().accept(Futures::new(Foreign(script.clone())))).unwrap();
    script.written();
    for expected in [Message::text("Hello"), Message::binary([9; 65_536])] {
        let message = now(socket.next()).unwrap().unwrap();
        assert_eq!(message, expected);
        now(socket.send(&message)).unwrap();
    }
    assert!(matches!(now(socket.receive()), Ok(Some(Event::Close(_)))));
    assert!(matches!(now(socket.receive()), Ok(None)));
    assert!(script.has_ended());
}

#[test]
fn a_timer_of_theirs_is_used() {
    let script = Script::new(REQUEST, []).stays_open();
    // The handshake has all the time it wants.
    let timer = |after: Duration| async move {
        if after < Duration::from_secs(10) {
            future::pending::<()>().await;
        }
    };
    let stream = Futures::new(Foreign(script.clone())).with_timer(timer);
    let mut socket = now(Server::new().accept(stream)).unwrap();
    script.written();
    assert!(matches!(now(socket.receive()), Err(Error::Timeout)));
    assert_eq!(script.written(), [0x89, 0]);
}

#[test]
fn what_answers_sends_flushes_and_says_goodbye() {
    let script = Script::new(&[HELLO, GOODBYE].concat(), [HELLO.len()]);
    let mut socket = open(&script);
    let (event, mut answer) = now(socket.receive_to_answer()).unwrap().unwrap();
    now(answer.send(event)).unwrap();
    assert_eq!(script.written(), b"\x81\x05Hello");
    now(answer.feed(event)).unwrap();
    assert_eq!(script.written(), b"");
    now(answer.flush()).unwrap();
    assert_eq!(script.written(), b"\x81\x05Hello");
    now(answer.close(CloseCode::GOING_AWAY, "")).unwrap();
    assert_eq!(event, Event::Text("Hello"));
    assert_eq!(script.written(), b"\x88\x02\x03\xE9");
    let last = now(socket.receive_to_answer()).unwrap();
    let last = last.map(|(event, _)| Message::from(event));
    assert!(matches!(last, Some(Message::Close(_))));
    assert!(now(socket.receive_to_answer()).unwrap().is_none());
}
