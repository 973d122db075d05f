//! The opening handshake of both roles, and what a head says.
//!
//! A head is kept, as a copy, while it may be asked about: that of a request until it is answered, that of an answer until
//! more arrives. Each question reads it again, which takes about as long as a system call.
//!
//! Not here: what makes a handshake right, which is the core's.

use super::{Agreed, Refused, Session, Setup, Stage, Waiting};
use crate::error::Error;
use crate::event::{Event, Step};
use engine::proto::Connection;
use engine::proto::deflate::{Agreed as Deflate, AnswerError};
use engine::proto::handshake::client::{self, Response, ResponseParser};
use engine::proto::handshake::server::{self, Request};
use engine::proto::handshake::{Accept, HandshakeError, Refusal, ResponseError};
use std::sync::Arc;

/// A client's wishes.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) host: &'a str,
    pub(crate) target: &'a str,
    pub(crate) origin: Option<&'a str>,
    /// As a list with commas.
    pub(crate) protocols: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) nonce: [u8; 16],
}

/// What may be asked about a head.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Path,
    Query,
    Host,
    Origin,
    /// The header of this name, in any case, that comes after so many others of it.
    Header(&'a str, usize),
}

/// As a server.
impl Session {
    pub(super) fn read_request(&mut self, input: &[u8]) -> Step {
        let Stage::Request(parser) = &mut self.stage else {
            return Step::need(0, 0);
        };
        let origins = &self.setup.origins;
        let request = parser.parse(input).and_then(|request| {
            request.map_or(Ok(None), |request| {
                origins.check(&request)?;
                Ok(Some(request.head_len()))
            })
        });
        match request {
            Ok(None) => Step::need(0, 1),
            Ok(Some(len)) => {
                self.stage = Stage::Deciding(input.get(..len).unwrap_or_default().into());
                Step::new(Event::Request, len)
            }
            Err(error) => self.fail_request(error, parser_is_head(&self.stage), input.len()),
        }
    }

    fn fail_request(&mut self, error: HandshakeError, alone: bool, consumed: usize) -> Step {
        // A refusal of the core's own can always be written.
        let _ = Refusal::from(error)
            .head_alone(alone)
            .write(self.out.room());
        self.end(
            Refused::new(error.status(), error.to_string(), None),
            consumed,
        )
    }

    /// Accepts, with the first of these subprotocols that was offered, if any.
    pub(crate) fn accept(
        &mut self,
        protocols: &str,
        headers: &[(&str, &str)],
    ) -> Result<(), Error> {
        let Stage::Deciding(head) = &self.stage else {
            return Err(Error::State);
        };
        let request = request(head, &self.setup).ok_or(Error::State)?;
        let chosen = request.choose_protocol(list(protocols));
        let policy = self.setup.policy();
        let params = policy.and_then(|policy| policy.answer(request.extensions()));
        let line = params.map(|params| params.to_string());
        Accept::new(&request)
            .protocol(chosen)
            .extensions(line.as_deref())
            .headers(headers)
            .write(self.out.room())?;
        if let Some(params) = params {
            self.core.set_deflate(params.agreed());
        }
        self.stage = Stage::Open(Agreed {
            protocol: chosen.map(Box::from),
            head: None,
        });
        Ok(())
    }

    /// Refuses, also before the request is there.
    pub(crate) fn refuse(
        &mut self,
        status: u16,
        sentence: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<(), Error> {
        if !matches!(self.stage, Stage::Request(_) | Stage::Deciding(_)) {
            return Err(Error::State);
        }
        let known = HandshakeError::ALL.iter().rev();
        let known = known.copied().find(|error| error.status() == status);
        let usual = known.map_or_else(
            || "this request is refused".to_owned(),
            |error| error.to_string(),
        );
        let sentence = sentence.unwrap_or(&usual);
        Refusal::new(status, sentence)
            .headers(headers)
            .head_alone(parser_is_head(&self.stage))
            .write(self.out.room())?;
        self.stage = Stage::Refused(Refused::new(status, sentence.to_owned(), None));
        Ok(())
    }
}

/// As a client.
impl Session {
    /// A client's side, with its request in the output.
    pub(crate) fn client(setup: &Arc<Setup>, asked: &Asked<'_>) -> Result<Self, Error> {
        let protocols: Vec<_> = list(asked.protocols).collect();
        let offer = setup.policy().map(|policy| policy.offer().to_string());
        let mut request = Vec::new();
        client::Request::new(asked.host, asked.target, asked.nonce)
            .protocols(&protocols)
            .extensions(offer.as_deref())
            .origin(asked.origin)
            .headers(asked.headers)
            .write(&mut request)?;
        let waiting = Waiting {
            parser: ResponseParser::new(setup.head),
            nonce: asked.nonce,
            protocols: protocols.into_iter().map(str::to_owned).collect(),
        };
        let mut session = Self::new(
            setup,
            Stage::Response(Box::new(waiting)),
            Connection::client,
        );
        session.out.room().append(&mut request);
        Ok(session)
    }

