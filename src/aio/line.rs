//! The side of a connection that writes, with the stream: [`Line`]. When it is split, both halves use it in turns.
//!
//! Not here: what was received, which is `incoming`.

use super::error::Error;
use super::io::Io;
use super::message::Outgoing;
use super::terms::Terms;
use super::tools::{Sending, Tools};
use crate::proto::deflate::{Direction, Policy};
use crate::proto::{CloseCode, Outbound, Role, SendError, Sender, State, Violation};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;

/// Bytes that may wait to be written. Who wants to send more waits. So does receiving, once as much of that is answers.
const ROOM: usize = 64 << 10;

/// Reads in one poll. Then the deadline is looked at, and others have their turn: a peer may never stop.
pub(super) const TURN: usize = 32;

/// A stream, and what is to be written to it.
pub(super) struct Line<T> {
    pub(super) io: T,
    pub(super) tx: Sender,
    out: Vec<u8>,
    written: usize,
    /// Bytes among those that wait, at most, which the peer has us say.
    answers: usize,
    /// Compression was agreed on.
    policy: Option<Policy>,
    terms: Arc<Terms>,
    alarm: Alarm,
    /// The peer has given a sign of life since the timer was set.
    heard: bool,
    is_ending: bool,
    /// How far the end has come.
    stage: Stage,
    pub(super) violation: Option<Violation>,
    /// A frame had no key, as the system has no randomness: something was not said that should have been.
    is_mute: bool,
    /// How it has ended was told.
    is_told: bool,
    /// Something has changed that the other half, if there is one, may be waiting for.
    pub(super) is_news: bool,
    /// The stream was written to since it was flushed.
    held: bool,
}

/// What the timer was set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    None,
    /// For the end of the opening handshake.
    Handshake,
    /// To look whether the peer is there.
    Ping,
    /// For the pong, or anything else.
    Pong,
    /// For the end of the closing handshake.
    Close,
}

/// What is left to do once the connection is over. A client lets the server end first (RFC 6455 section 7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Write,
    /// Ours, at once, or the peer's could be followed by a reset that overtakes our last bytes.
    End,
    /// What still comes is discarded.
    Drain,
    Done,
}

impl<T: Io> Line<T> {
    pub(super) const fn new(io: T, tx: Sender, terms: Arc<Terms>) -> Self {
        Self {
            io,
            tx,
            out: Vec::new(),
            written: 0,
            answers: 0,
            policy: None,
            terms,
            alarm: Alarm::None,
            heard: false,
            is_ending: false,
            stage: Stage::Write,
            violation: None,
            is_mute: false,
            is_told: false,
            is_news: false,
            held: false,
        }
    }

    /// Compresses from here on.
    pub(super) fn set_deflate(&mut self, ours: Direction, policy: Policy) {
        self.tx.set_deflate(ours);
        self.policy = Some(policy);
    }

    /// Queues bytes that are no frame.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Bytes that wait to be written.
    pub(super) const fn queued(&self) -> usize {
        self.out.len().saturating_sub(self.written)
    }

