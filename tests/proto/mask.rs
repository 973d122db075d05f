//! Masking against the byte loop of RFC 6455 section 5.3.

use crate::STRIDE;
use sockeye::proto::frame::mask;
use sockeye::proto::{Connection, Outbound};

const KEYS: [[u8; 4]; 4] = [
    [0; 4],
    [0xFF; 4],
    [0x37, 0xFA, 0x21, 0x3D],
    [0x01, 0x80, 0x00, 0xFE],
];

fn counting(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn reference(key: [u8; 4], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let masked = bytes.iter().enumerate();
    masked
        .map(|(i, byte)| byte ^ key[(offset + i) % 4])
        .collect()
}

#[test]
fn in_place_at_every_length_offset_and_alignment() {
    #[repr(align(64))]
    struct Aligned([u8; 64 + 320 + 8]);

    let plain = counting(320);
    let mut field = Aligned([0; 64 + 320 + 8]);
    for key in KEYS.into_iter().skip(STRIDE.min(3) - 1) {
        for offset in (0..8).step_by(STRIDE.min(3)) {
            let masked = reference(key, offset, &plain);
            for len in (0..=320).step_by(STRIDE.min(53)) {
                for alignment in (0..64).step_by(STRIDE.min(31)) {
                    let at = alignment..alignment + len;
                    field.0.fill(0xA5);
                    field.0[at.clone()].copy_from_slice(&plain[..len]);
                    mask::apply(key, offset as u64, &mut field.0[at.clone()]);
                    assert_eq!(field.0[at.clone()], masked[..len], "{len} {alignment}");
                    let mut around = field.0[..at.start].iter().chain(&field.0[at.end..]);
                    assert!(around.all(|byte| *byte == 0xA5), "{len} {alignment}");
                }
            }
        }
    }
}

#[test]
fn appended_at_every_length_and_alignment() {
    let plain = counting(64 + 320);
    for key in KEYS.into_iter().skip(STRIDE.min(3) - 1) {
        for alignment in (0..64).step_by(STRIDE.min(31)) {
            for len in (0..=320).step_by(STRIDE) {
                let from = &plain[alignment..alignment + len];
                let mut out = vec![0xA5; alignment % 7];
                mask::append(key, from, &mut out);
                let (before, masked) = out.split_at(alignment % 7);
                assert!(before.iter().all(|byte| *byte == 0xA5));
                assert_eq!(masked, reference(key, 0, from), "{len} {alignment}");
            }
        }
    }
}

#[test]
fn offsets_beyond_32_bits_keep_their_phase() {
    let plain = counting(9);
    for key in KEYS {
        for offset in [1 << 32, (1 << 32) + 3, (1 << 62) + 1, u64::MAX] {
            let mut bytes = plain.clone();
            mask::apply(key, offset, &mut bytes);
            let phase = usize::try_from(offset % 4).unwrap();
            assert_eq!(bytes, reference(key, phase, &plain));
            let mut rotated = plain.clone();
            mask::apply(mask::rotate(key, offset), 0, &mut rotated);
            assert_eq!(bytes, rotated);
        }
    }
}

#[test]
fn a_closure_gives_each_frame_its_key() {
    let mut last = 0;
    let mut keys = || {
        last += 1;
        [last; 4]
    };
    let mut conn = Connection::client(Default::default());
    let mut out = Outbound::client(Vec::new(), &mut keys);
    conn.tx.text("a", &mut out).unwrap();
    conn.tx.binary(b"b", &mut out).unwrap();
    assert_eq!(
        out.sink,
        b"\x81\x81\x01\x01\x01\x01\x60\x82\x81\x02\x02\x02\x02\x60"
    );
}
