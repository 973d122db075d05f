//! One server, its world, a handler that says what it was told and does what messages ask, and its peers.

use super::frames::{self, Frame, REQUEST, take_frames, take_head};
use super::sim::{Conn, Net, SimKernel};
use sockeye::proto::handshake::server::Request;
use sockeye::proto::{CloseCode, Prepared, Violation};
use sockeye::server::{
    Arrival, Cause, Closed, ConnectionId, EventLoop, Handler, Hub, Limits, Message, Peer, Settings,
    Timeouts, Verdict,
};
use std::time::Duration;

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a handler was told of an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub id: ConnectionId,
    pub code: u16,
    pub reason: String,
    pub clean: bool,
    pub violation: Option<Violation>,
}

/// Echoes, unless a text message asks for something else.
#[derive(Debug, Default)]
pub struct Probe {
    pub opened: Vec<ConnectionId>,
    /// Whose messages, and their lengths.
    pub messages: Vec<(ConnectionId, usize)>,
    pub ends: Vec<End>,
    /// What caused each of them.
    pub causes: Vec<Cause>,
    /// What everybody is sent on opening.
    pub greeting: Option<&'static str>,
    /// What is sent where that is asked for.
    pub prepared: Option<Prepared>,
    /// Whether binary messages go to all.
    pub relays_binary: bool,
    pub panic_on_request: bool,
    pub panic_on_open: bool,
    pub panic_on_close: bool,
    /// Sends that came to nothing, and closes.
    pub refused_sends: usize,
    pub refused_closes: usize,
}

impl Handler<SimKernel> for Probe {
    type State = ();

    fn on_request(
        &mut self,
        _arrival: &mut Arrival<'_, '_, SimKernel>,
        _request: &Request<'_>,
    ) -> Verdict {
        assert!(!self.panic_on_request, "asked to");
        Verdict::default()
    }

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _request: &Request<'_>) {
        assert!(!self.panic_on_open, "asked to");
        self.opened.push(peer.id());
        if let Some(greeting) = self.greeting {
            self.note(peer.send(greeting).is_ok());
        }
    }

    fn on_message(
        &mut self,
        peer: &mut Peer<'_, SimKernel>,
        (): &mut Self::State,
        message: Message<'_>,
    ) {
        let len = match message {
            Message::Text(text) => text.len(),
            Message::Binary(data) => data.len(),
        };
        self.messages.push((peer.id(), len));
        let Message::Text(text) = message else {
            if self.relays_binary {
                return peer.broadcast(message);
            }
            return self.note(peer.send(message).is_ok());
        };
        match text.split_once(' ').unwrap_or((text, "")) {
            ("!panic", _) => panic!("asked to"),
            ("!close-and-panic", reason) => {
                self.note_close(peer.close(CloseCode::NORMAL, reason).is_ok());
                panic!("asked to");
            }
            // As a handler does that unwraps what sending says.
            ("!send-or-panic", count) => {
                let bytes = vec![b'x'; count.parse().expect("a count")];
                while peer.send(bytes.as_slice()).is_ok() {}
                panic!("asked to");
            }
            ("!close", reason) => {
                self.note_close(peer.close(CloseCode::NORMAL, reason).is_ok());
            }
            ("!pause", _) => peer.pause(),
            ("!ping", what) => self.note(peer.ping(what.as_bytes()).is_ok()),
            ("!all", what) => peer.broadcast(what),
            ("!five", what) => {
                for _ in 0..5 {
                    self.note(peer.send(what).is_ok());
                }
            }
            ("!all-plain", what) => peer.broadcast_uncompressed(what),
            ("!plain", what) => self.note(peer.send_uncompressed(what).is_ok()),
            ("!prepared", _) => {
                let message = self.prepared.as_ref().expect("one to send");
                self.note(peer.send_prepared(message).is_ok());
            }
            ("!mixed", what) => {
                self.note(peer.send(format!("1 {what}").as_str()).is_ok());
                peer.broadcast(format!("2 {what}").as_str());
                self.note(peer.send(format!("3 {what}").as_str()).is_ok());
                peer.broadcast(format!("4 {what}").as_str());
            }
            ("!after-close", _) => {
                let _ = peer.close(CloseCode::NORMAL, "");
                peer.broadcast("to the others");
                self.note(peer.send("never").is_ok());
            }
            ("!bytes", count) => {
                let bytes = vec![b'x'; count.parse().expect("a count")];
                self.note(peer.send(bytes.as_slice()).is_ok());
            }
            // More at once than a peer that does not read may have waiting.
            ("!many", count) => {
                let bytes = vec![b'x'; count.parse().expect("a count")];
                for _ in 0..5 {
                    self.note(peer.send(bytes.as_slice()).is_ok());
                }
            }
            // Says goodbye behind so many bytes.
            ("!last-bytes", count) => {
                let bytes = vec![b'x'; count.parse().expect("a count")];
                self.note(peer.send(bytes.as_slice()).is_ok());
                self.note_close(peer.close(CloseCode::NORMAL, "bye").is_ok());
            }
            // As a handler does that closes whoever it cannot send to.
            ("!send-or-close", count) => {
                let bytes = vec![b'x'; count.parse().expect("a count")];
                while peer.send(bytes.as_slice()).is_ok() {}
                self.note_close(peer.close(CloseCode::INTERNAL_ERROR, "").is_ok());
            }
            ("!all-bytes", count) => {
                peer.broadcast(vec![b'x'; count.parse().expect("a count")].as_slice());
            }
            _ => self.note(peer.send(message).is_ok()),
        }
    }

    fn on_close(
        &mut self,
        _: &mut Hub<'_>,
        id: ConnectionId,
        (): Self::State,
        closed: &Closed<'_>,
    ) {
        self.ends.push(End {
            id,
            code: closed.code,
            reason: closed.reason.to_owned(),
            clean: closed.clean,
            violation: closed.violation,
        });
        self.causes.push(closed.cause);
        assert!(!self.panic_on_close, "asked to");
    }
}

