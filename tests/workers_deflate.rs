//! Broadcasts across loops whose members have agreed to different compression, on real sockets and one thread: the
//! loops' turns are taken by hand.
//!
//! Not here: which loop hears what in which order; that is `workers`.
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/frames.rs"]
mod frames;
#[path = "support/strict_inflate.rs"]
mod strict_inflate;

use frames::{FIN, REQUEST, TEXT, text};
use sockeye::proto::deflate::Policy;
use sockeye::server::{Builder, Exchange, Handler, Message, Peer, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use strict_inflate::StrictInflater;

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const RSV1: u8 = 0x40;

/// Says everything to all, but to its sender alone what begins so.
struct Broadcast;

impl Handler for Broadcast {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text(text) if text.starts_with("own ") => {
                peer.send(message).expect("the peer reads");
            }
            _ => peer.broadcast(message),
        }
    }
}

/// A peer and what inflates for it.
struct Member {
    stream: TcpStream,
    bytes: Vec<u8>,
    strict: Option<StrictInflater>,
    /// What came, each with whether it was compressed.
    heard: Vec<(bool, String)>,
}

impl Member {
    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
                Err(error) => return assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }

    fn inflate(&mut self) {
        while let Some(range) = frames::payload_range(&self.bytes) {
            let compressed = self.bytes[0] & RSV1 != 0;
            assert_eq!(self.bytes[0] & !RSV1, FIN | TEXT);
            let payload = self.bytes[range.clone()].to_vec();
            self.bytes.drain(..range.end);
            let text = if compressed {
                let strict = self.strict.as_mut().expect("it was agreed on");
                strict.message(&payload).expect("within the window")
            } else {
                payload
            };
            let text = String::from_utf8(text).expect("text");
            self.heard.push((compressed, text));
        }
    }

    fn say(&mut self, words: &str) {
        self.stream.write_all(&text(words)).expect("it is small");
    }
}

/// One loop.
struct Worker {
    server: Server<Broadcast>,
}

impl Worker {
    fn start(exchange: &Exchange) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let policy = Policy {
            server_context_takeover: true,
            ..Policy::default()
        };
        let builder = Builder::new().deflate(policy).exchange(exchange);
        let server = builder.bind(any, Broadcast).expect("a free port");
        Self { server }
    }

    fn turn(&mut self) {
        let at_most = Duration::from_millis(1);
        self.server.turn(Some(at_most)).expect("polling works");
    }

    /// A peer that wants this window, or no compression, and whether takeover.
    fn connect(&self, window: Option<(u8, bool)>) -> Member {
        let mut stream = TcpStream::connect(self.server.local_addr()).expect("it listens");
        stream.set_nonblocking(true).expect("a socket");
        let request = REQUEST.strip_suffix(b"\r\n").expect("it ends so");
        let offer = window.map_or(String::new(), |(bits, takeover)| {
            let no = if takeover { "" } else { "; server_no_context_takeover" };
            format!(
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={bits}{no}\r\n"
            )
        });
        let request = [request, offer.as_bytes(), b"\r\n"].concat();
        stream.write_all(&request).expect("it is small");
        Member {
            stream,
            bytes: Vec::new(),
            strict: window.map(|(bits, takeover)| StrictInflater::new(bits, takeover)),
            heard: Vec::new(),
        }
    }

    fn open(&mut self, window: Option<(u8, bool)>) -> Member {
        let mut member = self.connect(window);
        let begin = Instant::now();
        let head = loop {
            self.turn();
            member.receive();
            if let Some(head) = frames::take_head(&mut member.bytes) {
                break head;
            }
            assert!(begin.elapsed() < PATIENCE, "no answer");
        };
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(
            head.contains("permessage-deflate"),
            window.is_some(),
            "{head}"
        );
        member
    }
}

