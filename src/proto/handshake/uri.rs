//! The parts of a URI that a handshake reads: request targets (RFC 9112 §3.2), and `host [":" port]` as it stands in
//! `Host`, in an absolute target and in an origin (RFC 3986 §3.2).
//!
//! Not here: userinfo. It is not allowed in any of these, and taking it for a host is an old trick, so `@` is simply
//! not a byte of a host. Nor normalisation: `/%77s`, `/./ws` and `/ws` are three paths, because a path that one layer
//! normalises and another does not is how protected routes are reached.

use crate::proto::work;
use core::net::Ipv6Addr;

/// A request target in origin-form or absolute-form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    /// What an absolute-form target names: the host and port, and the default port of its scheme.
    pub(super) authority: Option<(Authority<'a>, Option<u16>)>,
}

impl<'a> Target<'a> {
    /// `None` for `*`, for `host:port`, for schemes other than http(s), and for bytes that no target holds.
    pub(super) fn parse(target: &'a str) -> Option<Self> {
        // Its bytes, and then its parts.
        work::visit(target.len().saturating_mul(2));
        if !target.bytes().all(is_target_byte) {
            return None;
        }
        if target.starts_with('/') {
            return Some(Self::of_path(target, None));
        }
        let (scheme, rest) = target.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let (authority, path) =
            rest.split_at_checked(rest.find(['/', '?']).unwrap_or(rest.len()))?;
        let authority = Authority::parse(authority)?;
        Some(Self::of_path(path, Some((authority, default_port(scheme)))))
    }

    fn of_path(text: &'a str, authority: Option<(Authority<'a>, Option<u16>)>) -> Self {
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        // An absolute URI may leave the root out (RFC 6455 §3).
        let path = if path.is_empty() { "/" } else { path };
        Self {
            path,
            query,
            authority,
        }
    }
}

/// Visible ASCII but for the four bytes that no client leaves bare: a fragment never reaches a server, and the others
/// only serve those who hope to see the target on a page. `|`, `[`, `{` and the like are not in RFC 3986 either, but
/// browsers send them in queries.
const fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>')
}

/// A host and, if it is written, a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authority<'a> {
    host: Host<'a>,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
enum Host<'a> {
    /// A registered name or an IPv4 address, compared in any case.
    Name(&'a str),
    V6(Ipv6Addr),
}

impl<'a> Authority<'a> {
    /// `None` for everything that is not exactly a host with an optional port. An empty port is no port.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (host, port) = if let Some(inside) = text.strip_prefix('[') {
            let (address, rest) = inside.split_once(']')?;
            (Host::V6(address.parse().ok()?), rest)
        } else {
            let (name, rest) = text.split_at_checked(text.find(':').unwrap_or(text.len()))?;
            if !is_name(name.as_bytes()) {
                return None;
            }
            (Host::Name(name), rest)
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => port_number(digits)?,
            None if port.is_empty() => None,
            None => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both name the same host and port, where `default` is the port of one that is not written.
    pub(super) fn is_same(&self, other: &Self, default: Option<u16>) -> bool {
        let same_host = match (self.host, other.host) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::V6(one), Host::V6(two)) => one == two,
            (Host::Name(_), Host::V6(_)) | (Host::V6(_), Host::Name(_)) => false,
        };
        same_host && self.port.or(default) == other.port.or(default)
    }
}

/// The default port of a scheme, in any case.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("ws") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") {
        Some(443)
    } else {
        None
    }
}

/// The outer `Option` is validity; the inner one is whether there is a number.
fn port_number(digits: &str) -> Option<Option<u16>> {
    if digits.is_empty() {
        Some(None)
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok().map(Some)
    } else {
        None
    }
}

/// A `reg-name` that is not empty: unreserved, sub-delims and percent-encoded bytes.
fn is_name(mut name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    loop {
        match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                name = rest
            }
            [byte, rest @ ..] if is_name_byte(*byte) => name = rest,
            _ => return false,
        }
    }
}

/// A comma is a sub-delim too, but two `Host` lines that a proxy has joined must not look like one host.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b';'
                | b'='
        )
}
