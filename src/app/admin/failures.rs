//! How often an address was wrong: [`Failures`].
//!
//! A token of 16 characters is not found by trying; a weak one might be, and each try is worth a line in the log. Five in
//! a minute are what people need who paste the wrong thing.
//!
//! Not here: what is right.

use core::net::{IpAddr, Ipv6Addr};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Wrong tokens that an address may send in a [`WINDOW`].
pub(super) const MOST: u32 = 5;
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered. Who has more of them has as many tries for each anyway.
const REMEMBERED: usize = 1024;

/// Wrong tokens, by addresses; those of an IPv6 customer are one. All who have none, as on a Unix socket, are one too.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<Option<IpAddr>, Tries>>);

#[derive(Clone, Copy, Debug)]
struct Tries {
    since: Duration,
    count: u32,
}

impl Failures {
    /// How long an address has to wait, if it has been wrong too often.
    pub(super) fn wait_of(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let table = self.lock();
        let tries = table.get(&address.map(network))?;
        let left = tries.since.saturating_add(WINDOW).checked_sub(now)?;
        (tries.count >= MOST && !left.is_zero()).then_some(left)
    }

    /// It was wrong once more.
    pub(super) fn note(&self, address: Option<IpAddr>, now: Duration) {
        let mut table = self.lock();
        let address = address.map(network);
        if !table.contains_key(&address) && table.len() >= REMEMBERED {
            table.retain(|_, tries| now.saturating_sub(tries.since) < WINDOW);
            let oldest = table.iter().min_by_key(|(_, tries)| tries.since);
            if let Some(oldest) = oldest.map(|(address, _)| *address)
                && table.len() >= REMEMBERED
            {
                table.remove(&oldest);
            }
        }
        let fresh = Tries {
            since: now,
            count: 0,
        };
        let tries = table.entry(address).or_insert(fresh);
        if now.saturating_sub(tries.since) >= WINDOW {
            *tries = fresh;
        }
        tries.count = tries.count.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Tries>> {
        // A table is whole whoever panicked beside it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What belongs to one customer: an IPv4 address, or the first half of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let half = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(half))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{Failures, MOST, REMEMBERED, WINDOW};
    use alloc::format;
    use core::net::IpAddr;
    use core::time::Duration;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn the_sixth_has_to_wait_until_the_minute_is_over() {
        let failures = Failures::default();
        for (try_, address) in [ip("192.0.2.1"), ip("::ffff:192.0.2.1")]
            .into_iter()
            .cycle()
            .take(MOST as usize)
            .enumerate()
        {
            assert_eq!(failures.wait_of(address, secs(10)), None, "{try_}");
            failures.note(address, secs(10));
        }
        assert_eq!(failures.wait_of(ip("192.0.2.1"), secs(30)), Some(secs(40)));
        assert_eq!(failures.wait_of(ip("192.0.2.2"), secs(30)), None);
        assert_eq!(failures.wait_of(None, secs(30)), None);
        assert_eq!(failures.wait_of(ip("192.0.2.1"), secs(69)), Some(secs(1)));
        assert_eq!(failures.wait_of(ip("192.0.2.1"), secs(70)), None);
        // And begins anew.
        failures.note(ip("192.0.2.1"), secs(70));
        assert_eq!(failures.wait_of(ip("192.0.2.1"), secs(70)), None);
    }

    #[test]
    fn an_ipv6_customer_is_one_and_so_are_those_without_an_address() {
        let failures = Failures::default();
        for host in 0..MOST {
            failures.note(ip(&format!("2001:db8:1:2::{host}")), secs(0));
            failures.note(None, secs(0));
        }
        assert!(failures.wait_of(ip("2001:db8:1:2:3::"), secs(1)).is_some());
        assert!(failures.wait_of(ip("2001:db8:1:3::"), secs(1)).is_none());
        assert!(failures.wait_of(None, secs(1)).is_some());
    }

    #[test]
    fn no_crowd_makes_it_larger() {
        let failures = Failures::default();
        for host in 0..3 * REMEMBERED {
            let address = ip(&format!("10.0.{}.{}", host / 256, host % 256));
            failures.note(address, Duration::from_millis(host as u64));
            assert!(failures.lock().len() <= REMEMBERED);
        }
        failures.note(ip("192.0.2.1"), WINDOW + secs(60));
        assert_eq!(failures.lock().len(), 1);
    }
}