    /// Whether nothing more comes out of this connection.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.tx.state(), State::Closed | State::Failed)
    }

    /// Runs what needs a place for frames, and whatever else it takes to make them.
    #[inline]
    pub(super) fn with_outbound<R>(
        &mut self,
        sending: &mut Sending,
        run: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> R,
    ) -> R {
        if self.out.capacity() == 0 {
            self.out = sending.buffer();
            sending.random.begin_turn();
        }
        let (random, compressor) = sending.parts(self.policy.as_ref());
        let mut out = match self.tx.role() {
            Role::Server => Outbound::server(&mut self.out),
            Role::Client => Outbound::client(&mut self.out, random),
        };
        if let Some(compressor) = compressor {
            out = out.deflate(compressor);
        }
        let before = self.tx.state();
        let result = run(&mut self.tx, &mut out);
        self.is_news |= self.tx.state() != before;
        // Asked here each time, as the keys are the thread's: another connection must not be ended for it.
        if sending.random.take_failure() {
            self.is_mute = true;
            self.is_news = true;
        }
        result
    }

    /// The same for what comes, which may have to be answered.
    #[inline]
    pub(super) fn with_answers<R>(
        &mut self,
        sending: &mut Sending,
        run: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> R,
    ) -> R {
        let before = self.queued();
        let result = self.with_outbound(sending, run);
        let added = self.queued().saturating_sub(before);
        self.answers = self.answers.saturating_add(added);
        result
    }

    /// Whether the peer has to read before it is heard further: what it provokes must not pile up. What we say by ourselves
    /// does not count: two of which each waits for the other to read would wait for ever.
    pub(super) const fn is_stuck(&self) -> bool {
        self.answers >= ROOM
    }

    /// Queues what is to be said.
    #[inline]
    pub(super) fn say(&mut self, message: &Outgoing<'_>) -> Result<(), SendError> {
        self.check_voice()?;
        Tools::with(|tools| {
            self.with_outbound(&mut tools.sending, |tx, out| message.encode(tx, out))
        })
    }

    /// Something could not be said, which ends the connection: nothing more is said behind the gap.
    const fn check_voice(&self) -> Result<(), SendError> {
        if self.is_mute {
            return Err(SendError::NoRandomness);
        }
        Ok(())
    }

    /// Queues a Close frame.
    pub(super) fn say_goodbye(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.check_voice()?;
        Tools::with(|tools| {
            self.with_outbound(&mut tools.sending, |tx, out| tx.close(code, reason, out))
        })
    }

    /// Says that what has come as text is none. The connection is then over.
    pub(super) fn break_off(&mut self) {
        let violation = Tools::with(|tools| {
            self.with_outbound(&mut tools.sending, |tx, out| tx.break_off(out))
        });
        self.violation.get_or_insert(violation);
    }

    /// The same, and ends the connection. Told to the caller now, it is not told again.
    pub(super) fn poll_break_off(&mut self, cx: &mut Context<'_>) -> Poll<Violation> {
        self.break_off();
        ready!(self.poll_end(cx));
        self.set_told();
        Poll::Ready(Violation::InvalidUtf8)
    }

    /// The caller hears now how it has ended. Nobody waits for the peer any more.
    pub(super) const fn set_told(&mut self) {
        self.is_told = true;
        self.is_news = true;
    }

    /// Whether something could not be said to the peer that it may be waiting for.
    pub(super) const fn is_mute(&self) -> bool {
        self.is_mute
    }

    /// Whether the caller has heard how it has ended.
    pub(super) const fn is_told(&self) -> bool {
        self.is_told
    }

    /// Whether there is room for a message.
    pub(super) const fn is_ready(&self) -> bool {
        self.queued() < ROOM
    }

    /// Waits until there is room for a message.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.is_ready() {
            ready!(self.poll_write(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes all there is. What did not fit waits in the buffer, which is given back once it is empty.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.queued() > 0 {
            ready!(self.poll_write(cx))?;
        }
        // It was taken also for what had no answer.
        if self.out.capacity() > 0 {
            Tools::with(|tools| tools.keep(&mut self.out));
        }
        if self.held {
            let flushed = self.io.poll_flush(cx);
            ready!(self.unless_told(flushed))?;
            self.held = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let waiting = self.out.get(self.written..).unwrap_or_default();
        let taken = self.io.poll_write(cx, waiting);
        let count = ready!(self.unless_told(taken))?;
        if count == 0 {
            return Poll::Ready(Err(Error::Io(io::ErrorKind::WriteZero.into())));
        }
        self.written = self.written.saturating_add(count);
        self.held = true;
        if self.queued() == 0 {
            self.written = 0;
            self.out.clear();
        } else {
            // No ping comes through before this, and nothing that answers it.
            self.heard = true;
        }
        self.answers = self.answers.min(self.queued());
        Poll::Ready(Ok(()))
    }

    /// Who writes does not wait once the end was told: no deadline would end that.
    fn unless_told<R>(&self, done: Poll<io::Result<R>>) -> Poll<Result<R, Error>> {
        match done {
            Poll::Pending if self.is_told => Poll::Ready(Err(Error::Lost)),
            done => done.map_err(Error::Io),
        }
    }

    /// Something has come. Once we have closed, that does not earn the peer any more time.
    pub(super) fn hear(&mut self) {
        self.heard |= self.tx.state() == State::Open;
    }

    /// Writes all there is, and sees to the deadline of the opening handshake.
    pub(super) fn poll_flush_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.poll_flush(cx) {
            Poll::Pending => self.poll_handshake(cx),
            flushed => flushed,
        }
    }

    /// Sees to the deadline of the opening handshake, if it has one. There are no pings yet.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.alarm == Alarm::Handshake {
            ready!(self.io.poll_timer(cx));
            return Poll::Ready(Err(Error::Timeout));
        }
        Poll::Pending
    }

    /// Sees to the deadlines of a connection on which nothing can be done but wait.
    #[inline]
    pub(super) fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // Every wait comes by here, and who pings by other means has no deadline while the connection is open.
        let is_at_ease = self.alarm == Alarm::None && self.terms.ping_every.is_none();
        if is_at_ease && !self.is_ending && self.tx.state() == State::Open {
            return Poll::Pending;
        }
        self.poll_alarm(cx)
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match self.alarm {
                Alarm::Close => {}
                _ if self.is_ending || self.tx.state() != State::Open => {
                    self.set(Alarm::Close, self.terms.close_timeout)
                }
                // The ping was answered, or something else has come: that is as good.
                Alarm::Pong if self.heard => self.set(Alarm::Ping, self.terms.ping_every),
                Alarm::None => self.set(Alarm::Ping, self.terms.ping_every),
                Alarm::Ping | Alarm::Pong | Alarm::Handshake => {}
            }
            if self.alarm == Alarm::None {
                return Poll::Pending;
            }
            ready!(self.io.poll_timer(cx));
            match self.alarm {
                Alarm::Ping if self.heard => self.set(Alarm::Ping, self.terms.ping_every),
                // As long as it takes something, it will come to our Close.
                Alarm::Close if self.heard => self.set(Alarm::Close, self.terms.close_timeout),
                Alarm::Ping => {
                    // Who cannot ask would wait for an answer all the same.
                    self.say(&Outgoing::Ping(&[])).map_err(Error::Send)?;
                    self.set(Alarm::Pong, Some(self.terms.pong_timeout));
                    // Whoever waits for room is not made to wait here.
                    if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
                        return Poll::Ready(Err(error));
                    }
                }
                Alarm::None | Alarm::Handshake | Alarm::Pong | Alarm::Close => {
                    return Poll::Ready(Err(Error::Timeout));
                }
            }
        }
    }

    pub(super) fn set(&mut self, alarm: Alarm, after: Option<Duration>) {
        self.heard = false;
        self.alarm = Alarm::None;
        if let Some(after) = after {
            self.alarm = alarm;
            self.io.arm(after);
        }
    }

    /// After the last frame in both directions: writes what is left, ends our direction, and discards what still comes
    /// until the peer has ended its own, or the time for that is over.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_ending {
            self.is_ending = true;
            self.set(Alarm::None, None);
        }
        while self.stage != Stage::Done {
            let step = match self.stage {
                Stage::Write => self.poll_flush(cx),
                Stage::End => self.io.poll_shutdown(cx).map_err(Error::Io),
                Stage::Drain => self.poll_drain(cx),
                Stage::Done => Poll::Ready(Ok(())),
            };
            let lets_go_first = self.violation.is_none() && self.tx.role() == Role::Client;
            self.stage = match step {
                Poll::Ready(Ok(())) => match (self.stage, lets_go_first) {
                    (Stage::Write, false) | (Stage::Drain, true) => Stage::End,
                    (Stage::Write, true) | (Stage::End, false) => Stage::Drain,
                    (Stage::End, true) | (Stage::Drain, false) | (Stage::Done, _) => Stage::Done,
                },
                // The peer has what it was told, or will not have it.
                Poll::Ready(Err(_)) => Stage::Done,
                Poll::Pending => {
                    ready!(self.poll_deadlines(cx)).ok();
                    Stage::Done
                }
            };
        }
        Poll::Ready(())
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut buffer = Tools::with(Tools::buffer);
        let mut reads = 0;
        let end = loop {
            if reads == TURN {
                cx.waker().wake_by_ref();
                break Poll::Pending;
            }
            reads += 1;
            match self.io.poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => buffer.clear(),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(Error::Io(error))),
                Poll::Pending => break Poll::Pending,
            }
        };
        Tools::with(|tools| tools.keep(&mut buffer));
        end
    }
}

#[cfg(test)]
mod tests;
