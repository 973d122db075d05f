//! The list of hosts that are reached without a proxy.
//!
//! ```text
//! no_proxy = entry *( "," entry )        whitespace parts them too
//! entry    = "*" / host [ ":" port ] / address "/" bits
//! ```
//!
//! A name is an exception with everything below it: `example.com`, as `.example.com`, also stands for
//! `www.example.com`, and not for `badexample.com`. An entry that is none of these stands for nothing.
//!
//! Not here: resolving. A network in the list is compared with hosts that are written as addresses, as curl does.

use core::net::IpAddr;

use super::Host;

/// Whether the list names this host, and this port where it names one.
pub(super) fn lists(list: &str, host: Host<'_>, port: u16) -> bool {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry == "*" || names(entry, host, port))
}

fn names(entry: &str, host: Host<'_>, port: u16) -> bool {
    match host {
        Host::Name(name) => {
            let (entry, entry_port) = split_port(entry);
            is_below(entry, name) && entry_port.is_none_or(|text| text.parse() == Ok(port))
        }
        Host::V4(address) => names_address(entry, IpAddr::V4(address), port),
        Host::V6(address) => names_address(entry, IpAddr::V6(address), port),
    }
}

fn is_below(entry: &str, name: &str) -> bool {
    let entry = entry.strip_prefix("*.").unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((above, end)) = name
        .len()
        .checked_sub(entry.len())
        .and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    !entry.is_empty()
        && end.eq_ignore_ascii_case(entry)
        && (above.is_empty() || above.ends_with('.'))
}

fn names_address(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, bits)) = entry.split_once('/') {
        return bits.parse().is_ok_and(|bits| is_in(network, bits, address));
    }
    let inside = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse();
    if inside(entry) == Ok(address) {
        return true;
    }
    let (entry, entry_port) = split_port(entry);
    inside(entry) == Ok(address) && entry_port.is_some_and(|text| text.parse() == Ok(port))
}

/// `host:port`. An IPv6 address without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        Some(_) | None => (entry, None),
    }
}

fn is_in(network: &str, bits: u32, address: IpAddr) -> bool {
    // Both are moved to the top of 128 bits, so that one shift serves both families.
    let (one, other, width) = match (network.parse(), address) {
        (Ok(IpAddr::V4(one)), IpAddr::V4(other)) => {
            let wide = |address| u128::from(u32::from(address)) << 96;
            (wide(one), wide(other), 32)
        }
        (Ok(IpAddr::V6(one)), IpAddr::V6(other)) => (u128::from(one), u128::from(other), 128),
        _ => return false,
    };
    let differing = one ^ other;
    bits <= width && differing.leading_zeros() >= bits
}
