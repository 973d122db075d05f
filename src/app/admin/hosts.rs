//! By which names a server may be asked for: [`Hosts`].
//!
//! A page of evil.example is of the same origin as this server once that name leads to its address. What it cannot do is
//! have the browser send another `Host`.
//!
//! Not here: the page's origin, which the route's policy checks.

use crate::server::PeerAddr;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The names that were listed, beside those of this machine.
#[derive(Debug, Default)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    pub(super) fn add(&mut self, names: impl Iterator<Item = String>) {
        self.0.extend(names);
    }

    /// Whether a `Host` is one of them, or a name of this machine.
    pub(super) fn know(&self, host: &str) -> bool {
        self.lists(host) || is_loopback(host)
    }

    /// Whether somebody may ask for this `Host`: a name of this machine is for those who are on it.
    pub(super) fn admit(&self, host: &str, from: PeerAddr) -> bool {
        let is_here = match from {
            PeerAddr::Unix => true,
            _ => from.ip().is_some_and(|ip| ip.to_canonical().is_loopback()),
        };
        self.lists(host) || (is_here && is_loopback(host))
    }

    fn lists(&self, host: &str) -> bool {
        let is = |listed: &String| {
            listed.eq_ignore_ascii_case(host) || listed.eq_ignore_ascii_case(without_port(host))
        };
        self.0.iter().any(is)
    }
}

/// The host alone. The core has seen to it that this is one, with an optional port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    if let Some(inside) = name.strip_prefix('[') {
        let address = inside.strip_suffix(']').map(str::parse::<Ipv6Addr>);
        return matches!(address, Some(Ok(address)) if address.is_loopback());
    }
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Hosts;
    use crate::server::PeerAddr;
    use alloc::string::ToString;

    #[test]
    fn names_of_this_machine_are_for_this_machine() {
        let hosts = Hosts::default();
        let here = [
            "127.0.0.1:5",
            "127.8.8.8:5",
            "[::1]:5",
            "[::ffff:127.0.0.1]:5",
        ];
        let elsewhere = ["192.0.2.1:5", "10.0.0.1:5", "[2001:db8::1]:5", "0.0.0.0:5"];
        let of = |text: &str| PeerAddr::Ip(text.parse().expect("an address"));
        for (host, right) in [
            ("localhost", true),
            ("LocalHost:8000", true),
            ("127.0.0.1", true),
            ("127.1.2.3:1", true),
            ("[::1]", true),
            ("[::1]:8000", true),
            ("[0:0:0:0:0:0:0:1]", true),
            ("localhost.", false),
            ("localhost.evil.example", false),
            ("evil.example", false),
            ("evil.example:8000", false),
            ("127.0.0.1.evil.example", false),
            ("127.1", false),
            ("0.0.0.0", false),
            ("0", false),
            ("2130706433", false),
            ("128.0.0.1", false),
            ("[::]", false),
            ("[::2]:8000", false),
            ("", false),
        ] {
            assert_eq!(hosts.know(host), right, "{host}");
            for from in here {
                assert_eq!(hosts.admit(host, of(from)), right, "{host} from {from}");
            }
            assert_eq!(hosts.admit(host, PeerAddr::Unix), right, "{host}");
            for from in elsewhere {
                assert!(!hosts.admit(host, of(from)), "{host} from {from}");
            }
            assert!(!hosts.admit(host, PeerAddr::Unknown), "{host}");
        }
    }

    #[test]
    fn listed_names_are_for_all() {
        let mut hosts = Hosts::default();
        let names = ["admin.example", "192.0.2.1:8001", "[2001:db8::1]"];
        hosts.add(names.iter().map(ToString::to_string));
        for (host, right) in [
            ("admin.example", true),
            ("ADMIN.example:8001", true),
            ("192.0.2.1:8001", true),
            ("192.0.2.1", false),
            ("192.0.2.1:8002", false),
            ("[2001:db8::1]:9", true),
            ("[2001:DB8::1]", true),
            ("admin.example.evil.example", false),
            ("xadmin.example", false),
            ("admin.exampl", false),
        ] {
            assert_eq!(hosts.admit(host, PeerAddr::Unknown), right, "{host}");
        }
    }
}
