//! Writes the first files of the corpora: the rows of `tests/rows` in each target's own format, and scripts of chance.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds -- fuzz/work`
//!
//! Not here: what a fuzzer makes of them.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../tests/support/frames.rs"]
mod frames;
#[path = "../../tests/handshake/rows.rs"]
mod heads;
#[path = "../../src/bin/sockeye/attack/rows.rs"]
mod rows;
#[path = "../../tests/support/wire.rs"]
mod wire;

use frames::REQUEST;
use sockeye::proto::Role;
use std::path::{Path, PathBuf};
use std::{env, fs};

const FRAMES: &str = include_str!("../../tests/rows/frames.rows");
const REQUESTS: &str = include_str!("../../tests/rows/handshake_server.rows");
const ANSWERS: &str = include_str!("../../tests/rows/handshake_client.rows");

/// Larger inputs slow a fuzzer down more than they teach it.
const MAX_SEED: usize = 1200;

/// `Sec-WebSocket-Extensions` in a request or in an answer.
const EXTENSIONS: &[&str] = &[
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; client_max_window_bits=\"1\\0\"",
    "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits=8",
    "x; a=1, permessage-deflate;server_no_context_takeover\npermessage-deflate",
    "permessage-deflate; client_max_window_bits=16\nx, permessage-deflate; foo",
    "permessage-deflate; server_max_window_bits; server_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; server_max_window_bits=13",
];

/// Payloads of compressed messages: the samples of RFC 7692 section 7.2.3, and some that are wrong.
const PAYLOADS: &[&[u8]] = &[
    b"",
    b"\x00",
    b"\xf2\x48\xcd\xc9\xc9\x07\x00",
    b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
    b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
    b"\xf3\x48\xcd\x01\x00\xcb\xc9\x07\x00\x00",
    b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
    b"\xca\x38\x0c\x00",
    b"\x7a\xbb\xa0\x01\x00",
    b"\xfa\x30\x7f\x46\x03\x00",
    b"\x06\x00",
    b"\x02\x05",
    b"\xff",
];

/// JSON, nearly JSON, and commands.
const JSON: &[&str] = &[
    r#"{"cmd":"sum","param":[1,2],"id":7}"#,
    r#"[1,-2.5e3,true,false,null,"a\u00e4\n"]"#,
    r#"{"a":{"b":[]},"cmd":null}"#,
    r#"{"channel":"x","cmd":"say","from":"J","re":3,"id":9007199254740993}"#,
    r#"  "x"#,
    "[[[[",
    r#"{"a" 1}"#,
    "nul",
    "-0.",
    r#""\ud800""#,
    "1e",
    r#"{"cmd":"a","cmd":"b"}"#,
];

const URLS: &[&str] = &[
    "wss://user:pass%20word@example.com:8443/chat?room=1",
    "ws+unix:/run/chat.sock:/chat",
    "ws+unix:/a%3Ab%20c%3F",
    "ws://[::1]:80/",
    "ws://127.1/",
    "ws://ex\u{e4}mple/\u{e4}?\u{fc}",
    "WS://A:443",
    "wss://0x7f.1:65535?q",
    "ws://a/%zz",
    "ws://1.2.3.4:0/",
];

/// Headers of the PROXY protocol.
const PROXY: &[&[u8]] = &[
    b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n",
    b"PROXY TCP6 2001:db8::7 ::1 51000 443\r\n",
    b"PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n",
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff::1 x\r\n",
    b"PROXY TCP4 1.2.3.4 ",
    b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x05abcde",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\xc7\x38\x01\xbb",
];

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
        wires.iter().flat_map(|(role, wire)| {
            let client = u8::from(*role == Role::Client);
            (0..4).map(move |rules| [&[client | rules << 1], &wire[..wire.len().min(15)]].concat())
        }),
    );
    for (target, seeds) in [("rooms", 60), ("app", 60), ("client", 40)] {
        let scripts = (1..seeds).map(|seed| chance(seed, &[seed as u8, 0, 0], 150));
        write(&dir, target, scripts);
    }
    for (target, texts) in [("json", JSON), ("url", URLS)] {
        write(
            &dir,
            target,
            texts.iter().map(|text| text.as_bytes().to_vec()),
        );
    }
    let headers = PROXY.iter().flat_map(|header| {
        let pieces = [0, 1, 120];
        pieces.map(|pieces| [&[pieces, 0], *header].concat())
    });
    write(&dir, "proxied", headers);
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
    let heads = heads::load(REQUESTS);
    let requests = heads
        .iter()
        .map(|row| [&[0, 0, 9, 1][..], &row.input].concat());
    write(&dir, "handshake_server", requests);
    let spoken = heads.iter().map(|row| as_opening(&row.input));
    write(&dir, "server", spoken);
    let to_server = wires.iter().filter(|(role, _)| *role == Role::Server);
    let answered = to_server.map(|(_, wire)| as_opening(&[REQUEST, wire].concat()));
    write(&dir, "server", answered);
    let answers = heads::load(ANSWERS)
        .into_iter()
        .map(|row| [&[0, 0, 9, 0, 2][..], &row.input].concat());
    write(&dir, "handshake_client", answers);
    write(
        &dir,
        "extensions",
        EXTENSIONS.iter().flat_map(|lines| extensions(lines)),
    );
    write(
        &dir,
        "inflate",
        PAYLOADS.iter().flat_map(|payload| inflated(payload)),
    );
    write(
        &dir,
        "inflate",
        (1..40).map(|seed| chance(seed, &[seed as u8, 0, 0], 120)),
    );
    write(
        &dir,
        "deflate_round_trip",
        (1..60).map(|seed| chance(seed, &[seed as u8, 0x30 + seed as u8, seed as u8], 90)),
    );
    write(&dir, "deflate_round_trip", round_trips());
    write(&dir, "inflate", [across_last_blocks()]);
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

