//! Payloads that were made to hurt: bombs, references to what is not there, streams that end again and again.
//!
//! They are rows written while the test runs, as hardly anyone would read them as hexadecimal. Not here: what a sender
//! may do by mistake; that is `compressed.rows`.

use crate::deflate_attacks as attacks;
use crate::deflate_bits::{Bits, Symbol};
use crate::deflate_rows::{check_all, frame_line, hex, joined};
use crate::replay::replay;
use crate::rows::{Deflate, Expected, With};
use crate::wire;
use sockeye::proto::{Delivery, Role, Violation};

const DELIVERIES: [Delivery; 3] = [Delivery::Messages, Delivery::Frames, Delivery::Chunks];

/// A row that both roles take, in all deliveries and at all splits.
struct Script(String);

impl Script {
    fn new(name: &str, with: &str) -> Self {
        Self(format!(
            "row {name}\nshows {name}\nrole both\nwith {with}\n"
        ))
    }

    fn frame(mut self, first: u8, payload: &[u8]) -> Self {
        self.0 += &format!("{}\n", frame_line(first, payload));
        self
    }

    /// A compressed binary message in one frame.
    fn compressed(self, payload: &[u8]) -> Self {
        self.frame(0xC2, payload)
    }

    /// A compressed binary message in fragments of this size.
    fn fragments(mut self, payload: &[u8], size: usize) -> Self {
        let count = payload.len().div_ceil(size);
        for (i, piece) in payload.chunks(size).enumerate() {
            let opcode = if i == 0 { 0x42 } else { 0x00 };
            let fin = if i + 1 == count { 0x80 } else { 0x00 };
            self = self.frame(opcode | fin, piece);
        }
        self
    }

    fn gives(mut self, data: &[u8]) -> Self {
        self.0 += &format!("event binary {}\n", hex(data));
        self
    }

    fn check(self) {
        check_all(&self.0);
    }

    /// What came last must be refused, at its end at the latest.
    fn fails(mut self, code: u16, violation: Violation) {
        let at = self.0.rfind("in ").expect("a frame");
        let end = at + self.0[at..].find('\n').expect("its line");
        self.0.insert(end, '^');
        self.0 += &format!("fail {code} {violation:?}\n");
        self.check();
    }
}

/// Z01, PMD-12: in one frame, in fragments, behind a good message, without and with takeover.
#[test]
fn bombs_are_refused_at_the_limit() {
    let bomb = attacks::bomb(1 << 20);
    for with in [
        "deflate=15 max-message=4096",
        "deflate-alone=15 max-message=4096",
    ] {
        let big = Violation::MessageTooBig;
        Script::new("Z01", with).compressed(&bomb).fails(1009, big);
        Script::new("PMD-12", with)
            .compressed(&attacks::bomb(4096))
            .gives(&[0; 4096])
            .fragments(&bomb, bomb.len().div_ceil(100))
            .fails(1009, big);
        // All of it lies in front of the byte that ends the stream.
        let ends = Bits::new().stored(true, &[1; 4096]).stored(true, b"1");
        Script::new("Z06", with)
            .compressed(&ends.finish())
            .fails(1009, big);
    }
}

/// What would come out of a block that can never end is nobody's: not even its size.
#[test]
fn a_block_without_an_end_is_corrupt_before_it_is_too_big() {
    let mut literals = [0; 257];
    (literals[0], literals[1]) = (1, 1);
    let zeros = [Symbol::Literal(0); 300];
    let endless = Bits::new().dynamic(false, &literals, &[1], &zeros);
    for with in [
        "deflate=15 max-message=200",
        "deflate-alone=15 max-message=200",
        "deflate=15",
    ] {
        Script::new("no-end", with)
            .compressed(&endless.clone().finish())
            .fails(1007, Violation::InvalidDeflate);
    }
    // That it was too big is true of the same block with an end.
    (literals[1], literals[256]) = (0, 1);
    let ends = Bits::new().dynamic(false, &literals, &[1], &zeros);
    Script::new("an-end", "deflate=15 max-message=200")
        .compressed(&ends.finish())
        .fails(1009, Violation::MessageTooBig);
}

