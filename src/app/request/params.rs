//! What the parameters of a route stand for in one path: [`Params`].
//!
//! Not here: which path has which route.

use super::percent::decode;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The parameters of a path, by name.
///
/// ```
/// use sockeye::app::{App, Echo, Params};
///
/// fn room(params: &Params) -> Echo {
///     // In the path `/chat/green%20tea`:
///     let sent = params.get("room"); // "green%20tea"
///     let name = params.decoded("room"); // "green tea", or `None` for what is no name
///     Echo
/// }
///
/// let app = App::new().route("SOCKET /chat/{room}", room);
/// # app.build()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Box<[(Arc<str>, Box<str>)]>);

impl Params {
    /// Names and values, in the order of the path.
    pub(crate) fn new(list: Vec<(Arc<str>, Box<str>)>) -> Self {
        Self(list.into())
    }

    /// What was sent in the place of `{name}`: not decoded, and not empty. `*` is the name of what a closing `*` stands
    /// for, which may be empty and hold slashes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The same, percent-decoded. `None` also where the encoding is wrong, is not UTF-8, or hides control characters.
    ///
    /// Whoever makes more of it than a name to show should know what it can be: `a%2Fb` is `a/b`. And `a` and `%61` are
    /// two paths, and two places, though they read the same.
    #[must_use]
    pub fn decoded(&self, name: &str) -> Option<Cow<'_, str>> {
        decode(self.get(name)?)
    }

    /// Names and values as they were sent, in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn values_are_given_as_sent_and_decoded() {
        for (sent, decoded) in [
            ("tea", Some("tea")),
            ("a+b", Some("a+b")),
            ("a%20b", Some("a b")),
            ("%C3%A9t%c3%a9", Some("été")),
            ("a%2Fb", Some("a/b")),
            ("100%25", Some("100%")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%+1", None),
            ("a%4", None),
            ("%C3", None),
            ("%ff", None),
            ("%00", None),
            ("a%0d%0ab", None),
            ("%7f", None),
            ("%c2%85", None),
            ("%ed%a0%80", None),
        ] {
            let params = Params::new([("room".into(), sent.into())].into());
            assert_eq!(params.get("room"), Some(sent));
            assert_eq!(params.decoded("room").as_deref(), decoded, "{sent}");
            assert_eq!((params.get("Room"), params.decoded("")), (None, None));
        }
    }
}
