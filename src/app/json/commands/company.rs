//! Who comes and goes: presence, and rooms that clients may join.
//!
//! Not here: the rooms themselves, which are the server's.

use super::{Failure, Permit};
use crate::app::json::{Envelope, Letter, Unwritable, error, reply};
use crate::app::{Audience, Conn, Scope};
use crate::server::ConnectionId;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;

/// Who is told of whom, and who may join what.
pub(super) struct Company<U> {
    pub(super) name: Option<Name<U>>,
    pub(super) permit: Option<Ask<U>>,
    /// The rooms that were joined by command, where their members are to hear of the end: by then it is in none.
    joined: HashMap<ConnectionId, Vec<String>>,
}

type Name<U> = Box<dyn Fn(&U) -> String + Send>;
type Ask<U> = Box<dyn FnMut(&mut Conn<'_, U>, &mut U, &str) -> Permit + Send>;

#[derive(Deserialize)]
struct Named {
    room: String,
}

const JOIN: &str = "join-room";
const LEAVE: &str = "leave-room";

impl<U: Send + 'static> Company<U> {
    pub(super) fn new() -> Self {
        Self {
            name: None,
            permit: None,
            joined: HashMap::new(),
        }
    }

    pub(super) fn opened(&self, conn: &mut Conn<'_, U>, user: &U) {
        if let Some(name) = &self.name {
            let (others, id) = (conn.others(), conn.id());
            tell(conn, others, "user-joined", id, &name(user));
        }
    }

    pub(super) fn closed(&mut self, scope: &mut Scope<'_, U>, id: ConnectionId, user: &U) {
        for room in self.joined.remove(&id).unwrap_or_default() {
            update(scope, &room, id, false);
        }
        if let Some(name) = &self.name {
            tell(scope, Audience::all(), "user-left", id, &name(user));
        }
    }

    /// Whether a command is one of these, here.
    pub(super) fn is_for(&self, cmd: &str) -> bool {
        self.permit.is_some() && matches!(cmd, JOIN | LEAVE)
    }

    /// Joins or leaves.
    pub(super) fn run(&mut self, conn: &mut Conn<'_, U>, user: &mut U, envelope: &Envelope<'_>) {
        let done = match envelope.param() {
            Ok(Named { room }) if envelope.cmd == JOIN => self.join(conn, user, room),
            Ok(Named { room }) => Ok(self.leave(conn, &room)),
            Err(bad) => Err(bad.into()),
        };
        let answer = match (done, envelope.id) {
            (Ok(_), None) => return,
            (Ok(done), Some(id)) => reply(id, &done).unwrap_or_default(),
            (Err(failure), id) => error(id, &failure.to_string()),
        };
        let _ = conn.send(&answer);
    }

    fn join(
        &mut self,
        conn: &mut Conn<'_, U>,
        user: &mut U,
        room: String,
    ) -> Result<serde_json::Value, Failure> {
        let permit = self.permit.as_mut().map(|permit| permit(conn, user, &room));
        if permit != Some(Permit::Allow) {
            return Err("this room may not be joined".into());
        }
        let created = conn.count(&room) == 0;
        let is_new = conn.join(&room).map_err(Failure::new)?;
        let answer = json!({ "room": room, "created": created });
        if is_new && self.name.is_some() {
            let id = conn.id();
            update(conn, &room, id, true);
            self.joined.entry(id).or_default().push(room);
        }
        Ok(answer)
    }

    fn leave(&mut self, conn: &mut Conn<'_, U>, room: &str) -> serde_json::Value {
        let was_in = conn.leave(room);
        let id = conn.id();
        if let Some(rooms) = self.joined.get_mut(&id) {
            rooms.retain(|other| other != room);
            if rooms.is_empty() {
                self.joined.remove(&id);
            }
        }
        if was_in && self.name.is_some() {
            update(conn, room, id, false);
        }
        json!({ "room": room, "removed": was_in && conn.count(room) == 0 })
    }
}

/// Says who came or went.
fn tell<U>(scope: &mut Scope<'_, U>, to: Audience<'_>, cmd: &str, id: ConnectionId, name: &str) {
    #[derive(Serialize)]
    struct Who<'a> {
        id: String,
        user: &'a str,
    }
    let user = name;
    let id = scope.id_everywhere(id);
    publish(scope, to, Letter::new(cmd).param(&Who { id, user }));
}

/// Says to a room who joined or left it.
fn update<U>(scope: &mut Scope<'_, U>, room: &str, id: ConnectionId, connected: bool) {
    #[derive(Serialize)]
    struct Update {
        #[serde(rename = "userID")]
        user_id: String,
        connected: bool,
    }
    let user_id = scope.id_everywhere(id);
    let update = Update { user_id, connected };
    let letter = Letter::new("online-update").channel(room).param(&update);
    publish(scope, Audience::room(room).except(id), letter);
}

fn publish<U>(scope: &mut Scope<'_, U>, to: Audience<'_>, message: Result<String, Unwritable>) {
    // Strings and truth values can always be written.
    if let Ok(message) = message {
        scope.publish(to, &message);
    }
}
