//! How much, how often and how many: per connection, per address and per route. And that every place that was taken is
//! given back.

use crate::frames;
use crate::harness::{Client, Sim, ms, secs};
use crate::world::{ask, heard, kill, open, request, say, start, status};
use sockeye::app::metrics::Registry;
use sockeye::app::{
    AddressLimits, App, Conn, Decision, Rate, Route, Router, Service, Ticket, Upgrade,
};
use sockeye::server::{Admission, Message, PeerAddr, RoomSettings, SlowPolicy};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Echoes; panics when it is opened or told so.
struct Plain;

impl Service for Plain {
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, user: &mut String, upgrade: &Upgrade<'_>) {
        assert!(upgrade.query().get("panic").is_none(), "asked to");
        if upgrade.query().get("who").is_some() {
            let _ = conn.send(user.as_str());
        }
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>) {
        match message {
            Message::Text("panic") => panic!("asked to"),
            Message::Text("address") => {
                let _ = conn.send(conn.addr().to_string().as_str());
            }
            Message::Text("latency") => {
                let _ = conn.send(format!("{:?}", conn.latency()).as_str());
            }
            _ => {
                let _ = conn.send(message);
            }
        }
    }
}

fn peer(text: &str) -> PeerAddr {
    PeerAddr::Ip(text.parse().expect("an address"))
}

/// What somebody is answered who comes from there.
fn ask_from(sim: &mut Sim<Router>, addr: &str, target: &str, headers: &str) -> (String, Client) {
    let conn = sim.net.connect_from(peer(addr));
    let bytes = Vec::new();
    let mut client = Client { conn, bytes };
    client.push(&request(target, headers));
    sim.settle();
    (client.head(), client)
}

#[track_caller]
fn assert_status(head: &str, status: u16) {
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
}

#[test]
fn who_says_too_much_at_once_is_closed() {
    let route = Route::new("/").rate(Rate::new(2, 3));
    let mut sim = start(App::new().route(route, |_| Plain));
    let (mut client, mut calm) = (open(&mut sim, "/"), open(&mut sim, "/"));
    for _ in 0..5 {
        client.push(&frames::text("x"));
    }
    sim.settle();
    assert_eq!(
        heard(&mut client),
        ["x", "x", "x", "<close 1008 too many messages>"]
    );
    // Each has its own.
    say(&mut sim, &calm, "y");
    assert_eq!(heard(&mut calm), ["y"]);
}

#[test]
fn who_keeps_to_the_rate_is_never_closed() {
    let route = Route::new("/").rate(Rate::new(2, 3));
    let mut sim = start(App::new().route(route, |_| Plain));
    let mut client = open(&mut sim, "/");
    for _ in 0..2 * 3600 {
        sim.run_for(ms(500));
        say(&mut sim, &client, "x");
        assert_eq!(heard(&mut client), ["x"]);
    }
    // And after a rest a burst is his again.
    sim.run_for(secs(2));
    for _ in 0..4 {
        say(&mut sim, &client, "x");
    }
    assert_eq!(
        heard(&mut client),
        ["x", "x", "x", "<close 1008 too many messages>"]
    );
}

fn limited(connections: Option<u32>, handshakes: Option<Rate>) -> App {
    App::new().per_address(AddressLimits {
        connections,
        handshakes,
        ..AddressLimits::default()
    })
}

fn retry_after(head: &str) -> Option<u64> {
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix("Retry-After: "))?;
    Some(value.parse().expect("seconds"))
}

