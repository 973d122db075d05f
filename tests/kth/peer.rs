//! A client by hand: what it says is kept, what it reads is judged frame by frame, and it answers as a good one does.
//!
//! Not here: whether what it read is what it was told; that is `judge`.

use crate::book::{DIRECT, Said};
use crate::deflating::{Member, request};
use crate::frames::{BINARY, CLOSE, Frame, PING, PONG, REQUEST, TEXT, frame};
use crate::harness::Client;
use crate::sim::Conn;
use std::collections::BTreeMap;

pub struct Peer {
    pub serial: u16,
    pub conn: Conn,
    reads: Reads,
    /// The first line of the answer.
    pub status: String,
    /// What it read, in the streams whose order holds.
    pub read: BTreeMap<String, Vec<Said>>,
    /// The messages that it has sent as a whole.
    pub said: Vec<Said>,
    pub pings: Vec<Said>,
    pub pongs: Vec<Said>,
    /// The code of the Close frame that it read.
    pub closed: Option<u16>,
    /// It does not answer pings, nor a Close.
    pub is_mute: bool,
    /// It has said that it closes, or ended, or broken the connection.
    pub has_left: bool,
    /// Some of what its rooms are told is dropped for it, as it reads too slowly.
    pub misses: bool,
    /// It was there when all left, and leaves with them.
    pub has_stayed: bool,
    /// The scenario broke its connection.
    pub is_broken: bool,
}

enum Reads {
    /// The answer to its request, and what stands behind it where that is not 101.
    Head(Option<Client>),
    Frames(Box<Member>),
    /// A page, or a refusal.
    Body(Vec<u8>),
}

impl Peer {
    pub fn new(serial: u16, conn: Conn) -> Self {
        let client = Client {
            conn: conn.clone(),
            bytes: Vec::new(),
        };
        Self {
            serial,
            conn,
            reads: Reads::Head(Some(client)),
            status: String::new(),
            read: BTreeMap::new(),
            said: Vec::new(),
            pings: Vec::new(),
            pongs: Vec::new(),
            closed: None,
            is_mute: false,
            has_left: false,
            misses: false,
            has_stayed: false,
            is_broken: false,
        }
    }

    /// Asks for a WebSocket at a target, with more headers.
    pub fn ask(&self, target: &str, headers: &str) {
        let request = String::from_utf8(REQUEST.to_vec()).expect("it is ASCII");
        let request = request.replacen("GET / ", &format!("GET {target} "), 1);
        let head = request.strip_suffix("\r\n").expect("it ends so");
        self.conn.push(format!("{head}{headers}\r\n").as_bytes());
    }

    /// Asks for a WebSocket with compression.
    pub fn ask_compressed(&self, offer: &str) {
        self.conn.push(&request(offer));
    }

    /// The bytes of a message, which counts as said.
    pub fn message(&mut self, message: &Frame) -> Vec<u8> {
        self.said.push(message.payload.clone());
        match &mut self.reads {
            Reads::Frames(member) => member.message(message),
            _ => frame(0x80 | message.opcode, &message.payload),
        }
    }

    pub fn say(&mut self, text: &str) {
        let bytes = self.message(&Frame::text(text));
        self.conn.push(&bytes);
    }

    pub fn ping(&mut self, payload: &[u8]) {
        self.pings.push(payload.to_vec());
        self.conn.push(&frame(0x80 | PING, payload));
    }

    /// It says that it closes.
    pub fn leave(&mut self) {
        self.has_left = true;
        self.conn
            .push(&frame(0x80 | CLOSE, &1000_u16.to_be_bytes()));
    }

    pub fn is_open(&self) -> bool {
        let is_framed = matches!(self.reads, Reads::Frames(_));
        is_framed && self.closed.is_none() && !self.has_left && !self.conn.is_closed()
    }

    /// Reads what has come, and answers. Says whether there was anything to answer.
    pub fn react(&mut self) -> bool {
        if self.conn.untaken() == 0 {
            return false;
        }
        match &mut self.reads {
            Reads::Head(client) => {
                let mut here = client.take().expect("it is there");
                let head = here.head();
                if head.is_empty() {
                    self.reads = Reads::Head(Some(here));
                    return false;
                }
                self.status = head.lines().next().unwrap_or_default().to_owned();
                self.reads = if self.status.starts_with("HTTP/1.1 101 ") {
                    Reads::Frames(Box::new(Member::answered(here, &head)))
                } else {
                    Reads::Body(here.bytes)
                };
            }
            Reads::Body(body) => body.append(&mut self.conn.take_sent()),
            Reads::Frames(_) => {}
        }
        let Reads::Frames(member) = &mut self.reads else {
            return false;
        };
        let frames = member.frames();
        frames
            .into_iter()
            .fold(false, |any, frame| any | self.on_frame(frame))
    }

    fn on_frame(&mut self, received: Frame) -> bool {
        let Frame { opcode, payload } = received;
        assert_eq!(self.closed, None, "a frame behind a Close");
        match opcode {
            TEXT | BINARY => {
                let stream = stream_of(&payload);
                self.read.entry(stream).or_default().push(payload);
                false
            }
            PONG => {
                self.pongs.push(payload);
                false
            }
            PING => {
                if !self.is_mute {
                    self.conn.push(&frame(0x80 | PONG, &payload));
                }
                !self.is_mute
            }
            CLOSE => {
                let code = payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                self.closed = Some(code);
                if !self.is_mute {
                    if !self.has_left {
                        self.conn.push(&frame(0x80 | CLOSE, &payload));
                    }
                    self.conn.end();
                }
                !self.is_mute
            }
            other => panic!("a frame of {other:x}"),
        }
    }

    /// What it read that is not a whole answer or frame.
    pub fn unfinished(&self) -> usize {
        match &self.reads {
            Reads::Head(client) => client.as_ref().map_or(0, |client| client.bytes.len()),
            Reads::Frames(member) => member.client.bytes.len(),
            Reads::Body(_) => 0,
        }
    }

    pub fn body(&self) -> &[u8] {
        match &self.reads {
            Reads::Body(body) => body,
            _ => &[],
        }
    }
}

/// What is published begins with the name of its room.
pub fn stream_of(payload: &[u8]) -> String {
    let begin = &payload[..payload.len().min(12)];
    let is_name = |name: &[u8]| name.iter().all(|byte| b"abcdefghij*@".contains(byte));
    match begin.iter().position(|&byte| byte == b'|') {
        Some(end) if is_name(&begin[..end]) => String::from_utf8_lossy(&begin[..end]).into_owned(),
        _ => DIRECT.to_owned(),
    }
}
