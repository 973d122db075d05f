//! A connection to the server under attack: bytes out, bytes in, and how it ended. Plain, or TLS by the crate's own
//! configuration.
//!
//! Not here: what the bytes mean. Proxies and Unix sockets, between which and a server nothing is to be found out.

use super::modes::{Chance, Mode};
use crate::target::Trust;
use core::time::Duration;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use sockeye::client::Url;
use sockeye::tls;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Instant;

/// A write that takes longer waits for a server that wants to be read first.
const SHORT: Duration = Duration::from_millis(10);

/// Where the server is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    address: SocketAddr,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    timeout: Duration,
}

impl Place {
    /// # Errors
    ///
    /// What about the URL or the certificates is wrong.
    pub(crate) fn new(url: &Url, trust: &Trust, timeout: Duration) -> Result<Self, String> {
        if url.unix_path().is_some() {
            return Err("attack goes over TCP, not over Unix sockets".to_owned());
        }
        let host = url.host().to_string();
        let bare = host.trim_matches(['[', ']']);
        let tls = match url.secure() {
            false => None,
            true => {
                let client = match trust.tls()? {
                    Some(client) => client,
                    None => tls::Client::platform().map_err(|error| error.to_string())?,
                };
                let name = ServerName::try_from(bare.to_owned());
                let name = name.map_err(|error| error.to_string())?;
                Some((Arc::clone(client.config()), name))
            }
        };
        let found = (bare, url.port()).to_socket_addrs();
        let address = found
            .map_err(|error| format!("{host}: {error}"))?
            .next()
            .ok_or_else(|| format!("{host} has no address"))?;
        Ok(Self {
            address,
            tls,
            timeout,
        })
    }

    pub(crate) fn connect(&self) -> io::Result<Link> {
        let mut tcp = TcpStream::connect_timeout(&self.address, self.timeout)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(self.timeout))?;
        let tls = match &self.tls {
            None => None,
            Some((config, name)) => {
                let made = ClientConnection::new(Arc::clone(config), name.clone());
                let mut tls = made.map_err(io::Error::other)?;
                tls.set_buffer_limit(None);
                while tls.is_handshaking() {
                    tls.complete_io(&mut tcp)?;
                }
                Some(tls)
            }
        };
        tcp.set_write_timeout(Some(SHORT))?;
        Ok(Link {
            tcp,
            tls,
            input: Vec::new(),
            end: None,
            deaf: false,
            deadline: Instant::now() + self.timeout,
        })
    }
}

/// How the server's side of the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It said so.
    Finished,
    /// It was reset, or TLS went wrong.
    Broken,
}

pub(crate) struct Link {
    tcp: TcpStream,
    tls: Option<ClientConnection>,
    /// What came, and nobody has taken yet.
    pub(crate) input: Vec<u8>,
    pub(crate) end: Option<End>,
    /// The server takes no more.
    deaf: bool,
    deadline: Instant,
}

impl Link {
    /// When the server must have answered.
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Sends in pieces. What the server does not want any more is dropped: its answer tells why.
    pub(crate) fn deliver(&mut self, bytes: &[u8], mode: Mode, chance: &mut Chance) {
        let mut start = 0;
        for end in mode.ends(bytes.len(), chance) {
            self.send(&bytes[start..end]);
            start = end;
            if let Some(pause) = mode.pause()
                && end < bytes.len()
            {
                self.listen(pause);
            }
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let Some(tls) = &mut self.tls else {
            return self.push(bytes);
        };
        // A `Vec` takes everything, and so does a writer without a limit.
        let mut records = Vec::new();
        let _ = tls.writer().write_all(bytes);
        while tls.wants_write() && tls.write_tls(&mut records).is_ok() {}
        self.push(&records);
    }

    /// Ends our side; the server's stays open.
    pub(crate) fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.send(&[]);
        // Where it is closed already, that is what was wanted.
        let _ = self.tcp.shutdown(Shutdown::Write);
        self.deaf = true;
    }

    /// Writes; reads meanwhile what the server wants to be rid of first.
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.deaf {
            match self.tcp.write(bytes) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(error) if waits(&error) => {
                    self.read(SHORT);
                    self.deaf = Instant::now() >= self.deadline;
                }
                Err(_) => self.deaf = true,
            }
        }
    }

    /// Takes what comes in that time, all of it.
    pub(crate) fn listen(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while self.end.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.read(left);
        }
    }

    /// Waits for something to come, at most that long.
    pub(crate) fn read(&mut self, wait: Duration) {
        if self.end.is_some() {
            return;
        }
        // None is no timeout at all.
        let wait = wait.max(Duration::from_micros(1));
        let read = self.tcp.set_read_timeout(Some(wait)).and_then(|()| {
            let mut buffer = [0; 1 << 14];
            match &mut self.tls {
                None => {
                    let len = self.tcp.read(&mut buffer)?;
                    self.input.extend_from_slice(&buffer[..len]);
                    Ok(len > 0)
                }
                Some(tls) => decrypt(tls, &mut self.tcp, &mut self.input),
            }
        });
        match read {
            Ok(true) => {}
            Ok(false) => self.end = Some(End::Finished),
            Err(error) if waits(&error) => {}
            Err(_) => self.end = Some(End::Broken),
        }
    }
}

/// Reads records once; false at the end of the stream.
fn decrypt(
    tls: &mut ClientConnection,
    tcp: &mut TcpStream,
    input: &mut Vec<u8>,
) -> io::Result<bool> {
    let len = tls.read_tls(tcp)?;
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let start = input.len();
    input.resize(start + state.plaintext_bytes_to_read(), 0);
    tls.reader().read_exact(&mut input[start..])?;
    Ok(len > 0 && !state.peer_has_closed())
}

fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
