//! `/example/socket` and `/channels`: everybody begins in a channel, and may join and leave others.
//!
//! A message says by `channel` which one it is about; without, it is the one in which its sender began.
//!
//! Not here: joining, which `Commands` does where a permit allows it.

use super::{called, introduce, millis, something};
use serde::Deserialize;
use serde_json::{Value, json};
use sockeye::app::json::{Answer as _, Commands, Envelope, Failure, Letter, Permit};
use sockeye::app::{Conn, Upgrade};
use sockeye::proto::CloseCode;
use sockeye::server::ConnectionId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest name of a channel, in bytes.
const MAX_CHANNEL: usize = 64;

/// Characters in the name of a channel of one's own.
const RANDOM: usize = 8;

/// Where somebody begins who does not say where: `?ch=`.
#[derive(Clone, Copy)]
pub(super) enum Default {
    /// In a channel of their own: `example-` and 8 random characters.
    Example,
    /// In `general`.
    General,
}

/// Where those began who have left that channel. The others began in the first that they are in, so that nothing is kept of
/// them: there may be many, each in a channel of their own.
#[derive(Clone)]
struct Left(Arc<Mutex<HashMap<ConnectionId, String>>>);

impl Left {
    fn all(&self) -> MutexGuard<'_, HashMap<ConnectionId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where somebody began who is in these channels.
    fn began(&self, id: ConnectionId, channels: &[String]) -> Option<String> {
        let left = self.all().get(&id).cloned();
        left.or_else(|| channels.first().cloned())
    }
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

#[derive(Deserialize)]
struct Named {
    room: String,
}

pub(super) fn service(default: Default) -> Commands<()> {
    let left = Left(Arc::default());
    let [saying, pinging, leaving, going] = core::array::from_fn(|_| left.clone());
    Commands::new()
        .open(move |conn, (), upgrade| {
            introduce(conn, upgrade);
            begin(conn, upgrade, default);
        })
        .close(move |_, id, (), _| drop(going.all().remove(&id)))
        .rooms(|_, _, channel| {
            if is_channel(channel) {
                Permit::Allow
            } else {
                Permit::Deny
            }
        })
        .on("leave-room", move |conn, (), Named { room }| {
            Ok::<_, Failure>(leave(conn, &leaving, room))
        })
        .on_envelope("chat", move |conn, (), envelope| {
            let line = || {
                let line: Line = envelope.param()?;
                let text = something(&line.text)?;
                let user = called(conn.user_name(), conn.id());
                Ok(json!({ "user": user, "text": text, "time": millis() }))
            };
            let done = line().and_then(|line| say(conn, &saying, envelope, "chat", &line));
            answer(conn, envelope, done);
        })
        .on_envelope("ping", move |conn, (), envelope| {
            let pong = json!({ "timestamp": millis() });
            let done = say(conn, &pinging, envelope, "pong", &pong);
            answer(conn, envelope, done);
        })
}

/// Has a newcomer join the first channel.
fn begin(conn: &mut Conn<'_, ()>, upgrade: &Upgrade<'_>, default: Default) {
    let query = upgrade.query();
    let channel = match (query.get("ch").filter(|ch| !ch.is_empty()), default) {
        (Some(channel), _) => channel.into_owned(),
        (None, Default::General) => "general".to_owned(),
        (None, Default::Example) => random(),
    };
    if !is_channel(&channel) || conn.join(&channel).is_err() {
        let _ = conn.close(CloseCode::POLICY_VIOLATION, "there is no such channel");
    }
}

/// As `Commands` does it, and where somebody began is kept if it is that.
fn leave(conn: &mut Conn<'_, ()>, left: &Left, room: String) -> Value {
    let id = conn.id();
    let began = left.began(id, &conn.rooms());
    let was_in = conn.leave(&room);
    let removed = was_in && conn.count(&room) == 0;
    let answer = json!({ "room": room, "removed": removed });
    if was_in && began.as_ref() == Some(&room) {
        left.all().insert(id, room);
    }
    answer
}

/// Tells the members of the message's channel, of whom its sender has to be one.
fn say(
    conn: &mut Conn<'_, ()>,
    left: &Left,
    envelope: &Envelope<'_>,
    cmd: &str,
    param: &Value,
) -> Result<(), Failure> {
    let channels = conn.rooms();
    let channel = match &envelope.channel {
        Some(channel) => channel.clone().into(),
        None => left.began(conn.id(), &channels).unwrap_or_default(),
    };
    if !channels.contains(&channel) {
        return Err("join the channel first".into());
    }
    let channel = &*channel;
    let message = Letter::new(cmd).channel(channel).param(param);
    conn.publish(channel, &message.map_err(Failure::new)?);
    Ok(())
}

fn answer(conn: &mut Conn<'_, ()>, envelope: &Envelope<'_>, done: Result<(), Failure>) {
    if let Some(answer) = done.message(envelope.id) {
        // Where it is closed, there is nobody to be told.
        let _ = conn.send(&answer);
    }
}

/// Names that begin with `$` are the program's own.
fn is_channel(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_CHANNEL
        && !name.starts_with('$')
        && !name.chars().any(char::is_control)
}

/// A name that nobody guesses by chance.
fn random() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; RANDOM];
    // Without randomness, all who want a channel of their own share one.
    let _ = getrandom::fill(&mut bytes);
    let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("example-{}", letters.iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{is_channel, random};

    #[test]
    fn a_channel_of_ones_own_has_a_name_that_it_may_have() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        for name in [one, other] {
            assert!(is_channel(&name), "{name}");
            let end = name.strip_prefix("example-").expect("its beginning");
            assert_eq!(end.len(), 8);
            assert!(end.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn not_everything_is_a_channel() {
        for name in ["", "$prices", "a\nb", "a\u{9b}", &"x".repeat(65)] {
            assert!(!is_channel(name), "{name:?}");
        }
        assert!(is_channel("général 1"));
    }
}
