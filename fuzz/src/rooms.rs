//! Rooms on the simulated kernel, beside a model that is nothing but lists: the episodes of `tests/rooms`, with bytes
//! for dice.
//!
//! Not here: what happens in an episode, and what must hold in it; that is `episode`, `actor` and `judge` there.

#[path = "../../tests/rooms/actor.rs"]
mod actor;
#[path = "../../tests/server/deflating.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod deflating;
mod dice;
#[path = "../../tests/rooms/episode.rs"]
mod episode;
#[path = "../../tests/server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../../tests/rooms/judge.rs"]
mod judge;
#[path = "../../tests/rooms/model.rs"]
mod model;
#[path = "../../tests/rooms/player.rs"]
mod player;
#[path = "../../tests/support/strict_inflate.rs"]
mod strict_inflate;

use super::{frames, sim};
use dice::Dice;

/// More operations do not make a better test, only a slower one.
const MAX_OPERATIONS: u64 = 400;

/// Whoever joins, leaves, publishes, closes, stops reading or ends, within handlers and between turns: the engine says
/// what the model says, each peer is told what its list says in the order of the calls, what rooms say they dropped is
/// what is missing, and in the end nothing is left.
pub fn rooms(data: &[u8]) {
    sim::random::reset();
    let outcome = episode::run(Dice::new(data), MAX_OPERATIONS);
    if let Err(what) = outcome {
        panic!("{what}");
    }
}
