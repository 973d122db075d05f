//! A whole connection: what a peer sends, well-formed and not, between what we send; in every delivery and any pieces.
//!
//! The input is a script (`script`). It is acted out with each delivery, in one piece, byte by byte and as the script
//! says, and all of that must come to the same as the literal receiver (`reference`) makes of it. What we wrote is then
//! read by a connection of the peer's role.

mod reference;
mod script;

use super::choices::Pieces;
use super::reference::Said;
use script::{Op, Script, Send};
use sockeye::proto::{
    CloseCode, Config, Connection, Delivery, Event, Inbound, Limits, MessageKind, Misuse, Outbound,
    Part, Prepared, Role, SendError, State, Violation,
};
use std::sync::Arc;

/// Pieces beyond this do not make a better test, only a slower one.
const MAX_PIECES: usize = 400;

/// What came of a script.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// What the peer said, and after how many operations.
    heard: Vec<(usize, Said)>,
    /// What our own sends came to.
    sends: Vec<Result<(), SendError>>,
    error: Option<(usize, Violation)>,
    state: Option<State>,
    out: Vec<u8>,
}

/// Same bytes, same outcome, in any delivery and any pieces; the outcome is the one that the RFC says; the peer can
/// read what we wrote, and nothing stands behind a Close frame.
pub fn connection(data: &[u8]) {
    let script = Script::read(data);
    let whole = Drive::new(&script, Delivery::Messages).run(Pieces::Whole);
    // Each delivery in another kind of pieces; which in which is the script's to say.
    let all = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];
    let kinds = [script.pieces, Pieces::Every(1), Pieces::Whole];
    for (place, delivery) in all.into_iter().enumerate() {
        let kind = kinds[(place + script.turn) % kinds.len()];
        let pieces = kind.at_most(MAX_PIECES, script.len());
        let outcome = Drive::new(&script, delivery).run(pieces);
        assert_eq!(outcome, whole, "{delivery:?}, {pieces:?}\n{script:?}");
    }
    let expected = reference::act_out(&script);
    assert_eq!(whole.heard, expected.heard, "{script:?}");
    assert_eq!(whole.error, expected.error, "{script:?}");
    assert_eq!(whole.sends, expected.sends, "{script:?}");
    assert_eq!(whole.state, Some(expected.state), "{script:?}");
    let pieces = script.pieces.at_most(MAX_PIECES, whole.out.len());
    let read = read_by_the_peer(script.role.peer(), &whole.out, pieces);
    assert_eq!(read, expected.said, "{script:?}");
}

/// One performance of a script.
struct Drive<'s> {
    script: &'s Script,
    conn: Connection,
    inbound: Inbound,
    buffer: Vec<u8>,
    /// Parts of the message in progress.
    parts: Vec<u8>,
    frame_left: Option<u64>,
    received: usize,
    op: usize,
    outcome: Outcome,
}

impl<'s> Drive<'s> {
    fn new(script: &'s Script, delivery: Delivery) -> Self {
        let mut config = Config::default();
        config.limits = script.limits;
        config.delivery = delivery;
        config.auto_pong = script.auto_pong;
        Self {
            script,
            conn: Connection::new(script.role, Arc::new(config)),
            inbound: Inbound::new(),
            buffer: Vec::new(),
            parts: Vec::new(),
            frame_left: None,
            received: 0,
            op: 0,
            outcome: Outcome::default(),
        }
    }

    fn run(mut self, pieces: Pieces) -> Outcome {
        let mut keys = counting();
        let mut out = Outbound::client(Vec::new(), &mut keys);
        for (op, what) in self.script.ops.iter().enumerate() {
            self.op = op;
            match what {
                Op::Arrive(bytes) => {
                    let mut from = 0;
                    for to in pieces.ends(bytes.len()) {
                        self.arrive(&bytes[from..to], &mut out);
                        from = to;
                    }
                }
                Op::Send(send) => {
                    let before = out.sink.len();
                    let result = send_it(&mut self.conn, send, &mut out);
                    assert!(
                        result.is_ok() || out.sink.len() == before,
                        "failed, and wrote"
                    );
                    self.outcome.sends.push(result);
                }
            }
        }
        self.outcome.state = Some(self.conn.state());
        self.outcome.out = out.sink;
        self.outcome
    }

    fn arrive(&mut self, bytes: &[u8], out: &mut Outbound<'_, Vec<u8>>) {
        self.buffer.extend_from_slice(bytes);
        self.received += bytes.len();
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut at = 0;
        loop {
            let before = out.sink.len();
            let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
            let over = matches!(tx.state(), State::Closed | State::Failed);
            let step = match rx.next(&mut buffer[at..], &mut self.inbound, tx, out) {
                Ok(step) => step,
                Err(violation) => {
                    let first = *self.outcome.error.get_or_insert((self.op, violation));
                    assert_eq!(first.1, violation, "another fault after the first");
                    assert!(!over || out.sink.len() == before, "an answer after the end");
                    assert_eq!(self.conn.state(), State::Failed);
                    return self.is_bounded(0);
                }
            };
            assert!(!over || step.event.is_none() && out.sink.len() == before);
            at += step.consumed;
            let Some(event) = step.event else { break };
            let said = match event {
                Event::Text(text) => Some(Said::Text(text.into())),
                Event::Binary(data) => Some(Said::Binary(data.into())),
                Event::Ping(data) => Some(Said::Ping(data.into())),
                Event::Pong(data) => Some(Said::Pong(data.into())),
                Event::Close(close) => {
                    let code = close.code.map(CloseCode::get);
                    Some(Said::Close(code, close.reason.into()))
                }
                Event::Part(part) => take_part(&mut self.parts, &mut self.frame_left, &part),
            };
            if let Some(said) = said {
                self.on_said(said, out);
            }
        }
        buffer.drain(..at);
        self.buffer = buffer;
        let waiting = self.buffer.len();
        assert!(waiting == 0 || self.conn.state() != State::Closed);
        self.is_bounded(waiting);
    }

