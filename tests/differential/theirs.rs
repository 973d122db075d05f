//! `tungstenite` on a stream.
//!
//! Not here: what it should have done.

use crate::ours::CLOSE;
use crate::reference::{Receiver, Said, Setup};
use crate::stream::Stream;
use sockeye::proto::{Delivery, Limits, Role};
use std::io::{self, Read, Write};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role as TheirRole, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

/// How a connection stands when everything has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It takes more.
    Waiting,
    /// Both have closed.
    Closed,
    /// The peer is at fault; this close code would say so.
    Refused(u16),
}

/// What came of a stream.
#[derive(Debug)]
pub(crate) struct Theirs {
    pub(crate) heard: Vec<Said>,
    /// How much of that was heard before it closed by itself, if it did.
    pub(crate) heard_before_closing: usize,
    pub(crate) end: End,
    pub(crate) said: Vec<Said>,
}

/// What has arrived and was not read; reading beyond it would block.
struct Socket {
    arrived: Vec<u8>,
    at: usize,
    wrote: Vec<u8>,
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.arrived[self.at..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        Ok(len)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wrote.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn run(stream: &Stream) -> Theirs {
    let limit = |bytes: u64| usize::try_from(bytes).ok();
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .max_frame_size(limit(stream.setup.limits.max_frame))
        .max_message_size(limit(stream.setup.limits.max_message));
    let role = match stream.setup.role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let mut context = WebSocketContext::new(role, Some(config));
    let mut socket = Socket {
        arrived: Vec::new(),
        at: 0,
        wrote: Vec::new(),
    };
    let mut heard = Vec::new();
    let (mut end, mut from, mut heard_before_closing) = (End::Waiting, 0, usize::MAX);
    for to in stream.cuts.iter().copied().chain([stream.bytes.len()]) {
        if stream.close_at == Some(from) && heard_before_closing == usize::MAX {
            heard_before_closing = heard.len();
            if end == End::Waiting {
                let frame = CloseFrame {
                    code: CloseCode::from(CLOSE.0),
                    reason: CLOSE.1.into(),
                };
                context.close(&mut socket, Some(frame)).expect("it is open");
            }
        }
        socket.arrived.extend_from_slice(&stream.bytes[from..to]);
        from = to;
        while end == End::Waiting {
            match context.read(&mut socket) {
                Ok(message) => heard.push(said(message)),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(Error::ConnectionClosed) => end = End::Closed,
                Err(error) => end = End::Refused(code(&error)),
            }
            if matches!(heard.last(), Some(Said::Close(..))) && end == End::Waiting {
                // It answers with the next call, and a server says then that all is over.
                let _ = context.flush(&mut socket);
                end = End::Closed;
            }
        }
    }
    Theirs {
        heard_before_closing: heard_before_closing.min(heard.len()),
        heard,
        end,
        said: read_by_the_peer(stream.setup.role, &socket.wrote),
    }
}

fn said(message: Message) -> Said {
    match message {
        Message::Text(text) => Said::Text(text.as_str().into()),
        Message::Binary(data) => Said::Binary(data.into()),
        Message::Ping(data) => Said::Ping(data.into()),
        Message::Pong(data) => Said::Pong(data.into()),
        Message::Close(None) => Said::Close(None, Vec::new()),
        Message::Close(Some(close)) => {
            Said::Close(Some(close.code.into()), close.reason.as_str().into())
        }
        Message::Frame(frame) => panic!("{frame:?} is not read"),
    }
}

/// The close code that says the same.
fn code(error: &Error) -> u16 {
    match error {
        Error::Protocol(_) => 1002,
        Error::Utf8(_) => 1007,
        Error::Capacity(_) => 1009,
        error => panic!("no peer can cause {error}"),
    }
}

/// What was written, as the literal decoder reads it: all of it is right.
pub(crate) fn read_by_the_peer(role: Role, wrote: &[u8]) -> Vec<Said> {
    let mut receiver = Receiver::new(Setup {
        role: role.peer(),
        limits: Limits::with_max_message(u64::MAX),
        delivery: Delivery::Messages,
        auto_pong: false,
        compression: None,
    });
    wrote.iter().for_each(|byte| receiver.arrive(*byte));
    assert_eq!(receiver.outcome.error, None, "it wrote {wrote:02x?}");
    let heard = receiver.outcome.heard;
    heard.into_iter().map(|(_, said)| said).collect()
}
