//! What an idle connection of an application costs, beside one of a bare handler: counted on the simulated kernel.
#![allow(
    unsafe_code,
    reason = "an allocator that counts is one, and cannot be written otherwise"
)]
#![allow(
    unreachable_pub,
    reason = "what is shared between modules is all `pub`"
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
#[path = "support/sim/mod.rs"]
mod sim;

use frames::REQUEST;
use sim::{Net, SimKernel};
use sockeye::app::{App, Echo, Route};
use sockeye::server::{EventLoop, Handler, Message, Peer, Settings};
use std::time::Duration;

/// As many as fill tables that double.
const MANY: usize = 4096;

struct Bare;

impl Handler<SimKernel> for Bare {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

/// Bytes that a server holds for each of many idle connections.
fn per_idle<H: Handler<SimKernel>>(make: impl Fn() -> (H, Settings)) -> f64 {
    let [one, many] = [1, MANY].map(|count| {
        let net = Net::new();
        let (handler, settings) = make();
        let mut server = EventLoop::new(net.kernel(), handler, settings);
        let conns: Vec<_> = (0..count).map(|_| net.connect()).collect();
        for conn in &conns {
            conn.push(REQUEST);
        }
        // Newcomers are let in by and by.
        for _ in 0..MANY {
            let goes_on = server.turn(Some(Duration::ZERO));
            assert!(goes_on.expect("polling works"));
        }
        let answered = |sent: &[u8]| sent.starts_with(b"HTTP/1.1 101 ");
        for conn in &conns {
            conn.read_sent(|sent| assert!(answered(sent), "{}", String::from_utf8_lossy(sent)));
        }
        // What the world holds of them is not counted.
        let before = counting::held();
        drop(server);
        before - counting::held()
    });
    (many - one) as f64 / (MANY - 1) as f64
}

#[test]
fn an_idle_connection_of_an_application_costs_less_than_two_of_a_handler() {
    let bare = per_idle(|| (Bare, Settings::default()));
    let app = per_idle(|| {
        let app = App::new().route(Route::new("/"), |_| Echo);
        let workers = app.build().expect("nothing is wrong with it");
        (workers.router(), workers.builder().settings().clone())
    });
    println!("{bare} B of a handler, {app} B of an application");
    assert!(app <= 2.0 * bare, "{app} B, and {bare} B of a handler");
}