impl Probe {
    fn note(&mut self, sent: bool) {
        self.refused_sends += usize::from(!sent);
    }

    fn note_close(&mut self, closed: bool) {
        self.refused_closes += usize::from(!closed);
    }
}

/// A server on a simulated kernel.
pub struct Sim<H: Handler<SimKernel> = Probe> {
    pub net: Net,
    pub server: EventLoop<H, SimKernel>,
    /// What the last turn said.
    pub goes_on: bool,
}

impl Sim {
    pub fn new() -> Self {
        Self::with(Limits::default(), Timeouts::default())
    }

    pub fn with(limits: Limits, timeouts: Timeouts) -> Self {
        Self::of(Probe::default(), Settings::new(limits, timeouts))
    }

    pub fn probe(&mut self) -> &mut Probe {
        self.server.handler()
    }

    /// The only end so far.
    pub fn only_end(&mut self) -> End {
        let [end] = self.probe().ends.as_slice() else {
            panic!("not one end: {:?}", self.probe().ends);
        };
        end.clone()
    }
}

impl<H: Handler<SimKernel>> Sim<H> {
    /// A server with a handler of the test's own.
    pub fn of(handler: H, settings: Settings) -> Self {
        let net = Net::new();
        let server = EventLoop::new(net.kernel(), handler, settings);
        Self {
            net,
            server,
            goes_on: true,
        }
    }

    /// One turn that does not wait.
    pub fn turn(&mut self) {
        self.goes_on = self
            .server
            .turn(Some(Duration::ZERO))
            .expect("polling works");
    }

    /// Turns until the server has nothing left to do at this time.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..1_000_000 {
            let before = self.net.calls().work();
            self.turn();
            quiet = if self.net.calls().work() == before {
                quiet + 1
            } else {
                0
            };
            // Bytes may come in pieces, one per poll.
            if quiet == 2 {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    /// Runs until a time of the virtual clock.
    pub fn run_until(&mut self, time: Duration) {
        let mut turns_at_once = 0;
        while self.net.now() < time {
            let before = self.net.now();
            let wait = time - before;
            self.goes_on = self.server.turn(Some(wait)).expect("polling works");
            if !self.goes_on {
                return;
            }
            turns_at_once = if self.net.now() == before {
                turns_at_once + 1
            } else {
                0
            };
            assert!(turns_at_once < 10_000, "the server spins");
        }
        self.settle();
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.net.now() + span);
    }

    /// A peer that has sent nothing yet.
    pub fn connect(&self) -> Client {
        let conn = self.net.connect();
        Client {
            conn,
            bytes: Vec::new(),
        }
    }

    /// A peer whose connection is open.
    pub fn open(&mut self) -> Client {
        let mut client = self.connect();
        client.conn.push(REQUEST);
        self.settle();
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }
}

/// A peer.
pub struct Client {
    pub conn: Conn,
    /// Received and not looked at.
    pub bytes: Vec<u8>,
}

impl Client {
    pub fn push(&self, bytes: &[u8]) {
        self.conn.push(bytes);
    }

    /// The head of the server's answer.
    pub fn head(&mut self) -> String {
        self.bytes.append(&mut self.conn.take_sent());
        take_head(&mut self.bytes).unwrap_or_default()
    }

    /// The whole frames received since this was asked last.
    pub fn frames(&mut self) -> Vec<Frame> {
        self.bytes.append(&mut self.conn.take_sent());
        take_frames(&mut self.bytes)
    }

    /// The one frame received since.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        let frames = self.frames();
        let [frame] = frames.as_slice() else {
            panic!("not one frame: {frames:?}");
        };
        frame.clone()
    }

    /// Nothing was received, nothing was ended.
    #[track_caller]
    pub fn assert_quiet(&mut self) {
        assert!(self.frames().is_empty());
        assert!(self.bytes.is_empty());
        assert!(!self.conn.is_finished() && !self.conn.is_closed());
    }

    /// The connection works: what is said comes back.
    #[track_caller]
    pub fn assert_echoes(&mut self, sim: &mut Sim<impl Handler<SimKernel>>) {
        self.push(&frames::text("are you there?"));
        sim.settle();
        assert_eq!(self.frame(), Frame::text("are you there?"));
    }

    /// Answers the server's Close frame and ends, as a good client does.
    pub fn close_in_order(&self, sim: &mut Sim<impl Handler<SimKernel>>, code: u16) {
        self.push(&frames::close(code));
        sim.settle();
        self.conn.end();
        sim.settle();
        assert!(self.conn.is_closed());
    }
}
