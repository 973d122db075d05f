//! What becomes of connections that the loop opens: names, addresses, and a fault in whichever call it is.

use super::link::{Connecting, Link};
use super::{Conn, Net};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What becomes of connecting to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Connected, after so long.
    After(Duration),
    /// Refused with this, after so long.
    Refused(Duration, Errno),
    /// The call itself fails.
    AtOnce(Errno),
    /// Nobody answers.
    Never,
}

/// What becomes of a question for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// These addresses, after so long. Their ports are those of the question.
    After(Duration, Vec<&'static str>),
    /// No addresses, for this reason, after so long.
    Fails(Duration, io::ErrorKind),
    /// It cannot even be asked.
    AtOnce(io::ErrorKind),
    /// Nobody answers.
    Never,
}

/// A connection that the loop has begun to open.
pub struct Dialed {
    /// Where to.
    pub to: String,
    /// When.
    pub at: Duration,
    /// The server's end of it, if the call itself did not fail.
    pub conn: Option<Conn>,
}

/// Scripts, and what was asked.
#[derive(Default)]
pub(super) struct Outbound {
    reached: HashMap<String, VecDeque<Reached>>,
    names: HashMap<String, VecDeque<Resolution>>,
    /// Where to, when, and which connection it has become: not a `Conn`, which would hold the world that holds it.
    dialed: Vec<(String, Duration, Option<usize>)>,
    asked: Vec<(Duration, String)>,
    /// Questions whose answers the loop wants and has not taken.
    pub(super) wanted: HashSet<u64>,
    answers: HashMap<u64, io::Result<Vec<SocketAddr>>>,
    /// Keys whose answers have come and were not reported.
    pub(super) fresh: Vec<u64>,
    /// Which call fails, counted from now, and with what.
    strike: Option<(usize, Errno)>,
    /// After how many sends all others fail.
    sends: Option<(usize, Errno)>,
    /// Calls that could have failed.
    strikable: usize,
}

impl Net {
    /// What becomes of connecting to `to`, in turn; the last one stays. Without any, it is connected at once.
    pub fn reach(&self, to: &str, outcomes: impl IntoIterator<Item = Reached>) {
        let outcomes = outcomes.into_iter().collect();
        let mut world = self.0.borrow_mut();
        world.outbound.reached.insert(to.to_owned(), outcomes);
    }

    /// What becomes of asking for `name`, in turn; the last one stays. Without any, nobody knows it.
    pub fn name(&self, name: &str, answers: impl IntoIterator<Item = Resolution>) {
        let answers = answers.into_iter().collect();
        let mut world = self.0.borrow_mut();
        world.outbound.names.insert(name.to_owned(), answers);
    }

    /// All connections that the loop has begun to open.
    pub fn dialed(&self) -> Vec<Dialed> {
        let world = self.0.borrow();
        let dialed = |(to, at, id): &(String, Duration, Option<usize>)| Dialed {
            to: to.clone(),
            at: *at,
            conn: id.map(|id| self.conn(id)),
        };
        world.outbound.dialed.iter().map(dialed).collect()
    }

    /// The connections that have come about and that this was not asked for yet.
    pub fn take_connected(&self) -> Vec<Conn> {
        let fresh = self.dialed().into_iter().filter_map(|dialed| dialed.conn);
        let is_new = |conn: &Conn| {
            conn.link(|link| {
                link.connecting == Connecting::Done && !std::mem::replace(&mut link.is_taken, true)
            })
        };
        fresh.filter(is_new).collect()
    }

    /// The names that were asked for, with their ports, and when.
    pub fn asked(&self) -> Vec<(Duration, String)> {
        self.0.borrow().outbound.asked.clone()
    }

    /// Questions whose answers the loop wants and has not taken.
    pub fn wanted_answers(&self) -> usize {
        self.0.borrow().outbound.wanted.len()
    }

    /// The next registration under another token fails.
    pub fn queue_register_anew_error(&self, error: Errno) {
        let mut world = self.0.borrow_mut();
        world.register_anew_faults.push_back(error);
    }

    /// Has the call fail that comes after so many others.
    pub fn strike_after(&self, calls: usize, error: Errno) {
        self.0.borrow_mut().outbound.strike = Some((calls, error));
    }

    /// Has every send fail that comes after so many others.
    pub fn strike_sends_after(&self, sends: usize, error: Errno) {
        self.0.borrow_mut().outbound.sends = Some((sends, error));
    }

    /// Sends do not fail any more.
    pub fn mend_sends(&self) {
        self.0.borrow_mut().outbound.sends = None;
    }

    /// Whether a call is still to fail.
    pub fn is_to_strike(&self) -> bool {
        self.0.borrow().outbound.strike.is_some()
    }

