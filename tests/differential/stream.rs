//! What a peer sends, from a seed: a well-formed conversation, and often something done to it.
//!
//! Not here: what messages say (`payloads`), what is done to them (`mutations`).

use crate::dice::Dice;
use crate::mutations;
use crate::payloads;
use crate::reference::{Compression, Setup, frame};
use sockeye::proto::{Delivery, Limits, MessageKind, Role};
use std::fmt;

/// Everything that happens to a connection.
pub(crate) struct Stream {
    pub(crate) setup: Setup,
    pub(crate) bytes: Vec<u8>,
    /// Where the pieces end in which the bytes arrive; the last one ends where they do.
    pub(crate) cuts: Vec<usize>,
    /// We close before this byte arrives. A piece ends there.
    pub(crate) close_at: Option<usize>,
    /// What was done to the conversation, by name.
    pub(crate) mutations: Vec<&'static str>,
}

/// A frame to be written, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) key: Option<[u8; 4]>,
    pub(crate) length: Length,
}

/// How the length of a frame is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    Shortest,
    /// In two bytes, or in eight, whether it needs them or not; and not what it is.
    In2(u16),
    In8(u64),
}

/// Which streams are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// In every delivery, compressed or not.
    All,
    /// Whole messages, not compressed: what everybody else can read.
    Plain,
}

impl Stream {
    pub(crate) fn new(seed: u64, which: Which) -> Self {
        let mut dice = Dice::new(seed);
        let mut setup = setup(&mut dice, which);
        let mut frames = conversation(&mut dice, &setup);
        let mut names = Vec::new();
        // A third of all streams is right.
        let mutations = [0, 0, 1, 1, 1, 2][dice.below(6)];
        for _ in 0..mutations {
            names.push(mutations::of_frames(&mut dice, &setup, &mut frames));
        }
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut bytes));
        if mutations > 0 && dice.one_in(3) {
            names.push(mutations::of_bytes(&mut dice, &mut bytes));
        }
        let close_at = dice.one_in(10).then(|| dice.below(bytes.len() + 1));
        let cuts = cuts(&mut dice, bytes.len(), close_at);
        if which == Which::Plain && close_at.is_some() {
            // Others have this limit for control frames too, and would be gone before we close.
            setup.limits.max_frame = setup.limits.max_frame.max(125);
        }
        Self {
            setup,
            bytes,
            cuts,
            close_at,
            mutations: names,
        }
    }
}

fn setup(dice: &mut Dice, which: Which) -> Setup {
    let compressed = which == Which::All && dice.one_in(4);
    let sizes = [1 << 20, 1 << 20, 0, 1, 20, 64, 125, 126, 1000, 65_536];
    let (max_frame, max_message) = if dice.one_in(2) {
        (1 << 20, 1 << 20)
    } else {
        (dice.pick(&sizes), dice.pick(&sizes))
    };
    Setup {
        role: dice.pick(&[Role::Server, Role::Client]),
        limits: Limits {
            max_frame,
            max_message,
            max_fragments: dice.pick(&[1024, 1024, 1024, u32::MAX, 1, 2, 4]),
        },
        delivery: match which {
            Which::All => dice.pick(&[Delivery::Messages, Delivery::Frames, Delivery::Chunks]),
            Which::Plain => Delivery::Messages,
        },
        auto_pong: which == Which::Plain || !dice.one_in(8),
        compression: compressed.then(|| Compression {
            takeover: dice.one_in(2),
            window_bits: 8 + dice.below(8) as u8,
        }),
    }
}

