//! What is received and sent: [`Message`], which owns it, and [`Outgoing`], which only lends it.
//!
//! Not here: frames. Control frames have names here, but are the core's business.

use crate::proto::{
    CloseCode, CloseReason, Event, MessageKind, Outbound, Prepared, SendError, Sender, Sink,
};
use alloc::string::{FromUtf8Error, String};
use alloc::vec::Vec;
use core::str::Utf8Error;

/// What has come, or is to be sent.
///
/// ```
/// use sockeye::aio::Message;
///
/// let message = Message::from("hello"); // as it comes from `next`
/// match &message {
///     Message::Text(text) => println!("{text}"),
///     Message::Binary(data) => println!("{} bytes", data.len()),
///     Message::Close(goodbye) => println!("it went with {goodbye:?}"),
///     _ => {} // pings were answered
/// }
/// assert_eq!(message.as_text(), Some("hello"));
///
/// // Where it does not matter whether it came as text, and without a copy:
/// assert_eq!(message.into_text()?, "hello");
/// assert_eq!(Message::binary("hello").into_text()?, "hello");
/// assert_eq!(Message::text("hello").into_bytes(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A piece of a message, where [`Delivery`](crate::proto::Delivery) asks for frames or chunks.
    Part {
        /// The kind of the message.
        kind: MessageKind,
        /// The piece.
        data: Vec<u8>,
        /// Whether it is the last one.
        last: bool,
    },
    /// A ping. One that has come was answered.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A Close frame. One that has come was answered, and is the last message; to send one is to
    /// [`close`](super::WebSocket::close).
    Close(Option<Goodbye>),
}

/// The code and the reason in a Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// The code, unless the frame was empty.
    pub code: Option<CloseCode>,
    /// The reason: at most 123 bytes.
    pub reason: String,
}

impl Message {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Bytes.
    pub fn binary(data: impl Into<Vec<u8>>) -> Self {
        Self::Binary(data.into())
    }

    /// The text of a text message. Of others there is none, also where their [`bytes`](Self::bytes) are UTF-8; see
    /// [`to_text`](Self::to_text).
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it says, as text: of any message whose [`bytes`](Self::bytes) are UTF-8. A whole text always is; a part of
    /// one may end within a character.
    ///
    /// # Errors
    ///
    /// Where they are not.
    pub const fn to_text(&self) -> Result<&str, Utf8Error> {
        match self {
            Self::Text(text) => Ok(text.as_str()),
            Self::Binary(data) | Self::Part { data, .. } | Self::Ping(data) | Self::Pong(data) => {
                core::str::from_utf8(data.as_slice())
            }
            Self::Close(Some(goodbye)) => Ok(goodbye.reason.as_str()),
            Self::Close(None) => Ok(""),
        }
    }

    /// The same, without a copy.
    ///
    /// # Errors
    ///
    /// As there; the error has the bytes.
    pub fn into_text(self) -> Result<String, FromUtf8Error> {
        match self {
            Self::Text(text) => Ok(text),
            other => String::from_utf8(other.into_bytes()),
        }
    }

    /// What it says, as bytes, without a copy; of a Close frame, the reason.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(data) | Self::Part { data, .. } | Self::Ping(data) | Self::Pong(data) => {
                data
            }
            Self::Close(goodbye) => goodbye
                .map(|goodbye| goodbye.reason.into_bytes())
                .unwrap_or_default(),
        }
    }

    /// What it says, as bytes; of a Close frame, the reason.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(data) | Self::Part { data, .. } | Self::Ping(data) | Self::Pong(data) => {
                data
            }
            Self::Close(goodbye) => goodbye
                .as_ref()
                .map_or(&[], |goodbye| goodbye.reason.as_bytes()),
        }
    }

    /// Whether it is text or binary, or a piece of that.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_) | Self::Part { .. })
    }
}

impl From<Event<'_>> for Message {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(data) => Self::Binary(data.into()),
            Event::Part(part) => Self::Part {
                kind: part.kind,
                data: part.data.into(),
                last: part.ends_message,
            },
            Event::Ping(data) => Self::Ping(data.into()),
            Event::Pong(data) => Self::Pong(data.into()),
            Event::Close(CloseReason { code: None, .. }) => Self::Close(None),
            Event::Close(CloseReason { code, reason }) => Self::Close(Some(Goodbye {
                code,
                reason: reason.into(),
            })),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(data: Vec<u8>) -> Self {
        Self::Binary(data)
    }
}

impl From<&[u8]> for Message {
    fn from(data: &[u8]) -> Self {
        Self::Binary(data.into())
    }
}

