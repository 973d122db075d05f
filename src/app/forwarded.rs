//! Where a client is, behind proxies that speak HTTP: `X-Forwarded-For`.
//!
//! Each proxy appends the address that it was called from. So the list is read from its end, and only as far as proxies
//! are trusted that wrote it: what stands before that, whoever connected may have made up.
//!
//! Not here: `Forwarded` (RFC 7239), which few proxies write; the PROXY protocol, which
//! [`Builder::trusted_proxies`](crate::server::Builder::trusted_proxies) reads.

use crate::server::{PeerAddr, TrustedProxy};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address of the client that a connection from `peer` is for, by the values of its `X-Forwarded-For` lines.
///
/// That is `peer` itself, unless it is a trusted proxy. Then it is the rightmost address of the list that is not a
/// trusted proxy's, or else the leftmost. Several lines are one list, and empty elements are none. Where an entry is no
/// address, but `unknown`, a made-up name or nonsense, the search ends, and the address to the right of it is the answer:
/// a trusted proxy's, perhaps `peer`. The port is 0 where none is written, as is usual.
///
/// ```
/// use sockeye::app::client_address;
/// use sockeye::server::{PeerAddr, TrustedProxy};
///
/// let proxies: [TrustedProxy; 1] = ["10.0.0.0/8".parse()?];
/// let peer = PeerAddr::Ip("10.0.0.1:40000".parse().unwrap());
/// let said = [&b"6.6.6.6, 192.0.2.7, 10.0.0.2"[..]];
/// assert_eq!(client_address(peer, &proxies, said).to_string(), "192.0.2.7:0");
/// # Ok::<(), sockeye::server::TrustedProxyError>(())
/// ```
#[must_use]
pub fn client_address<'a>(
    peer: PeerAddr,
    trusted: &[TrustedProxy],
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> PeerAddr {
    let is_trusted = |address: PeerAddr| trusted.iter().any(|proxy| proxy.is(address));
    if !is_trusted(peer) {
        return peer;
    }
    let lines: Vec<_> = lines.into_iter().collect();
    let entries = lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(|byte| *byte == b','));
    let mut last = peer;
    for entry in entries
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
    {
        let Some(address) = parse(entry) else {
            return last;
        };
        last = address;
        if !is_trusted(address) {
            return last;
        }
    }
    last
}

/// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`.
fn parse(entry: &[u8]) -> Option<PeerAddr> {
    let text = core::str::from_utf8(entry).ok()?;
    let (ip, port) = if let Some(inside) = text.strip_prefix('[') {
        let (address, port) = inside.split_once(']')?;
        (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
    } else if let Ok(address) = text.parse() {
        (address, "")
    } else {
        let (address, _) = text.split_once(':')?;
        (
            IpAddr::V4(address.parse().ok()?),
            text.get(address.len()..)?,
        )
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => number(digits)?,
        None if port.is_empty() => 0,
        None => return None,
    };
    Some(PeerAddr::of(SocketAddr::new(ip, port)))
}

/// A port; `parse` would take a sign.
fn number(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::client_address;
    use crate::server::{PeerAddr, TrustedProxy};
    use alloc::string::{String, ToString as _};

    /// With 10.0.0.0/8, 2001:db8::/32 and Unix sockets trusted.
    fn address(peer: &str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "2001:db8::/32", "unix"]
            .map(|proxy| proxy.parse::<TrustedProxy>().expect("a proxy"));
        let peer = peer.parse().map_or(PeerAddr::Unix, PeerAddr::of);
        let lines = lines.iter().map(|line| line.as_bytes());
        client_address(peer, &trusted, lines).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let said: &[&str] = &["6.6.6.6"];
        for (peer, client) in [
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("10.0.0.1:80", "6.6.6.6:0"),
            ("[::ffff:10.0.0.1]:80", "6.6.6.6:0"),
            ("[2001:db8::1]:80", "6.6.6.6:0"),
            ("[2001:db9::1]:80", "[2001:db9::1]:80"),
            ("unix", "6.6.6.6:0"),
        ] {
            assert_eq!(address(peer, said), client, "{peer}");
        }
        let peer = PeerAddr::Unknown;
        assert_eq!(
            client_address(peer, &[TrustedProxy::UNIX], [&b"6.6.6.6"[..]]),
            peer
        );
    }

    #[test]
    fn the_list_is_read_from_its_end_as_far_as_it_is_trusted() {
        const PEER: &str = "10.0.0.1:80";
        let table: &[(&[&str], &str)] = &[
            (&[], PEER),
            (&[""], PEER),
            (&[" , ,"], PEER),
            (&["192.0.2.7"], "192.0.2.7:0"),
            (&["6.6.6.6, 192.0.2.7"], "192.0.2.7:0"),
            (&["6.6.6.6,192.0.2.7 ,10.0.0.2,\t10.0.0.3"], "192.0.2.7:0"),
            (&["6.6.6.6, 192.0.2.7, ,"], "192.0.2.7:0"),
            (&["6.6.6.6", "192.0.2.7", "10.0.0.2"], "192.0.2.7:0"),
            (
                &["192.0.2.7, 10.0.0.2", "10.0.0.3, 10.0.0.4"],
                "192.0.2.7:0",
            ),
            // All of them are trusted: the first one is where it began.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3:0"),
            // Forms.
            (&["192.0.2.7:4711"], "192.0.2.7:4711"),
            (&["2001:db9::7"], "[2001:db9::7]:0"),
            (&["[2001:db9::7]"], "[2001:db9::7]:0"),
            (&["[2001:DB9::7]:4711"], "[2001:db9::7]:4711"),
            (&["::ffff:192.0.2.7"], "192.0.2.7:0"),
            (&["6.6.6.6, [::ffff:10.0.0.2]:80"], "6.6.6.6:0"),
            // Nonsense, behind which nobody looks.
            (&["192.0.2.7, unknown"], PEER),
            (&["192.0.2.7, _hidden"], PEER),
            (&["192.0.2.7, _hidden:80, 10.0.0.2"], "10.0.0.2:0"),
            (&["192.0.2.7, unknown", "10.0.0.2"], "10.0.0.2:0"),
            (&["192.0.2.7, 192.0.2"], PEER),
            (&["192.0.2.7, 192.0.2.007"], PEER),
            (&["192.0.2.7, 192.0.2.8:"], PEER),
            (&["192.0.2.7, 192.0.2.8:+80"], PEER),
            (&["192.0.2.7, 192.0.2.8:65536"], PEER),
            (&["192.0.2.7, 192.0.2.8:80:80"], PEER),
            (&["192.0.2.7, 192.0.2.8 10.0.0.2"], PEER),
            (&["192.0.2.7, [192.0.2.8]"], PEER),
            (&["192.0.2.7, [2001:db9::7"], PEER),
            (&["192.0.2.7, [2001:db9::7]80"], PEER),
            (&["192.0.2.7, [2001:db9::7%1]"], PEER),
            (&["192.0.2.7, fe80::1%eth0"], PEER),
            (&["192.0.2.7, \"192.0.2.8\""], PEER),
            (&["192.0.2.7, example.com"], PEER),
            (&["192.0.2.7, é"], PEER),
        ];
        for (lines, client) in table {
            assert_eq!(address(PEER, lines), *client, "{lines:?}");
        }
        let raw = [&b"192.0.2.7, \xff"[..]];
        let peer = PeerAddr::of(PEER.parse().expect("an address"));
        assert_eq!(
            client_address(peer, &["10.0.0.1".parse().expect("one")], raw),
            peer
        );
    }
}
