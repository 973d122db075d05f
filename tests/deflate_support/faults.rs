//! A row for each fault, and that the library refuses the same.

use crate::deflate_bits::{Bits, Item, PLAIN, Symbol::Literal};
use crate::matching;
use crate::miniz;
use crate::strict_inflate::{Alphabet, Fault, StrictInflater, What};

/// What is wrong with a payload, with the largest window and nothing before it, and how much came out until then.
type Row = (&'static str, Vec<u8>, usize, What);

fn each_is_found(rows: impl IntoIterator<Item = Row>) {
    for (name, payload, at, what) in rows {
        let verdict = StrictInflater::new(15, false).message(&payload);
        assert_eq!(verdict, Err(Fault { at, what }), "{name}: {payload:02x?}");
        let other = miniz::Inflater::new(false).message(&payload);
        assert_eq!(other, None, "{name}: {payload:02x?}");
    }
}

#[test]
fn faults_of_blocks_are_found() {
    let bits = Bits::new;
    let ab = [Literal(b'a'), Literal(b'b')];
    let head = bits().dynamic_head(false, (257, 1), &PLAIN, &[]);
    #[rustfmt::skip]
    each_is_found([
        ("a reserved type", b"\x06\x00".to_vec(), 0, What::BadBlockType),
        ("the same with BFINAL", b"\xff".to_vec(), 0, What::BadBlockType),
        ("the same behind bytes", bits().stored(false, b"abc").raw_bits(0b110, 3).finish(), 3, What::BadBlockType),
        ("NLEN as LEN", b"\x00\x05\x00\x05\x00Hello\x00".to_vec(), 0, What::BadStoredLength),
        ("NLEN of 0", b"\x00\x05\x00\x00\x00Hello\x00".to_vec(), 0, What::BadStoredLength),
        ("the tail sent twice", bits().fixed(false, &ab).stored(false, b"").cut(), 2, What::Truncated),
        ("nothing behind BFINAL", bits().fixed(true, &ab).cut(), 2, What::Truncated),
        ("a stored block cut off", b"\x00\x09\x00\xf6\xffabc".to_vec(), 7, What::Truncated),
        ("a fixed block that the tail ends", bits().raw_bits(0b010, 3).cut(), 0, What::Truncated),
        ("the tail as a header", bits().raw_bits(0b100, 3).cut(), 0, What::BadCodeLengths(Alphabet::CodeLengths)),
        ("the tail as the codes of a header", head.cut(), 0, What::Truncated),
        ("the tail as stored bytes", b"\x00\x04\x00\xfb\xff".to_vec(), 4, What::Truncated),
    ]);
}

#[test]
fn faults_of_headers_are_found() {
    use Alphabet::{CodeLengths, Distances, Literals};
    let head = |counts, code_lengths: [u8; 19], items: &[Item]| {
        Bits::new()
            .dynamic_head(false, counts, &code_lengths, items)
            .finish()
    };
    // Literal codes of these lengths and no others.
    let codes = |literals: &[(usize, u8)], distances: &[u8]| {
        let mut lengths = [0; 257];
        for &(symbol, length) in literals {
            lengths[symbol] = length;
        }
        Bits::new()
            .dynamic(false, &lengths, distances, &[])
            .finish()
    };
    // Code lengths with one changed; with codes for repetitions.
    let but = |mut code_lengths: [u8; 19], symbol: usize, length| {
        code_lengths[symbol] = length;
        code_lengths
    };
    let all = but(but(PLAIN, 14, 0), 15, 0);
    let all = but(but(all, 16, 4), 18, 4);
    let twice = [Item::Zeros(138), Item::Zeros(138)];
    #[rustfmt::skip]
    each_is_found([
        ("287 literals", head((287, 1), PLAIN, &[]), 0, What::TooManyCodes),
        ("288 literals", head((288, 1), PLAIN, &[]), 0, What::TooManyCodes),
        ("31 distances", head((257, 31), PLAIN, &[]), 0, What::TooManyCodes),
        ("32 distances", head((257, 32), PLAIN, &[]), 0, What::TooManyCodes),
        ("too few code lengths", head((257, 1), but(PLAIN, 15, 0), &[]), 0, What::BadCodeLengths(CodeLengths)),
        ("too many code lengths", head((257, 1), but(PLAIN, 16, 4), &[]), 0, What::BadCodeLengths(CodeLengths)),
        ("no code length", head((257, 1), [0; 19], &[]), 0, What::BadCodeLengths(CodeLengths)),
        ("one code length", head((257, 1), but([0; 19], 18, 1), &[]), 0, What::BadCodeLengths(CodeLengths)),
        ("nothing to repeat", head((257, 1), all, &[Item::Again(3)]), 0, What::BadRepeat),
        ("zeros beyond the end", head((257, 1), all, &twice), 0, What::BadRepeat),
        ("no end of block", codes(&[(0, 1), (1, 1)], &[1]), 0, What::NoEndOfBlock),
        ("too few literals", codes(&[(0, 2), (256, 2)], &[1]), 0, What::BadCodeLengths(Literals)),
        ("one literal, two bits", codes(&[(256, 2)], &[1]), 0, What::BadCodeLengths(Literals)),
        ("too many literals", codes(&[(0, 1), (1, 1), (256, 1)], &[1]), 0, What::BadCodeLengths(Literals)),
        ("too few distances", codes(&[(0, 1), (256, 1)], &[2, 2, 2]), 0, What::BadCodeLengths(Distances)),
        ("one distance, two bits", codes(&[(0, 1), (256, 1)], &[2]), 0, What::BadCodeLengths(Distances)),
        ("too many distances", codes(&[(0, 1), (256, 1)], &[1, 1, 1]), 0, What::BadCodeLengths(Distances)),
    ]);
}

#[test]
fn faults_of_symbols_are_found() {
    use Alphabet::{Distances, Literals};
    let bits = Bits::new;
    // A fixed block that begins with this code.
    let fixed = |code, length| bits().raw_bits(0b010, 3).code(code, length);
    // A literal, a match of 3, the end of the block: 1, 01 and 00.
    let mut lengths = [0; 258];
    (lengths[0], lengths[256], lengths[257]) = (1, 2, 2);
    let items = |distances: &[u8]| -> Vec<Item> {
        lengths
            .iter()
            .chain(distances)
            .map(|&length| Item::One(length))
            .collect()
    };
    let distance = |lengths: &[u8], bit| {
        let head = bits().dynamic_head(false, (258, lengths.len()), &PLAIN, &items(lengths));
        head.code(0, 1).code(0b11, 2).code(bit, 1).finish()
    };
    let end_alone: Vec<Item> = [vec![Item::One(0); 256], vec![Item::One(1); 2]].concat();
    let end_alone = bits().dynamic_head(false, (257, 1), &PLAIN, &end_alone);
    let too_far = |distance| What::DistanceTooFarBack { distance };
    let a = Literal(b'a');
    #[rustfmt::skip]
    each_is_found([
        ("a literal without a code", end_alone.code(1, 1).finish(), 0, What::BadSymbol(Literals)),
        ("a distance without a code", distance(&[1], 1), 1, What::BadSymbol(Distances)),
        ("a distance where none has a code", distance(&[0], 0), 1, What::BadSymbol(Distances)),
        ("length 286", fixed(0b1100_0110, 8).finish(), 0, What::BadSymbol(Literals)),
        ("length 287", fixed(0b1100_0111, 8).finish(), 0, What::BadSymbol(Literals)),
        ("distance 30", fixed(1, 7).code(30, 5).finish(), 0, What::BadSymbol(Distances)),
        ("distance 31", fixed(1, 7).code(31, 5).finish(), 0, What::BadSymbol(Distances)),
        ("back from the first byte", b"\x02\x02\x00\x00".to_vec(), 0, too_far(1)),
        ("back from the first byte, cut off", b"\x02\x05".to_vec(), 0, too_far(257)),
        ("a byte too far", bits().fixed(false, &[a, a, matching(3, 3)]).finish(), 2, too_far(3)),
        ("far too far", bits().fixed(false, &[a, matching(258, 32_768)]).finish(), 1, too_far(32_768)),
    ]);
}

#[test]
fn codes_of_a_single_bit_are_let_pass() {
    let mut lengths = [0; 258];
    (lengths[0], lengths[256], lengths[257]) = (1, 2, 2);
    let mut end_alone = [0; 257];
    end_alone[256] = 1;
    let zeros = [Literal(0), matching(3, 1)];
    // The same, with repetitions of each kind.
    let mut code_lengths = [0; 19];
    (
        code_lengths[0],
        code_lengths[1],
        code_lengths[17],
        code_lengths[18],
    ) = (2, 2, 2, 2);
    let items = [
        Item::Zeros(138),
        Item::Zeros(108),
        Item::Zeros(10),
        Item::One(1),
        Item::One(0),
    ];
    let repeated = Bits::new().dynamic_head(false, (257, 1), &code_lengths, &items);
    let rows = [
        (repeated.in_code(&end_alone, &[0], &[]), 0),
        (Bits::new().dynamic(false, &lengths, &[1], &zeros), 4),
        (Bits::new().dynamic(false, &lengths, &[0], &zeros[..1]), 1),
        (Bits::new().dynamic(false, &end_alone, &[0], &[]), 0),
    ];
    for (bits, len) in rows {
        let payload = bits.finish();
        let expected = vec![0; len];
        assert_eq!(
            StrictInflater::new(15, false).message(&payload),
            Ok(expected.clone())
        );
        assert_eq!(
            miniz::Inflater::new(false).message(&payload),
            Some(expected)
        );
    }
}
