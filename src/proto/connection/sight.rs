//! The first look at a frame: most are a whole message, there entirely, and need no other.
//!
//! What is seen here is right; what is not seen says nothing, and is looked at by `receive`.
//!
//! Not here: the headers themselves, which are `frame::header`.

use super::closing::State;
use super::event::{Event, Step};
use super::found::message;
use super::receive::{Receiver, Standing};
use super::send::Sender;
use super::sink::{Outbound, Sink};
use crate::proto::frame::{Header, MessageKind, Role, Whole, mask};
use crate::proto::{Violation, text};

impl Receiver {
    /// A message in one frame that is there entirely and was not looked at before, while nothing else is going on. `None`
    /// says nothing: whatever else it is, and what is wrong with it, is found by looking closer.
    #[inline(always)]
    pub(super) fn at_first_sight(&self, input: &[u8], tx: &Sender) -> Option<Whole> {
        if self.standing != Standing::Calm || tx.state() != State::Open {
            return None;
        }
        Whole::at_first_sight(input, tx.role(), self.most())
    }

    /// The same of a long one, whose text is then judged while it is unmasked, and not once more when it is lent.
    pub(super) fn at_second_sight(&self, input: &[u8], tx: &Sender) -> Option<Whole> {
        if self.standing != Standing::Calm || tx.state() != State::Open {
            return None;
        }
        Whole::at_second_sight(input, tx.role(), self.most())
    }

    /// Whether [`Whole::at_first_sight`] may be asked, as long as the connection is open and nobody looks closer.
    #[cfg(any(feature = "reactor", test))]
    #[inline(always)]
    pub(crate) const fn is_at_ease(&self) -> bool {
        matches!(self.standing, Standing::Calm)
    }

    /// The longest frame that is a whole message.
    #[inline(always)]
    pub(crate) fn most(&self) -> u64 {
        let limits = &self.config.limits;
        limits.max_frame.min(limits.max_message)
    }

    /// What was found at first sight has turned out to be no text: to be looked at closer, and is unmasked already as far as
    /// that matters.
    #[cfg(any(feature = "reactor", test))]
    #[cold]
    pub(crate) const fn look_again(&mut self, whole: &Whole) {
        self.standing = Standing::Busy;
        self.progress = whole.len as u64;
    }

    /// What lies there, as an event.
    #[inline(always)]
    pub(super) fn open<'a, S: Sink>(
        &mut self,
        whole: &Whole,
        input: &'a mut [u8],
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Step<'a>, Violation> {
        match whole.open(input) {
            Some(event) => Ok(Step::with(whole.end(), event)),
            None => Err(self.fail(Violation::InvalidUtf8, tx, out)),
        }
    }
}

impl Whole {
    /// The frame at the front of `input`, where it is a message of at most so many bytes and there entirely. `None` says
    /// nothing.
    #[inline(always)]
    pub(crate) fn at_first_sight(input: &[u8], role: Role, most: u64) -> Option<Self> {
        Header::at_first_sight(input, role)?.if_there(input, most)
    }

    /// The same of a frame whose length takes eight bytes.
    pub(super) fn at_second_sight(input: &[u8], role: Role, most: u64) -> Option<Self> {
        Header::at_second_sight(input, role)?.if_there(input, most)
    }

    #[inline(always)]
    fn if_there(self, input: &[u8], most: u64) -> Option<Self> {
        (self.end() <= input.len() && self.len as u64 <= most).then_some(self)
    }

    /// Where the frame ends.
    #[inline(always)]
    pub(crate) const fn end(&self) -> usize {
        self.start.saturating_add(self.len)
    }

    /// The event, lent from the frame, which is unmasked for that; `None` where it should be text and is not: then it is
    /// unmasked at least up to where it is none.
    #[inline(always)]
    pub(crate) fn open<'a>(&self, frame: &'a mut [u8]) -> Option<Event<'a>> {
        let payload = frame.get_mut(self.start..self.end())?;
        #[expect(clippy::cast_possible_truncation, reason = "a key has 32 bits")]
        let key = (self.key as u32).to_ne_bytes();
        // Zeroes mask nothing.
        if key == [0; 4] {
            return message(self.kind, payload).ok();
        }
        match self.kind {
            MessageKind::Binary => {
                mask::apply(key, 0, payload);
                Some(Event::Binary(payload))
            }
            MessageKind::Text => text::unmasked(key, payload).map(Event::Text),
        }
    }
}
