//! Timeouts beyond what a timer tells apart, which is 12 days.

use crate::deadlines::{assert_too_slow, block, pass, unblock};
use crate::frames::{CONTINUATION, FIN, Frame, REQUEST, TEXT, frame, text};
use crate::harness::{Sim, ms, secs};
use sockeye::server::{Limits, Timeouts};
use std::time::Duration;

const fn days(days: u64) -> Duration {
    secs(days * 24 * 60 * 60)
}

/// Every timeout is this.
const fn all(span: Duration) -> Timeouts {
    Timeouts {
        handshake: span,
        assembly: span,
        ping: span,
        pong: span,
        idle: Some(span),
        close: span,
        write_stall: span,
        goodbye: span,
        drain: span,
    }
}

#[test]
fn very_long_timeouts_bring_nothing_for_twelve_days() {
    for span in [days(30), days(60), Duration::MAX] {
        let mut sim = Sim::with(Limits::default(), all(span));
        sim.run_until(ms(5));
        let mut silent = sim.connect();
        let mut open = sim.open();
        let mut assembling = sim.open();
        assembling.push(&frame(TEXT, b"begun"));
        let mut closing = sim.open();
        closing.push(&text("!close bye"));
        let mut blocked = sim.open();
        block(&mut sim, &mut blocked);
        assert_eq!(closing.frame(), Frame::close(1000, "bye"));
        sim.run_for(days(12));
        for client in [
            &mut silent,
            &mut open,
            &mut assembling,
            &mut closing,
            &mut blocked,
        ] {
            client.assert_quiet();
        }
        // All are where they were.
        silent.push(REQUEST);
        assembling.push(&frame(FIN | CONTINUATION, b" and ended"));
        sim.settle();
        assert!(silent.head().starts_with("HTTP/1.1 101 "));
        assert_eq!(assembling.frame(), Frame::text("begun and ended"));
        unblock(&mut sim, &mut blocked);
        closing.close_in_order(&mut sim, 1000);
        open.assert_echoes(&mut sim);
        sim.server.stop();
        sim.settle();
        assert_eq!(open.frame().close_code(), Some(1001));
        sim.run_for(days(12));
        assert!(sim.goes_on && !open.conn.is_closed());
    }
}

#[test]
fn a_very_long_timeout_does_not_hide_a_short_one() {
    // A tick is remembered in 32 bits, which 25 to 50 days would turn into the past, and this one into four seconds.
    let four_seconds_beyond = ms((1 << 32) + 4000);
    for span in [days(30), four_seconds_beyond, days(60), Duration::MAX] {
        let timeouts = Timeouts {
            ping: span,
            ..Timeouts::default()
        };
        let mut sim = Sim::with(Limits::default(), timeouts);
        let mut client = sim.open();
        sim.run_for(days(5));
        client.push(&frame(TEXT, b"begun"));
        sim.settle();
        let since = sim.net.now();
        pass(&mut sim, &mut client, since + secs(30));
        assert_too_slow(&mut sim, &mut client, &[]);
    }
}
