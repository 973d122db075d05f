//! What has gone wrong in WebSocket libraries, servers and what they stand on, tried on this one: a test for each, under
//! its number in `table.md`, which also says what cannot go wrong here and why.
//!
//! Not here: attacks that nobody has fallen for yet; `tests/attacks.md` and `tests/app/attacks.md` have those.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
)]
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, unwrap what must be there, and make bytes of numbers on purpose"
)]

#[cfg(feature = "tls")]
#[path = "../tls/certs.rs"]
mod certs;
#[cfg(feature = "deflate")]
#[path = "../support/compressing.rs"]
#[allow(dead_code, reason = "the core's tests use the rest")]
mod compressing;
#[path = "../support/counting.rs"]
mod counting;
#[cfg(feature = "deflate")]
#[path = "../support/deflate_attacks.rs"]
mod deflate_attacks;
#[cfg(feature = "deflate")]
#[path = "../support/deflate_bits.rs"]
mod deflate_bits;
#[path = "../support/frames.rs"]
mod frames;
#[cfg(feature = "server")]
#[path = "../server/harness.rs"]
#[allow(dead_code, reason = "the server's tests use the rest")]
mod harness;
#[path = "../support/replay.rs"]
#[allow(dead_code, reason = "the core's tests use the rest")]
mod replay;
#[path = "../../src/bin/sockeye/attack/rows.rs"]
#[allow(dead_code, reason = "here it is its types that are used")]
mod rows;
#[cfg(any(feature = "server", feature = "client"))]
#[path = "../support/sim/mod.rs"]
mod sim;
#[cfg(feature = "deflate")]
#[path = "../support/strict_inflate.rs"]
mod strict_inflate;
#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "the core's tests use the rest")]
mod wire;
#[cfg(feature = "app")]
#[path = "../app/world.rs"]
#[allow(dead_code, reason = "the application layer's tests use the rest")]
mod world;

#[cfg(feature = "client")]
#[path = "../client/harness.rs"]
#[allow(dead_code, reason = "the client's tests use the rest")]
mod asking;
#[cfg(all(feature = "tls", feature = "client"))]
#[path = "../tls/recorder.rs"]
#[allow(dead_code, reason = "the tests of TLS use the rest")]
mod recorder;
#[cfg(all(feature = "tls", feature = "server"))]
#[path = "../tls/harness.rs"]
mod secured;

mod judge;

mod control;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "deflate")]
mod deflate_kept;
mod fragments;
mod handshake;
mod injection;
mod lengths;
#[cfg(feature = "server")]
mod lifetime;
mod limits;
mod masks;
#[cfg(feature = "server")]
mod output;
mod room;
mod routing;
mod table;
mod tls;
mod upgrades;
