//! What compression holds and allocates, counted: nothing for a connection that keeps no context, what is documented for
//! one that does, and no more however often.
//!
//! Where many compressors are held there are few connections here: ten thousand with a compressor each are 3.8 GB, which
//! are as easily shown with sixty-four.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/frames.rs"]
mod frames;
#[path = "../support/sim/mod.rs"]
mod sim;

mod broadcasts;
mod idle;
mod takeover;

use frames::{BINARY, FIN, REQUEST};
use sim::{Conn, Net, SimKernel};
use sockeye::proto::deflate::{Compressor, Params, Policy};
use sockeye::proto::{Connection, Outbound};
use sockeye::server::{EventLoop, Handler, Limits, Message, Peer, Settings, Timeouts};
use std::sync::Arc;
use std::time::Duration;

const RSV1: u8 = 0x40;

/// What the first compressed messages make a loop or a driver hold, once for all its connections: an inflater and its
/// buffer, a compressor of the largest window and its buffer.
const SHARED: usize = (48 + 64 + 376 + 64 + 1) << 10;

/// Bytes allocated since `before` and not freed.
fn held_since(before: isize) -> isize {
    counting::held() - before
}

/// JSON of 512 bytes, which differs from peer to peer.
fn json(seed: usize) -> Vec<u8> {
    let mut text = String::from("[");
    let mut id = seed;
    while text.len() < 512 {
        id = id
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E);
        text += &format!(
            "{{\"id\":{},\"name\":\"user {:x}\"}},",
            id >> 40,
            id & 0xFFFF
        );
    }
    text.truncate(512);
    text.into_bytes()
}

/// A message's payload as a peer without takeover sends it.
fn compressed(data: &[u8]) -> Vec<u8> {
    let agreed = Params {
        server_no_context_takeover: true,
        ..Params::default()
    };
    let mut conn = Connection::server(Arc::default());
    conn.set_deflate(agreed.agreed());
    let mut compressor = Compressor::new(&Policy {
        threshold: 1,
        ..Policy::default()
    });
    let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
    conn.tx.binary(data, &mut out).expect("it is open");
    let frame = out.sink;
    assert_eq!(frame[0], FIN | RSV1 | BINARY, "it got smaller");
    frame[frames::payload_range(&frame).expect("whole")].to_vec()
}

/// Sends text to everybody and the rest back.
struct Echo;

impl Handler<SimKernel> for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text(_) => peer.broadcast(message),
            Message::Binary(_) => peer.send(message).expect("the peer reads"),
        }
    }
}

struct Sim {
    net: Net,
    server: EventLoop<Echo, SimKernel>,
}

impl Sim {
    fn new(policy: impl Into<Option<Policy>>) -> Self {
        let net = Net::new();
        let settings = Settings::new(Limits::default(), Timeouts::default()).deflate(policy);
        let server = EventLoop::new(net.kernel(), Echo, settings);
        Self { net, server }
    }

    fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.server.turn(Some(Duration::ZERO)).expect("it polls");
        }
    }

    /// So many peers that have offered compression, with room in the world for what they will send and receive.
    fn open(&mut self, count: usize, offer: &str, room: usize) -> Vec<Conn> {
        let request = REQUEST.strip_suffix(b"\r\n").expect("it ends so");
        let line = format!("Sec-WebSocket-Extensions: {offer}\r\n\r\n");
        let request = [request, line.as_bytes()].concat();
        let conns: Vec<_> = (0..count).map(|_| self.net.connect()).collect();
        for conn in &conns {
            conn.reserve(room.max(512));
            conn.push(&request);
        }
        // 64 are accepted in a turn.
        self.turns(count / 64 + 3);
        for conn in &conns {
            assert!(conn.read_sent(|sent| sent.starts_with(b"HTTP/1.1 101 ")));
        }
        conns
    }

    /// Each peer sends its bytes, all in one turn; each is answered something or nothing.
    fn each_sends(&mut self, conns: &[Conn], bytes: impl Fn(usize) -> Vec<u8>, answered: bool) {
        for (index, conn) in conns.iter().enumerate() {
            conn.push(&bytes(index));
        }
        self.turns(2);
        for conn in conns {
            assert_eq!(conn.unreceived(), 0);
            assert_eq!(conn.read_sent(<[u8]>::len) > 0, answered);
        }
    }
}

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const MANY: usize = 10_000;
