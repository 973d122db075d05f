//! The load: one thread that keeps messages in flight on many connections, as cheaply as it can.
//!
//! Every contestant gets the same. Frames are prebuilt, replies are counted in bytes and not parsed; the first reply
//! on each connection is compared byte by byte. A batch is sent at once and its replies are awaited before the next,
//! so what is in flight is known, and every run ends with nothing in flight: counts are exact.
//!
//! It does not keep to a rate, and measures no latency: a server that is slower is asked less. `open_loop` does.

pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod open_loop;
pub(crate) mod storm;

use crate::contestants::Reply;
use core::fmt;
use frame::{Payload, Script, masked, unmasked};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Nobody is this slow, not even under valgrind: a server that says nothing for so long is stuck.
const STUCK: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};
const RECEIVE_BUFFER: usize = 256 * 1024;
const EVENTS: usize = 1024;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Payload bytes of a message.
    pub(crate) size: usize,
    pub(crate) connections: usize,
    /// Messages sent at once on a connection.
    pub(crate) pipeline: usize,
    pub(crate) payload: Payload,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.payload {
            Payload::Binary => "bytes",
            Payload::Text(Script::Ascii) => "bytes of ASCII text",
            Payload::Text(Script::Mixed) => "bytes of text in several scripts",
        };
        let Self {
            size,
            connections,
            pipeline,
            ..
        } = self;
        write!(
            f,
            "{size} {what} × {connections} connections × {pipeline} at once"
        )
    }
}

/// When to stop sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// A number of messages; rounded up to whole batches.
    Messages(u64),
    Elapsed(Duration),
}

/// What was done; all of it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) messages: u64,
    pub(crate) elapsed: Duration,
}

pub(crate) struct Load {
    connections: Vec<Connection>,
    epoll: rustix::fd::OwnedFd,
    /// What each connection sends at once, and what must come back.
    batch: Vec<u8>,
    reply: Vec<u8>,
    pipeline: u64,
    buffer: Box<[u8]>,
    events: Vec<epoll::Event>,
}

struct Connection {
    stream: TcpStream,
    /// How much of the batch is out, and of its reply is in.
    sent: usize,
    received: usize,
    /// A whole reply was compared.
    compared: bool,
}

/// Whether another batch may be sent.
struct Allowance {
    batches: u64,
    deadline: Option<Instant>,
}

impl Load {
    /// Opens the connections, one after the other: no listener's queue overflows, and no SYN waits to be sent again.
    pub(crate) fn open(addr: SocketAddr, shape: Shape, reply: Reply) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(shape.connections);
        for index in 0..shape.connections {
            let stream = handshake::connect(addr, index)?;
            stream.set_nonblocking(true)?;
            // Registered once, edge-triggered: the cheapest there is.
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            epoll::add(
                &epoll,
                &stream,
                epoll::EventData::new_u64(index as u64),
                flags,
            )?;
            connections.push(Connection {
                stream,
                sent: 0,
                received: 0,
                compared: false,
            });
        }
        let (batch, reply) = exchange(shape, reply);
        Ok(Self {
            connections,
            epoll,
            batch,
            reply,
            pipeline: shape.pipeline as u64,
            buffer: vec![0; RECEIVE_BUFFER].into_boxed_slice(),
            events: Vec::with_capacity(EVENTS),
        })
    }

    /// Sends until then, and waits for all replies.
    pub(crate) fn run(&mut self, until: Until) -> io::Result<Done> {
        let start = Instant::now();
        let mut allowance = Allowance::new(until, self.pipeline, start);
        let (mut in_flight, mut batches) = (0, 0);
        for index in 0..self.connections.len() {
            if allowance.take() {
                self.send(index)?;
                in_flight += 1;
            }
        }
        while in_flight > 0 {
            self.wait()?;
            allowance.look_at_the_clock();
            let mut events = core::mem::take(&mut self.events);
            for event in events.drain(..) {
                let index = event.data.u64() as usize;
                if !self.is_answered(index)? {
                    continue;
                }
                batches += 1;
                if allowance.take() {
                    self.send(index)?;
                } else {
                    in_flight -= 1;
                }
            }
            self.events = events;
        }
        Ok(Done {
            messages: batches * self.pipeline,
            elapsed: start.elapsed(),
        })
    }

    fn wait(&mut self) -> io::Result<()> {
        let woken = epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&STUCK));
        match woken {
            Ok(0) => Err(io::Error::other("the server has not replied for a minute")),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends what is left of the batch, as far as the kernel takes it.
    fn send(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        while connection.sent < self.batch.len() {
            let rest = &self.batch[connection.sent..];
            match send(&connection.stream, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => connection.sent += sent,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Handles one event; true if it completed the replies to a batch.
    fn is_answered(&mut self, index: usize) -> io::Result<bool> {
        // Between runs, and while it connects, a connection has events that mean nothing.
        if self.connections[index].sent == 0 {
            return Ok(false);
        }
        self.send(index)?;
        let connection = &mut self.connections[index];
        loop {
            let (_, received) =
                match recv(&connection.stream, &mut self.buffer[..], RecvFlags::empty()) {
                    Ok(received) => received,
                    Err(Errno::AGAIN) => return Ok(false),
                    Err(Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                };
            connection.take(&self.buffer[..received], &self.reply)?;
            if connection.received == self.reply.len() && connection.sent == self.batch.len() {
                (connection.sent, connection.received) = (0, 0);
                connection.compared = true;
                return Ok(true);
            }
            // A short read emptied the socket; the next byte is an event of its own.
            if received < self.buffer.len() {
                return Ok(false);
            }
        }
    }
}

impl Connection {
    /// Accounts for received bytes.
    fn take(&mut self, bytes: &[u8], reply: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Err(io::Error::other("the server closed a connection"));
        }
        let Some(expected) = reply.get(self.received..self.received + bytes.len()) else {
            return Err(io::Error::other("the server sent more than was asked for"));
        };
        if !self.compared && bytes != expected {
            return Err(io::Error::other("a reply is not what was sent"));
        }
        self.received += bytes.len();
        Ok(())
    }
}

impl Allowance {
    fn new(until: Until, pipeline: u64, start: Instant) -> Self {
        match until {
            Until::Messages(messages) => Self {
                batches: messages.div_ceil(pipeline),
                deadline: None,
            },
            Until::Elapsed(duration) => Self {
                batches: u64::MAX,
                deadline: Some(start + duration),
            },
        }
    }

    const fn take(&mut self) -> bool {
        let left = self.batches > 0;
        self.batches -= left as u64;
        left
    }

    fn look_at_the_clock(&mut self) {
        if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            self.batches = 0;
        }
    }
}

/// A batch of frames, each with a key of its own, and what must come back for it.
fn exchange(shape: Shape, reply: Reply) -> (Vec<u8>, Vec<u8>) {
    let (mut batch, mut replies) = (Vec::new(), Vec::new());
    for index in 0..shape.pipeline {
        let content = shape.payload.content(shape.size, index);
        // None of its bytes is zero: a key of zeros may be skipped.
        let key = [0x5a, 0x13, 0xc7, 0x81 | (index as u8) << 1];
        let frame = masked(shape.payload, &content, key);
        match reply {
            Reply::Unmasked => replies.extend(unmasked(shape.payload, &content)),
            Reply::Verbatim => replies.extend(&frame),
        }
        batch.extend(frame);
    }
    (batch, replies)
}
