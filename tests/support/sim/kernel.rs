//! The end that the server holds.

use super::faults::{self, Call, Fault};
use super::link::Link;
use super::{Conn, Net, random};
use rustix::io::Errno;
use sockeye::kernel::{Kernel, PeerAddr, Ready, Remote, Token};
use sockeye::proto::NoRandomness;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

/// The simulated kernel.
pub struct SimKernel(pub(super) Net);

/// The server's end of a connection.
pub struct SimStream(Conn);

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimStream({})", self.0.id)
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.0.link(|link| link.dropped = true);
    }
}

impl Kernel for SimKernel {
    type Stream = SimStream;

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        let fault = faults::next(Call::Poll);
        let net = &self.0;
        let mut world = net.0.borrow_mut();
        world.calls.polls += 1;
        match fault {
            Some(Fault::Fails(error)) => return Err(error.into()),
            Some(Fault::Nothing) => return Ok(()),
            _ => {}
        }
        let deadline = timeout.map(|timeout| world.now + timeout);
        world.links.iter_mut().for_each(Link::next_piece_arrives);
        drop(world);
        loop {
            let scripted = net.run_script();
            net.collect(ready);
            let mut world = net.0.borrow_mut();
            let next = match (deadline, scripted) {
                (Some(deadline), Some(scripted)) => deadline.min(scripted),
                (deadline, scripted) => deadline
                    .or(scripted)
                    .unwrap_or_else(|| panic!("nothing will ever happen again")),
            };
            if !ready.is_empty() || deadline == Some(world.now) {
                let lag = world.lag;
                world.now += lag;
                drop(world);
                net.spoil(ready, fault);
                return Ok(());
            }
            world.now = next;
        }
    }

    fn now(&mut self) -> Duration {
        self.0.now()
    }

    fn accept(&mut self) -> io::Result<SimStream> {
        let fault = faults::next(Call::Accept);
        let net = &self.0;
        if let Some(fault) = fault {
            net.spoil_accept(fault)?;
        }
        let mut world = net.0.borrow_mut();
        world.calls.accepts += 1;
        let front = world.backlog.front().copied();
        let id = match (front, world.accept_error) {
            _ if !world.listening => return Err(Errno::AGAIN.into()),
            (None, _) => return Err(Errno::AGAIN.into()),
            (Some(_), Some(lasting)) => return Err(lasting.into()),
            (Some(next), None) => {
                world.backlog.pop_front();
                next?
            }
        };
        drop(world);
        Ok(SimStream(net.conn(id)))
    }

    fn stop_listening(&mut self) {
        self.0.0.borrow_mut().listening = false;
    }

    fn peer_addr(&mut self, stream: &SimStream) -> PeerAddr {
        self.0.0.borrow_mut().calls.peer_addrs += 1;
        if faults::check(Call::PeerAddr).is_err() {
            return PeerAddr::Unknown;
        }
        stream.0.link(|link| link.peer_addr)
    }

    fn register(&mut self, stream: &mut SimStream, token: Token) -> io::Result<()> {
        let fault = self.0.0.borrow_mut().register_faults.pop_front();
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        self.0.strike()?;
        faults::check(Call::Register).inspect_err(|_| stream.0.link(|link| link.touched = true))?;
        stream.0.link(|link| {
            assert_eq!(link.token, None, "registered twice");
            link.register(token);
        });
        Ok(())
    }

    fn receive(&mut self, stream: &mut SimStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.0.0.borrow_mut().calls.receives += 1;
        self.0.strike_at(&stream.0)?;
        let fault = faults::next(Call::Receive);
        stream.0.link(|link| link.receive_or(fault, buffer))
    }

    fn send(&mut self, stream: &mut SimStream, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.0.borrow_mut().calls.sends += 1;
        self.0.strike_send(&stream.0)?;
        let fault = faults::next(Call::Send);
        stream.0.link(|link| link.send_or(fault, parts))
    }

    fn connect(&mut self, to: &Remote) -> io::Result<SimStream> {
        self.0.0.borrow_mut().calls.dials += 1;
        self.0.strike()?;
        faults::check(Call::Connect)?;
        self.0.dial(&to.to_string()).map(SimStream)
    }

    fn connected(&mut self, stream: &mut SimStream) -> io::Result<bool> {
        self.0.0.borrow_mut().calls.dials += 1;
        self.0.strike()?;
        faults::check(Call::Connected)
            .inspect_err(|_| stream.0.link(|link| link.touched = true))?;
        stream.0.link(|link| link.connected())
    }

    fn resolve(&mut self, key: u64, host: &str, port: u16) -> io::Result<()> {
        self.0.0.borrow_mut().calls.dials += 1;
        self.0.strike()?;
        faults::check(Call::Resolve)?;
        self.0.ask(key, host, port)?;
        self.0.0.borrow_mut().outbound.wanted.insert(key);
        Ok(())
    }

    fn forget(&mut self, key: u64) {
        self.0.0.borrow_mut().outbound.wanted.remove(&key);
    }

    fn resolved(&mut self, key: u64) -> io::Result<Vec<SocketAddr>> {
        let mut world = self.0.0.borrow_mut();
        world.calls.dials += 1;
        world.outbound.wanted.remove(&key);
        drop(world);
        self.0.strike()?;
        faults::check(Call::Resolved)?;
        self.0.answer_to(key)
    }

    fn register_anew(&mut self, stream: &mut SimStream, token: Token) -> io::Result<()> {
        let fault = self.0.0.borrow_mut().register_anew_faults.pop_front();
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        self.0.strike()?;
        faults::check(Call::RegisterAnew)
            .inspect_err(|_| stream.0.link(|link| link.touched = true))?;
        stream.0.link(|link| {
            assert!(link.token.is_some(), "never registered before");
            link.register(token);
        });
        Ok(())
    }

    fn random(bytes: &mut [u8]) -> Result<(), NoRandomness> {
        faults::check(Call::Random).map_err(|_| NoRandomness)?;
        random::fill(bytes)
    }

    fn finish(&mut self, stream: &mut SimStream) {
        stream.0.link(|link| link.finished = true);
    }

    fn abort(&mut self, stream: &mut SimStream) {
        stream.0.link(|link| link.aborted = true);
    }
}
