//! Why there is no connection: one variant for each stage, with the check that failed.
//!
//! Not here: how an open connection ends.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use std::io;

use super::{ConfigError, ProxyError, RedirectError};
use crate::proto::deflate::AnswerError;
use crate::proto::handshake::client::Response;
use crate::proto::handshake::{HeadError, ResponseError};
#[cfg(feature = "tls")]
use crate::tls::TlsError;

/// Why a connection could not be opened. Nothing but the request has been sent to the server then.
///
/// ```
/// use sockeye::client::{self, ConnectError};
///
/// fn open(url: &str) -> Result<client::WebSocket, String> {
///     client::connect(url).map_err(|error| match error {
///         ConnectError::Refused(refused) if refused.status == 429 => {
///             let after = refused.header("Retry-After").unwrap_or(b"60");
///             format!("come again in {} s", String::from_utf8_lossy(after))
///         }
///         ConnectError::Config(error) => format!("this is no URL: {error}"),
///         error => format!("{error}"),
///     })
/// }
///
/// # let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
/// let error = open(&format!("ws://{free}/")).unwrap_err();
/// assert!(error.starts_with("cannot connect to 127.0.0.1:"), "{error}");
/// assert!(open("example.com").unwrap_err().starts_with("this is no URL"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// A setting is wrong. Not a byte was sent.
    Config(ConfigError),
    /// The host's name could not be resolved.
    Resolve {
        /// The name: the server's, or the proxy's.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// No address accepted a connection: each that was tried, in order.
    Connect(Vec<Attempt>),
    /// The proxy opened no way to the server.
    Proxy(ProxyError),
    /// There is no TLS with the server.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// The server answered with an ordinary HTTP answer instead of 101.
    Refused(Box<Refused>),
    /// The answer breaks the rules of HTTP or of the handshake.
    Response(ResponseError),
    /// What the answer says of permessage-deflate breaks its rules.
    Deflate(AnswerError),
    /// A subprotocol is required, and the server chose none of those that were offered.
    Protocol,
    /// The server redirects, and that is not followed.
    Redirect(RedirectError),
    /// The time for opening a connection was over at this stage.
    Timeout(Stage),
    /// The connection ended, or broke, at this stage.
    Ended(Stage),
    /// The operating system gives no random bytes, without which nothing may be sent.
    Random,
    /// The client was stopped.
    Stopped,
    /// The operating system has no room for a loop, or makes waiting impossible.
    Loop(io::Error),
}

/// One address that was tried.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The address, or the path of a Unix socket.
    pub to: String,
    /// What came of it.
    pub error: io::Error,
}

/// How far the opening of a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Resolving the host's name.
    Resolve,
    /// Connecting to an address.
    Connect,
    /// Asking the proxy for a way to the server.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The opening handshake: the request was sent, and the answer is not complete.
    Handshake,
}

/// An answer that is not 101. What is in it comes from the server, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The status, 200 to 599.
    pub status: u16,
    /// The fields in order, names as the server wrote them.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What had arrived of the body, at most some 64 KiB. It may be cut off.
    pub body: Vec<u8>,
}

impl Refused {
    /// An answer without its body.
    pub(crate) fn of(response: &Response<'_>) -> Self {
        let owned = |(name, value): (&str, &[u8])| (name.to_string(), value.to_vec());
        Self {
            status: response.status(),
            headers: response.headers().iter().map(owned).collect(),
            body: Vec::new(),
        }
    }

    /// The value of the first field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

/// As it follows on what happened: "while connecting".
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "while the host's name was resolved",
            Self::Connect => "while connecting",
            Self::Proxy => "before the proxy had opened a way to the server",
            Self::Tls => "during the TLS handshake",
            Self::Handshake => "before the server had answered the opening handshake",
        })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Resolve { host, error } => write!(f, "cannot resolve {host}: {error}"),
            Self::Connect(attempts) => connect_text(attempts, f),
            Self::Proxy(error) => error.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
            Self::Refused(refused) => refused_text(refused.status, f),
            Self::Response(error @ ResponseError::Head(HeadError::NotHttp)) => {
                write!(
                    f,
                    "{error} ({}); is it wss rather than ws?",
                    error.section()
                )
            }
            Self::Response(error) => write!(f, "{error} ({})", error.section()),
            Self::Deflate(error) => write!(f, "{error} ({})", error.section()),
            Self::Protocol => {
                f.write_str("the server chose none of the subprotocols that were offered")
            }
            Self::Redirect(error) => error.fmt(f),
            Self::Timeout(stage) => write!(f, "the time was over {stage}"),
            Self::Ended(stage) => write!(f, "the connection ended {stage}"),
            Self::Random => f.write_str("the operating system gives no random bytes"),
            Self::Stopped => f.write_str("the client was stopped before the connection was open"),
            Self::Loop(error) => write!(f, "cannot wait for a connection: {error}"),
        }
    }
}

fn connect_text(attempts: &[Attempt], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let [first, others @ ..] = attempts else {
        return f.write_str("cannot connect: the host has no address");
    };
    write!(f, "cannot connect to {}: {}", first.to, first.error)?;
    others
        .iter()
        .try_for_each(|Attempt { to, error }| write!(f, "; to {to}: {error}"))
}

fn refused_text(status: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", ResponseError::Status(status))?;
    f.write_str(match status {
        300..=399 => "; it may stand elsewhere: see the header Location, or allow redirects",
        401 => "; it asks for authentication",
        403 => "; it does not allow this client, or not this origin",
        404 => "; check the path of the URL",
        426 => "; it speaks another version of WebSocket, or none at this path",
        429 | 503 => "; it takes no more connections at the moment",
        _ => "",
    })
}

impl core::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The text of each is a part of the whole; the operating system's own are for those who look for a number.
        match self {
            Self::Resolve { error, .. } => Some(error),
            Self::Loop(error) => Some(error),
            Self::Connect(attempts) => attempts.last().map(|attempt| &attempt.error as _),
            _ => None,
        }
    }
}

impl From<ConfigError> for ConnectError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<ProxyError> for ConnectError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<ResponseError> for ConnectError {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}

impl From<AnswerError> for ConnectError {
    fn from(error: AnswerError) -> Self {
        Self::Deflate(error)
    }
}

impl From<RedirectError> for ConnectError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}

#[cfg(test)]
mod tests;
