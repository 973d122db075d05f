//! The frames that a client sends, and those it expects back. Built before the measurement; nothing is parsed in it.

use clap::ValueEnum;

/// What the messages consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    Binary,
    Text(Script),
}

/// Which characters a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Script {
    /// One byte each
    Ascii,
    /// One to four bytes each
    Mixed,
}

impl Payload {
    const fn opcode(self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::Binary => 2,
        }
    }

    /// The content of one message; `index` makes it differ from its neighbours, so that a mixed-up order is noticed.
    pub(crate) fn content(self, size: usize, index: usize) -> Vec<u8> {
        match self {
            Self::Binary => (0..size).map(|i| (i * 7 + index * 13) as u8).collect(),
            Self::Text(Script::Ascii) => (0..size)
                .map(|i| b'!' + ((i + index * 5) % 90) as u8)
                .collect(),
            Self::Text(Script::Mixed) => mixed(size, index),
        }
    }
}

/// Text of exactly `size` bytes with characters of all lengths; what no character fits is filled with dots.
fn mixed(size: usize, index: usize) -> Vec<u8> {
    let alphabet = ['a', 'é', '漢', '😀', 'z', 'ß', 'の'];
    let mut text = String::with_capacity(size);
    for character in alphabet.iter().cycle().skip(index % alphabet.len()) {
        if text.len() + character.len_utf8() > size {
            break;
        }
        text.push(*character);
    }
    let mut bytes = text.into_bytes();
    bytes.resize(size, b'.');
    bytes
}

/// A whole message as a client sends it.
pub(crate) fn masked(payload: Payload, content: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = header(payload.opcode(), content.len(), 0x80);
    frame.extend(key);
    frame.extend(content.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    frame
}

/// The same as a server sends it back.
pub(crate) fn unmasked(payload: Payload, content: &[u8]) -> Vec<u8> {
    let mut frame = header(payload.opcode(), content.len(), 0);
    frame.extend(content);
    frame
}

/// RFC 6455, 5.2: FIN and opcode, mask bit and the shortest form of the length.
fn header(opcode: u8, length: usize, mask_bit: u8) -> Vec<u8> {
    let mut header = vec![0x80 | opcode];
    match length {
        0..=125 => header.push(mask_bit | length as u8),
        126..=0xffff => {
            header.push(mask_bit | 126);
            header.extend((length as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend((length as u64).to_be_bytes());
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::{Payload, Script, masked, unmasked};

    /// The examples of RFC 6455, 5.7.
    #[test]
    fn frames_are_those_of_the_rfc() {
        let text = Payload::Text(Script::Ascii);
        assert_eq!(unmasked(text, b"Hello"), b"\x81\x05Hello");
        let key = [0x37, 0xfa, 0x21, 0x3d];
        assert_eq!(
            masked(text, b"Hello", key),
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
        );
        let frame = unmasked(Payload::Binary, &[7; 256]);
        assert_eq!(frame[..5], [0x82, 0x7e, 0x01, 0x00, 7]);
        let frame = unmasked(Payload::Binary, &[7; 65536]);
        assert_eq!(frame[..11], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0, 7]);
    }

    #[test]
    fn lengths_take_the_shortest_form_and_the_mask_four_bytes() {
        let table = [
            (0, 2),
            (125, 2),
            (126, 4),
            (65535, 4),
            (65536, 10),
            (1 << 20, 10),
        ];
        for (size, header) in table {
            let content = Payload::Binary.content(size, 3);
            assert_eq!(content.len(), size);
            let back = unmasked(Payload::Binary, &content);
            assert_eq!(back.len(), header + size, "{size}");
            let sent = masked(Payload::Binary, &content, [1, 2, 3, 4]);
            assert_eq!(sent.len(), header + 4 + size, "{size}");
            assert_eq!(sent[0], 0x82);
            assert_eq!(sent[1], back[1] | 0x80, "{size}");
            let mask = [1, 2, 3, 4].into_iter().cycle();
            let unmask = sent[header + 4..].iter().zip(mask).map(|(b, k)| b ^ k);
            assert!(unmask.eq(content), "{size}");
        }
    }

    #[test]
    fn texts_are_text_of_the_size_asked_for() {
        for script in [Script::Ascii, Script::Mixed] {
            for size in 0..100 {
                let content = Payload::Text(script).content(size, size);
                assert_eq!(content.len(), size);
                let text = String::from_utf8(content).unwrap();
                // Where there is room for two characters, one of them is long.
                let is_ascii = script == Script::Ascii || size < 8;
                assert!(text.is_ascii() == is_ascii || size < 8, "{size}: {text}");
            }
        }
    }

    #[test]
    fn neighbours_differ() {
        for payload in [Payload::Binary, Payload::Text(Script::Ascii)] {
            assert_ne!(payload.content(20, 0), payload.content(20, 1));
        }
    }
}
