//! A loop of clients and one of servers: both ends are ours.

use super::basic::settings;
use crate::book::Shared;
use crate::judge::{Played, judge};
use crate::sim::faults;
use crate::sim::{Reached, Resolution};
use crate::stage::{Stage, ms};
use crate::sweep::Scenario;
use crate::wire::Between;
use crate::witness::Witness;
use sockeye::client::{Connector, LinkState, Proxy, Reconnect};
use sockeye::server::Settings;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "dial",
        play: dial,
    },
    Scenario {
        name: "dial deflate",
        play: dial_compressed,
    },
    Scenario {
        name: "dial refused",
        play: dial_refused,
    },
    Scenario {
        name: "dial unreached",
        play: dial_unreached,
    },
    Scenario {
        name: "dial proxy",
        play: dial_through_proxy,
    },
    Scenario {
        name: "dial closed",
        play: dial_closed,
    },
    Scenario {
        name: "dial cut",
        play: dial_cut,
    },
    Scenario {
        name: "dial crowd",
        play: dial_crowd,
    },
    Scenario {
        name: "reconnect",
        play: reconnect,
    },
    Scenario {
        name: "reconnect proxy",
        play: reconnect_through_proxy,
    },
];

pub type Both = Stage<Witness>;

/// A loop of clients that say these things on opening, and one of servers.
pub fn both(greetings: &[&str], server: Settings) -> Both {
    let book = Shared::default();
    let mut client = Witness::new(&book);
    client.greetings = greetings.iter().map(|text| (*text).to_owned()).collect();
    client.is_deaf = true;
    let loops = [(client, settings()), (Witness::new(&book), server)];
    let mut stage = Stage::new(loops, &book);
    stage.between = Some(Between::Nothing);
    stage.loops[0]
        .net
        .name("h", [Resolution::After(ms(1), vec!["::1", "10.0.0.1"])]);
    stage.loops[0]
        .net
        .name("proxy", [Resolution::After(ms(1), vec!["10.0.0.2"])]);
    stage
}

pub fn to(url: &str) -> Connector {
    let connector = Connector::new(url).expect("a URL");
    connector.proxy(Proxy::none()).deflate(None)
}

/// Begins to connect, and sees what comes of it.
pub fn connect(stage: &mut Both, connector: &Connector) {
    stage.dials += 1;
    let begun = stage.loops[0].events.connect(connector, 7);
    begun.expect("right settings");
    stage.settle();
    stage.pass(ms(100));
}

const WORDS: &[&str] = &["echo one", "echo two", "later three", "flood 3 200"];

fn dial() -> Played {
    let mut stage = both(WORDS, settings());
    connect(&mut stage, &to("ws://h/"));
    judge(stage)
}

fn dial_compressed() -> Played {
    let words = [
        "flood 9 400",
        "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let mut stage = both(
        &words,
        settings().deflate(sockeye::proto::deflate::Policy::default()),
    );
    let policy = sockeye::proto::deflate::Policy::default();
    connect(&mut stage, &to("ws://h/").deflate(policy));
    judge(stage)
}

fn dial_refused() -> Played {
    let mut stage = both(WORDS, settings());
    connect(&mut stage, &to("ws://h/no"));
    judge(stage)
}

/// One address does not answer, one refuses, and the third is the one.
fn dial_unreached() -> Played {
    let mut stage = both(WORDS, settings());
    let net = &stage.loops[0].net;
    net.name(
        "h",
        [Resolution::After(
            ms(1),
            vec!["::1", "10.0.0.1", "10.0.0.3"],
        )],
    );
    net.reach("[::1]:80", [Reached::Never]);
    net.reach(
        "10.0.0.1:80",
        [Reached::Refused(ms(2), rustix::io::Errno::CONNREFUSED)],
    );
    connect(&mut stage, &to("ws://h/").connect_timeout(ms(3_000)));
    stage.pass(ms(900));
    judge(stage)
}

fn dial_through_proxy() -> Played {
    let mut stage = both(WORDS, settings());
    stage.between = Some(Between::Proxy);
    let proxy = Proxy::parse("http://proxy:3128").expect("a proxy");
    connect(&mut stage, &to("ws://h/").proxy(proxy));
    judge(stage)
}

fn dial_closed() -> Played {
    let mut stage = both(&["echo one", "close"], settings());
    connect(&mut stage, &to("ws://h/"));
    judge(stage)
}

/// The stream ends, and nobody has said goodbye.
fn dial_cut() -> Played {
    let mut stage = both(WORDS, settings());
    connect(&mut stage, &to("ws://h/"));
    stage.cut();
    judge(stage)
}

fn dial_crowd() -> Played {
    let mut stage = both(&["join a", "pub a x", "echo one"], settings());
    for _ in 0..3 {
        connect(&mut stage, &to("ws://10.0.0.1/"));
    }
    judge(stage)
}

/// A link comes back, whatever became of its connection, and what waited for it is said.
fn link(mut stage: Both, connector: &Connector) -> Played {
    let policy = Reconnect {
        initial: ms(20),
        ..Reconnect::default()
    };
    let begun = stage.loops[0]
        .events
        .connect(&connector.clone().reconnect(policy), 7);
    begun.expect("right settings");
    stage.loops[0].events.send(7, "waiting");
    stage.settle();
    stage.pass(ms(200));
    stage.cut();
    stage.pass(ms(4_000));
    // From here on nothing fails. Where nobody says that the stream is dead, a ping and its pong take 30 s, and then there
    // is a wait.
    faults::hold(true);
    stage.pass(ms(90_000));
    faults::hold(false);
    let status = stage.loops[0].events.status(7);
    if status.as_ref().map(|status| status.state) != Some(LinkState::Open) {
        stage.left.push(format!("the link is not open: {status:?}"));
    }
    judge(stage)
}

fn reconnect() -> Played {
    link(both(&["echo one"], settings()), &to("ws://h/"))
}

fn reconnect_through_proxy() -> Played {
    let mut stage = both(&["echo one"], settings());
    stage.between = Some(Between::Proxy);
    let proxy = Proxy::parse("http://proxy:3128").expect("a proxy");
    link(stage, &to("ws://h/").proxy(proxy))
}