/// What is to be sent, lent for as long as that takes: text, bytes, an [`Event`], a [`Message`], or a [`Prepared`] one.
///
/// ```
/// use sockeye::aio::{Error, Io, Message, Outgoing, WebSocket};
/// use sockeye::proto::{MessageKind, Prepared};
///
/// # async fn say(mut socket: WebSocket<impl Io>, prepared: &Prepared) -> Result<(), Error> {
/// socket.send("text").await?;
/// socket.send(b"bytes").await?;
/// socket.send(&Message::text("an owned one, which is lent")).await?;
/// socket.send(prepared).await?; // encoded once, for many connections
/// socket.send(Outgoing::Ping(b"are you there?")).await?;
/// // In fragments, while it is being made:
/// let kind = MessageKind::Binary;
/// socket.send(Outgoing::Part { kind, data: b"a beginning, ", last: false }).await?;
/// socket.send(Outgoing::Part { kind, data: b"and an end", last: true }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outgoing<'m> {
    /// Text.
    Text(&'m str),
    /// Bytes.
    Binary(&'m [u8]),
    /// The next piece of a message.
    Part {
        /// The kind of the message, which all its pieces name.
        kind: MessageKind,
        /// The piece.
        data: &'m [u8],
        /// Whether it is the last one.
        last: bool,
    },
    /// A message that was encoded once for many.
    Prepared(&'m Prepared),
    /// A ping with at most 125 bytes.
    Ping(&'m [u8]),
    /// A pong with at most 125 bytes. Pings are answered without it.
    Pong(&'m [u8]),
    /// A Close frame, with a reason of at most 123 bytes. Without a code, 1000 is sent.
    Close(Option<CloseCode>, &'m str),
}

impl Outgoing<'_> {
    pub(super) fn encode<S: Sink>(
        &self,
        tx: &mut Sender,
        out: &mut Outbound<'_, S>,
    ) -> Result<(), SendError> {
        match *self {
            Self::Text(text) => tx.text(text, out),
            Self::Binary(data) => tx.binary(data, out),
            Self::Part { kind, data, last } => tx.fragment(kind, data, last, out),
            Self::Prepared(prepared) => tx.prepared(prepared, out),
            Self::Ping(data) => tx.ping(data, out),
            Self::Pong(data) => tx.pong(data, out),
            Self::Close(code, reason) => tx.close(code.unwrap_or(CloseCode::NORMAL), reason, out),
        }
    }
}

impl<'m> From<&'m Message> for Outgoing<'m> {
    fn from(message: &'m Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(data) => Self::Binary(data),
            Message::Part { kind, data, last } => Self::Part {
                kind: *kind,
                data,
                last: *last,
            },
            Message::Ping(data) => Self::Ping(data),
            Message::Pong(data) => Self::Pong(data),
            Message::Close(None) => Self::Close(None, ""),
            Message::Close(Some(goodbye)) => Self::Close(goodbye.code, &goodbye.reason),
        }
    }
}

/// What was received goes out again; of a ping and a Close frame, that is a ping and a Close frame.
impl<'m> From<Event<'m>> for Outgoing<'m> {
    fn from(event: Event<'m>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text),
            Event::Binary(data) => Self::Binary(data),
            Event::Part(part) => Self::Part {
                kind: part.kind,
                data: part.data,
                last: part.ends_message,
            },
            Event::Ping(data) => Self::Ping(data),
            Event::Pong(data) => Self::Pong(data),
            Event::Close(CloseReason { code, reason }) => Self::Close(code, reason),
        }
    }
}

impl<'m> From<&'m str> for Outgoing<'m> {
    fn from(text: &'m str) -> Self {
        Self::Text(text)
    }
}

impl<'m> From<&'m String> for Outgoing<'m> {
    fn from(text: &'m String) -> Self {
        Self::Text(text)
    }
}

impl<'m> From<&'m [u8]> for Outgoing<'m> {
    fn from(data: &'m [u8]) -> Self {
        Self::Binary(data)
    }
}

impl<'m, const N: usize> From<&'m [u8; N]> for Outgoing<'m> {
    fn from(data: &'m [u8; N]) -> Self {
        Self::Binary(data)
    }
}

impl<'m> From<&'m Vec<u8>> for Outgoing<'m> {
    fn from(data: &'m Vec<u8>) -> Self {
        Self::Binary(data)
    }
}

impl<'m> From<&'m Prepared> for Outgoing<'m> {
    fn from(prepared: &'m Prepared) -> Self {
        Self::Prepared(prepared)
    }
}
