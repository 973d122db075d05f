//! What we compress, read by our own other end and by another's inflater: two connections with one compressor between
//! them.

mod script;
mod wire;

use super::choices::Pieces;
use script::{Message, Op, Script};
use sockeye::proto::deflate::{Agreed, Compressor, Direction, Policy};
use sockeye::proto::{
    Config, Connection, Delivery, Event, Inbound, Limits, MessageKind, Outbound, Part, Prepared,
    Role, SendError, State,
};
use std::sync::Arc;

/// The most that a compressor of a connection's own takes: 380 KB at 15 bits.
const COMPRESSOR: usize = 384 << 10;

/// Whatever is sent, and by whichever call, arrives in any pieces as it was; compression is used where it was agreed
/// on, asked for and pays, and nowhere else; and each connection holds what was agreed on and no more.
pub fn deflate_round_trip(data: &[u8]) {
    let script = Script::read(data);
    let mut compressor = Compressor::new(&Policy {
        level: script.level,
        threshold: script.threshold,
        ..Policy::default()
    });
    let mut senders = script.agreed.map(|agreed| Sender::new(&script, agreed));
    for (place, op) in &script.ops {
        if let Op::Prepared(message) = op {
            let prepared = match message.as_text() {
                Some(text) => Prepared::text(text),
                None => Prepared::binary(&message.data),
            };
            for place in [*place, 1 - *place] {
                senders[place].prepared(message, &prepared, &mut compressor);
            }
        } else {
            senders[*place].perform(op, &mut compressor);
        }
    }
    let mut inbound = Inbound::new();
    for sender in senders {
        wire::is_right(&sender);
        let heard = sender.heard(script.delivery, script.pieces, &mut inbound);
        let said = sender.said.iter().map(|(said, _)| said);
        assert!(heard.iter().eq(said), "{script:?}");
    }
}

#[derive(Clone, PartialEq, Eq)]
enum Said {
    Message(Message),
    Ping(Vec<u8>),
}

/// Whether what was said is to be on the wire as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packed {
    Never,
    IfItPays,
    Always,
}

struct Sender {
    role: Role,
    agreed: Agreed,
    direction: Direction,
    threshold: usize,
    conn: Connection,
    wire: Vec<u8>,
    key: u32,
    said: Vec<(Said, Packed)>,
}

impl Sender {
    fn new(script: &Script, agreed: Agreed) -> Self {
        let mut conn = Connection::new(script.role, Arc::default());
        conn.set_deflate(agreed);
        Self {
            role: script.role,
            agreed,
            direction: match script.role {
                Role::Server => agreed.server,
                Role::Client => agreed.client,
            },
            threshold: script.threshold.max(1),
            conn,
            wire: Vec::new(),
            key: 0,
            said: Vec::new(),
        }
    }

    fn perform(&mut self, op: &Op, compressor: &mut Compressor) {
        match op {
            Op::Whole(message) => {
                self.say(message, self.packed(message.data.len(), Packed::IfItPays));
                self.send(compressor, |conn, out| whole(conn, message, out));
            }
            Op::Uncompressed(message) => {
                self.say(message, Packed::Never);
                self.send(compressor, |conn, out| {
                    whole(conn, message, &mut out.uncompressed())
                });
            }
            Op::Fragments(message, ends, pings) => {
                self.fragments(message, ends, *pings, compressor);
            }
            Op::Ping(data) => {
                self.said.push((Said::Ping(data.clone()), Packed::Never));
                self.send(compressor, |conn, out| conn.tx.ping(data, out));
            }
            Op::Forget => {
                self.conn.tx.forget_context();
                assert_eq!(self.conn.heap_bytes(), 0);
            }
            Op::Prepared(_) => unreachable!("it is for both"),
        }
    }

    fn prepared(&mut self, message: &Message, prepared: &Prepared, compressor: &mut Compressor) {
        self.say(message, self.packed(message.data.len(), Packed::IfItPays));
        self.send(compressor, |conn, out| conn.tx.prepared(prepared, out));
    }

