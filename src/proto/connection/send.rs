//! Sending: messages and control frames to bytes in a sink.
//!
//! Not here: queues, writing, backpressure; the sink's owner has those.

use super::Prepared;
use super::closing::{Action, Input, State};
use super::sink::{Outbound, Sink};
use crate::proto::close::{CloseBody, MAX_CONTROL_LEN};
use crate::proto::deflate::{Direction, Own};
use crate::proto::frame::{Header, MessageKind, Opcode, Role};
use crate::proto::utf8::Validator;
use crate::proto::{CloseCode, Misuse, SendError, Violation};
use alloc::boxed::Box;

/// The sending half of a connection.
///
/// Each call puts one frame into the sink or fails and puts nothing there. `Err(SendError::Closed)` is ordinary: the
/// closing handshake may begin at any time.
///
/// ```
/// use sockeye::proto::{CloseCode, Connection, MessageKind, Outbound, SendError};
///
/// let mut tx = Connection::server(Default::default()).tx;
/// let mut out = Outbound::server(Vec::new());
/// tx.text("hi", &mut out)?;
/// tx.fragment(MessageKind::Binary, b"ab", false, &mut out)?;
/// tx.ping(b"", &mut out)?; // between fragments, too
/// tx.fragment(MessageKind::Binary, b"c", true, &mut out)?;
/// tx.close(CloseCode::NORMAL, "bye", &mut out)?;
/// assert_eq!(tx.text("late", &mut out), Err(SendError::Closed));
/// assert_eq!(out.sink, b"\x81\x02hi\x02\x02ab\x89\x00\x80\x01c\x88\x05\x03\xe8bye");
/// # Ok::<(), SendError>(())
/// ```
#[derive(Debug)]
pub struct Sender {
    /// Our compressor, where messages refer to earlier ones; made when it is first needed.
    pub(super) own: Option<Box<Own>>,
    /// What was agreed on for what we compress, if we may at all.
    pub(super) deflate: Option<Direction>,
    pub(super) role: Role,
    state: State,
    /// The message that [`fragment`](Self::fragment) has begun and not ended.
    pub(super) open: Option<Open>,
    /// Where its text stands.
    utf8: Validator,
}

/// A message that is being sent in fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    Text,
    Binary,
    CompressedText,
    CompressedBinary,
}

impl Open {
    const fn new(kind: MessageKind, compressed: bool) -> Self {
        match (kind, compressed) {
            (MessageKind::Text, false) => Self::Text,
            (MessageKind::Binary, false) => Self::Binary,
            (MessageKind::Text, true) => Self::CompressedText,
            (MessageKind::Binary, true) => Self::CompressedBinary,
        }
    }

    const fn kind(self) -> MessageKind {
        match self {
            Self::Text | Self::CompressedText => MessageKind::Text,
            Self::Binary | Self::CompressedBinary => MessageKind::Binary,
        }
    }

    const fn is_compressed(self) -> bool {
        matches!(self, Self::CompressedText | Self::CompressedBinary)
    }
}

impl Sender {
    pub(super) fn new(role: Role) -> Self {
        Self {
            own: None,
            deflate: None,
            role,
            state: State::Open,
            open: None,
            utf8: Validator::default(),
        }
    }

    /// How far the closing handshake has come.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Which side we are.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Sends a text message in one frame.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] once the connection is closing, [`Misuse::MessageInProgress`] between fragments,
    /// [`Misuse::NoKeys`] from a client without keys.
    pub fn text<S: Sink>(
        &mut self,
        text: &str,
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.message(MessageKind::Text, text.as_bytes(), out)
    }

    /// Sends a binary message in one frame.
    ///
    /// # Errors
    ///
    /// As for [`text`](Self::text).
    pub fn binary<S: Sink>(
        &mut self,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.message(MessageKind::Binary, data, out)
    }

