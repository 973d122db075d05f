//! What is played: small, and together all that the loop does with its kernel.
//!
//! Not here: how; that is `stage`.

mod basic;

use crate::sweep::Scenario;

pub fn all() -> Vec<Scenario> {
    [basic::SCENARIOS].concat()
}
