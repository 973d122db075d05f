//! Hot restart: a new process takes over the listening sockets of the one that serves, and no connection is refused or
//! reset meanwhile.
//!
//! The two meet at a Unix socket, the *door*, which belongs to whoever serves. The new one is the *taker*.
//!
//! ```text
//! taker ─► `SOCKEYE` 1                       both say the version that they speak
//! giver ─► `SOCKEYE` 1, how many sockets (16 bits), and for each of them one byte with the socket itself
//!          (SCM_RIGHTS): `d` the door, which comes first; `f` one whose file is the taker's from now on; `s` another
//! taker ─► `A`                               it accepts on all of them
//! ```
//!
//! Both then accept from the same queues, for a moment. With the `A` the giver stops listening, tells its connections to
//! come back (1012), and ends when they have gone. A taker that fails before it changes nothing. What matters is that
//! *every* socket goes over: connections that wait in the queue of one that is closed are reset, also where others share
//! its address.
//!
//! ```
//! use sockeye::server::handover::{self, Handover};
//! use sockeye::server::{Builder, Listener};
//! # use sockeye::server::{Handler, Message, Peer};
//! # struct Echo;
//! # impl Handler for Echo {
//! #     type State = ();
//! #     fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
//! # }
//!
//! /// What the first process does, and each that follows it.
//! fn serve(door: &std::path::Path) -> std::io::Result<()> {
//!     let takeover = handover::take(door)?;
//!     let listeners = match &takeover {
//!         Some(takeover) => takeover.listeners().to_vec(),
//!         None => vec![Listener::bind(&"127.0.0.1:0".parse().unwrap())?],
//!     };
//!     let mut server = Builder::new().serve(listeners.clone(), Echo)?;
//!     let handover = match takeover {
//!         Some(takeover) => takeover.accepting()?,
//!         None => Handover::bind(door)?,
//!     };
//!     let (offer, stopper) = (handover.offer(&listeners)?, server.stopper());
//! #   STOPPERS.0.send((server.local_addr(), server.stopper())).unwrap();
//!     // Only the server holds them from here: they are to end with it.
//!     drop(listeners);
//!     std::thread::spawn(move || offer.wait().and_then(|()| stopper.restart()));
//!     server.run()
//! }
//! # use sockeye::server::Stopper;
//! # use std::sync::{LazyLock, Mutex, mpsc::{Receiver, Sender, channel}};
//! # type Told = (core::net::SocketAddr, Stopper);
//! # static STOPPERS: LazyLock<(Sender<Told>, Mutex<Receiver<Told>>)> = LazyLock::new(|| {
//! #     let (tell, told) = channel();
//! #     (tell, Mutex::new(told))
//! # });
//! # let dir = std::env::temp_dir().join(format!("sockeye-door-{}", std::process::id()));
//! # std::fs::create_dir(&dir)?;
//! # let start = || {
//! #     let door = dir.join("door"); // say /run/chat.door
//! #     let thread = std::thread::spawn(move || serve(&door));
//! #     let (addr, stopper) = STOPPERS.1.lock().unwrap().recv().unwrap();
//! #     (thread, addr, stopper)
//! # };
//! # let (first, place, _) = start();
//! # let (second, same_place, stopper) = start();
//! # assert_eq!(place, same_place);
//! # first.join().unwrap()?; // it has ended, as the second one serves
//! # stopper.stop()?;
//! # second.join().unwrap()?;
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Whoever can open the door can take the sockets: its file is for our own user alone.
//!
//! Not here: who accepts from which socket, which [`Listener::deal`] says; stopping, which is [`Stopper::restart`]'s;
//! connections, which stay with the process that has accepted them.
//!
//! [`Stopper::restart`]: super::Stopper::restart

use super::Listener;
use crate::reactor::Held;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::time::Duration;
use rustix::cmsg_space;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// What both say first; the last byte is the version.
const GREETING: &[u8; 8] = b"SOCKEYE\x01";
const DOOR: u8 = b'd';
const WITH_FILE: u8 = b'f';
const WITHOUT_FILE: u8 = b's';
const ACCEPTING: u8 = b'A';

/// How long either waits for the other's next word.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a taker may take to begin to accept.
const STARTING: Duration = Duration::from_secs(60);

/// How long until it is tried again to let somebody in, where that failed.
const AGAIN: Duration = Duration::from_millis(100);

/// Takes the sockets of whoever serves this door. Nothing, if nobody does.
///
/// # Errors
///
/// When somebody is there and does not give them: it speaks another version, is about to stop, or is no server of this
/// kind.
pub fn take(door: &Path) -> io::Result<Option<Takeover>> {
    let mut giver = match UnixStream::connect(door) {
        Ok(giver) => giver,
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => return Ok(None),
            _ => return Err(error),
        },
    };
    giver.set_read_timeout(Some(PATIENCE))?;
    giver.set_write_timeout(Some(PATIENCE))?;
    giver.write_all(GREETING)?;
    greeted(&mut giver)?;
    let mut count = [0; 2];
    giver.read_exact(&mut count)?;
    let mut sockets = (0..u16::from_be_bytes(count)).map(|_| receive(&giver));
    let Some(door) = sockets.next().transpose()? else {
        return Err(io::Error::other("the program there is stopping"));
    };
    let listeners = sockets.collect::<io::Result<_>>()?;
    Ok(Some(Takeover {
        giver,
        door,
        listeners,
    }))
}

/// Sockets that another process serves still.
#[derive(Debug)]
pub struct Takeover {
    giver: UnixStream,
    door: Listener,
    listeners: Vec<Listener>,
}

