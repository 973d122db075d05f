//! Members who get a message every now and then, at fixed times, and note how late it is. Every other one of them can
//! stop reading.
//!
//! Times are those the messages were due at, not those they were sent at: who is held up is late too.

use super::frames::{Stamp, length};
use super::latency::Latencies;
use crate::Result;
use crate::load::handshake;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What a member that will stop has for what it does not read; the kernel doubles it.
const SMALL: usize = 4 * 1024;
/// A message that is not there after this never comes.
const PATIENCE: Duration = Duration::from_secs(10);
const EVENTS: usize = 1024;

pub(crate) struct Audience {
    members: Vec<Member>,
    epoll: rustix::fd::OwnedFd,
    buffer: Box<[u8]>,
    size: usize,
    stamp: Stamp,
    unsent: Vec<u8>,
    /// When each message was due.
    due: Vec<Instant>,
    /// Messages that arrived at readers, of those that were due in this phase.
    arrived: usize,
    latencies: Latencies,
}

struct Member {
    stream: TcpStream,
    /// A message that is not whole yet.
    piece: Vec<u8>,
    next: usize,
    reads: bool,
    gone: Option<Instant>,
}

/// Every other one, so that the server comes to them in between the others.
const fn can_stop(index: usize) -> bool {
    index % 2 == 1
}

