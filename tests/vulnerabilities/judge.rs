//! Runs a connection over an attack, whole and byte by byte, which must come to the same, and says what became of it.

use crate::replay::{Outcome, replay};
use crate::rows::{Expected, With};
use crate::wire;
use sockeye::proto::{Delivery, Role, Violation};
use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

pub const ROLES: [Role; 2] = [Role::Server, Role::Client];
pub const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// What becomes of these bytes.
#[track_caller]
pub fn judge(role: Role, with: &With, bytes: &[u8]) -> Outcome {
    let (whole, _) = replay(role, with, bytes, []);
    let (dripped, _) = replay(role, with, bytes, 1..bytes.len());
    assert_eq!(whole, dripped, "whole, and byte by byte");
    whole
}

/// They are refused for this reason, with byte `at` and not before it, and told so. What was heard before.
#[track_caller]
pub fn refused_at(
    role: Role,
    with: &With,
    bytes: &[u8],
    at: usize,
    reason: Violation,
) -> Vec<Expected> {
    let (dripped, found_at) = replay(role, with, bytes, 1..bytes.len());
    assert_eq!(dripped.error, Some(reason), "{role:?} {bytes:02x?}");
    assert_eq!(found_at, Some(at), "{role:?} {bytes:02x?}");
    assert_eq!(judge(role, with, bytes).error, Some(reason));
    let answers = wire::read_deflate(&dripped.out, role);
    let close = answers.last().expect("an answer");
    let code = reason.close_code().get().to_be_bytes();
    assert_eq!(
        (close.opcode, &close.payload[..2]),
        (wire::CLOSE, &code[..])
    );
    dripped.events
}

/// The same where nothing may be heard at all.
#[track_caller]
pub fn unheard(role: Role, with: &With, bytes: &[u8], at: usize, reason: Violation) {
    let heard = refused_at(role, with, bytes, at, reason);
    assert_eq!(heard, [], "{role:?} {bytes:02x?}");
}

/// The header of a frame whose length is sent in eight bytes, and its key where there is one.
pub fn header(role: Role, first: u8, len: u64) -> Vec<u8> {
    let head = [&[first, 127], &len.to_be_bytes()[..]].concat();
    let mut bytes = Vec::new();
    wire::seal(role, &head, b"", [0x37, 0xFA, 0x21, 0x3D], &mut bytes);
    bytes
}

/// What the kernel counts is behind by up to a tick: what takes no longer is as fast as can be.
const TICK: f64 = 0.004;

/// Four times as much takes at most eight times as long: it is not the square that grows. Where that is too much, it is
/// asked again.
#[track_caller]
pub fn assert_linear(size: usize, mut work: impl FnMut(usize)) {
    let mut time = |size| {
        let begin = seconds();
        work(size);
        (seconds() - begin).max(TICK)
    };
    let factors: Vec<f64> = (0..5)
        .map(|_| time(4 * size) / time(size))
        .take_while(|factor| *factor >= 8.0)
        .collect();
    assert!(factors.len() < 5, "not linear: {factors:?}");
}

/// How long this thread has been running; on a busy machine that is less than what has passed. Elsewhere than on Linux it
/// is that.
fn seconds() -> f64 {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let counted = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = counted
        .split(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    nanos.map_or_else(|| BEGIN.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}
