//! What can go wrong: [`Error`].

use crate::proto::handshake::{self, HandshakeError, ResponseError};
use crate::proto::{SendError, Violation};
use core::fmt;
use std::io;

/// Why a handshake, receiving or sending has come to nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The stream has failed.
    Io(io::Error),
    /// The peer has broken the protocol, and was told so with the code of that violation.
    Violation(Violation),
    /// The stream has ended without a Close frame, or during the handshake. Or the other half was told that the connection
    /// has ended, and what this one has to write is not taken any more.
    Lost,
    /// The time for it was over: the peer did not say anything, or did not end what was over.
    Timeout,
    /// Nothing was sent: the connection is closing, the call was wrong, or a client's system has no randomness, which ends
    /// the connection.
    Send(SendError),
    /// A client's request was refused, and it was told so.
    Handshake(HandshakeError),
    /// A client's request was refused by the application, with this status.
    Refused(u16),
    /// A server's answer is none that a connection can be opened with.
    Response(ResponseError),
    /// What was to be said in the handshake cannot be said in HTTP.
    Misuse(handshake::Misuse),
    /// The server's answer about compression does not go with what was offered.
    Deflate(crate::proto::deflate::AnswerError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Violation(violation) => violation.fmt(f),
            Self::Lost => f.write_str("the peer has ended without a Close frame"),
            Self::Timeout => f.write_str("the peer was silent for too long"),
            Self::Send(error) => error.fmt(f),
            Self::Handshake(error) => error.fmt(f),
            Self::Refused(status) => write!(f, "the request was refused with {status}"),
            Self::Response(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Deflate(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
