//! A peer, and what it may expect.
//!
//! Not here: what it does when; that is the script's.

use super::super::choices::Choices;
use super::actor::{Actor, Digest};
use super::frames::{self, FIN, REQUEST, TEXT};
use super::sim::Conn;
use rustix::io::Errno;
use sockeye::proto::{Connection, Event, Inbound, Keys, NoRandomness, Outbound, State};
use std::sync::Arc;

pub(super) struct Guest {
    pub(super) conn: Conn,
    /// Answers pings and Close frames.
    honest: bool,
    /// Its whole request is on the way.
    has_asked: bool,
    /// It sent something that the server may refuse, or that cannot be told apart from it.
    is_spoiled: bool,
    /// The connection has ended or will.
    pub(super) is_broken: bool,
    /// Messages sent, up to what spoiled it.
    said: Vec<Digest>,
    /// Messages received.
    received: Vec<Digest>,
    /// Received, and not understood yet.
    bytes: Vec<u8>,
    status: Option<u16>,
    client: Connection,
    inbound: Inbound,
}

struct Key;

impl Keys for Key {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        Ok([1, 2, 3, 4])
    }
}

impl Guest {
    pub(super) fn new(conn: Conn, honest: bool) -> Self {
        Self {
            conn,
            honest,
            has_asked: false,
            is_spoiled: false,
            is_broken: false,
            said: Vec::new(),
            received: Vec::new(),
            bytes: Vec::new(),
            status: None,
            client: Connection::client(Arc::default()),
            inbound: Inbound::new(),
        }
    }

    // --- what it does ---

    /// Everything goes the same way, so that nothing overtakes.
    pub(super) fn push(&self, bytes: &[u8], pieces: usize) {
        // Each piece takes a turn.
        let pieces = pieces.max(bytes.len() / 20).max(1);
        if !bytes.is_empty() {
            self.conn.push_in_pieces(bytes, pieces);
        }
    }

    pub(super) fn ask(&mut self, pieces: usize) {
        self.has_asked = true;
        self.push(REQUEST, pieces);
    }

    pub(super) fn say(&mut self, text: bool, payload: &[u8], pieces: usize, too_big: bool) {
        let frame = if text {
            frames::frame(FIN | TEXT, payload)
        } else {
            frames::binary(payload)
        };
        self.push(&frame, pieces);
        self.note(text, payload, too_big);
    }

    pub(super) fn say_in_fragments(
        &mut self,
        payload: &[u8],
        count: usize,
        pieces: usize,
        too_big: bool,
    ) {
        let size = payload.len().div_ceil(count).max(1);
        let mut parts = payload.chunks(size).peekable();
        let mut opcode = TEXT;
        while let Some(part) = parts.next() {
            let fin = if parts.peek().is_none() { FIN } else { 0 };
            self.push(&frames::frame(fin | opcode, part), pieces);
            self.push(&frames::ping(b"between"), usize::MAX);
            opcode = frames::CONTINUATION;
        }
        self.note(true, payload, too_big);
    }

    fn note(&mut self, text: bool, payload: &[u8], too_big: bool) {
        self.is_spoiled |= too_big || !self.has_asked;
        if !self.is_spoiled && !self.is_broken {
            self.said.push(Digest::of(text, payload));
        }
    }

    pub(super) fn close(&mut self, code: u16) {
        self.push(&frames::close(code), usize::MAX);
        self.is_spoiled = true;
    }

    /// Something that the server may refuse.
    pub(super) fn say_anything(&mut self, bytes: &[u8], pieces: usize) {
        self.push(bytes, pieces);
        self.is_spoiled = true;
    }

    pub(super) fn end(&mut self) {
        self.conn.end();
        self.is_broken = true;
    }

    pub(super) fn reset(&mut self, error: Errno) {
        self.conn.reset(error);
        self.is_broken = true;
    }

    pub(super) fn falls_silent(&mut self) {
        self.honest = false;
    }

    // --- what it gets ---

    /// Understands what has arrived, which is right to the last bit, and answers if it is honest. Says whether there
    /// was anything.
    pub(super) fn read(&mut self) -> bool {
        let fresh = self.conn.untaken() > 0;
        if fresh {
            self.bytes.append(&mut self.conn.take_sent());
            self.understand();
        }
        fresh
    }

