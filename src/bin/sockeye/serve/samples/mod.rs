//! What lives at the paths of `sockeye serve`: small services, each of them an example.
//!
//! | path | file | does |
//! |---|---|---|
//! | `/` | `hello` | says `Hello world`, and sends back what comes |
//! | `/echo` | | sends back what comes |
//! | `/demo` | `demo` | greets whoever says their name, and hangs up after 5 s |
//! | `/ticker` | `ticker` | prices, every second |
//! | `/chat`, `/chat/` | `relay` | what one says, all others hear |
//! | `/chat/{room}` | `chat` | the page's chat |
//! | `/example/socket`, `/channels` | `channels` | channels that are joined and left by command |
//! | `/stackabuse` | `stackabuse` | an announcement, and how many there are |
//!
//! Not here: which limits hold for all of them; that is `site`.

mod channels;
mod chat;
mod demo;
mod hello;
mod relay;
mod stackabuse;
mod ticker;

use super::site::Draft;
use sockeye::app::json::Failure;
use sockeye::app::{BadJson, Conn, Echo, Route, RouteError, Upgrade};
use sockeye::server::{ConnectionId, SlowPolicy};
use std::time::{SystemTime, UNIX_EPOCH};

/// Adds all of them.
pub(super) fn add(draft: Draft<'_>) -> Draft<'_> {
    let prices = ticker::Prices::default();
    let chat = commands("SOCKET /chat/{room} @json <64kB");
    let chat = chat.map(|route| route.history(chat::HISTORY));
    draft
        .route(Route::parse("SOCKET / @text <1MB"), |_| hello::Hello)
        .route(Route::parse("SOCKET /echo @any <max"), |_| Echo)
        .route(Route::parse("SOCKET /demo @text <1kB"), |_| {
            demo::Demo::default()
        })
        .route(Route::parse("SOCKET /ticker @json <1kB"), move |_| {
            ticker::Ticker::new(&prices)
        })
        .route(Route::parse("SOCKET /chat/ @json <64kB"), |_| relay::Relay)
        .route(chat, chat::service)
        .route(commands("SOCKET /example/socket @json <64kB"), |_| {
            channels::service(channels::Default::Example)
        })
        .route(commands("SOCKET /channels @json <64kB"), |_| {
            channels::service(channels::Default::General)
        })
        .route(commands("SOCKET /stackabuse @json <64kB"), |_| {
            stackabuse::service()
        })
}

/// A route at which wrong messages are answered, not punished: people write these by hand.
fn commands(line: &str) -> Result<Route, RouteError> {
    Route::parse(line).map(|route| route.on_bad_json(BadJson::Reply))
}

/// What becomes of members of rooms that read too slowly.
pub(super) fn policy(room: &str) -> SlowPolicy {
    if room == ticker::ROOM {
        SlowPolicy::Conflate(ticker::symbol)
    } else {
        SlowPolicy::Close
    }
}

/// The longest name of somebody, in characters.
const MAX_NAME: usize = 32;

/// Has somebody be called as they say by `?name=`, if they say it. The server keeps it, for whoever looks at it, too.
fn introduce<U>(conn: &mut Conn<'_, U>, upgrade: &Upgrade<'_>) {
    let said = upgrade.query().get("name").unwrap_or_default();
    let shown = said.chars().filter(|char| !char.is_control());
    let name: String = shown.take(MAX_NAME).collect();
    // An empty one is none; they stay a guest.
    let _ = conn.introduce(name.trim());
}

/// What somebody is called. A guest's name is made of their id, and takes no memory.
fn called(name: Option<&str>, id: ConnectionId) -> String {
    name.map_or_else(|| format!("guest-{}", id.get()), str::to_owned)
}

/// Now, as JavaScript counts.
fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// What somebody says, unless it is nothing.
fn something(text: &str) -> Result<&str, Failure> {
    if text.trim().is_empty() {
        return Err("write something".into());
    }
    Ok(text)
}
