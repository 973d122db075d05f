use super::{AddressLimits, Addresses, Crowded};
use crate::app::limits::Rate;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn capped(connections: u32) -> Addresses {
    Addresses::new(AddressLimits {
        connections: Some(connections),
        ..AddressLimits::default()
    })
}

fn rated(rate: Rate, remembered: usize) -> Addresses {
    Addresses::new(AddressLimits {
        handshakes: Some(rate),
        remembered,
        ..AddressLimits::default()
    })
}

fn again_in(millis: u64) -> Result<(), Crowded> {
    let retry_after = Some(ms(millis));
    Err(Crowded { retry_after })
}

#[test]
fn without_limits_nothing_is_refused_and_only_connections_are_held() {
    let all = Addresses::new(AddressLimits::default());
    for _ in 0..1000 {
        assert_eq!(all.admit(ip("192.0.2.1"), ms(0)), Ok(()));
    }
    assert_eq!((all.connections(ip("192.0.2.1")), all.held()), (1000, 1));
    for _ in 0..1000 {
        all.leave(ip("192.0.2.1"), ms(0));
    }
    assert_eq!((all.connections(ip("192.0.2.1")), all.held()), (0, 0));
    all.leave(ip("192.0.2.1"), ms(0));
    assert_eq!(all.held(), 0);
}

#[test]
fn connections_are_counted_by_address() {
    // Each pair is one address, or two.
    for (one, two, same) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "::192.0.2.1", false),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::1", "0.0.0.1", false),
        ("0.0.0.0", "::", false),
    ] {
        let all = capped(1);
        assert_eq!(all.admit(ip(one), ms(0)), Ok(()));
        let second = all.admit(ip(two), ms(0));
        assert_eq!(second.is_err(), same, "{one} {two}");
        if same {
            assert_eq!(second, Err(Crowded { retry_after: None }));
            all.leave(ip(two), ms(0));
            assert_eq!(all.admit(ip(one), ms(0)), Ok(()), "{one}");
        }
    }
}

#[test]
fn handshakes_are_counted_also_where_they_are_refused_for_the_cap() {
    let all = Addresses::new(AddressLimits {
        connections: Some(1),
        handshakes: Some(Rate::new(1, 3)),
        remembered: 16,
    });
    let me = ip("2001:db8::1");
    assert_eq!(all.admit(me, ms(0)), Ok(()));
    assert_eq!(all.admit(me, ms(0)), Err(Crowded { retry_after: None }));
    assert_eq!(all.admit(me, ms(0)), Err(Crowded { retry_after: None }));
    assert_eq!(all.admit(me, ms(0)), again_in(1000));
    assert_eq!(all.admit(me, ms(400)), again_in(600));
    assert_eq!(all.connections(me), 1);
    // Leaving gives no tokens, and being away gives no more than time does.
    all.leave(me, ms(500));
    assert_eq!((all.connections(me), all.held()), (0, 1));
    assert_eq!(all.admit(me, ms(500)), again_in(500));
    assert_eq!(all.admit(me, ms(1000)), Ok(()));
}

#[test]
fn who_has_a_full_bucket_is_forgotten() {
    // Five tokens in five seconds.
    let all = rated(Rate::new(1, 5), 1000);
    for host in 0..100 {
        let address = IpAddr::V4(Ipv4Addr::from_bits(host));
        all.admit(address, ms(0)).expect("a token");
        all.leave(address, ms(0));
    }
    assert_eq!(all.held(), 100);
    // Another one comes, and again: the first time begins a new half, the second forgets the old one.
    for (millis, held) in [
        (4_999, 101),
        (5_000, 101),
        (9_999, 101),
        (10_000, 1),
        (20_000, 1),
    ] {
        let address = ip("2001:db8::1");
        all.admit(address, ms(millis)).expect("a token");
        all.leave(address, ms(millis));
        assert_eq!(all.held(), held, "{millis}");
    }
    // One that leaves with a full bucket is not kept at all.
    let all = rated(Rate::new(1, 5), 1000);
    all.admit(ip("192.0.2.1"), ms(0)).expect("a token");
    all.leave(ip("192.0.2.1"), ms(1000));
    assert_eq!(all.held(), 0);
}

#[test]
fn an_attacker_with_many_addresses_costs_a_fixed_amount() {
    let all = rated(Rate::new(1, 1), 64);
    let staying: Vec<_> = (0..10)
        .map(|n| IpAddr::V4(Ipv4Addr::from_bits(n)))
        .collect();
    for address in &staying {
        all.admit(*address, ms(0)).expect("a token");
    }
    for n in 0..10_000_u128 {
        let address = IpAddr::V6(Ipv6Addr::from_bits(n << 64 | 1 << 127));
        all.admit(address, ms(0)).expect("a token");
        all.leave(address, ms(0));
        assert!(all.held() <= 64 + staying.len(), "{}", all.held());
        // Whoever has come is remembered until 32 others have; here each one comes twice.
        assert_eq!(all.admit(address, ms(0)), again_in(1000));
        if n >= 15 {
            let before = IpAddr::V6(Ipv6Addr::from_bits((n - 15) << 64 | 1 << 127));
            assert_eq!(all.admit(before, ms(0)), again_in(1000), "{n}");
        }
    }
    // Whoever is connected is not forgotten.
    for address in &staying {
        assert_eq!(all.connections(*address), 1);
        assert_eq!(all.admit(*address, ms(0)), again_in(1000));
    }
}

#[test]
fn nobody_may_be_remembered() {
    for remembered in [0, 1] {
        let all = rated(Rate::new(1, 1), remembered);
        for _ in 0..3 {
            assert_eq!(all.admit(ip("192.0.2.1"), ms(0)), Ok(()));
            all.leave(ip("192.0.2.1"), ms(0));
            assert_eq!(all.held(), 0);
        }
    }
}

#[test]
fn workers_share_it() {
    let all = capped(100);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    if all.admit(ip("192.0.2.1"), ms(0)).is_ok() {
                        assert!(all.connections(ip("192.0.2.1")) <= 100);
                        all.leave(ip("192.0.2.1"), ms(0));
                    }
                }
            });
        }
    });
    assert_eq!((all.connections(ip("192.0.2.1")), all.held()), (0, 0));
}