    fn understand(&mut self) {
        if self.status.is_none() {
            let Some(head) = frames::take_head(&mut self.bytes) else {
                return;
            };
            let status = head.strip_prefix("HTTP/1.1 ").expect("an answer")[..3].parse();
            self.status = Some(status.expect("a status"));
        }
        if self.status != Some(101) {
            assert!(self.bytes.len() < 200, "more than a refusal's sentence");
            return;
        }
        let mut key = Key;
        let mut answers = Outbound::client(Vec::new(), &mut key);
        let mut at = 0;
        loop {
            let (rx, tx) = (&mut self.client.rx, &mut self.client.tx);
            let over = tx.state() != State::Open;
            assert!(
                !over || at == self.bytes.len(),
                "bytes behind a Close frame"
            );
            let rest = &mut self.bytes[at..];
            let step = rx
                .next(rest, &mut self.inbound, tx, &mut answers)
                .expect("frames are right");
            at += step.consumed;
            match step.event {
                None => break,
                Some(Event::Text(text)) => self.received.push(Digest::of(true, text.as_bytes())),
                Some(Event::Binary(data)) => self.received.push(Digest::of(false, data)),
                Some(Event::Close(close)) => {
                    // Who says anything may have said this code first. A fuzzer itself ends where anything panics.
                    let panicked = close.number() == 1011 && !self.is_spoiled;
                    assert!(!panicked, "the loop caught a panic that nobody made");
                }
                Some(Event::Ping(_) | Event::Pong(_) | Event::Part(_)) => {}
            }
        }
        self.bytes.drain(..at);
        let answers = answers.sink;
        if self.honest {
            self.push(&answers, usize::MAX);
            if self.client.state() == State::Closed && !self.is_broken {
                self.end();
            }
        }
    }

    /// What came is what was told, what was heard is what was said, as far as they have come.
    pub(super) fn compare(&self, actor: &Actor) {
        let token = self.conn.token();
        let Some(person) = token.and_then(|token| actor.person(token)) else {
            assert!(self.received.is_empty(), "told by nobody");
            return;
        };
        assert!(
            person.told.starts_with(&self.received),
            "told otherwise, or in another order"
        );
        let both = self.said.len().min(person.heard.len());
        assert_eq!(person.heard[..both], self.said[..both], "heard otherwise");
        if !self.is_spoiled {
            assert!(person.heard.len() <= self.said.len() || self.is_broken);
            assert!(
                !matches!(person.ended, Some(Some(_))),
                "blamed for nothing: {person:?}"
            );
        }
    }

    /// In a network at rest: nothing is on the way, unless the connection is over.
    pub(super) fn has_everything(&self, actor: &Actor) {
        let conn = &self.conn;
        let over = conn.is_finished() || conn.is_aborted() || conn.is_closed() || self.is_broken;
        let Some(token) = conn.token().filter(|_| !over && !self.is_spoiled) else {
            return;
        };
        assert_eq!(conn.unreceived(), 0, "not all was received");
        assert_eq!(self.status, self.has_asked.then_some(101), "not answered");
        let Some(person) = actor.person(token) else {
            return;
        };
        assert!(self.bytes.is_empty(), "part of a frame");
        if self.client.state() == State::Open {
            assert_eq!(person.told, self.received, "not all arrived");
            assert_eq!(person.heard, self.said, "not all was heard");
        }
    }
}

/// A request in which something stands that does not belong there, or something is missing.
pub(super) fn spoilt_request(choices: &mut Choices<'_>) -> Vec<u8> {
    let (before, behind) = REQUEST.split_at(usize::from(choices.byte()) % REQUEST.len());
    let (more, less) = (choices.byte() % 64, choices.byte() % 64);
    let behind = behind.get(usize::from(less)..).unwrap_or_default();
    [before, choices.take(more.into()), behind].concat()
}

/// A frame with any first byte and any payload, which may be long.
pub(super) fn any_frame(choices: &mut Choices<'_>) -> Vec<u8> {
    let (first, len) = (choices.byte(), choices.byte() % 64);
    let times = choices.pick(&[1, 1, 1, 3, 10, 400]);
    frames::frame(first, &choices.take(len.into()).repeat(times))
}
