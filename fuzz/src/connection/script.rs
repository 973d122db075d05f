//! What happens to a connection, from bytes: one byte says what, the next ones the particulars.
//!
//! Most of what the peer sends is well-formed, so that what comes behind it is reached; the rest is wrong in the ways a
//! header can be, or not a frame at all. Any frame may be held back in part until the next thing arrives.
//!
//! Not here: what should come of it.

use super::super::choices::{Choices, Pieces};
use super::super::reference::frame;
use sockeye::proto::{Limits, MessageKind, Role};

/// More bytes than this do not make a better test, only a slower one.
const MAX_BYTES: usize = 80 << 10;
const MAX_OPS: usize = 64;

#[derive(Debug)]
pub(super) struct Script {
    pub(super) role: Role,
    pub(super) auto_pong: bool,
    /// Each message is sent back.
    pub(super) echo: bool,
    pub(super) limits: Limits,
    pub(super) pieces: Pieces,
    /// Which delivery is in which kind of pieces.
    pub(super) turn: usize,
    pub(super) ops: Vec<Op>,
}

#[derive(Debug)]
pub(super) enum Op {
    Arrive(Vec<u8>),
    Send(Send),
}

#[derive(Debug)]
pub(super) enum Send {
    Text(String),
    Binary(Vec<u8>),
    Prepared(MessageKind, Vec<u8>),
    Fragment(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Self {
        let mut choices = Choices::new(data);
        let first = choices.byte();
        let sizes = [
            1 << 20,
            0,
            1,
            64,
            125,
            126,
            127,
            1000,
            65_535,
            65_536,
            u64::MAX,
        ];
        let limits = Limits {
            max_frame: choices.pick(&sizes),
            max_message: choices.pick(&sizes),
            max_fragments: choices.pick(&[1024, 0, 1, 2, 3, 8, u32::MAX]),
        };
        let role = if first & 1 == 0 {
            Role::Server
        } else {
            Role::Client
        };
        let pieces = Pieces::read(&mut choices);
        let mut writer = Writer {
            choices,
            role,
            in_message: false,
            held_back: Vec::new(),
            bytes: 0,
            ops: Vec::new(),
        };
        writer.write();
        Self {
            role,
            auto_pong: first & 2 == 0,
            echo: first & 4 != 0,
            limits,
            pieces,
            turn: usize::from(first >> 3),
            ops: writer.ops,
        }
    }

    /// Bytes that arrive.
    pub(super) fn len(&self) -> usize {
        let arrive = self.ops.iter().map(|op| match op {
            Op::Arrive(bytes) => bytes.len(),
            Op::Send(_) => 0,
        });
        arrive.sum()
    }
}

struct Writer<'a> {
    choices: Choices<'a>,
    role: Role,
    /// Whether the well-formed frames so far leave a message open.
    in_message: bool,
    /// The rest of a frame, to arrive with the next.
    held_back: Vec<u8>,
    bytes: usize,
    ops: Vec<Op>,
}

