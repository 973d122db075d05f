//! What there is to be shown of connections.
//!
//! Not here: how; that is `show` for people, `plain` for pipes and `json` for programs.

use core::time::Duration;

/// Something that happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    /// The server has answered 101.
    Open(Opened<'a>),
    /// There was no connection to be had.
    Failed { error: &'a str },
    /// A frame, or a message of several.
    Frame {
        way: Way,
        kind: Kind,
        data: &'a [u8],
    },
    /// A connection that was open has ended.
    Close(Ended<'a>),
    /// The next attempt to connect is in this long.
    Waiting { delay: Duration },
    /// There will be no further attempt.
    GivenUp,
}

/// What the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    pub(crate) url: &'a str,
    pub(crate) subprotocol: Option<&'a str>,
    /// permessage-deflate was agreed on.
    pub(crate) deflate: bool,
    /// The header lines of the answer.
    pub(crate) headers: &'a [(String, String)],
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended<'a> {
    /// 1005 and 1006 where the server gave none.
    pub(crate) code: u16,
    pub(crate) reason: &'a str,
    /// Both sides sent a Close frame.
    pub(crate) clean: bool,
    /// Why it was not clean, where that is known.
    pub(crate) cause: Option<&'a str>,
}

/// Who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sent,
    Received,
}

/// What kind of frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
    Ping,
    Pong,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// What a close code means (RFC 6455 section 7.4), in few words.
pub(crate) const fn code_name(code: u16) -> &'static str {
    match code {
        1000 => "normal",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no code",
        1006 => "no close frame",
        1007 => "invalid payload",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension required",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS failure",
        3000..=3999 => "registered",
        4000..=4999 => "private use",
        _ => "unknown",
    }
}
