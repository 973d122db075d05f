//! Where in a room's history somebody is: [`Offset`], and what a client comes back with: [`Token`].
//!
//! A token is `AT,AS`. `AT` is an offset, `MAJOR-MINOR`; where a node has told its own members what no store has yet, its
//! number and that of the last such message follow: `.NODE.NUMBER`. `AS` is who the client was: `NODE.CONNECTION`.
//!
//! Not here: what is there.

use super::Author;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Where in a room's history a message is. It is larger than those of all messages before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    /// When it was, in milliseconds since 1970, where a store says that; or in which life of the server.
    pub major: u64,
    /// Which one then.
    pub minor: u64,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.major, self.minor)
    }
}

/// What was read is no offset, or no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAToken;

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a token to resume with")
    }
}

impl core::error::Error for NotAToken {}

impl FromStr for Offset {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (major, minor) = text.split_once('-').ok_or(NotAToken)?;
        Ok(Self {
            major: decimal(major)?,
            minor: decimal(minor)?,
        })
    }
}

/// Digits alone: the library would take a sign.
fn decimal(text: &str) -> Result<u64, NotAToken> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(NotAToken)
}

fn hexadecimal(text: &str) -> Result<u64, NotAToken> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(text, 16).ok();
    number.filter(|_| is_number).ok_or(NotAToken)
}

/// A message among those that one node has said in a room to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: u64,
    pub(crate) number: u64,
}

/// Where somebody was in a room's history, and who that was.
///
/// ```
/// use sockeye::server::Token;
///
/// let token: Token = "1795400000000-7,1f.2a".parse()?;
/// assert_eq!(token.to_string(), "1795400000000-7,1f.2a");
/// # Ok::<(), sockeye::server::NotAToken>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub(super) at: Offset,
    /// What this node said up to here was heard, too.
    pub(super) beyond: Option<Origin>,
    pub(super) author: Option<Author>,
}

impl Token {
    /// Where nothing ever was, so nobody knows what came after it.
    #[cfg(feature = "json")]
    pub(crate) const NOWHERE: Self = Self {
        at: Offset {
            major: 0,
            minor: u64::MAX,
        },
        beyond: None,
        author: None,
    };
}

/// Where somebody is, as clients are told.
pub(super) fn position(at: Offset, beyond: Option<Origin>) -> String {
    match beyond {
        None => format!("{at}"),
        Some(Origin { node, number }) => format!("{at}.{node:x}.{number}"),
    }
}

impl FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (place, author) = match text.split_once(',') {
            Some((place, author)) => (place, Some(author.parse()?)),
            None => (text, None),
        };
        let (at, beyond) = match place.split_once('.') {
            Some((at, beyond)) => {
                let (node, number) = beyond.split_once('.').ok_or(NotAToken)?;
                let node = hexadecimal(node)?;
                let number = decimal(number)?;
                (at, Some(Origin { node, number }))
            }
            None => (place, None),
        };
        Ok(Self {
            at: at.parse()?,
            beyond,
            author,
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&position(self.at, self.beyond))?;
        match self.author {
            Some(author) => write!(f, ",{author}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Author {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (node, connection) = text.split_once('.').ok_or(NotAToken)?;
        Ok(Self {
            node: hexadecimal(node)?,
            connection: hexadecimal(connection)?,
        })
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.node, self.connection)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAToken, Token};
    use alloc::string::ToString;

    #[test]
    fn tokens_are_read_as_they_are_written() {
        for text in [
            "0-0",
            "1795400000000-7",
            "1-2.ff.3",
            "1-2,1f.2a",
            "1-2.ff.3,1f.2a",
            "18446744073709551615-18446744073709551615.ffffffffffffffff.18446744073709551615,ffffffffffffffff.0",
        ] {
            let token: Token = text.parse().expect(text);
            assert_eq!(token.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "+1-2",
            "1-2.",
            "1-2.f",
            "1-2.f.",
            "1-2.f.3.4",
            "1-2.+f.3",
            "1-2,",
            "1-2,1",
            "1-2,1.g",
            "1-2,1.2,3",
            "18446744073709551616-0",
            " 1-2",
        ] {
            assert_eq!(text.parse::<Token>(), Err(NotAToken), "{text:?}");
        }
    }
}
