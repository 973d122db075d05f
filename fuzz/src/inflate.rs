//! Messages that arrive compressed, by blocks well-formed and broken, beside another's inflater.

mod reference;
mod script;

use super::choices::Pieces;
use super::reference::{Outcome, Part as Frame, Said};
use script::Script;
use sockeye::proto::{
    Config, Connection, Delivery, Event, Inbound, Limits, MessageKind, Outbound, Part,
};
use std::sync::Arc;

/// Heap that the library's inflater takes; a driver keeps one, and at most four that were a message's own.
const INFLATER: usize = 48 << 10;
/// What the states of these take, without what they hold.
const SMALL: usize = 256;

/// Pieces beyond this do not make a better test, only a slower one.
const MAX_PIECES: usize = 400;

/// In any pieces and by each delivery, what is heard and what is wrong is what another's inflater makes of the same
/// payloads, whole; it does not depend on who else uses the same inflater; and memory is bounded by the limit.
pub fn inflate(data: &[u8]) {
    let script = Script::read(data);
    let (wire, delivery) = (script.wire(), script.delivery);
    let whole = alone(&script, &wire, Pieces::Whole);
    let expected = reference::act_out(&script, &wire, delivery);
    assert!(
        expected == whole || expected.differs_in_corruption_alone(&whole, delivery),
        "{script:?}\n{whole:?}\n{expected:?}"
    );
    for pieces in [script.pieces, Pieces::Every(1)] {
        let pieces = pieces.at_most(MAX_PIECES, wire.len());
        let outcome = alone(&script, &wire, pieces);
        assert_eq!(outcome, whole, "{pieces:?}\n{script:?}");
    }
    for outcome in side_by_side(&script, &wire) {
        assert_eq!(outcome, whole, "{script:?}");
    }
}

/// One connection with an inflater to itself.
fn alone(script: &Script, wire: &[u8], pieces: Pieces) -> Outcome {
    let mut inbound = Inbound::new();
    let mut drive = Drive::new(script);
    let mut from = 0;
    for to in pieces.ends(wire.len()) {
        drive.arrive(&wire[from..to], &mut inbound);
        from = to;
    }
    drive.end()
}

/// Two connections that take turns with one inflater; the other one is a little ahead.
fn side_by_side(script: &Script, wire: &[u8]) -> [Outcome; 2] {
    let mut inbound = Inbound::new();
    let mut one = Drive::new(script);
    let mut other = Drive::new(script);
    let (mut here, mut there) = (0, wire.len().min(5));
    other.arrive(&wire[..there], &mut inbound);
    for to in Pieces::Mixed(201).ends(wire.len()) {
        one.arrive(&wire[here..to], &mut inbound);
        let ahead = wire.len().min(to + 5);
        other.arrive(&wire[there..ahead], &mut inbound);
        (here, there) = (to, ahead);
    }
    [one.end(), other.end()]
}

/// Only what is inflated has a limit here.
fn limits(script: &Script) -> Limits {
    Limits {
        max_frame: u64::MAX,
        max_message: script.max_message,
        max_fragments: u32::MAX,
    }
}

/// One connection that receives a script.
struct Drive {
    conn: Connection,
    max_message: usize,
    delivery: Delivery,
    /// What may be held for the next message to refer to.
    between_messages: usize,
    buffer: Vec<u8>,
    received: usize,
    outcome: Outcome,
}

impl Drive {
    fn new(script: &Script) -> Self {
        let mut config = Config::default();
        config.delivery = script.delivery;
        config.auto_pong = false;
        config.limits = limits(script);
        let mut conn = Connection::new(script.role, Arc::new(config));
        conn.set_deflate(script.agreed);
        Self {
            conn,
            max_message: usize::try_from(script.max_message).expect("the script's are small"),
            delivery: script.delivery,
            between_messages: match script.direction() {
                direction if direction.context_takeover() => {
                    SMALL + (1 << direction.window_bits().max(9))
                }
                _ => 0,
            },
            buffer: Vec::new(),
            received: 0,
            outcome: Outcome::default(),
        }
    }

