//! What was said to many, encoded once and stored once: [`Segment`], and a connection's share of one, [`Run`].
//!
//! Each message is encoded as it is, and once more for each window that somebody who is told has agreed to, when the first
//! of them is told. Nothing is stored for each of those who are told.
//!
//! Not here: who is told; that is `room`.

use crate::proto::deflate::{CLASSES, Compressor, Direction, WindowBits, class_of, window_of};
use crate::proto::frame::{Header, MessageKind};
use crate::proto::{Sender, Sink};
use crate::reactor::budget::Charge;
use crate::reactor::{ConnectionId, Message};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use std::sync::{Mutex, OnceLock, PoisonError};

/// How a connection's messages are encoded: as they are, or compressed with one of the windows there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::reactor) struct Class(u8);

/// Messages that were said one after the other. Who shares it, shares it for good: it does not change any more.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Segment {
    plain: Encoded,
    compressed: OnceLock<Box<[OnceLock<Encoded>; CLASSES]>>,
    particular: Option<Box<Particular>>,
}

/// How a message is told.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::reactor) struct Manner {
    /// It is never compressed.
    pub(in crate::reactor) secret: bool,
    /// On this node alone.
    pub(in crate::reactor) here: bool,
    /// Not to this one.
    pub(in crate::reactor) except: Option<ConnectionId>,
}

/// What is particular about some of its messages; about most there is nothing.
#[derive(Debug, Default)]
struct Particular {
    /// Which messages are never compressed, in order.
    secret: Vec<u32>,
    /// Which of them are for this node alone, in order.
    here: Vec<u32>,
    /// Who is not told which of them, in order.
    except: Vec<(u32, ConnectionId)>,
}

/// Frames, one behind the other.
#[derive(Debug, Default)]
struct Encoded {
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// One for each loop on which it has had to wait for somebody to read. Locked only then.
    charges: Mutex<Vec<Charge>>,
}

/// Messages of a segment that one connection is to be told, as far as it has not been.
#[derive(Clone, Debug)]
pub(in crate::reactor) struct Run {
    segment: Arc<Segment>,
    /// The room's, or 0: it was said to nobody else.
    room: u64,
    /// From this byte on.
    at: usize,
    /// The message in which that is.
    next: u32,
    /// The message before which it ends.
    until: u32,
    class: Class,
    /// Nobody will ask for parts of it while it waits.
    loose: bool,
}

impl Class {
    /// That of a connection.
    pub(in crate::reactor) fn of(tx: &Sender) -> Self {
        let window = tx
            .deflate()
            .and_then(|ours| WindowBits::new(ours.window_bits()));
        // There are three.
        window.map_or(Self(0), |window| {
            Self(u8::try_from(1 + class_of(window)).unwrap_or_default())
        })
    }

    /// Which of the windows, if it is compressed.
    fn window(self) -> Option<usize> {
        usize::from(self.0).checked_sub(1)
    }
}

impl Encoded {
    const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            charges: Mutex::new(Vec::new()),
        }
    }

    /// Bytes that it holds.
    const fn holds(&self) -> usize {
        size_of::<Segment>() + self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Where a message begins.
    fn begin(&self, index: u32) -> usize {
        let before = (index as usize).checked_sub(1);
        before.map_or(0, |before| self.ends[before])
    }

    fn frames(&self, range: Range<u32>) -> &[u8] {
        &self.bytes[self.begin(range.start)..self.begin(range.end)]
    }

    fn frame(&mut self, header: Header, payload: &[u8]) {
        self.bytes.frame(header.encode().as_slice(), payload);
        self.ends.push(self.bytes.len());
    }

    /// The message that this byte belongs to.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a segment is sealed long before it has 2^32 messages"
    )]
    fn message_at(&self, byte: usize) -> u32 {
        self.ends.partition_point(|end| *end <= byte) as u32
    }

    /// Compresses what is in `plain` and not yet here.
    fn catch_up(&mut self, plain: &Self, secret: &[u32], window: usize, with: &mut Compressor) {
        let Some(window) = window_of(window) else {
            return;
        };
        // Without a context: it is for everybody.
        let direction = Direction::new(window.get(), false);
        for index in self.len()..plain.len() {
            let frame = plain.frames(index..index + 1);
            let (kind, payload) = taken_apart(frame);
            let smaller = match secret.binary_search(&index) {
                Ok(_) => None,
                Err(_) => with.message(direction, &mut None, payload),
            };
            if let Some(smaller) = smaller {
                self.frame(
                    Header::compressed(kind.opcode(), smaller.len() as u64),
                    smaller,
                );
            } else {
                self.bytes.extend_from_slice(frame);
                self.ends.push(self.bytes.len());
            }
        }
        with.release();
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a segment is sealed long before it has 2^32 messages"
    )]
    const fn len(&self) -> u32 {
        self.ends.len() as u32
    }
}

