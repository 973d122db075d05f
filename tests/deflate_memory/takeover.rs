//! With takeover: what is documented.

use crate::counting;
use crate::frames::{BINARY, FIN, frame};
use crate::{MANY, OFFER, RSV1, SHARED, Sim, compressed, held_since, json};
use sockeye::proto::deflate::{Agreed, ClientBits, Compressor, Params, Policy, WindowBits};
use sockeye::proto::{Config, Connection, Event, Inbound, Outbound};
use std::sync::Arc;
use std::time::Duration;

/// A driver's connections, each of which has received so many messages of 512 bytes and sent as many back.
struct Driver {
    conns: Vec<Connection>,
    inbound: Inbound,
    compressor: Compressor,
}

impl Driver {
    fn new(count: usize, agreed: Agreed) -> Self {
        let config: Arc<Config> = Arc::default();
        let mut conns: Vec<_> = (0..count)
            .map(|_| Connection::server(config.clone()))
            .collect();
        conns.iter_mut().for_each(|conn| conn.set_deflate(agreed));
        Self {
            conns,
            inbound: Inbound::new(),
            compressor: Compressor::new(&Policy::default()),
        }
    }

    fn receive(&mut self, frame: &[u8], answer: bool) {
        let mut buffer = frame.to_vec();
        let mut out = Outbound::server(Vec::new()).deflate(&mut self.compressor);
        for conn in &mut self.conns {
            buffer.copy_from_slice(frame);
            let Connection { rx, tx } = conn;
            let step = rx
                .next(&mut buffer, &mut self.inbound, tx, &mut out)
                .expect("it is right");
            let Some(Event::Binary(data)) = step.event else {
                panic!("a message");
            };
            if answer {
                tx.binary(data, &mut out).expect("it is open");
                assert_eq!(out.sink[0], FIN | RSV1 | BINARY);
            }
            out.sink.clear();
        }
    }

    /// What the connections say they hold.
    fn heap_bytes(&self) -> usize {
        self.conns.iter().map(Connection::heap_bytes).sum()
    }
}

#[test]
fn with_takeover_what_was_received_is_held_up_to_the_window() {
    let frame = frame(FIN | RSV1 | BINARY, &compressed(&json(1)));
    for bits in [9, 12, 15] {
        let agreed = Params {
            server_no_context_takeover: true,
            client_max_window_bits: ClientBits::AtMost(bits),
            ..Params::default()
        };
        let window = 1 << bits;
        // After one message, with many connections; and until the window is full, with few.
        for (count, messages) in [(MANY, 1), (50, 100)] {
            let mut driver = Driver::new(count, agreed.agreed());
            let before = counting::held();
            let shared = driver.inbound.heap_bytes();
            assert_eq!(shared, 0);
            (0..messages).for_each(|_| driver.receive(&frame, false));
            let shared = driver.inbound.heap_bytes() as isize;
            let each = (held_since(before) - shared) / count as isize;
            let said = (driver.heap_bytes() / count) as isize;
            let kept = (512 * messages).min(window) as isize;
            assert!((kept..=kept + 128).contains(&said), "{said} B for {kept} B");
            // The shared figures are the library's, and not to the byte.
            let slack = (16 << 10) / count as isize + 1;
            assert!((each - said).abs() <= slack, "{each} B held, {said} B told");
        }
    }
}

#[test]
fn with_takeover_a_sender_holds_what_is_documented() {
    let frame = frame(FIN | RSV1 | BINARY, &compressed(&json(1)));
    for (bits, documented) in [(9, 251_000), (12, 265_000), (15, 380_000)] {
        let agreed = Params {
            client_no_context_takeover: true,
            server_max_window_bits: WindowBits::new(bits).map(WindowBits::get),
            ..Params::default()
        };
        let count = 64;
        let mut driver = Driver::new(count, agreed.agreed());
        driver.receive(&frame, false);
        let idle = counting::held();
        for _ in 0..10 {
            driver.receive(&frame, true);
            let each = held_since(idle) / count as isize;
            let said = (driver.heap_bytes() / count) as isize;
            // The buffer for what was compressed is shared, and counts for all.
            let shared = (64 << 10) / count as isize + 1;
            assert!(each <= said + shared, "{each} B held, {said} B told");
            assert!(each * 100 >= said * 97, "{each} B held, {said} B told");
            assert!(
                each <= documented * 102 / 100,
                "{each} B held, {documented} B documented"
            );
        }
        driver
            .conns
            .iter_mut()
            .for_each(|conn| conn.tx.forget_context());
        assert_eq!(driver.heap_bytes(), 0);
        let left = held_since(idle);
        assert!(left <= 65 << 10, "{left} B left, and a buffer is");
    }
}

#[test]
fn in_a_loop_a_silent_connection_gives_its_compressor_back() {
    let count = 32;
    let mut sim = Sim::new(Policy {
        server_context_takeover: true,
        ..Policy::default()
    });
    let message = frame(FIN | RSV1 | BINARY, &compressed(&json(1)));
    let conns = sim.open(count, OFFER, 1024);
    let before = counting::held();
    sim.each_sends(&conns, |_| message.clone(), true);
    let each = held_since(before) / count as isize;
    assert!((370_000..400_000).contains(&each), "{each} B for each");
    while sim.net.now() < Duration::from_secs(21) {
        let at_most = Duration::from_secs(1);
        sim.server.turn(Some(at_most)).expect("it polls");
    }
    let pinged = conns
        .iter()
        .all(|conn| conn.read_sent(|sent| sent.starts_with(&[0x89, 4])));
    assert!(pinged);
    let left = held_since(before);
    assert!(left <= SHARED as isize, "{left} B left");
}
