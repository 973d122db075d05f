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
use std::time::Duration;

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Whoever was away gets so much of what was said meanwhile.
pub(super) const HISTORY: History = History::last(500).within(Duration::from_secs(60 * 60));

/// By then all nodes count the same, if all is well.
const SETTLED: Duration = Duration::from_secs(1);

pub(super) fn service(params: &Params) -> Commands<()> {
    // What cannot be decoded is shown as it was sent.
    let sent = params.get("room").unwrap_or_default();
    let room: Arc<str> = params
        .decoded("room")
        .map_or_else(|| sent.into(), |room| room.into());
    let [coming, going, pinging, missing, counting] = core::array::from_fn(|_| Arc::clone(&room));
    Commands::new()
        .open(move |conn, (), upgrade| {
            introduce(conn, upgrade);
            if conn.join(&coming).is_err() {
                let _ = conn.close(CloseCode::POLICY_VIOLATION, "no room has such a name");
                return;
            }
            welcome(conn, &coming);
            recount(conn);
        })
        .close(move |scope, id, (), _| {
            let who = json!({ "id": id.get().to_string(), "user": called(scope.gone_name(), id) });
            let _ = scope.emit(&*going, "user-left", &who);
            stats(scope, &going);
            recount(scope);
        })
        .timer(move |scope, _| {
            // A node hears nothing of a room that nobody is in there, and others would hear that nobody is anywhere.
            if scope.online() > 0 {
                stats(scope, &counting);
            }
        })
        .gap(move |scope, gap| {
            // Where lines are kept, a node that dies without a word takes none of them along.
            let keeps = scope.node().is_some_and(Node::keeps);
            if !keeps || gap.kept || gap.missed.is_some() {
                let param = json!({ "missed": gap.missed });
                let _ = scope.emit(gap.to.clone(), "gap", &param);
            }
            // It may be that others are gone with what they said.
            let stats = json!({ "numClients": scope.online_everywhere() });
            let _ = scope.emit(Audience::room(&missing).on_worker(), "stats", &stats);
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

/// What other nodes count is known here a moment after somebody came or went: then it is said again.
fn recount(scope: &mut Scope<'_, ()>) {
    if scope.node().is_some() {
        scope.after(SETTLED, 0);
    }
}

/// The newcomer hears it first, then the others, then all.
fn welcome(conn: &mut Conn<'_, ()>, room: &str) {
    let id = conn.id();
    let who = json!({ "id": id.get().to_string(), "user": called(conn.user_name(), id) });
    let welcome = json!({
        "id": who["id"], "user": who["user"], "room": room, "numClients": conn.online_everywhere(),
    });
    if let Ok(welcome) = Letter::new("welcome").param(&welcome) {
        let _ = conn.send(&welcome);
    }
    let _ = conn.emit(Audience::room(room).except(id), "user-joined", &who);
    stats(conn, room);
}

fn stats(scope: &mut Scope<'_, ()>, room: &str) {
    let stats = json!({ "numClients": scope.online_everywhere() });
    let _ = scope.emit(room, "stats", &stats);
}
