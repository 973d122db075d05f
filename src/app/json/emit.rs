//! Commands to clients, said through what a call is lent.
//!
//! Not here: requests to them, which are [`Asks`](super::Asks).

use super::{Letter, Unwritable, reply};
use crate::app::{Audience, Conn, Scope};
use crate::proto::SendError;
use crate::server::{ConnectionId, Gone, Receipt};
use core::fmt;
use serde::Serialize;

impl<U> Scope<'_, U> {
    /// Publishes a command: to one connection, a room, everybody here, or whatever else an [`Audience`] is.
    ///
    /// # Errors
    ///
    /// [`Unwritable`]: the parameter is nothing that JSON has.
    pub fn emit<'a, P: Serialize + ?Sized>(
        &mut self,
        to: impl Into<Audience<'a>>,
        cmd: &str,
        param: &P,
    ) -> Result<Receipt, Unwritable> {
        let message = Letter::new(cmd).param(param)?;
        Ok(self.publish(to, &message))
    }

    /// Replies to a request of a connection whose call is over.
    ///
    /// # Errors
    ///
    /// [`NotReplied`]: the connection is gone, or the parameter is nothing that JSON has.
    pub fn reply_to<P: Serialize + ?Sized>(
        &mut self,
        to: ConnectionId,
        re: u64,
        param: &P,
    ) -> Result<(), NotReplied> {
        let message = reply(re, param).map_err(NotReplied::Unwritable)?;
        self.send_to(to, &message)
            .map_err(|Gone| NotReplied::Closed)
    }
}

impl<U> Conn<'_, U> {
    /// Publishes a command, as [`Scope::emit`]; here so that it may be said `conn.emit(conn.others(), …)`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn emit<'a, P: Serialize + ?Sized>(
        &mut self,
        to: impl Into<Audience<'a>>,
        cmd: &str,
        param: &P,
    ) -> Result<Receipt, Unwritable> {
        let scope: &mut Scope<'_, U> = self;
        scope.emit(to, cmd, param)
    }

    /// Replies to a request of this connection, with the [`Envelope::id`](super::Envelope::id) that it had.
    ///
    /// # Errors
    ///
    /// [`NotReplied`]: the connection is closing, or the parameter is nothing that JSON has.
    pub fn reply<P: Serialize + ?Sized>(&mut self, re: u64, param: &P) -> Result<(), NotReplied> {
        let message = reply(re, param).map_err(NotReplied::Unwritable)?;
        self.send(&message)
            .map_err(|_: SendError| NotReplied::Closed)
    }
}

/// Why a reply was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReplied {
    /// The connection is told nothing more.
    Closed,
    /// The parameter cannot be written.
    Unwritable(Unwritable),
}

impl fmt::Display for NotReplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closed"),
            Self::Unwritable(unwritable) => unwritable.fmt(f),
        }
    }
}

impl core::error::Error for NotReplied {}
