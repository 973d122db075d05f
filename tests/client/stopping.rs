//! A loop that is stopped, in every stage of its connections.

use crate::frames::Frame;
use crate::harness::{Sim, Told, close, ms, secs, to};
use crate::sim::{Reached, Resolution};
use sockeye::client::{Cause, LinkState, Proxy, Reconnect};

/// Begins an attempt that stands in a stage: resolving, connecting, asking a proxy, shaking hands, waiting for a body.
fn stand_in(sim: &mut Sim, stage: usize, links: bool) {
    let there = Resolution::After(ms(0), vec!["10.0.0.1"]);
    sim.net
        .name("h", [if stage == 0 { Resolution::Never } else { there }]);
    if stage == 1 {
        sim.net.reach("10.0.0.1:80", [Reached::Never]);
    }
    let mut connector = to("ws://h/");
    if stage == 2 {
        connector = connector.proxy(Proxy::parse("http://10.0.0.1:80").unwrap());
    }
    if links {
        connector = connector.reconnect(Reconnect::default());
    }
    sim.dial(&connector);
    sim.settle();
    if stage == 4 {
        sim.server()
            .push(b"HTTP/1.1 401 x\r\nContent-Length: 10\r\n\r\nabc");
        sim.settle();
    }
}

#[test]
fn what_is_on_its_way_is_given_up() {
    for (stage, links) in (0..5).flat_map(|stage| [(stage, false), (stage, true)]) {
        let mut sim = Sim::new();
        stand_in(&mut sim, stage, links);
        sim.take_told();
        sim.client.stop();
        sim.settle();
        let mut told = sim.take_told();
        told.retain(|told| *told != Told::Link(7, LinkState::Ended) || !links);
        assert_eq!(told, [Told::Failed(7, "Stopped".into())], "{stage} {links}");
        assert!(!sim.goes_on);
        sim.assert_idle();
        // And what is begun later is given up at once.
        sim.dial(&to("ws://h/"));
        assert_eq!(sim.only_failure(), "Stopped");
        assert_eq!(sim.net.dialed().len(), usize::from(stage > 0));
    }
}

#[test]
fn who_is_open_is_told_goodbye() {
    for answers in [true, false] {
        let mut sim = Sim::new();
        let mut server = sim.open();
        sim.client.stop();
        sim.settle();
        assert_eq!(server.frame(), Frame::close(1001, "client is stopping"));
        assert!(sim.goes_on && sim.told().is_empty());
        if answers {
            server.push(&close(1001, ""));
            sim.settle();
            let end = sim.only_end();
            assert_eq!(
                (end.code, end.clean, end.cause),
                (1001, true, Cause::Stopped)
            );
            assert!(sim.goes_on);
            server.conn.end();
            sim.settle();
        } else {
            sim.run_for(ms(2999));
            assert!(sim.told().is_empty());
            sim.run_for(ms(5));
            let end = sim.only_end();
            assert_eq!(
                (end.code, end.clean, end.cause),
                (1006, false, Cause::Stopped)
            );
        }
        assert!(!sim.goes_on);
        sim.assert_idle();
    }
}

#[test]
fn a_link_that_waits_or_is_open_ends() {
    for open in [false, true] {
        let mut sim = Sim::new();
        sim.dial(&to("ws://10.0.0.1/").reconnect(Reconnect::default()));
        sim.settle();
        let mut server = sim.server();
        server.accept();
        sim.settle();
        if !open {
            server.conn.end();
            sim.settle();
        }
        sim.take_told();
        sim.client.stop();
        sim.settle();
        assert_eq!(sim.take_told()[0], Told::Link(7, LinkState::Ended));
        if open {
            assert_eq!(server.frame().close_code(), Some(1001));
            server.push(&close(1001, ""));
            server.conn.end();
            sim.settle();
            assert!(matches!(sim.take_told()[..], [Told::Close(7, _)]));
        }
        sim.run_for(secs(40));
        assert_eq!(sim.net.dialed().len(), 1);
        assert!(!sim.goes_on);
        sim.assert_idle();
    }
}

/// A redirect that comes too late leads nowhere.
#[test]
fn nothing_is_begun_by_a_handler_any_more() {
    let mut sim = Sim::new();
    let server = sim.open();
    sim.probe().dials = Some((to("ws://10.0.0.2/"), 8));
    server.push(&crate::harness::text("!dial"));
    sim.client.stop();
    sim.settle();
    server.push(&close(1001, ""));
    server.conn.end();
    sim.settle();
    let told = sim.take_told();
    // What was under way is discarded after our Close, or asked for and not begun.
    let begun = sim.net.dialed().len();
    assert_eq!(begun, 1, "{told:?}");
    assert!(!sim.goes_on);
    sim.assert_idle();
}
