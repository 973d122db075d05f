//! What arrives, from bytes: what was agreed on, and messages in frames that are cut anywhere.
//!
//! Not here: what should come of it; the blocks that compressed messages are made of.

use super::super::blocks::Blocks;
use super::super::choices::{Choices, Pieces};
use super::super::reference::frame as literal;
use sockeye::proto::deflate::{Agreed, ClientBits, Direction, Params};
use sockeye::proto::frame::{Header, Opcode};
use sockeye::proto::{Delivery, MessageKind, Role};

/// More bytes than this do not make a better test, only a slower one.
const MAX_BYTES: usize = 16 << 10;
const MAX_MESSAGES: usize = 24;

#[derive(Debug)]
pub(super) struct Script {
    /// The one who receives.
    pub(super) role: Role,
    pub(super) agreed: Agreed,
    pub(super) max_message: u64,
    pub(super) delivery: Delivery,
    pub(super) pieces: Pieces,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: MessageKind,
    pub(super) compressed: bool,
    /// At least one.
    pub(super) frames: Vec<Vec<u8>>,
    /// Behind each frame.
    pub(super) ping: bool,
}

impl Script {
    pub(super) fn read(data: &[u8]) -> Self {
        let mut choices = Choices::new(data);
        let first = choices.byte();
        let limits = [200_000, 0, 1, 7, 64, 1000, 65_535, 65_536, 65_537, 100_000];
        let mut script = Self {
            role: if first & 1 == 0 {
                Role::Server
            } else {
                Role::Client
            },
            agreed: agreed(15 - first / 2 % 8, first & 0x10 == 0),
            max_message: choices.pick(&limits),
            delivery: [Delivery::Messages, Delivery::Frames, Delivery::Chunks]
                [usize::from(first >> 5) % 3],
            pieces: Pieces::read(&mut choices),
            messages: Vec::new(),
        };
        let mut bytes = 0;
        while !choices.is_empty() && script.messages.len() < MAX_MESSAGES && bytes < MAX_BYTES {
            let message = Message::read(&mut choices);
            bytes += message.frames.concat().len();
            script.messages.push(message);
        }
        script
    }

    /// What holds for what arrives.
    pub(super) fn direction(&self) -> Direction {
        match self.role {
            Role::Server => self.agreed.client,
            Role::Client => self.agreed.server,
        }
    }

    /// The bytes of all of it.
    pub(super) fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for message in &self.messages {
            let count = message.frames.len();
            for (index, payload) in message.frames.iter().enumerate() {
                let opcode = match index {
                    0 => message.kind.opcode(),
                    _ => Opcode::Continuation,
                };
                let header = Header {
                    fin: index + 1 == count,
                    rsv1: index == 0 && message.compressed,
                    ..Header::new(opcode, 0)
                };
                self.frame(header, payload, &mut wire);
                if message.ping {
                    self.frame(Header::new(Opcode::Ping, 0), b"!", &mut wire);
                }
            }
        }
        wire
    }

    fn frame(&self, header: Header, payload: &[u8], wire: &mut Vec<u8>) {
        let key = [0x37, 0xFA, 0x21, 0x3D];
        let masked = self.role == Role::Server;
        let header = Header {
            len: payload.len() as u64,
            mask: masked.then_some(key),
            ..header
        };
        wire.extend_from_slice(header.encode().as_slice());
        if masked {
            wire.extend(literal::mask(key, 0, payload));
        } else {
            wire.extend_from_slice(payload);
        }
    }
}

impl Message {
    fn read(choices: &mut Choices<'_>) -> Self {
        let what = choices.byte();
        let kind = if what & 1 == 0 {
            MessageKind::Binary
        } else {
            MessageKind::Text
        };
        let compressed = what & 0x0E != 2;
        let ping = what & 0x10 != 0;
        let cuts = if what & 0x60 == 0 {
            Pieces::Whole
        } else {
            Pieces::read(choices)
        };
        let payload = if compressed {
            Blocks::message(choices)
        } else {
            let size = choices.byte().into();
            // Text that is none is the connection's to refuse, not the inflater's.
            choices.take(size).iter().map(|byte| byte % 128).collect()
        };
        Self {
            kind,
            compressed,
            frames: cut(&payload, cuts),
            ping,
        }
    }
}

/// The frames of a message.
fn cut(payload: &[u8], pieces: Pieces) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut from = 0;
    for to in pieces.ends(payload.len()) {
        frames.push(payload[from..to].to_vec());
        from = to;
    }
    if frames.is_empty() || matches!(pieces, Pieces::Mixed(seed) if seed % 2 == 1) {
        // An empty one, as senders end a message that they did not see the end of.
        frames.push(Vec::new());
    }
    frames
}

/// The same for both directions.
fn agreed(bits: u8, takeover: bool) -> Agreed {
    Params {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: Some(bits),
        client_max_window_bits: ClientBits::AtMost(bits),
    }
    .agreed()
}
