//! Whether a message is what its route takes.
//!
//! Not here: UTF-8, which the core has seen to; what the message says.

use super::{BadJson, Format, Route};
use crate::kernel::Kernel;
use crate::proto::CloseCode;
use crate::server::{Message, Peer};
use alloc::string::ToString as _;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Binary where text is taken.
    Binary,
    /// Text where binary is taken.
    Text,
    /// It is not JSON.
    Json(super::json::NotJson),
}

pub(super) fn check(route: &Route, message: &Message<'_>) -> Result<(), Fault> {
    match (route.format, message) {
        (Format::Any, _)
        | (Format::Text, Message::Text(_))
        | (Format::Binary, Message::Binary(_)) => Ok(()),
        (Format::Text | Format::Json, Message::Binary(_)) => Err(Fault::Binary),
        (Format::Binary, Message::Text(_)) => Err(Fault::Text),
        (Format::Json, Message::Text(text)) => super::json::check(text).map_err(Fault::Json),
    }
}

impl Fault {
    /// Does what the route says.
    pub(super) fn answer<K: Kernel>(self, route: &Route, peer: &mut Peer<'_, K>) {
        let (code, reason) = match self {
            Self::Binary => (
                CloseCode::UNSUPPORTED_DATA,
                "text is expected here".to_string(),
            ),
            Self::Text => (
                CloseCode::UNSUPPORTED_DATA,
                "binary data is expected here".to_string(),
            ),
            Self::Json(bad) => match route.bad_json {
                BadJson::Close => (CloseCode::INVALID_PAYLOAD, bad.to_string()),
                BadJson::Reply => {
                    let _ = peer.send(&bad.answer());
                    return;
                }
                BadJson::Drop => {
                    tracing::debug!(id = %peer.id(), %bad, "a message was dropped");
                    return;
                }
            },
        };
        // Closed already is as good.
        let _ = peer.close(code, &reason);
    }
}