impl Takeover {
    /// The sockets. Each of them wants a loop that accepts from it; see [`Listener::deal`].
    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Says that all of them are accepted from: from now on by this process alone. The door is ours as well.
    ///
    /// # Errors
    ///
    /// When the other one has gone. It may be that the sockets are served all the same.
    pub fn accepting(mut self) -> io::Result<Handover> {
        for listener in self.listeners.iter().chain([&self.door]) {
            listener.held().give(false);
        }
        self.giver.write_all(&[ACCEPTING])?;
        Ok(Handover { door: self.door })
    }
}

/// The door at which the next process takes over. Its file is removed with it.
#[derive(Debug)]
pub struct Handover {
    door: Listener,
}

impl Handover {
    /// Opens a door where there is none, for our own user alone.
    ///
    /// # Errors
    ///
    /// As for [`Listener::bind`].
    pub fn bind(door: &Path) -> io::Result<Self> {
        let door = Listener::bind_unix(door, Some(0o600))?;
        Ok(Self { door })
    }

    /// Offers sockets there. They end with their loops all the same, and then there is nothing to be had.
    ///
    /// # Errors
    ///
    /// When there are no descriptors left.
    pub fn offer(&self, listeners: &[Listener]) -> io::Result<Offer> {
        let sockets = [&self.door].into_iter().chain(listeners);
        Ok(Offer {
            door: self.door.as_fd().try_clone_to_owned()?.into(),
            sockets: sockets.map(|one| Arc::downgrade(one.held())).collect(),
        })
    }
}

/// Sockets that another process may take.
#[derive(Debug)]
pub struct Offer {
    door: UnixListener,
    /// The door first.
    sockets: Vec<Weak<Held>>,
}

impl Offer {
    /// Waits until somebody has taken over, on a thread of its own. What is to be done then is to
    /// [restart](super::Stopper::restart) every loop.
    ///
    /// # Errors
    ///
    /// When the door cannot be waited at.
    pub fn wait(self) -> io::Result<()> {
        loop {
            // Whoever had it, or nearly took it, may have asked for something else.
            self.door.set_nonblocking(false)?;
            let given = match self.door.accept() {
                Ok((taker, _)) => self.give(taker),
                // Without descriptors left, say: there may be some later, and the taker waits.
                Err(error) => {
                    thread::park_timeout(AGAIN);
                    Err(error)
                }
            };
            match given {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(%error, "nobody has taken over"),
            }
        }
    }

    fn give(&self, mut taker: UnixStream) -> io::Result<()> {
        // It is as it was inherited on some systems.
        taker.set_nonblocking(false)?;
        taker.set_read_timeout(Some(PATIENCE))?;
        taker.set_write_timeout(Some(PATIENCE))?;
        taker.write_all(GREETING)?;
        greeted(&mut taker)?;
        let sockets: Option<Vec<_>> = self.sockets.iter().map(Weak::upgrade).collect();
        let Some(sockets) = sockets else {
            taker.write_all(&[0; 2])?;
            return Err(io::Error::other("the server is stopping"));
        };
        let result = hand_over(&mut taker, &sockets);
        if result.is_err() {
            // It is ours still.
            sockets.iter().for_each(|socket| socket.give(false));
        }
        result
    }
}

fn hand_over(taker: &mut UnixStream, sockets: &[Arc<Held>]) -> io::Result<()> {
    let count = u16::try_from(sockets.len()).map_err(io::Error::other)?;
    taker.write_all(&count.to_be_bytes())?;
    for (at, socket) in sockets.iter().enumerate() {
        let kind = match (at, socket.has_file()) {
            (0, _) => DOOR,
            (_, true) => WITH_FILE,
            (_, false) => WITHOUT_FILE,
        };
        send(taker, kind, socket)?;
        socket.give(true);
    }
    taker.set_read_timeout(Some(STARTING))?;
    let mut word = [0];
    taker.read_exact(&mut word)?;
    if word == [ACCEPTING] {
        Ok(())
    } else {
        Err(unexpected())
    }
}

/// The other one speaks our version.
fn greeted(other: &mut UnixStream) -> io::Result<()> {
    let mut greeting = [0; GREETING.len()];
    other.read_exact(&mut greeting)?;
    let (name, version) = (&greeting[..7], greeting[7]);
    if name != &GREETING[..7] {
        return Err(unexpected());
    }
    if version != GREETING[7] {
        let what = "the program there hands its sockets over in another way";
        return Err(io::Error::new(ErrorKind::Unsupported, what));
    }
    Ok(())
}

fn unexpected() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the program there is another one")
}

fn send(to: &UnixStream, kind: u8, socket: &Held) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [socket.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    loop {
        // One byte goes as a whole.
        match sendmsg(
            to,
            &[IoSlice::new(&[kind])],
            &mut control,
            SendFlags::empty(),
        ) {
            Err(Errno::INTR) => {}
            result => return result.map(drop).map_err(Into::into),
        }
    }
}

fn receive(from: &UnixStream) -> io::Result<Listener> {
    let mut kind = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let bytes = loop {
        let parts = &mut [IoSliceMut::new(&mut kind)];
        match recvmsg(from, parts, &mut control, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            result => break result?.bytes,
        }
    };
    if bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let socket: Option<OwnedFd> = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    // Without descriptors left, the kernel drops it.
    let socket = socket.ok_or_else(|| io::Error::other("a socket did not arrive"))?;
    // It is not for the programs that this one starts. Only Linux can be told so before.
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    match kind {
        [DOOR | WITH_FILE] => Listener::adopt_with_file(socket),
        [WITHOUT_FILE] => Listener::adopt(socket),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests;
