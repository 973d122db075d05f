//! `/chat/{room}`: the chat of the page. Who has the same path hears each other.
//!
//! Not here: what was said before somebody came. Nothing is kept.

use super::{millis, name, something};
use serde::Deserialize;
use serde_json::json;
use sockeye::app::json::{Commands, Failure, Letter};
use sockeye::app::{Conn, Params, Scope};

#[derive(Default)]
pub(super) struct User {
    name: String,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

pub(super) fn service(params: &Params) -> Commands<User> {
    // What cannot be decoded is shown as it was sent.
    let sent = params.get("room").unwrap_or_default();
    let room = params
        .decoded("room")
        .map_or_else(|| sent.to_owned(), |room| room.into_owned());
    Commands::new()
        .open(move |conn, user: &mut User, upgrade| {
            user.name = name(conn, upgrade);
            welcome(conn, user, &room);
        })
        .close(|scope, id, user, _| {
            let who = json!({ "id": id.get().to_string(), "user": user.name });
            let _ = scope.emit(scope.all(), "user-left", &who);
            stats(scope);
        })
        .on("chat", |conn, user, line: Line| {
            let text = something(&line.text)?;
            let line = json!({ "user": user.name, "text": text, "time": millis() });
            conn.emit(conn.all(), "chat", &line).map_err(Failure::new)?;
            Ok(())
        })
        .on("ping", |conn, _, _: Option<serde_json::Value>| {
            let _ = conn.emit(conn.all(), "pong", &json!({ "timestamp": millis() }));
        })
}

/// The newcomer hears it first, then the others, then all.
fn welcome(conn: &mut Conn<'_, User>, user: &User, room: &str) {
    let id = conn.id().get().to_string();
    let welcome = json!({
        "id": id, "user": user.name, "room": room, "numClients": conn.online(),
    });
    if let Ok(welcome) = Letter::new("welcome").param(&welcome) {
        let _ = conn.send(&welcome);
    }
    let who = json!({ "id": id, "user": user.name });
    let _ = conn.emit(conn.others(), "user-joined", &who);
    stats(conn);
}

fn stats(scope: &mut Scope<'_, User>) {
    let stats = json!({ "numClients": scope.online() });
    let _ = scope.emit(scope.all(), "stats", &stats);
}
