//! The floor of large messages: received where it will be sent from, unmasked while that is in the cache, and sent from
//! there. Edge-triggered; nothing of a frame is looked at but its length and its mask, a connection has one message at a
//! time, and the handshake is one fixed answer.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags, SocketFlags};
use std::io;
use std::net::TcpListener;

/// What is read at once: it is still in the second-level cache when it is unmasked.
const AT_ONCE: usize = 256 * 1024;
/// FIN, opcode, a length of eight bytes and a mask.
const LONGEST_HEADER: usize = 14;
const EVENTS: usize = 1024;
/// The answer to the one key that the load sends.
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Connection {
    socket: OwnedFd,
    greeted: bool,
    /// A frame as it came, and the answer in its place.
    buffer: Vec<u8>,
    received: usize,
    frame: Option<Frame>,
}

/// The frame that is coming in, or whose answer is going out.
struct Frame {
    key: [u8; 4],
    payload: usize,
    end: usize,
    unmasked: usize,
    /// Where the answer begins, and how far it is out; once everything is in.
    answer: Option<usize>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let listening = listener.as_raw_fd() as usize;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, data(listening), EventFlags::IN)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            let index = event.data.u64() as usize;
            if index == listening {
                accept(&listener, &epoll, &mut connections)?;
            } else if let Some(connection) = &mut connections[index]
                && connection.turn().is_err()
            {
                connections[index] = None;
            }
        }
    }
}

/// Descriptors are small and dense: they are the index as well.
fn data(index: usize) -> EventData {
    EventData::new_u64(index as u64)
}

fn accept(
    listener: &TcpListener,
    epoll: &OwnedFd,
    connections: &mut Vec<Option<Connection>>,
) -> io::Result<()> {
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = match net::accept_with(listener, flags) {
            Ok(socket) => socket,
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR | Errno::CONNABORTED) => continue,
            Err(error) => return Err(error.into()),
        };
        net::sockopt::set_tcp_nodelay(&socket, true)?;
        let index = socket.as_raw_fd() as usize;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(epoll, &socket, data(index), flags)?;
        if connections.len() <= index {
            connections.resize_with(index + 1, || None);
        }
        connections[index] = Some(Connection {
            socket,
            greeted: false,
            buffer: vec![0; 1024],
            received: 0,
            frame: None,
        });
    }
}

impl Connection {
    /// Goes on until the socket has nothing more, or takes nothing more. An error ends the connection.
    fn turn(&mut self) -> Result<(), Errno> {
        loop {
            if !self.send()? {
                return Ok(());
            }
            let wanted = self.frame.as_ref().map_or(1024, |frame| frame.end);
            let until = wanted.min(self.received + AT_ONCE);
            let place = &mut self.buffer[self.received..until];
            match net::recv(&self.socket, place, RecvFlags::empty()) {
                Ok((_, 0)) => return Err(Errno::CONNRESET),
                Ok((_, received)) => self.received += received,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            }
            self.take()?;
        }
    }

    /// Unmasks what has come, and makes it the answer once it is whole.
    fn take(&mut self) -> Result<(), Errno> {
        if !self.greeted {
            // The request is small and comes in one piece.
            self.greeted = self.buffer[..self.received].ends_with(b"\r\n\r\n");
            if self.greeted {
                net::send(&self.socket, ANSWER, SendFlags::NOSIGNAL)?;
                self.received = 0;
            }
            return Ok(());
        }
        if self.frame.is_none() {
            self.frame = Frame::read(&self.buffer[..self.received]);
        }
        let Some(frame) = &mut self.frame else {
            return Ok(());
        };
        if self.received > frame.end {
            return Err(Errno::PROTO); // a second message, which nobody sends here
        }
        if self.buffer.len() < frame.end {
            self.buffer.resize(frame.end, 0);
        }
        frame.unmask(&mut self.buffer[..self.received]);
        if self.received == frame.end {
            frame.answer = Some(frame.build_answer(&mut self.buffer));
        }
        Ok(())
    }

    /// Sends what is ready; true if nothing is left.
    fn send(&mut self) -> Result<bool, Errno> {
        let Some(Frame {
            answer: Some(at),
            end,
            ..
        }) = &mut self.frame
        else {
            return Ok(true);
        };
        while at < end {
            match net::send(&self.socket, &self.buffer[*at..*end], SendFlags::NOSIGNAL) {
                Ok(sent) => *at += sent,
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        self.frame = None;
        self.received = 0;
        Ok(true)
    }
}

impl Frame {
    /// Reads a header, if it is whole.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (header, length) = match bytes.get(1)? & 0x7f {
            126 => {
                let length = bytes.get(2..4)?.try_into().ok()?;
                (4, usize::from(u16::from_be_bytes(length)))
            }
            127 => {
                let length = bytes.get(2..10)?.try_into().ok()?;
                (10, u64::from_be_bytes(length) as usize)
            }
            short => (2, usize::from(short)),
        };
        let payload = header + 4;
        Some(Self {
            key: bytes.get(header..payload)?.try_into().ok()?,
            payload,
            end: payload.checked_add(length)?,
            unmasked: payload,
            answer: None,
        })
    }

    /// Unmasks what is new, but for a last piece that is shorter than a key: that waits.
    fn unmask(&mut self, bytes: &mut [u8]) {
        let whole = if bytes.len() == self.end {
            self.end
        } else {
            bytes.len() - (bytes.len() - self.unmasked) % 4
        };
        let mut words = bytes[self.unmasked..whole].chunks_exact_mut(4);
        let key = u32::from_ne_bytes(self.key);
        for word in &mut words {
            let four = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]) ^ key;
            word.copy_from_slice(&four.to_ne_bytes());
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(self.key) {
            *byte ^= key;
        }
        self.unmasked = whole;
    }

    /// Writes the answer's header in front of the payload, where the other one ends; says where it begins.
    fn build_answer(&self, buffer: &mut [u8]) -> usize {
        let header = self.payload - 4;
        let mut copy = [0; LONGEST_HEADER];
        copy[..header].copy_from_slice(&buffer[..header]);
        copy[1] &= 0x7f;
        buffer[4..self.payload].copy_from_slice(&copy[..header]);
        4
    }
}
