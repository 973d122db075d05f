//! What the loop does not count on: that somebody looks at the clock in between.

use crate::harness::{Sim, ms};
use sockeye::kernel::Ready;

#[test]
fn a_deadline_comes_in_time_where_run_begins_long_after_the_last_turn() {
    let mut sim = Sim::new();
    let mut client = sim.connect();
    sim.settle();
    sim.net.pass(ms(900));
    // Behind the 5 s that a request may take; else this would refuse it.
    sim.net.at(ms(5500), |net| net.forge(Ready::Stop));
    sim.server.run().expect("polling works");
    let answer = client.head();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}
