//! `/chat/{room}`: the chat of the page. Who has the same path hears each other.
//!
//! All of them are in a room, too, so that whoever looks at the server sees it under its name.
//!
//! What is said is kept for those who come back: [`HISTORY`].

use super::{called, introduce, millis, something};
use serde::Deserialize;
use serde_json::json;
use sockeye::app::json::{Commands, Failure, Letter};
use sockeye::app::{Audience, Conn, Params, Scope};
use sockeye::backplane::Node;
use sockeye::proto::CloseCode;
use sockeye::server::History;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Whoever was away gets so much of what was said meanwhile.
pub(super) const HISTORY: History = History::last(500).within(Duration::from_secs(60 * 60));

/// How often it is looked whether there are more or fewer people on other nodes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many there are, as each worker tells those whom it serves.
#[derive(Default)]
struct Counter {
    said: AtomicUsize,
    /// It is looked at again by itself.
    goes_on: AtomicBool,
}

pub(super) fn service(params: &Params) -> Commands<()> {
    // What cannot be decoded is shown as it was sent.
    let sent = params.get("room").unwrap_or_default();
    let room: Arc<str> = params
        .decoded("room")
        .map_or_else(|| sent.into(), |room| room.into());
    let [coming, going, pinging, counting] = core::array::from_fn(|_| Arc::clone(&room));
    let counter = Arc::<Counter>::default();
    let [one_more, one_less, again] = core::array::from_fn(|_| Arc::clone(&counter));
    Commands::new()
        .open(move |conn, (), upgrade| {
            introduce(conn, upgrade);
            if conn.join(&coming).is_err() {
                let _ = conn.close(CloseCode::POLICY_VIOLATION, "no room has such a name");
                return;
            }
            welcome(conn, &coming);
            one_more.tell(conn, &coming);
            one_more.go_on(conn);
        })
        .close(move |scope, id, (), _| {
            let who =
                json!({ "id": scope.id_everywhere(id), "user": called(scope.gone_name(), id) });
            let _ = scope.emit(&*going, "user-left", &who);
            one_less.tell(scope, &going);
        })
        .timer(move |scope, _| again.look_again(scope, &counting))
        .gap(move |scope, gap| {
            // Where lines are kept, a node that dies without a word takes none of them along.
            let keeps = scope.node().is_some_and(Node::keeps);
            if !keeps || gap.kept || gap.missed.is_some() {
                let param = json!({ "missed": gap.missed });
                let _ = scope.emit(gap.to.clone(), "gap", &param);
            }
        })
        .on("chat", move |conn, (), line: Line| {
            let text = something(&line.text)?;
            let user = called(conn.user_name(), conn.id());
            let line = json!({ "user": user, "text": text, "time": millis() });
            let all = conn.all().kept();
            conn.emit(all, "chat", &line).map_err(Failure::new)?;
            Ok(())
        })
        .on("ping", move |conn, (), _: Option<serde_json::Value>| {
            let _ = conn.emit(&*pinging, "pong", &json!({ "timestamp": millis() }));
        })
}

impl Counter {
    /// All on this node are told.
    fn tell(&self, scope: &mut Scope<'_, ()>, room: &str) {
        let online = scope.online_everywhere();
        self.said.store(online, Ordering::Relaxed);
        stats(scope, Audience::room(room).here(), online);
    }

    /// From here on, those of this worker are told what other nodes count, too: that is known a moment after somebody came
    /// or went there.
    fn go_on(&self, scope: &mut Scope<'_, ()>) {
        if scope.node().is_some() && !self.goes_on.swap(true, Ordering::Relaxed) {
            scope.after(LOOK_AGAIN, 0);
        }
    }

    fn look_again(&self, scope: &mut Scope<'_, ()>, room: &str) {
        self.goes_on.store(false, Ordering::Relaxed);
        // Of a room that nobody is in here, other nodes' counts are not known.
        if scope.online() == 0 {
            return;
        }
        let online = scope.online_everywhere();
        if self.said.swap(online, Ordering::Relaxed) != online {
            stats(scope, Audience::room(room).on_worker(), online);
        }
        self.go_on(scope);
    }
}

/// The newcomer hears it first, then the others, then all.
fn welcome(conn: &mut Conn<'_, ()>, room: &str) {
    let id = conn.id();
    let who = json!({ "id": conn.id_everywhere(id), "user": called(conn.user_name(), id) });
    let welcome = json!({
        "id": who["id"], "user": who["user"], "room": room, "numClients": conn.online_everywhere(),
    });
    if let Ok(welcome) = Letter::new("welcome").param(&welcome) {
        let _ = conn.send(&welcome);
    }
    let _ = conn.emit(Audience::room(room).except(id), "user-joined", &who);
}

fn stats(scope: &mut Scope<'_, ()>, to: Audience<'_>, online: usize) {
    let _ = scope.emit(to, "stats", &json!({ "numClients": online }));
}
