//! What is played: small, and together all that the loop does with its kernel.
//!
//! Not here: how; that is `stage`.

#[cfg(feature = "app")]
mod app;
mod basic;
#[cfg(feature = "client")]
mod dial;
mod rooms;
mod time;
#[cfg(all(feature = "client", feature = "tls"))]
mod tls;

use crate::sweep::Scenario;

pub fn all() -> Vec<Scenario> {
    [
        basic::SCENARIOS,
        time::SCENARIOS,
        rooms::SCENARIOS,
        #[cfg(feature = "app")]
        app::SCENARIOS,
        #[cfg(feature = "client")]
        dial::SCENARIOS,
        #[cfg(all(feature = "client", feature = "tls"))]
        tls::SCENARIOS,
    ]
    .concat()
}
