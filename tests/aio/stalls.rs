//! Nobody waits for ever: not each for the other, not for what the other half knows, and not for a peer that never stops.

use crate::pipe::Dice;
use crate::script::{REQUEST, Script, finish, now};
use futures_util::SinkExt;
use sockeye::aio::{Client, Error, Io, Server, Terms, Tokio, WebSocket};
use sockeye::proto::{CloseCode, Event, Violation};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{DuplexStream, duplex};
use tokio::time::timeout;

const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const GOODBYE: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// What nobody can compress.
fn noise(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(5);
    #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
    (0..len).map(|_| dice.below(256) as u8).collect()
}

fn open(script: &Script) -> WebSocket<Script> {
    script.say(REQUEST);
    let socket = now(Server::new().accept(script.clone().stays_open())).unwrap();
    script.written();
    socket
}

type Duplex = WebSocket<Tokio<DuplexStream>>;

/// A client and a server, which does not ping.
async fn pair() -> (Duplex, Duplex) {
    let mut terms = Terms::default();
    terms.ping_every = None;
    let (client, server) = duplex(100);
    let server = async { Server::new().terms(terms).accept(Tokio::new(server)).await };
    let asking = Client::new("x", "/");
    let client = asking.connect(Tokio::new(client));
    let (client, server) = tokio::join!(client, server);
    (client.unwrap(), server.unwrap())
}

#[tokio::test(start_paused = true)]
async fn two_that_have_much_to_say_hear_each_other() {
    let (client, server) = pair().await;
    let large = noise(300_000);
    let exchange = |mut socket: Duplex| {
        let large = &large;
        async move {
            socket.feed(large).await.unwrap();
            let event = timeout(seconds(10), socket.receive()).await;
            assert_eq!(
                event.expect("it comes").unwrap(),
                Some(Event::Binary(large))
            );
            socket.flush().await.unwrap();
            socket
        }
    };
    let _both = tokio::join!(exchange(client), exchange(server));
}

#[tokio::test(start_paused = true)]
async fn the_goodbye_of_one_half_has_a_deadline_in_the_other() {
    let (_client, server) = pair().await;
    let (mut reader, mut writer) = server.split();
    let reading = tokio::spawn(async move { reader.receive().await.map(drop) });
    tokio::task::yield_now().await;
    writer.close(CloseCode::NORMAL, "").await.unwrap();
    let ended = timeout(seconds(10), reading).await.expect("a deadline");
    assert!(matches!(ended.unwrap(), Err(Error::Timeout)));
}

/// One half waits for room that never comes; the other one hears that it is over.
#[tokio::test(start_paused = true)]
async fn who_writes_hears_of_the_end() {
    let (client, server) = pair().await;
    let (mut reader, mut writer) = client.split();
    let sending = tokio::spawn(async move { writer.send(&noise(300_000)).await });
    let ended = timeout(seconds(100), reader.receive()).await;
    assert!(matches!(ended, Ok(Err(Error::Timeout))));
    let sent = timeout(seconds(10), sending).await.expect("it is over");
    assert!(matches!(sent.unwrap(), Err(Error::Lost)));
    drop(server);
}

#[test]
fn no_ping_stands_before_the_end_of_the_handshake() {
    let mut terms = Terms::default();
    terms.handshake_timeout = None;
    let script = Script::new(b"GET / HTTP/1.1\r\n", []).stays_open();
    let server = Server::new().terms(terms);
    let mut greeting = Box::pin(server.greet(script.clone()));
    for _ in 0..3 {
        assert!(finish(&mut greeting).is_none());
        script.ring();
    }
    assert_eq!(script.armed(), []);
    assert_eq!(script.written(), b"");
}

