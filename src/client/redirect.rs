//! Where a redirect leads, and whether it is followed.
//!
//! Not here: reading the answer, and connecting again.

use alloc::borrow::Cow;
use alloc::format;
use core::fmt;

use super::url::check_text;
use super::{Connector, Url, UrlError};
use crate::proto::handshake::client::Response;

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectError {
    /// One more than [`Connector::redirects`] allows.
    TooMany,
    /// No `Location`.
    LocationMissing,
    /// More than one `Location`.
    LocationRepeated,
    /// A `Location` that is not text in UTF-8.
    LocationText,
    /// A `Location` that names no WebSocket URL: its scheme may be that or the one of HTTP.
    Location(UrlError),
    /// A `Location` with a user or a password in it.
    Credentials,
    /// From wss to ws: who can read the connection could have asked for that.
    Downgrade,
    /// From a Unix socket to a host.
    UnixSocket,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("the server redirects more often than is allowed"),
            Self::LocationMissing => f.write_str("the server redirects without saying where to"),
            Self::LocationRepeated => f.write_str("the server redirects to more than one place"),
            Self::LocationText => f.write_str("the server redirects to what is not UTF-8"),
            Self::Location(error) => {
                write!(
                    f,
                    "the server redirects to what is no URL for WebSocket: {error}"
                )
            }
            Self::Credentials => {
                f.write_str("the server redirects to a URL with a user or a password in it")
            }
            Self::Downgrade => f.write_str("the server redirects from wss to ws, without TLS"),
            Self::UnixSocket => f.write_str("the server redirects from a Unix socket to a host"),
        }
    }
}

impl core::error::Error for RedirectError {}

impl From<UrlError> for RedirectError {
    fn from(error: UrlError) -> Self {
        Self::Location(error)
    }
}

/// What follows from an answer after `followed` redirects. `None` means that it redirects nowhere, or that redirects
/// are not wanted: it is a refusal like others.
pub(crate) fn follow(
    connector: &Connector,
    followed: u8,
    response: &Response<'_>,
) -> Result<Option<Connector>, RedirectError> {
    if !matches!(response.status(), 301 | 302 | 303 | 307 | 308) || connector.max_redirects() == 0 {
        return Ok(None);
    }
    if followed >= connector.max_redirects() {
        return Err(RedirectError::TooMany);
    }
    let url = resolve(connector.url(), location(response)?)?;
    if url.credentials().is_some() {
        return Err(RedirectError::Credentials);
    }
    if connector.url().secure() && !url.secure() {
        return Err(RedirectError::Downgrade);
    }
    Ok(Some(connector.redirected(url)))
}

fn location<'a>(response: &Response<'a>) -> Result<&'a str, RedirectError> {
    let mut values = response.headers().all("location");
    let value = values.next().filter(|value| !value.is_empty());
    let value = value.ok_or(RedirectError::LocationMissing)?;
    if values.next().is_some() {
        return Err(RedirectError::LocationRepeated);
    }
    core::str::from_utf8(value).map_err(|_| RedirectError::LocationText)
}

/// A reference relative to `base` (RFC 3986 §5.2), without its user and password.
fn resolve(base: &Url, location: &str) -> Result<Url, RedirectError> {
    check_text(location)?;
    let absolute = if let Some((scheme, rest)) = split_scheme(location) {
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(UrlError::Scheme.into()),
        };
        format!("{scheme}:{rest}")
    } else if location.starts_with("//") {
        format!("{}:{location}", if base.secure() { "wss" } else { "ws" })
    } else {
        return Ok(base.with_target(&relative(base, location)?)?);
    };
    if base.unix_path().is_some() {
        return Err(RedirectError::UnixSocket);
    }
    Ok(Url::parse(&absolute)?)
}

/// The scheme, if there is one: no path of a relative reference has a colon in its first part.
fn split_scheme(location: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = location.split_once(':')?;
    (!scheme.contains(['/', '?'])).then_some((scheme, rest))
}

/// The target that a reference without scheme and host means. One that begins with a slash is taken as it is.
fn relative<'l>(base: &Url, location: &'l str) -> Result<Cow<'l, str>, UrlError> {
    if location.starts_with('/') {
        return Ok(Cow::Borrowed(location));
    }
    let target = format!("ws://host{}", base.target());
    let joined = url::Url::parse(&target)
        .and_then(|target| target.join(location))
        .map_err(|_| UrlError::Host)?;
    Ok(Cow::Owned(joined[url::Position::BeforePath..].into()))
}

#[cfg(test)]
mod tests;
