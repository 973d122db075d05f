//! Peers that offer permessage-deflate. What the server sends them is read by the strict inflater with the window that
//! was agreed on; what they send is compressed by the core, and read so as well.
//!
//! Not here: what the offers lead to in all detail; that is `tests/handshake`.

use super::frames::{self, BINARY, FIN, Frame, REQUEST, TEXT};
use super::harness::{Client, Probe, Sim};
use super::sim::Net;
use super::strict_inflate::{Seen, StrictInflater};
use sockeye::proto::deflate::{Agreed, ClientBits, Compressor, Params, Policy, WindowBits};
use sockeye::proto::{Connection, MessageKind, Outbound};
use sockeye::server::{EventLoop, Limits, Settings, Timeouts};

/// The bit that says that a message is compressed (RFC 7692 section 6).
pub const RSV1: u8 = 0x40;

/// What most clients offer.
pub const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// A server with a policy, or without compression.
pub fn serving(policy: impl Into<Option<Policy>>) -> Sim {
    serving_within(policy, Limits::default(), Timeouts::default())
}

pub fn serving_within(
    policy: impl Into<Option<Policy>>,
    limits: Limits,
    timeouts: Timeouts,
) -> Sim {
    let net = Net::new();
    let settings = Settings::new(limits, timeouts).deflate(policy);
    Sim {
        server: EventLoop::new(net.kernel(), Probe::default(), settings),
        net,
        goes_on: true,
    }
}

/// What lets a server compress with takeover.
pub fn takeover() -> Policy {
    Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        ..Policy::default()
    }
}

/// The opening handshake's request with an offer.
pub fn request(offer: &str) -> Vec<u8> {
    let request = REQUEST.strip_suffix(b"\r\n").expect("it ends so");
    let line = format!("Sec-WebSocket-Extensions: {offer}\r\n\r\n");
    [request, line.as_bytes()].concat()
}

/// What a server's answer says of extensions.
pub fn answer_of(head: &str) -> Option<String> {
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let name = "Sec-WebSocket-Extensions: ";
    let mut lines = head.lines().filter_map(|line| line.strip_prefix(name));
    let answer = lines.next().map(str::to_owned);
    assert_eq!(lines.next(), None, "{head}");
    answer
}

/// What an answer means, read by hand.
pub fn agreed(answer: &str) -> Agreed {
    let mut params = Params::default();
    let mut words = answer.split("; ");
    assert_eq!(words.next(), Some("permessage-deflate"));
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, "15"));
        let bits: u8 = value.parse().expect("a number");
        match name {
            "server_no_context_takeover" => params.server_no_context_takeover = true,
            "client_no_context_takeover" => params.client_no_context_takeover = true,
            "server_max_window_bits" => params.server_max_window_bits = Some(bits),
            "client_max_window_bits" => params.client_max_window_bits = ClientBits::AtMost(bits),
            _ => panic!("{answer}?"),
        }
    }
    params.agreed()
}

/// A peer that compresses, or would if the server had agreed to it.
pub struct Member {
    pub client: Client,
    pub answer: Option<String>,
    /// Compresses what the peer sends, and inflates that again.
    ours: Option<(Connection, Compressor, StrictInflater)>,
    theirs: Option<StrictInflater>,
}

impl Member {
    /// A peer whose connection is open.
    pub fn open(sim: &mut Sim, offer: &str) -> Self {
        let mut client = sim.connect();
        client.push(&request(offer));
        sim.settle();
        let head = client.head();
        Self::answered(client, &head)
    }

    /// A peer that offers nothing.
    pub fn plain(sim: &mut Sim) -> Self {
        Self::answered(sim.open(), "HTTP/1.1 101 \r\n")
    }

    /// A peer that was answered this.
    pub fn answered(client: Client, head: &str) -> Self {
        let answer = answer_of(head);
        let agreed = answer.as_deref().map(agreed);
        let strict = |direction: sockeye::proto::deflate::Direction| {
            StrictInflater::new(direction.window_bits(), direction.context_takeover())
        };
        Self {
            client,
            answer,
            ours: agreed.map(|agreed| {
                let Agreed { server, client } = agreed;
                // A server's role, whose frames are not masked, with the client's promises.
                let mut conn = Connection::server(Default::default());
                conn.set_deflate(Agreed {
                    server: client,
                    client: server,
                });
                (conn, Compressor::new(&eager()), strict(client))
            }),
            theirs: agreed.map(|agreed| strict(agreed.server)),
        }
    }

    /// The bytes of a message, compressed where that was agreed on and makes it smaller.
    pub fn message(&mut self, message: &Frame) -> Vec<u8> {
        let frames = self.fragments(message, usize::MAX);
        frames.concat()
    }

