//! The opening handshake as a client, over a stream that is open: [`Client`].
//!
//! Not here: addresses, dialling, TLS, proxies, redirects. `sockeye::client` has those, on a loop of its own.

use super::error::Error;
use super::incoming::Incoming;
use super::io::Io;
use super::line::{Alarm, Line};
use super::server::poll_more;
use super::socket::{Agreement, WebSocket};
use super::terms::Terms;
use super::tools::Tools;
use crate::proto::handshake::client::{Expected, Request, Response, ResponseParser};
use crate::proto::{Connection, SendError, deflate};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;

/// Asks a server for a connection.
///
/// ```no_run
/// use sockeye::aio::{Client, Tokio};
///
/// # async fn talk() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = tokio::net::TcpStream::connect("example.com:80").await?;
/// let client = Client::new("example.com", "/chat").protocols(["chat"]).header("Authorization", "Bearer …");
/// let mut socket = client.connect(Tokio::new(stream)).await?;
/// socket.send("hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    terms: Arc<Terms>,
    host: String,
    target: String,
    origin: Option<String>,
    protocols: Vec<String>,
    headers: Vec<(String, String)>,
}

impl Client {
    /// For a host, with `:port` unless it is the default one, and a path with an optional query.
    pub fn new(host: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            terms: Arc::default(),
            host: host.into(),
            target: target.into(),
            origin: None,
            protocols: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Limits, deadlines, compression.
    #[must_use]
    pub fn terms(mut self, terms: impl Into<Arc<Terms>>) -> Self {
        self.terms = terms.into();
        self
    }

    /// Subprotocols to offer, the preferred one first. Default: none.
    #[must_use]
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// The `Origin` to send, for programs that act for a web page.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<Option<String>>) -> Self {
        self.origin = origin.into();
        self
    }

    /// One more header, such as `Authorization`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the request, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`Error::Response`] where the answer is none to open a connection with, a refusal included; [`Error::Misuse`]
    /// where the request cannot be written; [`Error::Send`] where the system has no randomness for its key, and then nothing
    /// was; [`Error::Deflate`], [`Error::Timeout`], [`Error::Lost`], [`Error::Io`].
    pub async fn connect<T: Io>(&self, io: T) -> Result<WebSocket<T>, Error> {
        Ok(self.connect_with(io, |_| ()).await?.0)
    }

    /// The same, with a look at the answer: at its cookies, say. What that makes of it comes with the connection.
    ///
    /// ```
    /// # use sockeye::aio::{Client, Error, Io};
    /// # async fn talk(client: Client, io: impl Io) -> Result<(), Error> {
    /// let (mut socket, cookie) = client
    ///     .connect_with(io, |response| response.headers().first("set-cookie").map(<[u8]>::to_vec))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It is called once, with an answer whose head is whole and right by the rules of HTTP, whatever its status: who wants
    /// to know where a refusal leads to writes it down there, as only the error is returned then.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn connect_with<T: Io, R>(
        &self,
        io: T,
        look: impl FnOnce(&Response<'_>) -> R,
    ) -> Result<(WebSocket<T>, R), Error> {
        let conn = Connection::client(Arc::clone(&self.terms.config));
        let (mut line, mut rx) = (Line::new(io, conn.tx, Arc::clone(&self.terms)), conn.rx);
        let nonce = Tools::with(|Tools { sending, .. }| {
            sending.random.begin_turn();
            sending.random.take()
        });
        let nonce: [u8; 16] = nonce.map_err(|error| Error::Send(SendError::from(error)))?;
        let policy = self.terms.config.deflate.as_ref();
        let offer = policy.map(|policy| policy.offer().to_string());
        let protocols: Vec<&str> = self.protocols.iter().map(String::as_str).collect();
        let pair = |(name, value): &'_ (String, String)| (name.clone(), value.clone());
        let headers: Vec<_> = self.headers.iter().map(pair).collect();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let mut request = Vec::new();
        let expected = Request::new(&self.host, &self.target, nonce)
            .protocols(&protocols)
            .extensions(offer.as_deref())
            .origin(self.origin.as_deref())
            .headers(&headers)
            .write(&mut request)
            .map_err(Error::Misuse)?;
        line.raw(&request);
        line.set(Alarm::Handshake, self.terms.handshake_timeout);
        poll_fn(|cx| line.poll_flush_head(cx)).await?;
        let mut reading = Reading {
            parser: ResponseParser::new(self.terms.head),
            expected: &expected,
            policy,
            received: Vec::new(),
        };
        let (answer, seen) = reading.take(&mut line, look).await?;
        line.set(Alarm::None, None);
        if let (Some(agreed), Some(policy)) = (answer.deflate, policy) {
            rx.set_deflate(agreed.server);
            line.set_deflate(agreed.client, policy.clone());
        }
        let mut received = reading.received;
        received.drain(..answer.head_len);
        let agreement = Agreement {
            protocol: answer.protocol,
            is_compressed: answer.deflate.is_some(),
        };
        let socket = WebSocket::new(Incoming::new(rx, received), line, agreement);
        Ok((socket, seen))
    }
}

/// An answer as it arrives.
struct Reading<'r> {
    parser: ResponseParser,
    expected: &'r Expected<'r>,
    policy: Option<&'r deflate::Policy>,
    received: Vec<u8>,
}

/// What an answer comes to.
struct Answer {
    head_len: usize,
    protocol: Option<String>,
    deflate: Option<deflate::Agreed>,
}

impl Reading<'_> {
    /// Waits until the answer is whole, has it looked at, and judges it.
    async fn take<T: Io, R>(
        &mut self,
        line: &mut Line<T>,
        look: impl FnOnce(&Response<'_>) -> R,
    ) -> Result<(Answer, R), Error> {
        loop {
            let parsed = self.parser.parse(&self.received);
            if let Some(response) = parsed.map_err(Error::Response)? {
                let seen = look(&response);
                return Ok((self.judge(&response)?, seen));
            }
            poll_fn(|cx| poll_more(line, &mut self.received, cx)).await?;
        }
    }

    fn judge(&self, response: &Response<'_>) -> Result<Answer, Error> {
        let agreed = response.verify(self.expected).map_err(Error::Response)?;
        let deflate = self
            .policy
            .map(|policy| policy.confirm(agreed.extensions()));
        Ok(Answer {
            head_len: response.head_len(),
            protocol: agreed.protocol().map(ToString::to_string),
            deflate: deflate.transpose().map_err(Error::Deflate)?.flatten(),
        })
    }
}
