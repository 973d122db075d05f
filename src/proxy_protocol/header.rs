//! The PROXY protocol's header, version 1 (text) and 2 (binary): the address that a proxy says a connection came from.
//!
//! Read strictly, and refused at the first byte that shows it wrong: whoever may send a header is trusted to be right, so
//! a wrong one is a mistake in somebody's configuration, and guessing would give a wrong address to whoever decides by it.
//!
//! Not here: whether a header is to be read at all, which is `trusted`; receiving it, which is `mod`. What follows the
//! addresses in version 2 (TLVs) is skipped, its checksum too.

use crate::kernel::PeerAddr;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

/// The longest header of version 1, its CRLF included: two IPv6 addresses written in full.
const MAX_TEXT: usize = 107;
/// What version 2 may announce behind its first 16 bytes. It could be 65 535; addresses have at most 216, and what proxies
/// add, a client's certificate among it, has been seen to take some 2 KiB.
const MAX_BLOCK: usize = 4096;
/// Bytes before the block of version 2.
const FIXED: usize = 16;
/// What a header can have at most.
pub(super) const MAX_HEADER: usize = FIXED + MAX_BLOCK;

/// What no text is, nor HTTP: version 2 begins with it.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its bytes.
    pub(super) len: usize,
    /// Where the connection came from. Nothing, where the proxy speaks for itself (a health check) or does not know:
    /// then that is the connection's own other end.
    pub(super) source: Option<PeerAddr>,
}

/// This is no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// Neither version begins like this.
    Start,
    /// Version 1 without its CRLF, or with more than 107 bytes.
    Line,
    /// An address or a port that is none, or one too many.
    Address,
    /// A command, a family or a protocol that there is not, or not here.
    Kind,
    /// A block that is too short for its addresses, or longer than is read here.
    Length,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "the connection does not begin with a PROXY header",
            Self::Line => "the line of a PROXY header does not end as it must",
            Self::Address => "a PROXY header holds no proper address",
            Self::Kind => "a PROXY header is of an unknown kind",
            Self::Length => "a PROXY header announces a wrong length",
        })
    }
}

impl core::error::Error for Malformed {}

/// Reads what has come so far; nothing, while it may become a header.
pub(super) fn parse(data: &[u8]) -> Result<Option<Header>, Malformed> {
    match data.first() {
        None => Ok(None),
        Some(b'P') => parse_text(data),
        Some(_) => parse_binary(data),
    }
}

/// `PROXY TCP4 203.0.113.7 192.0.2.1 51000 443` and CRLF.
fn parse_text(data: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(rest) = after(data, b"PROXY ")? else {
        return Ok(None);
    };
    // By its first letter: what the second word can be.
    let word: &[u8] = match rest {
        [b'U', ..] => b"UNKNOWN",
        [b'T', b'C', b'P', b'6', ..] => b"TCP6 ",
        [] | [b'T', ..] => b"TCP4 ",
        _ => return Err(Malformed::Kind),
    };
    let Some(rest) = after(rest, word).map_err(|_| Malformed::Kind)? else {
        return Ok(None);
    };
    if word == b"UNKNOWN" && !matches!(rest.first(), None | Some(b' ' | b'\r' | b'\n')) {
        return Err(Malformed::Kind);
    }
    let Some(end) = line_end(data)? else {
        return Ok(None);
    };
    let len = end + 2;
    let line = rest.get(..end.saturating_sub(data.len() - rest.len()));
    let line = line.ok_or(Malformed::Line)?;
    let source = match word {
        b"UNKNOWN" => None,
        b"TCP4 " => Some(addresses::<Ipv4Addr>(line)?),
        _ => Some(addresses::<Ipv6Addr>(line)?),
    };
    Ok(Some(Header { len, source }))
}

/// What follows `word`; nothing, while it may still become that.
fn after<'d>(data: &'d [u8], word: &[u8]) -> Result<Option<&'d [u8]>, Malformed> {
    if let Some(rest) = data.strip_prefix(word) {
        return Ok(Some(rest));
    }
    word.starts_with(data)
        .then_some(None)
        .ok_or(Malformed::Start)
}

