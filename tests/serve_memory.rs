//! What an idle connection of the routes of `sockeye serve` costs, beside one of `sockeye echo`: the very services, counted
//! on the simulated kernel.
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
/// What a connection may cost, as a multiple of one of echo.
const MOST: f64 = 2.0;
/// The same where each is in a room of its own, at `/example/socket`: that room is a connection's cost, too.
const MOST_ALONE: f64 = 2.7;
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
        for _ in 0..2 {
            let goes_on = server.turn(Some(Duration::ZERO));
            assert!(goes_on.expect("polling works"));
        }
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
        let alone = route == "/example/socket";
        let most = if alone { MOST_ALONE } else { MOST };
        assert!(
            bytes <= most * echo,
            "{route}: {bytes} B, and {echo} B of echo"
        );
    }
}
