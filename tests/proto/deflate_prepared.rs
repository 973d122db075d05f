//! Messages prepared once and sent to many, whatever each has agreed on.

use crate::compressing::{Compressing, Window, connection, eager, noise, records};
use crate::strict_inflate::StrictInflater;
use crate::wire::Counting;
use sockeye::proto::deflate::{Compressor, Policy};
use sockeye::proto::{Outbound, Prepared, Role, SharedFrame, Sink};
use std::collections::HashSet;
use std::sync::Arc;

/// Notes where the bytes of each frame lie.
#[derive(Default)]
struct Places(Vec<(usize, bool)>);

impl Sink for Places {
    fn frame(&mut self, _: &[u8], _: &[u8]) {
        panic!("a prepared message is shared");
    }

    fn masked(&mut self, head: &[u8], payload: &[u8], _: [u8; 4]) {
        self.0
            .push((payload.as_ptr() as usize, head[0] & 0x40 != 0));
    }

    fn shared(&mut self, frame: &SharedFrame) {
        let compressed = frame.head()[0] & 0x40 != 0;
        self.0.push((frame.payload().as_ptr() as usize, compressed));
        assert_eq!(**frame.bytes(), [frame.head(), frame.payload()].concat());
    }
}

fn windows() -> Vec<Window> {
    (9..=15)
        .flat_map(|bits| [false, true].map(|takeover| Window { bits, takeover }))
        .collect()
}

/// Sends it to ten connections of each window; gives back where the frames lay, each place once.
fn places(
    message: &Prepared,
    role: Role,
    windows: &[Window],
    compressor: &mut Compressor,
) -> HashSet<(usize, bool)> {
    let mut places = Places::default();
    for window in windows.repeat(10) {
        let mut conn = connection(role, window);
        let mut keys = Counting::default();
        let out = Outbound::client(&mut places, &mut keys);
        let mut out = out.deflate(compressor);
        conn.tx.prepared(message, &mut out).unwrap();
        conn.tx.prepared(&message.clone(), &mut out).unwrap();
        // Nothing is kept for one.
        assert_eq!(conn.heap_bytes(), 0);
    }
    assert_eq!(places.0.len(), windows.len() * 20);
    places.0.into_iter().collect()
}

/// Z19: takeover makes no difference, and what was compressed with 9 or 12 bits is sent to those with a larger window
/// too. A client masks the same bytes.
#[test]
fn it_is_compressed_for_three_windows_at_most() {
    let message = Prepared::text(&records(5000, 1));
    let mut compressor = Compressor::new(&Policy::default());
    let all = places(&message, Role::Server, &windows(), &mut compressor);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|(_, compressed)| *compressed));
    let again = places(&message, Role::Client, &windows(), &mut compressor);
    assert_eq!(again, all);
    for (sets, times) in [([9, 12, 15], 3), ([9, 10, 11], 1), ([8, 12, 14], 2)] {
        let windows = sets.map(|bits| Window {
            bits,
            takeover: true,
        });
        let message = Prepared::text(&records(5000, 1));
        let all = places(&message, Role::Client, &windows, &mut compressor);
        assert_eq!(all.len(), times, "{sets:?}");
    }
}

#[test]
fn what_does_not_pay_is_sent_to_all_as_it_is() {
    for message in [
        Prepared::binary(&noise(3000, 1)),
        Prepared::text("short"),
        Prepared::text(""),
    ] {
        for role in [Role::Server, Role::Client] {
            let mut compressor = Compressor::new(&Policy::default());
            let all = places(&message, role, &windows(), &mut compressor);
            let plain = (message.payload().as_ptr() as usize, false);
            assert_eq!(all, HashSet::from([plain]));
        }
    }
}

/// Threads that prepare and send at the same time have one variant between them.
#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn threads_share_what_is_compressed() {
    let message = Arc::new(Prepared::text(&records(50_000, 1)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let message = Arc::clone(&message);
            std::thread::spawn(move || {
                let mut compressor = Compressor::new(&Policy::default());
                places(&message, Role::Server, &windows(), &mut compressor)
            })
        })
        .collect();
    let mut all = HashSet::new();
    for thread in threads {
        all.extend(thread.join().unwrap());
    }
    assert_eq!(all.len(), 3);
}

/// A peer that keeps a context reads both, in any order: what we say next refers to neither.
#[test]
fn own_and_prepared_messages_may_alternate() {
    for role in [Role::Server, Role::Client] {
        for window in windows() {
            let mut side = Compressing::new(role, window, &eager());
            let mut want = Vec::new();
            let prepared: Vec<_> = (0..3).map(|i| records(900, i)).collect();
            for i in 0..12_u32 {
                // Before anything of its own too, and twice in a row.
                let text = &prepared[(i % 3) as usize];
                let message = Prepared::text(text);
                for _ in 0..=i % 2 {
                    side.send(|tx, out| tx.prepared(&message, out)).unwrap();
                    want.push(text.clone());
                }
                let own = records(900, i % 4);
                for _ in 0..=i % 3 {
                    side.send(|tx, out| tx.text(&own, out)).unwrap();
                    want.push(own.clone());
                }
                if i % 5 == 0 {
                    side.send(|tx, out| tx.prepared(&message, &mut out.uncompressed()))
                        .unwrap();
                    want.push(text.clone());
                }
            }
            let read = side.read();
            let said: Vec<_> = read.iter().map(|read| read.data.clone()).collect();
            let want: Vec<_> = want.into_iter().map(String::into_bytes).collect();
            assert_eq!(said, want, "{role:?} {window:?}");
            let plain = read.iter().filter(|read| !read.compressed).count();
            assert_eq!(plain, 3, "{role:?} {window:?}");
        }
    }
}

/// The first who is sent it has a larger window than the next.
#[test]
fn the_smallest_window_of_a_class_can_read_it() {
    for (first, next) in [(11, 9), (14, 12), (10, 9)] {
        let message = Prepared::text(&records(20_000, 1));
        let mut compressor = Compressor::new(&Policy::default());
        for bits in [first, next] {
            let window = Window {
                bits,
                takeover: false,
            };
            let mut conn = connection(Role::Server, window);
            let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
            conn.tx.prepared(&message, &mut out).unwrap();
            let (head, payload) = out.sink.split_at(4);
            assert_eq!(head[..2], [0xC1, 126]);
            let said = StrictInflater::new(next, false).message(payload).unwrap();
            assert_eq!(said, message.payload());
        }
    }
}
