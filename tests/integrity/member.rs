//! One connection, which checks everything that it is told.

use crate::frames::{self, FIN, TEXT};
use crate::said::{AUTHORS, CLOSE, CONFLATE, KEYS, ROOMS, Said, rooms_in, told};
use flate2::{Decompress, FlushDecompress};
use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::mem::take;
use std::net::SocketAddr;

/// Of those that stop reading now and then.
const RECEIVE_BUFFER: usize = 4096;
/// Asks to leave all rooms and to join them.
pub const AGAIN: &str = "again";
/// What is asked when all is over, and answered.
const LAST: &str = "is that all?";

const BINARY_FRAME: u8 = FIN | frames::BINARY;
const COMPRESSED: u8 = 0x40;

/// What somebody is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Reads everything, if not at once, and must be told everything but what was replaced.
    Steady,
    /// Stops reading now and then.
    Sleepy,
}

#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub part: Part,
    /// The rooms that it is in.
    pub rooms: u8,
    pub worker: usize,
    pub deflate: bool,
    pub author: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Opening,
    Open,
    /// The last question was answered.
    Answered,
    /// Closed with this code, or none.
    Ended(Option<u16>),
}

pub struct Member {
    pub stream: TcpStream,
    pub kind: Kind,
    pub stage: Stage,
    /// It does not read until this round.
    pub sleeps_until: u64,
    /// Messages, by room.
    pub received: [u64; ROOMS.len()],
    /// Messages.
    pub total: u64,
    /// What it is waited for.
    pub due: u64,
    /// The number that is next, of each author and room; none yet, for one who came later.
    next: [[Option<u32>; ROOMS.len()]; AUTHORS],
    /// The last number of each key.
    newest: [[[Option<u32>; KEYS]; ROOMS.len()]; AUTHORS],
    /// The beginning of a frame.
    rest: Vec<u8>,
    out: Vec<u8>,
    inflater: Decompress,
}

