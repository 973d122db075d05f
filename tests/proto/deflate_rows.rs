//! Every row of `tests/rows/compressed.rows` as `chunking` replays the others, and where it names no delivery in all three.

use crate::chunking::{PIECES, check, splits};
use crate::replay::{Outcome, replay};
use crate::rows::{self, Expected, Row, With};
use crate::wire;
use sockeye::proto::{Delivery, Role};

const ROWS: &str = include_str!("../rows/compressed.rows");

#[test]
fn every_row_at_every_split_in_every_delivery() {
    let rows = rows::parse(ROWS).unwrap_or_else(|why| panic!("compressed.rows, {why}"));
    assert!(rows.len() >= 80, "{} rows", rows.len());
    for row in &rows {
        for &role in &row.roles {
            check(row, role);
            if row.with.delivery == Delivery::Messages {
                as_parts(row, role);
            }
        }
    }
}

/// Rows that are written while the test runs, as they would stand in the file.
pub(crate) fn check_all(rows: &str) {
    for row in rows::parse(rows).unwrap_or_else(|why| panic!("{why}")) {
        for &role in &row.roles {
            check(&row, role);
            as_parts(&row, role);
        }
    }
}

/// A line of such a row: a frame with this first byte and payload. `^` may stand behind it.
pub(crate) fn frame_line(first: u8, payload: &[u8]) -> String {
    // Without the two bytes of the header only the length is left, as the loader wants it.
    let head = wire::frame(Role::Client, first, payload);
    let (head, payload) = head.split_at(head.len() - payload.len());
    format!("in {} | {}", hex(head), hex(payload))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In frames and in chunks the same comes of the row, at every split.
fn as_parts(row: &Row, role: Role) {
    for delivery in [Delivery::Frames, Delivery::Chunks] {
        let name = format!("{} ({role:?}, {delivery:?})", row.name);
        let with = With {
            delivery,
            ..row.with.clone()
        };
        let wire = row.wire(role);
        let len = wire.bytes.len();
        let (whole, _) = replay(role, &with, &wire.bytes, []);
        let (messages, _) = replay(role, &row.with, &wire.bytes, []);
        // A part is not echoed.
        if !row.with.echo {
            assert_eq!(whole.out, messages.out, "{name}");
        }
        assert_eq!(whole.error, messages.error, "{name}");
        assert_eq!(whole.state, messages.state, "{name}");
        assert_eq!(joined(&whole.events), row.events, "{name}");

        let (bytewise, failed_at) = replay(role, &with, &wire.bytes, 1..len);
        same(&bytewise, &whole, &format!("{name}: byte by byte"));
        assert!(failed_at <= wire.mark, "{name}: {failed_at:?} is late");
        for size in PIECES {
            let (pieces, _) = replay(role, &with, &wire.bytes, (size..len).step_by(size));
            same(&pieces, &whole, &format!("{name}: {size} bytes at a time"));
        }
        for split in splits(&wire) {
            let (halves, at) = replay(role, &with, &wire.bytes, [split]);
            same(&halves, &whole, &format!("{name}: split at {split}"));
            let earliest = failed_at.map(|at| if at <= split { split } else { len });
            assert_eq!(at, earliest, "{name}: split at {split}");
        }
    }
}

/// Events, output, error, state, and what is left.
fn same(got: &Outcome, want: &Outcome, name: &str) {
    assert_eq!(got, want, "{name}");
}

/// The parts of whole messages, each put together.
pub(crate) fn joined(events: &[Expected]) -> Vec<Expected> {
    let mut whole = Vec::new();
    let mut data = Vec::new();
    for event in events {
        let Expected::Part(part) = event else {
            whole.push(event.clone());
            continue;
        };
        if part.starts_message {
            data.clear();
        }
        data.extend_from_slice(&part.data);
        if part.ends_message {
            let data = std::mem::take(&mut data);
            whole.push(if part.text {
                Expected::Text(data)
            } else {
                Expected::Binary(data)
            });
        }
    }
    whole
}
