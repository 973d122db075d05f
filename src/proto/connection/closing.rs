//! The closing handshake as one table (RFC 6455 sections 5.5.1, 7.1.2-7.1.7).
//!
//! Not here: deadlines, and closing TCP; the driver does both, told by [`State`].

/// How far the closing handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has closed.
    Open,
    /// We sent a Close frame and wait for the peer's; what else it sends is discarded.
    Closing,
    /// Both sides sent a Close frame: the clean end.
    Closed,
    /// The peer broke the protocol. It was told so, unless we had closed before; nothing more of it is read.
    Failed,
}

/// What can happen to the closing handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// We want to send a frame other than Close.
    Send,
    /// We want to close.
    SendClose,
    /// A data frame, ping or pong arrived.
    Frame,
    /// A Close frame arrived.
    Close,
    /// A violation arrived.
    Violation,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Do it: send what was to be sent, deliver what arrived.
    Proceed,
    /// Send a Close frame, then deliver.
    Reply,
    /// Deliver without a reply: our Close frame is already out.
    Deliver,
    /// Nothing may be sent any more.
    Refuse,
    /// Drop what arrived.
    Discard,
}

impl State {
    /// The table: state and input give action and next state.
    pub(crate) const fn on(self, input: Input) -> (Action, Self) {
        match (self, input) {
            (Self::Open, Input::Send | Input::Frame) => (Action::Proceed, Self::Open),
            (Self::Open, Input::SendClose) => (Action::Proceed, Self::Closing),
            (Self::Open, Input::Close) => (Action::Reply, Self::Closed),
            (Self::Open, Input::Violation) => (Action::Reply, Self::Failed),

            (Self::Closing, Input::Frame) => (Action::Discard, Self::Closing),
            (Self::Closing, Input::Close) => (Action::Deliver, Self::Closed),
            (Self::Closing, Input::Violation) => (Action::Discard, Self::Failed),

            (Self::Closed | Self::Failed, Input::Frame | Input::Close | Input::Violation) => {
                (Action::Discard, self)
            }
            (Self::Closing | Self::Closed | Self::Failed, Input::Send | Input::SendClose) => {
                (Action::Refuse, self)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Input, State};

    /// The whole matrix, written out from the RFC rather than from the code.
    #[test]
    fn the_table_is_the_one_of_the_rfc() {
        use Action::{Deliver, Discard, Proceed, Refuse, Reply};
        use State::{Closed, Closing, Failed, Open};
        let inputs = [
            Input::Send,
            Input::SendClose,
            Input::Frame,
            Input::Close,
            Input::Violation,
        ];
        let table = [
            (
                Open,
                [
                    (Proceed, Open),
                    (Proceed, Closing),
                    (Proceed, Open),
                    (Reply, Closed),
                    (Reply, Failed),
                ],
            ),
            (
                Closing,
                [
                    (Refuse, Closing),
                    (Refuse, Closing),
                    (Discard, Closing),
                    (Deliver, Closed),
                    (Discard, Failed),
                ],
            ),
            (
                Closed,
                [
                    (Refuse, Closed),
                    (Refuse, Closed),
                    (Discard, Closed),
                    (Discard, Closed),
                    (Discard, Closed),
                ],
            ),
            (
                Failed,
                [
                    (Refuse, Failed),
                    (Refuse, Failed),
                    (Discard, Failed),
                    (Discard, Failed),
                    (Discard, Failed),
                ],
            ),
        ];
        for (state, row) in table {
            for (input, want) in inputs.into_iter().zip(row) {
                assert_eq!(state.on(input), want, "{state:?} × {input:?}");
            }
        }
    }
}
