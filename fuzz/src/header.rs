//! Headers: the crate's decoder beside a literal one, at every prefix, under all rules; and back to bytes.

use super::reference::frame::{self as literal, Literal};
use sockeye::proto::frame::{Header, Opcode, Role, Rules, Status};

/// What any header says, and a byte more.
const ENOUGH: usize = Header::MAX_LEN + 1;

/// Under the rules that the first byte picks, the others decode as the literal decoder says, at every prefix; what is
/// refused or whole stays so when more arrives; what was decoded encodes to the same bytes.
pub fn header(data: &[u8]) {
    let Some((rules, bytes)) = data.split_first() else {
        return;
    };
    let rules = Rules {
        role: if rules & 1 == 0 {
            Role::Server
        } else {
            Role::Client
        },
        compression: rules & 2 != 0,
        in_message: rules & 4 != 0,
    };
    decodes_as_the_rfc_says(&bytes[..bytes.len().min(ENOUGH)], &rules);
    encodes_to_what_it_was(bytes);
}

fn decodes_as_the_rfc_says(bytes: &[u8], rules: &Rules) {
    let mut decided = None;
    let mut promised = 0;
    for have in 0..=bytes.len() {
        let prefix = &bytes[..have];
        let got = Header::decode(prefix, rules);
        match (&got, literal::header(prefix, rules)) {
            (Ok(Status::Partial { need }), Literal::Incomplete) => {
                assert!(*need > 0, "{prefix:02x?} {rules:?}");
                promised = promised.max(have + need);
            }
            (Err(got), Literal::Refused(want)) => assert_eq!(*got, want, "{prefix:02x?} {rules:?}"),
            (Ok(Status::Complete((header, size))), Literal::Whole(want)) => {
                assert!(
                    have >= promised,
                    "whole with fewer bytes than it was said to need"
                );
                let got = (
                    header.fin,
                    header.rsv1,
                    header.opcode.bits(),
                    header.mask,
                    header.len,
                );
                assert_eq!(got, (want.fin, want.rsv1, want.opcode, want.mask, want.len));
                assert_eq!(*size, want.size);
                assert_eq!(header.encode().as_slice(), &prefix[..*size]);
            }
            (got, want) => panic!("{prefix:02x?} {rules:?}: {got:?}, not {want:?}"),
        }
        if let Some(decided) = &decided {
            assert_eq!(got, *decided, "more bytes changed the answer");
        }
        if !matches!(got, Ok(Status::Partial { .. })) {
            decided = Some(got);
        }
    }
}

/// A header made of the bytes, whole by construction, survives encoding.
fn encodes_to_what_it_was(bytes: &[u8]) {
    let Some((fields, [first, shift, ..])) = bytes.split_first_chunk::<12>() else {
        return;
    };
    let [key, high, low] = *fields.as_chunks::<4>().0 else {
        return;
    };
    let Some(opcode) = Opcode::from_bits(first % 16) else {
        return;
    };
    let masked = first / 16 % 2 == 1;
    let wide = u64::from(u32::from_be_bytes(high)) << 32 | u64::from(u32::from_be_bytes(low));
    let len = wide >> 1 >> (shift % 64);
    let header = Header {
        fin: opcode.is_control() || first / 32 % 2 == 1,
        rsv1: first / 64 % 2 == 1 && matches!(opcode, Opcode::Text | Opcode::Binary),
        opcode,
        mask: masked.then_some(key),
        len: match opcode {
            Opcode::Close if len % 126 == 1 => 0,
            _ if opcode.is_control() => len % 126,
            _ => len,
        },
    };
    let rules = Rules {
        role: if masked { Role::Server } else { Role::Client },
        compression: true,
        in_message: opcode == Opcode::Continuation,
    };
    let encoded = header.encode();
    let size = encoded.as_slice().len();
    assert_eq!(
        Header::decode(encoded.as_slice(), &rules),
        Ok(Status::Complete((header, size)))
    );
}
