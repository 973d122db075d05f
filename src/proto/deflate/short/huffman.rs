//! Codes of the fewest bits for symbols that were counted (RFC 1951 section 3.2.2).
//!
//! Not here: which symbols there are, and how a receiver is told their codes.

use core::mem;

/// Codes of less than 10 946 symbols, which is a number of Fibonacci, are not longer before they are shortened.
const DEEPEST: usize = 20;
/// Symbols that are written less often are sorted by counting.
const RARE: usize = 32;

/// How many codes there are of each length.
type Lengths = [u16; DEEPEST + 1];

/// A code for each of `N` symbols.
pub(super) struct Code<const N: usize> {
    /// The bits of each, to be written from the lowest on; their number above them.
    entries: [u32; N],
    /// The symbols that have one, in their order.
    used: [u16; N],
    many: usize,
}

impl<const N: usize> Code<N> {
    pub(super) const fn new() -> Self {
        Self {
            entries: [0; N],
            used: [0; N],
            many: 0,
        }
    }

    /// The one with these lengths.
    pub(super) fn with_lengths(lens: &[u16; N]) -> Self {
        let mut code = Self::new();
        let mut lengths = Lengths::default();
        code.list(lens);
        for (entry, len) in code.entries.iter_mut().zip(lens) {
            *entry = u32::from(*len) << 16;
            add(&mut lengths, usize::from(*len), 1);
        }
        code.assign(&lengths);
        code
    }

    /// The one for symbols that are written so often, of at most `longest` bits. Two are counted at least, as some
    /// receivers take no code that is not complete.
    pub(super) fn build(&mut self, counts: &mut [u16; N], longest: u32) {
        self.list(counts);
        if self.many < 2 {
            let missing = 2_usize.wrapping_sub(self.many);
            let unused = counts.iter_mut().filter(|count| **count == 0);
            unused.take(missing).for_each(|count| *count = 1);
            self.list(counts);
        }
        let sorted = self.sorted(counts);
        let leaves = sorted.get(..self.many).unwrap_or_default();
        let mut lengths = lengths::<N>(leaves);
        shorten(&mut lengths, longest);
        self.entries = [0; N];
        // The rarest have the longest.
        let mut rest = leaves.iter();
        for len in (1..=longest).rev() {
            let many = usize::from(get(&lengths, len as usize));
            for leaf in rest.by_ref().take(many) {
                set(&mut self.entries, symbol_of(*leaf), len << 16);
            }
        }
        self.assign(&lengths);
    }

    /// A symbol's code and how many bits it has.
    #[inline(always)]
    pub(super) fn of(&self, symbol: usize) -> (u64, u32) {
        let entry = get(&self.entries, symbol);
        (u64::from(entry & 0xFFFF), entry >> 16)
    }

    /// The symbols that have a code, in their order.
    pub(super) fn used(&self) -> &[u16] {
        self.used.get(..self.many).unwrap_or_default()
    }

    /// How many bits it takes to write what was counted with these codes, and how many with others.
    pub(super) fn bits(&self, counts: &[u16; N], other: &Self) -> (usize, usize) {
        let (mut own, mut others) = (0_u32, 0_u32);
        for symbol in self.used() {
            let symbol = usize::from(*symbol);
            let count = u32::from(get(counts, symbol));
            own = own.wrapping_add(self.of(symbol).1.wrapping_mul(count));
            others = others.wrapping_add(other.of(symbol).1.wrapping_mul(count));
        }
        (own as usize, others as usize)
    }

    fn list(&mut self, counts: &[u16; N]) {
        self.many = 0;
        let (eights, rest) = counts.as_chunks::<8>();
        let mut first = 0_u16;
        for eight in eights {
            if *eight != [0; 8] {
                self.list_some(first, eight);
            }
            first = first.wrapping_add(8);
        }
        self.list_some(first, rest);
    }

    #[inline(always)]
    fn list_some(&mut self, first: u16, counts: &[u16]) {
        for (symbol, count) in (first..).zip(counts) {
            // Each is put down; the next takes its place unless it is written.
            set(&mut self.used, self.many, symbol);
            self.many = self.many.wrapping_add(usize::from(*count != 0));
        }
    }