    /// Sends a message that was encoded before. A client still masks it, with a key of its own.
    ///
    /// # Errors
    ///
    /// As for [`text`](Self::text).
    pub fn prepared<S: Sink>(
        &mut self,
        message: &Prepared,
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.may_begin()?;
        let compressed = match (self.deflate, out.compressor.as_deref_mut()) {
            (Some(direction), Some(compressor)) => message.compressed(direction, compressor),
            _ => None,
        };
        let frame = compressed.unwrap_or_else(|| message.plain());
        match self.role {
            Role::Server => out.sink.shared(frame),
            Role::Client => {
                let header = Header {
                    rsv1: compressed.is_some(),
                    ..Header::new(message.kind().opcode(), frame.payload().len() as u64)
                };
                put(self.role, header, frame.payload(), out)?;
            }
        }
        if let (Some(_), Some(own)) = (compressed, &mut self.own) {
            own.forget();
        }
        Ok(())
    }

    /// Sends the next fragment of a message; `last` ends it. The first call begins the message and every call
    /// names its kind.
    ///
    /// Pings, pongs and a close may go between fragments (RFC 6455 section 5.4). A close cuts the message off.
    ///
    /// Whether the message is compressed depends on its first fragment.
    ///
    /// # Errors
    ///
    /// As for [`text`](Self::text), and [`Misuse::InvalidUtf8`] where the text so far is not UTF-8. A character may
    /// stand across fragments. [`Misuse::NoCompressor`] where the message was begun with a compressor and is to go on
    /// without.
    pub fn fragment<S: Sink>(
        &mut self,
        kind: MessageKind,
        data: &[u8],
        last: bool,
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.may_send()?;
        let opcode = match self.open {
            None => kind.opcode(),
            Some(open) if open.kind() == kind => Opcode::Continuation,
            Some(_) => return Err(Misuse::MessageInProgress.into()),
        };
        let mut utf8 = self.utf8;
        if kind == MessageKind::Text {
            utf8.check(data).map_err(|_| Misuse::InvalidUtf8)?;
            if last {
                utf8.finish().map_err(|_| Misuse::InvalidUtf8)?;
            }
        }
        let compressed = match self.open {
            Some(open) => open.is_compressed(),
            None => self.compresses(data, out),
        };
        if compressed {
            self.compressed_fragment(opcode, last, data, out)?;
        } else {
            self.frame(opcode, last, data, out)?;
        }
        self.utf8 = utf8;
        self.open = if last {
            None
        } else {
            Some(Open::new(kind, compressed))
        };
        Ok(())
    }

    /// Sends a ping with up to 125 bytes.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], [`Misuse::ControlTooLong`], [`Misuse::NoKeys`].
    pub fn ping<S: Sink>(
        &mut self,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.control(Opcode::Ping, data, out)
    }

    /// Sends a pong with up to 125 bytes. Pings are answered by the receiver unless `auto_pong` is off.
    ///
    /// # Errors
    ///
    /// As for [`ping`](Self::ping).
    pub fn pong<S: Sink>(
        &mut self,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.control(Opcode::Pong, data, out)
    }

    /// Starts the closing handshake. The reason has at most 123 bytes.
    ///
    /// From now on what the peer sends is discarded until its Close frame; see [`State::Closing`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] when it has started already, [`Misuse::ReasonTooLong`], [`Misuse::NoKeys`].
    pub fn close<S: Sink>(
        &mut self,
        code: CloseCode,
        reason: &str,
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        let body = CloseBody::new(code, reason)?;
        match self.state.on(Input::SendClose) {
            (Action::Proceed, next) => {
                self.frame(Opcode::Close, true, body.as_slice(), out)?;
                self.state = next;
                // There is nothing left to compress.
                self.own = None;
                Ok(())
            }
            (Action::Reply | Action::Deliver | Action::Refuse | Action::Discard, _) => {
                Err(SendError::Closed)
            }
        }
    }

    /// Takes the peer's Close frame: answers it with the same code, unless we closed first.
    pub(super) fn on_close<S: Sink>(&mut self, code: Option<CloseCode>, out: &mut Outbound<'_, S>) {
        let body = code.and_then(|code| CloseBody::new(code, "").ok());
        self.answer(Input::Close, &body.unwrap_or(CloseBody::empty()), out);
    }

