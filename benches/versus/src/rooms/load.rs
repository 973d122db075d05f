//! The load of a room: one thread that is all its members.
//!
//! Members read as much at once as there is, count bytes and look for messages of their own, which are as long as all
//! others: a member says its next when it has got its own back. A run ends when everybody has got everything, so counts
//! are exact. With a [`Check`] everything is read and compared.

use super::frames::{Check, Stamp, Stream, length};
use crate::load::handshake;
use core::fmt;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Nobody is this slow, not even under strace.
const STUCK: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};
const RECEIVE_BUFFER: usize = 256 * 1024;
const EVENTS: usize = 1024;

/// Who talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// One member. All get it.
    One,
    All,
}

/// When a member says its next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many of its own are on their way and not back.
    Window(u32),
    /// When everybody has got everything.
    Lockstep,
}

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) members: usize,
    pub(crate) talk: Talk,
    pub(crate) pace: Pace,
    /// Payload bytes of a message.
    pub(crate) size: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, size, .. } = self;
        match self.talk {
            Talk::One => write!(f, "one to {members}")?,
            Talk::All => write!(f, "{members} members, all to all")?,
        }
        write!(f, ", {size} B, ")?;
        match self.pace {
            Pace::Window(own) => write!(f, "{own} of its own in flight"),
            Pace::Lockstep => write!(f, "the next when all have it"),
        }
    }
}

/// When to stop talking.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// Each sender has said so many.
    Each(u32),
    Elapsed(Duration),
}

/// What was said; all of it reached everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
    pub(crate) elapsed: Duration,
}

pub(crate) struct Room {
    shape: Shape,
    members: Vec<Member>,
    epoll: rustix::fd::OwnedFd,
    length: usize,
    buffer: Box<[u8]>,
    events: Vec<epoll::Event>,
    check: Option<Check>,
    /// Messages that were ever said, and bytes that all members got together.
    said: u64,
    received: u64,
}

struct Member {
    stream: TcpStream,
    stamp: Stamp,
    incoming: Stream,
    /// Its own that are not back.
    in_flight: u32,
    /// What it may still say in this run.
    left: u32,
    unsent: Vec<u8>,
}

impl Room {
    /// Opens the connections, one after the other: no listener's queue overflows.
    pub(crate) fn open(addr: SocketAddr, shape: Shape) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut members = Vec::with_capacity(shape.members);
        for index in 0..shape.members {
            let stream = handshake::connect(addr, index)?;
            stream.set_nonblocking(true)?;
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, data, flags)?;
            members.push(Member {
                stream,
                stamp: Stamp::new(shape.size, u32::try_from(index).unwrap_or(u32::MAX)),
                incoming: Stream::default(),
                in_flight: 0,
                left: 0,
                unsent: Vec::new(),
            });
        }
        Ok(Self {
            shape,
            members,
            epoll,
            length: length(shape.size),
            buffer: vec![0; RECEIVE_BUFFER].into_boxed_slice(),
            events: Vec::with_capacity(EVENTS),
            check: None,
            said: 0,
            received: 0,
        })
    }

    /// Each sender says so many, and everything that arrives is read and compared. Only of a new room.
    pub(crate) fn check(&mut self, each: u32) -> io::Result<()> {
        self.check = Some(Check::new(self.shape.size, self.shape.members));
        let done = self.run(Until::Each(each))?;
        self.check
            .take()
            .map_or(Ok(()), |check| check.end(done.messages))
    }

    /// Talks until then, and waits until everybody has got everything.
    pub(crate) fn run(&mut self, until: Until) -> io::Result<Done> {
        let start = Instant::now();
        let said = self.said;
        let (each, mut deadline) = match until {
            Until::Each(each) => (each, None),
            Until::Elapsed(duration) => (u32::MAX, Some(start + duration)),
        };
        for index in 0..self.senders() {
            self.members[index].left = each;
        }
        self.begin()?;
        while self.in_flight() {
            self.wait()?;
            if deadline
                .take_if(|deadline| Instant::now() >= *deadline)
                .is_some()
            {
                self.members.iter_mut().for_each(|member| member.left = 0);
            }
            let mut events = core::mem::take(&mut self.events);
            for event in events.drain(..) {
                self.turn(event.data.u64() as usize)?;
            }
            self.events = events;
            if self.shape.pace == Pace::Lockstep && !self.in_flight() {
                self.begin()?;
            }
        }
        let messages = self.said - said;
        Ok(Done {
            messages,
            deliveries: messages * self.members.len() as u64,
            elapsed: start.elapsed(),
        })
    }

    fn senders(&self) -> usize {
        match self.shape.talk {
            Talk::One => 1,
            Talk::All => self.members.len(),
        }
    }

    /// Everybody who talks fills its window.
    fn begin(&mut self) -> io::Result<()> {
        let window = match self.shape.pace {
            Pace::Window(own) => own,
            Pace::Lockstep => 1,
        };
        for index in 0..self.senders() {
            self.members[index].in_flight = 0;
            self.say(index, window)?;
        }
        Ok(())
    }

    const fn in_flight(&self) -> bool {
        self.received < self.said * self.length as u64 * self.shape.members as u64
    }

    fn wait(&mut self) -> io::Result<()> {
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&STUCK)) {
            Ok(0) => Err(io::Error::other("nothing has arrived for a minute")),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what there is, and says as many as came back.
    fn turn(&mut self, index: usize) -> io::Result<()> {
        let mut back = 0;
        loop {
            let member = &mut self.members[index];
            let received = match recv(&member.stream, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((_, 0)) => return Err(io::Error::other("the server closed a connection")),
                Ok((_, received)) => received,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let bytes = &self.buffer[..received];
            let sender = u32::try_from(index).unwrap_or(u32::MAX);
            let found = member
                .incoming
                .take(bytes, self.length, sender, member.in_flight);
            member.in_flight -= found;
            back += found;
            self.received += received as u64;
            if let Some(check) = &mut self.check {
                check.take(index, bytes)?;
            }
            // A short read emptied the socket; the next byte is an event of its own.
            if received < self.buffer.len() {
                break;
            }
        }
        if self.received > self.said * self.length as u64 * self.members.len() as u64 {
            return Err(io::Error::other("the server sent more than was said"));
        }
        let again = match self.shape.pace {
            Pace::Window(_) => back,
            Pace::Lockstep => 0,
        };
        self.say(index, again)
    }

    /// Says so many more, if the run has not ended, in one `send` with what could not be sent before.
    fn say(&mut self, index: usize, messages: u32) -> io::Result<()> {
        let member = &mut self.members[index];
        let messages = messages.min(member.left);
        member.left -= messages;
        member.in_flight += messages;
        self.said += u64::from(messages);
        for _ in 0..messages {
            member.stamp.add_to(&mut member.unsent);
        }
        if member.unsent.is_empty() {
            return Ok(());
        }
        match send(&member.stream, &member.unsent, SendFlags::NOSIGNAL) {
            Ok(sent) => drop(member.unsent.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
