//! What the systems that Sockeye is modelled on say that they do: a test for each behaviour that is owed.
//!
//! | file | rows | of |
//! |---|---|---|
//! | `total_js`, `total_js_controller`, `total_js_chat` | B0 | Total.js: routes in one line, and the controller behind them |
//! | `ws_intro` | B1 | the first steps with `ws` and a browser |
//! | `socket_io`, `socket_io_rooms` | B2 | socket.io: events, namespaces and rooms |
//! | `projectforge`, `projectforge_rooms`, `projectforge_admin` | B3 | projectforge: commands, channels, and who looks in |
//! | `websocketpp`, `websocketpp_site`, `websocketpp_client` | B4 | WebSocket++, Python's `websockets`, and the same in Node |
//! | `table` | | docs/behaviours.md, which has every row: its test, or why there is none |
//!
//! Not here: how these things work inside, and what attacks them; that is `tests/app`, `tests/server` and the others.
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "../support/frames.rs"]
mod frames;
#[path = "../server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../support/held.rs"]
mod held;
#[path = "../program/running.rs"]
#[allow(dead_code, reason = "the program's tests use the rest")]
mod running;
#[path = "../support/sim/mod.rs"]
mod sim;
#[path = "../app/world.rs"]
#[allow(dead_code, reason = "the application's tests use the rest")]
mod world;

mod hall;
mod logged;
mod projectforge;
mod projectforge_admin;
mod projectforge_rooms;
#[allow(dead_code, reason = "there is more in the program than is tested here")]
mod serve;
mod served;
mod socket_io;
mod socket_io_rooms;
mod table;
mod total_js;
mod total_js_chat;
mod total_js_controller;
mod websocketpp;
mod websocketpp_client;
mod websocketpp_site;
mod ws_intro;

use std::time::Duration;

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(30);
