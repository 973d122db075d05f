//! Writing messages that are commands: [`Letter`], and the replies.
//!
//! Not here: reading them, which is `envelope`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::Serialize;

/// A command to be written.
///
/// ```
/// use sockeye::app::json::Letter;
///
/// let text = Letter::new("say").channel("kitchen").param("soup is ready")?;
/// assert_eq!(text, r#"{"channel":"kitchen","cmd":"say","param":"soup is ready"}"#);
/// # Ok::<(), sockeye::app::json::Unwritable>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    channel: Option<&'a str>,
    cmd: &'a str,
    from: Option<&'a str>,
    id: Option<u64>,
    re: Option<u64>,
}

impl<'a> Letter<'a> {
    /// One that says what is to be done.
    #[must_use]
    pub const fn new(cmd: &'a str) -> Self {
        Self {
            channel: None,
            cmd,
            from: None,
            id: None,
            re: None,
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn channel(mut self, channel: &'a str) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Whom it is from.
    #[must_use]
    pub const fn from(mut self, from: &'a str) -> Self {
        self.from = Some(from);
        self
    }

    /// It asks for a reply, with this number.
    #[must_use]
    pub const fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// It is the reply to the request with this number.
    #[must_use]
    pub const fn re(mut self, re: u64) -> Self {
        self.re = Some(re);
        self
    }

    /// The message, with this `param`; without any, where that is written as `null`.
    ///
    /// # Errors
    ///
    /// [`Unwritable`]: what the value's own `Serialize` says, or a map in it whose keys are no strings.
    pub fn param<P: Serialize + ?Sized>(&self, param: &P) -> Result<String, Unwritable> {
        let mut out = Vec::with_capacity(128);
        out.push(b'{');
        for (name, text) in [
            ("channel", self.channel),
            ("cmd", Some(self.cmd)),
            ("from", self.from),
        ] {
            if let Some(text) = text {
                field(&mut out, name, text)?;
            }
        }
        for (name, number) in [("id", self.id), ("re", self.re)] {
            if let Some(number) = number {
                field(&mut out, name, &number)?;
            }
        }
        let without = out.len();
        field(&mut out, "param", param)?;
        if out.ends_with(b"\"param\":null") && out.len() == without + ",\"param\":null".len() {
            out.truncate(without);
        }
        out.push(b'}');
        String::from_utf8(out).map_err(|_| Unwritable("it is not UTF-8".into()))
    }
}

/// The reply to a request: `{"cmd":"reply","re":7,"param":...}`.
///
/// # Errors
///
/// As for [`Letter::param`].
pub fn reply<P: Serialize + ?Sized>(re: u64, param: &P) -> Result<String, Unwritable> {
    Letter::new("reply").re(re).param(param)
}

/// What went wrong, with a request, if there is one: `{"cmd":"error","re":7,"param":{"message":"..."}}`.
#[must_use]
pub fn error(re: Option<u64>, message: &str) -> String {
    #[derive(Serialize)]
    struct Said<'a> {
        message: &'a str,
    }
    let mut letter = Letter::new("error");
    letter.re = re;
    // Text can always be written.
    letter.param(&Said { message }).unwrap_or_default()
}

/// Writes `"name":value`, behind a comma unless it is the first.
fn field<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    name: &str,
    value: &T,
) -> Result<(), Unwritable> {
    if out.len() > 1 {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    serde_json::to_writer(out, value)
        .map_err(|error| Unwritable(alloc::string::ToString::to_string(&error)))
}

/// A value that cannot be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable(String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this cannot be written as JSON: {}", self.0)
    }
}

impl core::error::Error for Unwritable {}

#[cfg(test)]
mod tests {
    use super::{Letter, error, reply};
    use crate::app::json::{Envelope, check};
    use alloc::collections::BTreeMap;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn letters_are_written_like_this() {
        let param = json!({"text": "a\"\n\u{1b}é"});
        for (written, wanted) in [
            (Letter::new("ping").param(&()).unwrap(), r#"{"cmd":"ping"}"#),
            (
                Letter::new("x").param(&None::<u8>).unwrap(),
                r#"{"cmd":"x"}"#,
            ),
            (
                Letter::new("x").param("null").unwrap(),
                r#"{"cmd":"x","param":"null"}"#,
            ),
            (
                Letter::new("x").param(&[(); 1]).unwrap(),
                r#"{"cmd":"x","param":[null]}"#,
            ),
            (
                Letter::new("chat")
                    .channel("general")
                    .from("John")
                    .id(7)
                    .param(&param)
                    .unwrap(),
                r#"{"channel":"general","cmd":"chat","from":"John","id":7,"param":{"text":"a\"\n\u001bé"}}"#,
            ),
            (reply(7, &3).unwrap(), r#"{"cmd":"reply","re":7,"param":3}"#),
            (reply(0, &()).unwrap(), r#"{"cmd":"reply","re":0}"#),
            (
                error(Some(7), "no \"x\""),
                r#"{"cmd":"error","re":7,"param":{"message":"no \"x\""}}"#,
            ),
            (
                error(None, "no"),
                r#"{"cmd":"error","param":{"message":"no"}}"#,
            ),
        ] {
            assert_eq!(written, wanted);
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let map = BTreeMap::from([(vec![1], 2)]);
        let said = Letter::new("x").param(&map).unwrap_err().to_string();
        assert_eq!(said, "this cannot be written as JSON: key must be a string");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            cmd in any::<String>(), channel in any::<Option<String>>(), from in any::<Option<String>>(),
            id in proptest::option::of(0..=1u64 << 53), re in proptest::option::of(0..=1u64 << 53),
            param in any::<Option<vec::Vec<(String, i64)>>>(),
        ) {
            let mut letter = Letter::new(&cmd);
            (letter.channel, letter.from, letter.id, letter.re) = (channel.as_deref(), from.as_deref(), id, re);
            let text = letter.param(&param).unwrap();
            prop_assert_eq!(check(&text), Ok(()));
            let read = Envelope::parse(&text).unwrap();
            prop_assert_eq!((&*read.cmd, read.channel.as_deref(), read.from.as_deref()), (&*cmd, channel.as_deref(), from.as_deref()));
            prop_assert_eq!((read.id, read.re), (id, re));
            prop_assert_eq!(read.param(), Ok(param));
        }
    }
}