/// Where the line's CRLF stands; nothing, while it may come.
fn line_end(data: &[u8]) -> Result<Option<usize>, Malformed> {
    let line = data.get(..MAX_TEXT).unwrap_or(data);
    match line.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        Some(end) => match line.get(end..) {
            Some([b'\r', b'\n', ..]) => Ok(Some(end)),
            Some([b'\r']) if line.len() < MAX_TEXT => Ok(None),
            _ => Err(Malformed::Line),
        },
        // The last two are the CRLF.
        None if line.len() < MAX_TEXT - 1 => Ok(None),
        None => Err(Malformed::Line),
    }
}

/// Source, destination and their ports, with one space between.
fn addresses<A: FromStr + Into<IpAddr>>(line: &[u8]) -> Result<PeerAddr, Malformed> {
    let line = str::from_utf8(line).map_err(|_| Malformed::Address)?;
    let mut words = line.split(' ');
    let mut next = || words.next().ok_or(Malformed::Address);
    let (source, destination) = (next()?, next()?);
    let (source_port, destination_port) = (next()?, next()?);
    let address = |text: &str| text.parse::<A>().map_err(|_| Malformed::Address);
    // The destination is ours, and must be right all the same.
    let (source, _) = (address(source)?, address(destination)?);
    let (source_port, _) = (port(source_port)?, port(destination_port)?);
    if words.next().is_some() {
        return Err(Malformed::Address);
    }
    Ok(PeerAddr::of(SocketAddr::new(source.into(), source_port)))
}

/// A port in decimal, without sign and leading zeros, which `parse` would take.
fn port(text: &str) -> Result<u16, Malformed> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    (plain && shortest)
        .then(|| text.parse().ok())
        .flatten()
        .ok_or(Malformed::Address)
}

/// Signature, version and command, family and protocol, length; then the addresses.
fn parse_binary(data: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(rest) = after(data, SIGNATURE)? else {
        return Ok(None);
    };
    let local = match rest.first() {
        None => return Ok(None),
        Some(0x20) => true,
        Some(0x21) => false,
        Some(_) => return Err(Malformed::Kind),
    };
    let Some(&kind) = rest.get(1) else {
        return Ok(None);
    };
    let needed = match kind {
        // Whatever stands there: a proxy that speaks for itself names nobody.
        _ if local => 0,
        // Unspecified.
        0x00 => 0,
        // Over streams alone: over IPv4, IPv6, Unix sockets.
        0x11 => 12,
        0x21 => 36,
        0x31 => 216,
        _ => return Err(Malformed::Kind),
    };
    let Some(&[high, low]) = rest.get(2..4) else {
        return Ok(None);
    };
    let announced = usize::from(u16::from_be_bytes([high, low]));
    if announced < needed || announced > MAX_BLOCK {
        return Err(Malformed::Length);
    }
    let Some(block) = data.get(FIXED..FIXED + announced) else {
        return Ok(None);
    };
    Ok(Some(Header {
        len: FIXED + announced,
        source: if local { None } else { source(kind, block) },
    }))
}

/// The source in a block that is long enough: behind both addresses stand both ports.
fn source(kind: u8, block: &[u8]) -> Option<PeerAddr> {
    let port = |at| {
        let &[high, low] = block.get(at..at + 2)? else {
            return None;
        };
        Some(u16::from_be_bytes([high, low]))
    };
    match kind {
        0x11 => {
            let ip: [u8; 4] = *block.first_chunk()?;
            Some(PeerAddr::of(SocketAddr::new(ip.into(), port(8)?)))
        }
        0x21 => {
            let ip: [u8; 16] = *block.first_chunk()?;
            Some(PeerAddr::of(SocketAddr::new(ip.into(), port(32)?)))
        }
        0x31 => Some(PeerAddr::Unix),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
