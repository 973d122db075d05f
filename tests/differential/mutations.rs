//! What is done to a conversation: to its frames while they are frames, and to their bytes.
//!
//! Not here: what comes of it.

#![allow(
    clippy::ptr_arg,
    reason = "what is done has one type, whether it makes more of them or not"
)]

use crate::dice::Dice;
use crate::payloads::NOT_UTF8;
use crate::reference::Setup;
use crate::stream::{Frame, Length, control};

type OfFrames = fn(&mut Dice, &Setup, &mut Vec<Frame>);
type OfBytes = fn(&mut Dice, &mut Vec<u8>);

const OF_FRAMES: [(&str, OfFrames); 12] = [
    ("wrong length", wrong_length),
    ("wrong length", wrong_length),
    ("frame repeated", repeated),
    ("frame left out", left_out),
    ("frames swapped", swapped),
    ("bad text", bad_text),
    ("bad text", bad_text),
    ("another first byte", first_byte),
    ("control between", control_between),
    ("bad control", bad_control),
    ("bad close", bad_close),
    ("mask missing or there", mask),
];

const OF_BYTES: [(&str, OfBytes); 6] = [
    ("bit flipped", flip),
    ("bit flipped", flip),
    ("bytes inserted", insert),
    ("bytes cut out", cut),
    ("the end cut off", cut_off),
    ("noise", noise),
];

/// Every name that there is.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let of_frames = OF_FRAMES.iter().map(|(name, _)| *name);
    of_frames.chain(OF_BYTES.iter().map(|(name, _)| *name))
}

pub(crate) fn of_frames(dice: &mut Dice, setup: &Setup, frames: &mut Vec<Frame>) -> &'static str {
    let (name, mutate) = dice.pick(&OF_FRAMES);
    if !frames.is_empty() {
        mutate(dice, setup, frames);
    }
    name
}

pub(crate) fn of_bytes(dice: &mut Dice, bytes: &mut Vec<u8>) -> &'static str {
    let (name, mutate) = dice.pick(&OF_BYTES);
    mutate(dice, bytes);
    name
}

fn any<'f>(dice: &mut Dice, frames: &'f mut [Frame]) -> &'f mut Frame {
    let at = dice.below(frames.len());
    &mut frames[at]
}

fn wrong_length(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let frame = any(dice, frames);
    let len = frame.payload.len() as u64;
    frame.length = match dice.below(8) {
        0 | 1 => Length::In2(len as u16),
        2 => Length::In8(len),
        3 => Length::In2(dice.pick(&[0, 1, 125, 126, 127, 65_535])),
        4 => Length::In8(dice.pick(&[0, 125, 126, 65_535, 65_536, 1 << 20, (1 << 20) + 1])),
        5 => Length::In8(1 << (32 + dice.below(32))),
        6 => Length::In8(dice.pick(&[u64::MAX, u64::MAX >> 1, (1 << 63) + 5, 1 << 62])),
        _ => {
            // More or less is there than was announced.
            let more = dice.below(3);
            frame.payload.extend(vec![b'x'; more]);
            if more == 0 {
                frame.payload.pop();
            }
            match len {
                0..126 => Length::Shortest,
                126..65_536 => Length::In2(len as u16),
                _ => Length::In8(len),
            }
        }
    };
}

fn repeated(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let at = dice.below(frames.len());
    for _ in 0..1 + dice.below(3) {
        frames.insert(at, frames[at].clone());
    }
}

fn left_out(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let at = dice.below(frames.len());
    frames.remove(at);
}

fn swapped(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let (one, other) = (dice.below(frames.len()), dice.below(frames.len()));
    frames.swap(one, other);
}

/// At either border of a frame, or inside.
fn bad_text(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let bad = dice.pick(&NOT_UTF8);
    let frame = any(dice, frames);
    let len = frame.payload.len();
    let at = [0, len, dice.below(len + 1)][dice.below(3)];
    frame.payload.splice(at..at, bad.iter().copied());
}

fn first_byte(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let first = match dice.below(4) {
        0 => dice.next() as u8,
        _ => dice.pick(&[
            0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x40, 0xC0, 0xC1, 0x42, 0x08, 0x09, 0x8A,
        ]),
    };
    any(dice, frames).first = first;
}

fn control_between(dice: &mut Dice, setup: &Setup, frames: &mut Vec<Frame>) {
    for _ in 0..1 + dice.below(3) {
        let control = control(dice, setup);
        let at = dice.below(frames.len() + 1);
        frames.insert(at, control);
    }
}

fn bad_control(dice: &mut Dice, setup: &Setup, frames: &mut Vec<Frame>) {
    let len = dice.pick(&[0, 3, 126, 127, 200]);
    let payload = dice.bytes(len);
    let first = dice.pick(&[0x09, 0x0A, 0x08, 0x8B, 0x8F, 0xC9, 0xA8, 0x99, 0x89, 0x88]);
    let control = Frame::new(dice, setup, first, payload);
    let at = dice.below(frames.len() + 1);
    frames.insert(at, control);
}

fn bad_close(dice: &mut Dice, setup: &Setup, frames: &mut Vec<Frame>) {
    let codes = [
        0, 999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 1016, 2999, 3000, 4999, 5000,
    ];
    let code = if dice.one_in(4) {
        dice.next() as u16
    } else {
        dice.pick(&codes)
    };
    let mut payload = code.to_be_bytes().to_vec();
    match dice.below(4) {
        0 => payload.truncate(1),
        1 => payload.extend_from_slice(dice.pick(&NOT_UTF8)),
        2 => payload.extend_from_slice(b"so long"),
        _ => {}
    }
    let close = Frame::new(dice, setup, 0x88, payload);
    let at = dice.below(frames.len() + 1);
    frames.insert(at, close);
}

fn mask(dice: &mut Dice, _: &Setup, frames: &mut Vec<Frame>) {
    let frame = any(dice, frames);
    frame.key = match frame.key {
        Some(_) => None,
        None => Some([dice.next() as u8; 4]),
    };
}

fn flip(dice: &mut Dice, bytes: &mut Vec<u8>) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
}

fn insert(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.below(bytes.len() + 1);
    let len = 1 + dice.below(4);
    let more = dice.bytes(len);
    bytes.splice(at..at, more);
}

fn cut(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let from = dice.below(bytes.len() + 1);
    let to = bytes.len().min(from + 1 + dice.below(4));
    bytes.drain(from..to);
}

fn cut_off(dice: &mut Dice, bytes: &mut Vec<u8>) {
    bytes.truncate(dice.below(bytes.len() + 1));
}

fn noise(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.below(bytes.len() + 1);
    let len = dice.below(40);
    bytes.truncate(at);
    bytes.extend(dice.bytes(len));
}