/// An unmasked frame of ours: what it is, and its payload.
fn taken_apart(frame: &[u8]) -> (MessageKind, &[u8]) {
    let kind = match frame[0] & 0x0F {
        1 => MessageKind::Text,
        _ => MessageKind::Binary,
    };
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (kind, &frame[head..])
}

impl Segment {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            plain: Encoded::new(),
            compressed: OnceLock::new(),
            particular: None,
        }
    }

    /// Adds a message.
    pub(super) fn push(&mut self, message: Message<'_>, manner: Manner) {
        let kind = match message {
            Message::Text(_) => MessageKind::Text,
            Message::Binary(_) => MessageKind::Binary,
        };
        let payload = message.bytes();
        let index = self.len();
        self.plain
            .frame(Header::new(kind.opcode(), payload.len() as u64), payload);
        if manner.secret {
            self.particular.get_or_insert_default().secret.push(index);
        }
        if manner.here {
            self.particular.get_or_insert_default().here.push(index);
        }
        if let Some(id) = manner.except {
            let particular = self.particular.get_or_insert_default();
            particular.except.push((index, id));
        }
    }

    /// One message.
    pub(in crate::reactor) fn of(message: Message<'_>, manner: Manner) -> Self {
        let mut segment = Self::default();
        segment.push(message, manner);
        segment
    }

    /// Frames that are made already, and end there. They are for this node alone.
    #[cfg(feature = "backplane")]
    pub(super) fn made(bytes: Vec<u8>, ends: Vec<usize>, secret: Vec<u32>) -> Self {
        let particular = Some(secret).filter(|secret| !secret.is_empty());
        Self {
            plain: Encoded {
                bytes,
                ends,
                charges: Mutex::default(),
            },
            compressed: OnceLock::new(),
            particular: particular.map(|secret| {
                Box::new(Particular {
                    secret,
                    ..Particular::default()
                })
            }),
        }
    }

    /// Some of its messages, as they are.
    #[cfg(feature = "backplane")]
    pub(super) fn frames(&self, range: Range<u32>) -> &[u8] {
        self.plain.frames(range)
    }

    /// Which of its messages are for this node alone.
    #[cfg(feature = "backplane")]
    pub(super) fn here(&self) -> &[u32] {
        let particular = self.particular.as_ref();
        particular.map_or(&[], |particular| &particular.here)
    }

    /// Messages in it.
    pub(super) const fn len(&self) -> u32 {
        self.plain.len()
    }

    /// Bytes of them, as they are.
    pub(in crate::reactor) const fn bytes(&self) -> usize {
        self.plain.bytes.len()
    }

    /// Who is not told which of them.
    pub(super) fn except(&self) -> &[(u32, ConnectionId)] {
        let particular = self.particular.as_ref();
        particular.map_or(&[], |particular| &particular.except)
    }

    pub(super) fn secret(&self) -> &[u32] {
        let particular = self.particular.as_ref();
        particular.map_or(&[], |particular| &particular.secret)
    }

    pub(in crate::reactor) fn payload(&self, index: u32) -> &[u8] {
        taken_apart(self.plain.frames(index..index + 1)).1
    }

    /// Frames for a class, while messages are still added.
    pub(super) fn growing(
        &mut self,
        class: Class,
        range: Range<u32>,
        with: &mut Compressor,
    ) -> &[u8] {
        let Some(window) = class.window() else {
            return self.plain.frames(range);
        };
        let all = self.compressed.take().unwrap_or_default();
        let mut all = *all;
        let mut encoded = all[window].take().unwrap_or_default();
        encoded.catch_up(&self.plain, self.secret(), window, with);
        all[window] = encoded.into();
        let all = self.compressed.get_or_init(|| Box::new(all));
        all[window]
            .get()
            .map_or(&[], |encoded| encoded.frames(range))
    }

    /// No more is added. What was compressed too early to have all of it is forgotten.
    pub(super) fn seal(&mut self) {
        let len = self.len();
        for place in self
            .compressed
            .get_mut()
            .into_iter()
            .flat_map(|all| all.iter_mut())
        {
            if place.get().is_some_and(|encoded| encoded.len() < len) {
                place.take();
            }
        }
    }

    /// Sees to it that it is encoded for a class.
    fn encode(&self, class: Class, with: &mut Compressor) {
        if let Some(window) = class.window() {
            let all = self.compressed.get_or_init(Box::default);
            all[window].get_or_init(|| {
                let mut encoded = Encoded::default();
                encoded.catch_up(&self.plain, self.secret(), window, with);
                encoded
            });
        }
    }

    /// What [`encode`](Self::encode) has seen to.
    fn encoded(&self, class: Class) -> &Encoded {
        let window = class.window();
        let all = self.compressed.get();
        let compressed = all.zip(window).and_then(|(all, window)| all[window].get());
        compressed.unwrap_or(&self.plain)
    }

    /// To be filled again; what it held, it can hold again without a new allocation.
    pub(super) fn clear(&mut self) {
        self.plain.bytes.clear();
        self.plain.ends.clear();
        self.particular = None;
        self.plain.charges = Mutex::default();
        self.compressed.take();
    }

    /// Bytes that it could hold.
    pub(super) const fn capacity(&self) -> usize {
        self.plain.bytes.capacity()
    }
}

