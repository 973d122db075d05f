//! Texts that may be JSON: the crate's own reader beside `serde_json`, and what it makes of commands.

use serde_json::Value;
use serde_json::value::RawValue;
use sockeye::app::json::{BadEnvelope, Envelope, MAX_DEPTH, MAX_ID, NotJson, check};

/// What would end any text that has begun as JSON: the first of these that it can go on with, again and again.
const ENDINGS: [&str; 11] = ["\"", "}", "]", ":", "0", "a", "e", "l", "r", "s", "u"];

/// A text is JSON where another's reader says so and it is not too deep; where it is not, some JSON begins as it does
/// up to the byte that is named, and none with that byte; a command has the fields that another reads, or is none.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let checked = check(text);
    let raw = serde_json::from_str::<&RawValue>(text);
    let expected = raw.is_ok() && depth(text) <= MAX_DEPTH;
    assert_eq!(checked.is_ok(), expected, "{text:?}: {checked:?}");
    if let Err(NotJson { at }) = checked {
        is_the_first_wrong_byte(text, at);
    }
    is_the_command_it_seems(text, checked);
}

/// Of a text that is JSON: brackets that are open at once.
fn depth(text: &str) -> usize {
    let (mut open, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => open += 1,
            b'}' | b']' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        most = open.max(most);
    }
    most
}

fn is_the_first_wrong_byte(text: &str, at: usize) {
    let (good, rest) = text.split_at(at);
    let too_early = NotJson { at };
    assert!(
        check(good).is_ok() || check(good) == Err(too_early),
        "{good:?}"
    );
    if let Some(wrong) = rest.chars().next() {
        let longer = format!("{good}{wrong}");
        assert_eq!(check(&longer), Err(too_early), "{longer:?}");
    }
    if good.len() < 40 {
        can_be_completed(good);
    }
}

fn can_be_completed(good: &str) {
    let mut text = good.to_owned();
    for _ in 0..200 {
        if check(&text).is_ok() {
            return;
        }
        let goes_on = |ending: &&&str| match check(&format!("{text}{ending}")) {
            Ok(()) => true,
            Err(bad) => bad.at == text.len() + 1,
        };
        let ending = ENDINGS.iter().find(goes_on);
        text += ending.unwrap_or_else(|| panic!("nothing ends {text:?}"));
    }
    panic!("{good:?} does not end");
}

fn is_the_command_it_seems(text: &str, checked: Result<(), NotJson>) {
    let read = Envelope::parse(text);
    match &read {
        Err(BadEnvelope::Json(bad)) => assert_eq!(checked, Err(*bad)),
        Err(BadEnvelope::Shape(_)) => assert_eq!(checked, Ok(()), "{text:?}"),
        Ok(_) => {}
    }
    // Numbers that no type holds, and half characters, are grammar, and no values.
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        assert!(read.is_err() || !text.trim_ascii_start().starts_with(['[', '"']));
        return;
    };
    let string = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.as_str())),
        Some(_) => None,
    };
    let number = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_u64().filter(|id| *id <= MAX_ID).map(Some),
    };
    let whole = || {
        let cmd = fields.get("cmd")?.as_str()?;
        Some((
            cmd,
            string("channel")?,
            string("from")?,
            number("id")?,
            number("re")?,
        ))
    };
    match (whole(), read) {
        (Some(whole), Ok(read)) => {
            let (channel, from) = (read.channel.as_deref(), read.from.as_deref());
            assert_eq!(
                (&*read.cmd, channel, from, read.id, read.re),
                whole,
                "{text:?}"
            );
            let param: Result<Value, _> = read.param();
            assert_eq!(
                param.ok(),
                Some(fields.get("param").cloned().unwrap_or(Value::Null))
            );
        }
        // The last of two is what another's reader takes.
        (Some(_), Err(_)) => assert!(comes_twice(text), "{text:?} is a command"),
        (None, Ok(read)) => panic!("{text:?} is no command: {read:?}"),
        (None, Err(_)) => {}
    }
}

/// Whether the text may have a field more than once: names can be written with escapes.
fn comes_twice(text: &str) -> bool {
    let names = ["cmd", "channel", "param", "from", "id", "re"];
    text.contains("\\u")
        || names
            .iter()
            .any(|name| text.matches(&format!("\"{name}\"")).count() > 1)
}
