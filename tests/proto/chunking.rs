//! Every row of `tests/rows/frames.rows`, whole, at every two-way split and byte by byte, in each role it names.

use crate::STRIDE;
use crate::replay::{Outcome, replay};
use crate::rows::{self, Expected, Row, Wire, With};
use crate::wire;
use sockeye::proto::{Config, Connection, Delivery, Inbound, Limits, Outbound, Role, State};
use std::io::Write;
use std::sync::Arc;

const FRAMES: &str = include_str!("../rows/frames.rows");

/// Longer rows are split around their joints and at a spread of other places instead of everywhere.
const SPLIT_EVERYWHERE: usize = 4096;

/// Sizes that walk the mask through all its phases.
pub(crate) const PIECES: [usize; 5] = [2, 3, 5, 7, 997];

#[test]
fn every_row_at_every_split() {
    let file = if cfg!(miri) { &few(FRAMES) } else { FRAMES };
    let rows = rows::parse(file).unwrap_or_else(|why| panic!("frames.rows, {why}"));
    let mut replays = 0;
    let mut sides = 0;
    for row in &rows {
        for &role in &row.roles {
            sides += 1;
            replays += check(row, role);
        }
    }
    // To the real one: a test that passes keeps what it prints to itself, and how much was tried is worth seeing.
    let _ = writeln!(
        std::io::stderr(),
        "{} protocol rows for {sides} roles, {replays} replays",
        rows.len()
    );
    let least = if cfg!(miri) { 15 } else { 150 };
    assert!(rows.len() >= least, "{} rows", rows.len());
}

/// What Miri replays in minutes: one row in eleven, and none that repeats something a hundred times. It looks for lines,
/// for which Miri is quick, and not for pairs of them.
fn few(file: &str) -> String {
    let is_long = |row: &str| {
        row.split(['*', '~', 'x']).any(|number| {
            let digits = number.chars().take_while(char::is_ascii_digit);
            digits.count() > 2
        })
    };
    let mut rows = vec![String::new()];
    for line in file.lines() {
        let taken = rows.len() % 11 == 1;
        match rows.last_mut() {
            Some(row) if taken && !line.is_empty() => *row += &format!("{line}\n"),
            _ if line.is_empty() => rows.push(String::new()),
            _ => {}
        }
    }
    rows.retain(|row| !row.is_empty() && !is_long(row));
    rows.join("\n")
}

/// Every length up to 300, with bytes that tell their places apart, whole and in every size of piece.
#[test]
fn every_short_length_in_every_piece() {
    let data: Vec<u8> = (0..=250).cycle().take(300).collect();
    for role in [Role::Server, Role::Client] {
        for len in (0..=300).step_by(STRIDE) {
            let bytes = wire::frame(role, 0x82, &data[..len]);
            for size in (1..20).chain([64, 128, 1000]).step_by(STRIDE.min(5)) {
                let cuts = (size..bytes.len()).step_by(size);
                let (outcome, _) = replay(role, &With::default(), &bytes, cuts);
                let want = [Expected::Binary(data[..len].to_vec())];
                assert_eq!(outcome.events, want, "{len} in {size}");
                assert_eq!(outcome.left, 0);
            }
        }
    }
}

#[test]
fn a_wrong_row_is_told_by_its_line() {
    for (file, why) in [
        ("in 81", "line 1: no row yet"),
        ("row a\n\nthen 81", "line 3: then is not a keyword"),
        ("row a\nin 8 |", "line 2: 8 has an odd digit"),
        ("row a\nin 8x |", "line 2: 8x is not hex"),
        ("row a\nin 81 00 | \"a", "line 2: a string has no end"),
        (
            "row a\nrole peer",
            "line 2: the role is server, client or both",
        ),
        ("row a\nrow a", "line 2: the name is taken"),
        ("row a\nevent sound", "line 2: sound is neither"),
        ("row a\nwith speed=9", "line 2: no setting speed=9"),
        ("row a\nin 81 00 |", "row a: needs shows, role and in"),
        (
            "row a\nshows F1\nrole both\nin 83 |\nfail 1002 X",
            "row a: one mark where it fails",
        ),
    ] {
        let error = rows::parse(file).expect_err(file);
        assert!(error.starts_with(why), "{error}");
    }
}

