//! What Redis keeps of rooms: a stream for each, of the name of its channel and so in the same slot.
//!
//! A message is added and published in one step, a script, so that all hear it in the order of the stream, and with its
//! place: behind it goes a line `AFTER ATK`, the ids of the one before and its own. What is published otherwise ends in
//! another byte.
//!
//! Not here: the connection.

use super::{Arrived, History, KeptAt, Stored, Trouble};
use alloc::string::String;
use alloc::vec::Vec;
use redis::Cmd;

/// Gives where the last message is. A stream that is not there begins with an id of its own, which no stream of this name
/// has had before: who was in another one is not taken for somebody who was at its beginning.
const TIP: &str = "\
local function tip()
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('XADD', KEYS[1], '*', 'b', '')
    redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', 0)
  end
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then return info[at + 1] end
  end
end
";

/// Keys: the stream. Arguments: `PUBLISH` or `SPUBLISH`, how many are kept, for how many milliseconds, and the message.
const APPEND: &str = "\
local after = tip()
local at = redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], '*', 'm', ARGV[4], 'p', after)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(ARGV[1], KEYS[1], ARGV[4] .. '\\n' .. after .. ' ' .. at .. 'K')
return 0";

/// Keys: the stream. Arguments: how old a message may be, in milliseconds, and how many bytes there may be. Gives the
/// newest first.
const FETCH: &str = "\
local last = tip()
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local time = redis.call('TIME')
local oldest = math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1])
oldest = string.format('%.0f', oldest)
local all, bytes, to = {}, 0, '+'
while to do
  local some = redis.call('XREVRANGE', KEYS[1], to, oldest, 'COUNT', 64)
  to = nil
  for _, entry in ipairs(some) do
    bytes = bytes + #entry[2][2]
    if bytes > tonumber(ARGV[2]) then return {last, all} end
    all[#all + 1] = {entry[1], entry[2][4], entry[2][2]}
    to = '(' .. entry[1]
  end
end
return {last, all}";

/// The script that appends.
pub(super) fn append_script() -> String {
    [TIP, APPEND].concat()
}

const KEPT: u8 = b'K';
/// A script's numbers are exact up to there.
const LONGEST: u128 = 1 << 52;

/// How a script is named.
#[derive(Clone, Copy, Debug)]
pub(super) enum Script<'s> {
    Hash(&'s str),
    Text,
}

/// Adds a message to what is kept, and publishes it.
pub(super) fn append(
    script: Script<'_>,
    publish: &str,
    channel: &str,
    history: History,
    bytes: &[u8],
) -> Cmd {
    let mut command = match script {
        Script::Hash(hash) => {
            let mut command = redis::cmd("EVALSHA");
            command.arg(hash);
            command
        }
        Script::Text => {
            let mut command = redis::cmd("EVAL");
            command.arg(append_script());
            command
        }
    };
    command
        .arg(1)
        .arg(channel)
        .arg(publish)
        .arg(history.messages().max(1))
        .arg(millis(history))
        .arg(bytes);
    command
}

/// Gets all that is kept.
pub(super) fn fetch(channel: &str, history: History) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command
        .arg([TIP, FETCH].concat())
        .arg(1)
        .arg(channel)
        .arg(millis(history))
        .arg(history.bytes());
    command
}

fn millis(history: History) -> u64 {
    let millis = history.span().as_millis().clamp(1, LONGEST);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// What [`fetch`] is answered with.
pub(super) type Fetched = (String, Vec<(String, String, Vec<u8>)>);

/// In order. What nobody can read is passed over: whoever reaches the server may have put it there.
pub(super) fn read_fetched((tip, all): Fetched) -> Result<Stored, Trouble> {
    let messages = all.into_iter().rev().filter_map(|(at, after, bytes)| {
        let kept = Some(KeptAt {
            at: at.parse().ok()?,
            after: after.parse().ok()?,
        });
        Some(Arrived { bytes, kept })
    });
    Ok(Stored {
        messages: messages.collect(),
        tip: tip.parse().map_err(Trouble::new)?,
    })
}

/// What was published, with its place if it has one.
pub(super) fn read(mut bytes: Vec<u8>) -> Arrived {
    let kept = place(&bytes);
    if let Some((len, _)) = kept {
        bytes.truncate(len);
    }
    let kept = kept.map(|(_, kept)| kept);
    Arrived { bytes, kept }
}

/// How long the message is, and its place.
fn place(bytes: &[u8]) -> Option<(usize, KeptAt)> {
    let rest = bytes.strip_suffix(&[KEPT])?;
    let len = rest.iter().rposition(|byte| *byte == b'\n')?;
    let line = core::str::from_utf8(rest.get(len + 1..)?).ok()?;
    let (after, at) = line.split_once(' ')?;
    let kept = KeptAt {
        at: at.parse().ok()?,
        after: after.parse().ok()?,
    };
    Some((len, kept))
}

#[cfg(test)]
mod tests {
    use super::super::Offset;
    use super::{Arrived, KeptAt, read};

    #[test]
    fn a_place_is_read_from_behind_a_message_and_nothing_else_is_one() {
        let at = |major, minor| Offset { major, minor };
        let kept = KeptAt {
            at: at(2, 1),
            after: at(0, 0),
        };
        for (bytes, message) in [
            (&b"a\n0-0 2-1K"[..], &b"a"[..]),
            (b"\n0-0 2-1K", b""),
            (b"a\n\n0-0 2-1K", b"a\n"),
            (b"\n1-1 1-2K\n0-0 2-1K", b"\n1-1 1-2K"),
        ] {
            let expected = Arrived {
                bytes: message.to_vec(),
                kept: Some(kept),
            };
            assert_eq!(read(bytes.to_vec()), expected);
        }
        for bytes in [
            &b""[..],
            b"K",
            b"\nK",
            b"a\n0-0 2-1",
            b"a\n0-0 2-1\x01",
            b"a 0-0 2-1K",
            b"a\n0-0K",
            b"a\n0-0 2K",
            b"a\n0-0  2-1K",
        ] {
            let expected = Arrived {
                bytes: bytes.to_vec(),
                kept: None,
            };
            assert_eq!(read(bytes.to_vec()), expected, "{bytes:?}");
        }
    }
}