#[test]
fn who_connects_too_often_is_told_when_to_come_again() {
    for (per_second, burst, offset) in [(1, 3, 0), (1, 1, 300), (3, 2, 100), (2, 5, 499)] {
        let app = limited(None, Some(Rate::new(per_second, burst)));
        let mut sim = start(app.route(Route::new("/"), |_| Plain));
        for _ in 0..burst {
            assert_eq!(status(&mut sim, "/", ""), 101);
        }
        sim.run_for(ms(offset));
        for _ in 0..5 {
            let (head, _) = ask(&mut sim, "/", "");
            assert_status(&head, 429);
            let wait = retry_after(&head).expect("it says when");
            assert_eq!(wait, 1);
        }
        // Others are not to blame.
        let (head, _) = ask_from(&mut sim, "192.0.2.2:1", "/", "");
        assert_status(&head, 101);
        // Refused tries cost nothing: waiting so long is enough.
        sim.run_for(secs(1));
        assert_eq!(status(&mut sim, "/", ""), 101);
    }
}

#[test]
fn whoever_is_refused_has_tried_all_the_same() {
    let app = limited(None, Some(Rate::new(1, 3)));
    let mut sim = start(app.route(Route::new("/"), |_| Plain));
    for _ in 0..3 {
        assert_eq!(status(&mut sim, "/none", ""), 404);
    }
    assert_eq!(status(&mut sim, "/none", ""), 429);
    assert_eq!(status(&mut sim, "/", ""), 429);
}

/// Shows 6455-4.1-11.
#[test]
fn an_address_may_have_so_many_connections() {
    let mut sim = start(limited(Some(2), None).route(Route::new("/"), |_| Plain));
    let mut held = Vec::new();
    for (addr, expected) in [
        ("192.0.2.7:1", 101),
        ("192.0.2.7:2", 101),
        ("192.0.2.7:3", 429),
        // As IPv6 writes it.
        ("[::ffff:192.0.2.7]:4", 429),
        ("192.0.2.8:1", 101),
        ("[2001:db8:0:1::1]:1", 101),
        // The same /64.
        ("[2001:db8:0:1:ffff:ffff:ffff:ffff]:1", 101),
        ("[2001:db8:0:1::3]:1", 429),
        ("[2001:db8:0:2::1]:1", 101),
        ("[::ffff:192.0.2.8]:4", 101),
        ("192.0.2.8:9", 429),
    ] {
        let (head, client) = ask_from(&mut sim, addr, "/", "");
        assert_status(&head, expected);
        assert_eq!(retry_after(&head), None, "nobody knows when one goes");
        held.push(client);
    }
}

/// Each loop counts its own time, and one that stood still for an hour is behind the others for ever.
#[test]
fn loops_whose_times_differ_count_the_same_tries() {
    let app = limited(None, Some(Rate::new(1, 3)));
    let app = app.route(Route::new("/"), |_| Plain);
    let workers = app.build().expect("nothing is wrong with it");
    let one = || Sim::of(workers.router(), workers.builder().settings().clone());
    let (mut ahead, mut behind) = (one(), one());
    ahead.run_for(secs(3600));
    for _ in 0..3 {
        assert_eq!(status(&mut ahead, "/", ""), 101);
    }
    let (head, _) = ask(&mut behind, "/", "");
    assert_status(&head, 429);
    assert_eq!(retry_after(&head), Some(1));
    for _ in 0..3 {
        behind.run_for(secs(1));
        assert_eq!(status(&mut behind, "/", ""), 101);
        assert_eq!(status(&mut behind, "/", ""), 429);
    }
}

/// A gate that does whatever can become of a request.
fn gate() -> sockeye::app::Gate<String> {
    Route::new("/").admit(|upgrade| {
        let query = upgrade.query();
        let user = || Decision::user("somebody".to_owned());
        match query.get("do").as_deref() {
            None => user(),
            Some("later") => Decision::Later,
            Some("gate-panic") => panic!("asked to"),
            Some("header") => match Decision::user("the last one".to_owned()) {
                Decision::Accept(accepted) => accepted.header("a b", "c").into(),
                other => other,
            },
            Some(status) => Decision::refuse(status.parse().expect("a status"), "no"),
        }
    })
}

/// A way in which somebody comes and does not stay.
type Way = fn(&mut Sim<Router>);

