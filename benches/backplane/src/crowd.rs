//! Two nodes of one broker, a member of all rooms on each, and a client that publishes on the first.
//!
//! Every message has the number of its room in front, its own number, and the moment in which it was due. Members look that
//! nothing is missing, comes twice or out of order.

use crate::Result;
use crate::broker::Broker;
use crate::process::Process;
use crate::serve::room;
use crate::wire::{self, Inlet, Kind};
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// A message that only shows that its room is heard.
const WARM: u64 = u64::MAX;
/// What stands in front of each.
const HEAD: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Crowd {
    pub(crate) broker: Broker,
    pub(crate) nodes: [Process; 2],
    /// On the node that is published on, and on the other.
    pub(crate) members: [Member; 2],
    pub(crate) publisher: Publisher,
    pub(crate) begun: Instant,
}

/// Who hears all rooms on a node.
pub(crate) struct Member {
    seen: Arc<Seen>,
    thread: JoinHandle<Result<Vec<Late>>>,
    stream: TcpStream,
}

/// How long after it was due a message came, in nanoseconds.
pub(crate) type Late = u64;

#[derive(Debug, Default)]
struct Seen {
    messages: AtomicU64,
    /// Rooms that it has heard.
    warm: AtomicU64,
}

pub(crate) struct Publisher {
    stream: TcpStream,
    frames: Vec<u8>,
    rooms: u64,
    size: usize,
    pub(crate) sent: u64,
}

impl Crowd {
    pub(crate) fn new(rooms: usize, size: usize, kept: Option<usize>) -> Result<Self> {
        if rooms == 0 || size < HEAD {
            return Err(format!("at least one room, and {HEAD} bytes").into());
        }
        let begun = Instant::now();
        let broker = Broker::start()?;
        let (first, addr) = node(&broker, rooms, kept)?;
        let (second, other) = node(&broker, rooms, kept)?;
        let caller = thread::current();
        let members = [
            Member::join(addr, rooms, begun, caller.clone())?,
            Member::join(other, rooms, begun, caller)?,
        ];
        let mut publisher = Publisher {
            stream: wire::connect(addr)?,
            frames: Vec::new(),
            rooms: rooms as u64,
            size,
            sent: 0,
        };
        // Not so often that a slow build drowns in it.
        let (mut again, mut wait) = (Instant::now(), Duration::from_millis(100));
        while members[1].seen.warm.load(Ordering::Relaxed) < rooms as u64 {
            if begun.elapsed() > PATIENCE {
                return Err("the other node does not hear the rooms".into());
            }
            if Instant::now() >= again {
                publisher.warm()?;
                again += wait;
                wait *= 2;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self {
            broker,
            nodes: [first, second],
            members,
            publisher,
            begun,
        })
    }

    /// What the member has received that has received least.
    pub(crate) fn received(&self) -> u64 {
        let members = self.members.iter();
        members.map(Member::received).min().unwrap_or_default()
    }

    /// Waits until everybody has everything. How late messages were, on this node and on the other.
    pub(crate) fn end(self) -> Result<[Vec<Late>; 2]> {
        let (begun, sent) = (Instant::now(), self.publisher.sent);
        while self.received() < sent {
            if begun.elapsed() > PATIENCE || self.members.iter().any(Member::has_ended) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        let received = self.received();
        let [one, other] = self.members.map(Member::end);
        let late = [one?, other?];
        if received != sent {
            return Err(format!("{received} of {sent} messages have come").into());
        }
        for node in self.nodes {
            node.stop()?;
        }
        Ok(late)
    }
}

/// What is to be said of rooms that keep so many messages.
pub(crate) fn keeping(kept: Option<usize>) -> String {
    kept.map_or_else(String::new, |messages| {
        format!(
            "The broker keeps the last {messages} of a room, and tells both nodes in its order. "
        )
    })
}

fn node(
    broker: &Broker,
    rooms: usize,
    kept: Option<usize>,
) -> Result<(Process, std::net::SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    let port = broker.port.to_string();
    command.args(["serve", "--broker", &port, "--rooms", &rooms.to_string()]);
    if let Some(messages) = kept {
        command.args(["--kept", &messages.to_string()]);
    }
    Process::serve(&mut command)
}

impl Member {
    fn join(
        addr: std::net::SocketAddr,
        rooms: usize,
        begun: Instant,
        publisher: Thread,
    ) -> Result<Self> {
        let stream = wire::join(addr, (0..rooms).map(room))?;
        let mut inlet = Inlet::new(stream.try_clone()?);
        let seen = Arc::<Seen>::default();
        let noted = Arc::clone(&seen);
        let thread = thread::spawn(move || {
            // By number: what is said in two rooms may come in another order.
            let (mut late, mut received) = (Vec::with_capacity(1 << 20), 0);
            let mut next: Vec<u64> = (0..rooms as u64).collect();
            let (mut warm, mut is_warm) = (vec![false; rooms], 0);
            loop {
                // What one read has found has come together.
                let mut now = None;
                let goes_on = inlet.read(|message| {
                    let now = *now.get_or_insert_with(|| begun.elapsed().as_nanos() as u64);
                    let (room, number, due) = taken_apart(message)?;
                    let room = room as usize;
                    if number == WARM {
                        is_warm += u64::from(!warm[room]);
                        warm[room] = true;
                    } else if next[room] == number {
                        next[room] += rooms as u64;
                        let at = number as usize;
                        if late.len() <= at {
                            late.resize(at + 1, 0);
                        }
                        late[at] = now.saturating_sub(due);
                        received += 1;
                    } else {
                        let next = next[room];
                        return Err(format!("{number} came instead of {next}").into());
                    }
                    Ok(())
                })?;
                noted.warm.store(is_warm, Ordering::Relaxed);
                noted.messages.store(received, Ordering::Relaxed);
                publisher.unpark();
                if !goes_on {
                    return Ok(late);
                }
            }
        });
        Ok(Self {
            seen,
            thread,
            stream,
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.seen.messages.load(Ordering::Relaxed)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn end(self) -> Result<Vec<Late>> {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.thread.join().map_err(|_| "a member panicked")?
    }
}

impl Publisher {
    fn warm(&mut self) -> Result<()> {
        for room in 0..self.rooms {
            self.put(room, WARM, 0);
        }
        self.flush()
    }

    /// The next message, which was due then.
    pub(crate) fn say(&mut self, due: Duration) {
        self.put(self.sent % self.rooms, self.sent, due.as_nanos() as u64);
        self.sent += 1;
    }

    fn put(&mut self, room: u64, number: u64, due: u64) {
        let mut message = [b'.'; 125];
        message[..4].copy_from_slice(&(room as u32).to_le_bytes());
        message[4..12].copy_from_slice(&number.to_le_bytes());
        message[12..HEAD].copy_from_slice(&due.to_le_bytes());
        let message = &message[..self.size.min(125)];
        wire::frame(Kind::Binary, message, &mut self.frames);
    }

    /// Sends what was said, in one write.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.frames)?;
        self.frames.clear();
        Ok(())
    }
}

fn taken_apart(message: &[u8]) -> Result<(u32, u64, u64)> {
    let parts = || {
        let (room, rest) = message.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (due, _) = rest.split_first_chunk()?;
        Some((
            u32::from_le_bytes(*room),
            u64::from_le_bytes(*number),
            u64::from_le_bytes(*due),
        ))
    };
    parts().ok_or_else(|| "a message that is too short".into())
}