impl Run {
    pub(super) fn new(
        segment: &Arc<Segment>,
        range: Range<u32>,
        (room, loose): (u64, bool),
        class: Class,
        with: &mut Compressor,
    ) -> Self {
        segment.encode(class, with);
        Self {
            segment: Arc::clone(segment),
            room,
            at: segment.encoded(class).begin(range.start),
            next: range.start,
            until: range.end,
            class,
            loose,
        }
    }

    /// Has the segment counted among what is held.
    pub(in crate::reactor) fn charge(&self, counter: &Arc<AtomicUsize>) {
        for encoded in [&self.segment.plain, self.segment.encoded(self.class)] {
            let mut charges = encoded
                .charges
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !charges.iter().any(|charge| charge.is_to(counter)) {
                charges.push(Charge::new(counter, encoded.holds()));
            }
        }
    }

    /// Whether nobody will ask for parts of it while it waits: it may be copied.
    pub(in crate::reactor) const fn is_loose(&self) -> bool {
        self.loose
    }

    /// What is left of it.
    pub(in crate::reactor) fn bytes(&self) -> &[u8] {
        let encoded = self.segment.encoded(self.class);
        &encoded.bytes[self.at..encoded.begin(self.until)]
    }

    /// So many bytes have gone.
    pub(in crate::reactor) fn skip(&mut self, bytes: usize) {
        if bytes > 0 {
            self.at += bytes;
            self.next = self.segment.encoded(self.class).message_at(self.at);
        }
    }

    /// Which room's it is, or 0.
    pub(in crate::reactor) const fn room(&self) -> u64 {
        self.room
    }

    /// Whether it was said in a room.
    pub(in crate::reactor) const fn is_of_room(&self) -> bool {
        self.room != 0
    }

    /// The messages in it of which nothing has gone.
    pub(in crate::reactor) fn whole(&self) -> Range<u32> {
        self.next + u32::from(self.is_begun())..self.until
    }

    /// Whether a part of a message has gone.
    pub(in crate::reactor) fn is_begun(&self) -> bool {
        self.at > self.segment.encoded(self.class).begin(self.next)
    }

    /// Bytes of the message that is next.
    pub(in crate::reactor) fn first(&self) -> usize {
        let encoded = self.segment.encoded(self.class);
        encoded.begin(self.until.min(self.next + 1)) - self.at
    }

    /// Bytes of one of its messages.
    pub(in crate::reactor) fn len_of(&self, index: u32) -> usize {
        let encoded = self.segment.encoded(self.class);
        encoded.begin(index + 1) - encoded.begin(index)
    }

    /// A message's payload as its author gave it.
    pub(in crate::reactor) fn payload(&self, index: u32) -> &[u8] {
        self.segment.payload(index)
    }

    /// Some of its whole messages, by themselves.
    pub(in crate::reactor) fn part(&self, range: Range<u32>) -> Self {
        let encoded = self.segment.encoded(self.class);
        let at = match range.start == self.next {
            true => self.at,
            false => encoded.begin(range.start),
        };
        Self {
            at,
            next: range.start,
            until: range.end,
            ..self.clone()
        }
    }

    /// All of its messages, the one that has begun included.
    pub(in crate::reactor) const fn range(&self) -> Range<u32> {
        self.next..self.until
    }
}
