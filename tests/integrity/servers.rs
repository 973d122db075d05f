//! The two loops, and the thread that is no loop's.

use crate::PATIENCE;
use crate::member::AGAIN;
use crate::said::{ROOMS, Said, key_of};
use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Cause, Closed, ConnectionId, Exchange, Handle, HandleError};
use sockeye::server::{Handler, Hub, Listen, Listener, Message, Peer, RoomSettings};
use sockeye::server::{RoomStats, SlowPolicy, Timeouts, To};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What may wait for a member. A round of all who write must fit, with what its pieces cost.
const MAX_QUEUED: usize = 64 << 10;
/// Or the kernel swallows what is to wait.
const SEND_BUFFER: usize = 16 << 10;

/// Rooms, and what is said there.
pub type Batch = Vec<(usize, Vec<u8>)>;

/// What the rooms of a loop say of themselves.
pub type Stats = [RoomStats; ROOMS.len()];

pub struct Servers {
    pub addrs: Vec<SocketAddr>,
    /// Has things said by a thread of its own.
    pub outside: Sender<Batch>,
    handle: Handle,
    too_slow: Arc<AtomicU64>,
    loops: Vec<JoinHandle<()>>,
    speaker: JoinHandle<()>,
}

/// Passes on what its connections say, in the rooms that they name.
struct Relay {
    too_slow: Arc<AtomicU64>,
}

impl Handler for Relay {
    type State = ();

    /// The request names the rooms, as bits.
    fn on_open(&mut self, peer: &mut Peer<'_>, request: &Request<'_>) {
        let mask: u8 = request.query().expect("rooms").parse().expect("a mask");
        for room in crate::said::rooms_in(mask) {
            assert_eq!(peer.join(ROOMS[room]), Ok(true));
        }
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let bytes = match message {
            Message::Text(AGAIN) => return join_again(peer),
            // The answer comes behind all that was said.
            Message::Text(_) => return peer.send(message).expect("it is open"),
            Message::Binary(bytes) => bytes,
        };
        let said = Said::decode(bytes);
        let (room, id) = (ROOMS[said.room], peer.id());
        let spared = said.spares_its_author();
        let to = if spared {
            To::room(room).except(id)
        } else {
            To::room(room)
        };
        let members = peer.hub().count(room);
        let receipt = peer.publish(to, message);
        let concerned = receipt.queued + receipt.dropped + receipt.closed;
        assert_eq!(concerned, members - usize::from(spared), "{receipt:?}");
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        if closed.cause == Cause::TooSlow {
            self.too_slow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Leaves each of its rooms and joins it. Nothing is said meanwhile, so nothing may be missed.
fn join_again(peer: &mut Peer<'_>) {
    let (id, hub) = (peer.id(), peer.hub());
    let rooms: Vec<_> = hub.rooms_of(id).map(str::to_owned).collect();
    for room in rooms {
        assert!(peer.leave(&room));
        assert_eq!(peer.join(&room), Ok(true));
    }
}

fn policy_of(room: &str) -> SlowPolicy {
    match room.split(' ').next() {
        Some("newest") => SlowPolicy::DropNewest,
        Some("oldest") => SlowPolicy::DropOldest,
        Some("conflate") => SlowPolicy::Conflate(key_of),
        _ => SlowPolicy::Close,
    }
}

fn builder(exchange: &Exchange) -> Builder {
    let mut rooms = RoomSettings::default().policy(policy_of);
    rooms.max_queued = MAX_QUEUED;
    // However slow the machine: only rooms close anybody.
    let long = Duration::from_secs(3600);
    let timeouts = Timeouts {
        ping: long,
        pong: long,
        write_stall: long,
        close: long,
        ..Timeouts::default()
    };
    let builder = Builder::new().exchange(exchange).timeouts(timeouts);
    builder.rooms(rooms)
}

impl Servers {
    pub fn start() -> Self {
        let exchange = Exchange::new();
        let too_slow = Arc::default();
        let (tell, told) = channel();
        let loops = (0..2).map(|_| {
            let (exchange, tell) = (exchange.clone(), tell.clone());
            let too_slow = Arc::clone(&too_slow);
            thread::spawn(move || {
                let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
                let listener = Listener::bind(&Listen::from(any)).expect("a free port");
                let socket = socket2::SockRef::from(&listener);
                socket
                    .set_send_buffer_size(SEND_BUFFER)
                    .expect("connections inherit it");
                let relay = Relay { too_slow };
                let mut server = builder(&exchange).serve([listener], relay).expect("epoll");
                tell.send((server.local_addr(), server.handle()))
                    .expect("the test waits");
                server.run().expect("polling works");
            })
        });
        let loops = loops.collect();
        let (addrs, mut handles): (Vec<_>, Vec<Handle>) = told.iter().take(2).unzip();
        let handle = handles.pop().expect("two");
        let (outside, speaker) = speaker(handle.clone());
        Self {
            addrs,
            outside,
            handle,
            too_slow,
            loops,
            speaker,
        }
    }

    pub fn stats(&self) -> Vec<Stats> {
        let stats = |hub: &mut Hub<'_>| ROOMS.map(|room| hub.stats(room).unwrap_or_default());
        self.handle.ask(stats, PATIENCE).expect("they answer")
    }

    /// All ends in order. Says how many connections were closed for reading too slowly.
    pub fn stop(self) -> u64 {
        drop(self.outside);
        self.speaker.join().expect("no panic");
        self.handle.shutdown().expect("they run");
        for thread in self.loops {
            thread.join().expect("no panic");
        }
        self.too_slow.load(Ordering::Relaxed)
    }
}

fn speaker(handle: Handle) -> (Sender<Batch>, JoinHandle<()>) {
    let (outside, inbox) = channel::<Batch>();
    let speaker = thread::spawn(move || {
        for (room, message) in inbox.iter().flatten() {
            while let Err(error) = handle.publish(ROOMS[room], &message) {
                assert_eq!(error, HandleError::Busy);
                thread::yield_now();
            }
        }
    });
    (outside, speaker)
}
