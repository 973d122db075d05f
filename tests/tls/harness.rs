//! A server that speaks TLS on a simulated kernel, and peers whose records a test holds in its hands.
#![allow(dead_code, reason = "each test target uses what it needs")]

use crate::certs::{Authority, Dir, Identity};
use crate::frames::{self, Frame, REQUEST, take_frames, take_head};
use crate::sim::{Conn, Net, SimKernel};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, SupportedProtocolVersion};
use sockeye::server::{
    Cause, Closed, ConnectionId, EventLoop, Handler, Hub, Limits, Message, Peer, Settings, Timeouts,
};
use sockeye::tls;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

pub const HOST: &str = "server.test";

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What a handler was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Opened,
    Text(String),
    Binary(Vec<u8>),
    Ended {
        code: u16,
        clean: bool,
        cause: Cause,
    },
}

/// Writes down what it is told, and echoes.
#[derive(Debug, Default)]
pub struct Probe {
    pub told: Vec<Told>,
}

impl Handler<SimKernel> for Probe {
    type State = ();

    fn on_open(
        &mut self,
        _peer: &mut Peer<'_, SimKernel>,
        _request: &sockeye::proto::handshake::server::Request<'_>,
    ) {
        self.told.push(Told::Opened);
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        self.told.push(match message {
            Message::Text(text) => Told::Text(text.to_owned()),
            Message::Binary(data) => Told::Binary(data.to_owned()),
        });
        let _ = peer.send(message);
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _id: ConnectionId, (): (), closed: &Closed<'_>) {
        self.told.push(Told::Ended {
            code: closed.code,
            clean: closed.clean,
            cause: closed.cause,
        });
    }
}

/// How a connection ends whose TLS broke.
pub const BROKEN: Told = Told::Ended {
    code: 1006,
    clean: false,
    cause: Cause::Tls,
};

/// One server, its certificate and its world.
pub struct Sim {
    pub net: Net,
    pub server: EventLoop<Probe, SimKernel>,
    pub authority: Authority,
    pub dir: Dir,
}

impl Sim {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        Self::of(Settings::new(limits, Timeouts::default()))
    }

    pub fn of(settings: Settings) -> Self {
        Self::exactly(settings.deflate(None))
    }

    /// With compression as the settings have it.
    pub fn exactly(settings: Settings) -> Self {
        let authority = Authority::new("test authority");
        let dir = Dir::new();
        let tls = authority.sign(&[HOST]).server(&dir);
        let net = Net::new();
        let settings = settings.tls(tls);
        let server = EventLoop::new(net.kernel(), Probe::default(), settings);
        Self {
            net,
            server,
            authority,
            dir,
        }
    }

    pub fn told(&mut self) -> &[Told] {
        &self.server.handler().told
    }

    pub fn forget_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.server.handler().told)
    }

    /// One turn that does not wait.
    pub fn turn(&mut self) {
        let goes_on = self.server.turn(Some(Duration::ZERO));
        assert!(goes_on.expect("polling works"));
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
            if quiet == 2 {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    /// Runs until a time of the virtual clock.
    pub fn run_until(&mut self, time: Duration) {
        let mut turns = 0;
        while self.net.now() < time {
            let wait = time - self.net.now();
            assert!(self.server.turn(Some(wait)).expect("polling works"));
            turns += 1;
            assert!(turns < 10_000, "the server spins");
        }
        self.settle();
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.net.now() + span);
    }

    /// A client's configuration that trusts this server.
    pub fn config(&self) -> ClientConfig {
        config_of(&self.authority, rustls::ALL_VERSIONS)
    }

    /// A peer that has said nothing yet.
    pub fn peer(&self) -> Tls {
        self.peer_with(self.config())
    }

    pub fn peer_with(&self, config: ClientConfig) -> Tls {
        Tls::new(self.net.connect(), config, HOST)
    }

    /// Takes turns with a peer until neither has anything to say.
    pub fn converse(&mut self, peer: &mut Tls) {
        for _ in 0..1000 {
            let said = peer.speak();
            self.settle();
            if !peer.hear() && !said {
                return;
            }
        }
        panic!("they do not come to rest");
    }

    /// A peer whose connection is open, and quiet.
    pub fn open(&mut self) -> Tls {
        let config = self.config();
        self.open_with(config)
    }

    pub fn open_with(&mut self, config: ClientConfig) -> Tls {
        let mut peer = self.peer_with(config);
        peer.write(REQUEST);
        self.converse(&mut peer);
        peer.assert_accepted();
        assert_eq!(self.server.handler().told.pop(), Some(Told::Opened));
        peer
    }
}

