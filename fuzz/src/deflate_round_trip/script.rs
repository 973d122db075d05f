//! Who sends what, from bytes: one byte says what, the next ones the particulars. Contents are such that matches occur
//! within messages and across them, near the end of a window and beyond, and such that nothing gets smaller.
//!
//! Not here: sending.

use super::super::choices::{Choices, Pieces};
use sockeye::proto::deflate::{Agreed, ClientBits, Params};
use sockeye::proto::{Delivery, MessageKind, Role};

/// More bytes than this do not make a better test, only a slower one.
const MAX_BYTES: usize = 40 << 10;
const MAX_OPS: usize = 24;

#[derive(Debug)]
pub(super) struct Script {
    /// Of those who send.
    pub(super) role: Role,
    /// What each of two connections has agreed on.
    pub(super) agreed: [Agreed; 2],
    pub(super) level: u8,
    pub(super) threshold: usize,
    pub(super) delivery: Delivery,
    /// How what was sent is cut.
    pub(super) pieces: Pieces,
    /// With the connection that each is for.
    pub(super) ops: Vec<(usize, Op)>,
}

pub(super) enum Op {
    Whole(Message),
    /// Without the compressor, on a connection that has one.
    Uncompressed(Message),
    /// Encoded once, and sent on both connections, on this one first.
    Prepared(Message),
    /// Where each fragment ends, and whether pings go between them.
    Fragments(Message, Vec<usize>, bool),
    Ping(Vec<u8>),
    Forget,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: MessageKind,
    pub(super) data: Vec<u8>,
}

impl Message {
    pub(super) fn as_text(&self) -> Option<&str> {
        (self.kind == MessageKind::Text)
            .then(|| std::str::from_utf8(&self.data).expect("the script makes it so"))
    }
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Self {
        let mut choices = Choices::new(data);
        let role = choices.pick(&[Role::Server, Role::Client]);
        let agreed = [agreed(&mut choices), agreed(&mut choices)];
        let how = choices.byte();
        let level = 1 + how % 9;
        let deliveries = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];
        let delivery = deliveries[usize::from(how / 9) % 3];
        let threshold = choices.pick(&[1, 0, 16, 256, 4096]);
        let pieces = Pieces::read(&mut choices);
        let mut writer = Writer {
            choices,
            past: Vec::new(),
        };
        let mut ops = Vec::new();
        while !writer.choices.is_empty() && ops.len() < MAX_OPS && writer.past.len() < MAX_BYTES {
            ops.push(writer.op());
        }
        Self {
            role,
            agreed,
            level,
            threshold,
            delivery,
            pieces,
            ops,
        }
    }
}

/// One end may take over and the other not; both windows are the same.
fn agreed(choices: &mut Choices<'_>) -> Agreed {
    let byte = choices.byte();
    let bits = 15 - byte % 8;
    Params {
        server_no_context_takeover: byte & 0x10 != 0,
        client_no_context_takeover: byte & 0x20 != 0,
        server_max_window_bits: Some(bits),
        client_max_window_bits: ClientBits::AtMost(bits),
    }
    .agreed()
}

struct Writer<'a> {
    choices: Choices<'a>,
    /// All contents so far.
    past: Vec<u8>,
}

impl Writer<'_> {
    fn op(&mut self) -> (usize, Op) {
        let what = self.choices.byte();
        let place = usize::from(what >> 7);
        let op = match what % 16 {
            0..=6 => Op::Whole(self.message(what)),
            7 => Op::Uncompressed(self.message(what)),
            8 | 9 => Op::Prepared(self.message(what)),
            10..=13 => {
                let message = self.message(what);
                let pieces = Pieces::read(&mut self.choices);
                let mut ends: Vec<usize> = pieces.ends(message.data.len()).collect();
                // Thousands of fragments say no more than some.
                let many = ends.len().saturating_sub(12);
                ends.drain(..many);
                if ends.is_empty() || self.choices.flag() {
                    ends.push(message.data.len());
                }
                Op::Fragments(message, ends, what & 0x10 != 0)
            }
            14 => Op::Ping(self.choices.take(usize::from(what) % 126).to_vec()),
            _ => Op::Forget,
        };
        (place, op)
    }

    fn message(&mut self, what: u8) -> Message {
        let mut data = self.content();
        let kind = if what & 0x20 == 0 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        };
        if kind == MessageKind::Text {
            let text: String = data.iter().map(|byte| char::from(*byte)).collect();
            data = text.into_bytes();
        }
        self.past.extend_from_slice(&data);
        Message { kind, data }
    }

    fn content(&mut self) -> Vec<u8> {
        let what = self.choices.byte();
        let size = usize::from(self.choices.byte());
        match what % 6 {
            0 => self.choices.take(size).to_vec(),
            1 => {
                let what = self.choices.take(size % 16);
                what.repeat(usize::from(self.choices.number() % 4096))
            }
            2 => self.noise(size * 64),
            3 => self.earlier(size * 16),
            4 => {
                let mut data = self.noise(size);
                data.extend(self.earlier(size * 4));
                data.extend_from_slice(self.choices.take(size % 8));
                data.extend(self.earlier(300));
                data
            }
            _ => {
                let name = String::from_utf8_lossy(self.choices.take(4)).into_owned();
                let lines = (0..size).map(|id| format!("{{\"id\":{id},\"name\":\"{name}\"}},"));
                lines.collect::<String>().into_bytes()
            }
        }
    }

    /// What was said before, from some way back.
    fn earlier(&mut self, size: usize) -> Vec<u8> {
        let back = usize::from(self.choices.number());
        let from = self.past.len().saturating_sub(back);
        self.past[from..].iter().take(size).copied().collect()
    }

    /// Bytes in which nothing repeats.
    fn noise(&mut self, size: usize) -> Vec<u8> {
        let mut state = u32::from(self.choices.byte()) << 8 | 0x1234_0001;
        let random = (0..size).map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 11) as u8
        });
        random.collect()
    }
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, message) = match self {
            Self::Whole(message) => ("Whole", message),
            Self::Uncompressed(message) => ("Uncompressed", message),
            Self::Prepared(message) => ("Prepared", message),
            Self::Fragments(message, ends, _) => {
                write!(f, "{ends:?} ")?;
                ("Fragments", message)
            }
            Self::Ping(data) => return write!(f, "Ping({})", data.len()),
            Self::Forget => return f.write_str("Forget"),
        };
        write!(f, "{what}({message:?})")
    }
}

/// Contents are too long to read.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = self.data.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        write!(f, "{:?} of {} bytes, sum {sum}", self.kind, self.data.len())
    }
}
