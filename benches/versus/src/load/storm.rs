//! Handshakes, one after the other on many connections at once: connect, ask, be answered, be gone.

use super::handshake::{REQUEST, check, is_whole, prepare};
use super::{Done, STUCK};
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

struct Storm {
    addr: SocketAddr,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Option<Connection>>,
    buffer: [u8; 4096],
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

/// Shakes hands until then, with so many in progress at once.
pub(crate) fn storm(addr: SocketAddr, at_once: usize, duration: Duration) -> io::Result<Done> {
    let start = Instant::now();
    let mut storm = Storm {
        addr,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        connections: Vec::new(),
        buffer: [0; 4096],
    };
    for index in 0..at_once {
        storm.connections.push(None);
        storm.begin(index)?;
    }
    let (mut in_progress, mut done) = (at_once, 0);
    let mut events = Vec::with_capacity(at_once);
    while in_progress > 0 {
        match epoll::wait(&storm.epoll, spare_capacity(&mut events), Some(&STUCK)) {
            Ok(0) => return Err(io::Error::other("the server has not answered for a minute")),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let goes_on = start.elapsed() < duration;
        for event in events.drain(..) {
            let index = event.data.u64() as usize;
            if !storm.is_done(index)? {
                continue;
            }
            done += 1;
            if goes_on {
                storm.begin(index)?;
            } else {
                in_progress -= 1;
            }
        }
    }
    Ok(Done {
        messages: done,
        elapsed: start.elapsed(),
    })
}

impl Storm {
    /// Connects and asks. On the loopback the kernel does the first by itself, so waiting for it costs nothing.
    fn begin(&mut self, index: usize) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.addr)?;
        prepare(&stream)?;
        stream.write_all(REQUEST.as_bytes())?;
        stream.set_nonblocking(true)?;
        epoll::add(
            &self.epoll,
            &stream,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )?;
        self.connections[index] = Some(Connection {
            stream,
            answer: Vec::new(),
        });
        Ok(())
    }

    /// Reads an answer; true if it was whole and right, and the connection is gone.
    fn is_done(&mut self, index: usize) -> io::Result<bool> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(false);
        };
        let received = match recv(&connection.stream, &mut self.buffer[..], RecvFlags::empty()) {
            Ok((_, 0)) => return Err(io::Error::other("the server closed during the handshake")),
            Ok((_, received)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        connection.answer.extend(&self.buffer[..received]);
        if !is_whole(&connection.answer) {
            return Ok(false);
        }
        check(&connection.answer)?;
        self.connections[index] = None;
        Ok(true)
    }
}
