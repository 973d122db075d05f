//! Every header there is, against tables written from RFC 6455 sections 5.2, 5.4 and 5.5 and RFC 7692 section 6.

use crate::STRIDE;
use sockeye::proto::frame::{Header, Opcode, Role, Rules, Status};
use sockeye::proto::{Config, Connection, Inbound, Outbound, State, Violation};
use std::sync::Arc;

/// What the first byte breaks on its own.
fn first_byte_breaks(first: u8, compression: bool, in_message: bool) -> Vec<Violation> {
    let fin = first >= 0x80;
    let mut broken = Vec::new();
    // RSV2, RSV3: no extension we know defines them. RSV1: compression does, on the first frame of a message.
    let rsv1_allowed = compression && matches!(first & 0x0F, 0x1 | 0x2);
    if first & 0x30 != 0 || (first & 0x40 != 0 && !rsv1_allowed) {
        broken.push(Violation::ReservedBits);
    }
    match first & 0x0F {
        0x0 if !in_message => broken.push(Violation::UnexpectedContinuation),
        0x1 | 0x2 if in_message => broken.push(Violation::ExpectedContinuation),
        0x0..=0x2 => {}
        0x3..=0x7 | 0xB..=0xF => broken.push(Violation::ReservedOpcode),
        _ if !fin => broken.push(Violation::FragmentedControl),
        _ => {}
    }
    broken
}

/// What the second byte breaks behind a good first one.
fn second_byte_breaks(first: u8, second: u8, role: Role) -> Vec<Violation> {
    let mut broken = Vec::new();
    match role {
        Role::Server if second < 0x80 => broken.push(Violation::MaskMissing),
        Role::Client if second >= 0x80 => broken.push(Violation::MaskUnexpected),
        Role::Server | Role::Client => {}
    }
    if first & 0x0F >= 0x8 && second & 0x7F >= 126 {
        broken.push(Violation::ControlTooLong);
    }
    if first & 0x0F == 0x8 && second & 0x7F == 1 {
        broken.push(Violation::CloseTooShort);
    }
    broken
}

/// The opcode of a header that breaks nothing.
fn opcode(first: u8) -> Opcode {
    match first & 0x0F {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xA => Opcode::Pong,
        other => panic!("opcode {other:x} is reserved"),
    }
}

/// What is still missing behind two good bytes.
fn missing(second: u8) -> usize {
    let length = match second & 0x7F {
        127 => 8,
        126 => 2,
        _ => 0,
    };
    length + if second >= 0x80 { 4 } else { 0 }
}

#[test]
#[cfg_attr(miri, ignore = "counts all of them")]
fn all_two_byte_headers() {
    // How many second bytes are good, by hand: 128 for data, 126 for ping and pong, 125 for close; and first bytes:
    // 4 for a new message (8 with RSV1), 2 for a continuation, 3 for control.
    let table = [
        (false, false, 4 * 128 + 2 * 126 + 125),
        (false, true, 2 * 128 + 2 * 126 + 125),
        (true, false, 8 * 128 + 2 * 126 + 125),
        (true, true, 2 * 128 + 2 * 126 + 125),
    ];
    for role in [Role::Server, Role::Client] {
        for (compression, in_message, good) in table {
            let rules = Rules {
                role,
                compression,
                in_message,
            };
            let accepted = (0..=u8::MAX)
                .flat_map(|first| (0..=u8::MAX).map(move |second| (first, second)))
                .filter(|&(first, second)| two_bytes(first, second, &rules))
                .count();
            assert_eq!(accepted, good, "{rules:?}");
        }
    }
}

/// Decodes one byte, then two; says whether they were accepted.
fn two_bytes(first: u8, second: u8, rules: &Rules) -> bool {
    let what = || format!("{first:02x} {second:02x} {rules:?}");
    let one = Header::decode(&[first], rules);
    let two = Header::decode(&[first, second], rules);
    let broken = first_byte_breaks(first, rules.compression, rules.in_message);
    if !broken.is_empty() {
        let error = one.expect_err(&what());
        assert!(broken.contains(&error), "{}: {error:?}", what());
        assert_eq!(two, Err(error), "{}", what());
        return false;
    }
    assert_eq!(one, Ok(Status::Partial { need: 1 }), "{}", what());
    let broken = second_byte_breaks(first, second, rules.role);
    if !broken.is_empty() {
        let error = two.expect_err(&what());
        assert!(broken.contains(&error), "{}: {error:?}", what());
        return false;
    }
    let header = Header {
        fin: first >= 0x80,
        rsv1: first & 0x40 != 0,
        opcode: opcode(first),
        mask: None,
        len: u64::from(second & 0x7F),
    };
    let want = match missing(second) {
        0 => Status::Complete((header, 2)),
        need => Status::Partial { need },
    };
    assert_eq!(two, Ok(want), "{}", what());
    true
}