/// PMD-12 at its size, in pieces of a few sizes: everywhere would take minutes.
#[test]
fn a_mebibyte_is_the_default_limit() {
    let limit = 1 << 20;
    for (zeros, error) in [
        (limit, None),
        (limit + 1, Some(Violation::MessageTooBig)),
        (10 * limit, Some(Violation::MessageTooBig)),
    ] {
        for role in [Role::Server, Role::Client] {
            let wire = wire::frame(role, 0xC2, &attacks::bomb(zeros));
            for delivery in DELIVERIES {
                for size in [1000, 4096, usize::MAX] {
                    let cuts = (size..wire.len()).step_by(size);
                    let (outcome, _) = replay(role, &with(delivery, true), &wire, cuts);
                    assert_eq!(outcome.error, error, "{zeros} {delivery:?}");
                    let want = error.is_none().then(|| Expected::Binary(vec![0; zeros]));
                    assert_eq!(joined(&outcome.events), Vec::from_iter(want));
                }
            }
        }
    }
}

/// Z02: the limit is each message's own.
#[test]
fn messages_of_the_limit_are_taken_one_after_the_other() {
    let (bomb, zeros) = (attacks::bomb(4096), [0; 4096]);
    let mut script = Script::new("Z02", "deflate=15 max-message=4096");
    for _ in 0..10 {
        script = script.compressed(&bomb).gives(&zeros);
    }
    script = script.fragments(&bomb, 1).gives(&zeros);
    script.check();
}

/// LIM-01: nothing that a peer may send gets larger than what the limit lets pass.
#[test]
fn data_of_the_limit_that_does_not_get_smaller_is_taken() {
    let data = attacks::filler(20_000);
    let blocks = |data: &[u8], size: usize| {
        let pieces = data.chunks(size);
        pieces.fold(Bits::new(), |bits, piece| bits.stored(false, piece))
    };
    let with = "deflate-alone=15 max-message=20000 max-frame=20000";
    let whole = blocks(&data, 1000).finish();
    assert!(whole.len() > 20_000);
    Script::new("LIM-01", with)
        .compressed(&whole)
        .gives(&data)
        .fragments(&whole, 1005)
        .gives(&data)
        .check();
    let over = blocks(&attacks::filler(20_001), 1000).finish();
    Script::new("LIM-01", with)
        .compressed(&over)
        .fails(1009, Violation::MessageTooBig);
    Script::new("LIM-01", with)
        .fragments(&over, 1005)
        .fails(1009, Violation::MessageTooBig);
}

/// PMD-13: as far back as it goes, inside a message and across two.
/// Shows 7692-7.1.2.1-05 7692-7.1.2.2-08 7692-7.2.2-10 7692-7.2.2-12.
#[test]
fn distances_up_to_32768_are_followed() {
    for distance in [1, 512, 513, 32_767, 32_768] {
        let data = attacks::filler(distance);
        let back = (0..3).map(|i| data[i % distance]);
        let longer: Vec<u8> = data.iter().copied().chain(back.clone()).collect();
        let reaching = attacks::reaching(distance);
        // What a receiver has, it may let senders refer to, whatever they promised.
        for with in ["deflate=15", "deflate-alone=15", "deflate-alone=9"] {
            Script::new("PMD-13", with)
                .compressed(&reaching)
                .gives(&longer)
                .check();
        }
        let [first, second] = attacks::reaching_across(distance);
        let across = |with| {
            let script = Script::new("PMD-13", with).compressed(&first);
            script.gives(&data).compressed(&second)
        };
        let back: Vec<u8> = back.collect();
        across("deflate=15").gives(&back).check();
        // A message later, only the window is left. That of 8 bits is kept as one of 9.
        for with in ["deflate=8", "deflate=9"] {
            if distance <= 512 {
                across(with).gives(&back).check();
            } else {
                across(with).fails(1007, Violation::InvalidDeflate);
            }
        }
        across("deflate-alone=15").fails(1007, Violation::InvalidDeflate);
    }
}

/// Z07, Z09: one byte further than there are bytes.
#[test]
fn distances_beyond_the_first_byte_are_refused() {
    for distance in [2, 300, 32_768] {
        let short = attacks::filler(distance - 1);
        let back = Symbol::Match {
            length: 3,
            distance,
        };
        let stored = Bits::new().stored(false, &short);
        let inside = stored.clone().fixed(false, &[back]).finish();
        Script::new("Z07", "deflate=15")
            .compressed(&inside)
            .fails(1007, Violation::InvalidDeflate);
        Script::new("Z09", "deflate=15")
            .compressed(&stored.finish())
            .gives(&short)
            .compressed(&Bits::new().fixed(false, &[back]).finish())
            .fails(1007, Violation::InvalidDeflate);
    }
}

