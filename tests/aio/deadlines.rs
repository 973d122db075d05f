//! What happens when time is over. The timer rings when the test says so.

use crate::script::{REQUEST, Script, finish, now};
use sockeye::aio::{Client, Error, Server, Terms, Tokio, WebSocket};
use sockeye::proto::handshake::HandshakeError;
use sockeye::proto::{CloseCode, Event};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const PING: [u8; 2] = [0x89, 0];
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];
const GOODBYE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A server's connection on which nothing was said yet.
fn open(script: &Script) -> WebSocket<Script> {
    script.say(REQUEST);
    let socket = now(Server::new().accept(script.clone().stays_open())).unwrap();
    script.written();
    socket
}

#[test]
fn a_request_that_does_not_come_is_answered_with_408() {
    let script = Script::new(b"GET / HTTP/1.1\r\n", []).stays_open();
    let server = Server::new();
    let mut greeting = Box::pin(server.greet(script.clone()));
    assert!(finish(&mut greeting).is_none());
    assert_eq!(script.ring(), Some(seconds(5)));
    assert!(
        finish(&mut greeting).is_none(),
        "it waits for the client's end"
    );
    assert!(script.written().starts_with(b"HTTP/1.1 408 "));
    assert!(script.has_ended());
    assert_eq!(script.ring(), Some(seconds(3)));
    let error = now(greeting).unwrap_err();
    assert!(
        matches!(error, Error::Handshake(HandshakeError::Timeout)),
        "{error:?}"
    );
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let script = Script::default().stays_open();
    let client = Client::new("x", "/");
    let mut connecting = Box::pin(client.connect(script.clone()));
    assert!(finish(&mut connecting).is_none());
    assert_eq!(script.ring(), Some(seconds(5)));
    assert!(matches!(now(connecting).unwrap_err(), Error::Timeout));
}

#[test]
fn a_silent_peer_is_pinged_and_given_up() {
    let script = Script::default();
    let mut socket = open(&script);
    assert!(finish(socket.receive()).is_none());
    assert_eq!(script.ring(), Some(seconds(20)));
    assert!(finish(socket.receive()).is_none());
    assert_eq!(script.written(), PING);
    assert_eq!(script.ring(), Some(seconds(10)));
    assert!(matches!(now(socket.receive()).unwrap_err(), Error::Timeout));
    assert!(
        matches!(now(socket.receive()), Ok(None)),
        "an error is the last"
    );
}

#[test]
fn who_answers_is_not() {
    let script = Script::default();
    let mut socket = open(&script);
    for _ in 0..3 {
        assert!(finish(socket.receive()).is_none());
        assert_eq!(script.ring(), Some(seconds(20)));
        assert!(finish(socket.receive()).is_none());
        assert_eq!(script.written(), PING);
        script.say(&PONG);
        assert_eq!(now(socket.receive()).unwrap(), Some(Event::Pong(b"")));
    }
}

#[test]
fn who_has_spoken_since_is_not_pinged() {
    let script = Script::default();
    let mut socket = open(&script);
    for _ in 0..3 {
        assert!(finish(socket.receive()).is_none());
        script.say(&PONG);
        assert_eq!(now(socket.receive()).unwrap(), Some(Event::Pong(b"")));
        assert_eq!(script.ring(), Some(seconds(20)));
        assert!(finish(socket.receive()).is_none());
        assert_eq!(script.written(), b"");
    }
}

#[test]
fn a_goodbye_that_is_not_answered_is_not_waited_for() {
    let script = Script::default();
    let mut socket = open(&script);
    let mut closing = Box::pin(socket.close(CloseCode::NORMAL, "bye"));
    assert!(finish(&mut closing).is_none());
    assert_eq!(script.written(), b"\x88\x05\x03\xE8bye");
    assert_eq!(script.ring(), Some(seconds(3)));
    assert!(matches!(now(closing).unwrap_err(), Error::Timeout));
}

