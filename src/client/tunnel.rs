//! A connection through a proxy, up to the moment where the server is at its other end: HTTP CONNECT or SOCKS5, as
//! bytes in and bytes out.
//!
//! A driver writes what [`Tunnel::output`] gives, gives what it reads to [`Tunnel::receive`], and begins again until
//! that says `Open`. How the bytes are split changes nothing. A proxy that speaks out of turn is refused: what it says
//! would be taken for what the server says.
//!
//! Not here: sockets, deadlines, which proxy it is (`proxy`), and the bytes of SOCKS5 (`socks`).

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use super::authority::Credentials;
use super::basic::basic;
use super::proxy::{ProxyKind, ProxyServer};
use super::socks::Socks;
use super::{Host, ProxyError};
use crate::proto::handshake::client::ResponseParser;
use crate::proto::handshake::{HeadError, HeadLimits, ResponseError};

/// The opening of one tunnel.
pub(crate) struct Tunnel {
    kind: Kind,
    output: Vec<u8>,
}

enum Kind {
    Http(Http),
    Socks(Socks),
}

/// How far a tunnel has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There may be something to send, and there is something to receive.
    More,
    /// The server is at the other end. All that was received, which is this many bytes, came from the proxy. What
    /// arrives before something was sent to the server is the proxy's as well, and out of turn.
    Open { consumed: usize },
}

impl Tunnel {
    /// A tunnel through `proxy` to `host` and `port`.
    pub(crate) fn new(proxy: &ProxyServer, host: Host<'_>, port: u16) -> Result<Self, ProxyError> {
        let credentials = proxy.credentials.as_ref();
        let mut output = Vec::new();
        let kind = match proxy.kind {
            ProxyKind::Http => {
                write_connect(host, port, credentials, &mut output);
                Kind::Http(Http::new(credentials.is_some()))
            }
            ProxyKind::Socks5 => Kind::Socks(Socks::new(host, port, credentials, &mut output)?),
        };
        Ok(Self { kind, output })
    }

    /// Takes what is to be sent now; empty when the proxy is to speak.
    pub(crate) fn output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.output)
    }

    /// Takes what was received since the last call.
    pub(crate) fn receive(&mut self, received: &[u8]) -> Result<Progress, ProxyError> {
        // It answers what it cannot have got.
        if !self.output.is_empty() && !received.is_empty() {
            return Err(ProxyError::OutOfTurn);
        }
        let open = match &mut self.kind {
            Kind::Http(http) => http.receive(received)?,
            Kind::Socks(socks) => socks.receive(received, &mut self.output)?,
        };
        Ok(if open {
            Progress::Open {
                consumed: received.len(),
            }
        } else {
            Progress::More
        })
    }
}

/// Without what is sent: a password may stand in it.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").finish_non_exhaustive()
    }
}

/// `CONNECT host:port`, always with the port (RFC 9110 §9.3.6).
fn write_connect(host: Host<'_>, port: u16, credentials: Option<&Credentials>, out: &mut Vec<u8>) {
    let head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    out.extend_from_slice(head.as_bytes());
    if let Some(credentials) = credentials {
        let line = format!("Proxy-Authorization: {}\r\n", basic(credentials));
        out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// The wait for the answer to CONNECT.
struct Http {
    parser: ResponseParser,
    received: Vec<u8>,
    authenticated: bool,
}

impl Http {
    fn new(authenticated: bool) -> Self {
        Self {
            parser: ResponseParser::new(HeadLimits::default()),
            received: Vec::new(),
            authenticated,
        }
    }

    fn receive(&mut self, received: &[u8]) -> Result<bool, ProxyError> {
        // Only what can be of the head is kept; the rest only has to be known to be there.
        let room = HeadLimits::default()
            .max_head
            .saturating_add(1)
            .saturating_sub(self.received.len());
        let kept = received.get(..room).unwrap_or(received);
        self.received.extend_from_slice(kept);
        speak_of_1_1(&mut self.received);
        let Some(response) = self.parser.parse(&self.received).map_err(malformed)? else {
            return Ok(false);
        };
        match response.status() {
            200..=299 if response.head_len() < self.received.len() => Err(ProxyError::OutOfTurn),
            // A length and a coding mean nothing here (RFC 9110 §9.3.6).
            200..=299 => Ok(true),
            407 if self.authenticated => Err(ProxyError::CredentialsRefused),
            407 => Err(ProxyError::CredentialsMissing),
            status => Err(ProxyError::Status(status)),
        }
    }
}

/// Many proxies say `HTTP/1.0 200 Connection established`. For an answer without a body the versions are the same, so
/// the parser, which knows only the newer, is shown that one.
fn speak_of_1_1(received: &mut [u8]) {
    if let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ b'0', ..] = received {
        *minor = b'1';
    }
}

/// Only these two come from reading a head.
fn malformed(error: ResponseError) -> ProxyError {
    match error {
        ResponseError::Head(error) => ProxyError::Head(error),
        _ => ProxyError::Head(HeadError::NotHttp),
    }
}

#[cfg(test)]
mod tests;
