//! A client that blocks.

use crate::PATIENCE;
use crate::frames::{self, Frame, REQUEST};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

#[derive(Debug)]
pub struct Client {
    pub stream: TcpStream,
    /// Received and not looked at.
    pub bytes: Vec<u8>,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            bytes: Vec::new(),
        }
    }

    pub fn open(addr: SocketAddr) -> Self {
        let mut client = Self::connect(addr);
        client.send(REQUEST);
        let head = client.until(frames::take_head);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        client
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    /// Reads until the bytes so far give an answer.
    pub fn until<R>(&mut self, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> R {
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Some(found) = look(&mut self.bytes) {
                return found;
            }
            let read = self.stream.read(&mut buffer).expect("it answers");
            assert!(read > 0, "the end instead of an answer");
            self.bytes.extend_from_slice(&buffer[..read]);
        }
    }

    pub fn frame(&mut self) -> Frame {
        self.until(|bytes| {
            let range = frames::payload_range(bytes)?;
            let frame = frames::take_frames(&mut bytes.drain(..range.end).collect()).pop();
            Some(frame.expect("a whole frame"))
        })
    }

    /// Nothing but the end follows.
    pub fn assert_ended(mut self) {
        let mut rest = self.bytes;
        self.stream
            .read_to_end(&mut rest)
            .expect("an end, no reset");
        assert_eq!(rest, b"");
    }

    /// Sends while it reads, as a message may be larger than what lies between the two.
    pub fn echoes(&mut self, message: Vec<u8>, expected: &Frame) {
        let mut writer = self.stream.try_clone().expect("a second handle");
        let sender = thread::spawn(move || writer.write_all(&message));
        assert!(self.frame() == *expected);
        sender.join().expect("no panic").expect("it reads");
    }
}
