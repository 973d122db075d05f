//! What a command's handler returns, and what becomes of it: [`Answer`], [`Failure`].
//!
//! Not here: calling the handler.

use crate::app::json::{BadParam, error, reply};
use alloc::string::{String, ToString};
use core::fmt;
use serde::Serialize;

/// What a handler returns: nothing, or a `Result` with what is to be replied.
///
/// A command with an `id` is always answered: nothing is `{"cmd":"reply","re":7}`. Without one, only failures are told.
pub trait Answer {
    /// The message that tells the peer, if it is to hear any. The number is that of the request.
    fn message(self, id: Option<u64>) -> Option<String>;
}

impl Answer for () {
    fn message(self, id: Option<u64>) -> Option<String> {
        Ok(self).message(id)
    }
}

impl<R: Serialize> Answer for Result<R, Failure> {
    fn message(self, id: Option<u64>) -> Option<String> {
        match (self, id) {
            (Ok(_), None) => None,
            (Ok(param), Some(id)) => Some(reply(id, &param).unwrap_or_else(|unwritable| {
                tracing::warn!(%unwritable, "a reply is lost");
                error(Some(id), "the reply cannot be written")
            })),
            (Err(Failure(message)), id) => Some(error(id, &message)),
        }
    }
}

/// Why a command was not done, in words for the peer.
///
/// ```
/// use sockeye::app::json::Failure;
///
/// fn seat(number: u32) -> Result<u32, Failure> {
///     if number > 12 { Err("there are twelve seats")? }
///     Ok(number)
/// }
/// assert_eq!(seat(13), Err(Failure::new("there are twelve seats")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// With these words.
    #[must_use]
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self(message)
    }
}

impl From<BadParam> for Failure {
    fn from(bad: BadParam) -> Self {
        Self::new(bad)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// `Error` is not implemented, so that `?` does not tell strangers what a file or a database said.

#[cfg(test)]
mod tests {
    use super::{Answer, Failure};
    use alloc::collections::BTreeMap;
    use alloc::vec;

    #[test]
    fn who_asks_is_answered_and_who_does_not_hears_of_failures() {
        let no = || Err::<(), _>(Failure::from("no"));
        for (message, wanted) in [
            (().message(None), None),
            (().message(Some(7)), Some(r#"{"cmd":"reply","re":7}"#)),
            (Ok(3).message(None), None),
            (
                Ok(3).message(Some(0)),
                Some(r#"{"cmd":"reply","re":0,"param":3}"#),
            ),
            (
                no().message(Some(7)),
                Some(r#"{"cmd":"error","re":7,"param":{"message":"no"}}"#),
            ),
            (
                no().message(None),
                Some(r#"{"cmd":"error","param":{"message":"no"}}"#),
            ),
            (
                Ok(BTreeMap::from([(vec![1], 1)])).message(Some(7)),
                Some(r#"{"cmd":"error","re":7,"param":{"message":"the reply cannot be written"}}"#),
            ),
        ] {
            assert_eq!(message.as_deref(), wanted);
        }
    }
}
