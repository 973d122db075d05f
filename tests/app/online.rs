//! How many there are: told right to all, and never off from what a list of them says, whatever becomes of connections.

use crate::frames;
use crate::harness::{Client, Sim, secs};
use crate::world::{ask, heard, kill, open, request, say, start, status};
use proptest::prelude::*;
use sockeye::app::metrics::Registry;
use sockeye::app::{
    AddressLimits, App, Conn, Decision, Gate, Route, Router, Scope, Service, Upgrade, Workers,
};
use sockeye::proto::CloseCode;
use sockeye::server::{Closed, ConnectionId, Message, PeerAddr, Timeouts};

/// Tells everybody how many there are, whenever that changes.
struct Stats;

impl Service for Stats {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        let stats = stats(conn.online());
        conn.publish(conn.all(), stats.as_str());
    }

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}

    fn close(&mut self, scope: &mut Scope<'_, ()>, _: ConnectionId, (): (), _: &Closed<'_>) {
        scope.publish(scope.all(), stats(scope.online()).as_str());
    }
}

fn stats(count: usize) -> String {
    format!(r#"{{"cmd":"stats","param":{{"numClients":{count}}}}}"#)
}

#[test]
fn after_a_hundred_joins_and_fifty_kills_there_are_fifty() {
    for at_once in [false, true] {
        let mut sim = start(App::new().route(Route::new("/"), |_| Stats));
        let mut all: Vec<_> = (0..100).map(|_| open(&mut sim, "/")).collect();
        for client in &mut all {
            assert_eq!(heard(client).last(), Some(&stats(100)));
        }
        for client in all.drain(..50) {
            client.conn.reset(rustix::io::Errno::CONNRESET);
            if !at_once {
                sim.settle();
            }
        }
        sim.settle();
        for client in &mut all {
            let told = heard(client);
            let expected: Vec<_> = (50..100).rev().map(stats).collect();
            assert_eq!(told, expected);
        }
    }
}

/// Says how many there are when it is asked to, in three ways.
struct Census;

impl Service for Census {
    type User = ();

    fn open(&mut self, _: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        assert!(upgrade.query().get("panic").is_none(), "asked to");
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let Message::Text(text) = message else {
            return;
        };
        match text {
            "panic" => panic!("asked to"),
            "bye" => drop(conn.close(CloseCode::NORMAL, "")),
            _ => {
                let (here, server) = (conn.online(), conn.server_online());
                let (members, users) = (conn.connections().len(), conn.users().count() + 1);
                let _ = conn.send(format!("{here} {server} {members} {users}").as_str());
            }
        }
    }

    fn close(&mut self, scope: &mut Scope<'_, ()>, id: ConnectionId, (): (), _: &Closed<'_>) {
        assert!(!scope.connections().contains(&id));
        assert_eq!(scope.connections().len(), scope.users().count());
    }
}

/// Connections of one address, and of one route.
const PER_ADDRESS: usize = 5;
const PER_ROUTE: usize = 4;

fn gate(pattern: &str) -> Gate<()> {
    let route = Route::new(pattern).max_connections(PER_ROUTE);
    route.admit(|upgrade| match upgrade.query().get("do").as_deref() {
        None => Decision::user(()),
        Some("later") => Decision::Later,
        Some("panic") => panic!("asked to"),
        Some("header") => match Decision::user(()) {
            Decision::Accept(accepted) => accepted.header("a b", "c").into(),
            other => other,
        },
        Some(_) => Decision::unauthorised(),
    })
}

fn app() -> App {
    App::new()
        .timeouts(Timeouts {
            ping: secs(500_000),
            ..Timeouts::default()
        })
        .per_address(AddressLimits {
            connections: Some(PER_ADDRESS as u32),
            ..AddressLimits::default()
        })
        .route(gate("/a"), |_| Census)
        .route(gate("/b/{name}"), |_| Census)
        .route(gate("/c/"), |_| Census)
}

fn workers() -> Workers {
    app().build().expect("nothing is wrong with it")
}

/// What it had in common with the others, it gives back: places, addresses and counts.
#[test]
fn a_worker_that_is_gone_takes_its_connections_with_it() {
    let registry = Registry::new();
    let workers = app().metrics(&registry).build();
    let workers = workers.expect("nothing is wrong with it");
    let worker = || Sim::of(workers.router(), workers.builder().settings().clone());
    let [mut gone, mut left] = [worker(), worker()];
    let mut client = open(&mut left, "/a");
    let _open = [open(&mut gone, "/a"), open(&mut gone, "/b/x")];
    let (head, _asked) = ask(&mut gone, "/c/?do=later", "");
    assert_eq!(head, "");
    say(&mut left, &client, "?");
    assert_eq!(heard(&mut client), ["2 3 1 1"]);
    assert_eq!(registry.totals().open, 3);
    drop(gone);
    assert_eq!(registry.totals().open, 1);
    say(&mut left, &client, "?");
    assert_eq!(heard(&mut client), ["1 1 1 1"]);
    let _all = [(); PER_ADDRESS - 1].map(|()| open(&mut left, "/b/x"));
    assert_eq!(status(&mut left, "/c/", ""), 429);
}

/// Paths, and which route they are of.
const PATHS: [(&str, usize); 4] = [("/a", 0), ("/b/x", 1), ("/b/y", 1), ("/c/", 2)];

/// What can become of somebody. Numbers say where, whence, on which loop, or who.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open(usize, u8, usize),
    /// Opened by a service that panics over it.
    OpenInPanic(usize, u8, usize),
    /// Not let in, in one of these ways.
    Refused(&'static str, usize, u8, usize),
    Abandoned(usize, u8, usize),
    TooLate(usize, u8, usize),
    Kill(usize),
    Close(usize),
    End(usize),
    SentAway(usize),
    Panic(usize),
    Violate(usize),
    Wait(u64, usize),
}

fn step(loops: usize) -> impl Strategy<Value = Step> {
    let whence = (0..PATHS.len(), 0..3_u8, 0..loops);
    let refusals = prop::sample::select(vec!["401", "panic", "header", "404"]);
    prop_oneof![
        8 => whence.clone().prop_map(|(a, b, c)| Step::Open(a, b, c)),
        1 => whence.clone().prop_map(|(a, b, c)| Step::OpenInPanic(a, b, c)),
        2 => (refusals, whence.clone()).prop_map(|(how, (a, b, c))| Step::Refused(how, a, b, c)),
        1 => whence.clone().prop_map(|(a, b, c)| Step::Abandoned(a, b, c)),
        1 => whence.prop_map(|(a, b, c)| Step::TooLate(a, b, c)),
        1 => (0..99_usize).prop_map(Step::Kill),
        1 => (0..99_usize).prop_map(Step::Close),
        1 => (0..99_usize).prop_map(Step::End),
        1 => (0..99_usize).prop_map(Step::SentAway),
        1 => (0..99_usize).prop_map(Step::Panic),
        1 => (0..99_usize).prop_map(Step::Violate),
        1 => (1..8_u64, 0..loops).prop_map(|(span, one)| Step::Wait(span, one)),
    ]
}

/// Somebody who is there.
struct Present {
    path: usize,
    address: u8,
    on: usize,
    client: Client,
}

/// The loops, and the list.
struct Town {
    workers: Workers,
    loops: Vec<Sim<Router>>,
    present: Vec<Present>,
}

impl Town {
    fn new(loops: usize) -> Self {
        let workers = workers();
        let one = |_| Sim::of(workers.router(), workers.builder().settings().clone());
        Self {
            loops: (0..loops).map(one).collect(),
            workers,
            present: Vec::new(),
        }
    }

    /// What a request has to be answered, if the gate says yes.
    fn expected(&self, path: usize, address: u8) -> u16 {
        let from = |one: &&Present| one.address == address;
        let on_route = |one: &&Present| PATHS[one.path].1 == PATHS[path].1;
        let present = self.present.iter();
        if present.clone().filter(from).count() >= PER_ADDRESS {
            429
        } else if present.filter(on_route).count() >= PER_ROUTE {
            503
        } else {
            101
        }
    }

    fn ask(&mut self, target: &str, address: u8, on: usize) -> (Option<u16>, Client) {
        let sim = &mut self.loops[on];
        let from = PeerAddr::Ip(([198, 51, 100, address], 50_000).into());
        let conn = sim.net.connect_from(from);
        let bytes = Vec::new();
        let mut client = Client { conn, bytes };
        client.push(&request(target, ""));
        sim.settle();
        let head = client.head();
        let status = head.split(' ').nth(1);
        (
            status.map(|status| status.parse().expect("a status")),
            client,
        )
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Open(path, address, on) => {
                let expected = self.expected(path, address);
                let (status, client) = self.ask(PATHS[path].0, address, on);
                assert_eq!(status, Some(expected));
                if expected == 101 {
                    self.present.push(Present {
                        path,
                        address,
                        on,
                        client,
                    });
                }
            }
            Step::OpenInPanic(path, address, on) => {
                let expected = self.expected(path, address);
                let target = format!("{}?panic", PATHS[path].0);
                let (status, client) = self.ask(&target, address, on);
                assert_eq!(status, Some(expected));
                self.check();
                client.push(&frames::close(1011));
                client.conn.end();
                self.loops[on].settle();
            }
            Step::Refused(how, path, address, on) => {
                let crowded = self.expected(path, address);
                let target = match how {
                    "404" => "/none".to_owned(),
                    how => format!("{}?do={how}", PATHS[path].0),
                };
                let expected = match (crowded, how) {
                    (429, _) => 429,
                    (_, "404") => 404,
                    (_, "401") => 401,
                    (503, "header") => 503,
                    _ => 500,
                };
                assert_eq!(self.ask(&target, address, on).0, Some(expected), "{how}");
            }
            Step::Abandoned(path, address, on) | Step::TooLate(path, address, on) => {
                let target = format!("{}?do=later", PATHS[path].0);
                let crowded = self.expected(path, address) == 429;
                let (status, client) = self.ask(&target, address, on);
                assert_eq!(status, crowded.then_some(429));
                if matches!(step, Step::TooLate(..)) {
                    self.loops[on].run_for(secs(6));
                } else {
                    kill(&mut self.loops[on], &client);
                    // Nothing is read of it, so it is found when its time is up.
                    self.loops[on].run_for(secs(6));
                }
            }
            Step::Wait(span, on) => self.loops[on].run_for(secs(span)),
            Step::Kill(who)
            | Step::Close(who)
            | Step::End(who)
            | Step::SentAway(who)
            | Step::Panic(who)
            | Step::Violate(who) => self.leave(step, who),
        }
    }

    fn leave(&mut self, step: Step, who: usize) {
        if self.present.is_empty() {
            return;
        }
        let gone = self.present.swap_remove(who % self.present.len());
        let (sim, client) = (&mut self.loops[gone.on], &gone.client);
        match step {
            Step::Kill(_) => kill(sim, client),
            Step::Close(_) => client.close_in_order(sim, 1000),
            Step::SentAway(_) => {
                say(sim, client, "bye");
                client.close_in_order(sim, 1000);
            }
            Step::Panic(_) => {
                say(sim, client, "panic");
                client.close_in_order(sim, 1011);
            }
            Step::Violate(_) => {
                client.push(&[0xFF; 20]);
                sim.settle();
            }
            _ => {
                client.conn.end();
                sim.settle();
            }
        }
    }

    /// All counts, as those say who are there.
    fn check(&mut self) {
        let places: Vec<_> = self.present.iter().map(|one| (one.path, one.on)).collect();
        for one in &mut self.present {
            let here = places.iter().filter(|(path, _)| *path == one.path).count();
            let near = places.iter().filter(|place| **place == (one.path, one.on));
            let near = near.count();
            say(&mut self.loops[one.on], &one.client, "?");
            assert_eq!(
                heard(&mut one.client),
                [format!("{here} {} {near} {near}", places.len())]
            );
        }
        for (on, sim) in self.loops.iter_mut().enumerate() {
            let here = places.iter().filter(|(_, other)| *other == on).count();
            let router = format!("{:?}", sim.server.handler());
            assert!(
                router.contains(&format!("connections: {here},")),
                "{router}"
            );
        }
    }

    /// Everybody is told to go, also those who were not answered yet; then all places are free.
    fn stop(mut self) {
        let waiting: Vec<_> = (0..self.loops.len())
            .map(|on| self.ask("/a?do=later", 9, on))
            .collect();
        for sim in &mut self.loops {
            sim.server.stop();
            sim.settle();
        }
        for (number, one) in self.present.iter().enumerate() {
            // Some answer, and some are given up.
            if number % 2 == 0 {
                one.client.close_in_order(&mut self.loops[one.on], 1001);
            }
        }
        for sim in &mut self.loops {
            sim.run_for(secs(60));
        }
        drop(waiting);
        self.present.clear();
        let workers = self.workers.clone();
        let settings = workers.builder().settings().clone();
        self.loops = vec![Sim::of(workers.router(), settings)];
        for address in [0, 1, 2, 9] {
            for (number, path) in [0, 1, 2, 3, 0].into_iter().enumerate() {
                assert!(number < PER_ADDRESS);
                self.go(Step::Open(path, address, 0));
            }
            self.check();
            for _ in 0..self.present.len() {
                self.go(Step::Kill(0));
            }
        }
    }
}

fn live(loops: usize, steps: &[Step]) {
    let mut town = Town::new(loops);
    for step in steps {
        town.go(*step);
        town.check();
    }
    town.stop();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_never_drift(steps in prop::collection::vec(step(1), 1..80)) {
        live(1, &steps);
    }

    #[test]
    fn counts_of_two_loops_never_drift(steps in prop::collection::vec(step(2), 1..80)) {
        live(2, &steps);
    }
}
