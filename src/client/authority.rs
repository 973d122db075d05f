//! `user:password@host:port`, as it stands in the URL of a server or of a proxy.
//!
//! Host names go through the `url` crate (IDNA, percent-encoding). What browsers tolerate beyond that is refused here:
//! two readers of one address must not come to two hosts.
//!
//! Not here: schemes, their default ports, and finding the address of a name.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::UrlError;

/// The longest name that DNS can hold, written with dots (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host: a name to resolve, or an address.
///
/// Displayed as it stands in a `Host` header: an IPv6 address in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// A name in lower-case ASCII; what was not ASCII is in Punycode.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// [`Host`], owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnedHost {
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl OwnedHost {
    pub(crate) fn as_host(&self) -> Host<'_> {
        match self {
            Self::Name(name) => Host::Name(name),
            Self::V4(address) => Host::V4(*address),
            Self::V6(address) => Host::V6(*address),
        }
    }

    fn parse(text: &str) -> Result<Self, UrlError> {
        match url::Host::parse(text).map_err(|_| UrlError::Host)? {
            url::Host::Domain(name) if is_name(&name) => Ok(Self::Name(name)),
            // `0x7f.1` and `2130706433` are 127.0.0.1 to some and names to others.
            url::Host::Ipv4(address) if text.parse() == Ok(address) => Ok(Self::V4(address)),
            url::Host::Ipv4(_) => Err(UrlError::Ipv4),
            url::Host::Domain(_) | url::Host::Ipv6(_) => Err(UrlError::Host),
        }
    }
}

/// A name that DNS, a `Host` header and SNI can all hold. A dot at the end is the root.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

/// A user and a password. They are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Where to connect to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) host: OwnedHost,
    /// `None` where none is written; an empty one is none (RFC 3986 §3.2.3).
    pub(crate) port: Option<u16>,
    pub(crate) credentials: Option<Credentials>,
}

impl Authority {
    /// Reads what stands between `//` and the path.
    pub(crate) fn parse(text: &str) -> Result<Self, UrlError> {
        let (userinfo, place) = match text.rsplit_once('@') {
            Some((userinfo, place)) => (userinfo, place),
            None => ("", text),
        };
        let (host, port) = split_port(place)?;
        Ok(Self {
            host,
            port,
            credentials: credentials(userinfo)?,
        })
    }
}

fn split_port(place: &str) -> Result<(OwnedHost, Option<u16>), UrlError> {
    if let Some(inside) = place.strip_prefix('[') {
        let (address, rest) = inside.split_once(']').ok_or(UrlError::Ipv6)?;
        let address = address.parse().map_err(|_| UrlError::Ipv6)?;
        let digits = match rest.strip_prefix(':') {
            Some(digits) => digits,
            None if rest.is_empty() => "",
            None => return Err(UrlError::Ipv6),
        };
        return Ok((OwnedHost::V6(address), port_number(digits)?));
    }
    let (host, digits) = place.split_once(':').unwrap_or((place, ""));
    if place.parse::<Ipv6Addr>().is_ok() {
        return Err(UrlError::Ipv6);
    }
    if host.is_empty() {
        return Err(UrlError::HostMissing);
    }
    Ok((OwnedHost::parse(host)?, port_number(digits)?))
}

fn port_number(digits: &str) -> Result<Option<u16>, UrlError> {
    if digits.is_empty() {
        return Ok(None);
    }
    // `parse` alone would take a plus sign.
    let number = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten();
    number
        .filter(|&port| port != 0)
        .map(Some)
        .ok_or(UrlError::Port)
}

fn credentials(userinfo: &str) -> Result<Option<Credentials>, UrlError> {
    // Some take the first `@` for the end of the userinfo, and some the last.
    if userinfo.contains('@') {
        return Err(UrlError::UserInfo);
    }
    if userinfo.is_empty() {
        return Ok(None);
    }
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text| {
        percent_decode(text)
            .filter(|text| !text.chars().any(char::is_control))
            .ok_or(UrlError::UserInfo)
    };
    Ok(Some(Credentials {
        user: decode(user)?,
        password: decode(password)?,
    }))
}

/// Replaces each `%XX`. `None` where the two digits are missing, or where the result is not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return String::from_utf8(decoded).ok(),
            [b'%', high, low, behind @ ..] => {
                decoded.push(digit(*high)? << 4 | digit(*low)?);
                rest = behind;
            }
            [b'%', ..] => return None,
            [byte, behind @ ..] => {
                decoded.push(*byte);
                rest = behind;
            }
        }
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