impl Writer<'_> {
    fn write(&mut self) {
        while !self.choices.is_empty() && self.ops.len() < MAX_OPS && self.bytes < MAX_BYTES {
            match self.choices.byte() % 16 {
                0..=3 => self.message_frame(),
                4 => self.control_frame(),
                5 => self.close_frame(),
                6 => self.any_first_byte(),
                7 => self.any_header(),
                8 => {
                    let len = usize::from(self.choices.byte());
                    let bytes = self.choices.take(len).to_vec();
                    self.arrive(bytes);
                }
                send => {
                    let send = self.send(send);
                    self.ops.push(Op::Send(send));
                }
            }
        }
        let rest = std::mem::take(&mut self.held_back);
        self.arrive(rest);
    }

    fn message_frame(&mut self) {
        let how = self.choices.byte();
        let (fin, text) = (how & 1 == 0, how & 2 == 0);
        let opcode = match (self.in_message, text) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        self.in_message = !fin;
        let payload = self.payload();
        let frame = self.frame(if fin { 0x80 | opcode } else { opcode }, &payload);
        self.arrive_in_part(frame);
    }

    fn control_frame(&mut self) {
        let opcode = self.choices.pick(&[0x89, 0x8A]);
        let mut payload = self.payload();
        payload.truncate(125);
        let frame = self.frame(opcode, &payload);
        self.arrive_in_part(frame);
    }

    fn close_frame(&mut self) {
        let mut payload = self.code().to_be_bytes().to_vec();
        payload.extend(self.payload());
        payload.truncate(usize::from(self.choices.byte()).min(125));
        let frame = self.frame(0x88, &payload);
        self.arrive_in_part(frame);
    }

    fn any_first_byte(&mut self) {
        let first = self.choices.byte();
        let payload = self.payload();
        let frame = self.frame(first, &payload);
        self.arrive_in_part(frame);
    }

    /// A header byte by byte, whatever it says, and some bytes behind it.
    fn any_header(&mut self) {
        let mut frame = vec![self.choices.byte(), self.choices.byte()];
        let extended = [0, 2, 8][match frame[1] & 0x7F {
            127 => 2,
            126 => 1,
            _ => 0,
        }];
        frame.extend(self.choices.take(extended));
        frame.extend(self.payload());
        self.arrive_in_part(frame);
    }

    fn send(&mut self, which: u8) -> Send {
        let kind = |flag| {
            if flag {
                MessageKind::Text
            } else {
                MessageKind::Binary
            }
        };
        match which {
            9 => Send::Text(self.text()),
            10 => Send::Binary(self.payload()),
            11 if self.choices.flag() => Send::Prepared(MessageKind::Text, self.text().into()),
            11 => Send::Prepared(MessageKind::Binary, self.payload()),
            12 => {
                let how = self.choices.byte();
                Send::Fragment(kind(how & 1 == 0), self.payload(), how & 2 != 0)
            }
            13 => Send::Ping(self.payload()),
            14 => Send::Pong(self.payload()),
            _ => {
                let code = self.code();
                Send::Close(code, self.text())
            }
        }
    }

    fn code(&mut self) -> u16 {
        match self.choices.byte() {
            255 => self.choices.number(),
            254 => 3000,
            253 => 4999,
            252 => 5000,
            near => 999 + u16::from(near % 18),
        }
    }

    /// What we say counts as what arrives does.
    fn text(&mut self) -> String {
        let payload = self.payload();
        let some = &payload[..payload.len().min(200)];
        match std::str::from_utf8(&payload) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(some).into_owned(),
        }
    }

    /// Some bytes of the input, or many of a pattern.
    fn payload(&mut self) -> Vec<u8> {
        match usize::from(self.choices.byte()) {
            len @ 0..128 => self.choices.take(len).to_vec(),
            size => {
                let size = match size {
                    255 => 65_536,
                    254 => 65_535,
                    _ => [125, 126, 127, 128, 200, 500, 1000, 4097][size % 8],
                };
                let byte = self.choices.byte();
                vec![byte; size.min(MAX_BYTES - self.bytes.min(MAX_BYTES))]
            }
        }
    }

    /// A frame with this first byte, and everything else right.
    fn frame(&mut self, first: u8, payload: &[u8]) -> Vec<u8> {
        let key = (self.role == Role::Server).then(|| {
            let byte = self.choices.byte();
            [byte, byte.rotate_left(3), !byte, byte.wrapping_mul(7)]
        });
        frame::written(first, payload, key)
    }

    /// All of it, or its rest comes with what arrives next.
    fn arrive_in_part(&mut self, mut bytes: Vec<u8>) {
        let hold = match self.choices.byte() {
            hold @ 0..64 => usize::from(hold),
            _ => 0,
        };
        let rest = bytes.split_off(bytes.len().saturating_sub(hold));
        self.arrive(bytes);
        self.held_back = rest;
    }

    fn arrive(&mut self, bytes: Vec<u8>) {
        let mut all = std::mem::take(&mut self.held_back);
        all.extend(bytes);
        self.bytes += all.len();
        match self.ops.last_mut() {
            Some(Op::Arrive(last)) => last.extend(all),
            _ => self.ops.push(Op::Arrive(all)),
        }
    }
}
