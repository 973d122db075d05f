//! Looking into an application: reports, snapshots and taps.

use crate::frames;
use crate::harness::{Client, Sim, ms, secs};
use crate::world::{kill, open, say, start};
use sockeye::app::watch::{Direction, Kind, Line, MAX_ROWS, MAX_TAPS, MAX_TEXT, Query, Snapshot};
use sockeye::app::{App, Conn, Monitor, Route, Router, Service, Upgrade};
use sockeye::server::Message;

/// Joins the rooms of `?rooms=a,b`, is who `?name=` says, and says to the room `a` what it hears; some words are commands.
#[derive(Default)]
pub struct Rooms;

impl Service for Rooms {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        let query = upgrade.query();
        if let Some(name) = query.get("name") {
            conn.identify(&name).expect("a name");
        }
        for room in query.get("rooms").unwrap_or_default().split_terminator(',') {
            conn.join(room).expect("a room");
        }
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text("echo") => drop(conn.send("echoed")),
            Message::Text("secret") => drop(conn.send_uncompressed("a secret")),
            Message::Text("all") => drop(conn.publish(conn.others(), "to all")),
            Message::Text("bytes") => drop(conn.send(&[7; 70_000])),
            Message::Text("watch") => {
                let monitor = MONITOR.with(Clone::clone);
                monitor.ask_from(conn);
            }
            message => drop(conn.publish("a", message)),
        }
    }
}

thread_local! {
    /// Of the application of this test.
    static MONITOR: Monitor = Monitor::new();
}

fn monitor() -> Monitor {
    MONITOR.with(Clone::clone)
}

fn site() -> Sim<Router> {
    let app = App::new().watched_by(&monitor());
    start(
        app.route(Route::new("/chat/{room}"), |_| Rooms)
            .route(Route::new("/private").private(), |_| Rooms),
    )
}

/// Has somebody ask for reports, who is here for that alone, and gone then.
fn look(sim: &mut Sim<Router>) -> Snapshot {
    let client = open(sim, "/chat/look");
    say(sim, &client, "watch");
    kill(sim, &client);
    sim.run_for(ms(1100));
    snapshot(&Query::new())
}

fn snapshot(query: &Query) -> Snapshot {
    monitor().snapshot(query)
}

#[test]
fn a_snapshot_says_who_is_there_and_what_they_did() {
    let mut sim = site();
    let mut ada = open(&mut sim, "/chat/tea?name=ada&rooms=a,b");
    let bob = open(&mut sim, "/chat/tea?rooms=a");
    let _carl = open(&mut sim, "/chat/milk?name=carl&rooms=a");
    say(&mut sim, &ada, "hello");
    say(&mut sim, &ada, "echo");
    bob.push(&frames::binary(&[1; 10]));
    sim.settle();
    ada.frames();
    let before = snapshot(&Query::new());
    assert!(!before.complete && before.online == 0 && before.connections.is_empty());
    let now = look(&mut sim);
    assert!(now.complete);
    assert_eq!(
        (now.online, now.connections_total, now.rooms_total),
        (3, 3, 3)
    );
    sim.run_for(secs(7));
    let later = snapshot(&Query::new()).uptime - now.uptime;
    assert!((secs(6)..=secs(8)).contains(&later), "{later:?}");
    let rows: Vec<_> = now
        .connections
        .iter()
        .map(|one| {
            (
                one.user.as_deref().unwrap_or("-"),
                &*one.route,
                &*one.path,
                one.rooms.join(","),
                [one.messages_in, one.bytes_in, one.messages_out],
            )
        })
        .collect();
    let route = "/chat/{room}";
    assert_eq!(
        rows,
        [
            // Its own message, the echo, and the ten bytes.
            ("ada", route, "/chat/tea", "a,b".to_owned(), [2, 9, 3]),
            ("-", route, "/chat/tea", "a".to_owned(), [1, 10, 2]),
            ("carl", route, "/chat/milk", "a".to_owned(), [0, 0, 0]),
        ]
    );
    let ids: Vec<_> = now.connections.iter().map(|one| one.id).collect();
    assert!(ids.is_sorted());
    assert_eq!(
        monitor().connection(ids[1].get()).expect("it is there").id,
        ids[1]
    );
    assert!(monitor().connection(u64::MAX).is_none());
    let rooms: Vec<_> = now
        .rooms
        .iter()
        .map(|room| (&*room.path, &*room.name, room.members, room.published))
        .collect();
    assert_eq!(
        rooms,
        [
            ("/chat/milk", "a", 1, 0),
            ("/chat/tea", "a", 2, 2),
            ("/chat/tea", "b", 1, 0)
        ]
    );
    assert_eq!(now.totals.opened, 4);
}

