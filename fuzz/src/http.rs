//! Heads read literally: lines are what stands between line ends, fields what stands around the first colon. And the
//! answer to a key, by SHA-1 as FIPS 180 describes it and base64 as RFC 4648 does.
//!
//! Not here: what is refused. Only heads that the crate has accepted are read with this.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A start line and fields.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) start: &'a str,
    /// Names in small letters; values without the whitespace around them.
    fields: Vec<(String, &'a [u8])>,
}

impl<'a> Head<'a> {
    /// Reads the head that ends at the first empty line; gives what follows it.
    pub(crate) fn read(bytes: &'a [u8]) -> (Self, &'a [u8]) {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("an end");
        let mut rest = &bytes[..end + 2];
        let mut lines = Vec::new();
        while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
            lines.push(&rest[..end]);
            rest = &rest[end + 2..];
        }
        let start = std::str::from_utf8(lines[0]).unwrap_or("not UTF-8");
        let fields = lines[1..].iter().map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').expect("a colon");
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            (name, trim(&line[colon + 1..]))
        });
        let fields = fields.collect();
        (Self { start, fields }, &bytes[end + 4..])
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&'a [u8]> {
        let named = self.fields.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| *value).collect()
    }

    /// The value of a field that stands exactly once.
    pub(crate) fn only(&self, name: &str) -> &'a [u8] {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name}");
        values[0]
    }

    /// The elements of all its lists.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let values = self.all(name);
        let elements = values
            .iter()
            .flat_map(|value| value.split(|byte| *byte == b','));
        let elements = elements.map(|element| String::from_utf8_lossy(trim(element)).into_owned());
        elements.filter(|element| !element.is_empty()).collect()
    }

    /// Whether one of its elements is this word, in any case.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        let mut elements = self.elements(name).into_iter();
        elements.any(|element| element.eq_ignore_ascii_case(word))
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| *byte != b' ' && *byte != b'\t';
    let Some(from) = bytes.iter().position(is_text) else {
        return &[];
    };
    let to = bytes.iter().rposition(is_text).expect("one stands there");
    &bytes[from..=to]
}

/// What `Sec-WebSocket-Accept` has to be.
pub(crate) fn accept_for(key: &[u8]) -> String {
    base64(&sha1(
        &[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat(),
    ))
}

fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((8 * message.len() as u64).to_be_bytes());
    let mut hash: [u32; 5] = [
        0x6745_2301,
        0xEFCD_AB89,
        0x98BA_DCFE,
        0x1032_5476,
        0xC3D2_E1F0,
    ];
    for block in padded.chunks(64) {
        let words = block
            .chunks(4)
            .map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]));
        let mut w: Vec<u32> = words.collect();
        for t in 16..80 {
            w.push((w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        for (t, word) in w.iter().enumerate() {
            let (f, k) = match t / 20 {
                0 => ((b & c) | (!b & d), 0x5A82_7999),
                1 => (b ^ c ^ d, 0x6ED9_EBA1),
                2 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6),
            };
            let next = [f, e, k, *word]
                .iter()
                .fold(a.rotate_left(5), |sum, n| sum.wrapping_add(*n));
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, new) in hash.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(new);
        }
    }
    let mut digest = [0; 20];
    for (four, word) in digest.chunks_mut(4).zip(hash) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| {
            bits << 8 | u32::from(*three.get(i).unwrap_or(&0))
        });
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i > three.len() { '=' } else { letter.into() });
        }
    }
    text
}

/// The 16 bytes that a key stands for, if it is theirs to the last bit.
pub(crate) fn nonce_of(key: &[u8]) -> Option<[u8; 16]> {
    let letters = key.iter().take_while(|byte| **byte != b'=');
    let mut bits = Vec::new();
    for letter in letters {
        let value = LETTERS.iter().position(|other| other == letter)?;
        bits.extend((0..6).map(|i| value >> (5 - i) & 1));
    }
    let bytes = bits
        .chunks_exact(8)
        .map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | *bit as u8));
    let nonce: [u8; 16] = bytes.collect::<Vec<u8>>().try_into().ok()?;
    (base64(&nonce).as_bytes() == key).then_some(nonce)
}
