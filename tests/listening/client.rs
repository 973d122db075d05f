//! A client that blocks, on any stream.

use crate::PATIENCE;
use crate::frames::{self, Frame, REQUEST, text};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

pub struct Client {
    stream: Box<dyn Stream>,
    /// Received and not looked at.
    bytes: Vec<u8>,
}

impl Client {
    pub fn tcp(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::on(stream))
    }

    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::on(stream))
    }

    fn on(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            bytes: Vec::new(),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    /// Asks for a connection; gives the answer's first line.
    pub fn ask(&mut self) -> io::Result<String> {
        self.stream.write_all(REQUEST)?;
        let head = self.until(frames::take_head)?;
        Ok(head.lines().next().unwrap_or_default().to_owned())
    }

    #[track_caller]
    pub fn assert_open(&mut self) {
        let answer = self.ask().expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }

    #[track_caller]
    pub fn assert_echoes(&mut self) {
        self.send(&text("are you there?"));
        assert_eq!(self.frame(), Frame::text("are you there?"));
    }

    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        let frame = self.until(|bytes| {
            let range = frames::payload_range(bytes)?;
            frames::take_frames(&mut bytes.drain(..range.end).collect()).pop()
        });
        frame.expect("a frame")
    }

    /// Whatever follows, to the end; nothing, where that was a reset.
    pub fn rest(mut self) -> Vec<u8> {
        let _ = self.stream.read_to_end(&mut self.bytes);
        self.bytes
    }

    /// Reads until the bytes so far give an answer.
    fn until<R>(&mut self, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> io::Result<R> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(found) = look(&mut self.bytes) {
                return Ok(found);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }
}
