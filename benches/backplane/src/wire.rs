//! Connections of the load: plain sockets, frames made beforehand, and frames that are read as they come.

use crate::Result;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The key from RFC 6455, 1.3. Nothing is hashed here.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
/// Longer frames have another header, which is not needed here.
const MAX_PAYLOAD: usize = 125;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Text = 0x81,
    Binary = 0x82,
}

/// Puts a masked frame behind what there is.
pub(crate) fn frame(kind: Kind, payload: &[u8], into: &mut Vec<u8>) {
    assert!(payload.len() <= MAX_PAYLOAD, "messages are short here");
    into.extend([kind as u8, 0x80 | payload.len() as u8]);
    into.extend(MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    into.extend(masked.map(|(byte, mask)| byte ^ mask));
}

/// Connects, and shakes hands.
pub(crate) fn connect(addr: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.extend(byte);
    }
    if answer.starts_with(b"HTTP/1.1 101 ") {
        Ok(stream)
    } else {
        Err(String::from_utf8_lossy(&answer).into_owned().into())
    }
}

/// Connects a member of these rooms.
pub(crate) fn join(addr: SocketAddr, rooms: impl Iterator<Item = String>) -> Result<TcpStream> {
    let mut stream = connect(addr)?;
    for room in rooms {
        let text = format!("join {room}");
        let mut frames = Vec::new();
        frame(Kind::Text, text.as_bytes(), &mut frames);
        stream.write_all(&frames)?;
        let mut answer = vec![0; 2 + text.len()];
        stream.read_exact(&mut answer)?;
        if answer[2..] != *text.as_bytes() {
            return Err("the server did not answer a join".into());
        }
    }
    Ok(stream)
}

/// What comes on a connection.
#[derive(Debug)]
pub(crate) struct Inlet {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Inlet {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: vec![0; 256 << 10],
            filled: 0,
        }
    }

    /// Reads once, and gives the payload of each message that is whole then. `false`: there is no more.
    pub(crate) fn read(&mut self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let read = match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        self.filled += read;
        let mut at = 0;
        while let Some([first, len]) = self.buffer[at..self.filled].first_chunk() {
            let end = at + 2 + usize::from(*len);
            if usize::from(*len) > MAX_PAYLOAD {
                return Err("a longer frame than was sent".into());
            }
            if end > self.filled {
                break;
            }
            match first {
                0x81 | 0x82 => each(&self.buffer[at + 2..end])?,
                // A Ping: a run is over before its answer is missed.
                0x89 => {}
                _ => return Err("not a message".into()),
            }
            at = end;
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(true)
    }
}
