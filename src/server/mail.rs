//! What handlers said to others during a turn, encoded once, to be delivered at its end.
//!
//! Not here: delivery, which needs the sessions; that is `deliver`.

use super::message::Message;
use crate::proto::Sink;
use crate::proto::frame::{Header, MessageKind};
use alloc::vec::Vec;

/// When so much is waiting it is delivered before the turn ends.
const FULL: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Frames for every open connection, one behind the other.
    log: Vec<u8>,
}

impl Mail {
    pub(super) fn publish(&mut self, message: Message<'_>) {
        let (kind, payload) = match message {
            Message::Text(text) => (MessageKind::Text, text.as_bytes()),
            Message::Binary(data) => (MessageKind::Binary, data),
        };
        let header = Header::new(kind.opcode(), payload.len() as u64);
        self.log.frame(header.encode().as_slice(), payload);
    }

    pub(super) fn log(&self) -> &[u8] {
        &self.log
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.log.len() >= FULL
    }

    /// Takes what is to be delivered.
    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.log)
    }
}
