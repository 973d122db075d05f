//! A peer of an application, and what it may expect.
//!
//! Not here: what it does when; that is the script's.

use super::super::frames::{self, FIN, TEXT};
use super::super::sim::Conn;
use super::lobby::{is_echoed, is_for_all};
use rustix::io::Errno;
use sockeye::app::json::check;
use sockeye::proto::{Connection, Event, Inbound, Outbound, State};
use std::sync::Arc;

pub(super) struct Guest {
    pub(super) conn: Conn,
    pub(super) is_broken: bool,
    /// It sent something that may be refused, or that cannot be told apart from it.
    is_spoiled: bool,
    honest: bool,
    is_head: bool,
    is_json: bool,
    bytes: Vec<u8>,
    status: Option<u16>,
    client: Connection,
    inbound: Inbound,
    /// What is to come back, in this order, between whatever else comes.
    expected: Vec<String>,
    /// How much of that has come.
    met: usize,
}

impl Guest {
    pub(super) fn new(conn: Conn, is_head: bool, is_json: bool) -> Self {
        Self {
            conn,
            is_broken: false,
            is_spoiled: false,
            honest: true,
            is_head,
            is_json,
            bytes: Vec::new(),
            status: None,
            client: Connection::client(Arc::default()),
            inbound: Inbound::new(),
            expected: Vec::new(),
            met: 0,
        }
    }

    fn is_open(&self) -> bool {
        self.status == Some(101) && self.client.state() == State::Open
    }

    // --- what it does ---

    pub(super) fn say(&mut self, binary: bool, text: &str) {
        if self.is_json {
            return self.say_json(text);
        }
        let opcode = if binary { frames::BINARY } else { TEXT };
        self.conn
            .push(&frames::frame(FIN | opcode, text.as_bytes()));
        // What is too long, or of a format that is not the route's, ends the connection; so does asking for that.
        if binary || text.len() > 2_000 || text.starts_with('i') {
            self.is_spoiled = true;
        } else if self.is_open() && is_echoed(text) && !self.is_spoiled {
            self.expected.push(text.to_owned());
        }
    }

    pub(super) fn ask(&mut self, id: u64, a: i32, b: i32) {
        if self.is_json {
            let text = format!(r#"{{"cmd":"sum","param":[{a},{b}],"id":{id}}}"#);
            self.conn.push(&frames::text(&text));
            if self.is_open() && !self.is_spoiled {
                let sum = a + b;
                self.expected
                    .push(format!(r#"{{"cmd":"reply","re":{id},"param":{sum}}}"#));
            }
        }
    }

    pub(super) fn say_json(&mut self, text: &str) {
        self.conn.push(&frames::text(text));
        self.is_spoiled |= check(text).is_err();
    }

    pub(super) fn say_anything(&mut self, bytes: &[u8]) {
        self.conn.push(bytes);
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

    pub(super) fn read(&mut self) {
        self.bytes.append(&mut self.conn.take_sent());
        if self.status.is_none() && !self.reads_the_head() {
            return;
        }
        if self.status == Some(101) {
            self.reads_frames();
        }
    }

    /// The answer's head, and what stands behind it where it is not 101.
    fn reads_the_head(&mut self) -> bool {
        let Some(head) = frames::take_head(&mut self.bytes) else {
            return false;
        };
        let status = head.strip_prefix("HTTP/1.1 ").expect("an answer")[..3].parse();
        let status = status.expect("a status");
        self.status = Some(status);
        if status != 101 {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
            let body = if self.is_head { 0 } else { length };
            assert!(self.bytes.len() <= body, "{head}");
        }
        true
    }

    fn reads_frames(&mut self) {
        let mut keys = || [1, 2, 3, 4];
        let mut answers = Outbound::client(Vec::new(), &mut keys);
        let mut at = 0;
        loop {
            let (rx, tx) = (&mut self.client.rx, &mut self.client.tx);
            let over = tx.state() != State::Open;
            assert!(
                !over || at == self.bytes.len(),
                "bytes behind a Close frame"
            );
            let next = rx.next(&mut self.bytes[at..], &mut self.inbound, tx, &mut answers);
            let step = next.expect("frames are right");
            at += step.consumed;
            match step.event {
                None => break,
                Some(Event::Text(text)) => {
                    let right = !self.is_json || is_for_all(text) || check(text).is_ok();
                    assert!(right, "no JSON: {text:?}");
                    self.met +=
                        usize::from(self.expected.get(self.met).is_some_and(|next| next == text));
                }
                Some(Event::Close(close)) => {
                    assert!(
                        close.number() != 1011,
                        "the loop caught a panic that nobody made"
                    );
                }
                Some(Event::Binary(_) | Event::Ping(_) | Event::Pong(_) | Event::Part(_)) => {}
            }
        }
        self.bytes.drain(..at);
        let answers = answers.sink;
        if self.honest && !self.is_broken {
            // A push is news, even without a byte.
            if !answers.is_empty() {
                self.conn.push(&answers);
            }
            if self.client.state() == State::Closed {
                self.end();
            }
        }
    }

    /// In a network at rest, all that was to come has come.
    pub(super) fn has_everything(&self) {
        if self.is_open() && !self.is_spoiled && !self.is_broken && !self.conn.is_closed() {
            assert_eq!(self.met, self.expected.len(), "{:?}", self.expected);
            assert!(self.bytes.is_empty(), "part of a frame");
        }
    }
}
