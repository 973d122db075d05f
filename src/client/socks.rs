//! The client's half of SOCKS5 (RFC 1928), with user and password (RFC 1929).
//!
//! Names are given to the proxy as names, whether its URL said `socks5` or `socks5h`.
//!
//! Not here: GSSAPI, BIND, UDP, and when what is sent (`tunnel`).

use alloc::vec::Vec;

use super::authority::Credentials;
use super::{Host, ProxyError};

const VERSION: u8 = 5;
/// RFC 1929 counts its own versions.
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const CONNECT: u8 = 1;
const V4: u8 = 1;
const NAME: u8 = 3;
const V6: u8 = 4;

/// One conversation.
pub(super) struct Socks {
    state: State,
    /// What has arrived of the answer that is waited for.
    answer: Vec<u8>,
    login: Option<Vec<u8>>,
    request: Vec<u8>,
}

/// Which answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Method,
    Login,
    Connect,
    Open,
}

impl Socks {
    /// Writes the greeting.
    pub(super) fn new(
        host: Host<'_>,
        port: u16,
        credentials: Option<&Credentials>,
        out: &mut Vec<u8>,
    ) -> Result<Self, ProxyError> {
        let login = credentials.map(login).transpose()?;
        let request = request(host, port)?;
        match login {
            Some(_) => out.extend_from_slice(&[VERSION, 2, NO_LOGIN, LOGIN]),
            None => out.extend_from_slice(&[VERSION, 1, NO_LOGIN]),
        }
        Ok(Self {
            state: State::Method,
            answer: Vec::new(),
            login,
            request,
        })
    }

    /// Says whether the tunnel is open.
    pub(super) fn receive(
        &mut self,
        received: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, ProxyError> {
        for byte in received {
            // The answer before this byte was the last, or one that is followed by something of ours.
            if self.state == State::Open || !out.is_empty() {
                return Err(ProxyError::OutOfTurn);
            }
            self.answer.push(*byte);
            let next = match self.state {
                State::Method => self.method(out)?,
                State::Login => self.logged_in(out)?,
                State::Connect => connected(&self.answer)?.then_some(State::Open),
                State::Open => None,
            };
            if let Some(next) = next {
                self.state = next;
                self.answer.clear();
            }
        }
        Ok(self.state == State::Open)
    }

    /// `version method`
    fn method(&self, out: &mut Vec<u8>) -> Result<Option<State>, ProxyError> {
        match (self.answer.as_slice(), &self.login) {
            ([VERSION], _) => Ok(None),
            ([VERSION, NO_LOGIN], _) => {
                out.extend_from_slice(&self.request);
                Ok(Some(State::Connect))
            }
            ([VERSION, LOGIN], Some(login)) => {
                out.extend_from_slice(login);
                Ok(Some(State::Login))
            }
            ([VERSION, 0xff], Some(_)) => Err(ProxyError::MethodsRefused),
            ([VERSION, 0xff], None) => Err(ProxyError::CredentialsMissing),
            ([VERSION, _], _) => Err(ProxyError::MethodNotOffered),
            _ => Err(ProxyError::NotSocks5),
        }
    }

    /// `version status`
    fn logged_in(&self, out: &mut Vec<u8>) -> Result<Option<State>, ProxyError> {
        match self.answer.as_slice() {
            [LOGIN_VERSION] => Ok(None),
            [LOGIN_VERSION, 0] => {
                out.extend_from_slice(&self.request);
                Ok(Some(State::Connect))
            }
            [LOGIN_VERSION, _] => Err(ProxyError::CredentialsRefused),
            _ => Err(ProxyError::NotSocks5),
        }
    }
}

/// `version reply 0 type address port`. A refusal is known by its second byte, and some send no more than that.
fn connected(answer: &[u8]) -> Result<bool, ProxyError> {
    let address = match answer {
        [VERSION] | [VERSION, 0] | [VERSION, 0, 0] => return Ok(false),
        [VERSION, 0, 0, V4, rest @ ..] => (rest.len(), 4),
        [VERSION, 0, 0, V6, rest @ ..] => (rest.len(), 16),
        [VERSION, 0, 0, NAME] => return Ok(false),
        [VERSION, 0, 0, NAME, len, rest @ ..] => (rest.len(), usize::from(*len)),
        [VERSION, 0, ..] => return Err(ProxyError::NotSocks5),
        [VERSION, reply, ..] => return Err(ProxyError::Reply(*reply)),
        _ => return Err(ProxyError::NotSocks5),
    };
    let (arrived, address) = address;
    Ok(arrived >= address.saturating_add(2))
}

/// `version length user length password`
fn login(credentials: &Credentials) -> Result<Vec<u8>, ProxyError> {
    let Credentials { user, password } = credentials;
    let mut login = Vec::from([LOGIN_VERSION]);
    for text in [user, password] {
        let len = u8::try_from(text.len()).ok().filter(|&len| len > 0);
        login.push(len.ok_or(ProxyError::CredentialsLength)?);
        login.extend_from_slice(text.as_bytes());
    }
    Ok(login)
}

/// `version command 0 type address port`
fn request(host: Host<'_>, port: u16) -> Result<Vec<u8>, ProxyError> {
    let mut request = Vec::from([VERSION, CONNECT, 0]);
    match host {
        Host::Name(name) => {
            let len = u8::try_from(name.len()).map_err(|_| ProxyError::NameTooLong)?;
            request.extend_from_slice(&[NAME, len]);
            request.extend_from_slice(name.as_bytes());
        }
        Host::V4(address) => {
            request.push(V4);
            request.extend_from_slice(&address.octets());
        }
        Host::V6(address) => {
            request.push(V6);
            request.extend_from_slice(&address.octets());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}