    /// Takes a violation: answers it with its code, unless we closed first.
    pub(super) fn on_violation<S: Sink>(
        &mut self,
        violation: Violation,
        out: &mut Outbound<'_, S>,
    ) {
        let body = CloseBody::new(violation.close_code(), violation.text());
        self.answer(Input::Violation, &body.unwrap_or(CloseBody::empty()), out);
    }

    fn answer<S: Sink>(&mut self, input: Input, body: &CloseBody, out: &mut Outbound<'_, S>) {
        let (action, next) = self.state.on(input);
        if action == Action::Reply {
            // A client without keys cannot answer: its program's bug, or a system without randomness. Every send of its
            // own says so.
            let _ = self.frame(Opcode::Close, true, body.as_slice(), out);
        }
        self.state = next;
        self.own = None;
    }

    fn message<S: Sink>(
        &mut self,
        kind: MessageKind,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        self.may_begin()?;
        if self.deflate.is_some() && self.compressed(kind, data, out)? {
            return Ok(());
        }
        self.frame(kind.opcode(), true, data, out)
    }

    /// Whether a message goes as it is: a server's, not compressed, and nothing stands in its way.
    #[cfg(any(feature = "reactor", test))]
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.deflate.is_none() && self.role == Role::Server && self.may_begin().is_ok()
    }

    /// As [`text`](Self::text) and [`binary`](Self::binary), for the most frequent case alone: a server's message that goes
    /// as it is, for which nothing is needed but the sink. `None` says nothing.
    #[cfg(any(feature = "reactor", test))]
    #[inline(always)]
    pub(crate) fn plain<S: Sink>(
        &self,
        kind: MessageKind,
        data: &[u8],
        sink: &mut S,
    ) -> Option<()> {
        if !self.is_plain() {
            return None;
        }
        match Header::shortest(kind.opcode(), data.len()) {
            Some(head) => sink.frame(&head, data),
            None => {
                let header = Header::new(kind.opcode(), data.len() as u64);
                sink.frame(header.encode().as_slice(), data);
            }
        }
        Some(())
    }

    fn control<S: Sink>(
        &self,
        opcode: Opcode,
        data: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        if data.len() > MAX_CONTROL_LEN {
            return Err(Misuse::ControlTooLong.into());
        }
        self.may_send()?;
        self.frame(opcode, true, data, out)
    }

    fn may_begin(&self) -> Result<(), SendError> {
        self.may_send()?;
        match self.open {
            None => Ok(()),
            Some(_) => Err(Misuse::MessageInProgress.into()),
        }
    }

    fn may_send(&self) -> Result<(), SendError> {
        match self.state.on(Input::Send).0 {
            Action::Proceed => Ok(()),
            Action::Reply | Action::Deliver | Action::Refuse | Action::Discard => {
                Err(SendError::Closed)
            }
        }
    }

    #[inline(always)]
    fn frame<S: Sink>(
        &self,
        opcode: Opcode,
        fin: bool,
        payload: &[u8],
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        let header = Header {
            fin,
            ..Header::new(opcode, payload.len() as u64)
        };
        put(self.role, header, payload, out)
    }
}

#[inline(always)]
pub(super) fn put<S: Sink>(
    role: Role,
    header: Header,
    payload: &[u8],
    out: &mut Outbound<'_, S>,
) -> Result<(), SendError> {
    match role {
        Role::Server => out.sink.frame(header.encode().as_slice(), payload),
        Role::Client => return masked(header, payload, out),
    }
    Ok(())
}

fn masked<S: Sink>(
    mut header: Header,
    payload: &[u8],
    out: &mut Outbound<'_, S>,
) -> Result<(), SendError> {
    let key = out.keys.as_mut().ok_or(Misuse::NoKeys)?.key()?;
    header.mask = Some(key);
    out.sink.masked(header.encode().as_slice(), payload, key);
    Ok(())
}
