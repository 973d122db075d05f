//! Frames as a client writes them, and a strict reader for those a server writes.
//!
//! Built by hand rather than by the crate under test, so that a shared mistake cannot hide.
#![allow(dead_code, reason = "each test target uses what it needs")]

use std::ops::Range;

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;
pub const FIN: u8 = 0x80;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The opening handshake's request, whose key is the RFC's.
pub const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A frame's header with a given first byte, masked.
pub fn head(first: u8, len: usize) -> Vec<u8> {
    let mut frame = vec![first];
    match len {
        0..=125 => frame.push(0x80 | len as u8),
        126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame
}

/// A masked frame with a given first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len());
    let at = frame.len();
    frame.extend_from_slice(payload);
    for block in frame[at..].chunks_mut(KEY.len()) {
        for (byte, key) in block.iter_mut().zip(KEY) {
            *byte ^= key;
        }
    }
    frame
}

pub fn text(text: &str) -> Vec<u8> {
    frame(FIN | TEXT, text.as_bytes())
}

pub fn binary(payload: &[u8]) -> Vec<u8> {
    frame(FIN | BINARY, payload)
}

pub fn ping(payload: &[u8]) -> Vec<u8> {
    frame(FIN | PING, payload)
}

pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(FIN | PONG, payload)
}

pub fn close(code: u16) -> Vec<u8> {
    frame(FIN | CLOSE, &code.to_be_bytes())
}

/// A frame that a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn text(text: &str) -> Self {
        Self {
            opcode: TEXT,
            payload: text.into(),
        }
    }

    pub fn binary(payload: &[u8]) -> Self {
        Self {
            opcode: BINARY,
            payload: payload.into(),
        }
    }

    /// A Close frame with a code and a reason.
    pub fn close(code: u16, reason: &str) -> Self {
        let mut payload = Vec::from(code.to_be_bytes());
        payload.extend(reason.as_bytes());
        Self {
            opcode: CLOSE,
            payload,
        }
    }

    /// The code of a Close frame.
    pub fn close_code(&self) -> Option<u16> {
        let code = self
            .payload
            .first_chunk()
            .filter(|_| self.opcode == CLOSE)?;
        Some(u16::from_be_bytes(*code))
    }
}

/// Where the first frame of `bytes` has its payload, once it is whole.
pub fn payload_range(bytes: &[u8]) -> Option<Range<usize>> {
    let (len, start) = match *bytes.get(1)? {
        len @ 0..=125 => (usize::from(len), 2),
        126 => (
            usize::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)),
            4,
        ),
        127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?) as usize, 10),
        masked => panic!("a server never masks: {masked:#x}"),
    };
    (bytes.len() >= start + len).then(|| start..start + len)
}

/// Takes the whole frames from the front of `bytes`. A server's frames here are never fragmented.
pub fn take_frames(bytes: &mut Vec<u8>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = 0;
    while let Some(range) = payload_range(&bytes[at..]) {
        assert_eq!(bytes[at] & 0xF0, FIN, "FIN, and no reserved bit");
        frames.push(Frame {
            opcode: bytes[at] & 0x0F,
            payload: bytes[at..][range.clone()].to_vec(),
        });
        at += range.end;
    }
    bytes.drain(..at);
    frames
}

/// Takes the whole frames from the front of what a client wrote, and unmasks them. Here they are never fragmented.
pub fn take_masked_frames(bytes: &mut Vec<u8>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut plain = bytes.clone();
    let mut at = 0;
    while let Some(second) = plain.get_mut(at + 1) {
        assert_eq!(*second & 0x80, 0x80, "a client always masks");
        *second &= 0x7F;
        let len = match *second {
            126 => plain.get(at + 2..at + 4).map(|_| 4),
            127 => plain.get(at + 2..at + 10).map(|_| 10),
            _ => Some(2),
        };
        // As if the key were the payload's first four bytes.
        let Some((start, key)) = len.and_then(|start| {
            let key = *plain.get(at + start..)?.first_chunk::<4>()?;
            Some((at + start, key))
        }) else {
            break;
        };
        plain.drain(start..start + 4);
        let Some(range) = payload_range(&plain[at..]) else {
            break;
        };
        assert_eq!(plain[at] & 0xF0, FIN, "FIN, and no reserved bit");
        let payload = plain[at..][range.clone()].iter().zip(key.iter().cycle());
        frames.push(Frame {
            opcode: plain[at] & 0x0F,
            payload: payload.map(|(byte, key)| byte ^ key).collect(),
        });
        at += range.end;
    }
    let taken = at + 4 * frames.len();
    bytes.drain(..taken);
    frames
}

/// Takes the head of an HTTP answer from the front of `bytes`.
pub fn take_head(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let head = bytes.drain(..end).collect();
    Some(String::from_utf8(head).expect("heads are ASCII"))
}
