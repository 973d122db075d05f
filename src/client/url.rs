//! WebSocket URLs (RFC 6455 §3), read strictly.
//!
//! The WHATWG parser that browsers have strips tabs and line ends, takes `ws:host` and `ws:///host` for `ws://host`,
//! turns backslashes around and folds `/a/../b`. A caller who checked the text then connects to something else, so
//! all of that is refused, and the path is sent as it was written.
//!
//! Not here: finding the address of a host, redirects, and proxies.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use std::path::Path;

use super::authority::{Authority, Credentials, OwnedHost, percent_decode};
use super::{Host, UrlError};

/// The address of a WebSocket server: `ws://`, `wss://` or `ws+unix:`.
///
/// ```
/// use sockeye::client::{Host, Url};
///
/// let url = Url::parse("wss://user:pass%20word@example.com:8443/chat?room=1")?;
/// assert!(url.secure());
/// assert_eq!((url.host(), url.port()), (Host::Name("example.com"), 8443));
/// assert_eq!((url.authority(), url.target()), ("example.com:8443", "/chat?room=1"));
/// assert_eq!(url.credentials(), Some(("user", "pass word")));
///
/// let url = Url::parse("ws+unix:/run/chat.sock:/chat")?;
/// assert_eq!(url.unix_path().unwrap().to_str(), Some("/run/chat.sock"));
/// # Ok::<(), sockeye::client::UrlError>(())
/// ```
///
/// It is displayed without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    secure: bool,
    host: OwnedHost,
    port: u16,
    authority: String,
    target: String,
    credentials: Option<Credentials>,
    unix_path: Option<String>,
}

impl Url {
    /// Reads a URL.
    ///
    /// - `ws://host/path?query` and `wss://…`: the host may be a name, an IPv4 address or an IPv6 address in brackets,
    ///   with `user:password@` before it and `:port` behind it. Without a port it is 80 or 443.
    /// - `ws+unix:/path/to.sock:/path?query`: a Unix socket. What stands behind the second colon is asked for there;
    ///   without it that is `/`. A colon, a question mark or a space of the socket's own path are written `%3A`, `%3F`
    ///   and `%20`.
    ///
    /// What is not ASCII is sent as percent-encoded UTF-8 in the path, and as Punycode in the host.
    ///
    /// # Errors
    ///
    /// [`UrlError`]: which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        check_text(text)?;
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;
        let is = |name: &str| scheme.eq_ignore_ascii_case(name);
        if !is("ws") && !is("wss") && !is("ws+unix") {
            return Err(UrlError::Scheme);
        }
        if is("ws+unix") {
            Self::of_unix(rest)
        } else {
            Self::of_network(is("wss"), rest)
        }
    }

    fn of_network(secure: bool, rest: &str) -> Result<Self, UrlError> {
        let rest = rest.strip_prefix("//").ok_or(UrlError::Slashes)?;
        let (authority, target) = rest
            .split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        if authority.is_empty() {
            return Err(UrlError::HostMissing);
        }
        let Authority {
            host,
            port,
            credentials,
        } = Authority::parse(authority)?;
        let default = default_port(secure);
        let port = port.unwrap_or(default);
        let authority = if port == default {
            host.as_host().to_string()
        } else {
            format!("{}:{port}", host.as_host())
        };
        Ok(Self {
            secure,
            host,
            port,
            authority,
            target: resource_name(target),
            credentials,
            unix_path: None,
        })
    }

    fn of_unix(rest: &str) -> Result<Self, UrlError> {
        let (path, target) = rest.split_once(':').unwrap_or((rest, "/"));
        if !path.starts_with('/') || path.starts_with("//") || path.contains('?') {
            return Err(UrlError::UnixPath);
        }
        if !target.starts_with('/') {
            return Err(UrlError::UnixPath);
        }
        let path = percent_decode(path).filter(|path| !path.contains('\0'));
        Ok(Self {
            secure: false,
            host: OwnedHost::Name("localhost".to_owned()),
            port: default_port(false),
            authority: "localhost".to_owned(),
            target: resource_name(target),
            credentials: None,
            unix_path: Some(path.ok_or(UrlError::UnixPath)?),
        })
    }

    /// Whether TLS is spoken: the scheme is `wss`.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }

    /// The host; `localhost` for a Unix socket.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        self.host.as_host()
    }

    /// The port, whether written or not.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the `Host` header says: the host, and the port unless it is the scheme's own (RFC 6455 §4.1).
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The resource name, which is what is asked for: the path, or `/` where it is empty, and the query if there is
    /// one (RFC 6455 §3).
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// User and password, percent-decoded; the password is empty where there is none.
    #[must_use]
    pub fn credentials(&self) -> Option<(&str, &str)> {
        self.credentials
            .as_ref()
            .map(|both| (both.user.as_str(), both.password.as_str()))
    }

    /// The socket of a `ws+unix:` URL, percent-decoded.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        self.unix_path.as_ref().map(Path::new)
    }

    /// Whether both name the same scheme, host and port, or the same Unix socket.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port, &self.unix_path)
            == (other.secure, &other.host, other.port, &other.unix_path)
    }

    /// The same place with another target, which must begin with `/`, and without user and password.
    pub(crate) fn with_target(&self, target: &str) -> Result<Self, UrlError> {
        // What is refused in a whole URL is refused in a part of it.
        let other = Self::parse(&format!("ws://host{target}"))?;
        Ok(Self {
            target: other.target,
            credentials: None,
            ..self.clone()
        })
    }

    /// Takes over user and password of another one.
    pub(crate) fn keep_credentials(&mut self, other: &Self) {
        self.credentials.clone_from(&other.credentials);
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.unix_path, self.secure) {
            (Some(path), _) => {
                // Two slashes would begin a host.
                let (mut written, rest) = match path.strip_prefix("//") {
                    Some(rest) => ("/%2F".to_owned(), rest),
                    None => (String::new(), path.as_str()),
                };
                encode(rest, b"%:?#\\", &mut written);
                write!(f, "ws+unix:{written}:{}", self.target)
            }
            (None, false) => write!(f, "ws://{}{}", self.authority, self.target),
            (None, true) => write!(f, "wss://{}{}", self.authority, self.target),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// What no URL of ours holds anywhere, be it a whole one or a reference relative to one.
pub(crate) fn check_text(text: &str) -> Result<(), UrlError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UrlError::Whitespace);
    }
    // RFC 6455 §3: not used, and %23 where a number sign is meant.
    if text.contains('#') {
        return Err(UrlError::Fragment);
    }
    if text.contains('\\') {
        return Err(UrlError::Backslash);
    }
    Ok(())
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// The path, `/` where it is empty, and the query unless it is empty (RFC 6455 §3); byte for byte, but for bytes that
/// a request line cannot hold.
fn resource_name(written: &str) -> String {
    let (path, query) = written.split_once('?').unwrap_or((written, ""));
    let mut target = String::with_capacity(written.len().saturating_add(1));
    if path.is_empty() {
        target.push('/');
    }
    encode(path, b"", &mut target);
    if !query.is_empty() {
        target.push('?');
        encode(query, b"", &mut target);
    }
    target
}

/// Percent-encodes what no request line holds, and `further` bytes.
fn encode(text: &str, further: &[u8], out: &mut String) {
    for byte in text.bytes() {
        let encoded = matches!(byte, b'"' | b'<' | b'>') || further.contains(&byte);
        if byte.is_ascii_graphic() && !encoded {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
