//! Who is believed when it says where a connection came from: [`TrustedProxy`].
//!
//! Not here: what is said; that is `header`.

use crate::kernel::PeerAddr;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A proxy that begins each connection with a PROXY header, by the address that its connections come from.
///
/// Written as an address, `192.0.2.7` or `2001:db8::7`; as a network, `10.0.0.0/8`; or as `unix`, which is whoever
/// connects to a Unix socket, as its file's permissions allow.
///
/// ```
/// # #[cfg(feature = "server")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sockeye::server::TrustedProxy;
///
/// let network: TrustedProxy = "10.0.0.0/8".parse()?;
/// assert_eq!(network.to_string(), "10.0.0.0/8");
/// assert!("10.0.0.1/8".parse::<TrustedProxy>().is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TrustedProxy(Peers);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Peers {
    /// Those whose addresses begin with so many bits of this one; the others are zero.
    Network(IpAddr, u8),
    /// Those on Unix sockets.
    Unix,
}

/// This names no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedProxyError {
    /// Neither an address, nor a network, nor `unix`.
    Address,
    /// A prefix longer than the address.
    Prefix,
    /// Bits are set behind the prefix: somebody meant another network, or another prefix.
    HostBits,
}

impl fmt::Display for TrustedProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "write an address, a network as 10.0.0.0/8, or unix",
            Self::Prefix => "the prefix is longer than the address",
            Self::HostBits => "the address has bits behind its prefix",
        })
    }
}

impl core::error::Error for TrustedProxyError {}

impl TrustedProxy {
    /// Whoever connects to a Unix socket.
    pub const UNIX: Self = Self(Peers::Unix);

    /// Those whose addresses begin with the first `prefix` bits of `address`.
    ///
    /// # Errors
    ///
    /// When there are not so many, or others are set.
    pub fn network(address: IpAddr, prefix: u8) -> Result<Self, TrustedProxyError> {
        let (bits, width) = bits(address);
        if prefix > width {
            return Err(TrustedProxyError::Prefix);
        }
        if first(bits, prefix) != bits {
            return Err(TrustedProxyError::HostBits);
        }
        Ok(Self(Peers::Network(address, prefix)))
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, peer: PeerAddr) -> bool {
        match (self.0, peer) {
            (Peers::Unix, PeerAddr::Unix) => true,
            (Peers::Network(network, prefix), PeerAddr::Ip(peer)) => {
                let ((network, width), (peer, peer_width)) = (bits(network), bits(peer.ip()));
                width == peer_width && first(peer, prefix) == network
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for TrustedProxy {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self(Peers::Network(address, bits(address).1))
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        if text == "unix" {
            return Ok(Self::UNIX);
        }
        let address = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| TrustedProxyError::Address)
        };
        let Some((network, prefix)) = text.split_once('/') else {
            return Ok(address(text)?.into());
        };
        // `parse` would take a sign.
        if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TrustedProxyError::Address);
        }
        let prefix = prefix.parse().map_err(|_| TrustedProxyError::Prefix)?;
        Self::network(address(network)?, prefix)
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Peers::Unix => f.write_str("unix"),
            Peers::Network(address, prefix) if prefix == bits(address).1 => address.fmt(f),
            Peers::Network(address, prefix) => write!(f, "{address}/{prefix}"),
        }
    }
}

/// An address's bits, the first one highest, and how many they are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The first of them; the others are zero.
fn first(bits: u128, prefix: u8) -> u128 {
    let others = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    bits & !others
}

#[cfg(test)]
mod tests {
    use super::{TrustedProxy, TrustedProxyError};
    use crate::kernel::PeerAddr;
    use alloc::string::ToString as _;
    use core::net::IpAddr;

    fn is(proxy: &str, peer: &str) -> bool {
        let proxy: TrustedProxy = proxy.parse().expect("a proxy");
        let peer = peer
            .parse::<IpAddr>()
            .map_or(PeerAddr::Unix, |ip| PeerAddr::of((ip, 80).into()));
        proxy.is(peer)
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        for (proxy, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.0/8", "10.0.0.0", "9.255.255.255"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("0.0.0.0/0", "255.0.0.1", "2001:db8::1"),
            ("0.0.0.0/0", "0.0.0.0", "unix"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("::1", "::1", "::2"),
            ("unix", "unix", "127.0.0.1"),
        ] {
            assert!(is(proxy, inside), "{proxy} {inside}");
            assert!(!is(proxy, outside), "{proxy} {outside}");
            assert!(
                !"unix"
                    .parse::<TrustedProxy>()
                    .expect("one")
                    .is(PeerAddr::Unknown)
            );
        }
    }

    #[test]
    fn they_are_written_as_they_are_read() {
        for text in ["192.0.2.7", "10.0.0.0/8", "::/0", "2001:db8::/32", "unix"] {
            let proxy: TrustedProxy = text.parse().expect("a proxy");
            assert_eq!(proxy.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_network_is_told() {
        use TrustedProxyError::{Address, HostBits, Prefix};
        for (text, error) in [
            ("", Address),
            ("localhost", Address),
            ("10.0.0", Address),
            ("10.0.0.0/+8", Address),
            ("10.0.0.0/", Prefix),
            ("10.0.0.0/33", Prefix),
            ("10.0.0.0/999", Prefix),
            ("::/129", Prefix),
            ("10.0.0.1/8", HostBits),
            ("2001:db8::1/64", HostBits),
        ] {
            assert_eq!(text.parse::<TrustedProxy>(), Err(error), "{text}");
        }
    }
}