    fn on_said(&mut self, said: Said, out: &mut Outbound<'_, Vec<u8>>) {
        if self.script.echo {
            let _ = match &said {
                Said::Text(text) => {
                    let text = std::str::from_utf8(text).expect("text is UTF-8");
                    self.conn.tx.text(text, out)
                }
                Said::Binary(data) => self.conn.tx.binary(data, out),
                _ => Ok(()),
            };
        }
        self.outcome.heard.push((self.op, said));
    }

    /// Nothing is held for what was only announced.
    fn is_bounded(&mut self, waiting: usize) {
        self.conn.rx.release();
        let held = self.conn.rx.heap_bytes();
        assert!(
            held <= 2 * self.received + 128,
            "{held} held of {}",
            self.received
        );
        let limit = usize::try_from(self.script.limits.max_message).unwrap_or(usize::MAX);
        assert!(held <= limit.saturating_mul(2).saturating_add(128));
        assert!(held == 0 || self.conn.rx.is_mid_message());
        let frame = usize::try_from(self.script.limits.max_frame).unwrap_or(usize::MAX);
        assert!(
            waiting <= frame.max(125).saturating_add(14),
            "{waiting} waiting"
        );
    }
}

/// Collects parts; gives the message when it is whole.
fn take_part(parts: &mut Vec<u8>, left: &mut Option<u64>, part: &Part<'_>) -> Option<Said> {
    if part.starts_message {
        parts.clear();
        *left = None;
    }
    let before = match part.frame_len {
        Some(len) => {
            assert_eq!(left.unwrap_or(0), 0, "a frame before the last one ended");
            len
        }
        None => left.expect("a frame begins with its length"),
    };
    let after = before
        .checked_sub(part.data.len() as u64)
        .expect("more than announced");
    assert_eq!(after == 0, part.ends_frame);
    *left = Some(after);
    parts.extend_from_slice(part.data);
    part.ends_message
        .then(|| Said::message(part.kind, std::mem::take(parts)))
}

fn send_it(
    conn: &mut Connection,
    send: &Send,
    out: &mut Outbound<'_, Vec<u8>>,
) -> Result<(), SendError> {
    let tx = &mut conn.tx;
    match send {
        Send::Text(text) => tx.text(text, out),
        Send::Binary(data) => tx.binary(data, out),
        Send::Prepared(MessageKind::Text, data) => {
            let text = std::str::from_utf8(data).expect("the script makes it so");
            tx.prepared(&Prepared::text(text), out)
        }
        Send::Prepared(MessageKind::Binary, data) => tx.prepared(&Prepared::binary(data), out),
        Send::Fragment(kind, data, last) => tx.fragment(*kind, data, *last, out),
        Send::Ping(data) => tx.ping(data, out),
        Send::Pong(data) => tx.pong(data, out),
        Send::Close(code, reason) => match CloseCode::new(*code) {
            Some(code) => tx.close(code, reason, out),
            None => Err(SendError::Misuse(Misuse::NoKeys)),
        },
    }
}

/// What the peer makes of what we wrote: all of it, without a fault, and with nothing behind a Close frame.
fn read_by_the_peer(role: Role, wrote: &[u8], pieces: Pieces) -> Vec<Said> {
    let mut config = Config::default();
    config.limits = Limits {
        max_frame: u64::MAX,
        max_message: u64::MAX,
        max_fragments: u32::MAX,
    };
    let mut conn = Connection::new(role, Arc::new(config));
    let mut inbound = Inbound::new();
    let mut keys = counting();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let (mut heard, mut buffer, mut from) = (Vec::new(), Vec::new(), 0);
    for to in pieces.ends(wrote.len()) {
        assert_eq!(conn.state(), State::Open, "bytes behind a Close frame");
        buffer.extend_from_slice(&wrote[from..to]);
        from = to;
        let mut at = 0;
        loop {
            let next = conn
                .rx
                .next(&mut buffer[at..], &mut inbound, &mut conn.tx, &mut out);
            let step = next.expect("what we wrote is right");
            at += step.consumed;
            match step.event {
                None => break,
                Some(Event::Text(text)) => heard.push(Said::Text(text.into())),
                Some(Event::Binary(data)) => heard.push(Said::Binary(data.into())),
                Some(Event::Ping(data)) => heard.push(Said::Ping(data.into())),
                Some(Event::Pong(data)) => heard.push(Said::Pong(data.into())),
                Some(Event::Part(_)) => panic!("a part, though messages were asked for"),
                Some(Event::Close(close)) => {
                    heard.push(Said::Close(
                        close.code.map(CloseCode::get),
                        close.reason.into(),
                    ));
                    assert_eq!(at, buffer.len(), "bytes behind a Close frame");
                }
            }
        }
        buffer.drain(..at);
    }
    assert!(buffer.is_empty(), "the last frame is not whole");
    heard
}

/// Keys that repeat from run to run.
fn counting() -> impl FnMut() -> [u8; 4] {
    let mut count = 0_u32;
    move || {
        count += 1;
        count.wrapping_mul(0x9E37_79B9).to_be_bytes()
    }
}