#[test]
fn queries_pick_and_pages_are_of_what_was_picked() {
    let mut sim = site();
    let _clients: Vec<_> = (0..7)
        .map(|number| {
            let (path, rooms) = [("/chat/tea", "a"), ("/chat/milk", "a,b")][number % 2];
            open(&mut sim, &format!("{path}?name=User{number}&rooms={rooms}"))
        })
        .collect();
    look(&mut sim);
    for (query, users, total) in [
        (Query::new(), "0123456", 7),
        (Query::new().offset(2).limit(3), "234", 7),
        (Query::new().offset(6).limit(3), "6", 7),
        (Query::new().offset(7), "", 7),
        (Query::new().limit(0), "", 7),
        (Query::new().limit(usize::MAX).offset(usize::MAX), "", 7),
        (Query::new().filter("MILK"), "135", 3),
        (Query::new().filter("milk").offset(1).limit(1), "3", 3),
        (Query::new().filter("ser4"), "4", 1),
        (Query::new().filter("nobody"), "", 0),
        (Query::new().path("/chat/tea"), "0246", 4),
        (Query::new().path("/chat"), "", 0),
        (Query::new().room("/chat/milk", "b"), "135", 3),
        (Query::new().room("/chat/tea", "b"), "", 0),
        (Query::new().room("/chat/tea", "a").filter("user2"), "2", 1),
    ] {
        let page = snapshot(&query);
        let shown: String = page
            .connections
            .iter()
            .map(|one| {
                one.user
                    .as_deref()
                    .expect("a name")
                    .trim_start_matches("User")
            })
            .collect();
        assert_eq!(
            (&*shown, page.connections_total),
            (users, total),
            "{query:?}"
        );
        assert_eq!(page.online, 7);
    }
    for (query, rooms) in [
        (Query::new().room("/chat/milk", "b"), 1),
        // Those that the user is in.
        (Query::new().filter("user3"), 2),
        (Query::new().filter("nobody"), 0),
    ] {
        assert_eq!(snapshot(&query).rooms.len(), rooms, "{query:?}");
    }
}

#[test]
fn no_page_has_more_than_a_thousand_rows() {
    let mut sim = site();
    let _clients: Vec<_> = (0..MAX_ROWS + 5)
        .map(|number| open(&mut sim, &format!("/chat/tea?rooms=r{number}")))
        .collect();
    look(&mut sim);
    let page = snapshot(&Query::new().limit(usize::MAX));
    assert_eq!(
        (page.connections.len(), page.connections_total),
        (MAX_ROWS, MAX_ROWS + 5)
    );
    assert_eq!(
        (page.rooms.len(), page.rooms_total),
        (MAX_ROWS, MAX_ROWS + 5)
    );
}

fn polls_in_ten_seconds(sim: &mut Sim<Router>) -> usize {
    let polls = sim.net.calls().polls;
    sim.run_for(secs(10));
    sim.net.calls().polls - polls
}

#[test]
fn reports_are_written_as_long_as_somebody_asks_and_no_longer() {
    let mut sim = site();
    let client = open(&mut sim, "/chat/tea");
    let usual = polls_in_ten_seconds(&mut sim);
    assert_eq!(monitor().reported(), [0]);
    say(&mut sim, &client, "watch");
    sim.run_for(ms(10));
    assert_eq!(monitor().reported(), [1]);
    sim.run_for(secs(5));
    assert_eq!(monitor().reported(), [6]);
    assert!(snapshot(&Query::new()).complete);
    sim.run_for(ms(9900));
    assert!(monitor().is_current());
    sim.run_for(ms(1200));
    assert!(!monitor().is_current());
    assert_eq!(monitor().reported(), [16]);
    // Nothing is left of them, and nothing wakes the loop for it.
    let polls = polls_in_ten_seconds(&mut sim);
    assert_eq!(monitor().reported(), [16]);
    assert!(polls <= usual + 3, "{polls}, not {usual}");
    // And again.
    say(&mut sim, &client, "watch");
    sim.run_for(ms(10));
    assert!(monitor().is_current());
}

#[test]
fn a_worker_that_has_ended_is_not_waited_for() {
    let mut sim = site();
    let _client = open(&mut sim, "/chat/tea");
    look(&mut sim);
    assert_eq!(snapshot(&Query::new()).online, 1);
    drop(sim);
    let now = snapshot(&Query::new());
    assert!(now.online == 0 && !now.complete && monitor().reported().is_empty());
}

#[test]
fn what_waits_for_a_connection_is_told() {
    let mut sim = site();
    let mut slow = open(&mut sim, "/chat/tea?name=slow");
    slow.conn.set_window(1000);
    say(&mut sim, &slow, "bytes");
    let queued = |now: &Snapshot| {
        let slow = now.connections.iter().find(|one| one.user.is_some());
        slow.expect("it is there").queued
    };
    let now = look(&mut sim);
    assert!((60_000..70_100).contains(&queued(&now)), "{now:?}");
    slow.conn.set_window(usize::MAX);
    sim.settle();
    slow.frames();
    sim.run_for(ms(1100));
    slow.frames();
    assert_eq!(queued(&look(&mut sim)), 0);
}

