//! Receiving: bytes to events, and the duties that come with them.
//!
//! Inside, everything is positions; one borrow is made at the very end, which is what lets a message be lent from
//! the caller's own buffer.
//!
//! Not here: the bits of a header (`frame::header`), their rules (`frame::rules`), collecting fragments (`message`).

use super::closing::{Action, Input, State};
use super::config::{Config, Delivery};
use super::event::{Part, Step};
use super::found::{Found, message};
use super::send::Sender;
use super::sink::{Inbound, Outbound, Sink};
use super::streaming::Stream;
use crate::proto::Violation;
use crate::proto::close::{CloseReason, MAX_CONTROL_LEN, check_prefix};
use crate::proto::deflate::{Direction, Kept};
use crate::proto::frame::{Header, MessageKind, Opcode, Role, Rules, Status, mask};
use crate::proto::message::Assembly;
use crate::proto::work;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ops::Range;

/// The receiving half of a connection.
///
/// ```
/// use sockeye::proto::{Connection, Inbound, Outbound, Violation};
///
/// let Connection { mut rx, mut tx } = Connection::server(Default::default());
/// let (mut inbound, mut out) = (Inbound::new(), Outbound::server(Vec::new()));
///
/// let mut received = *b"\x81\x02hi"; // a client has to mask
/// let step = rx.next(&mut received, &mut inbound, &mut tx, &mut out);
/// assert_eq!(step, Err(Violation::MaskMissing));
/// assert_eq!(out.sink[2..], *b"\x03\xeaframe from a client is not masked"); // 1002, and why
/// ```
#[derive(Debug)]
pub struct Receiver {
    pub(super) message: Assembly,
    pub(super) config: Arc<Config>,
    /// What has to be known to inflate the next message or the rest of this one.
    pub(super) kept: Option<Box<Kept>>,
    /// Of a frame that is collected whole: payload bytes already unmasked and judged, so that feeding the same
    /// growing slice again costs nothing. Of a frame that streams: payload bytes still to come.
    pub(super) progress: u64,
    /// The key of the streaming frame as its next byte needs it; zeroes where it is not masked.
    pub(super) key: [u8; 4],
    pub(super) stream: Stream,
    /// Whether the streaming frame ends its message.
    pub(super) stream_fin: bool,
    /// What was agreed on for what arrives compressed, if that may be at all.
    pub(super) deflate: Option<Direction>,
    pub(super) standing: Standing,
}

/// How a receiver stands: in one byte, as each connection has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It [is calm](Receiver::is_calm), which is not asked for every frame: only a closer look changes that.
    Calm,
    /// A closer look is wanted.
    Busy,
    /// The peer has broken the rules, and nothing more is taken.
    Failed(Violation),
}

/// What looking through the input came to.
pub(super) enum Search {
    /// So many bytes are done with, and there is no event; so many more bytes would help.
    Nothing { consumed: usize, need: usize },
    /// So many bytes are done with, and they hold an event.
    Found(usize, Found),
}

/// What one look at the input came to.
pub(super) enum Progress {
    /// Nothing yet; so many more bytes would help.
    Need(usize),
    /// So many bytes are done with; look again.
    Passed(usize),
    /// So many bytes are done with, and they hold an event.
    Found(usize, Found),
}

