//! What the server says: heads and frames, read literally and without the code that may be under attack.
//!
//! Not here: whether it is what it should say.

use zlib_rs::{Inflate, InflateFlush, Status};

/// Heads that are longer are no answer.
const MAX_HEAD: usize = 1 << 16;
/// Bytes that each step of inflating may add.
const STEP: usize = 1 << 14;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// The head of an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Takes a head from the front; `None` while there is no whole one.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(crate) fn take(input: &mut Vec<u8>) -> Result<Option<Self>, String> {
        let Some(end) = input.windows(4).position(|end| end == b"\r\n\r\n") else {
            return match input.len() > MAX_HEAD {
                true => Err("an endless head".to_owned()),
                false => Ok(None),
            };
        };
        let text = String::from_utf8_lossy(&input[..end]).into_owned();
        input.drain(..end + 4);
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok())
            .ok_or_else(|| format!("not HTTP: {}", shortened(first.as_bytes())))?;
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Ok(Some(Self {
            status,
            fields: fields.collect(),
        }))
    }

    /// The values of a field; its name in lower case.
    pub(crate) fn all<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h str> {
        let fields = self.fields.iter();
        fields
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.all(name);
        let first = all.next();
        first.filter(|_| all.next().is_none())
    }
}

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// With its code; what follows the code is the server's choice.
    Close(Option<u16>),
}

impl core::fmt::Display for Heard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(data) => write!(f, "text {}", shortened(data)),
            Self::Binary(data) => write!(f, "binary {}", shortened(data)),
            Self::Ping(data) => write!(f, "ping {}", shortened(data)),
            Self::Pong(data) => write!(f, "pong {}", shortened(data)),
            Self::Close(None) => f.write_str("close without a code"),
            Self::Close(Some(code)) => write!(f, "close {code}"),
        }
    }
}

/// The beginning of some bytes, and how many there are.
pub(crate) fn shortened(data: &[u8]) -> String {
    const SHOWN: usize = 24;
    let start = data[..data.len().min(SHOWN)].escape_ascii();
    match data.len() {
        ..=SHOWN => format!("\"{start}\""),
        len => format!("\"{start}\"… ({len} bytes)"),
    }
}

/// Reads frames of a server.
#[derive(Default)]
pub(crate) struct Reader {
    inflate: Option<Inflater>,
    message: Option<Message>,
}

struct Message {
    text: bool,
    compressed: bool,
    data: Vec<u8>,
}

impl Reader {
    /// With permessage-deflate: whether the server's messages may refer to earlier ones.
    pub(crate) fn inflating(context_takeover: bool) -> Self {
        Self {
            inflate: Some(Inflater::new(context_takeover)),
            message: None,
        }
    }

