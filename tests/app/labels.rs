//! What metrics may be told apart by: nothing that peers choose (A05).

use crate::frames;
use crate::harness::{Sim, secs};
use crate::world::{heard, open, request, say, start};
use sockeye::app::metrics::Registry;
use sockeye::app::{App, Conn, Route, Router, Service};
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::Message;
use std::collections::BTreeSet;
use std::ops::Range;

/// Distinct paths, origins, rooms.
const MANY: usize = 100_000;
/// As many at once.
const BATCH: usize = 2_000;

/// Joins the room that a message names, and leaves it.
struct Rooms;

impl Service for Rooms {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        if let Message::Text(room) = message {
            let joined = conn.join(room).expect("a name");
            assert!(joined && conn.leave(room));
        }
    }
}

/// Everything but the numbers.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').expect("a number").0.to_owned())
        .collect()
}

/// Asks for so many distinct things, with as many connections at once, which then break.
fn ask(sim: &mut Sim<Router>, numbers: Range<usize>) {
    let ask = |number: usize| {
        let elsewhere = format!("Origin: http://{number}.example\r\n");
        let (target, header) = match number % 4 {
            0 => (format!("/none/{number}"), String::new()),
            1 => (format!("/rooms/{number}"), elsewhere),
            2 => ("/own".to_owned(), elsewhere),
            _ => (format!("/rooms/{number}/more?{number}"), String::new()),
        };
        let conn = sim.net.connect();
        conn.push(&request(&target, &header));
        conn
    };
    let asked: Vec<_> = numbers.map(ask).collect();
    sim.settle();
    for conn in asked {
        conn.reset(rustix::io::Errno::CONNRESET);
    }
    sim.settle();
}

#[test]
fn paths_origins_and_rooms_are_no_labels() {
    let registry = Registry::new();
    let app = App::new()
        .metrics(&registry)
        .route(
            Route::new("/rooms/{name}").origins(OriginPolicy::Any),
            |_| Rooms,
        )
        .route(Route::new("/own"), |_| Rooms);
    let mut sim = start(app);
    let mut client = open(&mut sim, "/rooms/x");
    // One of each thing that will be.
    ask(&mut sim, 0..8);
    say(&mut sim, &client, "first");
    sim.run_for(secs(2));
    let before = series(&registry.text());
    assert!(before.len() < 500, "{} series", before.len());
    for from in (8..MANY).step_by(BATCH) {
        ask(&mut sim, from..MANY.min(from + BATCH));
        let rooms = (0..BATCH).flat_map(|room| frames::text(&format!("room {from} {room}")));
        client.push(&rooms.collect::<Vec<_>>());
        sim.settle();
    }
    sim.run_for(secs(2));
    assert!(heard(&mut client).iter().all(|heard| heard == "<ping>"));
    let after = registry.text();
    assert_eq!(series(&after), before);
    let refused = registry.totals().refused;
    assert_eq!(refused as usize, MANY / 4 * 3);
    assert_eq!(registry.totals().open, 1);
}