    /// The same in frames that each hold so many bytes of the message.
    pub fn fragments(&mut self, message: &Frame, size: usize) -> Vec<Vec<u8>> {
        let Some((conn, compressor, strict)) = &mut self.ours else {
            return vec![frames::frame(FIN | message.opcode, &message.payload)];
        };
        let kind = match message.opcode {
            TEXT => MessageKind::Text,
            BINARY => MessageKind::Binary,
            other => panic!("{other:x} is not a message"),
        };
        let mut out = Outbound::server(Vec::new()).deflate(compressor);
        if message.payload.len() <= size {
            match kind {
                MessageKind::Text => {
                    let text = str::from_utf8(&message.payload).expect("text");
                    conn.tx.text(text, &mut out)
                }
                MessageKind::Binary => conn.tx.binary(&message.payload, &mut out),
            }
            .expect("it is open");
        } else {
            let mut pieces = message.payload.chunks(size).peekable();
            while let Some(piece) = pieces.next() {
                let last = pieces.peek().is_none();
                conn.tx
                    .fragment(kind, piece, last, &mut out)
                    .expect("it is open");
            }
        }
        let raw = take_raw(&mut out.sink);
        if raw[0].is_compressed() {
            let payload: Vec<_> = raw.iter().flat_map(|raw| raw.payload.clone()).collect();
            let inflated = strict.message(&payload).expect("within the window");
            assert!(inflated == message.payload);
        }
        raw.iter()
            .map(|raw| frames::frame(raw.first, &raw.payload))
            .collect()
    }

    /// Sends a message.
    pub fn push(&mut self, message: &Frame) {
        let bytes = self.message(message);
        self.client.push(&bytes);
    }

    /// Sends a message and lets the server work.
    pub fn say(&mut self, sim: &mut Sim, message: &Frame) {
        self.push(message);
        sim.settle();
    }

    /// What came since this was asked last, inflated, each with whether it was compressed.
    #[track_caller]
    pub fn heard(&mut self) -> Vec<(bool, Frame)> {
        let mut sent = self.client.conn.take_sent();
        self.client.bytes.append(&mut sent);
        let raw = take_raw(&mut self.client.bytes);
        raw.into_iter().map(|raw| self.inflate(raw)).collect()
    }

    /// The same without that.
    #[track_caller]
    pub fn frames(&mut self) -> Vec<Frame> {
        self.heard().into_iter().map(|(_, frame)| frame).collect()
    }

    /// The one frame that came.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        let frames = self.frames();
        assert_eq!(frames.len(), 1, "not one frame");
        frames.into_iter().next().expect("one frame")
    }

    #[track_caller]
    fn inflate(&mut self, raw: Raw) -> (bool, Frame) {
        let compressed = raw.is_compressed();
        let opcode = raw.first & 0x0F;
        assert_eq!(raw.first & !RSV1, FIN | opcode, "FIN, and RSV1 at most");
        let payload = if compressed {
            assert!(matches!(opcode, TEXT | BINARY), "RSV1 on {opcode:x}");
            let strict = self.theirs.as_mut().expect("it was agreed on");
            strict.message(&raw.payload).expect("within the window")
        } else {
            raw.payload
        };
        (compressed, Frame { opcode, payload })
    }

    /// What the strict inflater has seen of what the server sent.
    pub fn seen(&self) -> Seen {
        self.theirs
            .as_ref()
            .map(|strict| strict.seen)
            .expect("it was agreed on")
    }

    /// The connection works: what is said comes back, compressed if that was agreed on.
    #[track_caller]
    pub fn assert_echoes(&mut self, sim: &mut Sim) {
        let message = Frame::text(&json(600, 1));
        self.say(sim, &message);
        let heard = self.heard();
        assert!(heard == [(self.answer.is_some(), message)]);
    }
}

/// A frame as it stands on the wire, unmasked.
pub struct Raw {
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Raw {
    pub const fn is_compressed(&self) -> bool {
        self.first & RSV1 != 0
    }
}

/// Takes the whole frames from the front of `bytes`.
pub fn take_raw(bytes: &mut Vec<u8>) -> Vec<Raw> {
    let mut raw = Vec::new();
    let mut at = 0;
    while let Some(range) = frames::payload_range(&bytes[at..]) {
        raw.push(Raw {
            first: bytes[at],
            payload: bytes[at..][range.clone()].to_vec(),
        });
        at += range.end;
    }
    bytes.drain(..at);
    raw
}

/// Compresses whatever gets smaller.
fn eager() -> Policy {
    Policy {
        threshold: 1,
        level: 9,
        server_max_window_bits: WindowBits::MAX,
        ..Policy::default()
    }
}

/// Numbers that look random and are the same each time.
pub fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// JSON of some length: names that repeat, values that do not.
pub fn json(len: usize, seed: u64) -> String {
    let mut text = String::from("[");
    for number in numbers(seed) {
        if text.len() >= len {
            break;
        }
        let (id, name) = (number >> 40, number & 0xFFFF);
        text += &format!("{{\"id\":{id},\"name\":\"user {name:x}\",\"active\":true}},");
    }
    text.truncate(len);
    text
}

/// Letters and digits in no order: compressed they are about three quarters.
pub fn letters(len: usize, seed: u64) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |number: u64| char::from(alphabet[(number >> 20) as usize % alphabet.len()]);
    numbers(seed).take(len).map(letter).collect()
}

/// Bytes that nothing makes smaller.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    numbers(seed).take(len).map(|n| (n >> 24) as u8).collect()
}
