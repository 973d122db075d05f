//! A connection from its first byte to its last: the opening handshake of either role, then the core's connection.
//!
//! Not here: pointers; the handshakes themselves (`opening`); sending (`send`).

mod opening;
mod send;

use crate::config::Setup;
use crate::event::{Event, State, Step};
use crate::output::Output;
use engine::proto::deflate::Compressor;
use engine::proto::handshake::client::ResponseParser;
use engine::proto::handshake::server::RequestParser;
use engine::proto::{Config, Connection, Inbound, State as CoreState};
use std::sync::Arc;

pub(crate) use opening::{Asked, Field};
pub(crate) use send::{Sending, outbound};

/// What the connections of one thread share.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) setup: Arc<Setup>,
    pub(crate) inbound: Inbound,
    pub(crate) compressor: Compressor,
}

impl Kit {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut inbound = Inbound::new();
        if let Some(streams) = setup.max_streams {
            inbound.set_max_streams(streams);
        }
        let policy = setup.policy().cloned().unwrap_or_default();
        Self {
            compressor: Compressor::new(&policy),
            setup: Arc::new(setup),
            inbound,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Session {
    setup: Arc<Setup>,
    pub(crate) stage: Stage,
    pub(crate) core: Connection,
    pub(crate) out: Output,
}

/// What the next bytes are.
#[derive(Debug)]
pub(crate) enum Stage {
    /// A request.
    Request(Box<RequestParser>),
    /// Not for us to look at: the program decides on this head.
    Deciding(Box<[u8]>),
    /// A server's answer.
    Response(Box<Waiting>),
    /// Frames.
    Open(Agreed),
    /// For nobody: the handshake has failed.
    Refused(Refused),
}

/// A client that has asked.
#[derive(Debug)]
pub(crate) struct Waiting {
    parser: ResponseParser,
    nonce: [u8; 16],
    protocols: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Agreed {
    protocol: Option<Box<str>>,
    /// A server's answer, until a client receives more.
    head: Option<Box<[u8]>>,
}

#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    text: Box<str>,
    /// A server's answer, for a client.
    head: Option<Box<[u8]>>,
}

impl Session {
    /// A server's side, to which nothing has come.
    pub(crate) fn server(setup: &Arc<Setup>) -> Self {
        let parser = Box::new(RequestParser::new(setup.head));
        Self::new(setup, Stage::Request(parser), Connection::server)
    }

    fn new(setup: &Arc<Setup>, stage: Stage, core: fn(Arc<Config>) -> Connection) -> Self {
        Self {
            core: core(Arc::clone(&setup.core)),
            setup: Arc::clone(setup),
            stage,
            out: Output::default(),
        }
    }

    /// Looks for the next event. What it lends lies in `input`, `kit` or `self`, until one of them is borrowed again.
    pub(crate) fn next(&mut self, kit: &mut Kit, input: &mut [u8]) -> Step {
        match &mut self.stage {
            Stage::Request(_) => self.read_request(input),
            Stage::Deciding(_) => Step::need(0, 0),
            Stage::Response(_) => self.read_response(input),
            Stage::Open(agreed) => {
                agreed.head = None;
                self.read_frames(kit, input)
            }
            Stage::Refused(refused) => refused.step(input.len()),
        }
    }

    /// The handshake has failed. What is lent of it is borrowed where it stays: a box that is moved is not what was lent.
    fn end(&mut self, refused: Refused, consumed: usize) -> Step {
        self.stage = Stage::Refused(refused);
        match &self.stage {
            Stage::Refused(refused) => refused.step(consumed),
            _ => Step::need(0, 0),
        }
    }

    fn read_frames(&mut self, kit: &mut Kit, input: &mut [u8]) -> Step {
        let Connection { rx, tx } = &mut self.core;
        let len = input.len();
        let (inbound, out) = (&mut kit.inbound, self.out.room());
        let step = outbound(tx, out, None, |tx, out| {
            rx.next(input, inbound, tx, out).map(Step::from)
        });
        match step {
            Ok(step) => {
                if step.event == Event::NeedMore {
                    kit.compressor.release();
                }
                step
            }
            Err(violation) => {
                let code = violation.close_code().get();
                Step::violation(code, violation.text().as_bytes(), len)
            }
        }
    }

    pub(crate) const fn state(&self) -> State {
        match &self.stage {
            Stage::Request(_) | Stage::Deciding(_) | Stage::Response(_) => State::Handshake,
            Stage::Refused(_) => State::Failed,
            Stage::Open(_) => match self.core.state() {
                CoreState::Open => State::Open,
                CoreState::Closing => State::Closing,
                CoreState::Closed => State::Closed,
                CoreState::Failed => State::Failed,
            },
        }
    }

    /// The subprotocol in use.
    pub(crate) fn protocol(&self) -> Option<&[u8]> {
        match &self.stage {
            Stage::Open(agreed) => Some(agreed.protocol.as_ref()?.as_bytes()),
            _ => None,
        }
    }
}

impl Refused {
    fn step(&self, consumed: usize) -> Step {
        Step::violation(self.status, self.text.as_bytes(), consumed)
    }
}
