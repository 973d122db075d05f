//! A script acted out by the literal receiver.
//!
//! What is delivered before a fault, and which of two faults in one message is the one, depends on the delivery: so
//! there is an expectation for each.
//!
//! Not here: pieces.

use super::super::reference::{Compression, Outcome, Receiver, Setup};
use super::limits;
use super::script::Script;
use sockeye::proto::Delivery;

/// What should come of a script whose bytes are these.
pub(super) fn act_out(script: &Script, wire: &[u8], delivery: Delivery) -> Outcome {
    let direction = script.direction();
    let mut receiver = Receiver::new(Setup {
        role: script.role,
        limits: limits(script),
        delivery,
        auto_pong: false,
        compression: Some(Compression {
            takeover: direction.context_takeover(),
            window_bits: direction.window_bits(),
        }),
    });
    for byte in wire {
        receiver.arrive(*byte);
    }
    receiver.outcome
}