#[test]
fn who_said_goodbye_and_does_not_end_is_not_waited_for() {
    let script = Script::default();
    let mut socket = open(&script);
    script.say(&GOODBYE);
    // What comes behind it is discarded, however much it is.
    script.say(&[0xFF; 100_000]);
    assert!(finish(socket.receive()).is_none());
    assert_eq!(script.written(), b"\x88\x02\x03\xE8");
    assert!(script.has_ended());
    assert_eq!(script.left(), 0);
    assert_eq!(script.ring(), Some(seconds(3)));
    let goodbye = now(socket.receive()).unwrap();
    assert!(matches!(goodbye, Some(Event::Close(reason)) if reason.number() == 1000));
}

#[test]
fn a_peer_that_does_not_read_is_not_read() {
    let script = Script::default();
    let mut socket = open(&script);
    script.takes(0);
    let pings = [0x89, 0x80 | 4, 0, 0, 0, 0, 1, 2, 3, 4].repeat(100_000);
    script.say(&pings);
    let mut heard = 0;
    while let Some(event) = finish(socket.receive()) {
        assert!(matches!(event.unwrap(), Some(Event::Ping(_))));
        heard += 1;
    }
    // One buffer of them may have been read when there was no room left, and no more.
    assert!(heard < 20_000, "{heard}");
    assert!(
        socket.queued_bytes() < 128 << 10,
        "{}",
        socket.queued_bytes()
    );
    assert_ne!(script.left(), 0);
}

/// A client lets the server end first (RFC 6455 section 7.1.1), and once it is connected its timer is for pings.
#[test]
fn a_client_does_not_end_before_its_server() {
    let script = Script::default().answers().stays_open();
    let mut socket = now(Client::new("x", "/").connect(script.clone())).unwrap();
    assert!(finish(socket.receive()).is_none());
    assert_eq!(script.armed().last(), Some(&seconds(20)));
    script.say(b"\x88\x02\x03\xE8");
    assert!(finish(socket.receive()).is_none());
    assert_eq!(script.written().len(), 8, "it is answered");
    assert!(!script.has_ended());
    script.ends();
    assert!(matches!(now(socket.receive()), Ok(Some(Event::Close(_)))));
    assert!(script.has_ended());
}

#[test]
fn no_deadline_is_set_where_none_is_wanted() {
    let mut terms = Terms::default();
    terms.handshake_timeout = None;
    terms.ping_every = None;
    terms.close_timeout = None;
    let script = Script::new(REQUEST, []).stays_open();
    let mut socket = now(Server::new().terms(terms).accept(script.clone())).unwrap();
    assert!(finish(socket.receive()).is_none());
    assert!(finish(socket.close(CloseCode::NORMAL, "")).is_none());
    assert_eq!(script.armed(), []);
}

async fn read<const N: usize>(stream: &mut DuplexStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// The clock of tokio is stopped and moves on by itself where everybody waits.
#[tokio::test(start_paused = true)]
async fn tokio_s_clock_rings_in_time() {
    let (mut peer, server) = duplex(1024);
    let serving = tokio::spawn(async move {
        let mut socket = Server::new().accept(Tokio::new(server)).await.unwrap();
        let ended = socket.next().await.unwrap();
        assert!(socket.next().await.is_none());
        ended.unwrap_err()
    });
    let start = tokio::time::Instant::now();
    peer.write_all(REQUEST).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read::<1>(&mut peer).await);
    }
    assert_eq!(read(&mut peer).await, PING);
    assert_eq!(start.elapsed().as_secs(), 20);
    peer.write_all(&PONG[..3]).await.unwrap();
    // Half a pong is a sign of life, and no more than that.
    assert_eq!(read(&mut peer).await, PING);
    assert!(matches!(serving.await.unwrap(), Error::Timeout));
    assert!(start.elapsed() <= seconds(71), "{:?}", start.elapsed());
}
