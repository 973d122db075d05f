//! Small frames that one read has brought: decoded and unmasked.

use crate::codecs::config;
use crate::measure::{Ratio, compare};
use crate::tape::{Payload, frames};
use sockeye::proto::{Connection, Event, Inbound, Outbound};
use std::hint::black_box;

/// So many lie in a buffer, which stays in the first-level cache.
pub(crate) const FRAMES: usize = 512;
const SIZE: usize = 20;

/// All frames, as events.
pub(crate) fn decoding(rounds: usize) -> Vec<Ratio> {
    // What was unmasked in place is masked again by the next turn, so nothing has to be copied while time is taken.
    let mut bytes = frames(Payload::Binary, SIZE, FRAMES);
    let mut conn = Connection::server(config());
    let mut inbound = Inbound::new();
    let receive = move || {
        let mut out = Outbound::server(Vec::new());
        let (mut at, mut heard) = (0, 0);
        while at < bytes.len() {
            let input = black_box(&mut bytes[at..]);
            let step = conn.rx.next(input, &mut inbound, &mut conn.tx, &mut out);
            let step = step.expect("frames that are right");
            at += step.consumed;
            if let Some(Event::Binary(data)) = step.event {
                heard += black_box(data).len();
            }
        }
        assert_eq!(heard, FRAMES * SIZE);
    };
    compare(vec![Box::new(receive)], rounds)
}
