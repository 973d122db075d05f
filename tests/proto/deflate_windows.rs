//! What we compress keeps to the window that was agreed on: an independent inflater looks at every distance.

use crate::compressing::{Compressing, Window, eager, noise, records};
use sockeye::proto::deflate::Policy;
use sockeye::proto::{MessageKind, Role};

/// Something is repeated at each of these distances and at those beside them.
fn far(bits: u8, seed: u32) -> Vec<u8> {
    let mut data = noise(600, seed);
    for bits in 9..=bits.min(14) + 1 {
        for near in [-300, -262, -1, 0, 1, 40] {
            let distance = usize::try_from((1_i64 << bits) + near).unwrap();
            let fill = (distance + 8).saturating_sub(data.len());
            data.extend(noise(fill, seed + u32::from(bits)));
            let from = data.len() - distance;
            data.extend_from_within(from..from + 8);
            data.extend(records(50, seed).bytes());
        }
    }
    data
}

/// Z11: both roles, all windows, all levels, with takeover and without, messages and fragments.
/// Shows 7692-5-04 7692-7.2.1-11 7692-7.2.1-17 7692-7.2.1-19 7692-7.2.2-13 7692-7.2.1-12 7692-7.2.1-15.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn no_distance_is_beyond_the_window() {
    for role in [Role::Server, Role::Client] {
        for bits in 9..=15 {
            let (one, two) = (far(bits, 1), far(bits, 2));
            for level in 1..=9 {
                for takeover in [false, true] {
                    let window = Window { bits, takeover };
                    let policy = Policy { level, ..eager() };
                    let mut side = Compressing::new(role, window, &policy);
                    let text = records(3000, 5);
                    for data in [&one, &two, &one] {
                        side.send(|tx, out| tx.text(&text, out)).unwrap();
                        for (data, last) in [(text.as_bytes(), false), (data, false), (b"", true)] {
                            side.send(|tx, out| tx.fragment(MessageKind::Binary, data, last, out))
                                .unwrap();
                        }
                    }
                    let (messages, seen) = side.read_seen();
                    let name = format!("{role:?} {window:?} {level}");
                    assert_eq!(messages.len(), 6, "{name}");
                    assert!(messages.iter().all(|message| message.compressed), "{name}");
                    for (message, data) in
                        messages.iter().skip(1).step_by(2).zip([&one, &two, &one])
                    {
                        assert_eq!(message.data, [text.as_bytes(), data].concat(), "{name}");
                    }
                    // It is used, too, but for what zlib looks ahead: nearly all, where nothing is forgotten.
                    // What stands alone is compressed for the next smaller of three windows.
                    let used = if takeover { bits } else { bits / 3 * 3 };
                    let most = (1 << used) - 262;
                    let least = if takeover { most * 9 / 10 } else { most / 2 };
                    assert!(seen.max_distance > least, "{name}: {seen:?}");
                }
            }
        }
    }
}

/// The library writes with 9 bits where it is asked for 8, so nothing is compressed then.
#[test]
fn with_a_window_of_8_bits_nothing_is_compressed() {
    for role in [Role::Server, Role::Client] {
        for takeover in [false, true] {
            let window = Window { bits: 8, takeover };
            let mut side = Compressing::new(role, window, &eager());
            let text = records(3000, 5);
            side.send(|tx, out| tx.text(&text, out)).unwrap();
            for last in [false, true] {
                side.send(|tx, out| tx.fragment(MessageKind::Text, text.as_bytes(), last, out))
                    .unwrap();
            }
            let prepared = sockeye::proto::Prepared::text(&text);
            side.send(|tx, out| tx.prepared(&prepared, out)).unwrap();
            let messages = side.read();
            assert_eq!(messages.len(), 3);
            assert!(messages.iter().all(|message| !message.compressed));
            assert_eq!(side.compressor.heap_bytes(), 0);
            assert_eq!(side.conn.tx.heap_bytes(), 0);
        }
    }
}
