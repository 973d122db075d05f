//! Writes the first files of the corpora: the rows of `tests/rows` in each target's own format, and scripts of chance.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds -- fuzz/work`
//!
//! Not here: what a fuzzer makes of them.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../tests/handshake/rows.rs"]
mod heads;
#[path = "../../tests/support/rows.rs"]
mod rows;
#[path = "../../tests/support/wire.rs"]
mod wire;

use sockeye::proto::Role;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FRAMES: &str = include_str!("../../tests/rows/frames.rows");
const REQUESTS: &str = include_str!("../../tests/rows/handshake_server.rows");
const ANSWERS: &str = include_str!("../../tests/rows/handshake_client.rows");

/// Larger inputs slow a fuzzer down more than they teach it.
const MAX_SEED: usize = 1200;

fn main() {
    let Some(dir) = env::args().nth(1).map(PathBuf::from) else {
        panic!("say where to write them: cargo run --example seeds -- fuzz/work");
    };
    let rows = rows::parse(FRAMES).unwrap();
    let wires = rows
        .iter()
        .flat_map(|row| row.roles.iter().map(|role| (*role, row.wire(*role).bytes)));
    let wires: Vec<(Role, Vec<u8>)> = wires.collect();
    write(
        &dir,
        "header",
        wires
            .iter()
            .map(|(_, wire)| wire[..wire.len().min(28)].to_vec()),
    );
    write(
        &dir,
        "connection",
        wires.iter().map(|(role, wire)| as_script(*role, wire)),
    );
    write(
        &dir,
        "connection",
        (1..40).map(|seed| chance(seed, &[0, 0, 0, 0, 5], 120)),
    );
    write(
        &dir,
        "server",
        (1..40).map(|seed| chance(seed, &[0, 0, 0, 0, 0, 0, 0], 90)),
    );
    write(
        &dir,
        "server",
        (40..60).map(|seed| chance(seed, &[0, 2, 0, 1, 0, 0, 0], 60)),
    );
    let requests = heads::load(REQUESTS)
        .into_iter()
        .map(|row| [&[0, 0, 9, 1][..], &row.input].concat());
    write(&dir, "handshake_server", requests);
    let answers = heads::load(ANSWERS)
        .into_iter()
        .map(|row| [&[0, 0, 9, 0, 2][..], &row.input].concat());
    write(&dir, "handshake_client", answers);
    let texts = [
        "",
        "gr\u{fc}n",
        "\u{20ac}\u{1f41f}x",
        "\u{d7ff}\u{e000}\u{10ffff}",
    ];
    write(
        &dir,
        "utf8",
        texts.iter().map(|text| [&[2], text.as_bytes()].concat()),
    );
    write(
        &dir,
        "utf8",
        wires
            .iter()
            .map(|(_, wire)| [&[3], &wire[wire.len().min(6)..]].concat()),
    );
    write(
        &dir,
        "mask",
        [0, 1, 7, 8, 63, 64, 65, 200].map(|len| chance(len, &[1, 2, 3, 4], 11 + len as usize)),
    );
}

/// The bytes of a row as something that arrives, in the format of `connection::script`.
fn as_script(role: Role, wire: &[u8]) -> Vec<u8> {
    let mut script = vec![u8::from(role == Role::Client), 0, 0, 0, 3];
    for part in wire.chunks(255) {
        script.extend([8, part.len() as u8]);
        script.extend(part);
    }
    script
}

/// Bytes that nobody chose, behind a beginning that somebody did.
fn chance(seed: u32, begin: &[u8], len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let random = (begin.len()..len.max(begin.len())).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    });
    begin.iter().copied().chain(random).collect()
}

fn write(dir: &Path, target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let dir = dir.join(target);
    fs::create_dir_all(&dir).unwrap();
    let have = fs::read_dir(&dir).unwrap().count();
    for (number, seed) in seeds
        .into_iter()
        .filter(|seed| seed.len() <= MAX_SEED)
        .enumerate()
    {
        fs::write(dir.join(format!("seed-{:04}", have + number)), seed).unwrap();
    }
}