impl Member {
    pub fn connect(kind: Kind, addr: SocketAddr, came_first: bool) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if kind.part == Part::Sleepy {
            let set = socket.set_recv_buffer_size(RECEIVE_BUFFER);
            set.expect("before it is connected");
        }
        socket.connect(&addr.into()).expect("it listens");
        socket.set_tcp_nodelay(true).expect("a TCP socket");
        socket.set_nonblocking(true).expect("a socket");
        let extensions = if kind.deflate {
            "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        } else {
            ""
        };
        let request = format!(
            "GET /?{} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{extensions}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            kind.rooms
        );
        let mut member = Self {
            stream: TcpStream::from_std(socket.into()),
            kind,
            stage: Stage::Opening,
            sleeps_until: 0,
            received: [0; ROOMS.len()],
            total: 0,
            due: 0,
            next: [[came_first.then_some(0); ROOMS.len()]; AUTHORS],
            newest: [[[None; KEYS]; ROOMS.len()]; AUTHORS],
            rest: Vec::new(),
            out: request.into_bytes(),
            inflater: Decompress::new(false),
        };
        member.write();
        member
    }

    pub fn say(&mut self, message: &[u8]) {
        self.out.extend(frames::binary(message));
    }

    /// Leaves its rooms, and joins them before anybody says anything.
    pub fn join_again(&mut self) {
        if self.stage == Stage::Open {
            self.out.extend(frames::text(AGAIN));
            self.write();
        }
    }

    /// The answer comes behind everything else.
    pub fn ask_for_the_last(&mut self) {
        self.out.extend(frames::text(LAST));
        self.write();
    }

    /// Writes what can be written.
    pub fn write(&mut self) {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Reading tells how it ended.
                Err(_) => self.out.clear(),
            }
        }
    }

    /// Reads what there is, with room to do it in.
    pub fn read(&mut self, room: &mut [u8]) {
        while !matches!(self.stage, Stage::Ended(_)) {
            let rest = take(&mut self.rest);
            room[..rest.len()].copy_from_slice(&rest);
            let read = match self.stream.read(&mut room[rest.len()..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.rest = rest;
                    break;
                }
                Ok(read @ 1..) => read,
                Ok(0) | Err(_) => return self.end(None),
            };
            let bytes = &room[..rest.len() + read];
            let taken = self.take_all(bytes);
            self.rest = rest;
            self.rest.clear();
            self.rest.extend_from_slice(&bytes[taken..]);
        }
    }

    /// Takes what is whole, and says how much that was.
    fn take_all(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.stage == Stage::Opening {
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                return 0;
            };
            let head = String::from_utf8_lossy(&bytes[..end]);
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            assert_eq!(head.contains("permessage-deflate"), self.kind.deflate);
            self.stage = Stage::Open;
            at = end + 4;
        }
        while let Some(payload) = frames::payload_range(&bytes[at..]) {
            let (first, frame) = (bytes[at], &bytes[at..][payload.clone()]);
            at += payload.end;
            match first {
                BINARY_FRAME => self.take(Said::decode(frame)),
                first if first == BINARY_FRAME | COMPRESSED && self.kind.deflate => {
                    let message = self.inflate(frame);
                    self.take(Said::decode(&message));
                }
                first if first == FIN | TEXT => {
                    assert_eq!(frame, LAST.as_bytes());
                    self.stage = Stage::Answered;
                }
                first if first == FIN | frames::CLOSE => {
                    let code = frame.first_chunk().expect("a code");
                    self.end(Some(u16::from_be_bytes(*code)));
                    return bytes.len();
                }
                first => panic!("a frame that begins with {first:#x}"),
            }
        }
        at
    }

    fn inflate(&mut self, message: &[u8]) -> Vec<u8> {
        self.inflater.reset(false);
        let mut inflated = Vec::with_capacity(1024);
        let message = [message, &[0, 0, 0xFF, 0xFF]].concat();
        self.inflater
            .decompress_vec(&message, &mut inflated, FlushDecompress::Sync)
            .expect("it was compressed");
        inflated
    }

    #[inline]
    fn take(&mut self, said: Said) {
        let Said {
            room,
            author,
            key,
            number,
        } = said;
        assert!(self.kind.rooms >> room & 1 == 1, "not its room: {said:?}");
        let is_author = self.kind.author == Some(author);
        assert!(!(is_author && said.spares_its_author()), "{said:?}");
        if let Some(mut next) = self.next[author][room] {
            assert!(number >= next, "repeated, or out of order: {said:?}");
            // Not told by design.
            next += u32::from(is_author && next % 4 == 3);
            assert!(
                number == next || self.may_miss(room),
                "{next} is lost: {said:?}"
            );
        }
        self.next[author][room] = Some(number + 1);
        self.newest[author][room][key] = Some(number);
        self.received[room] += 1;
        self.total += 1;
    }

    /// Whether not everything reaches it that is said in a room. What waits for a moment is replaced already.
    fn may_miss(&self, room: usize) -> bool {
        let loses = match self.kind.part {
            Part::Steady => CONFLATE,
            Part::Sleepy => !CLOSE,
        };
        loses >> room & 1 == 1
    }

    /// Messages of rooms that tell everything to who keeps up.
    pub fn told_surely(&self) -> u64 {
        rooms_in(!CONFLATE).map(|room| self.received[room]).sum()
    }

    fn end(&mut self, code: Option<u16>) {
        assert!(
            self.may_be_closed(),
            "closed with {code:?}: {:?}",
            self.kind
        );
        self.stage = Stage::Ended(code);
    }

    /// Whether it is in rooms that close who reads too slowly, and is such a one.
    pub fn may_be_closed(&self) -> bool {
        self.kind.part == Part::Sleepy && self.kind.rooms & CLOSE != 0
    }

    /// Messages that are for it in a room, of so many that were said.
    pub fn due_in(&self, room: usize, said: &[[u32; ROOMS.len()]; AUTHORS]) -> u64 {
        let authors = said.iter().enumerate();
        authors
            .map(|(author, rooms)| {
                let is_author = self.kind.author == Some(author);
                u64::from(told(rooms[room], is_author))
            })
            .sum()
    }

    /// Those of rooms that tell everything to who keeps up.
    pub fn due_surely(&self, said: &[[u32; ROOMS.len()]; AUTHORS]) -> u64 {
        rooms_in(!CONFLATE)
            .map(|room| self.due_in(room, said))
            .sum()
    }

    /// The newest of each key is never dropped where newer ones replace older ones, and the last is told to whoever was
    /// not closed where nothing is dropped.
    pub fn assert_whole(&self, said: &[[u32; ROOMS.len()]; AUTHORS], newest: &Newest) {
        for (author, rooms) in said.iter().enumerate() {
            for room in rooms_in(self.kind.rooms & CLOSE) {
                // Who came later may have heard nothing of somebody.
                let Some(next) = self.next[author][room] else {
                    continue;
                };
                let is_author = self.kind.author == Some(author);
                let missed = told(rooms[room], is_author) - told(next, is_author);
                assert_eq!(missed, 0, "{author} in {}: {:?}", ROOMS[room], self.kind);
            }
            if self.kind.author == Some(author) {
                continue;
            }
            for room in rooms_in(self.kind.rooms & CONFLATE) {
                assert_eq!(self.newest[author][room], newest[author][room]);
            }
        }
    }
}

/// The last number of each key, of each author and room.
pub type Newest = [[[Option<u32>; KEYS]; ROOMS.len()]; AUTHORS];
