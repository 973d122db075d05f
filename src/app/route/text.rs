//! A route in one line: `+SOCKET /chat/{room} @json <1MB`.
//!
//! Not here: what only code can say of a route; it is not written, and has its default where it is read.

use super::pattern::Pattern;
use super::{Access, Format, Route, RouteError, RouteFault, size};
use core::fmt;
use core::str::FromStr;

/// What a message may have in a route that does not say: 256 KiB. A server's own limit is made for servers of one kind.
const MAX_MESSAGE: u64 = 256 << 10;

/// What stands for the server's limit.
const MAX: &str = "<max";

pub(super) fn parse(text: &str) -> Result<Route, RouteError> {
    read(text).map_err(|(at, fault)| RouteError::new(text, at, fault))
}

fn read(text: &str) -> Result<Route, (usize, RouteFault)> {
    let mut words = words(text);
    let (at, method) = words.next().unwrap_or((0, ""));
    let access = access(method).ok_or((at, RouteFault::Method))?;
    let (path_at, path) = words.next().unwrap_or((text.len(), ""));
    if path.is_empty() || path.starts_with(['@', '<', '#']) {
        return Err((path_at, RouteFault::PathMissing));
    }
    Pattern::parse(path).map_err(|(at, fault)| (path_at.saturating_add(at), fault))?;
    let (mut format_word, mut size_word) = (None, None);
    for (at, word) in words {
        match word.as_bytes().first() {
            Some(b'@') => {
                let format = format(word).ok_or((at, RouteFault::Format))?;
                once(&mut format_word, format).ok_or((at, RouteFault::FormatTwice))?;
            }
            Some(b'<') => {
                let most = max_message(word).ok_or((at, RouteFault::Size))?;
                once(&mut size_word, most).ok_or((at, RouteFault::SizeTwice))?;
            }
            Some(b'#') => return Err((at, RouteFault::Middleware)),
            _ => return Err((at, RouteFault::Word)),
        }
    }
    Ok(Route::new(path)
        .access(access)
        .format(format_word.unwrap_or(Format::Json))
        .max_message(size_word.unwrap_or(Some(MAX_MESSAGE))))
}

/// The words of a line, each with its place.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0_usize;
    text.split([' ', '\t']).filter_map(move |word| {
        let begin = at;
        at = at.saturating_add(word.len()).saturating_add(1);
        (!word.is_empty()).then_some((begin, word))
    })
}

fn access(word: &str) -> Option<Access> {
    match word {
        "SOCKET" => Some(Access::Anyone),
        "+SOCKET" => Some(Access::Authorised),
        "-SOCKET" => Some(Access::Unauthorised),
        _ => None,
    }
}

fn format(word: &str) -> Option<Format> {
    match word {
        "@json" => Some(Format::Json),
        "@text" => Some(Format::Text),
        "@binary" => Some(Format::Binary),
        "@any" => Some(Format::Any),
        _ => None,
    }
}

/// The outer `Option` is validity; the inner one is whether there is a size.
fn max_message(word: &str) -> Option<Option<u64>> {
    if word == MAX {
        return Some(None);
    }
    size::parse(word.strip_prefix('<')?).map(Some)
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    let is_first = place.is_none();
    *place = Some(value);
    is_first.then_some(())
}

/// What text can say of it, all of it written out.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.access {
            Access::Anyone => "SOCKET",
            Access::Authorised => "+SOCKET",
            Access::Unauthorised => "-SOCKET",
        };
        let format = match self.format {
            Format::Json => "@json",
            Format::Text => "@text",
            Format::Binary => "@binary",
            Format::Any => "@any",
        };
        write!(f, "{method} {} {format} ", self.pattern)?;
        match self.max_message {
            Some(bytes) => {
                f.write_str("<")?;
                size::write(bytes, f)
            }
            None => f.write_str(MAX),
        }
    }
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Route {
    type Error = RouteError;

    fn try_from(text: &str) -> Result<Self, RouteError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
