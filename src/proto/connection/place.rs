//! Receiving in two steps, for a driver that has to put away what it drives before it lends an event: where the event
//! lies, and the event.
//!
//! Not here: receiving itself. [`Receiver::next`](super::Receiver::next) takes both steps at once.

use super::event::Event;
use super::found::Found;
use super::receive::{Receiver, Search};
use super::send::Sender;
use super::sink::{Inbound, Outbound, Sink};
use crate::proto::Violation;
use crate::proto::frame::Whole;

/// Where an event lies, counted from the front of the input it was found in. It is good until the receiver is asked
/// again.
#[derive(Debug)]
pub(crate) struct Place(Kind);

#[derive(Debug)]
enum Kind {
    Nowhere,
    /// A frame that is a message, still masked.
    Whole(Whole),
    Found(Found),
}

impl Place {
    pub(crate) const NOWHERE: Self = Self(Kind::Nowhere);

    #[cfg(test)]
    pub(super) const fn of(found: Found) -> Self {
        Self(Kind::Found(found))
    }

    /// Whether it is lent from the [`Inbound`], which then has to be kept as it is.
    pub(crate) const fn is_inflated(&self) -> bool {
        matches!(
            self.0,
            Kind::Found(Found::Inflated(_) | Found::InflatedPart(..))
        )
    }
}

impl Receiver {
    /// The first step of [`next`](Self::next): whether there is an event, which `place` then is the place of. With it comes
    /// the number of bytes that are done with: once the event was lent, if there is one. Without one, the last number
    /// says how many more bytes would help.
    #[inline]
    pub(crate) fn find<S: Sink>(
        &mut self,
        place: &mut Place,
        input: &mut [u8],
        inbound: &mut Inbound,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<(bool, usize, usize), Violation> {
        let whole = self.at_first_sight(input, tx);
        if let Some(whole) = whole.or_else(|| self.at_second_sight(input, tx)) {
            let end = whole.end();
            *place = Place(Kind::Whole(whole));
            return Ok((true, end, 0));
        }
        Ok(match self.search(input, inbound, tx, out)? {
            Search::Nothing { consumed, need } => (false, consumed, need),
            Search::Found(consumed, found) => {
                *place = Place(Kind::Found(found));
                (true, consumed, 0)
            }
        })
    }

    /// The second step: the event. Only what [is inflated](Place::is_inflated) needs where it was inflated to. `None` where
    /// it should be text and is not; the caller then has to [`break_off`](Sender::break_off), and not to ask again.
    #[inline]
    pub(crate) fn lend<'a>(
        &'a self,
        place: &Place,
        input: &'a mut [u8],
        inbound: Option<&'a Inbound>,
    ) -> Option<Event<'a>> {
        match &place.0 {
            Kind::Nowhere => None,
            Kind::Whole(whole) => whole.open(input),
            Kind::Found(found) => {
                let inflated = inbound.map_or(&[][..], |inbound| inbound.deflate.bytes());
                found
                    .clone()
                    .lend(input, self.message.bytes(), inflated)
                    .ok()
            }
        }
    }
}

impl Sender {
    /// Says what is wrong with what [`Receiver::lend`] could not lend.
    pub(crate) fn break_off<S: Sink>(&mut self, out: &mut Outbound<'_, S>) -> Violation {
        self.on_violation(Violation::InvalidUtf8, out);
        Violation::InvalidUtf8
    }
}
