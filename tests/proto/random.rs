//! Random conversations, random bytes, random headers.

use crate::pair::Pair;
use crate::replay::replay;
use crate::rows::{Expected, With};
use crate::wire;
use proptest::collection::vec;
use proptest::prelude::*;
use sockeye::proto::frame::{Header, Opcode, Rules, Status};
use sockeye::proto::{CloseCode, Delivery, MessageKind, Prepared, Role, State};

/// Something one side sends.
#[derive(Clone, Debug)]
enum Op {
    Text(String),
    Binary(Vec<u8>),
    Prepared(String),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// Pieces, with a ping after each but the last where the flag says so.
    Fragments(MessageKind, Vec<Vec<u8>>, bool),
}

/// How much of something there may be: little under Miri, where making it up takes longer than the test.
const fn most(size: usize) -> usize {
    if cfg!(miri) { size / 20 } else { size }
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..most(300)).prop_map(String::from_iter)
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || vec(any::<u8>(), 0..most(2000));
    let control = || vec(any::<u8>(), 0..most(125));
    prop_oneof![
        text().prop_map(Op::Text),
        bytes().prop_map(Op::Binary),
        text().prop_map(Op::Prepared),
        control().prop_map(Op::Ping),
        control().prop_map(Op::Pong),
        (vec(vec(any::<u8>(), 0..most(300)), 1..6), any::<bool>())
            .prop_map(|(pieces, pings)| Op::Fragments(MessageKind::Binary, pieces, pings)),
        (text(), vec(1..20_usize, 0..6), any::<bool>()).prop_map(|(text, cuts, pings)| {
            // Cut anywhere, also inside characters.
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                let (piece, more) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece.to_vec());
                rest = more;
            }
            pieces.push(rest.to_vec());
            Op::Fragments(MessageKind::Text, pieces, pings)
        }),
    ]
}

/// Sends it, and notes what the other side should be told.
fn perform(pair: &mut Pair, from_client: bool, op: &Op, told: &mut Vec<Expected>) {
    let side = if from_client {
        &mut pair.client
    } else {
        &mut pair.server
    };
    // A mark tells pongs nobody asked for from answers.
    let marked = |mark: u8, data: &[u8]| [&[mark], data].concat();
    match op {
        Op::Text(text) => {
            side.send(|tx, out| tx.text(text, out)).unwrap();
            told.push(Expected::Text(text.as_bytes().to_vec()));
        }
        Op::Binary(data) => {
            side.send(|tx, out| tx.binary(data, out)).unwrap();
            told.push(Expected::Binary(data.clone()));
        }
        Op::Prepared(text) => {
            let message = Prepared::text(text);
            side.send(|tx, out| tx.prepared(&message, out)).unwrap();
            told.push(Expected::Text(text.as_bytes().to_vec()));
        }
        Op::Ping(data) => {
            let data = marked(b'?', data);
            side.send(|tx, out| tx.ping(&data, out)).unwrap();
            told.push(Expected::Ping(data));
        }
        Op::Pong(data) => {
            let data = marked(b'!', data);
            side.send(|tx, out| tx.pong(&data, out)).unwrap();
            told.push(Expected::Pong(data));
        }
        Op::Fragments(kind, pieces, pings) => {
            for (i, piece) in pieces.iter().enumerate() {
                let last = i + 1 == pieces.len();
                side.send(|tx, out| tx.fragment(*kind, piece, last, out))
                    .unwrap();
                if *pings && !last {
                    side.send(|tx, out| tx.ping(b"?", out)).unwrap();
                    told.push(Expected::Ping(b"?".to_vec()));
                }
            }
            let whole = pieces.concat();
            told.push(match kind {
                MessageKind::Text => Expected::Text(whole),
                MessageKind::Binary => Expected::Binary(whole),
            });
        }
    }
}

fn is_answer(event: &Expected) -> bool {
    matches!(event, Expected::Pong(data) if data.first() == Some(&b'?'))
}

