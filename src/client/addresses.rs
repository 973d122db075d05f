//! In which order the addresses of a host are tried (RFC 8305 §4).
//!
//! Not here: finding them, and how long each is waited for.

use alloc::vec::Vec;
use core::net::SocketAddr;

/// Alternates between the families, so that a family which does not get through costs one wait and not one for each of
/// its addresses. The family that the resolver put first begins; within a family its order stays.
pub(crate) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else {
        return addresses;
    };
    let count = addresses.len();
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv4() == first.is_ipv4());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(count);
    while ordered.len() < count {
        ordered.extend(preferred.next());
        ordered.extend(other.next());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_keep_their_order() {
        let cases: [(&str, &str); 8] = [
            ("", ""),
            ("4a", "4a"),
            ("6a 6b", "6a 6b"),
            ("6a 6b 4a 4b", "6a 4a 6b 4b"),
            ("4a 4b 6a 6b", "4a 6a 4b 6b"),
            ("6a 6b 6c 4a", "6a 4a 6b 6c"),
            ("4a 6a 6b 6c", "4a 6a 6b 6c"),
            ("6a 4a 6b 4b", "6a 4a 6b 4b"),
        ];
        for (resolved, tried) in cases {
            assert_eq!(
                interleave(addresses(resolved)),
                addresses(tried),
                "{resolved}"
            );
        }
    }

    /// `4a` and `6a` are one address of each family, `4b` and `6b` the next.
    fn addresses(text: &str) -> Vec<SocketAddr> {
        let address = |word: &str| match word.as_bytes() {
            [b'4', last] => SocketAddr::from(([192, 0, 2, *last], 80)),
            [b'6', last] => {
                SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(*last)], 80))
            }
            _ => panic!("{word}"),
        };
        text.split_whitespace().map(address).collect()
    }
}
