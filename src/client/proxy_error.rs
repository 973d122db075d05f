//! Why a proxy opens no tunnel.
//!
//! Not here: a proxy that cannot be reached, or that takes too long ([`ConnectError`](super::ConnectError)); a URL of a
//! proxy that is wrong ([`ProxyUrlError`](super::ProxyUrlError)).

use core::fmt;

use crate::proto::handshake::HeadError;

/// What a proxy said, or cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyError {
    /// The answer to CONNECT is malformed or too large.
    Head(HeadError),
    /// An answer to CONNECT that is neither 2xx nor 407.
    Status(u16),
    /// It wants a user and a password, and has been given none: 407, or no method of SOCKS5.
    CredentialsMissing,
    /// It does not take this user and password.
    CredentialsRefused,
    /// It spoke before it was asked, or went on after its answer. What it says would be taken for the server's words.
    OutOfTurn,
    /// Its answer is not SOCKS5.
    NotSocks5,
    /// It takes neither a user with a password nor a client without.
    MethodsRefused,
    /// It chose a way to authenticate that was not offered.
    MethodNotOffered,
    /// It refused, with this code (RFC 1928 §6).
    Reply(u8),
    /// The host's name has more than 255 bytes.
    NameTooLong,
    /// User or password is empty or has more than 255 bytes (RFC 1929 §2).
    CredentialsLength,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => write!(f, "the proxy's answer is malformed: {error}"),
            Self::Status(status) => {
                write!(f, "the proxy refused with status {status}")?;
                f.write_str(status_text(*status))
            }
            Self::CredentialsMissing => {
                f.write_str("the proxy asks for a user and a password; write them into its URL")
            }
            Self::CredentialsRefused => {
                f.write_str("the proxy refused the user and password in its URL")
            }
            Self::OutOfTurn => f.write_str("the proxy sent more than its answer"),
            Self::NotSocks5 => f.write_str("the proxy does not speak SOCKS5"),
            Self::MethodsRefused => f.write_str(
                "the proxy accepts none of the ways to authenticate that are known here",
            ),
            Self::MethodNotOffered => {
                f.write_str("the proxy chose a way to authenticate that was not offered")
            }
            Self::Reply(code) => f.write_str(reply_text(*code)).and_then(|()| match code {
                1..=8 => Ok(()),
                _ => write!(f, " {code}"),
            }),
            Self::NameTooLong => {
                f.write_str("the name of the host is too long for the proxy, at over 255 bytes")
            }
            Self::CredentialsLength => {
                f.write_str("the user and the password for the proxy must have 1 to 255 bytes each")
            }
        }
    }
}

const fn status_text(status: u16) -> &'static str {
    match status {
        401 | 403 => ": it does not allow this connection",
        404 | 502 => ": it cannot reach the server",
        405 | 501 => ": it does not know CONNECT, so it may not be a proxy",
        503 => ": it is not able to serve at the moment, or cannot reach the server",
        504 => ": the server did not answer it in time",
        _ => "",
    }
}

/// RFC 1928 §6.
const fn reply_text(code: u8) -> &'static str {
    match code {
        1 => "the proxy refused: general failure",
        2 => "the proxy refused: its rules do not allow this connection",
        3 => "the proxy refused: it cannot reach the network",
        4 => "the proxy refused: it cannot reach the host",
        5 => "the proxy refused: the server does not accept connections",
        6 => "the proxy refused: it could not connect in time",
        7 => "the proxy refused: it does not know CONNECT",
        8 => "the proxy refused: it does not know this kind of address",
        _ => "the proxy refused with the unassigned code",
    }
}

impl core::error::Error for ProxyError {}
