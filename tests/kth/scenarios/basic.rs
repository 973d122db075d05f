//! One server, and clients by hand.

use crate::book::Shared;
use crate::deflating::{json, noise, takeover};
use crate::frames::{self, Frame};
use crate::judge::{Played, judge};
use crate::sim::faults::{self, Call};
use crate::stage::{Stage, fragments, ms};
use crate::sweep::Scenario;
use crate::witness::Witness;
use rustix::io::Errno;
use sockeye::server::{Limits, Settings, Timeouts, TrustedProxy};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "echo",
        play: echo,
    },
    Scenario {
        name: "fragmented",
        play: fragmented,
    },
    Scenario {
        name: "large",
        play: large,
    },
    Scenario {
        name: "more than a turn",
        play: more_than_a_turn,
    },
    Scenario {
        name: "large slow",
        play: large_and_slow,
    },
    Scenario {
        name: "deflate",
        play: deflate,
    },
    Scenario {
        name: "close by peer",
        play: close_by_peer,
    },
    Scenario {
        name: "close by us",
        play: close_by_us,
    },
    Scenario {
        name: "refusals",
        play: refusals,
    },
    Scenario {
        name: "violations",
        play: violations,
    },
    Scenario {
        name: "late answers",
        play: late_answers,
    },
    Scenario {
        name: "behind a proxy",
        play: proxied,
    },
    Scenario {
        name: "crowded",
        play: crowded,
    },
];

pub type Server = Stage<Witness>;

pub fn settings() -> Settings {
    Settings::new(Limits::default(), Timeouts::default()).deflate(None)
}

/// One loop with these settings.
pub fn serve(settings: &Settings) -> Server {
    let book = Shared::default();
    Stage::new([(Witness::new(&book), settings.clone())], &book)
}

fn echo() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    stage.say(one, "echo one");
    stage.say(two, "echo two");
    // At once, and in pieces.
    let three = stage.connect_to(0);
    stage.peers[three].ask("/", "");
    let bytes =
        ["echo three", "echo four"].map(|text| stage.peers[three].message(&Frame::text(text)));
    stage.push(three, &bytes.concat());
    let bytes = stage.peers[two].message(&Frame::text("echo in pieces"));
    stage.peers[two].conn.push_in_pieces(&bytes, 5);
    stage.settle();
    stage.peers[one].ping(b"a ping");
    stage.say(one, "later on");
    stage.heal();
    judge(stage)
}

fn fragmented() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    let bytes = fragments(&mut stage.peers[one], &noise(100, 1), 30);
    stage.peers[one].conn.push_in_pieces(&bytes, 17);
    stage.say(two, "echo meanwhile");
    stage.settle();
    // A ping stands between fragments.
    let bytes = fragments(&mut stage.peers[two], b"0123456789", 5);
    stage.push(two, &bytes[..11]);
    stage.peers[two].ping(b"between");
    stage.push(two, &bytes[11..]);
    judge(stage)
}

fn large() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    stage.peers[one].conn.set_max_send(9_000);
    stage.say_bytes(one, &noise(100_000, 2));
    stage.say(two, "echo meanwhile");
    stage.say_bytes(one, &noise(40_000, 3));
    judge(stage)
}

/// More at once than one turn takes: the rest is nobody's report.
fn more_than_a_turn() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    let mut bytes = Vec::new();
    for number in 0..6 {
        let text = format!("{number:>60000}");
        bytes.extend(stage.peers[one].message(&Frame::text(&text)));
    }
    bytes.extend(stage.peers[one].message(&Frame::text("echo behind it")));
    stage.push(one, &bytes);
    stage.say(two, "echo meanwhile");
    judge(stage)
}

/// The peer reads little by little, and what waits goes out in order.
fn large_and_slow() -> Played {
    let mut stage = serve(&settings());
    let (one, two) = (stage.open(), stage.open());
    stage.peers[one].conn.set_window(100);
    stage.say(one, "flood 6 400");
    stage.say(one, "echo behind it");
    stage.say_bytes(one, &noise(9_000, 4));
    for _ in 0..5 {
        stage.peers[one].conn.set_window(700);
        stage.say(two, "echo meanwhile");
        stage.pass(ms(20));
    }
    stage.peers[one].conn.set_window(usize::MAX);
    stage.settle();
    judge(stage)
}

fn deflate() -> Played {
    let mut stage = serve(&settings().deflate(takeover()));
    let offers = [
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=9",
    ];
    let peers = offers.map(|offer| {
        let peer = stage.connect_to(0);
        stage.peers[peer].ask_compressed(offer);
        stage.settle();
        peer
    });
    for seed in 0..3 {
        for peer in peers {
            stage.peers[peer].conn.set_max_send(150);
            stage.say(peer, &format!("echo {}", json(700, seed)));
        }
    }
    stage.say_bytes(peers[1], &noise(300, 5));
    judge(stage)
}

