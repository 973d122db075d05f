//! A stream that gives what it was told to give, and keeps what it was given.

use sockeye::aio::Io;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A request, whose key is the RFC's.
pub(crate) const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Both ends of the test have it: the connection reads and writes, the test looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What comes, one read after the other. Between two of them there is nothing for once.
    pieces: VecDeque<Vec<u8>>,
    waited: bool,
    /// Nothing ends the stream by itself.
    open: bool,
    written: Vec<u8>,
    /// Written, and held back until somebody wants it to be flushed.
    held: Vec<u8>,
    /// So many bytes are still taken; none, that is any number.
    room: Option<usize>,
    ended: bool,
    /// As a server does: the answer to the request is put before what comes.
    answers: bool,
    armed: Vec<Duration>,
    timer: bool,
}

impl Script {
    /// These bytes, cut at these places, and then the end.
    pub(crate) fn new(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) -> Self {
        let script = Self::default();
        let mut from = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            script.say(&bytes[from..cut]);
            from = cut;
        }
        script
    }

    /// The same, behind what another one has.
    pub(crate) fn behind(&self, first: &Self) -> Self {
        let before = std::mem::take(&mut first.state().pieces);
        let mut state = self.state();
        for piece in before.into_iter().rev() {
            state.pieces.push_front(piece);
        }
        drop(state);
        self.clone()
    }

    /// More, in one piece.
    pub(crate) fn say(&self, piece: &[u8]) {
        if !piece.is_empty() {
            self.state().pieces.push_back(piece.to_vec());
        }
    }

    /// The stream goes on behind what was said.
    pub(crate) fn stays_open(self) -> Self {
        self.state().open = true;
        self
    }

    /// The stream ends behind what was said.
    pub(crate) fn ends(&self) {
        self.state().open = false;
    }

    /// Answers the request of a client.
    pub(crate) fn answers(self) -> Self {
        self.state().answers = true;
        self
    }

    /// Takes so many bytes more.
    pub(crate) fn takes(&self, bytes: usize) {
        self.state().room = Some(bytes);
    }

    /// All that was written since this was asked.
    pub(crate) fn written(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().written)
    }

    /// Whether our direction was ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Pieces that were not read.
    pub(crate) fn left(&self) -> usize {
        self.state().pieces.len()
    }

    /// The time is over for what the timer was set for last, which this returns.
    pub(crate) fn ring(&self) -> Option<Duration> {
        let mut state = self.state();
        state.timer = true;
        state.armed.last().copied()
    }

    /// All that the timer was set for.
    pub(crate) fn armed(&self) -> Vec<Duration> {
        self.state().armed.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self) {
        const KEY: &str = "Sec-WebSocket-Key: ";
        if !self.answers || !self.written.ends_with(b"\r\n\r\n") {
            return;
        }
        self.answers = false;
        let request = String::from_utf8(std::mem::take(&mut self.written)).unwrap();
        let key = request
            .split(KEY)
            .nth(1)
            .unwrap()
            .split("\r\n")
            .next()
            .unwrap();
        let accept = sockeye::proto::handshake::accept_of(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            std::str::from_utf8(&accept).unwrap()
        );
        self.pieces.push_front(answer.into_bytes());
    }
}

impl Io for Script {
    fn poll_read(&mut self, _: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.waited = !state.waited;
        if state.waited {
            return Poll::Pending;
        }
        let Some(mut piece) = state.pieces.pop_front() else {
            return if state.open {
                Poll::Pending
            } else {
                Poll::Ready(Ok(0))
            };
        };
        let room = input.capacity() - input.len();
        assert_ne!(room, 0, "a read that could only bring nothing");
        if piece.len() > room {
            let rest = piece.split_off(room);
            state.pieces.push_front(rest);
        }
        input.extend_from_slice(&piece);
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!bytes.is_empty());
        let mut state = self.state();
        assert!(!state.ended, "written behind the end");
        let taken = bytes.len().min(state.room.unwrap_or(usize::MAX));
        if taken == 0 {
            return Poll::Pending;
        }
        if let Some(room) = &mut state.room {
            *room -= taken;
        }
        state.held.extend_from_slice(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        let mut held = std::mem::take(&mut state.held);
        state.written.append(&mut held);
        state.held = held;
        state.answer();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        assert!(state.held.is_empty(), "ended before it was flushed");
        state.ended = true;
        Poll::Ready(Ok(()))
    }

    fn arm(&mut self, after: Duration) {
        let mut state = self.state();
        state.armed.push(after);
        state.timer = false;
    }

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.state().timer) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Runs a future that is ready after some polls. `None` where it waits for what never comes.
pub(crate) fn finish<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    // A read waits every other time, so what goes on takes no longer than this.
    let mut idle = 0;
    while idle < 1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        idle += 1;
    }
    None
}

/// The same for what has to be ready.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    finish(future).expect("it waits for what never comes")
}
