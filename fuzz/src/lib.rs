//! The bodies of the fuzz targets: each takes bytes and panics where a law is broken.

use sockeye::proto::{Config, Connection, Event, Inbound, Outbound, Role, Violation};
use std::sync::Arc;

/// What a connection made of its input.
type Outcome = (Vec<String>, Vec<u8>, Option<Violation>);

/// The same bytes in any pieces give the same events, output and error. The first bytes choose role and pieces.
pub fn connection(data: &[u8]) {
    let [choice, stream @ ..] = data else { return };
    let role = if choice & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let piece = usize::from(choice >> 1) + 1;
    let whole = drive(role, stream, stream.len().max(1));
    assert_eq!(drive(role, stream, piece), whole);
    assert_eq!(drive(role, stream, 1), whole);
}

fn drive(role: Role, stream: &[u8], piece: usize) -> Outcome {
    let mut conn = Connection::new(role, Arc::new(Config::default()));
    let mut inbound = Inbound::new();
    let mut keys = || [1, 2, 3, 4];
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let (mut events, mut buffer) = (Vec::new(), Vec::new());
    for part in stream.chunks(piece) {
        buffer.extend_from_slice(part);
        let mut at = 0;
        loop {
            let rest = &mut buffer[at..];
            match conn.rx.next(rest, &mut inbound, &mut conn.tx, &mut out) {
                Err(violation) => return (events, out.sink, Some(violation)),
                Ok(step) => {
                    at += step.consumed;
                    match step.event {
                        None => break,
                        Some(Event::Text(text)) => assert_eq!(conn.tx.text(text, &mut out), Ok(())),
                        Some(event) => events.push(format!("{event:?}")),
                    }
                }
            }
        }
        buffer.drain(..at);
    }
    (events, out.sink, None)
}

#[cfg(test)]
mod tests {
    /// Keeps the bodies compiling and passing where no fuzzer runs.
    #[test]
    fn the_bodies_hold_on_small_inputs() {
        for first in 0..=255 {
            for second in [0, 0x80, 0x85, 0xfe, 0xff] {
                for choice in 0..4 {
                    super::connection(&[choice, first, second, 1, 2, 3, 4, b'a', b'b', 0xff]);
                }
            }
        }
    }
}
