//! A client's loop in a simulated world, a record of all that its handler is told, and the server's end of its connections.

use super::frames::{self, Frame};
use super::sim::{Conn, Dialed, Net, SimKernel};
use sockeye::client::{
    Answer, Cause, Closed, ConnectError, ConnectionId, Connector, EventLoop, Handler, Hub, Limits,
    LinkState, Message, Peer, Proxy, Refused, Settings, Timeouts,
};
use sockeye::proto::handshake::{Accept, HeadLimits, server};
use sockeye::proto::{CloseCode, Violation};
use std::time::Duration;

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A description without a proxy, whatever the environment says, and without compression.
pub fn to(url: &str) -> Connector {
    let connector = Connector::new(url).expect("a URL");
    connector.proxy(Proxy::none()).deflate(None)
}

/// What the handler was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Open {
        tag: u64,
        protocol: Option<String>,
        compressed: bool,
    },
    /// The error as `Debug` has it; a refusal with its status alone.
    Failed(u64, String),
    Text(u64, String),
    Binary(u64, Vec<u8>),
    Ping(u64, Vec<u8>),
    Pong(u64, Vec<u8>),
    Close(u64, End),
    Link(u64, LinkState),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub code: u16,
    pub reason: String,
    pub clean: bool,
    pub violation: Option<Violation>,
    pub cause: Cause,
}

/// Writes down what it is told, and does what it was set to.
#[derive(Debug, Default)]
pub struct Probe {
    pub told: Vec<Told>,
    /// The connections that were opened, by tag.
    pub opened: Vec<(u64, ConnectionId)>,
    /// Headers of the last answer.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The last refusal.
    pub refused: Option<Refused>,
    /// What is sent on opening.
    pub preamble: Vec<&'static str>,
    /// What is opened when a message "!dial" comes, and under which tag.
    pub dials: Option<(Connector, u64)>,
    /// Whose waiting bytes have gone.
    pub drains: Vec<u64>,
    pub panic_on_connect: bool,
    pub panic_on_failed: bool,
    pub panic_on_link: bool,
    pub panic_on_message: bool,
    pub panic_on_close: bool,
}

impl Handler<SimKernel> for Probe {
    /// The tag.
    type State = u64;

    fn on_connect(&mut self, peer: &mut Peer<'_, SimKernel>, tag: u64, answer: &Answer<'_>) -> u64 {
        self.told.push(Told::Open {
            tag,
            protocol: answer.protocol().map(Into::into),
            compressed: answer.is_compressed(),
        });
        self.opened.push((tag, peer.id()));
        let owned = |(name, value): (&str, &[u8])| (name.to_owned(), value.to_vec());
        self.headers = answer.headers().iter().map(owned).collect();
        for text in &self.preamble {
            let _ = peer.send(*text);
        }
        assert!(!self.panic_on_connect, "asked to");
        tag
    }

    fn on_failed(&mut self, tag: u64, error: ConnectError) {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text}");
        let told = match error {
            ConnectError::Refused(refused) => {
                let told = format!("Refused({})", refused.status);
                self.refused = Some(*refused);
                told
            }
            error => format!("{error:?}"),
        };
        self.told.push(Told::Failed(tag, told));
        assert!(!self.panic_on_failed, "asked to");
    }

    fn on_link(&mut self, tag: u64, state: LinkState) {
        self.told.push(Told::Link(tag, state));
        assert!(!self.panic_on_link, "asked to");
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, tag: &mut u64, message: Message<'_>) {
        match message {
            Message::Text("!close") => {
                let _ = peer.close(CloseCode::NORMAL, "enough");
            }
            Message::Text("!dial") => {
                if let Some((connector, tag)) = &self.dials {
                    peer.connect(connector, *tag);
                }
            }
            Message::Text(text) if text.starts_with("!echo ") => {
                let _ = peer.send(text);
            }
            _ => {}
        }
        self.told.push(match message {
            Message::Text(text) => Told::Text(*tag, text.to_owned()),
            Message::Binary(data) => Told::Binary(*tag, data.to_owned()),
        });
        assert!(!self.panic_on_message, "asked to");
    }

    fn on_ping(&mut self, _: &mut Peer<'_, SimKernel>, tag: &mut u64, payload: &[u8]) {
        self.told.push(Told::Ping(*tag, payload.to_vec()));
    }

    fn on_pong(&mut self, _: &mut Peer<'_, SimKernel>, tag: &mut u64, payload: &[u8]) {
        self.told.push(Told::Pong(*tag, payload.to_vec()));
    }

    fn on_drain(&mut self, _: &mut Peer<'_, SimKernel>, tag: &mut u64) {
        self.drains.push(*tag);
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, tag: u64, closed: &Closed<'_>) {
        let end = End {
            code: closed.code,
            reason: closed.reason.to_owned(),
            clean: closed.clean,
            violation: closed.violation,
            cause: closed.cause,
        };
        self.told.push(Told::Close(tag, end));
        assert!(!self.panic_on_close, "asked to");
    }
}

/// A loop in a world.
pub struct Sim {
    pub net: Net,
    pub client: EventLoop<Probe, SimKernel>,
    /// What the last turn said.
    pub goes_on: bool,
}

impl Sim {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with_timeouts(timeouts: Timeouts) -> Self {
        Self::with(Settings::new(Limits::default(), timeouts))
    }