/// Messages in frames, pings and pongs between these, and sometimes a close at the end.
fn conversation(dice: &mut Dice, setup: &Setup) -> Vec<Frame> {
    let mut frames = Vec::new();
    if setup.compression.is_some_and(|agreed| agreed.takeover) && dice.one_in(3) {
        let payload = payloads::past(dice);
        frames.push(Frame::new(dice, setup, 0xC2, payload));
    }
    for _ in 0..1 + dice.below(4) {
        if dice.one_in(6) {
            frames.push(control(dice, setup));
            continue;
        }
        message(dice, setup, &mut frames);
    }
    if dice.one_in(3) {
        let payload = payloads::close(dice);
        frames.push(Frame::new(dice, setup, 0x88, payload));
    }
    frames
}

fn message(dice: &mut Dice, setup: &Setup, frames: &mut Vec<Frame>) {
    let kind = dice.pick(&[MessageKind::Text, MessageKind::Binary]);
    let mut first = match kind {
        MessageKind::Text => 1,
        MessageKind::Binary => 2,
    };
    let mut payload = payloads::message(dice, kind);
    if setup.compression.is_some() && !dice.one_in(4) {
        first |= 0x40;
        payload = payloads::compressed(dice, &payload);
    }
    let count = dice.pick(&[1, 1, 1, 1, 2, 2, 3, 5]);
    let mut at: Vec<usize> = (1..count).map(|_| dice.below(payload.len() + 1)).collect();
    at.sort_unstable();
    at.push(payload.len());
    let mut from = 0;
    for (index, to) in at.into_iter().enumerate() {
        let fin = if index + 1 == count { 0x80 } else { 0 };
        let part = payload[from..to].to_vec();
        frames.push(Frame::new(dice, setup, fin | first, part));
        (first, from) = (0, to);
        if fin == 0 && dice.one_in(4) {
            frames.push(control(dice, setup));
        }
    }
}

/// A ping or a pong.
pub(crate) fn control(dice: &mut Dice, setup: &Setup) -> Frame {
    let len = dice.pick(&[0, 0, 1, 4, 8, 20, 124, 125]);
    let payload = dice.bytes(len);
    let first = dice.pick(&[0x89, 0x89, 0x8A]);
    Frame::new(dice, setup, first, payload)
}

/// In one piece, byte by byte, or somehow.
fn cuts(dice: &mut Dice, len: usize, close_at: Option<usize>) -> Vec<usize> {
    let mut cuts = vec![len];
    cuts.extend(close_at);
    match dice.below(4) {
        0 => {}
        1 if len < 2000 => cuts.extend(1..len),
        _ => {
            let pieces = 1 + dice.below(6);
            cuts.extend((0..pieces).map(|_| dice.below(len + 1)));
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

impl Frame {
    pub(crate) fn new(dice: &mut Dice, setup: &Setup, first: u8, payload: Vec<u8>) -> Self {
        Self {
            first,
            payload,
            key: (setup.role == Role::Server).then(|| (dice.next() as u32).to_be_bytes()),
            length: Length::Shortest,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Length::Shortest = self.length {
            out.extend(frame::written(self.first, &self.payload, self.key));
            return;
        }
        let masked = if self.key.is_some() { 0x80 } else { 0 };
        out.push(self.first);
        match self.length {
            Length::In2(len) => {
                out.push(masked | 126);
                out.extend(len.to_be_bytes());
            }
            Length::In8(len) => {
                out.push(masked | 127);
                out.extend(len.to_be_bytes());
            }
            Length::Shortest => {}
        }
        match self.key {
            Some(key) => {
                out.extend(key);
                out.extend(frame::mask(key, 0, &self.payload));
            }
            None => out.extend(&self.payload),
        }
    }
}

/// Enough to write a row of it.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.setup)?;
        writeln!(
            f,
            "mutations {:?}, we close at {:?}",
            self.mutations, self.close_at
        )?;
        let ends = &self.cuts[..self.cuts.len().min(40)];
        writeln!(f, "{} pieces, which end at {ends:?}", self.cuts.len())?;
        let shown = &self.bytes[..self.bytes.len().min(600)];
        write!(f, "{} bytes ", self.bytes.len())?;
        shown.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