impl Audience {
    /// The first member is the one that talks.
    pub(crate) fn open(addr: SocketAddr, members: usize, size: usize) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connect = |index| {
            let small = can_stop(index).then_some(SMALL);
            let stream = handshake::connect_with(addr, index, small)?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)?;
            Ok(Member {
                stream,
                piece: Vec::new(),
                next: 0,
                reads: true,
                gone: None,
            })
        };
        let members = (0..members).map(connect).collect::<io::Result<_>>()?;
        Ok(Self {
            members,
            epoll,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
            size,
            stamp: Stamp::new(size, 0),
            unsent: Vec::new(),
            due: Vec::new(),
            arrived: 0,
            latencies: Latencies::default(),
        })
    }

    /// Sends so many messages at this distance, and waits until all readers have them. How late they were at those who
    /// never stop comes back. `pause` is called after each message that everybody has, with the time that is left until
    /// the next.
    pub(crate) fn listen(
        &mut self,
        messages: usize,
        distance: Duration,
        mut pause: impl FnMut(&Self, Duration) -> Result<()>,
    ) -> Result<Latencies> {
        let start = Instant::now();
        let first = self.due.len();
        let readers = self.members.iter().filter(|member| member.reads).count();
        self.arrived = 0;
        let mut paused = 0;
        loop {
            let said = self.due.len() - first;
            let next = start + distance * u32::try_from(said).unwrap_or(u32::MAX);
            if self.arrived == said * readers {
                if said == messages {
                    return Ok(core::mem::take(&mut self.latencies));
                }
                if paused < said {
                    paused = said;
                    pause(self, next.saturating_duration_since(Instant::now()))?;
                }
            }
            let now = Instant::now();
            if said < messages && now >= next {
                self.say(next)?;
            } else if said == messages && now > next + PATIENCE {
                let missing = said * readers - self.arrived;
                return Err(format!("{missing} messages have not arrived").into());
            }
            self.hear(next.saturating_duration_since(now))?;
        }
    }

    /// Every other member reads no more.
    pub(crate) fn stop_half(&mut self) -> io::Result<()> {
        for (index, member) in self.members.iter_mut().enumerate() {
            if can_stop(index) {
                member.reads = false;
                let data = epoll::EventData::new_u64(index as u64);
                // Errors and hang-ups are reported always.
                epoll::modify(&self.epoll, &member.stream, data, epoll::EventFlags::RDHUP)?;
            }
        }
        Ok(())
    }

    /// Of those that can stop: the port, and when the connection ended.
    pub(crate) fn stopped(&self) -> impl Iterator<Item = (u16, Option<Instant>)> {
        let stopped = self.members.iter().skip(1).step_by(2);
        stopped.map(|member| {
            let port = member.stream.local_addr().map_or(0, |addr| addr.port());
            (port, member.gone)
        })
    }

    fn say(&mut self, due: Instant) -> io::Result<()> {
        self.due.push(due);
        self.stamp.add_to(&mut self.unsent);
        match send(
            &self.members[0].stream,
            &self.unsent,
            SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        ) {
            Ok(sent) => drop(self.unsent.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Waits for this long at most. The kernel would round up to milliseconds; what is left of them is polled away.
    fn hear(&mut self, at_most: Duration) -> Result<()> {
        let milliseconds = i64::try_from(at_most.as_millis()).unwrap_or(0).min(1000);
        let timeout = Timespec {
            tv_sec: milliseconds / 1000,
            tv_nsec: milliseconds % 1000 * 1_000_000,
        };
        let mut events = Vec::with_capacity(EVENTS);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events {
            let index = event.data.u64() as usize;
            if self.members[index].reads {
                self.read(index)
                    .map_err(|error| format!("member {index}, who reads: {error}"))?;
            } else {
                let member = &mut self.members[index];
                member.gone = Some(Instant::now());
                epoll::delete(&self.epoll, &member.stream)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        let member = &mut self.members[index];
        let received = match recv(&member.stream, &mut self.buffer[..], RecvFlags::empty()) {
            Ok((_, 0)) => return Err(io::Error::other("the server closed the connection")),
            Ok((_, received)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let now = Instant::now();
        member.piece.extend(&self.buffer[..received]);
        let mut taken = 0;
        while let Some(frame) = next_frame(&member.piece[taken..])? {
            taken += frame.length();
            let Frame::Message(message) = frame else {
                let pong = frame.pong();
                // One that does not fit is missed by the server, and that is reported.
                send(&member.stream, &pong, SendFlags::NOSIGNAL)?;
                continue;
            };
            let number = message[message.len() - self.size..].first_chunk();
            if message.len() != length(self.size)
                || number.map(|number| u32::from_le_bytes(*number) as usize) != Some(member.next)
            {
                return Err(io::Error::other(format!("got no message {}", member.next)));
            }
            let due = self.due[member.next];
            member.next += 1;
            self.arrived += 1;
            if !can_stop(index) {
                self.latencies.add(now.saturating_duration_since(due));
            }
        }
        member.piece.drain(..taken);
        Ok(())
    }
}

/// A whole frame of a server's, header and all.
#[derive(Debug, PartialEq)]
enum Frame<'b> {
    Message(&'b [u8]),
    /// Who is silent is asked whether it lives.
    Ping(&'b [u8]),
}

impl Frame<'_> {
    const fn length(&self) -> usize {
        match self {
            Self::Message(bytes) | Self::Ping(bytes) => bytes.len(),
        }
    }

    /// The same payload; the key of zeros is legal, and changes nothing of it.
    fn pong(&self) -> Vec<u8> {
        let (Self::Message(bytes) | Self::Ping(bytes)) = self;
        let mut pong = vec![0x8a, 0x80 | bytes[1], 0, 0, 0, 0];
        pong.extend(&bytes[2..]);
        pong
    }
}

/// The next, if it is whole. Only messages and pings are expected.
fn next_frame(bytes: &[u8]) -> io::Result<Option<Frame<'_>>> {
    let header = match bytes.get(1) {
        None => return Ok(None),
        Some(126) => 4,
        Some(127) => 10,
        Some(_) => 2,
    };
    let Some(head) = bytes.get(..header) else {
        return Ok(None);
    };
    let payload = match &head[2..] {
        [] => u64::from(head[1]),
        more => more
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    let length = usize::try_from(payload).unwrap_or(usize::MAX);
    let Some(frame) = bytes.get(..length.saturating_add(header)) else {
        return Ok(None);
    };
    match frame[0] {
        0x82 => Ok(Some(Frame::Message(frame))),
        0x89 => Ok(Some(Frame::Ping(frame))),
        0x88 => Err(io::Error::other("the server said goodbye")),
        other => Err(io::Error::other(format!("a frame beginning {other:#04x}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, next_frame};
    use crate::load::frame::{Payload, unmasked};

    #[test]
    fn frames_are_taken_when_they_are_whole() {
        for size in [0, 1, 125, 126, 1024, 65_536] {
            let content = Payload::Binary.content(size, 0);
            let frame = unmasked(Payload::Binary, &content);
            for cut in [0, 1, 2, frame.len() / 2, frame.len()] {
                let cut = cut.min(frame.len() - 1);
                assert_eq!(next_frame(&frame[..cut]).unwrap(), None, "{size} {cut}");
            }
            let more = [&frame[..], &[0x82]].concat();
            assert_eq!(next_frame(&more).unwrap(), Some(Frame::Message(&frame)));
        }
        assert!(next_frame(b"\x88\x02\x03\xe8").is_err());
        assert!(next_frame(b"\x81\x00").is_err());
    }

    #[test]
    fn pings_are_answered_with_what_they_carry() {
        let ping = next_frame(b"\x89\x02hi").unwrap().unwrap();
        assert_eq!(ping.pong(), b"\x8a\x82\0\0\0\0hi");
    }
}
