//! RFC 6455 and RFC 7692 read aloud: a decoder and an assembler of one byte at a time, slow, and in other words than the
//! crate's, so that a mistake has to be made twice.
//!
//! | file | what |
//! |---|---|
//! | `frame` | a header field by field, masks, close codes; and a frame written |
//! | `text` | UTF-8, from the table of RFC 3629 |
//! | `inflate` | DEFLATE, by another's library |
//! | `receiver` | a connection: what is heard, what is answered, what is wrong, and at which byte |
//! | `compressed` | its compressed messages |
//!
//! The fuzzers compare with it, and so does `tests/differential`.
//!
//! Not here: pieces, buffers, speed; heads of the opening handshake (`fuzz/src/http.rs`).
#![allow(dead_code, reason = "each who compares uses what it needs")]

mod compressed;
pub(crate) mod frame;
pub(crate) mod inflate;
mod receiver;
pub(crate) mod text;

#[cfg(feature = "deflate")]
pub(crate) use receiver::Compression;
pub(crate) use receiver::{Receiver, Setup};

use sockeye::proto::{Delivery, MessageKind, Violation};

/// Something said by either side.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, Vec<u8>),
    /// A frame, or what there is of it, where messages are not delivered whole.
    Part(Part),
}

/// A frame that is delivered as such, in one part or in several.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) kind: MessageKind,
    pub(crate) data: Vec<u8>,
    /// Payload bytes as they were sent.
    pub(crate) len: u64,
    pub(crate) starts_message: bool,
    pub(crate) ends_frame: bool,
    pub(crate) ends_message: bool,
}

impl Said {
    pub(crate) fn message(kind: MessageKind, payload: Vec<u8>) -> Self {
        match kind {
            MessageKind::Text => Self::Text(payload),
            MessageKind::Binary => Self::Binary(payload),
        }
    }
}

/// What a connection came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What the peer said, and when.
    pub(crate) heard: Vec<(usize, Said)>,
    pub(crate) error: Option<(usize, Violation)>,
}

impl Outcome {
    /// Whether our reading differs from this one by no more than two inflaters may. Which byte of a corrupt message shows
    /// that it is corrupt depends on how early a library looks at the codes of a block; until then something else may go
    /// wrong, or nothing arrive. It is then enough that the same was heard before that message, and of the message itself
    /// nothing else: so it has not ended for either of them. What is delivered whole is inflated at its end: then ours may
    /// only see it where this one finds another fault.
    pub(crate) fn differs_in_corruption_alone(&self, ours: &Self, delivery: Delivery) -> bool {
        let is_corrupt = |outcome: &Self| {
            let fault = outcome.error.map(|(_, violation)| violation);
            fault == Some(Violation::InvalidDeflate)
        };
        let when = |outcome: &Self| outcome.error.map(|(when, _)| when);
        let may_differ = match delivery {
            Delivery::Messages => is_corrupt(ours) && when(self) == when(ours),
            Delivery::Frames | Delivery::Chunks => is_corrupt(self) || is_corrupt(ours),
        };
        let (before, said) = self.unfinished();
        let (others_before, others_said) = ours.unfinished();
        may_differ
            && before == others_before
            && (said.starts_with(&others_said) || others_said.starts_with(&said))
    }

    /// What was heard before the message that has not ended, and what that message has said so far.
    fn unfinished(&self) -> (&[(usize, Said)], Vec<u8>) {
        let ends = |(_, said): &(usize, Said)| match said {
            Said::Part(part) => part.ends_message,
            Said::Ping(_) | Said::Pong(_) => false,
            Said::Text(_) | Said::Binary(_) | Said::Close(..) => true,
        };
        let ended = self.heard.iter().rposition(ends).map_or(0, |at| at + 1);
        let parts = |(_, said): &(usize, Said)| matches!(said, Said::Part(_));
        let begun = self.heard[ended..].iter().position(parts);
        let begun = begun.map_or(self.heard.len(), |at| ended + at);
        let mut said = Vec::new();
        for (_, heard) in &self.heard[begun..] {
            if let Said::Part(part) = heard {
                said.extend_from_slice(&part.data);
            }
        }
        (&self.heard[..begun], said)
    }
}

/// What is said can be too long to read.
impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, data) = match self {
            Self::Text(data) => ("Text".into(), data),
            Self::Binary(data) => ("Binary".into(), data),
            Self::Ping(data) => ("Ping".into(), data),
            Self::Pong(data) => ("Pong".into(), data),
            Self::Close(code, reason) => (format!("Close {code:?}"), reason),
            Self::Part(part) => {
                let ends = (part.starts_message, part.ends_frame, part.ends_message);
                let name = format!("Part of {:?} {}, {ends:?}", part.kind, part.len);
                (name, &part.data)
            }
        };
        let end = &data[data.len().saturating_sub(24)..];
        write!(f, "{name}: {} bytes, the last {end:02x?}", data.len())
    }
}
