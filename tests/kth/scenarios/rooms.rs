//! Rooms, also of members that read too slowly, and of two loops.

use super::basic::{Server, serve, settings};
use crate::book::Shared;
use crate::deflating::{json, takeover};
use crate::frames;
use crate::judge::{Played, judge};
use crate::stage::{Stage, ms};
use crate::sweep::Scenario;
use crate::witness::Witness;
use rustix::io::Errno;
use sockeye::server::{RoomSettings, Settings, SlowPolicy};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "room",
        play: room,
    },
    Scenario {
        name: "room deflate",
        play: room_compressed,
    },
    Scenario {
        name: "room breaks",
        play: room_breaks,
    },
    Scenario {
        name: "slow close",
        play: || slow("a"),
    },
    Scenario {
        name: "slow newest",
        play: || slow("b"),
    },
    Scenario {
        name: "slow oldest",
        play: || slow("c"),
    },
    Scenario {
        name: "slow conflate",
        play: || slow("d"),
    },
    Scenario {
        name: "two loops",
        play: two_loops,
    },
    Scenario {
        name: "two loops slow",
        play: two_loops_slow,
    },
];

/// Rooms with one policy each.
fn with_policies(settings: &Settings) -> Settings {
    let rooms = RoomSettings {
        max_queued: 2_500,
        ..RoomSettings::default()
    };
    settings.clone().rooms(rooms.policy(|name| match name {
        "b" => SlowPolicy::DropNewest,
        "c" => SlowPolicy::DropOldest,
        "d" => SlowPolicy::Conflate(|payload| &payload[..payload.len().min(4)]),
        _ => SlowPolicy::Close,
    }))
}

fn join<const N: usize>(stage: &mut Server, room: &str) -> [usize; N] {
    [(); N].map(|()| {
        let peer = stage.open();
        stage.say(peer, &format!("join {room}"));
        peer
    })
}

fn room() -> Played {
    let mut stage = serve(&settings());
    let peers: [usize; 3] = join(&mut stage, "a");
    let other = stage.open();
    stage.say(peers[0], "pub a one");
    stage.say(peers[1], "join b");
    // Several in one turn.
    let mut bytes = Vec::new();
    for text in ["pub a two", "pub b three", "echo four", "pub a five"] {
        bytes.extend(stage.peers[peers[1]].message(&frames::Frame::text(text)));
    }
    stage.push(peers[1], &bytes);
    stage.say(other, "all six");
    stage.say(peers[2], "leave a");
    stage.say(other, "pub a seven");
    stage.say(peers[2], "join a");
    stage.say(other, "pub a eight");
    judge(stage)
}

fn room_compressed() -> Played {
    let mut stage = serve(&settings().deflate(takeover()));
    let peers = [(); 3].map(|()| stage.connect_to(0));
    for peer in peers {
        stage.peers[peer].ask_compressed("permessage-deflate; server_max_window_bits=11");
        stage.peers[peer].conn.set_max_send(130);
        stage.settle();
        stage.say(peer, "join a");
    }
    for seed in 0..3 {
        stage.say(peers[0], &format!("pub a {}", json(500, seed)));
        stage.say(peers[1], &format!("echo {}", json(300, seed)));
    }
    judge(stage)
}

/// Members go while others speak.
fn room_breaks() -> Played {
    let mut stage = serve(&settings());
    let peers: [usize; 4] = join(&mut stage, "a");
    stage.say(peers[0], "pub a one");
    let bytes = stage.peers[peers[1]].message(&frames::Frame::text("pub a two"));
    stage.peers[peers[1]].conn.push(&bytes);
    stage.reset(peers[2], Errno::CONNRESET);
    stage.peers[peers[3]].leave();
    stage.say(peers[0], "pub a three");
    stage.peers[peers[1]].conn.end();
    stage.settle();
    stage.say(peers[0], "pub a four");
    judge(stage)
}

/// One of three reads little by little.
fn slow(room: &str) -> Played {
    let mut stage = serve(&with_policies(&settings()));
    stage.is_mixed = true;
    let peers: [usize; 3] = join(&mut stage, room);
    // Where one reads little by little, the others may have to wait for a moment as well.
    for peer in peers {
        stage.peers[peer].misses = room != "a";
    }
    stage.peers[peers[2]].conn.set_window(300);
    for number in 0..9 {
        let what = format!("pub {room} {} {number:>400}", number % 4);
        stage.say(peers[number % 2], &what);
    }
    stage.peers[peers[2]].conn.set_window(900);
    stage.say(peers[0], &format!("pub {room} behind"));
    stage.heal();
    stage.peers[peers[2]].conn.set_window(usize::MAX);
    stage.heal();
    if room != "d" {
        stage.say(peers[1], &format!("pub {room} last"));
        stage.heal();
    }
    // Who has read what waited is told again what is said from there on.
    let (slow, last) = (&stage.peers[peers[2]], format!("{room}|last"));
    let read = slow.read.get(room).and_then(|read| read.last());
    let is_told = read.is_some_and(|read| read == last.as_bytes());
    let was_said = !stage.book.open().said_in(room).is_empty();
    let is_there = slow.is_open() && !slow.conn.is_touched();
    let publisher = &stage.peers[peers[1]];
    let is_heard = publisher.is_open() && !publisher.conn.is_touched();
    if room == "b" && was_said && is_there && is_heard && !is_told {
        stage
            .left
            .push("who has read is told nothing more".to_owned());
    }
    judge(stage)
}

/// Two loops that share rooms, with two members each.
fn shared(settings: &Settings) -> (Server, [usize; 4]) {
    let book = Shared::default();
    let loops = [(); 2].map(|()| (Witness::new(&book), settings.clone()));
    let mut stage = Stage::new(loops, &book);
    stage.share();
    let peers = [0, 0, 1, 1].map(|at| {
        let peer = stage.open_at(at);
        stage.say(peer, if at == 0 { "join a" } else { "join b" });
        peer
    });
    for peer in peers {
        stage.say(peer, "join c");
    }
    (stage, peers)
}

/// Each room has one who speaks there: what two loops say at once stands in no order.
fn two_loops() -> Played {
    let (mut stage, peers) = shared(&settings());
    stage.say(peers[0], "pub c one");
    stage.say(peers[0], "pub c two");
    stage.say(peers[2], "pub a three");
    stage.say(peers[1], "pub b four");
    let mut bytes = Vec::new();
    for number in 0..4 {
        let text = format!("pub c {number}");
        bytes.extend(stage.peers[peers[0]].message(&frames::Frame::text(&text)));
    }
    stage.push(peers[0], &bytes);
    stage.say(peers[3], "all five");
    stage.pass(ms(40));
    judge(stage)
}

fn two_loops_slow() -> Played {
    let (mut stage, peers) = shared(&with_policies(&settings()));
    stage.is_mixed = true;
    for peer in peers {
        stage.peers[peer].misses = true;
    }
    stage.peers[peers[3]].conn.set_window(300);
    for number in 0..9 {
        stage.say(peers[0], &format!("pub c {number:>400}"));
        stage.say(peers[2], &format!("echo {number}"));
    }
    stage.heal();
    stage.peers[peers[3]].conn.set_window(usize::MAX);
    stage.heal();
    judge(stage)
}