/// A configuration of a client that trusts one authority.
pub fn config_of(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .expect("versions that ring has ciphers for")
        .with_root_certificates(authority.roots())
        .with_no_client_auth()
}

/// A peer: the layer, and the connection below it.
pub struct Tls {
    pub conn: Conn,
    pub layer: ClientConnection,
    /// Decrypted and not looked at.
    pub plain: Vec<u8>,
    /// What it did not like, or was told by an alert.
    pub error: Option<rustls::Error>,
    /// The server has said in TLS that it is the end.
    pub notified: bool,
}

impl Tls {
    pub fn new(conn: Conn, config: ClientConfig, host: &str) -> Self {
        let name = ServerName::try_from(host.to_owned()).expect("a name");
        let layer = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        Self {
            conn,
            layer,
            plain: Vec::new(),
            error: None,
            notified: false,
        }
    }

    /// Has the layer encrypt, as soon as it can.
    pub fn write(&mut self, plain: &[u8]) {
        self.layer.set_buffer_limit(None);
        self.layer.writer().write_all(plain).expect("room");
    }

    /// The records that the layer wants to send.
    pub fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.layer.wants_write() {
            self.layer.write_tls(&mut records).expect("room");
        }
        records
    }

    /// Plaintext as the records that carry it.
    pub fn encrypt(&mut self, plain: &[u8]) -> Vec<u8> {
        assert!(!self.layer.is_handshaking());
        self.write(plain);
        self.records()
    }

    /// Sends the records that there are. Says whether there were any.
    pub fn speak(&mut self) -> bool {
        let records = self.records();
        if !records.is_empty() {
            self.conn.push(&records);
        }
        !records.is_empty()
    }

    /// Decrypts what the server has sent. Says whether there was anything.
    pub fn hear(&mut self) -> bool {
        let sent = self.conn.take_sent();
        self.decrypt(&sent);
        !sent.is_empty()
    }

    pub fn decrypt(&mut self, mut records: &[u8]) {
        while !records.is_empty() && self.error.is_none() && !self.notified {
            self.layer.read_tls(&mut records).expect("room");
            match self.layer.process_new_packets() {
                Ok(state) => self.notified = state.peer_has_closed(),
                Err(error) => self.error = Some(error),
            }
            match self.layer.reader().read_to_end(&mut self.plain) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }

    /// The server has answered 101.
    #[track_caller]
    pub fn assert_accepted(&mut self) {
        let head = take_head(&mut self.plain).unwrap_or_default();
        let error = &self.error;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head} {error:?}");
    }

    /// The whole frames received since this was asked last.
    pub fn frames(&mut self) -> Vec<Frame> {
        take_frames(&mut self.plain)
    }

    /// The connection works: what is said comes back.
    #[track_caller]
    pub fn assert_echoes(&mut self, sim: &mut Sim) {
        self.write(&frames::text("are you there?"));
        sim.converse(self);
        assert_eq!(self.frames(), [Frame::text("are you there?")]);
    }

    pub fn version(&self) -> Option<ProtocolVersion> {
        self.layer.protocol_version()
    }
}

/// One record with a payload that is not encrypted.
pub fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend((payload.len() as u16).to_be_bytes());
    record.extend(payload);
    record
}

pub const HANDSHAKE: u8 = 22;
pub const ALERT: u8 = 21;
pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const APPLICATION: u8 = 23;

/// The records in some bytes: their kinds and payloads.
pub fn take_records(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        found.push((*kind, rest[..len].to_vec()));
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty(), "half a record");
    found
}

/// A server's certificate of this name.
pub fn identity(authority: &Authority) -> Identity {
    authority.sign(&[HOST])
}

/// The files behind it are read again.
pub fn read_again(sim: &mut Sim) {
    sim.net.forge(sockeye::kernel::Ready::Reload);
    sim.settle();
}

/// Whom a client of this crate trusts who knows the server's authority.
pub fn trusting(sim: &Sim) -> tls::Client {
    crate::certs::trusting(sim.dir.file("ca.pem", &sim.authority.pem))
}
