//! A message that is a command: [`Envelope`], read without copying.
//!
//! ```json
//! {"channel":"general","cmd":"say","from":"John","id":7,"param":{"text":"hi"}}
//! ```
//!
//! Not here: writing one, which is `letter`; what the commands do, which is `commands`.

use super::{NotJson, check};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The largest id of a request: up to here every whole number is itself in JavaScript.
pub const MAX_ID: u64 = 1 << 53;

/// A message that is a command.
///
/// Fields that it does not know are passed over, a `null` is as good as nothing, and a field that comes twice is an error:
/// two readers might take different ones.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// What it is about, where there is more than one thing.
    #[serde(borrow, default, deserialize_with = "text")]
    pub channel: Option<Cow<'a, str>>,
    /// What is to be done.
    #[serde(borrow)]
    pub cmd: Cow<'a, str>,
    /// With what: the JSON as it came. [`param`](Self::param) reads it.
    #[serde(borrow, default)]
    pub param: Option<&'a RawValue>,
    /// Whom it is from, as the peer says. Nobody has checked it.
    #[serde(borrow, default, deserialize_with = "text")]
    pub from: Option<Cow<'a, str>>,
    /// A reply is asked for, with this number. At most [`MAX_ID`].
    #[serde(default, deserialize_with = "id")]
    pub id: Option<u64>,
    /// It is the reply to the request with this number. At most [`MAX_ID`].
    #[serde(default, deserialize_with = "id")]
    pub re: Option<u64>,
}

impl<'a> Envelope<'a> {
    /// Reads a message. How deep its parts are nested is not looked at until they are read; that is [`check`]'s.
    ///
    /// # Errors
    ///
    /// [`BadEnvelope`]: the text is not JSON, or not a command.
    pub fn parse(text: &'a str) -> Result<Self, BadEnvelope> {
        let read = match text.trim_ascii_start().as_bytes() {
            [b'{', ..] => serde_json::from_str(text).map_err(|error| without_position(&error)),
            // Serde would take an array, too, as the fields in their order.
            _ => Err("it is no object".into()),
        };
        read.map_err(|what| match check(text) {
            Err(bad) => BadEnvelope::Json(bad),
            Ok(()) => BadEnvelope::Shape(what),
        })
    }

    /// Reads its `param`; nothing reads as `null`, and so as `()` or `None`.
    ///
    /// # Errors
    ///
    /// [`BadParam`], which says what was expected.
    pub fn param<T: DeserializeOwned>(&self) -> Result<T, BadParam> {
        let text = self.param.map_or("null", RawValue::get);
        serde_json::from_str(text).map_err(|error| BadParam(without_position(&error)))
    }
}

/// A message that is not a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadEnvelope {
    /// It is not JSON.
    Json(NotJson),
    /// It is JSON, and something else than an envelope: what is missing or wrong, with words of the peer's in it.
    Shape(String),
}

impl fmt::Display for BadEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(bad) => bad.fmt(f),
            Self::Shape(what) => write!(f, "not a command: {what}"),
        }
    }
}

impl core::error::Error for BadEnvelope {}

/// A `param` that is not what the command takes. It says what is, with words of the peer's in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadParam(String);

impl fmt::Display for BadParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wrong param: {}", self.0)
    }
}

impl core::error::Error for BadParam {}

/// What `serde_json` says, but not where: its columns are sometimes that of the fault and sometimes the one before. It may
/// have a string of the peer's in the middle, as long as that likes, and has to fit the reason of a close.
fn without_position(error: &serde_json::Error) -> String {
    const HEAD: usize = 50;
    const TAIL: usize = 50;
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ") {
        text.truncate(end);
    }
    if text.len() > HEAD + "…".len() + TAIL {
        let mut cuts = (HEAD, text.len() - TAIL);
        while !text.is_char_boundary(cuts.0) {
            cuts.0 -= 1;
        }
        while !text.is_char_boundary(cuts.1) {
            cuts.1 += 1;
        }
        text.replace_range(cuts.0..cuts.1, "…");
    }
    text
}

/// As serde borrows a `Cow`, which it does not do within an `Option`.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::deserialize(from)?.map(|Text(text)| text))
}

fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let id = Option::<u64>::deserialize(from)?;
    match id {
        Some(id) if id > MAX_ID => Err(D::Error::custom("an id is at most 2^53")),
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadEnvelope, Envelope, MAX_ID};
    use crate::app::json::NotJson;
    use alloc::borrow::Cow;
    use alloc::string::{String, ToString};

    #[test]
    fn everything_is_lent_that_has_no_escapes() {
        let text = r#" {"channel":"général","cmd":"say","param": {"a": [1, 2]},"from":"a\nb","id":7,"re":0,"more":[{}]} "#;
        let envelope = Envelope::parse(text).unwrap();
        assert!(matches!(envelope.channel, Some(Cow::Borrowed("général"))));
        assert!(matches!(envelope.cmd, Cow::Borrowed("say")));
        assert!(matches!(envelope.from, Some(Cow::Owned(ref from)) if from == "a\nb"));
        assert_eq!((envelope.id, envelope.re), (Some(7), Some(0)));
        let param = envelope.param.unwrap().get();
        assert_eq!(param, r#"{"a": [1, 2]}"#);
        assert!(text.as_bytes().as_ptr_range().contains(&param.as_ptr()));
    }

    #[test]
    fn only_cmd_is_needed_and_null_is_nothing() {
        for text in [
            r#"{"cmd":"x"}"#,
            r#"{"cmd":"x","channel":null,"param":null,"from":null,"id":null,"re":null}"#,
        ] {
            let envelope = Envelope::parse(text).unwrap();
            assert_eq!(envelope.cmd, "x");
            assert!(envelope.channel.is_none() && envelope.from.is_none());
            assert!((envelope.id, envelope.re) == (None, None) && envelope.param.is_none());
            assert_eq!(envelope.param::<()>(), Ok(()));
            assert_eq!(envelope.param::<Option<u8>>(), Ok(None));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let too_much = alloc::format!(r#"{{"cmd":"x","id":{}}}"#, MAX_ID + 1);
        for (text, said) in [
            ("{", "invalid JSON at byte 1"),
            (r#"{"cmd":"x"} é"#, "invalid JSON at byte 12"),
            // The fault of the shape comes first in the text, and is not the one that is named.
            (r#"{"cmd":7,]"#, "invalid JSON at byte 9"),
            ("{}", "not a command: missing field `cmd`"),
            (r#"{"param":1}"#, "not a command: missing field `cmd`"),
            ("7", "not a command: it is no object"),
            (
                r#"["x","say",null,null,null,null]"#,
                "not a command: it is no object",
            ),
            (
                r#"{"cmd":"a","cmd":"b"}"#,
                "not a command: duplicate field `cmd`",
            ),
            (
                r#"{"cmd":"a","param":1,"param":2}"#,
                "not a command: duplicate field `param`",
            ),
            (
                r#"{"cmd":"a","c\u006dd":"b"}"#,
                "not a command: duplicate field `cmd`",
            ),
            (
                r#"{"cmd":null}"#,
                "not a command: invalid type: null, expected a string",
            ),
            (
                r#"{"cmd":"a","id":"7"}"#,
                "not a command: invalid type: string \"7\", expected u64",
            ),
            (
                r#"{"cmd":"a","id":-1}"#,
                "not a command: invalid value: integer `-1`, expected u64",
            ),
            (
                r#"{"cmd":"a","re":1.5}"#,
                "not a command: invalid type: floating point `1.5`, expected u64",
            ),
            (&too_much, "not a command: an id is at most 2^53"),
        ] {
            assert_eq!(
                Envelope::parse(text).unwrap_err().to_string(),
                said,
                "{text}"
            );
        }
        let most = alloc::format!(r#"{{"cmd":"x","id":{MAX_ID}}}"#);
        assert_eq!(Envelope::parse(&most).unwrap().id, Some(MAX_ID));
        assert_eq!(
            Envelope::parse("[1,\n\"é\" 2]").unwrap_err(),
            BadEnvelope::Json(NotJson { at: 9 })
        );
    }

    #[test]
    fn a_param_of_the_wrong_type_says_what_was_expected() {
        let envelope = Envelope::parse(r#"{"cmd":"x","param":["a",2]}"#).unwrap();
        assert_eq!(envelope.param::<(String, u8)>(), Ok(("a".into(), 2)));
        let error = envelope.param::<u8>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong param: invalid type: sequence, expected u8"
        );
        let error = envelope.param::<(String,)>().unwrap_err().to_string();
        assert!(
            error.starts_with("wrong param: ") && !error.contains("line"),
            "{error}"
        );
    }

    #[test]
    fn what_is_said_fits_a_close_and_ends_with_what_was_expected() {
        for padding in 0..8 {
            let long = "x".repeat(padding) + &"李".repeat(1000);
            let text = [r#"{"cmd":"x","id":""#, &long, r#""}"#].concat();
            let said = Envelope::parse(&text).unwrap_err().to_string();
            assert!(
                said.starts_with("not a command: invalid type: string \""),
                "{said}"
            );
            assert!(
                said.ends_with("李\", expected u64") && said.len() <= 123,
                "{said}"
            );
        }
    }

    #[test]
    fn depth_breaks_nothing() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let text = [r#"{"cmd":"x","more":"#, &deep, r#","param":"#, &deep, "}"].concat();
        let envelope = Envelope::parse(&text).unwrap();
        let error = envelope.param::<serde_json::Value>().unwrap_err();
        assert_eq!(error.to_string(), "wrong param: recursion limit exceeded");
    }
}