    fn fragments(
        &mut self,
        message: &Message,
        ends: &[usize],
        pings: bool,
        compressor: &mut Compressor,
    ) {
        let (mut from, count) = (0, ends.len());
        for (index, to) in ends.iter().enumerate() {
            let (data, last) = (&message.data[from..*to], index + 1 == count);
            self.send(compressor, |conn, out| {
                conn.tx.fragment(message.kind, data, last, out)
            });
            if pings && !last {
                self.said.push((Said::Ping(b"!".into()), Packed::Never));
                self.send(compressor, |conn, out| conn.tx.ping(b"!", out));
            }
            from = *to;
        }
        // Whether it is compressed was known by its first fragment. The pings come through before it is whole.
        self.say(message, self.packed(ends[0], Packed::Always));
    }

    fn say(&mut self, message: &Message, packed: Packed) {
        self.said.push((Said::Message(message.clone()), packed));
    }

    /// What becomes of a message that begins with so many bytes, where there is a compressor.
    fn packed(&self, len: usize, otherwise: Packed) -> Packed {
        // Who was told 256 bytes cannot compress with that.
        if self.direction.window_bits() == 8 || len < self.threshold {
            Packed::Never
        } else {
            otherwise
        }
    }

    fn send(
        &mut self,
        compressor: &mut Compressor,
        call: impl FnOnce(&mut Connection, &mut Outbound<'_, &mut Vec<u8>>) -> Result<(), SendError>,
    ) {
        let key = &mut self.key;
        let mut keys = || {
            *key = key.wrapping_add(0x9E37_79B9);
            key.to_be_bytes()
        };
        let mut out = Outbound::client(&mut self.wire, &mut keys).deflate(compressor);
        call(&mut self.conn, &mut out).expect("it is open");
        let most = if self.direction.context_takeover() && self.direction.window_bits() > 8 {
            COMPRESSOR
        } else {
            0
        };
        assert!(self.conn.heap_bytes() <= most);
    }

    /// What the peer hears.
    fn heard(&self, delivery: Delivery, pieces: Pieces, inbound: &mut Inbound) -> Vec<Said> {
        let mut config = Config::default();
        config.delivery = delivery;
        config.limits = Limits {
            max_frame: u64::MAX,
            max_message: u64::MAX,
            max_fragments: u32::MAX,
        };
        let mut conn = Connection::new(self.role.peer(), Arc::new(config));
        conn.set_deflate(self.agreed);
        let mut keys = || [0; 4];
        let mut out = Outbound::client(Vec::new(), &mut keys);
        let (mut heard, mut parts) = (Vec::new(), Vec::new());
        let (mut buffer, mut from) = (Vec::new(), 0);
        // Byte by byte, what is long takes long.
        let is_long = self.wire.len() > 4 << 10;
        let pieces = if is_long { Pieces::Mixed(201) } else { pieces };
        for to in pieces.ends(self.wire.len()) {
            buffer.extend_from_slice(&self.wire[from..to]);
            from = to;
            let mut at = 0;
            loop {
                let next = conn
                    .rx
                    .next(&mut buffer[at..], inbound, &mut conn.tx, &mut out);
                let step = next.expect("what we wrote is right");
                at += step.consumed;
                let Some(event) = step.event else { break };
                heard.extend(said(event, &mut parts));
            }
            buffer.drain(..at);
        }
        assert!(buffer.is_empty(), "the last frame is not whole");
        assert_eq!(conn.state(), State::Open);
        heard
    }
}

fn whole<S: sockeye::proto::Sink>(
    conn: &mut Connection,
    message: &Message,
    out: &mut Outbound<'_, S>,
) -> Result<(), SendError> {
    match message.as_text() {
        Some(text) => conn.tx.text(text, out),
        None => conn.tx.binary(&message.data, out),
    }
}

fn said(event: Event<'_>, parts: &mut Vec<u8>) -> Option<Said> {
    let message = |kind, data: &[u8]| {
        let data = data.into();
        Some(Said::Message(Message { kind, data }))
    };
    match event {
        Event::Text(text) => message(MessageKind::Text, text.as_bytes()),
        Event::Binary(data) => message(MessageKind::Binary, data),
        Event::Ping(data) => Some(Said::Ping(data.into())),
        Event::Part(part) => {
            let Part { kind, data, .. } = part;
            assert!(parts.is_empty() || !part.starts_message);
            parts.extend_from_slice(data);
            if !part.ends_message {
                return None;
            }
            message(kind, &std::mem::take(parts))
        }
        Event::Pong(_) | Event::Close(_) => panic!("nobody sent a {event:?}"),
    }
}
