//! The side of a connection that reads: [`Incoming`].
//!
//! Not here: the stream, which is the `line`'s.

use super::error::Error;
use super::io::Io;
use super::line::{Line, TURN};
use super::message::Goodbye;
use super::tools::{READ, Tools};
use crate::proto::{CloseReason, Event, Inbound, Place, Receiver, SendError, State};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;
use core::task::{Context, Poll, ready};

/// What was received and not yet taken.
pub(super) struct Incoming {
    rx: Receiver,
    input: Vec<u8>,
    /// Where in `input` the next frame begins.
    at: usize,
    /// Where the event is that is lent now, or is about to be.
    place: Place,
    /// Bytes behind that which the event takes that is lent now, or is about to be.
    lent: usize,
    /// How many more bytes would help.
    need: usize,
    /// What an inflated message is lent from; else it is the thread's.
    inbound: Option<Box<Inbound>>,
    /// The peer's Close frame.
    goodbye: Option<Goodbye>,
    /// What should have been lent last was no text. The line is to be broken off, by whoever has it next.
    is_no_text: bool,
}

/// What comes next.
pub(super) enum Next {
    /// An event, to be [lent](Incoming::lend).
    Event,
    /// The peer's goodbye. Both sides have ended.
    Goodbye,
    /// Nothing more comes.
    End,
}

impl Incoming {
    /// After a handshake that was followed by these bytes.
    pub(super) const fn new(rx: Receiver, input: Vec<u8>) -> Self {
        Self {
            rx,
            input,
            at: 0,
            place: Place::NOWHERE,
            lent: 0,
            need: 0,
            inbound: None,
            goodbye: None,
            is_no_text: false,
        }
    }

    /// Only where something is here it is worth to ask for the line without being ready to wait for it.
    pub(super) const fn has_more(&self) -> bool {
        self.at.saturating_add(self.lent) < self.input.len()
    }

    /// The next event, if it is here.
    #[inline]
    pub(super) fn next_now<T: Io>(&mut self, line: &mut Line<T>) -> bool {
        self.take_back();
        self.find(line)
    }

    /// Waits for the next event. What is queued is written before it waits.
    ///
    /// Nothing is lost when nobody waits any more: all that was received is here.
    pub(super) fn poll_next<T: Io>(
        &mut self,
        line: &mut Line<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Next, Error>> {
        self.take_back();
        if line.is_told() {
            return Poll::Ready(Ok(Next::End));
        }
        if self.is_no_text {
            line.break_off();
        }
        for _ in 0..TURN {
            if self.find(line) {
                return Poll::Ready(Ok(Next::Event));
            }
            if line.is_mute() && line.violation.is_none() {
                // What was said before goes, as far as that is possible now. There is no goodbye without a key.
                let _ = line.poll_flush(cx);
                line.set_told();
                return Poll::Ready(Err(Error::Send(SendError::NoRandomness)));
            }
            if line.is_over() {
                ready!(line.poll_end(cx));
                return Poll::Ready(self.end(line));
            }
            match ready!(self.poll_read(line, cx)) {
                Ok(()) => {}
                Err(error) => {
                    line.set_told();
                    return Poll::Ready(Err(error));
                }
            }
        }
        cx.waker().wake_by_ref();
        line.poll_deadlines(cx).map(|late| {
            line.set_told();
            late.map(|()| Next::End)
        })
    }

    /// How it has ended, which is told once.
    fn end<T: Io>(&self, line: &mut Line<T>) -> Result<Next, Error> {
        line.set_told();
        match (line.violation, &self.goodbye) {
            (Some(violation), _) => Err(Error::Violation(violation)),
            (None, Some(_)) => Ok(Next::Goodbye),
            (None, None) => Ok(Next::End),
        }
    }

    /// Lends the event. `None` where it should be text and is not: then the line is to be [broken off](Line::break_off),
    /// which [`poll_next`](Self::poll_next) does.
    #[inline]
    pub(super) fn lend(&mut self) -> Option<Event<'_>> {
        let input = self.input.get_mut(self.at..).unwrap_or_default();
        let event = self.rx.lend(&self.place, input, self.inbound.as_deref());
        self.is_no_text = event.is_none();
        event
    }

    /// Lends the goodbye.
    pub(super) fn goodbye(&self) -> CloseReason<'_> {
        let goodbye = self.goodbye.as_ref();
        CloseReason {
            code: goodbye.and_then(|goodbye| goodbye.code),
            reason: goodbye.map_or("", |goodbye| &goodbye.reason),
        }
    }

    /// Ends what the last event was lent for.
    pub(super) fn take_back(&mut self) {
        self.at = self.at.saturating_add(take(&mut self.lent));
        if let Some(mut inbound) = self.inbound.take() {
            inbound.release();
            Tools::with(|tools| {
                tools.inbound.get_or_insert(inbound);
            });
        }
    }

    /// Looks for an event in what is here. The peer's Close frame and its faults end the line.
    fn find<T: Io>(&mut self, line: &mut Line<T>) -> bool {
        let input = self.input.get_mut(self.at..).unwrap_or_default();
        if input.is_empty() || line.is_over() || line.is_mute() || self.is_no_text {
            return false;
        }
        let (rx, place, lender) = (&mut self.rx, &mut self.place, &mut self.inbound);
        let found = Tools::with(|Tools { inbound, sending }| {
            let common = inbound.get_or_insert_default();
            let found =
                line.with_answers(sending, |tx, out| rx.find(place, input, common, tx, out));
            if matches!(found, Ok((true, ..))) && place.is_inflated() {
                *lender = inbound.take();
            }
            found
        });
        match found {
            // What has come had to be answered, and was not.
            Ok(_) if line.is_mute() => false,
            Ok((true, consumed, _)) => {
                self.lent = consumed;
                if line.tx.state() == State::Closed {
                    self.keep_goodbye();
                    return false;
                }
                true
            }
            Ok((false, consumed, need)) => {
                self.at = self.at.saturating_add(consumed);
                self.need = need;
                false
            }
            Err(violation) => {
                line.violation = Some(violation);
                false
            }
        }
    }

    /// The Close frame is told last, when everything else is done.
    #[cold]
    fn keep_goodbye(&mut self) {
        if let Some(Event::Close(CloseReason { code, reason })) = self.lend() {
            let reason = reason.into();
            self.goodbye = Some(Goodbye { code, reason });
        }
        self.take_back();
    }

    fn poll_read<T: Io>(
        &mut self,
        line: &mut Line<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        // Before we wait, the peer gets what it may be waiting for.
        if line.poll_flush(cx)?.is_pending() && line.is_stuck() {
            return line.poll_deadlines(cx);
        }
        self.make_room();
        match line.io.poll_read(cx, &mut self.input) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(Error::Lost)),
            Poll::Ready(Ok(_)) => {
                line.hear();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(Error::Io(error))),
            Poll::Pending => {
                if self.input.is_empty() {
                    Tools::with(|tools| tools.keep(&mut self.input));
                }
                line.poll_deadlines(cx)
            }
        }
    }

    /// Room for a read, beyond what was announced by as little as is useful, and never all of it at once.
    fn make_room(&mut self) {
        if self.at == self.input.len() {
            self.input.clear();
            if self.input.capacity() == 0 {
                self.input = Tools::with(Tools::buffer);
            }
        } else {
            self.input.drain(..self.at);
        }
        self.at = 0;
        if self.input.len() == self.input.capacity() {
            let more = self.input.len().max(READ);
            self.input.reserve_exact(more.min(self.need.max(READ)));
        }
    }
}
