//! What an idle connection of the routes of `sockeye serve` costs, beside one of `sockeye echo`, and that one which is gone
//! costs nothing: the very services, counted on the simulated kernel.
//!
//! Not here: `/chat/` and `/stackabuse`, where all are told of each who comes; they keep nothing for anybody.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "what is shared between modules is all `pub`, and not all of it is needed here"
)]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/frames.rs"]
mod frames;
#[path = "../src/bin/sockeye/serve/samples/mod.rs"]
mod samples;
#[path = "support/sim/mod.rs"]
mod sim;

use sim::{Net, SimKernel};
use sockeye::app::App;
use sockeye::server::{EventLoop, Handler, Message, Peer, RoomSettings, Settings};
use std::time::Duration;

/// What `samples` is added to.
mod site {
    use sockeye::app::{App, Logged, Params, Route, RouteError, Service};
    use std::marker::PhantomData;

    pub struct Draft<'d>(pub App, pub PhantomData<&'d ()>);

    impl Draft<'_> {
        pub fn route<S: Service<User: Default>>(
            self,
            route: Result<Route, RouteError>,
            make: impl Fn(&Params) -> S + Send + Sync + 'static,
        ) -> Self {
            let app = self.0.route(route, move |params| Logged(make(params)));
            Self(app, PhantomData)
        }
    }
}

/// As many as nearly fill lists that double.
const MANY: usize = 4090;
/// What a connection may cost, as a multiple of one of echo; also where each is in a room of its own, as at
/// `/example/socket`, for that room is a connection's cost, too.
const MOST: f64 = 2.0;
/// So many are in a room: everybody there is told of each who comes.
const TOGETHER: usize = 125;

/// `sockeye echo`.
struct Echo;

impl Handler<SimKernel> for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

/// `sockeye serve`.
fn serve() -> (impl Handler<SimKernel>, Settings) {
    let rooms = RoomSettings::default().policy(samples::policy);
    let draft = site::Draft(App::new().rooms(rooms), std::marker::PhantomData);
    let workers = samples::add(draft)
        .0
        .build()
        .expect("nothing is wrong with it");
    (workers.router(), workers.builder().settings().clone())
}

fn request(target: &str) -> Vec<u8> {
    let request = String::from_utf8_lossy(frames::REQUEST);
    request
        .replacen("GET / ", &format!("GET {target} "), 1)
        .into_bytes()
}

/// Bytes that a server holds with so many idle connections.
fn held<H: Handler<SimKernel>>(
    (handler, settings): (H, Settings),
    count: usize,
    target: &impl Fn(usize) -> String,
) -> isize {
    let net = Net::new();
    let mut server = EventLoop::new(net.kernel(), handler, settings);
    let mut conns = Vec::with_capacity(count);
    for index in 0..count {
        let conn = net.connect();
        conn.push(&request(&target(index)));
        turns(&mut server, 2);
        let answer = conn.take_sent();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
        conn.only_count();
        conns.push(conn);
    }
    // What the world holds of them is not counted.
    let before = counting::held();
    drop(server);
    before - counting::held()
}

/// Of each of many.
fn per_idle<H: Handler<SimKernel>>(
    make: impl Fn() -> (H, Settings),
    target: impl Fn(usize) -> String,
) -> f64 {
    let [some, many] = [TOGETHER, MANY].map(|count| held(make(), count, &target));
    (many - some) as f64 / (MANY - TOGETHER) as f64
}

#[test]
fn an_idle_connection_of_a_route_costs_no_more_than_two_of_echo() {
    let echo = per_idle(|| (Echo, Settings::default()), |_| "/".to_owned());
    println!("{echo:>6.0} B: sockeye echo");
    let fixed = |path: &'static str| move |_| path.to_owned();
    let mut all = Vec::new();
    for path in ["/", "/echo", "/demo", "/ticker"] {
        all.push((path, per_idle(serve, fixed(path))));
    }
    let room = |path: &'static str, query: &'static str| {
        move |index| format!("{path}/{}{query}", index / TOGETHER)
    };
    all.push(("/chat/{room}", per_idle(serve, room("/chat", ""))));
    all.push((
        "/chat/{room}?name=",
        per_idle(serve, |index| {
            format!("/chat/{}?name=visitor-{index}", index / TOGETHER)
        }),
    ));
    let channel = |path: &'static str| move |index| format!("{path}?ch={}", index / TOGETHER);
    all.push(("/channels?ch=", per_idle(serve, channel("/channels"))));
    all.push(("/example/socket", per_idle(serve, fixed("/example/socket"))));
    for (route, bytes) in &all {
        println!("{bytes:>6.0} B, {:.2} of it: {route}", bytes / echo);
    }
    for (route, bytes) in all {
        assert!(
            bytes <= MOST * echo,
            "{route}: {bytes} B, and {echo} B of echo"
        );
    }
}

/// Twelve come, talk and go, each at another path, under another name, or in another way than the one before.
fn visit<H: Handler<SimKernel>>(server: &mut EventLoop<H, SimKernel>, net: &Net, batch: usize) {
    let conns = [(); 12].map(|()| net.connect());
    for (index, conn) in conns.iter().enumerate() {
        let number = batch * conns.len() + index;
        let targets = [
            format!("/chat/room-{number}?name=visitor-{number}"),
            format!("/chat/tea?name=visitor-{number}"),
            format!("/channels?ch=channel-{number}"),
            "/example/socket".to_owned(),
            "/ticker".to_owned(),
            "/echo".to_owned(),
        ];
        conn.push(&request(&targets[index % targets.len()]));
    }
    turns(server, 3);
    for (index, conn) in conns.iter().enumerate() {
        assert!(conn.take_sent().starts_with(b"HTTP/1.1 101 "));
        conn.push(&frames::text(r#"{"cmd":"chat","param":{"text":"hello"}}"#));
        match (index + batch) % 3 {
            0 => {
                conn.push(&frames::close(1000));
                conn.end();
            }
            1 => conn.end(),
            _ => conn.reset(rustix::io::Errno::CONNRESET),
        }
    }
    turns(server, 3);
}

fn turns<H: Handler<SimKernel>>(server: &mut EventLoop<H, SimKernel>, count: usize) {
    for _ in 0..count {
        let goes_on = server.turn(Some(Duration::ZERO));
        assert!(goes_on.expect("polling works"));
    }
}

/// Whoever was there leaves nothing behind: not in services, not in rooms, not in counts.
#[test]
fn what_is_held_does_not_grow_with_those_who_were_there() {
    const ROUNDS: usize = 60;

    let net = Net::new();
    let (handler, settings) = serve();
    let mut server = EventLoop::new(net.kernel(), handler, settings);
    let mut held = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        for batch in 0..10 {
            visit(&mut server, &net, round * 10 + batch);
        }
        // Services end some seconds after the last one has gone.
        for _ in 0..20 {
            net.pass(Duration::from_secs(1));
            turns(&mut server, 2);
        }
        net.forget_ended();
        held.push(counting::held());
    }
    assert_eq!(held[ROUNDS / 3], held[ROUNDS - 1], "{held:?}");
}