    /// The next message or control frame; `None` while it is not whole.
    ///
    /// # Errors
    ///
    /// What no server may send.
    pub(crate) fn next(&mut self, input: &mut Vec<u8>) -> Result<Option<Heard>, String> {
        while let Some((first, len, start)) = header(input)? {
            let Some(payload) = input.get(start..).and_then(|rest| rest.get(..len)) else {
                break;
            };
            let payload = payload.to_vec();
            input.drain(..start + len);
            if let Some(heard) = self.frame(first, payload)? {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    fn frame(&mut self, first: u8, payload: Vec<u8>) -> Result<Option<Heard>, String> {
        let (fin, opcode, compressed) = (first & 0x80 != 0, first & 0x0F, first & 0x40 != 0);
        if compressed && (self.inflate.is_none() || !matches!(opcode, TEXT | BINARY)) {
            return Err("the server set RSV1".to_owned());
        }
        let control = opcode >= CLOSE;
        if control && (!fin || payload.len() > 125) {
            return Err("the server broke a rule of control frames".to_owned());
        }
        match opcode {
            PING => return Ok(Some(Heard::Ping(payload))),
            PONG => return Ok(Some(Heard::Pong(payload))),
            CLOSE => return close(&payload).map(Some),
            TEXT | BINARY if self.message.is_none() => {
                self.message = Some(Message {
                    text: opcode == TEXT,
                    compressed,
                    data: payload,
                });
            }
            CONTINUATION => {
                let message = self.message.as_mut();
                let message = message.ok_or("the server continued nothing")?;
                message.data.extend_from_slice(&payload);
            }
            _ => return Err(format!("the server sent opcode {opcode}")),
        }
        match self.message.take_if(|_| fin) {
            Some(message) => self.whole(message).map(Some),
            None => Ok(None),
        }
    }

    fn whole(&mut self, message: Message) -> Result<Heard, String> {
        let data = match (message.compressed, &mut self.inflate) {
            (true, Some(inflate)) => inflate.message(message.data)?,
            _ => message.data,
        };
        Ok(match message.text {
            true => Heard::Text(data),
            false => Heard::Binary(data),
        })
    }
}

/// A frame's first byte, the length of its payload, and where that begins.
fn header(input: &[u8]) -> Result<Option<(u8, usize, usize)>, String> {
    let [first, second, rest @ ..] = input else {
        return Ok(None);
    };
    if first & 0x30 != 0 {
        return Err("the server set reserved bits".to_owned());
    }
    if second & 0x80 != 0 {
        return Err("the server masked a frame".to_owned());
    }
    let wide = match second {
        126 => rest
            .first_chunk()
            .map(|len| u64::from(u16::from_be_bytes(*len))),
        127 => rest.first_chunk().map(|len| u64::from_be_bytes(*len)),
        short => return Ok(Some((*first, usize::from(*short), 2))),
    };
    let Some(len) = wide else { return Ok(None) };
    let (start, least) = match second {
        126 => (4, 126),
        _ => (10, 1 << 16),
    };
    match usize::try_from(len) {
        Ok(small) if len >= least && len < 1 << 32 => Ok(Some((*first, small, start))),
        _ => Err(format!(
            "the server wrote a length of {len} in {} bytes",
            start - 2
        )),
    }
}

fn close(payload: &[u8]) -> Result<Heard, String> {
    match payload {
        [] => Ok(Heard::Close(None)),
        [high, low, reason @ ..] if str::from_utf8(reason).is_ok() => {
            Ok(Heard::Close(Some(u16::from_be_bytes([*high, *low]))))
        }
        _ => Err("the server's Close frame is malformed".to_owned()),
    }
}

/// What a server's compressed messages say (RFC 7692 section 7.2.2).
struct Inflater {
    inner: Inflate,
    context_takeover: bool,
}

impl Inflater {
    fn new(context_takeover: bool) -> Self {
        Self {
            inner: Inflate::new(false, 15),
            context_takeover,
        }
    }

    fn message(&mut self, mut data: Vec<u8>) -> Result<Vec<u8>, String> {
        data.extend_from_slice(&[0, 0, 0xFF, 0xFF]);
        let mut out = Vec::new();
        let mut rest = &data[..];
        loop {
            let (taken, made) = (self.inner.total_in(), out.len());
            let given = self.inner.total_out();
            out.resize(made + STEP, 0);
            let done = self
                .inner
                .decompress(rest, &mut out[made..], InflateFlush::SyncFlush);
            let status =
                done.map_err(|error| format!("the server's message: {}", error.as_str()))?;
            let len = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(STEP);
            rest = &rest[len(self.inner.total_in(), taken)..];
            out.truncate(made + len(self.inner.total_out(), given));
            let full = out.len() == made + STEP;
            if status == Status::StreamEnd {
                // A last block may be followed by more (section 7.2.3.4).
                self.inner.reset(false);
            } else if rest.is_empty() && !full {
                break;
            }
        }
        if !self.context_takeover {
            self.inner.reset(false);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, Heard, Reader};

    fn heard(bytes: &[u8]) -> Result<Vec<String>, String> {
        let (mut reader, mut input) = (Reader::inflating(false), Vec::new());
        let mut all = Vec::new();
        for byte in bytes {
            input.push(*byte);
            while let Some(heard) = reader.next(&mut input)? {
                all.push(heard.to_string());
            }
        }
        assert!(input.is_empty(), "{input:?}");
        Ok(all)
    }

    #[test]
    fn frames_become_messages() {
        let bytes = b"\x01\x01a\x8a\x01p\x80\x01b\x82\x00\x88\x02\x03\xea";
        let all = ["pong \"p\"", "text \"ab\"", "binary \"\"", "close 1002"];
        assert_eq!(heard(bytes).unwrap(), all);
        // RFC 7692 section 7.2.3.2.
        let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00".repeat(2);
        assert_eq!(heard(&hello).unwrap(), ["text \"Hello\"", "text \"Hello\""]);
        assert!(Heard::Close(None) != Heard::Close(Some(1000)));
    }

    #[test]
    fn what_no_server_may_send_is_told() {
        for bytes in [
            &b"\x81\x80\0\0\0\0"[..],
            b"\x91\0",
            b"\x80\0",
            b"\x01\0\x81\0",
            b"\x09\0",
            b"\x88\x01\0",
            b"\x83\0",
            b"\x82\x7e\0\x01a",
            b"\xc9\0",
            b"\xc1\x01\xff",
        ] {
            assert!(heard(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn heads_are_read() {
        let mut input = b"HTTP/1.1 426 No\r\nA: b\r\nX:1\r\nx: 2\r\n\r\nbody".to_vec();
        let head = Head::take(&mut input).unwrap().unwrap();
        assert_eq!((head.status, head.one("a")), (426, Some("b")));
        assert_eq!((head.one("x"), head.all("x").count()), (None, 2));
        assert_eq!(input, b"body");
        assert_eq!(Head::take(&mut input), Ok(None));
        assert!(Head::take(&mut b"SSH-2.0\r\n\r\n".to_vec()).is_err());
    }
}
