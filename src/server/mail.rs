//! What handlers said to others during a turn, encoded once for all who have agreed to the same compression, to be
//! delivered at the turn's end.
//!
//! Not here: delivery, which needs the sessions; that is `deliver`.

use super::message::Message;
use crate::proto::deflate::{CLASSES, Compressor, Direction, WindowBits, class_of, window_of};
use crate::proto::frame::{Header, MessageKind};
use crate::proto::{Sender, Sink};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

/// When so much is waiting it is delivered before the turn ends.
const FULL: usize = 1 << 20;

/// How a connection's messages are encoded: as they are, or compressed with one of the windows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(usize);

/// Frames in each class's encoding.
type PerClass<T> = [T; 1 + CLASSES];

#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Frames for every open connection, one behind the other.
    logs: PerClass<Vec<u8>>,
    audience: Audience,
}

/// How many open connections there are of each class, among all loops of an exchange.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience {
    counts: Arc<PerClass<AtomicUsize>>,
}

/// What was said in a turn, to be shared by all who are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    logs: PerClass<Option<Arc<Vec<u8>>>>,
}

impl Class {
    const PLAIN: Self = Self(0);

    /// That of a connection.
    pub(super) fn of(tx: &Sender) -> Self {
        let window = tx
            .deflate()
            .and_then(|ours| WindowBits::new(ours.window_bits()));
        window.map_or(Self::PLAIN, |window| Self(1 + class_of(window)))
    }

    /// All but the plain one, with what their members have agreed to.
    fn compressed() -> impl Iterator<Item = (Self, Direction)> {
        (0..CLASSES).filter_map(|class| {
            let window = window_of(class)?;
            // Without a context: it is for everybody.
            Some((Self(1 + class), Direction::new(window.get(), false)))
        })
    }
}

impl Audience {
    /// A connection is open: broadcasts are encoded for it too.
    pub(super) fn enter(&self, tx: &Sender) {
        self.counts[Class::of(tx).0].fetch_add(1, Ordering::Relaxed);
    }

    /// It is no longer.
    pub(super) fn leave(&self, tx: &Sender) {
        self.counts[Class::of(tx).0].fetch_sub(1, Ordering::Relaxed);
    }

    fn has(&self, class: Class) -> bool {
        self.counts[class.0].load(Ordering::Relaxed) > 0
    }
}

impl Mail {
    pub(super) const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Counts with others from here on. Nobody is there yet.
    pub(super) fn join(&mut self, audience: &Audience) {
        self.audience = audience.clone();
    }

    pub(super) fn publish(&mut self, message: Message<'_>, compressor: &mut Compressor) {
        let (kind, payload) = match message {
            Message::Text(text) => (MessageKind::Text, text.as_bytes()),
            Message::Binary(data) => (MessageKind::Binary, data),
        };
        let header = Header::new(kind.opcode(), payload.len() as u64);
        self.log_of(Class::PLAIN, header, payload);
        for (class, direction) in Class::compressed() {
            if !self.audience.has(class) {
                continue;
            }
            match compressor.message(direction, &mut None, payload) {
                Some(smaller) => {
                    let header = Header {
                        rsv1: true,
                        ..Header::new(kind.opcode(), smaller.len() as u64)
                    };
                    self.log_of(class, header, smaller);
                }
                None => self.log_of(class, header, payload),
            }
        }
    }

    fn log_of(&mut self, class: Class, header: Header, payload: &[u8]) {
        self.logs[class.0].frame(header.encode().as_slice(), payload);
    }

    pub(super) fn log(&self, class: Class) -> &[u8] {
        &self.logs[class.0]
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.logs[Class::PLAIN.0].is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.logs[Class::PLAIN.0].len() >= FULL
    }

    /// Takes what is to be delivered.
    pub(super) fn take(&mut self) -> Published {
        let logs = core::mem::take(&mut self.logs);
        Published {
            logs: logs.map(|log| (!log.is_empty()).then(|| Arc::new(log))),
        }
    }
}

impl Published {
    /// What a connection of this class is told. Of another loop, which may not have known of the class yet, it is told
    /// everything as it is.
    pub(super) fn log(&self, class: Class) -> Option<&Arc<Vec<u8>>> {
        self.logs[class.0]
            .as_ref()
            .or(self.logs[Class::PLAIN.0].as_ref())
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.logs.iter().flatten().map(|log| log.len()).sum()
    }
}

#[cfg(test)]
impl Published {
    pub(super) fn plain(log: Vec<u8>) -> Self {
        let mut published = Self::default();
        published.logs[0] = Some(Arc::new(log));
        published
    }

    pub(super) fn everything(&self) -> &[u8] {
        self.logs[0].as_ref().map_or(&[], |log| log.as_slice())
    }

    pub(super) fn holders(&self) -> usize {
        self.logs[0].as_ref().map_or(0, Arc::strong_count)
    }
}