    pub fn with(settings: Settings) -> Self {
        let net = Net::new();
        let client = EventLoop::new(net.kernel(), Probe::default(), settings);
        Self {
            net,
            client,
            goes_on: true,
        }
    }

    /// Begins to connect, with tag 7.
    pub fn dial(&mut self, connector: &Connector) {
        self.client.connect(connector, 7).expect("right settings");
    }

    /// One turn that does not wait.
    pub fn turn(&mut self) {
        let turned = self.client.turn(Some(Duration::ZERO));
        self.goes_on = turned.expect("polling works");
    }

    /// Turns until there is nothing left to do at this time.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..1_000_000 {
            let before = self.net.calls().work();
            self.turn();
            let idle = self.net.calls().work() == before;
            quiet = if idle { quiet + 1 } else { 0 };
            // Bytes may come in pieces, one per poll.
            if quiet == 2 {
                return;
            }
        }
        panic!("the loop does not come to rest");
    }

    /// Runs until a time of the virtual clock.
    pub fn run_until(&mut self, time: Duration) {
        let mut turns_at_once = 0;
        while self.net.now() < time {
            let before = self.net.now();
            let turned = self.client.turn(Some(time - before));
            self.goes_on = turned.expect("polling works");
            let stands = self.net.now() == before;
            turns_at_once = if stands { turns_at_once + 1 } else { 0 };
            assert!(turns_at_once < 10_000, "the loop spins");
        }
        self.settle();
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.net.now() + span);
    }

    /// The server's end of the connection that was begun last.
    #[track_caller]
    pub fn server(&self) -> Server {
        Server::new(self.last_conn())
    }

    /// The stream that was begun last. Before the next turn nothing is said on it.
    pub fn last_conn(&self) -> Conn {
        let dialed = self.net.dialed();
        let conn = dialed.last().and_then(|dialed| dialed.conn.clone());
        conn.expect("a connection")
    }

    /// All connections that were begun since `from`.
    pub fn dialed_from(&self, from: usize) -> Vec<Dialed> {
        self.net.dialed().split_off(from)
    }

    /// An open connection to `ws://10.0.0.1/`, with the server's end of it.
    #[track_caller]
    pub fn open(&mut self) -> Server {
        self.open_by(&to("ws://10.0.0.1/"))
    }

    /// An open connection as described, to an address.
    #[track_caller]
    pub fn open_by(&mut self, connector: &Connector) -> Server {
        self.dial(connector);
        self.settle();
        let mut server = self.server();
        server.accept();
        self.settle();
        assert!(
            matches!(self.told().last(), Some(Told::Open { .. })),
            "{:?}",
            self.probe().told
        );
        self.take_told();
        server
    }

    pub fn probe(&mut self) -> &mut Probe {
        self.client.handler()
    }

    pub fn told(&mut self) -> &[Told] {
        &self.client.handler().told
    }

    /// What was told since this was asked.
    pub fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.client.handler().told)
    }

    /// The only error so far, as `Debug` has it.
    #[track_caller]
    pub fn only_failure(&mut self) -> String {
        let told = self.take_told();
        let [Told::Failed(7, error)] = told.as_slice() else {
            panic!("not one failure: {told:?}");
        };
        error.clone()
    }

    /// The only end so far.
    #[track_caller]
    pub fn only_end(&mut self) -> End {
        let told = self.take_told();
        let [Told::Close(_, end)] = told.as_slice() else {
            panic!("not one end: {told:?}");
        };
        end.clone()
    }

    /// Nothing is left: no stream, no session, no attempt, no link.
    #[track_caller]
    pub fn assert_idle(&self) {
        assert_eq!(self.net.held_streams(), 0, "streams are left");
        assert_eq!(self.net.wanted_answers(), 0, "questions are left");
        assert_eq!(self.client.connections(), 0, "sessions are left");
        assert_eq!(self.client.dialing(), 0, "attempts are left");
        assert!(self.client.is_idle());
    }
}

/// The end of a connection that the test holds: a server, by hand.
pub struct Server {
    pub conn: Conn,
    /// Received and not looked at.
    pub bytes: Vec<u8>,
}

impl Server {
    pub const fn new(conn: Conn) -> Self {
        Self {
            conn,
            bytes: Vec::new(),
        }
    }

    pub fn push(&self, bytes: &[u8]) {
        self.conn.push(bytes);
    }

    /// The request's head, once it is whole.
    #[track_caller]
    pub fn request(&mut self) -> String {
        self.bytes.append(&mut self.conn.take_sent());
        frames::take_head(&mut self.bytes).expect("a request")
    }

    /// Answers the request with 101.
    #[track_caller]
    pub fn accept(&mut self) {
        let request = self.request();
        self.push(&answer(&request));
    }

    /// The whole frames received since this was asked last, unmasked.
    pub fn frames(&mut self) -> Vec<Frame> {
        self.bytes.append(&mut self.conn.take_sent());
        frames::take_masked_frames(&mut self.bytes)
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
}

/// The 101 that answers a request.
pub fn answer(request: &str) -> Vec<u8> {
    let request = server::parse(request.as_bytes(), HeadLimits::default()).expect("a good request");
    let mut out = Vec::new();
    Accept::new(&request)
        .write(&mut out)
        .expect("a good answer");
    out
}

/// A frame as a server writes it.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(len as u8),
        len @ 126..=0xFFFF => {
            frame.push(126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

pub fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}
