//! From a name to a stream: the resolver, the race for an address, and who is told what came of it.

use crate::harness::{Server, Sim, Told, ms, secs, to};
use crate::sim::{Net, Reached, Resolution, random};
use rustix::io::Errno;
use sockeye::client::{Limits, Settings, Timeouts};
use sockeye::kernel::{Ready, Token};
use std::io::ErrorKind;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const NEVER: [Reached; 1] = [Reached::Never];

/// `ws://h/`, where `h` has these addresses.
fn racing(addresses: &[&'static str]) -> Sim {
    let mut sim = Sim::new();
    sim.net
        .name("h", [Resolution::After(NOW, addresses.to_vec())]);
    sim.dial(&to("ws://h/"));
    sim
}

/// When which address was tried.
fn tried(net: &Net) -> Vec<(u64, String)> {
    let dialed = net.dialed().into_iter();
    let at = |at: Duration| u64::try_from(at.as_millis()).unwrap();
    dialed.map(|dialed| (at(dialed.at), dialed.to)).collect()
}

/// How many of the streams that were begun are held.
fn held(net: &Net) -> usize {
    let dialed = net.dialed().into_iter();
    dialed
        .filter(|dialed| dialed.conn.as_ref().is_some_and(|conn| !conn.is_closed()))
        .count()
}

/// RFC 8305 sections 4 and 5: the families in turn, beginning with that of the first; one more every 250 ms.
#[test]
fn addresses_are_tried_family_by_family_every_250_ms() {
    let mut sim = racing(&["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]);
    for address in [
        "[::1]:80",
        "[::2]:80",
        "[::3]:80",
        "10.0.0.1:80",
        "10.0.0.2:80",
    ] {
        sim.net.reach(address, NEVER);
    }
    sim.run_for(secs(2));
    let tried = tried(&sim.net);
    let order: Vec<_> = tried.iter().map(|(_, to)| to.as_str()).collect();
    assert_eq!(
        order,
        [
            "[::1]:80",
            "10.0.0.1:80",
            "[::2]:80",
            "10.0.0.2:80",
            "[::3]:80"
        ]
    );
    for (number, (at, _)) in (0_u64..).zip(&tried) {
        assert!((250 * number..=252 * number).contains(at), "{tried:?}");
    }
    assert_eq!(sim.net.asked()[0].1, "h:80");
    sim.run_until(secs(10) - ms(1));
    assert_eq!(held(&sim.net), 5);
    sim.run_until(secs(10) + ms(2));
    assert_eq!(sim.only_failure(), "Timeout(Connect)");
    sim.assert_idle();
}

#[test]
fn the_first_that_is_connected_wins_and_the_others_are_closed() {
    for winner in 0..3 {
        let mut sim = racing(&["::1", "10.0.0.1", "::2"]);
        for (number, address) in ["[::1]:80", "10.0.0.1:80", "[::2]:80"].iter().enumerate() {
            let reached = if number == winner {
                Reached::After(ms(1000))
            } else {
                Reached::After(ms(5000))
            };
            sim.net.reach(address, [reached]);
        }
        sim.run_until(ms(990) + ms(260) * winner as u32);
        sim.run_for(ms(100));
        assert_eq!(held(&sim.net), 1, "{winner}");
        let won = sim.net.dialed()[winner].conn.clone().unwrap();
        assert!(!won.is_closed());
        let mut server = Server::new(won);
        server.accept();
        sim.settle();
        assert!(matches!(sim.take_told()[..], [Told::Open { tag: 7, .. }]));
        // What becomes of the others later is nobody's business.
        sim.run_for(secs(6));
        assert!(sim.take_told().is_empty());
        assert_eq!(sim.client.connections(), 1);
    }
}

#[test]
fn one_that_fails_has_the_next_begin_at_once() {
    let refused = Errno::CONNREFUSED;
    let rows = [
        (Reached::AtOnce(Errno::NETUNREACH), 0),
        (Reached::Refused(NOW, refused), 0),
        (Reached::Refused(ms(100), refused), 100),
        (Reached::Refused(ms(249), refused), 249),
    ];
    for (reached, second_at) in rows {
        let mut sim = racing(&["::1", "10.0.0.1", "::2"]);
        sim.net.reach("[::1]:80", [reached]);
        sim.net.reach("10.0.0.1:80", NEVER);
        sim.net.reach("[::2]:80", [Reached::After(ms(500))]);
        sim.run_for(secs(1));
        let tried = tried(&sim.net);
        assert_eq!(tried[1].0, second_at, "{reached:?}");
        // And the one after that has its own 250 ms.
        let third = tried[2].0 - second_at;
        assert!((250..=252).contains(&third), "{reached:?}: {third}");
        assert_eq!(held(&sim.net), 1, "{reached:?}");
        assert!(sim.told().is_empty());
    }
}

#[test]
fn when_all_fail_every_attempt_is_told_in_the_order_in_which_they_failed() {
    let mut sim = racing(&["::1", "10.0.0.1", "::2"]);
    sim.net
        .reach("[::1]:80", [Reached::Refused(secs(1), Errno::TIMEDOUT)]);
    sim.net
        .reach("10.0.0.1:80", [Reached::AtOnce(Errno::NETUNREACH)]);
    sim.net
        .reach("[::2]:80", [Reached::Refused(ms(10), Errno::CONNREFUSED)]);
    sim.run_for(secs(2));
    let told = sim.only_failure();
    let places = ["10.0.0.1:80", "[::2]:80", "[::1]:80"].map(|to| told.find(to).expect(&told));
    assert!(places.is_sorted() && told.starts_with("Connect("), "{told}");
    for error in ["NetworkUnreachable", "ConnectionRefused", "TimedOut"] {
        assert!(told.contains(error), "{told}");
    }
    sim.assert_idle();
}

/// Shows 6455-4.1-13 6455-4.1-15.
#[test]
fn an_address_needs_no_resolver() {
    for (url, address) in [
        ("ws://10.0.0.1:81/", "10.0.0.1:81"),
        ("ws://[::1]/", "[::1]:80"),
        ("ws+unix:/run/x.sock:/t", "/run/x.sock"),
    ] {
        let mut sim = Sim::new();
        sim.net
            .reach(address, [Reached::Refused(ms(5), Errno::CONNREFUSED)]);
        sim.dial(&to(url));
        sim.run_for(secs(1));
        assert!(sim.only_failure().starts_with("Connect("));
        assert!(sim.net.asked().is_empty());
        assert_eq!(tried(&sim.net), [(0, address.to_owned())]);
        sim.net.reach(address, [Reached::After(ms(5))]);
        sim.dial(&to(url));
        sim.run_for(secs(1));
        sim.server().accept();
        sim.settle();
        assert!(matches!(sim.take_told()[..], [Told::Open { tag: 7, .. }]));
    }
}

#[test]
fn a_resolver_that_fails_is_told_with_the_name() {
    let rows = [
        (Resolution::AtOnce(ErrorKind::OutOfMemory), "OutOfMemory"),
        (Resolution::Fails(NOW, ErrorKind::NotFound), "NotFound"),
        (Resolution::Fails(secs(3), ErrorKind::TimedOut), "TimedOut"),
        (Resolution::After(ms(1), vec![]), "Connect([])"),
        (Resolution::Never, "Timeout(Resolve)"),
    ];
    for (resolution, want) in rows {
        let mut sim = Sim::new();
        sim.net.name("h", [resolution]);
        sim.dial(&to("ws://h:81/"));
        sim.run_for(secs(11));
        let told = sim.only_failure();
        assert!(told.contains(want), "{told}");
        assert_eq!(
            told.starts_with("Resolve { host: \"h\""),
            !want.ends_with(')'),
            "{told}"
        );
        assert!(sim.net.dialed().is_empty());
        sim.assert_idle();
    }
}

/// An answer that comes when nobody waits any more.
#[test]
fn an_answer_of_the_resolver_that_is_late_is_ignored() {
    let mut sim = Sim::new();
    let late = Resolution::After(secs(12), vec!["10.0.0.1"]);
    sim.net
        .name("h", [late, Resolution::After(secs(5), vec!["10.0.0.2"])]);
    sim.dial(&to("ws://h/"));
    sim.run_until(secs(11));
    assert_eq!(sim.only_failure(), "Timeout(Resolve)");
    // Another attempt is in the same place.
    sim.dial(&to("ws://h/"));
    sim.run_until(secs(13));
    assert!(sim.net.dialed().is_empty() && sim.told().is_empty());
    sim.run_until(secs(17));
    assert_eq!(tried(&sim.net).len(), 1);
    assert_eq!(sim.net.dialed()[0].to, "10.0.0.2:80");
}

#[test]
fn reports_of_what_is_over_are_ignored() {
    let mut sim = racing(&["::1", "10.0.0.1"]);
    sim.net
        .reach("[::1]:80", [Reached::Refused(ms(10), Errno::CONNREFUSED)]);
    sim.net.reach("10.0.0.1:80", NEVER);
    sim.run_for(ms(20));
    let tokens: Vec<Token> = sim
        .net
        .dialed()
        .iter()
        .map(|dialed| dialed.conn.as_ref().unwrap().token().unwrap())
        .collect();
    let report = |token| Ready::Stream {
        token,
        readable: true,
        writable: true,
        hangup: true,
    };
    // The one that failed, one that never was, and the one that knows nothing yet.
    let number = |number: usize| Token(tokens[0].0 & !(0x7F << 24) | number << 24);
    for token in [tokens[0], number(2), number(99), number(127), tokens[1]] {
        sim.net.forge(report(token));
        sim.settle();
    }
    // The resolver has answered already.
    sim.net.forge(Ready::Resolved {
        key: number(0).0 as u64,
    });
    sim.settle();
    assert!(sim.told().is_empty(), "{:?}", sim.take_told());
    assert_eq!((sim.client.dialing(), held(&sim.net)), (1, 1));
    sim.run_until(secs(11));
    assert_eq!(sim.only_failure(), "Timeout(Connect)");
    // And all of them, when there is no attempt, and when there is another in its place.
    for _ in 0..2 {
        for token in [tokens[0], tokens[1], number(2)] {
            sim.net.forge(report(token));
            sim.net.forge(Ready::Resolved {
                key: token.0 as u64,
            });
        }
        sim.settle();
        assert!(sim.told().is_empty());
        sim.net.reach("10.0.0.9:80", NEVER);
        sim.dial(&to("ws://10.0.0.9/"));
    }
    assert_eq!(sim.client.dialing(), 2);
}

#[test]
fn what_cannot_be_registered_is_an_attempt_that_failed() {
    let mut sim = racing(&["::1", "10.0.0.1"]);
    sim.net.queue_register_error(Errno::NOSPC);
    sim.settle();
    sim.server().accept();
    sim.settle();
    assert!(matches!(sim.take_told()[..], [Told::Open { tag: 7, .. }]));
    let mut sim = racing(&["::1"]);
    sim.net.queue_register_error(Errno::NOSPC);
    sim.settle();
    let told = sim.only_failure();
    assert!(
        told.starts_with("Connect([Attempt { to: \"[::1]:80\""),
        "{told}"
    );
    sim.assert_idle();
    // Under its own name, once it is connected.
    let mut sim = racing(&["::1"]);
    sim.net.queue_register_anew_error(Errno::NOMEM);
    sim.settle();
    assert_eq!(sim.only_failure(), "Ended(Connect)");
    sim.assert_idle();
}

/// R09: without randomness there is no request, and nobody else is harmed.
#[test]
fn without_random_bytes_nothing_is_sent() {
    let mut sim = Sim::new();
    let server = sim.open();
    // What is left of the batch is used up.
    for tag in 100..200 {
        sim.net.reach("10.0.0.5:80", [Reached::After(NOW)]);
        sim.client.connect(&to("ws://10.0.0.5/"), tag).unwrap();
        random::set_failing(true);
        sim.settle();
        if !sim.told().is_empty() {
            break;
        }
    }
    let told = sim.take_told();
    assert!(
        matches!(&told[..], [Told::Failed(_, error)] if error == "Random"),
        "{told:?}"
    );
    let last = sim.server();
    assert!(last.conn.is_closed() && last.conn.take_sent().is_empty());
    // The one that was open is heard as before.
    server.push(&crate::harness::text("hello"));
    sim.settle();
    assert_eq!(sim.take_told(), [Told::Text(7, "hello".into())]);
    assert!(!server.conn.is_closed());
}

#[test]
fn every_stage_has_its_deadline_and_it_is_told_once() {
    for (timeout, stage) in (0..4).flat_map(|stage| [(10_000, stage), (1, stage), (1234, stage)]) {
        let mut sim = Sim::new();
        let name = Resolution::After(NOW, vec!["10.0.0.1"]);
        let name = if stage == 0 { Resolution::Never } else { name };
        sim.net.name("h", [name]);
        if stage == 1 {
            sim.net.reach("10.0.0.1:80", NEVER);
        }
        let mut connector = to("ws://h/").connect_timeout(ms(timeout));
        if stage == 2 {
            let proxy = sockeye::client::Proxy::parse("http://10.0.0.8:3128").unwrap();
            connector = connector.proxy(proxy);
        }
        sim.dial(&connector);
        sim.run_until(ms(timeout) - ms(1));
        assert!(sim.told().is_empty(), "too early");
        sim.run_until(ms(timeout) + ms(2));
        let want = ["Resolve", "Connect", "Proxy", "Handshake"][stage];
        assert_eq!(sim.only_failure(), format!("Timeout({want})"));
        sim.run_for(secs(30));
        assert!(sim.told().is_empty(), "told again");
        sim.assert_idle();
    }
}

/// A handler of a server's loop that opens connections of its own.
#[test]
fn connections_can_be_opened_by_a_handler_of_a_server() {
    let mut sim = Sim::new();
    let accepted = sim.net.connect();
    accepted.push(crate::frames::REQUEST);
    sim.settle();
    accepted.take_sent();
    sim.probe().dials = Some((to("ws://10.0.0.1/"), 9));
    accepted.push(&crate::frames::text("!dial"));
    // In the same turn, so that no report needs to come first.
    sim.turn();
    assert_eq!(sim.net.dialed().len(), 1);
    sim.settle();
    let mut server = sim.server();
    server.accept();
    server.push(&crate::harness::text("!dial"));
    sim.settle();
    assert_eq!(sim.net.dialed().len(), 2);
    let told = sim.take_told();
    assert!(matches!(told[1], Told::Open { tag: 9, .. }), "{told:?}");
    // What is said to all goes to those who were accepted, and to no server.
    assert!(accepted.take_sent().is_empty() && server.frames().is_empty());
    assert_eq!(sim.client.connections(), 3);
}

/// Connections that a server opens take no place from those who come to it.
#[test]
fn what_is_opened_takes_nobodys_place() {
    let limits = Limits {
        max_connections: 1,
        ..Limits::default()
    };
    let mut sim = Sim::with(Settings::new(limits, Timeouts::default()));
    let servers = [sim.open(), sim.open()];
    let accepted = sim.net.connect();
    accepted.push(crate::frames::REQUEST);
    sim.settle();
    assert!(accepted.take_sent().starts_with(b"HTTP/1.1 101 "));
    // Of those who come there is one, and stays one, also when a connection of ours has ended.
    for server in servers {
        server.conn.end();
        sim.settle();
        let other = sim.net.connect();
        other.push(crate::frames::REQUEST);
        sim.settle();
        assert!(other.take_sent().starts_with(b"HTTP/1.1 503 "));
    }
}

/// Many at once keep apart.
#[test]
fn a_thousand_attempts_do_not_get_in_each_others_way() {
    let mut sim = Sim::new();
    for tag in 0..1000_u64 {
        let address = format!("10.1.{}.{}:80", tag / 250, tag % 250);
        let outcome = match tag % 4 {
            0 => Reached::After(ms(tag)),
            1 => Reached::Refused(ms(tag), Errno::CONNREFUSED),
            2 => Reached::Never,
            _ => Reached::AtOnce(Errno::NETUNREACH),
        };
        sim.net.reach(&address, [outcome]);
        sim.client
            .connect(&to(&format!("ws://{address}/")), tag)
            .unwrap();
    }
    for tick in 0..=1000 {
        sim.run_until(ms(tick));
        for dialed in sim.net.dialed() {
            let Some(conn) = dialed.conn.filter(|conn| conn.untaken() > 0) else {
                continue;
            };
            Server::new(conn).accept();
        }
        sim.settle();
    }
    sim.run_until(secs(11));
    let told = sim.take_told();
    assert_eq!(told.len(), 1000);
    for told in &told {
        match told {
            Told::Open { tag, .. } => assert_eq!(tag % 4, 0),
            Told::Failed(tag, error) if error.starts_with("Connect(") => assert_eq!(tag % 2, 1),
            Told::Failed(tag, error) => {
                assert_eq!((tag % 4, error.as_str()), (2, "Timeout(Connect)"))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((sim.client.connections(), sim.client.dialing()), (250, 0));
}

#[test]
fn of_two_that_are_connected_at_the_same_moment_one_is_taken() {
    let mut sim = racing(&["::1", "10.0.0.1"]);
    sim.net.reach("[::1]:80", [Reached::After(ms(400))]);
    sim.net.reach("10.0.0.1:80", [Reached::After(ms(150))]);
    sim.net.set_lag(ms(20));
    sim.run_for(ms(500));
    assert_eq!((sim.client.connections(), sim.client.dialing()), (1, 0));
    assert_eq!((held(&sim.net), sim.net.dialed().len()), (1, 2));
    assert!(sim.told().is_empty());
}

/// The number of an address has seven bits in a token.
#[test]
fn of_very_many_addresses_a_hundred_are_tried() {
    let mut sim = racing(&["10.0.0.1"; 300]);
    let refused = Reached::Refused(NOW, Errno::CONNREFUSED);
    sim.net.reach("10.0.0.1:80", [refused]);
    sim.run_for(secs(1));
    assert_eq!(sim.only_failure().matches("10.0.0.1:80").count(), 100);
    sim.assert_idle();
}
