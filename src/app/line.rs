//! A connection without its kernel: services are not generic over what carries their bytes.
//!
//! Not here: what is done with it; that is `conn`.

use crate::kernel::Kernel;
use crate::proto::{CloseCode, SendError};
use crate::server::{Hub, Message, Peer};

/// What a call may speak to: the connection that it is for, if there is one, and all the others.
pub(super) trait Line {
    fn hub(&mut self) -> Hub<'_>;
    fn send(&mut self, message: Message<'_>, compressible: bool) -> Result<(), SendError>;
    fn ping(&mut self, payload: &[u8]) -> Result<(), SendError>;
    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError>;
    fn pause(&mut self, held: bool);
    fn queued_bytes(&self) -> usize;
}

impl<K: Kernel> Line for Peer<'_, K> {
    fn hub(&mut self) -> Hub<'_> {
        Peer::hub(self)
    }

    fn send(&mut self, message: Message<'_>, compressible: bool) -> Result<(), SendError> {
        if compressible {
            Peer::send(self, message)
        } else {
            self.send_uncompressed(message)
        }
    }

    fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        Peer::ping(self, payload)
    }

    fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        Peer::close(self, code, reason)
    }

    fn pause(&mut self, held: bool) {
        if held {
            Peer::pause(self);
        } else {
            self.resume();
        }
    }

    fn queued_bytes(&self) -> usize {
        Peer::queued_bytes(self)
    }
}

/// Of a call that is for no connection.
pub(super) struct Nobody<'n, 'h>(pub(super) &'n mut Hub<'h>);

impl Line for Nobody<'_, '_> {
    fn hub(&mut self) -> Hub<'_> {
        self.0.reborrow()
    }

    fn send(&mut self, _: Message<'_>, _: bool) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    fn ping(&mut self, _: &[u8]) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    fn close(&mut self, _: CloseCode, _: &str) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    fn pause(&mut self, _: bool) {}

    fn queued_bytes(&self) -> usize {
        0
    }
}
