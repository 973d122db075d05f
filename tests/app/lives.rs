//! The lives of services: made for the first, dropped some time after the last.

use crate::frames;
use crate::harness::{Sim, ms, secs};
use crate::world::{Log, Noting, heard, kill, open, read, say, start, status};
use sockeye::app::metrics::Registry;
use sockeye::app::{App, Echo, Rate, Route};
use std::sync::Arc;

fn noting(log: &Log, route: &str) -> App {
    let log = Arc::clone(log);
    App::new().route(Route::new(route), move |params| {
        Noting::new(params.get("room").unwrap_or("-"), &log)
    })
}

#[test]
fn a_service_lives_from_its_first_connection_to_five_seconds_after_its_last() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/chat/{room}"));
    assert!(read(&log).is_empty());
    let first = open(&mut sim, "/chat/tea");
    let second = open(&mut sim, "/chat/tea");
    assert_eq!(
        read(&log),
        ["tea made", "tea open, 1 online", "tea open, 2 online"]
    );
    kill(&mut sim, &first);
    kill(&mut sim, &second);
    assert_eq!(
        read(&log),
        ["tea close 1006, 1 online", "tea close 1006, 0 online"]
    );
    sim.run_for(ms(4900));
    assert!(read(&log).is_empty());
    sim.run_for(ms(200));
    assert_eq!(read(&log), ["tea dropped"]);
    // Another one, at the same path.
    let _third = open(&mut sim, "/chat/tea");
    assert_eq!(read(&log), ["tea made", "tea open, 1 online"]);
}

#[test]
fn whoever_comes_back_in_time_finds_it() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/chat/{room}"));
    for _ in 0..5 {
        let client = open(&mut sim, "/chat/tea");
        kill(&mut sim, &client);
        sim.run_for(secs(4));
    }
    assert_eq!(
        read(&log).iter().filter(|line| *line == "tea made").count(),
        1
    );
    sim.run_for(ms(900));
    assert!(read(&log).is_empty());
    sim.run_for(ms(200));
    assert_eq!(read(&log), ["tea dropped"]);
}

/// Shows 6455-4.2.2-11 6455-4.2.2-12.
#[test]
fn each_path_is_a_world_of_its_own() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/chat/{room}"));
    let [mut tea, mut more_tea, mut milk] =
        ["/chat/tea", "/chat/tea", "/chat/milk"].map(|path| open(&mut sim, path));
    say(&mut sim, &tea, "hello");
    assert_eq!(heard(&mut more_tea), ["hello"]);
    assert!(heard(&mut tea).is_empty() && heard(&mut milk).is_empty());
    assert_eq!(status(&mut sim, "/chat/", ""), 404);
}

#[test]
fn a_panic_costs_its_own_connection_and_no_count() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/chat"));
    let mut calm = open(&mut sim, "/chat");
    let mut client = open(&mut sim, "/chat?panic");
    sim.settle();
    assert_eq!(heard(&mut client), ["<close 1011 >"]);
    let mut client = open(&mut sim, "/chat");
    say(&mut sim, &client, "panic");
    assert_eq!(heard(&mut client), ["<close 1011 >"]);
    client.close_in_order(&mut sim, 1011);
    let other = open(&mut sim, "/chat");
    say(&mut sim, &other, "well?");
    assert_eq!(heard(&mut calm), ["well?"]);
    assert_eq!(
        read(&log),
        [
            "- made",
            "- open, 1 online",
            "- open, 2 online",
            "- close 1011, 1 online",
            "- open, 2 online"
        ]
    );
}

/// All of them on one socket: a path cannot be shared, and a port that the system chose is chosen once.
#[test]
fn workers_listen_at_one_place() {
    let dir = std::env::temp_dir().join(format!("sockeye-workers-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let path = format!("unix:{}", dir.join("socket").display());
    for place in [path.as_str(), "127.0.0.1:0"] {
        let app = noting(&Log::default(), "/chat").stop_on_signals(false);
        let serving = app.workers(3).bind(place).expect(place);
        assert_eq!(serving.stoppers().len(), 3);
    }
    std::fs::remove_dir_all(&dir).expect("it is ours");
}

#[test]
fn a_worker_that_is_gone_leaves_its_places_on_a_route_to_the_others() {
    let app = App::new().route(Route::new("/").max_connections(2), |_| Echo);
    let workers = app.build().expect("nothing is wrong with it");
    let worker = || Sim::of(workers.router(), workers.builder().settings().clone());
    let [mut one, mut other] = [worker(), worker()];
    let _both = [open(&mut one, "/"), open(&mut one, "/")];
    assert_eq!(status(&mut other, "/", ""), 503);
    drop(one);
    let _both = [open(&mut other, "/"), open(&mut other, "/")];
    assert_eq!(status(&mut other, "/", ""), 503);
}

/// What is no connection of a route has no service, and is counted nowhere.
#[cfg(feature = "client")]
#[test]
fn what_a_connection_says_that_was_opened_here_is_not_heard() {
    use sockeye::client::Connector;
    use sockeye::proto::handshake::accept_of;

    let registry = Registry::new();
    let app = App::new().metrics(&registry);
    let mut sim = start(app.route(Route::new("/"), |_| Echo));
    let mut echoed = open(&mut sim, "/");
    let connector = Connector::new("ws://10.0.0.1/").expect("a URL");
    let begun = sim.server.connect(&connector, 7);
    begun.expect("nothing is wrong");
    sim.settle();
    let conn = sim.net.take_connected().pop().expect("it has come about");
    let asked = String::from_utf8(conn.take_sent()).expect("ASCII");
    let mut lines = asked.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_of(key.expect("a key").as_bytes());
    conn.push(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    conn.push(b"Sec-WebSocket-Accept: ");
    conn.push(&accept);
    conn.push(b"\r\n\r\n\x81\x02hi");
    sim.settle();
    assert!(!conn.is_closed());
    assert_eq!(registry.totals().open, 1);
    conn.push(b"\x88\x00");
    conn.end();
    sim.settle();
    assert!(conn.is_closed());
    assert_eq!(registry.totals().open, 1);
    say(&mut sim, &echoed, "on it goes");
    assert_eq!(heard(&mut echoed), ["on it goes"]);
}

#[test]
fn whoever_comes_after_one_that_said_too_much_may_say_as_much_as_anybody() {
    let mut sim = start(App::new().route(Route::new("/").rate(Rate::new(1, 2)), |_| Echo));
    for _ in 0..3 {
        let mut client = open(&mut sim, "/");
        for _ in 0..3 {
            client.push(&frames::text("x"));
        }
        sim.settle();
        assert_eq!(
            heard(&mut client),
            ["x", "x", "<close 1008 too many messages>"]
        );
        kill(&mut sim, &client);
    }
}