/// Runs one row in one role; gives back the number of replays.
pub(crate) fn check(row: &Row, role: Role) -> usize {
    let name = format!("{} ({role:?})", row.name);
    let wire = row.wire(role);
    let len = wire.bytes.len();
    let (whole, _) = replay(role, &row.with, &wire.bytes, []);
    as_declared(row, role, &whole, &name);
    peer_agrees(role, &whole.out, &name);

    let (bytewise, failed_at) = replay(role, &row.with, &wire.bytes, 1..len);
    assert_eq!(bytewise, whole, "{name}: byte by byte");
    assert_eq!(failed_at.is_some(), row.fail.is_some(), "{name}");
    if let Some(mark) = wire.mark {
        assert_eq!(failed_at, Some(mark), "{name}: the earliest byte");
    }
    for size in PIECES.into_iter().step_by(STRIDE.min(2)) {
        let cuts = (size..len).step_by(size);
        let (pieces, _) = replay(role, &row.with, &wire.bytes, cuts);
        assert_eq!(pieces, whole, "{name}: {size} bytes at a time");
    }
    behind_a_message(row, role, &whole, &name);
    let splits = splits(&wire);
    for &split in &splits {
        let (halves, half_failed_at) = replay(role, &row.with, &wire.bytes, [split]);
        assert_eq!(halves, whole, "{name}: split at {split}");
        let earliest = failed_at.map(|at| if at <= split { split } else { len });
        assert_eq!(half_failed_at, earliest, "{name}: split at {split}");
    }
    3 + PIECES.len() + splits.len()
}

/// The same behind a valid message in the same read: that message comes first, then everything as before.
fn behind_a_message(row: &Row, role: Role, alone: &Outcome, name: &str) {
    let with = &row.with;
    if with.close_first.is_some() || with.echo || with.delivery != Delivery::Messages {
        return;
    }
    let mut wire = wire::frame(role, 0x81, b"");
    wire.extend(row.wire(role).bytes);
    let (both, _) = replay(role, with, &wire, []);
    let mut want = alone.clone();
    want.events.insert(0, Expected::Text(Vec::new()));
    assert_eq!(both, want, "{name}: behind a message");
}

pub(crate) fn splits(wire: &Wire) -> Vec<usize> {
    let len = wire.bytes.len();
    if len <= SPLIT_EVERYWHERE {
        return (0..=len).step_by(STRIDE).collect();
    }
    let joints = wire.joints.iter();
    let ends = joints.clone().take(16).chain(joints.rev().take(16));
    let mut splits: Vec<usize> = ends
        .flat_map(|joint| joint.saturating_sub(8)..=joint + 8)
        .chain((0..32).map(|i| i * len / 32 + i))
        .filter(|split| *split <= len)
        .collect();
    splits.sort_unstable();
    splits.dedup();
    splits
}

/// Events, output and error are those that the row declares.
fn as_declared(row: &Row, role: Role, outcome: &Outcome, name: &str) {
    assert_eq!(outcome.events, row.events, "{name}: events");
    let mut out = row.out.clone();
    let mut state = match row.events.last() {
        Some(Expected::Close(..)) => State::Closed,
        _ if row.with.close_first.is_some() => State::Closing,
        _ => State::Open,
    };
    if let Some(fail) = &row.fail {
        let error = outcome
            .error
            .unwrap_or_else(|| panic!("{name}: expected {}, got no error", fail.name));
        assert_eq!(format!("{error:?}"), fail.name, "{name}");
        assert_eq!(error.close_code().get(), fail.code, "{name}");
        if row.with.close_first.is_none() {
            out.push(Expected::Close(Some(fail.code), error.text().into()));
        }
        state = State::Failed;
    } else {
        assert_eq!(outcome.error, None, "{name}");
    }
    assert_eq!(outcome.state, state, "{name}");
    let written: Vec<Expected> = wire::read(&outcome.out, role)
        .into_iter()
        .map(|frame| as_expected(frame, name))
        .collect();
    assert_eq!(written, out, "{name}: output");
}

fn as_expected(frame: wire::Frame, name: &str) -> Expected {
    assert!(frame.fin, "{name}: a fragment written");
    match frame.opcode {
        wire::TEXT => Expected::Text(frame.payload),
        wire::BINARY => Expected::Binary(frame.payload),
        wire::PING => Expected::Ping(frame.payload),
        wire::PONG => Expected::Pong(frame.payload),
        wire::CLOSE => match frame.payload.as_slice() {
            [] => Expected::Close(None, Vec::new()),
            [high, low, reason @ ..] => {
                Expected::Close(Some(u16::from_be_bytes([*high, *low])), reason.to_vec())
            }
            [_] => panic!("{name}: a one-byte close body"),
        },
        other => panic!("{name}: opcode {other:x} written"),
    }
}

/// Whatever we write, a connection in the other role takes without a violation.
fn peer_agrees(role: Role, out: &[u8], name: &str) {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(u64::MAX);
    let mut peer = Connection::new(role.peer(), Arc::new(config));
    let mut keys = wire::Counting::default();
    let mut answers = Outbound::client(Vec::new(), &mut keys);
    let mut inbound = Inbound::new();
    let mut bytes = out.to_vec();
    let mut at = 0;
    loop {
        let step = peer
            .rx
            .next(&mut bytes[at..], &mut inbound, &mut peer.tx, &mut answers)
            .unwrap_or_else(|violation| panic!("{name}: the peer refuses: {violation}"));
        at += step.consumed;
        if step.event.is_none() {
            break;
        }
    }
    assert_eq!(at, out.len(), "{name}: the peer has all of it");
}