    fn arrive(&mut self, bytes: &[u8], inbound: &mut Inbound) {
        if self.outcome.error.is_some() {
            return;
        }
        self.received += bytes.len();
        self.buffer.extend_from_slice(bytes);
        let mut buffer = std::mem::take(&mut self.buffer);
        // The answer to a violation, with its code, is `connection`'s to look at.
        let mut keys = || [0; 4];
        let mut out = Outbound::client(Vec::new(), &mut keys);
        let mut at = 0;
        loop {
            let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
            match rx.next(&mut buffer[at..], inbound, tx, &mut out) {
                Ok(step) => {
                    at += step.consumed;
                    let Some(event) = step.event else { break };
                    hear(&mut self.outcome.heard, event);
                }
                Err(violation) => {
                    self.outcome.error = Some((0, violation));
                    assert_eq!(self.conn.rx.heap_bytes(), 0);
                    return;
                }
            }
            self.is_bounded(inbound);
        }
        buffer.drain(..at);
        self.buffer = buffer;
    }

    fn is_bounded(&self, inbound: &Inbound) {
        let output = (self.max_message + 1).max(64 << 10);
        assert!(inbound.heap_bytes() <= output + 5 * INFLATER + SMALL);
        let held = self.conn.rx.heap_bytes();
        let stream = match self.delivery {
            // What is collected is as long as it was sent.
            Delivery::Messages => SMALL + 2 * self.received,
            Delivery::Frames | Delivery::Chunks if self.conn.rx.is_mid_message() => {
                SMALL + INFLATER + (64 << 10)
            }
            Delivery::Frames | Delivery::Chunks => 0,
        };
        assert!(held <= self.between_messages + stream, "{held} held");
    }

    fn end(mut self) -> Outcome {
        if self.outcome.error.is_none() {
            assert!(
                self.buffer.is_empty(),
                "whole frames, and not all was consumed"
            );
        }
        // Whether a part without news came before a fault depends on the pieces.
        if let Some((_, Said::Part(frame))) = self.outcome.heard.last()
            && !frame.ends_frame
            && frame.data.is_empty()
        {
            self.outcome.heard.pop();
        }
        self.outcome
    }
}

fn hear(heard: &mut Vec<(usize, Said)>, event: Event<'_>) {
    let said = match event {
        Event::Text(text) => Said::message(MessageKind::Text, text.into()),
        Event::Binary(data) => Said::message(MessageKind::Binary, data.into()),
        Event::Part(part) => return hear_part(heard, &part),
        Event::Ping(data) => Said::Ping(data.into()),
        Event::Pong(_) | Event::Close(_) => panic!("nobody sent a {event:?}"),
    };
    heard.push((0, said));
}

/// A part goes to its frame.
fn hear_part(heard: &mut Vec<(usize, Said)>, part: &Part<'_>) {
    let Some(len) = part.frame_len else {
        let Some((_, Said::Part(frame))) = heard.last_mut() else {
            panic!("{part:?} of no frame");
        };
        assert!(!frame.ends_frame && !part.starts_message);
        assert_eq!(part.kind, frame.kind);
        assert!(
            !part.data.is_empty() || part.ends_frame,
            "a part without news"
        );
        frame.data.extend_from_slice(part.data);
        frame.ends_frame = part.ends_frame;
        frame.ends_message = part.ends_message;
        return;
    };
    if let Some((_, Said::Part(before))) = heard.last() {
        assert!(before.ends_frame, "a frame before the last one ended");
    }
    heard.push((
        0,
        Said::Part(Frame {
            kind: part.kind,
            data: part.data.to_vec(),
            len,
            starts_message: part.starts_message,
            ends_frame: part.ends_frame,
            ends_message: part.ends_message,
        }),
    ));
}
