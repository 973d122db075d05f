//! Unmasking beside a copy of as many bytes, and text beside what others do for it.

use crate::codecs::config;
use crate::measure::{Ratio, compare};
use crate::tape::{Payload, frames};
use sockeye::proto::frame::mask;
use sockeye::proto::{Connection, Event, Inbound, Outbound};
use std::hint::black_box;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
/// Payload stands behind a header, and so is seldom aligned.
const BEFORE: usize = 6;
/// Bytes of buffers that take turns, so that none is read while what was just written to it is still under way: as many
/// as stay in the first-level cache, and four at least.
const TURNS: usize = 16 << 10;

struct Buffers {
    buffers: Vec<Vec<u8>>,
    turn: usize,
}

impl Buffers {
    fn new(bytes: &[u8]) -> Self {
        let one = [&[0; BEFORE], bytes, &[0; 64]].concat();
        let turns = (TURNS / one.len()).clamp(4, 64);
        Self {
            buffers: vec![one; turns],
            turn: 0,
        }
    }

    fn next(&mut self) -> &mut [u8] {
        self.turn += 1;
        if self.turn == self.buffers.len() {
            self.turn = 0;
        }
        let buffer = &mut self.buffers[self.turn];
        let len = buffer.len() - 64;
        black_box(&mut buffer[BEFORE..len])
    }
}

/// Unmasking, and a copy of as many bytes.
pub(crate) fn unmasking(len: usize, rounds: usize) -> Vec<Ratio> {
    let bytes = Payload::Binary.of(len);
    let buffers = || Buffers::new(&bytes);
    let (mut from, mut to, mut ours) = (buffers(), buffers(), buffers());
    let copy = move || to.next().copy_from_slice(from.next());
    let unmask = move || mask::apply(black_box(KEY), 0, ours.next());
    compare(vec![Box::new(unmask), Box::new(copy)], rounds)
}

/// Unmasking alone; a whole frame of such text through the receiver; and unmasking, then simdutf8.
pub(crate) fn text(kind: Payload, len: usize, rounds: usize) -> Vec<Ratio> {
    // A key that makes text of text, so that what was unmasked is a masked text still.
    const SAME: [u8; 4] = [1; 4];
    let mut frame = frames(kind, len, 1);
    let payload = frame.len() - len;
    frame[payload - 4..payload].copy_from_slice(&SAME);
    frame[payload..].copy_from_slice(&kind.of(len));
    let mut frames = Buffers::new(&frame);
    let mut conn = Connection::server(config());
    let mut inbound = Inbound::new();
    let receive = move || {
        let mut out = Outbound::server(Vec::new());
        let step = conn
            .rx
            .next(frames.next(), &mut inbound, &mut conn.tx, &mut out);
        assert!(matches!(
            step.expect("a frame that is right").event,
            Some(Event::Text(_))
        ));
    };
    let bytes = kind.of(len);
    let (mut alone, mut twice) = (Buffers::new(&bytes), Buffers::new(&bytes));
    let unmask = move || mask::apply(black_box(SAME), 0, alone.next());
    let two_passes = move || {
        let bytes = twice.next();
        mask::apply(black_box(SAME), 0, bytes);
        assert!(simdutf8::basic::from_utf8(bytes).is_ok());
    };
    compare(
        vec![Box::new(receive), Box::new(unmask), Box::new(two_passes)],
        rounds,
    )
}
