//! What can be wrong with UTF-8, as tables in which vectors look things up sixteen at a time.
//!
//! Not here: looking it up, which is `utf8_avx2` and `utf8_avx512`.

/// What can be wrong with two bytes that follow one another: the first's upper and lower half and the second's upper
/// half, each one of a set of nibbles. The method is that of Keiser and Lemire, "Validating UTF-8 in less than one
/// instruction per byte" (2021): three tables say of each half which faults it may be part of, and where all three
/// agree there is one. Each fault is a bit, in this order.
const FAULTS: [(u16, u16, u16); 8] = [
    // A character begins, and does not go on.
    (LEAD, ANY, ASCII | LEAD),
    // What has not begun goes on.
    (ASCII, ANY, MORE),
    // Longer than it need be: C0, C1; E0 before 80 to 9F.
    (nibbles(0xC, 0xC), nibbles(0, 1), MORE),
    (nibbles(0xE, 0xE), nibbles(0, 0), nibbles(8, 9)),
    // A surrogate: ED before A0 to BF.
    (nibbles(0xE, 0xE), nibbles(0xD, 0xD), nibbles(0xA, 0xB)),
    // Longer than it need be or beyond U+10FFFF: F0, and F5 to FF, before 80 to 8F.
    (
        nibbles(0xF, 0xF),
        nibbles(0, 0) | nibbles(5, 0xF),
        nibbles(8, 8),
    ),
    // Beyond U+10FFFF: F4 to FF before 90 to BF.
    (nibbles(0xF, 0xF), nibbles(4, 0xF), nibbles(9, 0xB)),
    // A third or fourth byte, which is a fault unless a character of so many began before. The highest bit.
    (MORE, ANY, MORE),
];
const ANY: u16 = nibbles(0, 0xF);
const ASCII: u16 = nibbles(0, 7);
const MORE: u16 = nibbles(8, 0xB);
const LEAD: u16 = nibbles(0xC, 0xF);

const fn nibbles(first: u32, last: u32) -> u16 {
    let (from_first, to_last) = (u16::MAX << first, u16::MAX >> (15 - last));
    from_first & to_last
}

pub(super) const FIRST_HIGH: [u8; 16] = tables().0;
pub(super) const FIRST_LOW: [u8; 16] = tables().1;
pub(super) const SECOND_HIGH: [u8; 16] = tables().2;

/// For each nibble the faults that it may be part of.
#[expect(clippy::indexing_slicing, reason = "while compiling")]
const fn tables() -> ([u8; 16], [u8; 16], [u8; 16]) {
    let mut tables = ([0; 16], [0; 16], [0; 16]);
    let mut nibble = 0;
    while nibble < 16 {
        let mut fault = 0;
        while fault < 8 {
            let (a, b, c) = FAULTS[fault];
            tables.0[nibble] |= (((a >> nibble) & 1) as u8) << fault;
            tables.1[nibble] |= (((b >> nibble) & 1) as u8) << fault;
            tables.2[nibble] |= (((c >> nibble) & 1) as u8) << fault;
            fault += 1;
        }
        nibble += 1;
    }
    tables
}

/// A third byte is due two behind E0 and above, a fourth three behind F0: what is left of them then is 80 or more.
pub(super) const THIRD: i8 = 0x60;
pub(super) const FOURTH: i8 = 0x70;

#[cfg(test)]
mod tests {
    use super::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, nibbles, tables};

    /// They are made by the compiler, out of sight of whatever watches the tests run; so they are made once more here.
    #[test]
    fn the_compilers_tables_are_those_that_are_made_here() {
        assert_eq!(tables(), (FIRST_HIGH, FIRST_LOW, SECOND_HIGH));
        assert_eq!(nibbles(0, 0xF), 0xFFFF);
        assert_eq!(nibbles(8, 0xB), 0x0F00);
        assert_eq!(nibbles(0xD, 0xD), 1 << 0xD);
    }
}
