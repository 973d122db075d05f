//! `/example/socket` and `/channels`: everybody begins in a channel, and may join and leave others.
//!
//! A message says by `channel` which one it is about; without, it is the one in which its sender began.
//!
//! Not here: joining and leaving, which `Commands` does where a permit allows it.

use super::{called, introduce, millis, something};
use serde::Deserialize;
use serde_json::{Value, json};
use sockeye::app::json::{Answer as _, Commands, Envelope, Failure, Letter, Permit};
use sockeye::app::{Conn, Upgrade};
use sockeye::proto::CloseCode;

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

#[derive(Default)]
pub(super) struct User {
    /// Where they began.
    channel: Box<str>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

pub(super) fn service(default: Default) -> Commands<User> {
    Commands::new()
        .open(move |conn, user: &mut User, upgrade| {
            introduce(conn, upgrade);
            user.channel = begin(conn, upgrade, default).into();
        })
        .rooms(|_, _, channel| {
            if is_channel(channel) {
                Permit::Allow
            } else {
                Permit::Deny
            }
        })
        .on_envelope("chat", |conn, user, envelope| {
            let line = || {
                let line: Line = envelope.param()?;
                let text = something(&line.text)?;
                let user = called(conn.user_name(), conn.id());
                Ok(json!({ "user": user, "text": text, "time": millis() }))
            };
            let done = line().and_then(|line| say(conn, user, envelope, "chat", &line));
            answer(conn, envelope, done);
        })
        .on_envelope("ping", |conn, user, envelope| {
            let pong = json!({ "timestamp": millis() });
            let done = say(conn, user, envelope, "pong", &pong);
            answer(conn, envelope, done);
        })
}

/// Has a newcomer join the first channel. Says which one that is.
fn begin(conn: &mut Conn<'_, User>, upgrade: &Upgrade<'_>, default: Default) -> String {
    let query = upgrade.query();
    let channel = match (query.get("ch").filter(|ch| !ch.is_empty()), default) {
        (Some(channel), _) => channel.into_owned(),
        (None, Default::General) => "general".to_owned(),
        (None, Default::Example) => random(),
    };
    if !is_channel(&channel) || conn.join(&channel).is_err() {
        let _ = conn.close(CloseCode::POLICY_VIOLATION, "there is no such channel");
    }
    channel
}

/// Tells the members of the message's channel, of whom its sender has to be one.
fn say(
    conn: &mut Conn<'_, User>,
    user: &User,
    envelope: &Envelope<'_>,
    cmd: &str,
    param: &Value,
) -> Result<(), Failure> {
    let channel = envelope.channel.as_deref().unwrap_or(&user.channel);
    if !conn.rooms().iter().any(|room| room == channel) {
        return Err("join the channel first".into());
    }
    let message = Letter::new(cmd).channel(channel).param(param);
    conn.publish(channel, &message.map_err(Failure::new)?);
    Ok(())
}

fn answer(conn: &mut Conn<'_, User>, envelope: &Envelope<'_>, done: Result<(), Failure>) {
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