/// A stream that nothing goes into while hands are shaken.
#[test]
fn heads_that_nobody_takes_are_not_waited_for() {
    let script = Script::default().stays_open();
    script.takes(0);
    let client = Client::new("x", "/");
    let mut connecting = Box::pin(client.connect(script.clone()));
    assert!(finish(&mut connecting).is_none());
    assert_eq!(script.ring(), Some(seconds(5)));
    assert!(matches!(now(connecting), Err(Error::Timeout)));

    let script = Script::new(REQUEST, []).stays_open();
    script.takes(0);
    let server = Server::new();
    let mut accepting = Box::pin(server.accept(script.clone()));
    assert!(finish(&mut accepting).is_none());
    assert_eq!(script.ring(), Some(seconds(5)));
    assert!(matches!(now(accepting), Err(Error::Timeout)));
}

#[test]
fn a_sink_waits_for_a_goodbye_no_longer_than_others() {
    let script = Script::default();
    let mut socket = open(&script);
    script.takes(0);
    assert!(finish(SinkExt::close(&mut socket)).is_none());
    assert_eq!(script.ring(), Some(seconds(3)));
    assert!(matches!(
        now(SinkExt::close(&mut socket)),
        Err(Error::Timeout)
    ));
}

/// No ping comes through to it, and no goodbye, before it has taken what stands before that.
#[test]
fn who_reads_slowly_is_not_given_up() {
    let script = Script::default();
    let mut socket = open(&script);
    script.takes(0);
    now(socket.feed(&noise(200_000))).unwrap();
    for _ in 0..10 {
        assert!(finish(socket.receive()).is_none());
        script.takes(1000);
        assert!(finish(socket.receive()).is_none());
        script.ring();
    }
    let mut closing = Box::pin(socket.close(CloseCode::NORMAL, ""));
    for _ in 0..10 {
        assert!(finish(&mut closing).is_none());
        script.takes(1000);
        assert!(finish(&mut closing).is_none());
        assert_eq!(script.ring(), Some(seconds(3)));
    }
    assert!(finish(&mut closing).is_none());
    assert_eq!(script.ring(), Some(seconds(3)));
    assert!(matches!(now(closing), Err(Error::Timeout)));
}

/// What is wrong with a text is told, also where somebody did not wait for that.
#[test]
fn a_violation_is_not_given_up() {
    let script = Script::default();
    let mut socket = open(&script);
    script.say(HELLO);
    assert_eq!(now(socket.receive()).unwrap(), Some(Event::Text("Hello")));
    script.takes(0);
    script.say(b"\x81\x81\0\0\0\0\xFF");
    assert!(finish(socket.receive()).is_none());
    script.takes(1000);
    script.ends();
    let told = now(socket.receive());
    let expected = Violation::InvalidUtf8;
    assert!(
        matches!(told, Err(Error::Violation(found)) if found == expected),
        "{told:?}"
    );
    let written = script.written();
    assert_eq!((written[0], &written[2..4]), (0x88, &[0x03, 0xEF][..]));
}

/// A peer that never stops.
struct Flood {
    first: Vec<u8>,
    reads: usize,
    armed: bool,
}

impl Flood {
    fn behind(first: &[&[u8]]) -> Self {
        Self {
            first: first.concat(),
            reads: 0,
            armed: false,
        }
    }
}

impl Io for Flood {
    fn poll_read(&mut self, _: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let before = input.len();
        self.reads += 1;
        assert!(self.reads < 10_000, "it reads for ever");
        input.append(&mut self.first);
        // A pong, again and again.
        let room = input.capacity() - input.len();
        input.extend([0x8A, 0x80, 0, 0, 0, 0].repeat(room / 6));
        Poll::Ready(Ok(input.len() - before))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn arm(&mut self, _: Duration) {
        self.armed = true;
    }

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.armed && self.reads > 200 {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

#[test]
fn who_never_stops_is_not_waited_for() {
    let mut socket = now(Server::new().accept(Flood::behind(&[REQUEST]))).unwrap();
    let ended = now(socket.close(CloseCode::NORMAL, ""));
    assert!(matches!(ended, Err(Error::Timeout)), "{ended:?}");
    let mut socket = now(Server::new().accept(Flood::behind(&[REQUEST, GOODBYE]))).unwrap();
    assert!(matches!(now(socket.receive()), Ok(Some(Event::Close(_)))));
}
