//! Cookies of a request (RFC 6265 §4.2, §5.4).
//!
//! Not here: setting them; whether to believe them. Any page may open a WebSocket to any host, and the browser sends the
//! host's cookies along, so a cookie says who it is only where the [origin](crate::proto::handshake::OriginPolicy) is
//! looked at too.

/// The value of the first cookie of this name in the lines of `Cookie`, as it was sent: quotes belong to it, and nothing
/// is decoded. Names are compared byte for byte. `None` also where the value is not UTF-8.
///
/// Browsers send the cookie of the longest path first.
///
/// ```
/// use sockeye::app::cookie;
///
/// let lines = [&b"theme=dark; session=81f0"[..]];
/// assert_eq!(cookie(lines, "session"), Some("81f0"));
/// ```
#[must_use]
pub fn cookie<'a>(lines: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let pairs = lines
        .into_iter()
        .flat_map(|line| line.split(|byte| *byte == b';'));
    let value = pairs
        .filter_map(split)
        .find(|(other, _)| *other == name.as_bytes())?
        .1;
    core::str::from_utf8(value).ok()
}

/// A name and a value, without the whitespace around them.
fn split(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = pair.split_at_checked(equals)?;
    Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::cookie;

    #[test]
    fn the_first_cookie_of_a_name_is_found() {
        let table: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&[""], None),
            (&["a"], None),
            (&["a=1"], Some("1")),
            (&["a="], Some("")),
            (&["a=1; a=2"], Some("1")),
            (&["b=0; a=1"], Some("1")),
            (&["b=0;a=1"], Some("1")),
            (&["b=0;  a = 1 ;"], Some("1")),
            (&["b=0", "a=1"], Some("1")),
            (&["a=1=2"], Some("1=2")),
            (&["a=\"x y\""], Some("\"x y\"")),
            (&["a=%41+"], Some("%41+")),
            (&["A=1"], None),
            (&["xa=1"], None),
            (&["b=a=1"], None),
            (&["b=0, a=1"], None),
            (&["=1"], None),
        ];
        for (lines, value) in table {
            let lines = lines.iter().map(|line| line.as_bytes());
            assert_eq!(cookie(lines.clone(), "a"), *value, "{lines:?}");
        }
        assert_eq!(cookie([&b"a=\xff; a=1"[..]], "a"), None);
    }
}
