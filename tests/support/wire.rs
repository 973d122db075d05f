//! Frames as the tests see them, read and written without the code under test.

#[path = "../../src/bin/sockeye/attack/wire.rs"]
mod seal;

pub(crate) use seal::seal;
use seal::xor;

use sockeye::proto::{Keys, NoRandomness, Role};

/// One frame, unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// On a message's first frame: it is compressed (RFC 7692 section 6).
    pub(crate) rsv1: bool,
    pub(crate) opcode: u8,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// Reads everything that `sender` wrote, and panics on anything RFC 6455 does not allow without extensions.
pub(crate) fn read(bytes: &[u8], sender: Role) -> Vec<Frame> {
    let frames = read_deflate(bytes, sender);
    assert!(frames.iter().all(|frame| !frame.rsv1), "reserved bits");
    frames
}

/// The same, where messages may be compressed.
pub(crate) fn read_deflate(bytes: &[u8], sender: Role) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = bytes;
    let mut in_message = false;
    let mut closed = false;
    while !rest.is_empty() {
        assert!(!closed, "bytes after a Close frame: {rest:02x?}");
        let (frame, len) = read_one(rest, sender);
        rest = &rest[len..];
        match frame.opcode {
            CONTINUATION => assert!(in_message, "continuation without a message"),
            TEXT | BINARY => assert!(!in_message, "message inside a message"),
            CLOSE => closed = true,
            PING | PONG => {}
            other => panic!("reserved opcode {other:x}"),
        }
        let begins = matches!(frame.opcode, TEXT | BINARY);
        assert!(begins || !frame.rsv1, "RSV1 where no message begins");
        if frame.opcode < CLOSE {
            in_message = !frame.fin;
        } else {
            assert!(frame.fin, "fragmented control frame");
            assert!(frame.payload.len() <= 125, "control frame too long");
        }
        frames.push(frame);
    }
    frames
}

fn read_one(bytes: &[u8], sender: Role) -> (Frame, usize) {
    assert_eq!(bytes[0] & 0x30, 0, "reserved bits");
    let masked = bytes[1] & 0x80 != 0;
    assert_eq!(masked, sender == Role::Client, "mask direction");
    let (len, mut at) = match bytes[1] & 0x7F {
        126 => {
            let len = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            assert!(len > 125, "16-bit length {len}");
            (len, 4)
        }
        127 => {
            let mut wide = [0; 8];
            wide.copy_from_slice(&bytes[2..10]);
            let len = usize::try_from(u64::from_be_bytes(wide)).expect("length");
            assert!(len > 0xFFFF, "64-bit length {len}");
            (len, 10)
        }
        short => (usize::from(short), 2),
    };
    let key = masked.then(|| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if masked {
        at += 4;
    }
    let mut payload = bytes[at..at + len].to_vec();
    if let Some(key) = key {
        xor(key, &mut payload);
    }
    let frame = Frame {
        fin: bytes[0] & 0x80 != 0,
        rsv1: bytes[0] & 0x40 != 0,
        opcode: bytes[0] & 0x0F,
        key,
        payload,
    };
    (frame, at + len)
}

/// A frame of the peer of `under_test`: `first` is its first byte.
pub(crate) fn frame(under_test: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut head = vec![first];
    match payload.len() {
        len @ 0..=125 => head.push(u8::try_from(len).expect("len")),
        len @ 126..=0xFFFF => {
            head.push(126);
            head.extend(u16::try_from(len).expect("len").to_be_bytes());
        }
        len => {
            head.push(127);
            head.extend((len as u64).to_be_bytes());
        }
    }
    let mut out = Vec::new();
    seal(
        under_test,
        &head,
        payload,
        [0x37, 0xFA, 0x21, 0x3D],
        &mut out,
    );
    out
}

/// Keys that repeat from run to run and never from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Counting(pub(crate) u32);

impl Keys for Counting {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        self.0 += 1;
        Ok(self.0.wrapping_mul(0x9E37_79B9).to_be_bytes())
    }
}
