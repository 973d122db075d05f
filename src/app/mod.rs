//! Applications: routes with services, rooms, pages, commands; on the [`server`](crate::server).
//!
//! ```no_run
//! use sockeye::app::{App, Conn, Service};
//! use sockeye::server::Message;
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     type User = ();
//!
//!     fn message(&mut self, conn: &mut Conn<'_, ()>, _user: &mut (), message: Message<'_>) {
//!         let _ = conn.send(message);
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! App::new().route("SOCKET /echo @text <1MB", |_| Echo).bind("127.0.0.1:8000")?.run()
//! # }
//! ```
//!
//! | you want to | see |
//! |---|---|
//! | say what lives at a path | [`Service`], [`App::route`], [`Route`] |
//! | speak to one connection, to a room, to all | [`Conn`], [`Scope`], [`Audience`] |
//! | have it echo, or write down who comes and goes | [`Echo`], [`Logged`] |
//! | speak from another thread | [`Serving::voice`], [`Voice`] |
//! | decide who may come | [`Route::admit`], [`Upgrade`], [`Decision`], [`Ticket`] |
//! | exchange commands in JSON | [`json`]: `Commands`, with the feature `json` |
//! | show pages on the same port | [`App::page`], [`Page`], [`Folder`] |
//! | limit how much and how often | [`Route::rate`], [`App::per_address`], [`App::limits`] |
//! | count and look | [`metrics`], [`Monitor`], and with the feature `admin` the admin page |
//!
//! Not here: the protocol, which is [`proto`](crate::proto); the loop and rooms, which are `reactor`. Whoever wants the
//! loop without routes has [`server::Handler`](crate::server::Handler).

#[cfg(feature = "admin")]
pub mod admin;
#[expect(
    clippy::module_inception,
    reason = "it holds what the module is named for"
)]
mod app;
mod arrivals;
mod audience;
mod conn;
mod decision;
mod echo;
mod format;
mod forwarded;
mod gate;
mod home;
mod info;
pub mod json;
mod limits;
mod line;
pub mod log;
mod logged;
pub mod metrics;
mod names;
#[cfg(feature = "backplane")]
mod nodes;
mod page;
mod place;
mod places;
mod request;
mod route;
mod router;
mod scope;
mod seating;
mod service;
mod serving;
mod site;
mod terms;
mod token;
mod upgrade;
mod voice;
mod wall;
pub mod watch;

#[cfg(feature = "admin")]
pub use admin::Admin;
pub use app::{App, MAX_PATH};
pub use audience::Audience;
pub use conn::Conn;
pub use decision::{Accepted, Decision, Ticket};
pub use echo::Echo;
pub use forwarded::client_address;
pub use gate::{Gate, IntoGate, IntoRoute};
pub use limits::{AddressLimits, Addresses, Bucket, Crowded, Rate};
pub use logged::Logged;
#[cfg(feature = "backplane")]
pub use nodes::Gap;
pub use page::{Folder, FolderError, FolderLimits, Page, Skipped, SkippedBecause};
pub use request::{Params, Query, cookie};
pub use route::{Access, BadJson, Format, Route, RouteError, RouteFault, RouteTable, Subprotocols};
pub use router::Router;
pub use scope::Scope;
pub use seating::Seated;
pub use service::Service;
pub use serving::{Serving, Workers};
pub use token::same;
pub use upgrade::Upgrade;
pub use voice::Voice;
pub use watch::Monitor;