    pub(super) fn read_response(&mut self, input: &[u8]) -> Step {
        let Stage::Response(waiting) = &mut self.stage else {
            return Step::need(0, 0);
        };
        let response = match waiting.parser.parse(input) {
            Ok(Some(response)) => response,
            Ok(None) => return Step::need(0, 1),
            Err(error) => return self.fail_response(0, error.to_string(), None, input.len()),
        };
        let len = response.head_len();
        let head = input.get(..len).map(Box::from);
        match waiting.judge(&response, &self.setup) {
            Ok((protocol, deflate)) => {
                if let Some(agreed) = deflate {
                    self.core.set_deflate(agreed);
                }
                self.stage = Stage::Open(Agreed { protocol, head });
                Step::new(Event::Open, len)
            }
            Err(fault) => self.fail_response(fault.status(), fault.text(), head, input.len()),
        }
    }

    fn fail_response(
        &mut self,
        status: u16,
        text: String,
        head: Option<Box<[u8]>>,
        consumed: usize,
    ) -> Step {
        self.end(Refused::new(status, text, head), consumed)
    }
}

impl Waiting {
    /// What the answer agrees to, if it answers what was asked.
    fn judge(
        &self,
        response: &Response<'_>,
        setup: &Setup,
    ) -> Result<(Option<Box<str>>, Option<Deflate>), Fault> {
        let policy = setup.policy();
        let protocols: Vec<_> = self.protocols.iter().map(String::as_str).collect();
        let offer = policy.map(|policy| policy.offer().to_string());
        // What an answer must match depends on nonce and offers alone, and borrows them: so it is made here, anew.
        let expected = client::Request::new("again", "/", self.nonce)
            .protocols(&protocols)
            .extensions(offer.as_deref())
            .write(&mut Vec::new())
            .map_err(|_| Fault::Response(ResponseError::AcceptMismatch))?;
        let agreed = response.verify(&expected).map_err(Fault::Response)?;
        let deflate = policy.map(|policy| policy.confirm(agreed.extensions()));
        let deflate = deflate.transpose().map_err(Fault::Deflate)?;
        Ok((agreed.protocol().map(Box::from), deflate.flatten()))
    }
}

/// Why a server's answer is not taken.
enum Fault {
    Response(ResponseError),
    Deflate(AnswerError),
}

impl Fault {
    /// The status that a server refused with, or 0.
    const fn status(&self) -> u16 {
        match self {
            Self::Response(ResponseError::Status(status)) => *status,
            Self::Response(_) | Self::Deflate(_) => 0,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Response(error) => error.to_string(),
            Self::Deflate(error) => error.to_string(),
        }
    }
}

/// What a head says.
impl Session {
    /// `None` where there is no such thing, or no head any more.
    pub(crate) fn field(&self, field: Field<'_>) -> Option<&[u8]> {
        let head = match &self.stage {
            Stage::Deciding(head) => return in_request(head, field, &self.setup),
            Stage::Open(agreed) => agreed.head.as_deref()?,
            Stage::Refused(refused) => refused.head.as_deref()?,
            Stage::Request(_) | Stage::Response(_) => return None,
        };
        let Field::Header(name, index) = field else {
            return None;
        };
        let mut parser = ResponseParser::new(self.setup.head);
        let response = parser.parse(head).ok()??;
        response.headers().all(name).nth(index)
    }
}

fn in_request<'a>(head: &'a [u8], field: Field<'_>, setup: &Setup) -> Option<&'a [u8]> {
    let request = request(head, setup)?;
    match field {
        Field::Path => Some(request.path().as_bytes()),
        Field::Query => request.query().map(str::as_bytes),
        Field::Host => Some(request.host().as_bytes()),
        Field::Origin => request.origin(),
        Field::Header(name, index) => request.headers().all(name).nth(index),
    }
}

fn request<'a>(head: &'a [u8], setup: &Setup) -> Option<Request<'a>> {
    server::parse(head, setup.head).ok()
}

impl Refused {
    fn new(status: u16, text: String, head: Option<Box<[u8]>>) -> Self {
        Self {
            status,
            text: text.into(),
            head,
        }
    }
}

/// Whether what is asked for is a head alone, so that a refusal has no body either.
fn parser_is_head(stage: &Stage) -> bool {
    matches!(stage, Stage::Request(parser) if parser.is_head())
}

/// The elements of a list with commas.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let elements = text.split(',').map(str::trim);
    elements.filter(|element| !element.is_empty())
}
