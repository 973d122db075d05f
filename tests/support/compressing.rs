//! One end that compresses what it sends, and an independent reading of what it wrote.
//!
//! Not here: what a peer makes of it; `deflate_rows` and its neighbours have that.

use crate::strict_inflate::{Seen, StrictInflater, TAIL};
use crate::wire::{self, Counting, Frame};
use sockeye::proto::deflate::{ClientBits, Compressor, Params, Policy};
use sockeye::proto::{Connection, Keys, NoRandomness, Outbound, Role, SendError, Sender};
use std::sync::Arc;

/// What a direction has agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) bits: u8,
    pub(crate) takeover: bool,
}

/// The connection, its compressor, and everything it wrote.
pub(crate) struct Compressing {
    pub(crate) conn: Connection,
    pub(crate) compressor: Compressor,
    pub(crate) wrote: Vec<u8>,
    keys: Counting,
    role: Role,
    window: Window,
}

/// A message as it stood on the wire, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) opcode: u8,
    pub(crate) compressed: bool,
    pub(crate) fragments: usize,
    pub(crate) data: Vec<u8>,
}

/// A policy that compresses whatever has a byte.
pub(crate) fn eager() -> Policy {
    Policy {
        threshold: 1,
        ..Policy::default()
    }
}

pub(crate) fn connection(role: Role, window: Window) -> Connection {
    let params = Params {
        server_no_context_takeover: !window.takeover,
        client_no_context_takeover: !window.takeover,
        server_max_window_bits: Some(window.bits),
        client_max_window_bits: ClientBits::AtMost(window.bits),
    };
    let mut conn = Connection::new(role, Arc::default());
    conn.set_deflate(params.agreed());
    conn
}

impl Compressing {
    pub(crate) fn new(role: Role, window: Window, policy: &Policy) -> Self {
        Self {
            conn: connection(role, window),
            compressor: Compressor::new(policy),
            wrote: Vec::new(),
            keys: Counting::default(),
            role,
            window,
        }
    }

    /// With keys and a compressor.
    pub(crate) fn send<R>(
        &mut self,
        send: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> R,
    ) -> R {
        let out = Outbound::client(&mut self.wrote, &mut self.keys);
        send(&mut self.conn.tx, &mut out.deflate(&mut self.compressor))
    }

    /// With a compressor, and keys only where there is no need of them.
    pub(crate) fn send_keyless(
        &mut self,
        send: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let out = Outbound::server(&mut self.wrote);
        send(&mut self.conn.tx, &mut out.deflate(&mut self.compressor))
    }

    /// With a source of keys that has none now.
    pub(crate) fn send_unlucky(
        &mut self,
        send: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        struct None;

        impl Keys for None {
            fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
                Err(NoRandomness)
            }
        }

        let mut none = None;
        let out = Outbound::client(&mut self.wrote, &mut none);
        send(&mut self.conn.tx, &mut out.deflate(&mut self.compressor))
    }

    pub(crate) fn frames(&self) -> Vec<Frame> {
        wire::read_deflate(&self.wrote, self.role)
    }

    /// Everything it wrote but control frames, by the strict reading.
    pub(crate) fn read(&self) -> Vec<Read> {
        self.read_seen().0
    }

    /// The same, and what was seen of DEFLATE on the way.
    pub(crate) fn read_seen(&self) -> (Vec<Read>, Seen) {
        let mut inflater = StrictInflater::new(self.window.bits, self.window.takeover);
        let mut messages = Vec::new();
        let mut payload = Vec::new();
        let mut begun: Option<(u8, bool, usize)> = None;
        for frame in self.frames() {
            if frame.opcode >= wire::CLOSE {
                continue;
            }
            let (opcode, compressed, fragments) = begun.unwrap_or((frame.opcode, frame.rsv1, 0));
            payload.extend_from_slice(&frame.payload);
            if !frame.fin {
                if compressed && !frame.payload.is_empty() {
                    assert!(
                        frame.payload.ends_with(&TAIL),
                        "a fragment that is not flushed"
                    );
                }
                begun = Some((opcode, compressed, fragments + 1));
                continue;
            }
            begun = None;
            let data = std::mem::take(&mut payload);
            let data = if compressed {
                inflater.message(&data).unwrap_or_else(|fault| {
                    panic!("{:?} in {:?}: {fault:?}", self.window, messages.len())
                })
            } else {
                data
            };
            messages.push(Read {
                opcode,
                compressed,
                fragments: fragments + 1,
                data,
            });
        }
        let seen = inflater.seen;
        assert_eq!(seen.empty_payloads, 0, "an empty message has a block");
        assert_eq!(seen.dirty_padding, 0, "padding is zero");
        (messages, seen)
    }
}

/// What does not get smaller.
pub(crate) fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[2]
    });
    next.take(len).collect()
}

/// Records that resemble each other, as JSON does.
pub(crate) fn records(len: usize, seed: u32) -> String {
    let numbers = noise(len, seed);
    let mut text = String::new();
    for pair in numbers.chunks(2) {
        if text.len() >= len {
            break;
        }
        text += &format!("{{\"id\":{},\"name\":\"user-{}\"}},", pair[0], pair.len());
    }
    text.truncate(len);
    text
}
