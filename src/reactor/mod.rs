//! The event loop on mio, of servers and clients: one loop, one thread, any number of connections.
//!
//! | file | holds |
//! |---|---|
//! | `event_loop`, `arrivals`, `deadlines` | the turn: wait, serve, deliver; who comes and goes; what time brings |
//! | `drive` | one session's turn: bytes in, bytes out |
//! | `swift` | the same in few steps, where all is as usual |
//! | `call`, `greet`, `frames` | what a turn may touch; the request, and what follows it |
//! | `session`, `facts` | one peer's state and deadlines |
//! | `wire`, `outbox`, `runs`, `backlog`, `pool`, `budget` | output and buffers, and how much of them there may be |
//! | `say` | pings, closes and refusals of the loop's own |
//! | `outbound`, `dial`, `resolver` | connections that we open, up to where there is a stream |
//! | `ask`, `link` | our request's answer; what is opened again and again |
//! | `rooms`, `deliver`, `exchange` | what is said to many: here, and between loops |
//! | `bridge` | what is said in rooms here and on other nodes, and what happens to those |
//! | `verdict`, `orders` | what becomes of a request, at once or later; the application's timers |
//! | `clock` | which time counts, and slow turns |
//! | `stopping` | the end, in order |
//! | `handler`, `peer`, `hub`, `id`, `message`, `settings` | what an application does, is given, and tells |
//! | `outside` | speaking to a connection between turns |
//! | `mailbox`, `sync` | speaking to a loop from other threads |
//! | `accept`, `listener`, `timer`, `random` | what the names say |
//! | `mio` | the real [`kernel`](crate::kernel) |
//!
//! Not here: the protocol, which is [`proto`](crate::proto); threads, which are the caller's.

mod accept;
mod arrivals;
#[cfg(feature = "client")]
mod ask;
mod backlog;
#[cfg(feature = "backplane")]
mod bridge;
mod budget;
mod call;
mod clock;
mod cork;
mod deadlines;
mod deliver;
#[cfg(feature = "client")]
mod dial;
mod drive;
mod event_loop;
mod exchange;
mod facts;
mod farewell;
mod frames;
mod greet;
mod handle;
mod handler;
mod history;
mod hub;
mod id;
#[cfg(feature = "client")]
mod link;
mod listener;
mod mailbox;
#[cfg(test)]
mod mailbox_tests;
mod message;
mod mio;
mod orders;
#[cfg(feature = "client")]
mod outbound;
mod outbox;
mod outside;
mod peer;
mod pool;
mod reports;
mod resolver;
mod rooms;
mod runs;
mod say;
mod session;
mod settings;
mod spares;
mod stopping;
mod swift;
mod sync;
mod timer;
mod tools;
mod verdict;
mod wire;

#[cfg(feature = "client")]
pub use ask::Answer;
#[cfg(feature = "backplane")]
pub use bridge::{BackplaneEvent, NodeId};
#[cfg(feature = "backplane")]
pub(crate) use bridge::{Bridge, Bundle, Crossing};
pub use event_loop::EventLoop;
pub use exchange::Exchange;
pub use handle::{Handle, HandleError};
pub use handler::{Cause, Closed, Handler};
#[cfg(feature = "backplane")]
pub(crate) use history::{Author, Origin, Said};
pub use history::{History, NotAToken, Offset, Token};
#[cfg(feature = "json")]
pub(crate) use history::{Resumed, Words};
pub use hub::Hub;
pub use id::ConnectionId;
#[cfg(feature = "client")]
pub use link::{Delivery, LinkState, LinkStatus};
pub(crate) use listener::Held;
pub use listener::{Listen, Listener, NoPlace};
#[cfg(feature = "backplane")]
pub(crate) use mailbox::Wake;
pub use message::Message;
pub use mio::{Mio, Stopper};
pub use peer::Peer;
pub use rooms::{Gone, JoinError, Receipt, RoomSettings, RoomStats, SlowPolicy, To};
pub use settings::{Limits, Profile, Settings, Timeouts};
pub use verdict::{Admission, Arrival, Rejection, Verdict};