    /// Those that are written, the rarest first: each below its count.
    fn sorted(&self, counts: &[u16; N]) -> [u32; N] {
        let leaves = || {
            self.used().iter().map(|symbol| {
                let count = get(counts, usize::from(*symbol));
                let leaf = u32::from(count) << 16 | u32::from(*symbol);
                (leaf, usize::from(count).min(RARE))
            })
        };
        let mut places = [0_u16; RARE + 1];
        leaves().for_each(|(_, rarity)| add(&mut places, rarity, 1));
        let mut sum = 0_u16;
        for place in &mut places {
            (*place, sum) = (sum, sum.wrapping_add(*place));
        }
        let common = usize::from(get(&places, RARE));
        let mut sorted = [0; N];
        for (leaf, rarity) in leaves() {
            set(&mut sorted, usize::from(get(&places, rarity)), leaf);
            add(&mut places, rarity, 1);
        }
        if let Some(common) = sorted.get_mut(common..self.many) {
            common.sort_unstable();
        }
        sorted
    }

    /// Codes of the same length follow each other as their symbols do.
    fn assign(&mut self, lengths: &Lengths) {
        let mut next = Lengths::default();
        let mut code = 0_u16;
        for (next, many) in next.iter_mut().zip(lengths).skip(1) {
            *next = code;
            code = code.wrapping_add(*many).wrapping_shl(1);
        }
        for symbol in self.used.iter().take(self.many) {
            let symbol = usize::from(*symbol);
            let len = get(&self.entries, symbol) >> 16;
            let code = get(&next, len as usize);
            add(&mut next, len as usize, 1);
            let code = code.reverse_bits().wrapping_shr(16_u32.wrapping_sub(len));
            set(&mut self.entries, symbol, len << 16 | u32::from(code));
        }
    }
}

/// How many leaves of Huffman's tree are how deep. They come sorted: the two rarest of what is left, leaves or what was
/// put together of others, are put together.
fn lengths<const N: usize>(leaves: &[u32]) -> Lengths {
    let joints = leaves.len().saturating_sub(1);
    let (mut weights, mut parents) = ([u32::MAX; N], [0_u16; N]);
    let (mut leaf, mut joint) = (0_usize, 0_usize);
    for (parent, at) in (0_u16..).zip(0..joints) {
        let mut sum = 0_u32;
        for _ in 0..2 {
            let rarest = leaves.get(leaf).map_or(u32::MAX, |leaf| leaf >> 16);
            // Not there yet, it is more than any.
            let joined = get(&weights, joint);
            if rarest <= joined {
                sum = sum.wrapping_add(rarest);
                leaf = leaf.wrapping_add(1);
            } else {
                sum = sum.wrapping_add(joined);
                set(&mut parents, joint, parent);
                joint = joint.wrapping_add(1);
            }
        }
        set(&mut weights, at, sum);
    }
    let mut inner = Lengths::default();
    let mut depths = [0_u8; N];
    let root = joints.saturating_sub(1);
    add(&mut inner, 0, 1);
    for joint in (0..root).rev() {
        let parent = usize::from(get(&parents, joint));
        let depth = get(&depths, parent).wrapping_add(1);
        set(&mut depths, joint, depth);
        add(&mut inner, usize::from(depth), 1);
    }
    // Each has two below it: those that are not inner ones are leaves.
    let mut lengths = Lengths::default();
    for ((below, above), inside) in lengths
        .iter_mut()
        .skip(1)
        .zip(inner)
        .zip(inner.into_iter().skip(1))
    {
        *below = above.wrapping_mul(2).wrapping_sub(inside);
    }
    lengths
}

/// Brings up what is deeper than it may be: as much of what is less deep goes down.
fn shorten(lengths: &mut Lengths, longest: u32) {
    let deeper = lengths.iter_mut().skip(longest as usize).skip(1);
    let moved = deeper.fold(0_u16, |sum, many| sum.wrapping_add(mem::take(many)));
    if moved == 0 {
        return;
    }
    add(lengths, longest as usize, moved);
    // In shares of the longest codes.
    let share = |len: u32| 1_u32.wrapping_shl(longest.wrapping_sub(len));
    let mut taken = (1..=longest)
        .zip(lengths.iter().skip(1))
        .fold(0_u32, |sum, (len, many)| {
            sum.wrapping_add(share(len).wrapping_mul(u32::from(*many)))
        });
    while taken > share(0) {
        let mut shorter = (1..longest as usize).rev();
        let Some(len) = shorter.find(|len| get(lengths, *len) != 0) else {
            return;
        };
        // Beside one that goes down there is room for one of the longest.
        add(lengths, len, u16::MAX);
        add(lengths, len.wrapping_add(1), 2);
        add(lengths, longest as usize, u16::MAX);
        taken = taken.wrapping_sub(1);
    }
}

