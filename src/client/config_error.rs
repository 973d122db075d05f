//! What a [`Connector`](super::Connector) can have been told wrong.
//!
//! Nothing in here is caused by the network, and not a byte is sent when one is returned.
//!
//! Not here: what happens to a connection ([`ConnectError`](super::ConnectError)).

use alloc::string::String;
use core::fmt;

use super::UrlError;
use crate::proto::handshake::Misuse;

/// A setting that would make the request invalid, smuggle a line into it, or be dropped without a word.
///
/// Its text names the setting, and shows names but no values: values may be secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL.
    Url(UrlError),
    /// The URL of a proxy, explicit or from the environment variable that is named.
    Proxy {
        /// The environment variable it comes from, if it does.
        variable: Option<&'static str>,
        /// What is wrong with it.
        error: ProxyUrlError,
    },
    /// A header that was added.
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        misuse: Misuse,
    },
    /// A header that may stand once was given twice, or as a header and by a setting of its own.
    HeaderRepeated(&'static str),
    /// A subprotocol.
    Protocol {
        /// The subprotocol.
        name: String,
        /// What is wrong with it.
        misuse: Misuse,
    },
    /// A subprotocol is required, and none offered.
    ProtocolsMissing,
    /// The origin.
    Origin,
    /// The user agent.
    UserAgent,
    /// The user of basic authentication, in the URL or by its setting, holds a colon (RFC 7617 §2).
    UserColon,
    /// The user or the password of basic authentication holds a control byte (RFC 7617 §2).
    UserControl,
    /// The bearer token is not one (RFC 6750 §2.1).
    BearerToken,
    /// The name of a cookie is not a token (RFC 6265 §4.1.1).
    CookieName(String),
    /// The value of the cookie of this name holds whitespace, a control byte, a quote, a comma, a semicolon, a
    /// backslash, or what is not ASCII (RFC 6265 §4.1.1).
    CookieValue(String),
    /// The URL is `wss://`, and this build is without the feature `tls`.
    NoTls,
    /// There is nobody to trust: the platform names none.
    NoRoots(String),
    /// The token to resume from is none that a connection has had.
    ResumeToken,
    /// Another connection that is opened again and again has this tag.
    TagInUse(u64),
    /// Something else that the handshake refuses to write.
    Request(Misuse),
}

#[cfg(feature = "tls")]
impl From<crate::tls::FileError> for ConfigError {
    fn from(error: crate::tls::FileError) -> Self {
        Self::NoRoots(alloc::string::ToString::to_string(&error))
    }
}

impl From<UrlError> for ConfigError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "the URL cannot be used: {error}"),
            Self::Proxy {
                variable: None,
                error,
            } => write!(f, "the proxy cannot be used: {error}"),
            Self::Proxy {
                variable: Some(variable),
                error,
            } => write!(f, "the proxy in {variable} cannot be used: {error}"),
            // Escaped, as a name that is refused may hold line ends.
            Self::Header { name, misuse } => {
                write!(f, "the header {name:?} cannot be sent: {misuse}")?;
                if name.eq_ignore_ascii_case("origin") {
                    f.write_str("; use the setting origin")?;
                }
                Ok(())
            }
            Self::HeaderRepeated(name) => write!(f, "the header {name} is set twice; set it once"),
            Self::Protocol { name, misuse } => {
                write!(f, "the subprotocol {name:?} cannot be offered: {misuse}")
            }
            Self::ProtocolsMissing => {
                f.write_str("a subprotocol is required and none is offered; offer one")
            }
            Self::Origin => write!(f, "the origin cannot be sent: {}", Misuse::Origin),
            Self::UserAgent => write!(f, "the user agent cannot be sent: {}", Misuse::HeaderValue),
            Self::UserColon => f.write_str(
                "the user of basic authentication holds a colon, which would begin the password",
            ),
            Self::UserControl => f.write_str(
                "the user and the password of basic authentication must not hold control bytes",
            ),
            Self::BearerToken => f.write_str(
                "a bearer token holds letters, digits and -._~+/ alone, with = only at its end",
            ),
            Self::CookieName(name) => write!(
                f,
                "the cookie {name:?} cannot be sent: its name must be a token"
            ),
            Self::CookieValue(name) => write!(
                f,
                "the cookie {name:?} cannot be sent: encode whitespace, control bytes, quotes, commas, semicolons, \
                 backslashes and non-ASCII in its value"
            ),
            Self::NoTls => {
                f.write_str("this build speaks no TLS; use ws://, or build with the feature tls")
            }
            Self::NoRoots(why) => f.write_str(why),
            Self::ResumeToken => f.write_str(
                "the token to resume from is none; give back what resume_token gave, whole",
            ),
            Self::TagInUse(tag) => {
                write!(f, "another connection that reconnects has the tag {tag}")
            }
            Self::Request(misuse) => write!(f, "the request cannot be sent: {misuse}"),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why a text is not the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// A scheme other than `http`, `socks5` and `socks5h`.
    Scheme,
    /// Something behind the host and the port.
    Path,
    /// A SOCKS5 user or password that is empty or longer than 255 bytes (RFC 1929 §2).
    SocksCredentials,
    /// The user of an HTTP proxy holds a colon (RFC 7617 §2).
    UserColon,
    /// The rest is as in every URL.
    Url(UrlError),
}

impl From<UrlError> for ProxyUrlError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("its scheme must be http, socks5 or socks5h"),
            Self::Path => f.write_str("its URL must end with the host and the port"),
            Self::SocksCredentials => {
                f.write_str("user and password for SOCKS5 must have 1 to 255 bytes each")
            }
            Self::UserColon => f.write_str("its user must not hold a colon"),
            Self::Url(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProxyUrlError {}