/// Every way to come and go but to stay. Two places are there, so whoever leaves one behind is found out.
#[test]
fn every_place_is_given_back() {
    let registry = Registry::new();
    let app = limited(Some(2), None)
        .metrics(&registry)
        .route(gate(), |_| Plain)
        .route(Route::new("/broken"), |_| -> Plain { panic!("asked to") });
    let mut sim = start(app);
    let ways: &[(&str, Way)] = &[
        ("killed", |sim| {
            let client = open(sim, "/");
            kill(sim, &client);
        }),
        ("closed", |sim| {
            let client = open(sim, "/");
            client.close_in_order(sim, 1000);
        }),
        ("ended", |sim| {
            let client = open(sim, "/");
            client.conn.end();
            sim.settle();
        }),
        ("401", |sim| assert_eq!(status(sim, "/?do=401", ""), 401)),
        ("403", |sim| assert_eq!(status(sim, "/?do=403", ""), 403)),
        ("origin", |sim| {
            assert_eq!(status(sim, "/", "Origin: http://evil\r\n"), 403);
        }),
        ("404", |sim| assert_eq!(status(sim, "/none", ""), 404)),
        ("a gate that panics", |sim| {
            assert_eq!(status(sim, "/?do=gate-panic", ""), 500);
        }),
        ("an answer that cannot be written", |sim| {
            assert_eq!(status(sim, "/?do=header", ""), 500);
        }),
        ("a panic in open", |sim| {
            let client = open(sim, "/?panic");
            client.close_in_order(sim, 1011);
        }),
        ("a service that cannot be made", |sim| {
            let client = open(sim, "/broken");
            client.close_in_order(sim, 1011);
        }),
        ("a panic in message", |sim| {
            let client = open(sim, "/");
            say(sim, &client, "panic");
            client.close_in_order(sim, 1011);
        }),
        ("put off and abandoned", |sim| {
            let (head, client) = ask(sim, "/?do=later", "");
            assert_eq!(head, "");
            kill(sim, &client);
            // Nothing is read of it, so it is found when its time is up.
            sim.run_for(secs(6));
        }),
        ("put off, and saying more", |sim| {
            let (_, mut client) = ask(sim, "/?do=later", "");
            say(sim, &client, "hello?");
            sim.run_for(secs(6));
            assert_status(&client.head(), 503);
        }),
        ("put off for too long", |sim| {
            let (_, mut client) = ask(sim, "/?do=later", "");
            sim.run_for(secs(6));
            assert_status(&client.head(), 503);
        }),
        ("not answered to a ping", |sim| {
            let client = open(sim, "/");
            sim.run_for(secs(120));
            assert!(client.conn.is_closed());
        }),
    ];
    for (way, go) in ways {
        for _ in 0..3 {
            go(&mut sim);
        }
        let (one, two) = (open(&mut sim, "/"), open(&mut sim, "/"));
        assert_eq!(status(&mut sim, "/", ""), 429, "{way}");
        assert_eq!(registry.totals().open, 2, "{way}");
        kill(&mut sim, &one);
        kill(&mut sim, &two);
    }
}

/// Also one that panics before a service is told of anybody.
#[test]
fn a_policy_of_rooms_that_panics_takes_no_place() {
    let rooms = RoomSettings::default().policy(|room| match room {
        "" => panic!("asked to"),
        _ => SlowPolicy::Close,
    });
    let app = limited(Some(1), None).rooms(rooms);
    let mut sim = start(app.route(Route::new("/").max_connections(1), |_| Plain));
    for _ in 0..3 {
        let client = open(&mut sim, "/");
        client.close_in_order(&mut sim, 1011);
    }
}