/// What a line says, in words.
fn words(line: &Line) -> String {
    let (direction, kind) = (&line.direction, &line.kind);
    let to = line
        .to
        .as_ref()
        .map_or(String::new(), |to| format!(" to {to}"));
    let whose = if line.id.is_some() { "" } else { " *" };
    format!(
        "{} {direction:?} {kind:?} {} {:?}{to}{whose}",
        line.path, line.bytes, line.text
    )
}

#[test]
fn a_tap_hears_everything_but_what_is_private_or_secret() {
    let mut sim = site();
    let early = open(&mut sim, "/chat/tea?rooms=a");
    say(&mut sim, &early, "before");
    let mut tap = monitor().tap().expect("there is room");
    let client = open(&mut sim, "/chat/tea?token=hidden");
    for text in [
        "echo",
        "secret",
        "all",
        "to the room",
        &"é".repeat(MAX_TEXT + 1),
    ] {
        say(&mut sim, &client, text);
    }
    client.push(&frames::binary(&[1, 2, 3]));
    sim.settle();
    let private = open(&mut sim, "/private");
    say(&mut sim, &private, "echo");
    kill(&mut sim, &private);
    client.push(&frames::close(1000));
    sim.settle();
    let tapped = tap.take(usize::MAX);
    let lines: Vec<_> = tapped.lines.iter().map(|line| words(line)).collect();
    let long = "é".repeat(MAX_TEXT);
    let long_in = format!("/chat/tea In Text 514 {long:?}");
    let long_out = format!("/chat/tea Out Text 514 {long:?} to room \"a\" *");
    let address = &tapped.lines[0].text;
    assert!(address.parse::<std::net::SocketAddr>().is_ok() || !address.contains("hidden"));
    assert_eq!(
        lines[1..],
        [
            "/chat/tea In Text 4 \"echo\"",
            "/chat/tea Out Text 6 \"echoed\"",
            "/chat/tea In Text 6 \"secret\"",
            "/chat/tea Out Text 8 \"\"",
            "/chat/tea In Text 3 \"all\"",
            "/chat/tea Out Text 6 \"to all\" to all except #ID *",
            "/chat/tea In Text 11 \"to the room\"",
            "/chat/tea Out Text 11 \"to the room\" to room \"a\" *",
            &long_in,
            &long_out,
            "/chat/tea In Binary 3 \"\"",
            "/chat/tea Out Binary 3 \"\" to room \"a\" *",
            "/chat/tea In Close 0 \"1000 \"",
        ]
        .map(|line| line.replace(
            "#ID",
            &tapped.lines[0].id.expect("a connection").to_string()
        ))
    );
    assert_eq!(
        (tapped.lines[0].kind, tapped.lines[0].direction),
        (Kind::Open, Direction::In)
    );
    assert_eq!(tapped.lost, 0);
}

fn say_often(sim: &mut Sim<Router>, client: &Client, times: usize) {
    for number in 0..times {
        client.push(&frames::text(&number.to_string()));
    }
    sim.settle();
}

#[test]
fn a_tap_loses_lines_and_counts_them_and_nobody_is_slowed() {
    let mut sim = site();
    let client = open(&mut sim, "/chat/tea?rooms=a");
    let mut other = open(&mut sim, "/chat/tea?rooms=a");
    let (mut read, mut unread) = (monitor().tap().expect("one"), monitor().tap().expect("two"));
    // Two lines for each: it is heard, and said. A worker writes 500 in a second.
    say_often(&mut sim, &client, 400);
    assert_eq!(other.frames().len(), 400);
    let tapped = read.take(usize::MAX);
    assert_eq!((tapped.lines.len(), tapped.lost), (500, 300));
    for _ in 0..5 {
        sim.run_for(secs(1));
        say_often(&mut sim, &client, 200);
        assert_eq!(other.frames().len(), 200);
        let tapped = read.take(usize::MAX);
        assert_eq!((tapped.lines.len(), tapped.lost), (400, 0));
    }
    // Of 2 500 lines that were written, a thousand waited, the oldest; what was lost is told behind them.
    let first = unread.take(999);
    assert_eq!((first.lines.len(), first.lost), (999, 0));
    let rest = unread.take(usize::MAX);
    assert_eq!((rest.lines.len(), rest.lost), (1, 300 + 1500));
    let all = unread.take(usize::MAX);
    assert_eq!((all.lines.len(), all.lost), (0, 0));
}

#[test]
fn there_are_so_many_taps_and_none_is_left_behind() {
    let mut sim = site();
    let client = open(&mut sim, "/chat/tea");
    let taps: Vec<_> = (0..MAX_TAPS)
        .map(|_| monitor().tap().expect("there is room"))
        .collect();
    assert!(monitor().tap().is_none());
    drop(taps);
    // Nobody listens: nothing is written, nothing is counted, and nothing is kept for who comes later.
    say_often(&mut sim, &client, 2000);
    let mut tap = monitor().tap().expect("there is room again");
    let tapped = tap.take(usize::MAX);
    assert_eq!((tapped.lines.len(), tapped.lost), (0, 0));
    // Not even the second's share was used.
    say_often(&mut sim, &client, 250);
    assert_eq!(tap.take(usize::MAX).lines.len(), 500);
}
