//! The floor: reads bytes and sends them back as they came. Frames are not looked at, and the handshake is one fixed
//! answer, so what a WebSocket server costs more than this is WebSocket. Level-triggered like uWebSockets; with the
//! argument `--edge`, edge-triggered: every socket is registered once, and a short read has emptied it.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags, SocketFlags};
use std::env;
use std::io;
use std::net::TcpListener;

/// As large as the one of uWebSockets.
const RECEIVE_BUFFER: usize = 512 * 1024;
const EVENTS: usize = 1024;
/// The answer to the one key that the load sends.
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct Connection {
    socket: OwnedFd,
    greeted: bool,
    /// It is told once of what has come, so it reads until there is no more.
    edge: bool,
    /// What the kernel did not take yet; nothing is read meanwhile.
    unsent: Vec<u8>,
}

fn main() -> io::Result<()> {
    let edge = env::args().any(|arg| arg == "--edge");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // std's queue of 128 is short beside those of the others.
    net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}", listener.local_addr()?);
    let listening = listener.as_raw_fd();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, data(listening), EventFlags::IN)?;

    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; RECEIVE_BUFFER];
    let mut events = Vec::with_capacity(EVENTS);
    loop {
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            let index = event.data.u64() as usize;
            if index == listening as usize {
                accept(&listener, &epoll, edge, &mut connections)?;
            } else if let Some(connection) = &mut connections[index]
                && connection.turn(&epoll, &mut buffer).is_err()
            {
                connections[index] = None;
            }
        }
    }
}

/// Descriptors are small and dense: they are the index as well.
fn data(fd: i32) -> EventData {
    EventData::new_u64(fd as u64)
}

fn accept(
    listener: &TcpListener,
    epoll: &OwnedFd,
    edge: bool,
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
        let index = socket.as_raw_fd();
        let events = if edge {
            EventFlags::IN | EventFlags::OUT | EventFlags::ET
        } else {
            EventFlags::IN
        };
        epoll::add(epoll, &socket, data(index), events)?;
        let index = index as usize;
        if connections.len() <= index {
            connections.resize_with(index + 1, || None);
        }
        connections[index] = Some(Connection {
            socket,
            greeted: false,
            edge,
            unsent: Vec::new(),
        });
    }
}

impl Connection {
    /// One event: one read, one write, as far as they go; told once, again until a read is short. An error ends the
    /// connection.
    fn turn(&mut self, epoll: &OwnedFd, buffer: &mut [u8]) -> Result<(), Errno> {
        if !self.unsent.is_empty() {
            self.send_rest(epoll)?;
            if !self.edge || !self.unsent.is_empty() {
                return Ok(());
            }
        }
        while self.read(epoll, buffer)? == buffer.len() && self.edge && self.unsent.is_empty() {}
        Ok(())
    }

    /// Reads, and sends that back; says how much it was.
    fn read(&mut self, epoll: &OwnedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
        let received = match net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((_, 0)) => return Err(Errno::CONNRESET),
            Ok((_, received)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(0),
            Err(error) => return Err(error),
        };
        if self.greeted {
            self.send(epoll, &buffer[..received])?;
        } else {
            // The request is small and comes in one piece.
            self.greeted = buffer[..received].ends_with(b"\r\n\r\n");
            self.send(epoll, if self.greeted { ANSWER } else { b"" })?;
        }
        Ok(received)
    }

    fn send(&mut self, epoll: &OwnedFd, bytes: &[u8]) -> Result<(), Errno> {
        let sent = match net::send(&self.socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(error) => return Err(error),
        };
        if sent < bytes.len() {
            self.unsent.extend(&bytes[sent..]);
            self.watch(epoll, EventFlags::OUT)?;
        }
        Ok(())
    }

    fn send_rest(&mut self, epoll: &OwnedFd) -> Result<(), Errno> {
        match net::send(&self.socket, &self.unsent, SendFlags::NOSIGNAL) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if self.unsent.is_empty() {
            self.watch(epoll, EventFlags::IN)?;
        }
        Ok(())
    }

    fn watch(&self, epoll: &OwnedFd, flags: EventFlags) -> Result<(), Errno> {
        if self.edge {
            return Ok(());
        }
        epoll::modify(epoll, &self.socket, data(self.socket.as_raw_fd()), flags)
    }
}
