//! TLS between a loop of clients and one of servers: both ends are ours.

use super::basic::settings;
use super::dial::{Both, both, connect, to};
use crate::certs::{Authority, Dir, trusting};
use crate::deflating::json;
use crate::judge::{Played, judge};
use crate::sim::Resolution;
use crate::stage::ms;
use crate::sweep::Scenario;
use crate::wire::Between;
use sockeye::client::{Connector, Proxy};
use sockeye::tls;
use std::sync::OnceLock;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "tls",
        play: echo,
    },
    Scenario {
        name: "tls large",
        play: large,
    },
    Scenario {
        name: "tls closed",
        play: closed,
    },
    Scenario {
        name: "tls cut",
        play: cut,
    },
    Scenario {
        name: "tls cut early",
        play: cut_early,
    },
    Scenario {
        name: "tls refused",
        play: refused,
    },
    Scenario {
        name: "tls untrusted",
        play: untrusted,
    },
    Scenario {
        name: "tls proxy",
        play: through_proxy,
    },
    Scenario {
        name: "tls meets none",
        play: meets_none,
    },
];

const HOST: &str = "server.test";

/// A server's certificate and its client's trust, made once.
fn identities() -> &'static (tls::Server, tls::Client, tls::Client) {
    static MADE: OnceLock<(tls::Server, tls::Client, tls::Client)> = OnceLock::new();
    MADE.get_or_init(|| {
        let (dir, authority, other) = (
            Dir::new(),
            Authority::new("ours"),
            Authority::new("another"),
        );
        let server = authority.sign(&[HOST]).server(&dir);
        let trust = trusting(dir.file("ca.pem", &authority.pem));
        (server, trust, trusting(dir.file("other.pem", &other.pem)))
    })
}

fn stage(greetings: &[&str]) -> Both {
    let stage = both(greetings, settings().tls(identities().0.clone()));
    let there = Resolution::After(ms(1), vec!["10.0.0.1"]);
    stage.loops[0].net.name(HOST, [there]);
    stage
}

fn secure(path: &str) -> Connector {
    to(&format!("wss://{HOST}{path}")).tls(identities().1.clone())
}

fn echo() -> Played {
    let mut stage = stage(&["echo one", "later two", "flood 2 200"]);
    connect(&mut stage, &secure("/"));
    judge(stage)
}

/// More than one record, and little of it at a time.
fn large() -> Played {
    let long = format!("echo {}", json(20_000, 1));
    let mut stage = stage(&[&long, "flood 2 9000"]);
    stage.slow_wires = true;
    connect(&mut stage, &secure("/"));
    judge(stage)
}

fn closed() -> Played {
    let mut stage = stage(&["echo one", "close"]);
    connect(&mut stage, &secure("/"));
    judge(stage)
}

/// The stream ends without that TLS said so.
fn cut() -> Played {
    let mut stage = stage(&["echo one"]);
    connect(&mut stage, &secure("/"));
    stage.cut();
    judge(stage)
}

/// It ends while both still agree on keys.
fn cut_early() -> Played {
    let mut stage = stage(&["echo one"]);
    stage.most_carried = Some(2);
    connect(&mut stage, &secure("/"));
    stage.cut();
    judge(stage)
}

fn refused() -> Played {
    let mut stage = stage(&[]);
    connect(&mut stage, &secure("/no"));
    judge(stage)
}

fn untrusted() -> Played {
    let mut stage = stage(&["echo one"]);
    let connector = secure("/").tls(identities().2.clone());
    connect(&mut stage, &connector);
    judge(stage)
}

fn through_proxy() -> Played {
    let mut stage = stage(&["echo one"]);
    stage.between = Some(Between::Proxy);
    let proxy = Proxy::parse("http://proxy:3128").expect("a proxy");
    connect(&mut stage, &secure("/").proxy(proxy));
    judge(stage)
}

/// One of them speaks TLS.
fn meets_none() -> Played {
    let mut stage = stage(&["echo one"]);
    connect(&mut stage, &to("ws://h/"));
    judge(stage)
}
