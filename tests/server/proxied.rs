//! Connections through proxies that say where they come from: the header is required of those who are trusted, and of
//! others it is a mistake.

use crate::frames::{self, Frame, REQUEST, text};
use crate::sim::{Conn, Net, SimKernel};
use sockeye::proto::handshake::server::Request;
use sockeye::server::{EventLoop, Handler, Message, Peer, PeerAddr, Settings, TrustedProxy};
use std::time::Duration;

const PROXY: &str = "10.1.2.3:4000";
const STRANGER: &str = "192.0.2.66:4000";
const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n";
/// A health check, by a proxy that speaks for itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// Tells everybody where it comes from, when it opens and whenever it asks.
struct Mirror;

impl Handler<SimKernel> for Mirror {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        let addr = peer.remote_addr().to_string();
        peer.send(addr.as_str()).expect("it is open");
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: Message<'_>) {
        let addr = peer.remote_addr().to_string();
        peer.send(addr.as_str()).expect("it is open");
    }
}

struct World {
    net: Net,
    server: EventLoop<Mirror, SimKernel>,
}

impl World {
    fn new(proxies: &[&str]) -> Self {
        let net = Net::new();
        let proxies = proxies.iter().map(|proxy| proxy.parse().expect("a proxy"));
        let settings = Settings::default().trusted_proxies(proxies);
        let server = EventLoop::new(net.kernel(), Mirror, settings);
        Self { net, server }
    }

    fn connect(&self, from: &str) -> Conn {
        let from = from.parse().map_or(PeerAddr::Unix, PeerAddr::Ip);
        self.net.connect_from(from)
    }

    fn turns(&mut self) {
        for _ in 0..10 {
            self.server
                .turn(Some(Duration::ZERO))
                .expect("polling works");
        }
    }

    /// Runs until everything has come.
    fn settle(&mut self, conn: &Conn) {
        while conn.under_way() > 0 {
            self.turns();
        }
        self.turns();
    }

    fn wait(&mut self, span: Duration) {
        let end = self.net.now() + span;
        while self.net.now() < end {
            let left = end - self.net.now();
            self.server.turn(Some(left)).expect("polling works");
        }
    }
}

/// What an open connection was told of where it comes from.
#[track_caller]
fn told(conn: &Conn) -> String {
    let mut bytes = conn.take_sent();
    let head = frames::take_head(&mut bytes).expect("an answer");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let frames = frames::take_frames(&mut bytes);
    let [frame] = frames.as_slice() else {
        panic!("not one frame: {frames:?}");
    };
    String::from_utf8(frame.payload.clone()).expect("text")
}

#[test]
fn a_trusted_proxy_says_where_it_comes_from() {
    for (header, expected) in [
        (V1, "203.0.113.7:51000"),
        (
            b"PROXY TCP6 2001:db8::7 ::1 51000 443\r\n",
            "[2001:db8::7]:51000",
        ),
        (b"PROXY UNKNOWN\r\n", PROXY),
        (LOCAL, PROXY),
    ] {
        let all = [header, REQUEST, &text("again")].concat();
        // In pieces of each size, so that every split is among them.
        for size in 1..=all.len() {
            let mut world = World::new(&["10.0.0.0/8"]);
            let conn = world.connect(PROXY);
            conn.push_in_pieces(&all, size);
            world.settle(&conn);
            let mut bytes = conn.take_sent();
            frames::take_head(&mut bytes).expect("an answer");
            let frame = Frame::text(expected);
            assert_eq!(
                frames::take_frames(&mut bytes),
                [frame.clone(), frame],
                "{size}"
            );
        }
    }
}

#[test]
fn nothing_is_asked_where_nobody_is_trusted_and_nobody_wants_to_know() {
    let net = Net::new();
    let settings = Settings::default();
    let mut server = EventLoop::new(net.kernel(), crate::harness::Probe::default(), settings);
    let conn = net.connect();
    conn.push(&[REQUEST, &text("hello")].concat());
    for _ in 0..5 {
        server.turn(Some(Duration::ZERO)).expect("polling works");
    }
    assert!(conn.untaken() > 0);
    assert_eq!(net.calls().peer_addrs, 0);
}

#[test]
fn who_is_not_trusted_is_not_believed() {
    let mut world = World::new(&["10.0.0.0/8", "unix"]);
    let conn = world.connect(STRANGER);
    conn.push(&[V1, REQUEST].concat());
    world.turns();
    let answer = conn.take_sent();
    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        answer.escape_ascii()
    );
    // And without a header it is served.
    let conn = world.connect(STRANGER);
    conn.push(REQUEST);
    world.turns();
    assert_eq!(told(&conn), STRANGER);
}

#[test]
fn unix_sockets_are_trusted_as_a_whole_or_not() {
    let mut world = World::new(&["unix"]);
    let conn = world.connect("unix");
    conn.push(&[V1, REQUEST].concat());
    world.turns();
    assert_eq!(told(&conn), "203.0.113.7:51000");
    let mut world = World::new(&["10.0.0.0/8"]);
    let conn = world.connect("unix");
    conn.push(REQUEST);
    world.turns();
    assert_eq!(told(&conn), "a Unix socket");
}

#[test]
fn without_a_header_a_trusted_proxy_is_dropped_without_an_answer() {
    for wrong in [
        REQUEST,
        b"PROXY TCP4 203.0.113.7\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xFF\xFF",
        &[b'x'; 5000],
    ] {
        let mut world = World::new(&["10.0.0.0/8"]);
        let conn = world.connect(PROXY);
        conn.push(wrong);
        world.turns();
        assert!(conn.is_closed(), "{}", wrong.escape_ascii());
        assert_eq!(conn.untaken(), 0);
        assert_eq!(world.server.connections(), 0);
    }
}

#[test]
fn the_deadline_of_the_handshake_covers_the_header() {
    // Nothing, half a header, and a header that is all there is.
    for (sent, answer) in [(&b""[..], ""), (&V1[..20], ""), (V1, "HTTP/1.1 408 ")] {
        let mut world = World::new(&["10.0.0.0/8"]);
        let conn = world.connect(PROXY);
        conn.push(sent);
        world.turns();
        world.wait(Duration::from_millis(4900));
        assert!(!conn.is_closed() && conn.untaken() == 0);
        world.wait(Duration::from_millis(200));
        assert!(conn.is_finished() || conn.is_closed());
        let told = String::from_utf8(conn.take_sent()).expect("text");
        assert!(
            told.starts_with(answer) && told.is_empty() == answer.is_empty(),
            "{told}"
        );
    }
}

#[test]
fn who_ends_within_the_header_is_gone() {
    let mut world = World::new(&["10.0.0.0/8"]);
    let conn = world.connect(PROXY);
    conn.push(&V1[..20]);
    world.turns();
    conn.end();
    world.turns();
    assert!(conn.is_closed() && conn.untaken() == 0);
    assert_eq!(world.server.connections(), 0);
}

#[test]
fn a_list_may_hold_several() {
    let proxy: TrustedProxy = "2001:db8::/32".parse().expect("a proxy");
    assert_eq!(proxy.to_string(), "2001:db8::/32");
    let mut world = World::new(&["192.0.2.1", "2001:db8::/32"]);
    let conn = world.connect("[2001:db8::9]:5");
    conn.push(&[V1, REQUEST].concat());
    world.turns();
    assert_eq!(told(&conn), "203.0.113.7:51000");
}
