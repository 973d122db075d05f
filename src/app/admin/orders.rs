//! What the desk can be told to do to others: [`Order`].
//!
//! Not here: when it is done, which is `desk`; what only shows something.

use super::desk::Company;
use crate::app::json::{Failure, Letter};
use crate::app::watch::Query;
use crate::app::{Audience, Scope};
use crate::proto::{CloseCode, MAX_CONTROL_LEN};
use crate::server::ConnectionId;
use alloc::boxed::Box;
use alloc::string::String;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Something to be done.
pub(super) enum Order {
    Send(SendOrder),
    Close(CloseOrder),
}

/// Say something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendOrder {
    to: To,
    cmd: Option<String>,
    param: Option<Box<RawValue>>,
    channel: Option<String>,
    from: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    id: Option<Id>,
    room: Option<String>,
    path: Option<String>,
    #[serde(default)]
    all: bool,
}

/// End a connection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseOrder {
    id: Id,
    code: Option<u16>,
    reason: Option<String>,
}

/// The number of a connection: it is told as a string, and may come back as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Done {
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<usize>,
}

/// Why nothing was done.
pub(super) enum Undone {
    /// There is no such connection, as far as it was reported.
    Nobody,
    /// In words.
    Because(Failure),
}

impl From<&str> for Undone {
    fn from(words: &str) -> Self {
        Self::Because(words.into())
    }
}

const SERVER_IS_BUSY: &str = "the server does not keep up, or has stopped";

impl Order {
    /// Does it.
    pub(super) fn run<U>(
        &self,
        company: &Company,
        scope: &mut Scope<'_, U>,
    ) -> Result<Done, Undone> {
        match self {
            Self::Send(send) => send.run(company, scope),
            Self::Close(close) => close.run(company, scope),
        }
    }
}

impl SendOrder {
    fn run<U>(&self, company: &Company, scope: &mut Scope<'_, U>) -> Result<Done, Undone> {
        let message = self.message()?;
        let snapshot = |query: Query| company.monitor.snapshot(&query.limit(1));
        let all;
        let (to, queued) = match &self.to {
            To {
                id: Some(id),
                room: None,
                path: None,
                all: false,
            } => (Audience::one(id.find(company)?), 1),
            To {
                id: None,
                room: Some(room),
                path: Some(path),
                all: false,
            } => {
                let rooms = snapshot(Query::new().room(&**path, &**room)).rooms;
                let members = rooms.first().map_or(0, |room| room.members);
                (Audience::room_at(path, room), members)
            }
            To {
                id: None,
                room: None,
                path: Some(path),
                all: false,
            } => {
                let there = snapshot(Query::new().path(&**path)).connections_total;
                (Audience::path(path), there)
            }
            To {
                id: None,
                room: None,
                path: None,
                all: true,
            } => {
                all = company.members();
                let ours = all.iter().filter(|id| company.is_reported(**id)).count();
                let others = snapshot(Query::new()).online.saturating_sub(ours);
                let to = Audience::those(move |id| !all.contains(&id));
                (to, others)
            }
            _ => {
                return Err(
                    "to: one of {id}, {room, path}, {path} and {all: true} is needed".into(),
                );
            }
        };
        if company.monitor.is_of(scope) {
            scope.publish(to, &message);
        } else if company.monitor.publish(to, &message).is_err() {
            return Err(SERVER_IS_BUSY.into());
        }
        Ok(Done {
            message: "sent message",
            queued: Some(queued),
        })
    }

    fn message(&self) -> Result<String, Undone> {
        match (&self.cmd, &self.text) {
            (Some(cmd), None) => {
                let mut letter = Letter::new(cmd);
                if let Some(channel) = &self.channel {
                    letter = letter.channel(channel);
                }
                if let Some(from) = &self.from {
                    letter = letter.from(from);
                }
                let message = letter.param(&self.param);
                message.map_err(|unwritable| Undone::Because(Failure::new(unwritable)))
            }
            (None, Some(text)) if self.param.is_none() => Ok(text.clone()),
            _ => Err("either cmd, with an optional param, or text is needed".into()),
        }
    }
}

impl CloseOrder {
    fn run<U>(&self, company: &Company, scope: &mut Scope<'_, U>) -> Result<Done, Undone> {
        let Some(code) = CloseCode::new(self.code.unwrap_or(CloseCode::NORMAL.get())) else {
            return Err("this code may not be sent".into());
        };
        let reason = self.reason.as_deref().unwrap_or_default();
        if reason.len() > MAX_CONTROL_LEN - 2 {
            return Err("a reason has at most 123 bytes".into());
        }
        let id = self.id.find(company)?;
        let is_done = if company.monitor.is_of(scope) {
            scope
                .close_other(id, code, reason)
                .map_err(|_| Undone::Nobody)?;
            true
        } else {
            let handle = company.monitor.handle();
            handle.is_some_and(|handle| handle.close(id, code, reason).is_ok())
        };
        if !is_done {
            return Err(SERVER_IS_BUSY.into());
        }
        tracing::info!(%id, code = code.get(), "closed from the admin page");
        Ok(Done {
            message: "closing",
            queued: None,
        })
    }
}

impl Id {
    fn find(&self, company: &Company) -> Result<ConnectionId, Undone> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        };
        let number = number.ok_or("id: a connection's number is needed")?;
        let found = company.monitor.connection(number);
        found.map(|found| found.id).ok_or(Undone::Nobody)
    }
}