/// A stream that ends `count` times behind `before`, and then refers back as far as it goes.
fn ending(before: Bits, count: usize) -> Vec<u8> {
    let back = Symbol::Match {
        length: 258,
        distance: 32_768,
    };
    let ended = (0..count).fold(before, |bits, _| bits.fixed(true, &[]).align());
    ended.fixed(false, &[back]).finish()
}

/// Z06: with the history of this message and of the one before.
#[test]
fn a_few_last_blocks_lose_no_history() {
    let data = attacks::filler(32_768);
    let stored = Bits::new().stored(false, &data);
    let inside = [&data[..], &data[..258]].concat();
    for with in ["deflate=15", "deflate-alone=15"] {
        Script::new("Z06", with)
            .compressed(&ending(stored.clone(), 5))
            .gives(&inside)
            .check();
    }
    Script::new("Z06", "deflate=15")
        .compressed(&stored.finish())
        .gives(&data)
        .compressed(&ending(Bits::new(), 5))
        .gives(&data[..258])
        .check();
}

#[test]
fn many_last_blocks_with_history_are_refused() {
    let data = attacks::filler(32_768);
    let stored = Bits::new().stored(false, &data);
    for with in ["deflate=15", "deflate-alone=15"] {
        Script::new("Z06", with)
            .compressed(&ending(stored.clone(), 200))
            .fails(1008, Violation::TooManyLastBlocks);
    }
    let long = ending(Bits::new(), 20);
    Script::new("Z06", "deflate=15")
        .compressed(&stored.clone().finish())
        .gives(&data)
        .compressed(&long)
        .fails(1008, Violation::TooManyLastBlocks);
    Script::new("Z06", "deflate=15")
        .compressed(&stored.finish())
        .gives(&data)
        .fragments(&long, 5)
        .fails(1008, Violation::TooManyLastBlocks);
}

/// Where there is nothing to refer to, an end costs nothing.
#[test]
fn many_last_blocks_without_history_are_taken() {
    for with in ["deflate=15", "deflate-alone=15"] {
        Script::new("Z05", with)
            .compressed(&attacks::empty_final(1000))
            .gives(b"")
            .compressed(&attacks::empty_stored_final(500))
            .gives(b"")
            .check();
    }
    // Nor is it many where each brings something: 64 bytes of history for each byte.
    let each = Bits::new();
    let data = attacks::filler(40_000);
    let pieces = data.chunks(600);
    let bits = pieces.fold(each, |bits, piece| bits.stored(true, piece));
    let wire = wire::frame(Role::Server, 0xC2, &bits.finish());
    for delivery in DELIVERIES {
        let (outcome, _) = replay(Role::Server, &with(delivery, false), &wire, []);
        assert_eq!(outcome.error, None, "{delivery:?}");
        assert_eq!(joined(&outcome.events), [Expected::Binary(data.clone())]);
    }
}

/// Z05: nothing comes of them.
#[test]
fn empty_blocks_of_every_kind_are_an_empty_message() {
    for payload in [
        attacks::empty_stored(100),
        attacks::empty_fixed(300),
        attacks::full_headers(2),
        attacks::dense_headers(5),
    ] {
        Script::new("Z05", "deflate=15")
            .compressed(&payload)
            .gives(b"")
            .check();
    }
    Script::new("Z05", "deflate=15")
        .compressed(&attacks::one_byte_fixed(300))
        .gives(&[0; 300])
        .check();
}

/// U11: the last of 64 KiB is no text.
#[test]
fn a_bad_byte_behind_much_text_is_found() {
    let mut data = vec![b'a'; (64 << 10) - 1];
    data.push(0xFF);
    let symbols: Vec<Symbol> = data.iter().map(|&byte| Symbol::Literal(byte)).collect();
    for payload in [
        Bits::new().fixed(false, &symbols).finish(),
        Bits::new()
            .stored(false, &data[..65_535])
            .stored(false, &data[65_535..])
            .finish(),
    ] {
        for role in [Role::Server, Role::Client] {
            let wire = wire::frame(role, 0xC1, &payload);
            for delivery in DELIVERIES {
                for size in [1000, usize::MAX] {
                    let cuts = (size..wire.len()).step_by(size);
                    let (outcome, _) = replay(role, &with(delivery, true), &wire, cuts);
                    assert_eq!(outcome.error, Some(Violation::InvalidUtf8), "{delivery:?}");
                    assert_eq!(joined(&outcome.events), [], "{delivery:?}");
                }
            }
        }
    }
}

fn with(delivery: Delivery, takeover: bool) -> With {
    With {
        delivery,
        deflate: Some(Deflate {
            window_bits: 15,
            takeover,
        }),
        ..With::default()
    }
}