/// Elements, one line or several, for either end and under several policies.
fn extensions(lines: &str) -> Vec<Vec<u8>> {
    let policies = [
        [0; 6],
        [3, 0, 0, 3, 0, 0],
        [1, 5, 3, 2, 3, 5],
        [2, 6, 0, 1, 0, 6],
    ];
    let seeds = policies
        .iter()
        .map(|policy| [policy, lines.as_bytes()].concat());
    seeds.collect()
}

/// A payload as a text message, in one frame and in several, and after that once more.
fn inflated(payload: &[u8]) -> Vec<Vec<u8>> {
    let message = |what: &[u8]| {
        let size = payload.len() as u8;
        [what, &[1, 0, size], payload, &[6]].concat()
    };
    let whole = message(&[1]);
    let cut = message(&[0x31, 2]);
    vec![
        [&[0, 0, 0], &whole[..], &cut].concat(),
        [&[0x15, 4, 1], &cut[..], &whole].concat(),
        [&[0x0C, 1, 3], &whole[..]].concat(),
    ]
}

/// Like messages with each kind of thing between them, by takeover and not, by both roles; the formats are those of
/// `deflate_round_trip::script`.
fn round_trips() -> Vec<Vec<u8>> {
    let like = |what: u8, name: &[u8; 4]| [&[what, 5, 30], &name[..]].concat();
    let between = [
        vec![],
        like(0x27, b"none"),
        like(0x28, b"many"),
        [like(0x3A, b"part"), vec![60, 1]].concat(),
        [&[0x0E], &b"a ping of 14  "[..]].concat(),
        vec![0x0F],
        vec![0x20, 2, 40, 7],
    ];
    let heads = [[0, 0, 0], [1, 6, 0x16], [0, 0x31, 3], [1, 0x20, 0x10]];
    let mut seeds = Vec::new();
    for (number, between) in between.iter().enumerate() {
        for head in &heads {
            let options = [number as u8, 0, 9];
            let message = like(0x20, b"like");
            seeds.push([head, &options, &message[..], between, &message].concat());
        }
    }
    seeds
}

/// A message of noise, and one in three streams that refers to all of it; the format is that of `inflate::script`.
fn across_last_blocks() -> Vec<u8> {
    let noise = chance(7, &[], 200);
    let text = |what: &[u8], from: usize, to: usize| {
        [what, &[(to - from) as u8], &noise[from..to]].concat()
    };
    // A fixed block that ends its stream, and three matches: at 10, 100 and 200 bytes.
    let last = |from, to| {
        let matches = [3, 20, 9, 0, 20, 99, 0, 20, 199, 0];
        [text(&[0x82], from, to), matches.into()].concat()
    };
    let whole = [&[0, 1][..], &text(&[1], 0, 200), &[0]].concat();
    let streams = [
        &[0, 3][..],
        &last(0, 20),
        &last(20, 50),
        &last(50, 60),
        &[0],
    ]
    .concat();
    [&[0, 0, 0], &whole[..], &streams].concat()
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

/// Bytes with which two peers begin, one of them in pieces, in the format of `server`.
fn as_opening(bytes: &[u8]) -> Vec<u8> {
    let len = (bytes.len() as u16).to_be_bytes();
    let whole = [&[0, 15, 0][..], &len, bytes].concat();
    let in_pieces = [&[0, 15, 1][..], &len, bytes].concat();
    [&[0; 4][..], &whole, &in_pieces].concat()
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