/// Who was let in, but could not be told so, is nobody; least of all the next one.
#[test]
fn nobody_comes_in_as_the_one_before() {
    let last = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&last);
    let later = Route::new("/later").admit(move |upgrade| -> Decision<String> {
        *keep.lock().expect("no panic") = Some(upgrade.id());
        Decision::Later
    });
    let app = App::new().route(gate(), |_| Plain);
    let mut sim = start(app.route(later, |_| Plain));
    assert_eq!(status(&mut sim, "/?do=header", ""), 500);
    let (_, mut client) = ask(&mut sim, "/later?who", "");
    let id = last.lock().expect("no panic").expect("it was asked");
    // An answer without a user: nobody may be made of it.
    sim.server.hub().answer(id, Admission::new());
    sim.settle();
    assert_status(&client.head(), 101);
    assert_eq!(heard(&mut client), ["<close 1011 >"]);
}

#[test]
fn only_trusted_proxies_say_where_somebody_comes_from() {
    let trusted = ["10.0.0.0/8".parse().expect("a network")];
    let app = limited(Some(1), None).trust_forwarded(trusted);
    let mut sim = start(app.route(Route::new("/"), |_| Plain));
    let mut held = Vec::new();
    for (addr, said, expected) in [
        ("10.0.0.1:1", "198.51.100.1", 101),
        ("10.0.0.2:1", "198.51.100.1", 429),
        ("10.0.0.1:1", "198.51.100.2", 101),
        // What the client has made up stands on the left.
        ("10.0.0.1:1", "9.9.9.9, 198.51.100.2", 429),
        // Whoever is not trusted is where he is, whatever he says.
        ("192.0.2.1:1", "198.51.100.3", 101),
        ("192.0.2.1:1", "198.51.100.4", 429),
        ("10.0.0.1:1", "198.51.100.3", 101),
    ] {
        let header = format!("X-Forwarded-For: {said}\r\n");
        let (head, mut client) = ask_from(&mut sim, addr, "/", &header);
        assert_status(&head, expected);
        if expected == 101 {
            say(&mut sim, &client, "address");
            let from = if addr.starts_with("10.") { said } else { addr };
            assert!(heard(&mut client)[0].starts_with(from), "{addr} {said}");
        }
        held.push(client);
    }
    // The place goes back to whom it was taken from.
    for client in &held {
        kill(&mut sim, client);
    }
    let header = "X-Forwarded-For: 198.51.100.1\r\n";
    let (head, _) = ask_from(&mut sim, "10.0.0.1:1", "/", header);
    assert_status(&head, 101);
}

#[test]
fn a_route_has_so_many_connections_on_all_its_paths() {
    let app = App::new()
        .route(Route::new("/chat/{room}").max_connections(2), |_| Plain)
        .route(Route::new("/other"), |_| Plain);
    let mut sim = start(app);
    let first = open(&mut sim, "/chat/a");
    let _second = open(&mut sim, "/chat/b");
    for _ in 0..3 {
        let (head, _) = ask(&mut sim, "/chat/c", "");
        assert_status(&head, 503);
        assert!(retry_after(&head).is_some(), "{head}");
    }
    assert_eq!(status(&mut sim, "/other", ""), 101);
    kill(&mut sim, &first);
    let third = open(&mut sim, "/chat/c");
    assert_eq!(status(&mut sim, "/chat/a", ""), 503);
    third.close_in_order(&mut sim, 1000);
    let panicked = open(&mut sim, "/chat/c?panic");
    panicked.close_in_order(&mut sim, 1011);
    let _fourth = open(&mut sim, "/chat/c");
    assert_eq!(status(&mut sim, "/chat/a", ""), 503);
}

