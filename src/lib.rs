//! Sockeye: a low-level WebSocket (RFC 6455) with zero-copy framing.
//!
//! # The map
//!
//! ```text
//!  bin/sockeye     the program                                          feature `cli`
//!
//!  backplane       rooms that several servers share                      features `backplane`, `redis`, `nats`
//!  app             routes, services, gates, pages; commands, counters   features `app`, `json`, `metrics`, `admin`
//!  server          a builder                                            feature `server`
//!  client          on the loop, blocking; URLs, proxies, redirects      feature `client`
//!  aio             for async programs, over streams of any kind         features `aio`, `tokio`, `futures-io`
//!
//!  reactor         the loop. A call goes from left to right:            std, mio
//!                  event_loop → drive → wire → outbox → transport → kernel
//!                  session: one peer; rooms, deliver: many; timer, accept, pool
//!                  dial → ask: a connection that we open; link: again and again
//!  transport       what carries a session's bytes: plain, or
//!  tls             rustls                                               feature `tls`
//!  proxy_protocol  what a proxy says before the first byte
//!  kernel          the seam to the operating system
//!
//!  proto           connection: Receiver, Sender, closing                no features: no_std + alloc
//!                  deflate: permessage-deflate                         feature `deflate`: std
//!                  handshake: requests and answers
//!                  frame: header, rules, mask │ message │ utf8 │ close │ error
//! ```
//!
//! A line uses those below it and none above. `transport` and `kernel` know nothing of WebSocket; [`proto`] knows no
//! socket, no clock and no randomness.
//!
//! # Which door
//!
//! - You have a server and want WebSockets in it: [`proto::Connection`], after [`proto::handshake`].
//!   `examples/embed.rs` drives them, on `std` sockets, and `examples/no_std` on a microcontroller.
//! - Your program is async: [`aio::accept`] on a stream of tokio's, [`aio::Server`] and [`aio::Client`] on any. What comes
//!   of it is a `Stream` and a `Sink`. `examples/tokio.rs` and `examples/smol.rs` have a task for each connection.
//! - You have a server in hyper or on top of it: [`aio::http`] has an upgrade, an extractor for axum, a service for tower.
//!   `examples/hyper.rs`, `examples/axum.rs`, `examples/tower.rs`; with HTTP/2, `examples/h2.rs`.
//! - You want an application: [`app::App`], with a service for each path, pages, and who may come.
//! - You want a server: [`server::Builder`] and a [`server::Handler`]. `examples/chat_room.rs` and `examples/ticker.rs`
//!   have rooms, `examples/tls.rs` speaks TLS.
//! - One server is not enough: [`backplane`], which has several share their rooms over Redis or NATS.
//! - You want a client: [`client::connect`], which blocks, or [`client::Client`], with any number of connections.
//!   `examples/reconnect.rs` has one that stays.
//! - You want to run something: the program, `sockeye --help`.
//!
//! How the parts go together, what the limits are, and what a close code or a symptom means, is in the [`guide`].
//!
//! To read the source, start with `proto/frame/header.rs` (every bit of a frame), `proto/connection/mod.rs` (the
//! contract of a connection), `reactor/event_loop.rs` (one turn of the loop).
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | none | the core |
//! | `std` | nothing yet but the standard library itself |
//! | `deflate` | permessage-deflate (RFC 7692), with `zlib-rs`; implies `std` |
//! | `reactor` | what `server` and `client` share: the loop on mio, with `deflate`; Unix |
//! | `server` | [`server`] on that loop |
//! | `client` | [`client`] on that loop, and a blocking one |
//! | `app` | [`app`] on `server`: routes, services, gates, pages, limits |
//! | `backplane` | [`backplane`]: rooms that several servers share over a broker, with tokio on a thread of its own |
//! | `redis` | the same over Redis or Valkey |
//! | `nats` | the same over NATS |
//! | `json` | commands in JSON for `app`, with serde |
//! | `metrics` | what an `app` counts, as Prometheus reads it |
//! | `admin` | a page and a socket to look into a running `app`; implies `json` |
//! | `tls` | TLS for both, by rustls with ring |
//! | `aio` | [`aio`]: connections for async programs, over streams of any kind, with `deflate` |
//! | `tokio` | the same over tokio's streams |
//! | `futures-io` | the same over those of `futures-io` |
//! | `hyper` | [`aio::http`]: the same for requests that hyper has read; implies `tokio` |
//! | `http2` | those over HTTP/2, too (RFC 8441); implies `hyper` |
//! | `axum` | an extractor for axum; implies `hyper` |
//! | `tower` | a service for tower; implies `hyper` |
//! | `work-count` | a count of the bytes that the core visits, for tests alone |
//! | `cli` (default) | what the program needs; a library does without. It takes Rust 1.95, all else 1.89 |
//!
//! # What a version promises
//!
//! Versions follow Semantic Versioning; below 1.0 the second number is the large one. In a small step
//!
//! - settings with public fields may get more of them: write `..Default::default()` behind those that you set;
//! - what is `#[non_exhaustive]` may get more variants or fields, and the words of any error may change. Decide by variants;
//! - what is refused, and with which close code or status, may change where an RFC asks for it;
//! - the oldest Rust may become a newer one, if that is a year old.
//!
//! A large step is due where a library whose types are seen here takes one: `rustls` in [`tls`], `serde_json` in
//! [`app::json`], `prometheus-client` in [`app::metrics`], `async-nats` in [`backplane`], those of the streams in [`aio`]. Nothing is promised about
//! `work-count`, nor of [`kernel`] beyond what is needed to name a server's types: it is a seam for tests.
#![no_std]
#![deny(unsafe_code)]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The map names what is not built too.
#![cfg_attr(
    not(all(
        feature = "cli",
        feature = "axum",
        feature = "tower",
        feature = "futures-io"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "aio")]
pub mod aio;
#[cfg(feature = "app")]
pub mod app;
#[cfg(feature = "backplane")]
pub mod backplane;
#[cfg(feature = "client")]
pub mod client;
#[cfg(doc)]
pub mod guide;
#[cfg(feature = "reactor")]
pub mod kernel;
pub mod proto;
#[cfg(feature = "reactor")]
#[cfg_attr(
    not(feature = "server"),
    allow(
        dead_code,
        unused_imports,
        unnameable_types,
        unreachable_pub,
        reason = "only servers stand behind proxies"
    )
)]
mod proxy_protocol;
#[cfg(any(feature = "reactor", feature = "aio"))]
#[cfg_attr(
    not(feature = "reactor"),
    allow(dead_code, reason = "only loops have turns")
)]
mod random;
#[cfg(feature = "reactor")]
#[cfg_attr(
    not(all(feature = "server", feature = "client", feature = "tls")),
    allow(
        dead_code,
        unused_imports,
        unreachable_pub,
        unnameable_types,
        reason = "each of them uses a part of the loop"
    )
)]
mod reactor;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "tls")]
#[cfg_attr(
    not(all(feature = "server", feature = "client")),
    allow(dead_code, reason = "each of them uses a part of it")
)]
pub mod tls;
#[cfg(feature = "reactor")]
mod transport;

/// The README's examples are compiled and run with the others.
#[cfg(all(doctest, feature = "server", feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's, too.
#[cfg(all(doctest, feature = "admin", feature = "metrics", feature = "client"))]
#[doc = include_str!("../docs/applications.md")]
struct Applications;
