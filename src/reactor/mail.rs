//! What handlers said to others during a turn, encoded once for all who have agreed to the same compression, to be
//! delivered at the turn's end.
//!
//! Not here: delivery, which needs the sessions; that is `deliver`.

use super::message::Message;
use crate::proto::deflate::{CLASSES, Compressor, Direction, WindowBits, class_of, window_of};
use crate::proto::frame::{Header, MessageKind};
use crate::proto::{Role, Sender, Sink};
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
pub(super) type Counts = Arc<PerClass<AtomicUsize>>;

/// One loop's part in that, which goes with the loop.
#[derive(Debug, Default)]
pub(super) struct Audience {
    all: Counts,
    here: PerClass<usize>,
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
    /// A connection is open: broadcasts are encoded for it too, unless we are its client.
    pub(super) fn enter(&mut self, tx: &Sender) {
        if tx.role() == Role::Client {
            return;
        }
        let class = Class::of(tx).0;
        self.here[class] += 1;
        self.all[class].fetch_add(1, Ordering::Relaxed);
    }

    /// It is no longer.
    pub(super) fn leave(&mut self, tx: &Sender) {
        if tx.role() == Role::Client {
            return;
        }
        let class = Class::of(tx).0;
        self.here[class] -= 1;
        self.all[class].fetch_sub(1, Ordering::Relaxed);
    }

    fn has(&self, class: Class) -> bool {
        self.all[class.0].load(Ordering::Relaxed) > 0
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        for (all, here) in self.all.iter().zip(self.here) {
            all.fetch_sub(here, Ordering::Relaxed);
        }
    }
}

impl Mail {
    pub(super) const fn audience(&mut self) -> &mut Audience {
        &mut self.audience
    }

    /// Counts with others from here on. Nobody is there yet.
    pub(super) fn join(&mut self, counts: &Counts) {
        self.audience.all = Arc::clone(counts);
    }

    /// Adds a message to what is said in this turn, compressed for whoever has agreed to that if there is a compressor.
    pub(super) fn publish(
        &mut self,
        message: Message<'_>,
        mut compressor: Option<&mut Compressor>,
    ) {
        let kind = match message {
            Message::Text(_) => MessageKind::Text,
            Message::Binary(_) => MessageKind::Binary,
        };
        let payload = message.bytes();
        let header = Header::new(kind.opcode(), payload.len() as u64);
        self.log_of(Class::PLAIN, header, payload);
        for (class, direction) in Class::compressed() {
            if !self.audience.has(class) {
                continue;
            }
            let compressed = compressor
                .as_deref_mut()
                .and_then(|compressor| compressor.message(direction, &mut None, payload));
            match compressed {
                Some(smaller) => {
                    let header = Header::compressed(kind.opcode(), smaller.len() as u64);
                    self.log_of(class, header, smaller);
                }
                None => self.log_of(class, header, payload),
            }
        }
        if let Some(compressor) = compressor {
            compressor.release();
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
    /// What a connection of this class and of this loop is told. Where there is nothing, the class was empty when it was
    /// said: who is in it now came later.
    pub(super) fn here(&self, class: Class) -> Option<&Arc<Vec<u8>>> {
        self.logs[class.0].as_ref()
    }

    /// The same for one of another loop. There the class may have been empty for the author alone, who had not heard of
    /// it yet; then it is told everything as it is.
    pub(super) fn elsewhere(&self, class: Class) -> Option<&Arc<Vec<u8>>> {
        self.here(class).or_else(|| self.here(Class::PLAIN))
    }

    /// Bytes of what was said.
    pub(super) fn len(&self) -> usize {
        self.here(Class::PLAIN).map_or(0, |log| log.len())
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