/// Both were asked for while the place was free.
#[test]
fn two_tickets_do_not_get_the_same_last_place() {
    let tickets = Arc::new(Mutex::new(Vec::<Ticket<String>>::new()));
    let keep = Arc::clone(&tickets);
    let gate = Route::new("/").max_connections(1).admit(move |upgrade| {
        keep.lock().expect("no panic").push(upgrade.ticket());
        Decision::Later
    });
    let app = App::new().route(gate, |_| Plain).stop_on_signals(false);
    let serving = app.bind("127.0.0.1:0").expect("a port");
    let (addr, handle) = (serving.local_addr(), serving.handle());
    let server = std::thread::spawn(move || serving.run());
    let mut streams = [(); 2].map(|()| TcpStream::connect(addr).expect("it listens"));
    for stream in &mut streams {
        stream.write_all(&request("/", "")).expect("it reads");
    }
    while tickets.lock().expect("no panic").len() < 2 {
        std::thread::yield_now();
    }
    for ticket in tickets.lock().expect("no panic").drain(..) {
        let user = Decision::user("somebody".to_owned());
        ticket.answer(user).expect("it runs");
    }
    let mut statuses = streams.map(|mut stream| {
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("it answers");
        String::from_utf8_lossy(&head[9..]).into_owned()
    });
    statuses.sort();
    handle.shutdown().expect("it runs");
    server.join().expect("no panic").expect("an orderly end");
    assert_eq!(statuses, ["101", "503"]);
}

fn pings(route: Route) -> Sim<Router> {
    start(App::new().route(route, |_| Plain))
}

/// Waits for a ping, which is due by then, and answers it so much later.
fn answer_ping(sim: &mut Sim<Router>, client: &mut Client, due: Duration, after: Duration) {
    let latest = sim.net.now() + due + ms(2);
    while client.conn.untaken() == 0 {
        sim.run_for(ms(1));
        assert!(sim.net.now() <= latest, "no ping");
    }
    let ping = client.frame();
    assert_eq!(ping.opcode, frames::PING);
    sim.run_for(after);
    client.push(&frames::pong(&ping.payload));
    sim.settle();
}

#[test]
fn how_long_a_ping_takes_is_known() {
    let mut sim = pings(Route::new("/").ping(secs(3)).pong(secs(2)));
    let mut client = open(&mut sim, "/");
    say(&mut sim, &client, "latency");
    assert_eq!(heard(&mut client), ["None"]);
    for latency in [50, 0, 1900] {
        answer_ping(&mut sim, &mut client, secs(3), ms(latency));
        say(&mut sim, &client, "latency");
        assert_eq!(
            heard(&mut client),
            [format!("Some({:?})", ms(latency))],
            "{latency}"
        );
    }
    sim.run_for(secs(6));
    assert_eq!(heard(&mut client), ["<ping>", "<close 1001 ping timeout>"]);
}

#[test]
fn who_is_too_slow_for_a_route_is_closed() {
    let route = Route::new("/").ping(secs(3)).max_latency(ms(100));
    let mut sim = pings(route);
    let mut client = open(&mut sim, "/");
    answer_ping(&mut sim, &mut client, secs(3), ms(100));
    client.assert_quiet();
    answer_ping(&mut sim, &mut client, secs(3), ms(101));
    assert_eq!(heard(&mut client), ["<close 1008 too slow>"]);
}

#[test]
fn each_route_has_its_own_time() {
    let app = App::new()
        .route(Route::new("/quick").ping(secs(1)).pong(secs(1)), |_| Plain)
        .route(Route::new("/slow").ping(secs(10)).pong(secs(5)), |_| Plain)
        .route(Route::new("/idle").ping(secs(9)).idle(secs(4)), |_| Plain);
    let mut sim = start(app);
    let [mut quick, mut slow, mut idle] =
        ["/quick", "/slow", "/idle"].map(|path| open(&mut sim, path));
    sim.run_for(ms(2100));
    assert_eq!(heard(&mut quick), ["<ping>", "<close 1001 ping timeout>"]);
    say(&mut sim, &idle, "x");
    heard(&mut idle);
    sim.run_for(ms(3900));
    assert!(heard(&mut idle).is_empty());
    sim.run_for(ms(200));
    assert_eq!(heard(&mut idle), ["<close 1001 idle>"]);
    assert!(heard(&mut slow).is_empty());
    sim.run_until(ms(10_100));
    assert_eq!(heard(&mut slow), ["<ping>"]);
    sim.run_until(ms(15_100));
    assert_eq!(heard(&mut slow), ["<close 1001 ping timeout>"]);
}