impl Receiver {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            message: Assembly::default(),
            config,
            kept: None,
            progress: 0,
            key: [0; 4],
            stream: Stream::No,
            stream_fin: false,
            deflate: None,
            standing: Standing::Busy,
        }
    }

    /// Another configuration, before the first frame: as a rule, the request says which.
    #[cfg(any(feature = "reactor", test))]
    pub(crate) fn set_config(&mut self, config: Arc<Config>) {
        self.config = config;
    }

    /// Which of the driver's configurations it has.
    #[cfg(any(feature = "reactor", test))]
    pub(crate) fn config_number(&self) -> u16 {
        self.config.number
    }

    /// Looks for the next event in `input`, which holds everything received and not yet consumed.
    ///
    /// Payload is unmasked in place, and an event may borrow it. Drop the first [`Step::consumed`] bytes afterwards,
    /// also where there is no event; feed the rest again with more behind it. Pongs and closes go to `out`.
    ///
    /// # Errors
    ///
    /// The first rule the peer breaks. Its Close frame is in `out` by then: flush that, half-close, discard what
    /// still arrives, then close. Further calls repeat the error.
    #[inline(always)]
    pub fn next<'a, S: Sink>(
        &'a mut self,
        input: &'a mut [u8],
        inbound: &'a mut Inbound,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Step<'a>, Violation> {
        // Nearly all messages are one frame that is there entirely; everything else takes the long way.
        if let Some(whole) = self.at_first_sight(input, tx) {
            return self.open(&whole, input, tx, out);
        }
        self.look_closer(input, inbound, tx, out)
    }

    /// Whether the next frame begins a message, and nothing is left of the last one.
    fn is_calm(&self) -> bool {
        self.config.delivery == Delivery::Messages
            && self.stream == Stream::No
            && self.progress == 0
            && self.message.is_empty()
    }

    fn rules(&self, role: Role) -> Rules {
        Rules {
            role,
            compression: self.deflate.is_some(),
            in_message: self.message.in_progress(),
        }
    }

    /// Everything that [`at_first_sight`](Self::at_first_sight) leaves. Never inlined, so that the short way is short.
    #[inline(never)]
    fn look_closer<'a, S: Sink>(
        &'a mut self,
        input: &'a mut [u8],
        inbound: &'a mut Inbound,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Step<'a>, Violation> {
        if let Some(whole) = self.at_second_sight(input, tx) {
            return self.open(&whole, input, tx, out);
        }
        let (consumed, found) = match self.search(input, inbound, tx, out)? {
            Search::Nothing { consumed, need } => return Ok(Step::nothing(consumed, need)),
            Search::Found(consumed, found) => (consumed, found),
        };
        // The one borrow. Everything above dealt in positions.
        let input: &'a [u8] = input;
        if let Found::Assembled(kind) = found {
            // Judged while it arrived, so this cannot fail; it makes the `&str`.
            return Ok(Step::with(consumed, message(kind, self.message.bytes())?));
        }
        match found.lend(input, &[], inbound.deflate.bytes()) {
            Ok(event) => Ok(Step::with(consumed, event)),
            Err(violation) => Err(self.fail(violation, tx, out)),
        }
    }

    /// The same, up to where the event lies.
    #[inline(always)]
    pub(super) fn search<S: Sink>(
        &mut self,
        input: &mut [u8],
        inbound: &mut Inbound,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Search, Violation> {
        self.message.release();
        if let Standing::Failed(violation) = self.standing {
            return Err(violation);
        }
        inbound.release();
        self.standing = Standing::Busy;
        let mut consumed = 0;
        let found = loop {
            if tx.state() == State::Closed {
                return Ok(Search::Nothing {
                    consumed: input.len(),
                    need: 0,
                });
            }
            let rest = input.get_mut(consumed..).unwrap_or_default();
            match self.advance(rest, inbound, tx, out) {
                Ok(Progress::Need(need)) => return Ok(Search::Nothing { consumed, need }),
                Ok(Progress::Passed(bytes)) => consumed += bytes,
                Ok(Progress::Found(bytes, found)) => {
                    let found = found.moved(consumed);
                    consumed += bytes;
                    break found;
                }
                Err(violation) => return Err(self.fail(violation, tx, out)),
            }
        };
        if self.is_calm() {
            self.standing = Standing::Calm;
        }
        Ok(Search::Found(consumed, found))
    }

    /// Frees what the last event was lent from. The next call of [`next`](Self::next) does so too; this is for a driver
    /// that will not make one soon.
    pub fn release(&mut self) {
        self.message.release();
    }

    /// Whether a message has begun and not ended, or a frame is streaming. Bytes that were fed and not consumed
    /// are the caller's knowledge.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        self.message.in_progress() || !matches!(self.stream, Stream::No)
    }

    /// Heap bytes held for the message in progress, or for the one that was just lent, and for what compressed messages
    /// may refer to.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.heap_bytes());
        self.message.capacity().saturating_add(kept)
    }

    pub(super) fn fail<S: Sink>(
        &mut self,
        violation: Violation,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Violation {
        self.message = Assembly::default();
        self.kept = None;
        self.stream = Stream::No;
        self.standing = Standing::Failed(violation);
        tx.on_violation(violation, out);
        violation
    }

    /// Takes at most one frame, or one piece of one, from the front of `input`.
    #[inline]
    fn advance<S: Sink>(
        &mut self,
        input: &mut [u8],
        inbound: &mut Inbound,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Progress, Violation> {
        if self.stream != Stream::No {
            return self.stream_on(input, inbound, tx.state());
        }
        let rules = self.rules(tx.role());
        let (header, head_len) = match Header::decode(input, &rules)? {
            Status::Complete(header) => header,
            Status::Partial { need } => return Ok(Progress::Need(need)),
        };
        if header.opcode.is_control() {
            return self.control(&header, head_len, input, tx, out);
        }
        if tx.state().on(Input::Frame).0 == Action::Discard {
            self.message.discard(&header);
            self.kept = None;
            return Ok(self.begin_stream(&header, head_len, Stream::Discard));
        }
        self.message.admit_any(&header, &self.config.limits)?;
        match self.config.delivery {
            Delivery::Messages | Delivery::Frames => {
                self.whole_frame(&header, head_len, input, inbound)
            }
            Delivery::Chunks => {
                self.message.begin_frame(&header);
                Ok(self.begin_stream(&header, head_len, Stream::First))
            }
        }
    }

    /// A data frame that is collected whole in the caller's buffer.
    #[inline]
    fn whole_frame(
        &mut self,
        header: &Header,
        head_len: usize,
        input: &mut [u8],
        inbound: &mut Inbound,
    ) -> Result<Progress, Violation> {
        let kind = self.message.kind_of(header);
        let Some(end) = usize::try_from(header.len)
            .ok()
            .and_then(|len| head_len.checked_add(len))
        else {
            return Err(Violation::FrameTooBig);
        };
        let have = input.len().min(end);
        let payload = input.get_mut(head_len..have).unwrap_or_default();
        let done = usize::try_from(self.progress).unwrap_or(usize::MAX);
        let fresh = payload.get_mut(done..).unwrap_or_default();
        let compressed = self.message.is_compressed(header);
        if compressed {
            if let Some(key) = header.mask {
                mask::apply(key, self.progress, fresh);
            }
        } else {
            self.message
                .unmask(kind, header.mask, self.progress, fresh)?;
        }
        let lent = header.fin
            && header.opcode != Opcode::Continuation
            && self.config.delivery == Delivery::Messages;
        if have < end {
            self.progress = payload.len() as u64;
            return Ok(Progress::Need(end - have));
        }
        self.progress = 0;
        if compressed {
            return self.inflate_frame(header, input, head_len..end, inbound);
        }
        if lent {
            self.message.finish()?;
            return Ok(Progress::Found(end, Found::Message(kind, head_len..end)));
        }
        self.message.begin_frame(header);
        self.fragment(kind, header, head_len..end, payload)
    }

    /// A whole frame that is not a whole message, or is wanted as a frame.
    fn fragment(
        &mut self,
        kind: MessageKind,
        header: &Header,
        at: Range<usize>,
        payload: &[u8],
    ) -> Result<Progress, Violation> {
        let end = at.end;
        let first = self.message.is_first_frame();
        let frames = self.config.delivery == Delivery::Frames;
        if !frames {
            self.message.keep(payload);
        }
        if header.fin {
            self.message.finish()?;
        }
        Ok(if frames {
            let part = Part {
                kind,
                data: &[],
                frame_len: Some(header.len),
                starts_message: first,
                ends_frame: true,
                ends_message: header.fin,
            };
            Progress::Found(end, Found::Part(part, at))
        } else if header.fin {
            Progress::Found(end, Found::Assembled(kind))
        } else {
            Progress::Passed(end)
        })
    }

    fn control<S: Sink>(
        &mut self,
        header: &Header,
        head_len: usize,
        input: &mut [u8],
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<Progress, Violation> {
        // The rules hold a control frame to 125 bytes.
        let end = head_len + usize::try_from(header.len).unwrap_or(MAX_CONTROL_LEN);
        let key = header.mask.unwrap_or_default();
        let Some(payload) = input.get_mut(head_len..end) else {
            if header.opcode == Opcode::Close {
                check_close_so_far(key, input.get(head_len..).unwrap_or_default())?;
            }
            return Ok(Progress::Need(end - input.len()));
        };
        mask::apply(key, 0, payload);
        match header.opcode {
            Opcode::Close => {
                let close = CloseReason::parse(payload)?;
                self.message = Assembly::default();
                self.kept = None;
                tx.on_close(close.code, out);
            }
            _ if tx.state().on(Input::Frame).0 == Action::Discard => {
                return Ok(Progress::Passed(end));
            }
            Opcode::Ping if self.config.auto_pong => {
                // It can only fail for a client that has no keys, whose every own send says so.
                let _ = tx.pong(payload, out);
            }
            Opcode::Ping | Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        Ok(Progress::Found(
            end,
            Found::Control(header.opcode, head_len..end),
        ))
    }
}

/// A Close frame whose rest has not arrived is judged on a copy: at most 125 bytes, and the input stays masked.
fn check_close_so_far(key: [u8; 4], masked: &[u8]) -> Result<(), Violation> {
    let mut copy = [0; MAX_CONTROL_LEN];
    let len = masked.len().min(copy.len());
    let body = copy.get_mut(..len).unwrap_or_default();
    work::visit(len);
    body.copy_from_slice(masked.get(..len).unwrap_or_default());
    mask::apply(key, 0, body);
    check_prefix(body)
}