fn close_by_peer() -> Played {
    let mut stage = serve(&settings());
    let peers = [stage.open(), stage.open(), stage.open(), stage.open()];
    stage.say(peers[3], "echo stays");
    // In order; without a word; by a reset; behind something that was said.
    stage.peers[peers[0]].leave();
    stage.settle();
    stage.peers[peers[1]].conn.end();
    stage.settle();
    stage.reset(peers[2], Errno::CONNRESET);
    let bytes = stage.peers[peers[3]].message(&Frame::text("echo the last word"));
    stage.peers[peers[3]].conn.push(&bytes);
    stage.peers[peers[3]].leave();
    stage.settle();
    judge(stage)
}

fn close_by_us() -> Played {
    let mut stage = serve(&settings());
    let (one, two, three) = (stage.open(), stage.open(), stage.open());
    stage.say(one, "close");
    // Who does not answer has three seconds.
    stage.peers[two].is_mute = true;
    stage.say(two, "close");
    stage.say(two, "echo unheard");
    stage.peers[two].said.pop();
    // Behind much that waits.
    stage.peers[three].conn.set_window(50);
    stage.say(three, "flood 3 300");
    stage.say(three, "close");
    stage.peers[three].conn.set_window(usize::MAX);
    stage.pass(ms(4_000));
    judge(stage)
}

fn refusals() -> Played {
    let mut stage = serve(&settings());
    for request in [
        &b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"GET / HTTP/1.0\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let peer = stage.connect_to(0);
        stage.push(peer, request);
    }
    let (refused, silent, half) = (
        stage.connect_to(0),
        stage.connect_to(0),
        stage.connect_to(0),
    );
    stage.peers[refused].ask("/no", "");
    stage.push(half, &frames::REQUEST[..40]);
    let _ = silent;
    stage.pass(ms(9_000));
    judge(stage)
}

fn violations() -> Played {
    let mut stage = serve(&settings());
    stage.expects_violations = true;
    let good = stage.open();
    let wrong: [&[u8]; 4] = [
        &[0x83, 0x80, 1, 2, 3, 4],
        &[0x81, 1, b'x'],
        &[0xF1, 0x80, 1, 2, 3, 4],
        &[0x81, 0x81, 0, 0, 0, 0, 0xFF],
    ];
    for bytes in wrong {
        let bad = stage.open();
        let said = stage.peers[bad].message(&Frame::text("echo before"));
        stage.push(bad, &[&said, bytes].concat());
        stage.say(good, "echo still here");
    }
    judge(stage)
}

/// Answers that are put off, and whoever waits for them goes.
fn late_answers() -> Played {
    let mut stage = serve(&settings());
    let peers = [(); 3].map(|()| stage.connect_to(0));
    for peer in peers {
        stage.peers[peer].ask("/later", "");
    }
    stage.settle();
    stage.reset(peers[1], Errno::CONNRESET);
    stage.pass(ms(100));
    stage.say(peers[0], "later x");
    stage.say(peers[2], "later y");
    stage.reset(peers[2], Errno::PIPE);
    stage.pass(ms(100));
    judge(stage)
}

/// A trusted proxy says where its connections come from, before anything else.
fn proxied() -> Played {
    let trusted = TrustedProxy::network([192, 0, 2, 0].into(), 24).expect("a network");
    let mut stage = serve(&settings().trusted_proxies([trusted]));
    let peers = [(); 2].map(|()| stage.connect_to(0));
    for peer in peers {
        let serial = stage.peers[peer].serial;
        let header = format!("PROXY TCP4 198.51.100.7 198.51.100.8 {serial} 80\r\n");
        stage.push(peer, &header.as_bytes()[..20]);
        stage.push(peer, &header.as_bytes()[20..]);
        stage.peers[peer].ask("/", "");
        stage.settle();
        stage.say(peer, "echo one");
    }
    let liar = stage.connect_to(0);
    stage.push(liar, b"PROXY NONSENSE\r\n");
    let silent = stage.connect_to(0);
    stage.push(silent, b"PROXY TCP4");
    stage.pass(ms(9_000));
    // Whose address nobody knows is nobody's proxy, and what it says is no request.
    stage.is_mixed = faults::has_struck(Call::PeerAddr);
    judge(stage)
}

/// More than there is room for: the rest is told 503.
fn crowded() -> Played {
    let limits = Limits {
        max_connections: 2,
        ..Limits::default()
    };
    let mut stage = serve(&Settings::new(limits, Timeouts::default()).deflate(None));
    stage.is_mixed = true;
    let _: [usize; 4] = [(); 4].map(|()| stage.open());
    stage.say(0, "echo one");
    stage.peers[0].leave();
    stage.settle();
    stage.heal();
    let open = stage
        .book
        .open()
        .lives
        .iter()
        .filter(|life| life.end.is_none())
        .count();
    let late = stage.open();
    stage.say(late, "echo two");
    stage.heal();
    let late = &stage.peers[late];
    if open < 2 && !late.conn.is_touched() && !late.status.contains("101") {
        let what = format!(
            "{open} of 2 were there, and who came was told {:?}",
            late.status
        );
        stage.left.push(what);
    }
    judge(stage)
}