/// The answers that `pings` should have got.
fn answers(events: &[Expected]) -> Vec<Expected> {
    let answer = |event: &Expected| match event {
        Expected::Ping(data) => Some(Expected::Pong(data.clone())),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

fn split(events: &[Expected]) -> (Vec<Expected>, Vec<Expected>) {
    events.iter().cloned().partition(is_answer)
}

/// Something a peer might send, mostly almost right.
fn noise() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let first = prop_oneof![
        8 => prop::sample::select(&[0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A][..]),
        1 => Just(0x88_u8),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(any::<u8>(), most(100)..most(300)),
        text().prop_map(String::into_bytes),
        vec(
            prop::sample::select(&b"\xc3\xbc\xf0\x9f\x98\x80a"[..]),
            0..6
        ),
        (any::<u16>(), vec(any::<u8>(), 0..5)).prop_map(|(code, reason)| {
            let code = 1000 + code % 20;
            [&code.to_be_bytes()[..], &reason].concat()
        }),
    ];
    prop_oneof![
        9 => (first, payload).prop_map(|(first, payload)| {
            let mut frame = vec![first];
            frame.extend(payload);
            (frame, true)
        }),
        1 => vec(any::<u8>(), 0..30).prop_map(|bytes| (bytes, false)),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 3 } else { cases },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn what_is_sent_arrives_in_order(
        ops in vec((any::<bool>(), op(), any::<bool>()), 0..12),
        sizes in vec(1..700_usize, 1..20),
        tail in any::<bool>(),
    ) {
        let mut pair = Pair::new();
        let mut pieces = sizes.iter().cycle().copied();
        let mut piece = || pieces.next().unwrap_or(1);
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        for (from_client, op, deliver) in &ops {
            let told = if *from_client { &mut to_server } else { &mut to_client };
            perform(&mut pair, *from_client, op, told);
            if *deliver {
                pair.run_in(&mut piece);
            }
        }
        pair.run_in(&mut piece);
        for (side, told, other) in [
            (&pair.server, &to_server, &to_client),
            (&pair.client, &to_client, &to_server),
        ] {
            let (pongs, rest) = split(&side.events);
            prop_assert_eq!(&rest, told);
            prop_assert_eq!(pongs, answers(other));
            prop_assert_eq!(side.error, None);
            prop_assert_eq!(side.conn.rx.heap_bytes(), 0);
            side.frames();
        }
        let side = if tail { &mut pair.client } else { &mut pair.server };
        side.send(|tx, out| tx.close(CloseCode::NORMAL, "end", out)).unwrap();
        pair.run_in(&mut piece);
        prop_assert_eq!(pair.states(), (State::Closed, State::Closed));
        prop_assert_eq!((pair.client.closes(), pair.server.closes()), (1, 1));
    }
}

proptest! {
    #![proptest_config(config(6000))]

    /// Shows 6455-10.7-01.
    #[test]
    fn noise_comes_to_the_same_in_any_pieces(
        frames in vec(noise(), 0..12),
        sizes in vec(1..60_usize, 1..10),
        server in any::<bool>(),
        mode in 0..3_usize,
        small in any::<bool>(),
        close_first in any::<bool>(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut bytes = Vec::new();
        for (frame, sealed) in &frames {
            match frame.split_first() {
                Some((first, payload)) if *sealed => bytes.extend(wire::frame(role, *first, payload)),
                _ => bytes.extend(frame),
            }
        }
        let with = With {
            delivery: [Delivery::Messages, Delivery::Frames, Delivery::Chunks][mode],
            max_message: small.then_some(256),
            max_fragments: small.then_some(3),
            close_first: close_first.then_some(1000),
            ..With::default()
        };
        let mut at = 0;
        let mut next = sizes.iter().cycle();
        let cuts = std::iter::from_fn(|| {
            at += next.next()?;
            (at < bytes.len()).then_some(at)
        });
        let cuts: Vec<usize> = cuts.collect();
        let (whole, _) = replay(role, &with, &bytes, []);
        let (pieces, _) = replay(role, &with, &bytes, cuts);
        let (bytewise, _) = replay(role, &with, &bytes, 1..bytes.len().max(1));
        prop_assert_eq!(&pieces, &whole);
        prop_assert_eq!(&bytewise, &whole);
        wire::read(&whole.out, role);
    }

    /// Shows 6455-10.7-01.
    #[test]
    fn random_bytes_never_panic(
        bytes in vec(any::<u8>(), 0..most(600)),
        server in any::<bool>(),
        mode in 0..3_usize,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let with = With {
            delivery: [Delivery::Messages, Delivery::Frames, Delivery::Chunks][mode],
            ..With::default()
        };
        let (whole, _) = replay(role, &with, &bytes, []);
        let (bytewise, _) = replay(role, &with, &bytes, 1..bytes.len().max(1));
        prop_assert_eq!(whole, bytewise);
    }

    #[test]
    fn a_header_encoded_decodes_to_itself(
        fin in any::<bool>(),
        rsv1 in any::<bool>(),
        opcode in 0..6_usize,
        mask in any::<Option<[u8; 4]>>(),
        len in prop_oneof![0..300_u64, 65_000..66_000_u64, 0..=u64::MAX >> 1],
    ) {
        let opcode = [
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ][opcode];
        let data = matches!(opcode, Opcode::Text | Opcode::Binary);
        let len = match opcode {
            Opcode::Close => 2 + len % 124,
            opcode if opcode.is_control() => len % 126,
            _ => len,
        };
        let header = Header {
            fin: fin || opcode.is_control(),
            rsv1: rsv1 && data,
            opcode,
            mask,
            len,
        };
        let rules = Rules {
            role: if mask.is_some() { Role::Server } else { Role::Client },
            compression: true,
            in_message: !data,
        };
        let encoded = header.encode();
        let bytes = encoded.as_slice();
        let decoded = Header::decode(bytes, &rules);
        prop_assert_eq!(decoded, Ok(Status::Complete((header, bytes.len()))));
        for have in 0..bytes.len() {
            let partial = Header::decode(&bytes[..have], &rules);
            let is_partial = matches!(partial, Ok(Status::Partial { need }) if need > 0 && need <= bytes.len() - have);
            prop_assert!(is_partial, "{:?} of {} bytes", partial, have);
        }
    }
}
