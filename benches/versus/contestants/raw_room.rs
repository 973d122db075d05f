//! The floor of a room: what arrives in a turn is unmasked into one buffer, and every member gets that in one `send`.
//! Level-triggered; nothing of a frame is looked at but its length and its mask, and the handshake is one fixed answer.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags, SocketFlags};
use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

const RECEIVE_BUFFER: usize = 512 * 1024;
const EVENTS: usize = 1024;
/// The answer to the one key that the load sends.
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Member {
    socket: OwnedFd,
    greeted: bool,
    /// A frame that is not whole yet.
    piece: Vec<u8>,
    /// What the kernel did not take: a turn's buffer, and where to go on. Nothing is copied.
    unsent: VecDeque<(Rc<Vec<u8>>, usize)>,
}

/// The members, by descriptor, which are small and dense.
struct Room {
    epoll: OwnedFd,
    members: Vec<Option<Member>>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let listening = listener.as_raw_fd() as usize;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, data(listening), EventFlags::IN)?;
    let mut room = Room {
        epoll,
        members: Vec::new(),
    };
    let mut buffer = vec![0; RECEIVE_BUFFER];
    let mut events = Vec::with_capacity(EVENTS);
    let mut log = Rc::new(Vec::new());
    loop {
        match epoll::wait(&room.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The last turn's buffer again, unless a slow member still reads it.
        if let Some(log) = Rc::get_mut(&mut log) {
            log.clear();
        } else {
            log = Rc::default();
        }
        for event in events.drain(..) {
            let index = event.data.u64() as usize;
            if index == listening {
                room.accept(&listener)?;
            } else {
                let log = Rc::get_mut(&mut log).ok_or(io::ErrorKind::Other)?;
                let flags = event.flags;
                let writable = flags.contains(EventFlags::OUT);
                room.on_event(index, writable, &mut buffer, log);
            }
        }
        if !log.is_empty() {
            room.publish(&log);
        }
    }
}

fn data(index: usize) -> EventData {
    EventData::new_u64(index as u64)
}

impl Room {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
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
            epoll::add(&self.epoll, &socket, data(index), EventFlags::IN)?;
            if self.members.len() <= index {
                self.members.resize_with(index + 1, || None);
            }
            self.members[index] = Some(Member {
                socket,
                greeted: false,
                piece: Vec::new(),
                unsent: VecDeque::new(),
            });
        }
    }

    /// One read, as far as it goes. An error ends the connection.
    fn on_event(&mut self, index: usize, writable: bool, buffer: &mut [u8], log: &mut Vec<u8>) {
        let Some(member) = &mut self.members[index] else {
            return;
        };
        let rest = if writable {
            member.send_rest(&self.epoll)
        } else {
            Ok(())
        };
        if rest.and_then(|()| member.read(buffer, log)).is_err() {
            self.members[index] = None;
        }
    }

    fn publish(&mut self, log: &Rc<Vec<u8>>) {
        for member in &mut self.members {
            if let Some(open) = member
                && open.greeted
                && open.send(&self.epoll, log).is_err()
            {
                *member = None;
            }
        }
    }
}

impl Member {
    fn read(&mut self, buffer: &mut [u8], log: &mut Vec<u8>) -> Result<(), Errno> {
        let received = match net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((_, 0)) => return Err(Errno::CONNRESET),
            Ok((_, received)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..received];
        if !self.greeted {
            // The request is small and comes in one piece.
            self.greeted = bytes.ends_with(b"\r\n\r\n");
            net::send(&self.socket, ANSWER, SendFlags::NOSIGNAL)?;
        } else if self.piece.is_empty() {
            let taken = unmask_all(bytes, log);
            self.piece.extend(&bytes[taken..]);
        } else {
            self.piece.extend(bytes);
            let taken = unmask_all(&self.piece, log);
            self.piece.drain(..taken);
        }
        Ok(())
    }

    fn send(&mut self, epoll: &OwnedFd, log: &Rc<Vec<u8>>) -> Result<(), Errno> {
        let mut sent = 0;
        if self.unsent.is_empty() {
            sent = match net::send(&self.socket, log, SendFlags::NOSIGNAL) {
                Ok(sent) if sent == log.len() => return Ok(()),
                Ok(sent) => sent,
                Err(Errno::AGAIN | Errno::INTR) => 0,
                Err(error) => return Err(error),
            };
            self.watch(epoll, EventFlags::IN | EventFlags::OUT)?;
        }
        self.unsent.push_back((log.clone(), sent));
        Ok(())
    }

    fn send_rest(&mut self, epoll: &OwnedFd) -> Result<(), Errno> {
        while let Some((log, at)) = self.unsent.front_mut() {
            match net::send(&self.socket, &log[*at..], SendFlags::NOSIGNAL) {
                Ok(sent) => *at += sent,
                Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
                Err(error) => return Err(error),
            }
            if *at == log.len() {
                self.unsent.pop_front();
            }
        }
        self.watch(epoll, EventFlags::IN)
    }

    fn watch(&self, epoll: &OwnedFd, flags: EventFlags) -> Result<(), Errno> {
        let index = self.socket.as_raw_fd() as usize;
        epoll::modify(epoll, &self.socket, data(index), flags)
    }
}

/// Appends the whole frames as a server sends them; says how many bytes they were.
fn unmask_all(bytes: &[u8], log: &mut Vec<u8>) -> usize {
    let mut taken = 0;
    while let Some(frame) = unmask(&bytes[taken..], log) {
        taken += frame;
    }
    taken
}

/// Appends one frame, if it is whole.
fn unmask(bytes: &[u8], log: &mut Vec<u8>) -> Option<usize> {
    let short = bytes.get(1)? & 0x7f;
    let (header, length) = match short {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize,
        ),
        127 => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        ),
        _ => (2, short as usize),
    };
    let key: [u8; 4] = bytes.get(header..header + 4)?.try_into().ok()?;
    let end = (header + 4).checked_add(length)?;
    let payload = bytes.get(header + 4..end)?;
    log.extend([bytes[0], short]);
    log.extend(&bytes[2..header]);
    let start = log.len();
    log.extend(payload);
    for four in log[start..].chunks_mut(4) {
        four.iter_mut()
            .zip(key)
            .for_each(|(byte, key)| *byte ^= key);
    }
    Some(end)
}
