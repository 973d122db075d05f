//! Sending: what of a connection it needs, and with what.
//!
//! Not here: what goes where in a frame, which is the core's.

use super::Stage;
use crate::error::Error;
use crate::output::Output;
use core::str::from_utf8;
use engine::proto::deflate::Compressor;
use engine::proto::frame::MessageKind;
use engine::proto::{CloseCode, Keys, NoRandomness, Outbound, Role, SendError, Sender};

/// A connection without its receiving half: what that has lent may be sent.
pub(crate) struct Sending<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) tx: &'a mut Sender,
    pub(crate) out: &'a mut Output,
    pub(crate) compressor: Option<&'a mut Compressor>,
}

/// Masking keys from the operating system, one call for each frame: nothing is kept that a fork could repeat.
struct SystemKeys;

impl Keys for SystemKeys {
    fn key(&mut self) -> Result<[u8; 4], NoRandomness> {
        let mut key = [0; 4];
        getrandom::fill(&mut key).map_err(|_| NoRandomness)?;
        Ok(key)
    }
}

/// Calls the core with what it is lent.
pub(crate) fn outbound<T>(
    tx: &mut Sender,
    out: &mut Vec<u8>,
    compressor: Option<&mut Compressor>,
    call: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> T,
) -> T {
    let mut keys = SystemKeys;
    let mut outbound = match tx.role() {
        Role::Server => Outbound::server(out),
        Role::Client => Outbound::client(out, &mut keys),
    };
    if let Some(compressor) = compressor {
        outbound = outbound.deflate(compressor);
    }
    call(tx, &mut outbound)
}

impl Sending<'_> {
    pub(crate) fn text(self, data: &[u8]) -> Result<(), Error> {
        // A closed connection is told before a wrong text is: the one is ordinary.
        self.may()?;
        let text = from_utf8(data).map_err(|_| Error::Utf8)?;
        self.send(|tx, out| tx.text(text, out))
    }

    pub(crate) fn binary(self, data: &[u8]) -> Result<(), Error> {
        self.send(|tx, out| tx.binary(data, out))
    }

    pub(crate) fn fragment(self, kind: MessageKind, data: &[u8], last: bool) -> Result<(), Error> {
        self.send(|tx, out| tx.fragment(kind, data, last, out))
    }

    pub(crate) fn ping(self, data: &[u8]) -> Result<(), Error> {
        self.send(|tx, out| tx.ping(data, out))
    }

    pub(crate) fn pong(self, data: &[u8]) -> Result<(), Error> {
        self.send(|tx, out| tx.pong(data, out))
    }

    pub(crate) fn close(self, code: u16, reason: &[u8]) -> Result<(), Error> {
        self.may()?;
        let code = CloseCode::new(code).ok_or(Error::CloseCode)?;
        let reason = from_utf8(reason).map_err(|_| Error::Utf8)?;
        self.send(|tx, out| tx.close(code, reason, out))
    }

    /// Gives back what an idle connection can do without.
    pub(crate) fn idle(self) {
        self.tx.forget_context();
        self.out.release();
    }

    fn may(&self) -> Result<(), Error> {
        match self.stage {
            Stage::Open(_) if self.tx.state() == engine::proto::State::Open => Ok(()),
            Stage::Open(_) => Err(Error::Closed),
            Stage::Refused(_) => Err(Error::Closed),
            Stage::Request(_) | Stage::Deciding(_) | Stage::Response(_) => Err(Error::State),
        }
    }

    fn send(
        self,
        call: impl FnOnce(&mut Sender, &mut Outbound<'_, &mut Vec<u8>>) -> Result<(), SendError>,
    ) -> Result<(), Error> {
        self.may()?;
        outbound(self.tx, self.out.room(), self.compressor, call)?;
        Ok(())
    }
}