/// Takes turns until every member has heard so many messages.
fn turn_until_heard(workers: &mut [Worker], members: &mut [Member], count: usize) {
    let begin = Instant::now();
    while members.iter().any(|member| member.heard.len() < count) {
        workers.iter_mut().for_each(Worker::turn);
        for member in &mut *members {
            member.receive();
            member.inflate();
        }
        assert!(begin.elapsed() < PATIENCE, "not all was heard");
    }
}

fn json(seed: usize) -> String {
    let rows =
        (0..20).map(|row| format!("{{\"id\":{},\"name\":\"user {seed}\"}},", row * seed * 7919));
    rows.collect()
}

/// For each loop its members: a window and takeover, or no compression.
type Kinds = [&'static [Option<(u8, bool)>]; 2];

#[test]
fn members_of_other_loops_hear_it_in_what_they_have_agreed_to() {
    let rows: [Kinds; 4] = [
        [&[None], &[Some((15, true)), Some((9, false))]],
        [
            &[Some((9, true)), Some((12, false))],
            &[Some((15, false)), None],
        ],
        [&[Some((12, true))], &[Some((12, true)), Some((12, false))]],
        [&[None], &[None]],
    ];
    for kinds in rows {
        let exchange = Exchange::new();
        let mut workers = [Worker::start(&exchange), Worker::start(&exchange)];
        let mut members = Vec::new();
        for (worker, kinds) in workers.iter_mut().zip(kinds) {
            members.extend(kinds.iter().map(|kind| worker.open(*kind)));
        }
        for talker in 0..members.len() {
            for words in [json(talker + 1), "short".to_owned(), json(talker + 2)] {
                members[talker].say(&words);
                turn_until_heard(&mut workers, &mut members, 1);
                for member in &mut members {
                    let compressed = member.strict.is_some() && words.len() >= 256;
                    assert_eq!(member.heard, [(compressed, words.clone())]);
                    member.heard.clear();
                }
            }
        }
    }
}

#[test]
fn with_takeover_own_messages_and_others_broadcasts_can_be_inflated() {
    let exchange = Exchange::new();
    let mut workers = [Worker::start(&exchange), Worker::start(&exchange)];
    let mut talker = [workers[0].open(None)];
    let mut listener = [workers[1].open(Some((15, true)))];
    for round in 1..20 {
        let own = format!("own {}", json(round % 4));
        listener[0].say(&own);
        turn_until_heard(&mut workers, &mut listener, 1);
        assert_eq!(listener[0].heard.pop(), Some((true, own)));
        let words = json(round % 3);
        talker[0].say(&words);
        turn_until_heard(&mut workers, &mut listener, 1);
        assert_eq!(listener[0].heard.pop(), Some((true, words)));
        assert!(listener[0].heard.is_empty());
    }
}

#[test]
fn a_newcomer_of_a_window_that_nobody_had_can_inflate_whatever_it_hears() {
    let exchange = Exchange::new();
    let mut workers = [Worker::start(&exchange), Worker::start(&exchange)];
    let mut talker = [workers[0].open(None)];
    // It is said to a loop that has nobody, and that does not look before somebody has come.
    talker[0].say(&json(1));
    turn_until_heard(&mut workers[..1], &mut talker, 1);
    let mut newcomer = [workers[1].open(Some((11, true)))];
    talker[0].heard.clear();
    talker[0].say(&json(2));
    turn_until_heard(&mut workers, &mut talker, 1);
    let begin = Instant::now();
    let is_last = |heard: &[(bool, String)]| heard.last().is_some_and(|(_, text)| *text == json(2));
    while !is_last(&newcomer[0].heard) {
        assert!(begin.elapsed() < PATIENCE, "not all was heard");
        let count = newcomer[0].heard.len() + 1;
        turn_until_heard(&mut workers, &mut newcomer, count);
    }
    // Which came first, the request or the broadcast, is the kernel's to say.
    let heard = std::mem::take(&mut newcomer[0].heard);
    let (last, before) = heard.split_last().expect("it heard something");
    assert_eq!(*last, (true, json(2)));
    assert!(before.iter().all(|(_, text)| *text == json(1)) && before.len() <= 1);
}
