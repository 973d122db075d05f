//! Which web pages may connect (RFC 6455 §10.2, RFC 6454).
//!
//! A browser lets every page open a WebSocket to every host, cookies included, and only tells the host which page it
//! was. A server that does not look is open to cross-site WebSocket hijacking, on a loopback address too.
//!
//! Not here: authentication. A program that is not a browser writes any `Origin` it likes.

use alloc::string::String;
use alloc::vec::Vec;

use super::HandshakeError;
use super::server::Request;
use super::uri::{Authority, default_port};

/// What a server does with `Origin`.
///
/// A request without one is allowed by every policy: it does not come from a web page. `null` and everything that is
/// not `scheme://host[:port]` is allowed by [`OriginPolicy::Any`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OriginPolicy {
    /// Every page may connect.
    Any,
    /// The page must come from the host and port in the request's own `Host`, over http or https.
    ///
    /// A port that is not written is the default one of the origin's scheme. Whether the connection itself is secure
    /// cannot be seen from a request, so `http://host` passes where `Host` says `host`; use a list to tell them apart.
    #[default]
    SameHost,
    /// The page's origin must be one of these, written like `https://example.com` or `http://localhost:8080`.
    ///
    /// Scheme and host are compared in any case, a default port may be written or not, and an entry that is not an
    /// origin matches nothing.
    List(Vec<String>),
}

impl OriginPolicy {
    /// Decides on a request.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Origin`] (403) when there is an `Origin` that this policy does not allow.
    ///
    /// ```
    /// # use sockeye::proto::handshake::{HandshakeError, HeadLimits, OriginPolicy, server};
    /// let head = b"GET / HTTP/1.1\r\nHost: example.com\r\nOrigin: https://example.com.evil.net\r\n\
    ///     Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    ///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    /// let request = server::parse(head, HeadLimits::default())?;
    /// assert_eq!(OriginPolicy::SameHost.check(&request), Err(HandshakeError::Origin));
    /// # Ok::<(), HandshakeError>(())
    /// ```
    pub fn check(&self, request: &Request<'_>) -> Result<(), HandshakeError> {
        let Some(value) = request.origin() else {
            return Ok(());
        };
        let origin = core::str::from_utf8(value).ok().and_then(Origin::parse);
        let allowed = match (self, origin) {
            (Self::Any, _) => true,
            (Self::SameHost, Some(origin)) => origin.is_host(request.host()),
            (Self::List(list), Some(origin)) => list
                .iter()
                .filter_map(|entry| Origin::parse(entry))
                .any(|entry| origin.is_same(&entry)),
            (Self::SameHost | Self::List(_), None) => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(HandshakeError::Origin)
        }
    }
}

/// `scheme://host[:port]` and nothing after it.
struct Origin<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        let is_scheme = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
            && letters
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        is_scheme.then_some(Self {
            scheme,
            authority: Authority::parse(authority)?,
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self
                .authority
                .is_same(&other.authority, default_port(self.scheme))
    }

    fn is_host(&self, host: &str) -> bool {
        let web =
            self.scheme.eq_ignore_ascii_case("http") || self.scheme.eq_ignore_ascii_case("https");
        web && Authority::parse(host)
            .is_some_and(|host| self.authority.is_same(&host, default_port(self.scheme)))
    }
}

/// Whether a client may send this as its `Origin`: an origin, or the `null` of a page without one.
pub(super) fn is_origin(text: &str) -> bool {
    text == "null" || Origin::parse(text).is_some()
}
