//! What a URL can have wrong: one variant for each rule, with its sentence.
//!
//! Not here: what the network makes of a URL that is right.

use core::fmt;

/// Why a text is not the URL of a WebSocket server, or of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// A control byte, a line end, a space or other whitespace, anywhere.
    Whitespace,
    /// A scheme other than `ws`, `wss` and `ws+unix`.
    Scheme,
    /// No `//` behind the scheme.
    Slashes,
    /// A fragment (RFC 6455 §3).
    Fragment,
    /// A backslash, which some read as a slash.
    Backslash,
    /// No host.
    HostMissing,
    /// A host that is neither a name nor an address.
    Host,
    /// An IPv4 address in another form than four decimal numbers.
    Ipv4,
    /// An IPv6 address that is malformed, or without its brackets.
    Ipv6,
    /// A port that is not a number from 1 to 65535.
    Port,
    /// A malformed user or password.
    UserInfo,
    /// A `ws+unix:` URL without an absolute path of a socket, or with a target that is not a path.
    UnixPath,
}

impl UrlError {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::Whitespace,
        Self::Scheme,
        Self::Slashes,
        Self::Fragment,
        Self::Backslash,
        Self::HostMissing,
        Self::Host,
        Self::Ipv4,
        Self::Ipv6,
        Self::Port,
        Self::UserInfo,
        Self::UnixPath,
    ];
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whitespace => {
                "a URL holds no whitespace and no control bytes; write a space as %20"
            }
            Self::Scheme => "the scheme must be ws, wss or ws+unix",
            Self::Slashes => "two slashes must follow ws: and wss:",
            Self::Fragment => "a WebSocket URL has no fragment; write # as %23",
            Self::Backslash => "a URL holds no backslash; write it as %5C",
            Self::HostMissing => "the URL names no host",
            Self::Host => "the host must be a name of letters, digits, - and _, or an address",
            Self::Ipv4 => "an IPv4 address must be four decimal numbers",
            Self::Ipv6 => "an IPv6 address must be well formed and stand in brackets",
            Self::Port => "the port must be a number from 1 to 65535",
            Self::UserInfo => {
                "user and password must be percent-encoded UTF-8 without control bytes; write @ as %40"
            }
            Self::UnixPath => {
                "a Unix socket is written ws+unix:/path/to.sock, or ws+unix:/path/to.sock:/target"
            }
        })
    }
}

impl core::error::Error for UrlError {}
