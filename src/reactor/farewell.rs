//! Why a loop ends, and what its connections are told of it.
//!
//! Not here: when; that is `stopping`.

use super::Cause;
use crate::proto::{CloseCode, Role};

/// Why a loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It was asked to.
    Stop,
    /// Another process has taken over: whoever comes back is served.
    Restart,
}

impl Farewell {
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::Stop => Cause::Stopped,
            Self::Restart => Cause::Restarted,
        }
    }

    pub(super) const fn code(self) -> CloseCode {
        match self {
            Self::Stop => CloseCode::GOING_AWAY,
            Self::Restart => CloseCode::SERVICE_RESTART,
        }
    }

    pub(super) const fn reason(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::Stop, Role::Server) => "server is stopping",
            (Self::Restart, Role::Server) => "server is restarting",
            (Self::Stop, Role::Client) => "client is stopping",
            (Self::Restart, Role::Client) => "client is restarting",
        }
    }
}
