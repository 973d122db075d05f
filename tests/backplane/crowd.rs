//! Clients, all on the thread of the test: each speaks at once, and hears when it is looked at.

use super::frames::{self, PING, REQUEST, TEXT};
use super::until;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

pub struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// Texts that it has heard, but for answers.
    pub heard: Vec<String>,
    /// Answers to what it has asked for.
    answers: usize,
    pub is_open: bool,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        Self::connect_to(addr, "/")
    }

    pub fn connect_to(addr: SocketAddr, target: &str) -> Self {
        let request = String::from_utf8_lossy(REQUEST);
        let request = request.replacen("GET / ", &format!("GET {target} "), 1);
        let mut stream = TcpStream::connect(addr).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.write_all(request.as_bytes()).expect("it is small");
        stream.set_nonblocking(true).expect("a socket");
        let mut client = Self {
            stream,
            bytes: Vec::new(),
            heard: Vec::new(),
            answers: 0,
            is_open: true,
        };
        until("the handshake is answered", || {
            client.receive();
            frames::take_head(&mut client.bytes)
        });
        client
    }

    /// What is said is little, and the server reads it.
    pub fn say(&mut self, text: &str) {
        let frame = frames::text(text);
        let mut at = 0;
        until("the server reads", || {
            match self.stream.write(&frame[at..]) {
                Ok(count) => at += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            (at == frame.len()).then_some(())
        });
    }

    fn receive(&mut self) {
        let mut buffer = [0; 16 << 10];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.is_open = false;
                    return;
                }
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_open = false;
                    return;
                }
            }
        }
    }

    /// Hears what has come.
    pub fn hear(&mut self) {
        self.receive();
        for frame in frames::take_frames(&mut self.bytes) {
            if frame.opcode == PING {
                let _ = self.stream.write(&frames::pong(&frame.payload));
            }
            if frame.opcode != TEXT {
                continue;
            }
            let text = String::from_utf8(frame.payload).expect("a text");
            if text.starts_with("join ") || text.starts_with("leave ") {
                self.answers += 1;
            } else {
                self.heard.push(text);
            }
        }
    }

    /// Asks for something, and waits for the answer.
    pub fn ask(&mut self, text: &str) {
        let before = self.answers;
        self.say(text);
        until("an answer", || {
            self.hear();
            (self.answers > before).then_some(())
        });
    }
}
