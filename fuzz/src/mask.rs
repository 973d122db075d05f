//! Masking: the crate's wide loops beside one that goes byte by byte.

use super::choices::Choices;
use super::reference::frame as literal;
use sockeye::proto::frame::mask;

/// At any offset, alignment, length and split the bytes come out as the literal loop has them; twice is what it was;
/// what stands around them is not touched.
pub fn mask(data: &[u8]) {
    let mut choices = Choices::new(data);
    let key = [
        choices.byte(),
        choices.byte(),
        choices.byte(),
        choices.byte(),
    ];
    let offset = offset(&mut choices);
    let (before, behind) = (
        usize::from(choices.byte() % 16),
        usize::from(choices.byte() % 16),
    );
    let split = usize::from(choices.number());
    let repeat = 1 + usize::from(choices.byte() % 8);
    let payload = choices.all().repeat(repeat);
    let masked = literal::mask(key, offset, &payload);
    let framed = |inside: &[u8]| [&vec![0xA5; before], inside, &vec![0x5A; behind]].concat();
    let range = before..before + payload.len();

    let mut bytes = framed(&payload);
    mask::apply(key, offset, &mut bytes[range.clone()]);
    assert_eq!(bytes, framed(&masked));
    mask::apply(key, offset, &mut bytes[range.clone()]);
    assert_eq!(bytes, framed(&payload));

    let split = split % (payload.len() + 1);
    let (head, tail) = bytes[range].split_at_mut(split);
    mask::apply(key, offset, head);
    mask::apply(mask::rotate(key, split as u64), offset, tail);
    assert_eq!(bytes, framed(&masked));

    let mut appended = vec![0xA5; before];
    mask::append(key, &payload, &mut appended);
    let whole = literal::mask(key, 0, &payload);
    assert_eq!(appended, [vec![0xA5; before], whole].concat());

    let rotated = literal::mask(mask::rotate(key, offset), 0, &payload);
    assert_eq!(rotated, masked);
}

/// Small ones, and those near the ends of 32 and 64 bits.
fn offset(choices: &mut Choices<'_>) -> u64 {
    let base = choices.pick(&[0, 1 << 32, u64::MAX - 300, 1 << 63]);
    base + u64::from(choices.byte())
}