const fn symbol_of(leaf: u32) -> usize {
    (leaf & 0xFFFF) as usize
}

#[inline(always)]
pub(super) fn get<T: Copy + Default>(from: &[T], at: usize) -> T {
    from.get(at).copied().unwrap_or_default()
}

#[inline(always)]
pub(super) fn set<T>(to: &mut [T], at: usize, value: T) {
    if let Some(place) = to.get_mut(at) {
        *place = value;
    }
}

/// Wraps, as taking one away is adding all bits.
#[inline(always)]
pub(super) fn add(to: &mut [u16], at: usize, value: u16) {
    if let Some(place) = to.get_mut(at) {
        *place = place.wrapping_add(value);
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::Code;
    use alloc::collections::BinaryHeap;
    use core::cmp::Reverse;

    /// The fewest bits there are: Huffman's tree by a heap.
    fn fewest(counts: &[u16]) -> usize {
        let used = counts.iter().filter(|count| **count != 0);
        let mut heap: BinaryHeap<_> = used.map(|count| Reverse(usize::from(*count))).collect();
        let mut bits = 0;
        while let (Some(Reverse(one)), Some(Reverse(other))) = (heap.pop(), heap.pop()) {
            bits += one + other;
            heap.push(Reverse(one + other));
        }
        bits
    }

    /// Builds it, and checks that it is a code: complete, in order, and not too long.
    fn built<const N: usize>(mut counts: [u16; N], longest: u32) -> (usize, usize) {
        let mut code = Code::new();
        code.build(&mut counts, longest);
        let used: alloc::vec::Vec<usize> = code.used().iter().copied().map(usize::from).collect();
        assert!(used.len() >= 2 && used.is_sorted());
        let mut taken = 0;
        let mut last = (0, None);
        for &symbol in &used {
            assert!(counts[symbol] != 0);
            let (_, len) = code.of(symbol);
            assert!((1..=longest).contains(&len), "{len}");
            taken += 1 << (longest - len);
        }
        assert_eq!(taken, 1_u32 << longest, "complete");
        for len in 1..=longest {
            for &symbol in used.iter().filter(|symbol| code.of(**symbol).1 == len) {
                let forward = code.of(symbol).0.reverse_bits() >> (64 - len);
                if let (before, Some(code)) = last {
                    assert_eq!(
                        forward,
                        (code + 1) << (len - before),
                        "RFC 1951 section 3.2.2"
                    );
                } else {
                    assert_eq!(forward, 0);
                }
                last = (len, Some(forward));
            }
        }
        (code.bits(&counts, &code).0, fewest(&counts))
    }

    #[test]
    fn codes_are_the_shortest_there_are() {
        let mut seed = 1_u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        for round in 0..2_000_u32 {
            let (share, most) = (1 + next(100), 1 + next(1 + round % 60));
            let counts = [(); 288].map(|()| {
                let is_used = next(100) < share;
                u16::try_from(if is_used { next(most) } else { 0 }).unwrap_or(0)
            });
            let (bits, fewest) = built(counts, 15);
            assert_eq!(bits, fewest, "{counts:?}");
        }
    }

    /// Numbers of Fibonacci make the deepest tree there is of so many symbols.
    #[test]
    fn codes_that_would_be_too_long_are_shortened() {
        for symbols in 2..=19 {
            let mut counts = [0_u16; 19];
            let (mut one, mut other) = (1, 1);
            for count in counts.iter_mut().take(symbols) {
                *count = one;
                (one, other) = (other, one + other);
            }
            let (bits, fewest) = built(counts, 15);
            assert_eq!(bits > fewest, symbols > 16, "{symbols}");
            let (bits, fewest) = built(counts, 7);
            assert_eq!(bits > fewest, symbols > 8, "{symbols}");
            assert!(bits <= fewest * 6 / 5, "{symbols}: {bits} {fewest}");
        }
    }

    #[test]
    fn there_are_two_codes_at_least() {
        for used in [None, Some(0), Some(1), Some(31)] {
            let mut counts = [0_u16; 32];
            used.into_iter()
                .for_each(|symbol: usize| counts[symbol] = 5);
            assert!(built(counts, 15).0 >= 2);
        }
    }
}
