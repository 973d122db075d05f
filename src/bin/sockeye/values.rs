//! What values on the command line may look like.
//!
//! Not here: what they mean.

use core::time::Duration;

/// Longer than this is a mistake; `Duration` could not add more of them.
const MAX_SECONDS: f64 = 1e6;

/// Seconds, with a fraction where one likes.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write a number of seconds, as 5 or 0.5".to_owned())
}

/// Seconds that are not none.
pub(crate) fn some_seconds(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|seconds| {
        (!seconds.is_zero())
            .then_some(seconds)
            .ok_or_else(|| "write a number of seconds above 0".to_owned())
    })
}

/// A name and a value, as in a head.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("write a header as 'Name: value'")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// Two words with a sign between them.
pub(crate) fn pair(text: &str, sign: char) -> Result<(String, String), String> {
    text.split_once(sign)
        .map(|(first, second)| (first.to_owned(), second.to_owned()))
        .ok_or_else(|| format!("write two words with a {sign} between them"))
}

/// A number from 1 to `most`.
pub(crate) fn count(text: &str, most: usize) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| format!("write a number from 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use super::{count, header, pair, seconds, some_seconds};
    use core::time::Duration;

    #[test]
    fn values_are_read() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        let two = |a: &str, b: &str| Ok((a.to_owned(), b.to_owned()));
        assert_eq!(header("X-A:  b: c "), two("X-A", "b: c"));
        assert_eq!(pair("me:a:b", ':'), two("me", "a:b"));
        assert_eq!(count("10", 10), Ok(10));
    }

    #[test]
    fn wrong_values_are_told() {
        for text in ["", "x", "-1", "inf", "NaN", "1e99"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(some_seconds("0").is_err());
        assert!(header("X").is_err() && pair("a", '=').is_err());
        for text in ["0", "11", "-1", "x"] {
            assert!(count(text, 10).is_err(), "{text}");
        }
    }
}
