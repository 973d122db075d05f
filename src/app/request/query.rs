//! What follows the `?` of a request: [`Query`].
//!
//! Not here: what else than a form somebody may have put there; [`Query::as_str`] has it as it was sent.

use super::percent::decode_form;
use alloc::borrow::Cow;

/// A query, read as a form writes it: `name=value&name=value`, with `+` for a space and `%` before hexadecimal digits.
///
/// It is read as tolerantly as browsers' own `URLSearchParams`: a wrong encoding stands for itself, what is not UTF-8 is
/// replaced by `U+FFFD`, and a name without `=` has an empty value. So a value may hold anything, control characters
/// too.
///
/// ```
/// use sockeye::app::Query;
///
/// let query = Query::new("name=Grace+Hopper&room=caf%C3%A9&name=other");
/// assert_eq!(query.get("name").as_deref(), Some("Grace Hopper"));
/// assert_eq!(query.get("room").as_deref(), Some("café"));
/// assert_eq!(query.get("cafe"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// A query, without its `?`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// It as it was sent.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    /// Names and values, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(name), decode_form(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn the_first_value_of_a_name_is_found() {
        for (query, value) in [
            ("", None),
            ("a", Some("")),
            ("a=", Some("")),
            ("a=1", Some("1")),
            ("a=1&a=2", Some("1")),
            ("b=0&a=1", Some("1")),
            ("&&a=1", Some("1")),
            ("a=1=2", Some("1=2")),
            ("%61=1", Some("1")),
            ("A=1", None),
            ("ab=1", None),
            ("b=a=1", None),
            ("a;a=1", None),
            ("a=x+y", Some("x y")),
            ("a=x%2By", Some("x+y")),
            ("a=x%26y", Some("x&y")),
            ("a=%", Some("%")),
            ("a=%4", Some("%4")),
            ("a=%zz", Some("%zz")),
            ("a=%%41", Some("%A")),
            ("a=%ff", Some("\u{fffd}")),
            ("a=%00", Some("\0")),
        ] {
            assert_eq!(Query::new(query).get("a").as_deref(), value, "{query}");
        }
    }
}
