//! What the kernel makes of faults.
//!
//! Not here: when there is one; that is `faults`.

use super::Net;
use super::faults::Fault;
use super::link::Link;
use rustix::io::Errno;
use sockeye::kernel::Ready;
use std::io::{self, IoSlice};
use std::time::Duration;

/// How often something may be tried again that fails. Whoever does so for ever would never come back.
const PATIENCE: usize = 1_000;
/// How long accepting fails where it does so for a while.
const SPELL: Duration = Duration::from_millis(300);

impl Net {
    /// What is reported, if something is wrong with it.
    pub(super) fn spoil(&self, ready: &mut Vec<Ready>, fault: Option<Fault>) {
        let mut world = self.0.borrow_mut();
        match fault {
            Some(Fault::Backwards) => ready.reverse(),
            Some(Fault::Twice) => ready.extend_from_within(..),
            Some(Fault::OneByOne) => world.held_back.extend(ready.drain(1.min(ready.len())..)),
            Some(Fault::Late(span)) => world.now += span,
            _ => {}
        }
    }

    /// Those that were not accepted are gone, as they are when nobody has the listening socket any more.
    pub fn refuse_waiting(&self) {
        let mut world = self.0.borrow_mut();
        while let Some(next) = world.backlog.pop_front() {
            if let Ok(gone) = next {
                let link = &mut world.links[gone];
                (link.touched, link.dropped) = (true, true);
            }
        }
    }

    /// Accepting fails, once or for a while; or whoever is next has gone.
    pub(super) fn spoil_accept(&self, fault: Fault) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        match fault {
            Fault::Breaks(Errno::CONNABORTED) => {
                // Behind them there may be an error of the script, which is nobody.
                if let Some(Ok(gone)) = world.backlog.pop_front() {
                    let link = &mut world.links[gone];
                    (link.touched, link.dropped) = (true, true);
                }
                Err(Errno::CONNABORTED.into())
            }
            Fault::Breaks(error) => {
                world.accept_error = Some(error);
                let then = world.now + SPELL;
                drop(world);
                self.at(then, |net| net.set_accept_error(None));
                Err(error.into())
            }
            Fault::Fails(error) => {
                // As a kernel that was wrong about it, and says so when it knows better.
                world.accept_edge |= error == Errno::AGAIN && !world.backlog.is_empty();
                Err(error.into())
            }
            _ => Ok(()),
        }
    }
}

impl Link {
    /// Receives, or what comes of it instead.
    pub(super) fn receive_or(
        &mut self,
        fault: Option<Fault>,
        buffer: &mut Vec<u8>,
    ) -> io::Result<usize> {
        self.spoil(fault)?;
        match fault {
            Some(Fault::AtMost(most)) if most < self.inbound.len() => {
                let rest = self.inbound.split_off(most);
                let received = self.receive(buffer);
                self.inbound.extend(rest);
                self.report_again();
                received
            }
            Some(Fault::Ends) => {
                (self.eof, self.touched) = (true, true);
                self.inbound.clear();
                self.flight.clear();
                self.receive(buffer)
            }
            _ => self.receive(buffer),
        }
    }

    /// Sends, or what comes of it instead.
    pub(super) fn send_or(
        &mut self,
        fault: Option<Fault>,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.spoil(fault)?;
        let Some(Fault::AtMost(most)) = fault else {
            return self.send(parts);
        };
        if most == 0 {
            self.wants_room = true;
            return Ok(0);
        }
        let before = std::mem::replace(&mut self.max_send, most);
        let sent = self.send(parts);
        self.max_send = before;
        sent
    }

    /// Fails if that is the fault, or has been since.
    fn spoil(&mut self, fault: Option<Fault>) -> io::Result<()> {
        let error = match fault {
            Some(Fault::Breaks(error)) => {
                self.doomed = Some(error);
                self.broken = Some(error);
                Some(error)
            }
            Some(Fault::Fails(error)) => Some(error),
            _ => None,
        };
        let Some(error) = error.or(self.doomed) else {
            self.failures = 0;
            return Ok(());
        };
        self.failures += 1;
        assert!(self.failures < PATIENCE, "{error} again and again");
        // A signal, or a kernel that was wrong about it, costs nobody anything.
        let is_harmless = matches!(error, Errno::INTR | Errno::AGAIN) && self.doomed.is_none();
        self.touched |= !is_harmless;
        if self.doomed != Some(Errno::AGAIN) {
            self.report_again();
        }
        Err(error.into())
    }
}