    /// How many calls could have failed so far.
    pub fn strikable_calls(&self) -> usize {
        self.0.borrow().outbound.strikable
    }

    /// Streams that were connected or accepted and that the loop has not let go of, registered or not.
    pub fn held_streams(&self) -> usize {
        let world = self.0.borrow();
        world.links.iter().filter(|link| !link.dropped).count()
    }

    pub(super) fn strike(&self) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        world.outbound.strikable += 1;
        match &mut world.outbound.strike {
            Some((0, error)) => {
                let error = *error;
                world.outbound.strike = None;
                Err(error.into())
            }
            Some((calls, _)) => {
                *calls -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A call on this connection may fail. What it was about is not gone, and is reported once more.
    pub(super) fn strike_at(&self, conn: &Conn) -> io::Result<()> {
        self.strike().inspect_err(|_| conn.link(Link::report_again))
    }

    pub(super) fn strike_send(&self, conn: &Conn) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        match &mut world.outbound.sends {
            Some((0, error)) => return Err((*error).into()),
            Some((sends, _)) => *sends -= 1,
            None => {}
        }
        drop(world);
        self.strike_at(conn)
    }

    /// The loop connects.
    pub(super) fn dial(&self, to: &str) -> io::Result<Conn> {
        let outcome = self.next_outcome(to);
        let at = self.now();
        let mut world = self.0.borrow_mut();
        if let Reached::AtOnce(error) = outcome {
            world.outbound.dialed.push((to.to_owned(), at, None));
            return Err(error.into());
        }
        let id = world.links.len();
        world.links.push(Link::new());
        world.outbound.dialed.push((to.to_owned(), at, Some(id)));
        drop(world);
        let conn = self.conn(id);
        match outcome {
            Reached::After(Duration::ZERO) => {}
            Reached::Refused(Duration::ZERO, error) => conn.decide(Connecting::Failed(error)),
            Reached::After(span) => self.decide_later(&conn, span, Connecting::Done),
            Reached::Refused(span, error) => {
                self.decide_later(&conn, span, Connecting::Failed(error));
            }
            Reached::Never | Reached::AtOnce(_) => conn.decide(Connecting::Pending),
        }
        Ok(conn)
    }

    fn next_outcome(&self, to: &str) -> Reached {
        let mut world = self.0.borrow_mut();
        let queue = world.outbound.reached.get_mut(to);
        queue
            .and_then(next_of)
            .unwrap_or(Reached::After(Duration::ZERO))
    }

    fn decide_later(&self, conn: &Conn, span: Duration, then: Connecting) {
        conn.decide(Connecting::Pending);
        conn.at(self.now() + span, move |conn| conn.decide(then));
    }

    /// The loop asks for a name.
    pub(super) fn ask(&self, key: u64, host: &str, port: u16) -> io::Result<()> {
        let mut world = self.0.borrow_mut();
        let now = world.now;
        world.outbound.asked.push((now, format!("{host}:{port}")));
        let queue = world.outbound.names.get_mut(host);
        let answer = queue
            .and_then(next_of)
            .unwrap_or(Resolution::Fails(Duration::ZERO, io::ErrorKind::NotFound));
        drop(world);
        let (span, answer) = match answer {
            Resolution::AtOnce(error) => return Err(error.into()),
            Resolution::Never => return Ok(()),
            Resolution::Fails(span, error) => (span, Err(error.into())),
            Resolution::After(span, addresses) => {
                let address = |text: &&str| (text.parse::<std::net::IpAddr>(), port);
                let addresses = addresses.iter().map(address);
                let parsed = addresses.map(|(ip, port)| (ip.expect("an address"), port).into());
                (span, Ok(parsed.collect()))
            }
        };
        self.at(now + span, move |net| {
            let mut world = net.0.borrow_mut();
            world.outbound.answers.insert(key, answer);
            world.outbound.fresh.push(key);
        });
        Ok(())
    }

    pub(super) fn answer_to(&self, key: u64) -> io::Result<Vec<SocketAddr>> {
        let mut world = self.0.borrow_mut();
        let answer = world.outbound.answers.remove(&key);
        answer.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
    }
}

impl Conn {
    /// Whoever connects will know this.
    fn decide(&self, connecting: Connecting) {
        self.link(|link| {
            link.connecting = connecting;
            link.writable = true;
            if let Connecting::Failed(error) = connecting {
                link.broken = Some(error);
                link.readable = true;
            }
        });
    }
}

/// The next one of a script whose last one stays.
fn next_of<T: Clone>(script: &mut VecDeque<T>) -> Option<T> {
    if script.len() > 1 {
        script.pop_front()
    } else {
        script.front().cloned()
    }
}
