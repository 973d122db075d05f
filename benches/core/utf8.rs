//! UTF-8 validation, by how many bytes a character takes.

use crate::ring::Ring;
use criterion::{BenchmarkId, Criterion, Throughput};
use sockeye::proto::utf8::Validator;
use std::hint::black_box;

const SIZES: [usize; 3] = [20, 1 << 10, 64 << 10];

/// The sizes that are measured on cold buffers as well.
const LARGE: usize = 64 << 10;

const TEXTS: [(&str, &str); 5] = [
    (
        "1 byte",
        "The salmon returns in the year of the long rain. ",
    ),
    ("2 bytes", "λοσοςτηςβροχής"),
    ("3 bytes", "紅鮭は長い雨の年に帰る"),
    ("4 bytes", "𝕤𝕠𝕔𝕜𝕖𝕪𝕖🐟"),
    ("mixed", "Der Lachs kömmt zurück, λοσος, 紅鮭 🐟: "),
];

/// Pieces end inside of characters, as reads do.
const PIECE: usize = 1021;

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("utf8");
    for (name, words) in TEXTS {
        for len in SIZES {
            let text = text(words, len);
            group.throughput(Throughput::ElementsAndBytes {
                elements: text.chars().count() as u64,
                bytes: text.len() as u64,
            });
            let mut bench = |name: String, mut ring: Ring| {
                group.bench_function(BenchmarkId::new(name, len), |b| {
                    b.iter(|| Validator::default().check(black_box(ring.turn())));
                });
            };
            bench(name.to_owned(), Ring::hot(text.as_bytes()));
            if len >= LARGE {
                bench(format!("{name} cold"), Ring::cold(text.as_bytes()));
            }
        }
        let text = text(words, LARGE);
        group.bench_function(BenchmarkId::new(format!("{name} in pieces"), LARGE), |b| {
            b.iter(|| {
                let mut validator = Validator::default();
                for piece in black_box(text.as_bytes()).chunks(PIECE) {
                    assert_eq!(validator.check(piece), Ok(()));
                }
                validator.finish()
            });
        });
    }
}

/// These words over and over, in whole characters, as many as fit into `len` bytes.
pub fn text(words: &str, len: usize) -> String {
    let mut left = len;
    let fits = |c: &char| {
        let rest = left.checked_sub(c.len_utf8());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    words.chars().cycle().take_while(fits).collect()
}
