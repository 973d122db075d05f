//! What time brings, and the end of a loop.

use super::basic::{Server, serve, settings};
use crate::book::Life;
use crate::frames;
use crate::judge::{Played, judge};
use crate::stage::ms;
use crate::sweep::Scenario;
use sockeye::proto;
use sockeye::server::{Limits, Settings, Timeouts};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "pings",
        play: pings,
    },
    Scenario {
        name: "idle",
        play: idle,
    },
    Scenario {
        name: "unfinished",
        play: unfinished,
    },
    Scenario {
        name: "write stall",
        play: write_stall,
    },
    Scenario {
        name: "too slow",
        play: too_slow,
    },
    Scenario {
        name: "short of memory",
        play: short_of_memory,
    },
    Scenario {
        name: "pause",
        play: pause,
    },
    Scenario {
        name: "stop",
        play: stop,
    },
    Scenario {
        name: "restart",
        play: restart,
    },
    Scenario {
        name: "stop at once",
        play: stop_at_once,
    },
];

/// Some answer pings, and one does not.
fn pings() -> Played {
    let mut stage = serve(&settings());
    let (_, dead, busy) = (stage.open(), stage.open(), stage.open());
    stage.peers[dead].is_mute = true;
    for _ in 0..3 {
        stage.pass(ms(12_000));
        stage.say(busy, "echo busy");
    }
    stage.pass(ms(4_000));
    judge(stage)
}

fn idle() -> Played {
    let timeouts = Timeouts {
        idle: Some(ms(5_000)),
        ..Timeouts::default()
    };
    let mut stage = serve(&Settings::new(Limits::default(), timeouts).deflate(None));
    let (_, busy) = (stage.open(), stage.open());
    for _ in 0..3 {
        stage.pass(ms(4_000));
        stage.say(busy, "echo busy");
    }
    judge(stage)
}

/// A message that never ends, and one that takes its time.
fn unfinished() -> Played {
    let timeouts = Timeouts {
        assembly: ms(4_000),
        ..Timeouts::default()
    };
    let mut stage = serve(&Settings::new(Limits::default(), timeouts).deflate(None));
    let (one, two) = (stage.open(), stage.open());
    let bytes = stage.peers[two].message(&frames::Frame::text("echo at last"));
    stage.push(one, &frames::text("never to be heard of")[..9]);
    stage.push(two, &bytes[..9]);
    stage.pass(ms(2_500));
    stage.push(two, &bytes[9..]);
    stage.pass(ms(4_000));
    judge(stage)
}

/// A peer that takes nothing any more.
fn write_stall() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    stage.peers[one].is_mute = true;
    stage.peers[one].conn.set_window(300);
    stage.say(one, "flood 3 400");
    stage.say(two, "echo meanwhile");
    stage.pass(ms(12_000));
    judge(stage)
}

/// More waits for a peer than may.
fn too_slow() -> Played {
    let limits = Limits {
        max_queued: 2_000,
        ..Limits::default()
    };
    let mut stage = serve(&Settings::new(limits, Timeouts::default()).deflate(None));
    let (one, two) = (stage.open(), stage.open());
    stage.peers[one].conn.set_window(500);
    stage.say(one, "flood 9 400");
    stage.say(two, "echo meanwhile");
    stage.pass(ms(1_000));
    stage.peers[one].conn.set_window(usize::MAX);
    stage.pass(ms(4_000));
    judge(stage)
}

/// A loop that holds too much ends those that hold most.
fn short_of_memory() -> Played {
    let limits = Limits {
        connection: proto::Limits {
            max_message: 60_000,
            ..Default::default()
        },
        max_memory: 120_000,
        ..Limits::default()
    };
    let mut stage = serve(&Settings::new(limits, Timeouts::default()).deflate(None));
    stage.is_mixed = true;
    let peers = [(); 4].map(|()| stage.open());
    for peer in peers {
        stage.push(peer, &frames::binary(&[7; 50_000])[..45_000]);
    }
    let good = stage.open();
    stage.say(good, "echo meanwhile");
    // When they have gone there is room again.
    peers.iter().for_each(|&peer| stage.peers[peer].conn.end());
    stage.pass(ms(4_000));
    let late = stage.open();
    let bytes = stage.peers[late].message(&frames::Frame::binary(&[7; 55_000]));
    stage.push(late, &bytes[..50_000]);
    stage.push(late, &bytes[50_000..]);
    stage.heal();
    let are_gone = peers.iter().all(|&peer| stage.peers[peer].conn.is_closed());
    let late = &stage.peers[late];
    if are_gone && !late.conn.is_touched() && late.read.is_empty() {
        stage
            .left
            .push("there is no room for a newcomer".to_owned());
    }
    judge(stage)
}

/// It is read again; and so are those of whom nobody knows who they are.
fn resume(stage: &mut Server, peer: usize) {
    let serial = stage.peers[peer].serial;
    let is_it = |life: &&Life| life.serial.is_none_or(|known| known == serial);
    let ids: Vec<_> = {
        let book = stage.book.open();
        book.lives
            .iter()
            .filter(is_it)
            .map(|life| life.id)
            .collect()
    };
    for id in ids {
        stage.loops[0].events.with_peer(id, |peer, _| peer.resume());
    }
    stage.settle();
}

fn pause() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    stage.say(one, "pause");
    stage.say(one, "echo not yet");
    stage.peers[one].ping(b"nor this");
    stage.say(two, "echo meanwhile");
    stage.pass(ms(500));
    resume(&mut stage, one);
    stage.say(two, "pause");
    stage.say_bytes(two, &[8; 3_000]);
    resume(&mut stage, two);
    // One that is never read again; its peer goes.
    stage.say(one, "echo now");
    stage.heal();
    resume(&mut stage, one);
    resume(&mut stage, two);
    judge(stage)
}

fn stop() -> Played {
    let mut stage = serve(&settings());
    stage.is_mixed = true;
    let (_, mute, slow) = (stage.open(), stage.open(), stage.open());
    let half = stage.connect_to(0);
    stage.push(half, &frames::REQUEST[..30]);
    stage.peers[mute].is_mute = true;
    stage.peers[slow].conn.set_window(100);
    stage.say(slow, "flood 3 200");
    stage.loops[0].events.stop();
    stage.pass(ms(600));
    stage.peers[slow].conn.set_window(usize::MAX);
    stage.pass(ms(12_000));
    judge(stage)
}

fn restart() -> Played {
    let mut stage = serve(&settings());
    stage.is_mixed = true;
    let one = stage.open();
    let half = stage.connect_to(0);
    stage.push(half, &frames::REQUEST[..30]);
    stage.loops[0].events.stop_for_restart();
    stage.say(one, "echo behind it");
    stage.push(half, &frames::REQUEST[30..]);
    stage.pass(ms(12_000));
    judge(stage)
}

/// Nobody has time for anything.
fn stop_at_once() -> Played {
    let timeouts = Timeouts {
        drain: ms(0),
        ..Timeouts::default()
    };
    let mut stage = serve(&Settings::new(Limits::default(), timeouts).deflate(None));
    stage.is_mixed = true;
    let (_, slow) = (stage.open(), stage.open());
    stage.peers[slow].conn.set_window(100);
    stage.say(slow, "flood 3 200");
    stage.peers[slow].is_broken = true;
    // Somebody waits for an answer.
    let asks = stage.connect_to(0);
    stage.peers[asks].ask("/later", "");
    stage.settle();
    stage.loops[0].events.stop();
    stage.pass(ms(100));
    judge(stage)
}