/// Shows 6455-6.2-01.
#[test]
fn all_two_byte_headers_through_a_connection() {
    let config = Arc::new(Config::default());
    for role in [Role::Server, Role::Client] {
        for in_message in [false, true] {
            for both in (0..=u16::MAX).step_by(STRIDE * STRIDE) {
                let [first, second] = both.to_be_bytes();
                let mut broken = first_byte_breaks(first, false, in_message);
                if broken.is_empty() {
                    broken = second_byte_breaks(first, second, role);
                }
                let (error, state) = receive(role, &config, in_message, &[first, second]);
                let what = format!("{first:02x} {second:02x} {role:?} {in_message}");
                match error {
                    Some(error) => {
                        assert!(broken.contains(&error), "{what}: {error:?}");
                        assert_eq!(state, State::Failed, "{what}");
                    }
                    None => assert!(broken.is_empty(), "{what}: {broken:?}"),
                }
            }
        }
    }
}

fn receive(
    role: Role,
    config: &Arc<Config>,
    in_message: bool,
    bytes: &[u8],
) -> (Option<Violation>, State) {
    let mut conn = Connection::new(role, Arc::clone(config));
    let mut keys = || [1, 2, 3, 4];
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut inbound = Inbound::new();
    let mut input = Vec::new();
    if in_message {
        input.extend(crate::wire::frame(role, 0x01, b"a"));
    }
    input.extend_from_slice(bytes);
    let mut at = 0;
    let mut error = None;
    loop {
        match conn
            .rx
            .next(&mut input[at..], &mut inbound, &mut conn.tx, &mut out)
        {
            Ok(step) if step.event.is_none() => break,
            Ok(step) => at += step.consumed,
            Err(violation) => {
                error = Some(violation);
                break;
            }
        }
    }
    (error, conn.state())
}

#[test]
fn all_16_bit_lengths() {
    for role in [Role::Server, Role::Client] {
        for len in (0..=u16::MAX).step_by(STRIDE * STRIDE) {
            let want = if len < 126 {
                Err(Violation::LengthNotMinimal)
            } else {
                Ok(u64::from(len))
            };
            extended(role, 126, &len.to_be_bytes(), want);
        }
    }
}

#[test]
fn the_edges_of_64_bit_lengths() {
    let powers = (0..64).map(|bit| 1_u64 << bit);
    let edges = powers.chain([125, 126, 65_535, 65_536, u64::MAX, 1 << 63]);
    let edges = edges.step_by(STRIDE.min(17));
    for len in edges.flat_map(|edge| (0..5).map(move |i| edge.wrapping_add(i).wrapping_sub(2))) {
        let want = match len {
            0..=65_535 => Err(Violation::LengthNotMinimal),
            65_536..=0x7FFF_FFFF_FFFF_FFFF => Ok(len),
            0x8000_0000_0000_0000.. => Err(Violation::LengthTooLong),
        };
        for role in [Role::Server, Role::Client] {
            extended(role, 127, &len.to_be_bytes(), want);
        }
    }
}

/// Decodes a binary frame's header with this length, growing byte by byte.
fn extended(role: Role, short: u8, length: &[u8], want: Result<u64, Violation>) {
    let mut bytes = vec![0x82, short];
    bytes.extend_from_slice(length);
    let judged = bytes.len();
    let mask = (role == Role::Server).then_some([9, 8, 7, 6]);
    if let Some(key) = mask {
        bytes[1] |= 0x80;
        bytes.extend(key);
    }
    let rules = Rules {
        role,
        compression: false,
        in_message: false,
    };
    for have in 0..=bytes.len() {
        let got = Header::decode(&bytes[..have], &rules);
        let what = format!("{:02x?}", &bytes[..have]);
        match want {
            Err(violation) if have >= judged => assert_eq!(got, Err(violation), "{what}"),
            Ok(len) if have == bytes.len() => {
                let header = Header {
                    fin: true,
                    rsv1: false,
                    opcode: Opcode::Binary,
                    mask,
                    len,
                };
                assert_eq!(got, Ok(Status::Complete((header, have))), "{what}");
                assert_eq!(header.encode().as_slice(), bytes, "encoded");
            }
            _ => {
                let whole = if have < 2 { 2 } else { bytes.len() };
                let need = whole - have;
                assert_eq!(got, Ok(Status::Partial { need }), "{what}");
            }
        }
    }
}

#[test]
fn all_opcodes_by_bits() {
    for bits in 0..=u8::MAX {
        let known = matches!(bits, 0 | 1 | 2 | 8 | 9 | 10);
        assert_eq!(Opcode::from_bits(bits).is_some(), known, "{bits:x}");
        if let Some(opcode) = Opcode::from_bits(bits) {
            assert_eq!(opcode.bits(), bits);
            assert_eq!(opcode.is_control(), bits >= 8);
        }
    }
}
