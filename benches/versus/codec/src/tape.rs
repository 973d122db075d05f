//! What all decode: frames of one size as a client sends them, and a stream that plays them again and again.

use bytes::BytesMut;
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one read brings at most, as from a socket.
pub(crate) const READ: usize = 64 << 10;

/// What the messages hold.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Payload {
    Binary,
    Ascii,
    Mixed,
}

impl Payload {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Ascii => "text, ASCII",
            Self::Mixed => "text, mixed",
        }
    }

    /// So many bytes of it; text is cut at characters and filled up with spaces.
    pub(crate) fn of(self, len: usize) -> Vec<u8> {
        let words = match self {
            Self::Binary | Self::Ascii => "The salmon returns in the year of the long rain. ",
            Self::Mixed => "Der Lachs kömmt zurück, λοσος, 紅鮭 🐟: ",
        };
        let mut text = words.repeat(len / words.len() + 1);
        while text.len() > len {
            text.pop();
        }
        let mut bytes = text.into_bytes();
        bytes.resize(len, b' ');
        bytes
    }
}

/// Frames one behind the other, each with a key of its own.
pub(crate) fn frames(kind: Payload, len: usize, count: usize) -> Vec<u8> {
    let payload = kind.of(len);
    let mut bytes = Vec::with_capacity(count * (len + 14));
    let mut random = 0x2545_f491_u32;
    for _ in 0..count {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let key = random.to_be_bytes();
        bytes.push(if kind == Payload::Binary { 0x82 } else { 0x81 });
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len @ 0..126), _) => bytes.push(0x80 | len),
            (_, Ok(len)) => {
                bytes.push(0x80 | 126);
                bytes.extend(len.to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        bytes.extend(key);
        bytes.extend(
            payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
    }
    bytes
}

/// A stream of prebuilt bytes; all handles of it are at the same place.
#[derive(Clone)]
pub(crate) struct Tape {
    bytes: Rc<[u8]>,
    at: Rc<Cell<usize>>,
}

impl Tape {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.into(),
            at: Rc::default(),
        }
    }

    pub(crate) fn rewind(&self) {
        self.at.set(0);
    }

    /// A read into a buffer that grows.
    pub(crate) fn append_to(&self, buffer: &mut BytesMut) {
        buffer.reserve(READ);
        buffer.extend_from_slice(self.piece(READ));
    }

    /// What a read into so much room brings.
    fn piece(&self, room: usize) -> &[u8] {
        let at = self.at.get();
        let end = self.bytes.len().min(at + room.min(READ));
        self.at.set(end);
        &self.bytes[at..end]
    }
}

impl Read for Tape {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let piece = self.piece(into.len());
        if piece.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        into[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Tape {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Tape {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = self.piece(into.remaining());
        if piece.is_empty() {
            return Poll::Pending;
        }
        into.put_slice(piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tape {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(from.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
