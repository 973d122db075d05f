//! What carries bytes between a connection that one loop opens and one that another accepts: both ends are ours.
//!
//! Not here: what they say.

use crate::sim::{Conn, Net};
use rustix::io::Errno;
use sockeye::kernel::PeerAddr;

/// What stands between both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    #[default]
    Nothing,
    /// A proxy, which is asked for a tunnel first.
    Proxy,
}

pub struct Wire {
    pub serial: u16,
    near: Conn,
    far: Conn,
    /// Of what the proxy was asked, what has come.
    asked: Option<Vec<u8>>,
    ends: [bool; 2],
    /// Nothing goes any more, and both ends were told so.
    is_cut: bool,
    /// How often it still carries something, both ways together. What stands in TLS is never as long as the last time.
    pub most: usize,
}

impl Wire {
    /// Carries a connection that was begun to a loop that listens.
    pub fn new(near: Conn, to: &Net, serial: u16, between: Between) -> Self {
        let addr = PeerAddr::Ip(([198, 51, 100, 1], serial).into());
        Self {
            serial,
            near,
            far: to.connect_from(addr),
            asked: (between == Between::Proxy).then(Vec::new),
            ends: [false; 2],
            is_cut: false,
            most: usize::MAX,
        }
    }

    /// Little goes with one send.
    pub fn slow_down(&self) {
        self.near.set_max_send(1_700);
        self.far.set_max_send(1_300);
    }

    /// Both ends read an end, without any goodbye.
    #[cfg(feature = "client")]
    pub fn cut(&mut self) {
        self.is_cut = true;
        self.near.end();
        self.far.end();
    }

    /// Both ends have let go of it.
    pub fn is_over(&self) -> bool {
        self.near.is_closed() && self.far.is_closed()
    }

    /// Carries what there is. Says whether there was anything.
    pub fn carry(&mut self) -> bool {
        if self.is_cut {
            drop((self.near.take_sent(), self.far.take_sent()));
            return false;
        }
        let mut there = self.near.take_sent();
        let has_asked = self.tunnel(&mut there);
        let mut back = self.far.take_sent();
        for bytes in [&mut there, &mut back] {
            if self.most == 0 {
                bytes.clear();
            }
            self.most -= usize::from(!bytes.is_empty());
        }
        let moved = has_asked || !there.is_empty() || !back.is_empty();
        if !there.is_empty() {
            self.far.push(&there);
        }
        if !back.is_empty() {
            self.near.push(&back);
        }
        let (near, far) = (self.near.clone(), self.far.clone());
        let ended = [pass_end(&near, &far), pass_end(&far, &near)];
        let moved = moved || ended != self.ends;
        self.ends = ended;
        moved
    }

    /// The proxy's part: it takes its request from what was sent, and answers.
    fn tunnel(&mut self, there: &mut Vec<u8>) -> bool {
        let Some(asked) = &mut self.asked else {
            return false;
        };
        asked.append(there);
        let Some(end) = asked.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return false;
        };
        assert!(asked.starts_with(b"CONNECT "), "a request for a tunnel");
        *there = asked.split_off(end + 4);
        self.asked = None;
        self.near.push(b"HTTP/1.1 200 OK\r\n\r\n");
        true
    }
}

/// One end has ended its side, or is gone: the other hears of it once everything has been carried. Says whether that is so.
fn pass_end(from: &Conn, to: &Conn) -> bool {
    let is_gone = from.is_closed() && !from.is_finished();
    let ended = from.is_finished() || from.is_closed();
    if from.is_aborted() || is_gone {
        to.break_once(Errno::CONNRESET);
    } else if ended {
        to.end_once();
    }
    ended
}
