//! What we prefer, and what follows from it in either role (RFC 7692 §5, §7.1).
//!
//! Not here: what the parameters look like (`params`), and compressing.

use super::AnswerError;
use super::params::{Agreed, ClientBits, Direction, NAME, Params, WindowBits};
use crate::proto::handshake::Extension;

/// What we prefer, as a server and as a client.
///
/// # What it costs
///
/// Without context takeover, a connection keeps nothing between two messages. With it, what we send needs a deflater
/// for every connection that has sent: about 251 KB at 9 bits, 265 KB at 12, 380 KB at 15. What we receive needs its
/// history: at most 2^bits bytes, so 512 B at 9 bits and 32 KiB at 15.
///
/// ```
/// use sockeye::proto::deflate::{Policy, WindowBits};
///
/// // A client of few connections and much JSON, on a small server.
/// let policy = Policy {
///     client_context_takeover: true,
///     client_max_window_bits: WindowBits::new(12).unwrap(),
///     ..Policy::default()
/// };
/// assert_eq!(
///     policy.offer().to_string(),
///     "permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether what the server sends may refer to earlier messages. Similar messages get much smaller; a server pays
    /// with a deflater for every connection (251 to 380 KB), a client with up to 32 KiB. Default `false`.
    pub server_context_takeover: bool,
    /// Whether what the client sends may refer to earlier messages. A client pays with a deflater for every connection
    /// (251 to 380 KB), a server with up to 32 KiB. Default `false`.
    pub client_context_takeover: bool,
    /// The largest window that the server compresses with. Default [`WindowBits::MAX`].
    pub server_max_window_bits: WindowBits,
    /// The largest window that the client compresses with. A server can only ask for it where the client offers
    /// `client_max_window_bits` (RFC 7692 §7.1.2.2) and not with 8, so it does not bound what a server may have to
    /// keep: that is 32 KiB. Default [`WindowBits::MAX`].
    pub client_max_window_bits: WindowBits,
    /// How hard we compress: 1 (fast) to 9 (small); what is outside counts as the nearest. A deflater is of the same
    /// size at every level. Default 3: of JSON, 64 KiB take half the time of level 6 and get 6 % larger. Messages of up to
    /// 4 KiB that do not refer to earlier ones are the same at levels 1 to 5: up to 1 KiB they take at most half the time
    /// of level 6, and get 2 % larger.
    pub level: u8,
    /// A message of fewer bytes is sent as it is. Default 256.
    pub threshold: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            server_context_takeover: false,
            client_context_takeover: false,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: WindowBits::MAX,
            level: 3,
            threshold: 256,
        }
    }
}

/// As a server.
impl Policy {
    /// The answer to a client's offers, given in its order; [`Params::agreed`] says what then holds. The first one
    /// that can be accepted is. `None` declines them all: the 101 then does not name the extension.
    ///
    /// An offer is declined when it holds something unknown, malformed or repeated (RFC 7692 §7), or
    /// `server_max_window_bits=8`, which the library cannot honour. Other extensions are skipped.
    #[must_use]
    pub fn answer<'a>(&self, offers: impl IntoIterator<Item = Extension<'a>>) -> Option<Params> {
        offers
            .into_iter()
            .filter(|extension| extension.name() == NAME)
            .filter_map(|extension| Params::parse(&extension).ok())
            .find_map(|offer| self.accept(&offer))
    }

    /// The answer to one offer.
    fn accept(&self, offer: &Params) -> Option<Params> {
        Some(Params {
            // An offered one must be answered; unasked, both are ours to add (§7.1.1.1, §7.1.1.2).
            server_no_context_takeover: offer.server_no_context_takeover
                || !self.server_context_takeover,
            // The offered one is a hint that can be let pass (§7.1.1.2), but it saves us the history.
            client_no_context_takeover: offer.client_no_context_takeover
                || !self.client_context_takeover,
            server_max_window_bits: self.accept_server_bits(offer.server_max_window_bits)?,
            client_max_window_bits: self.accept_client_bits(offer.client_max_window_bits),
        })
    }

    /// An offered one must be answered, with the same or less; unasked it is ours to add (§7.1.2.1). `None` declines.
    fn accept_server_bits(&self, offered: Option<u8>) -> Option<Option<u8>> {
        let ours = self.server_max_window_bits;
        let Some(offered) = offered else {
            return Some((ours < WindowBits::MAX).then_some(ours.get()));
        };
        let offered = WindowBits::new(offered)?;
        Some(Some(ours.min(offered).get()))
    }

    /// Only where it was offered, and then with the same or less than a value that came with it (§7.1.2.2).
    ///
    /// Never 8: many who offer it compress with 9 all the same, as zlib does. A client that offered 8 will not like
    /// more, and as its value is a hint, it can be let pass.
    fn accept_client_bits(&self, offered: ClientBits) -> ClientBits {
        let ours = self.client_max_window_bits;
        let agreed = match offered {
            ClientBits::Absent => return ClientBits::Absent,
            ClientBits::Bare => Some(ours),
            ClientBits::AtMost(bits) => WindowBits::new(bits).map(|bits| ours.min(bits)),
        };
        match agreed {
            Some(bits) if bits < WindowBits::MAX => ClientBits::AtMost(bits.get()),
            Some(_) | None => ClientBits::Absent,
        }
    }
}

/// As a client.
impl Policy {
    /// What to offer. `client_max_window_bits` always: without it the server could not ask for less (RFC 7692
    /// §7.1.2.2).
    #[must_use]
    pub fn offer(&self) -> Params {
        let limit = |bits: WindowBits| (bits < WindowBits::MAX).then_some(bits.get());
        Params {
            server_no_context_takeover: !self.server_context_takeover,
            client_no_context_takeover: !self.client_context_takeover,
            server_max_window_bits: limit(self.server_max_window_bits),
            client_max_window_bits: limit(self.client_max_window_bits)
                .map_or(ClientBits::Bare, ClientBits::AtMost),
        }
    }

    /// What the server's answer to our [`offer`](Self::offer) means; `None` where it declined, so that nothing is
    /// compressed. Other extensions are skipped.
    ///
    /// What we did not ask for and the RFC lets a server add holds: no takeover in either direction, a smaller window
    /// in either direction. A window larger than the one we offered for ourselves is no fault, as our value was a hint
    /// (RFC 7692 §7.1.2.2); we keep to ours. A window of 8 for ourselves is accepted, and nothing compressed then.
    ///
    /// # Errors
    ///
    /// [`AnswerError`]: the connection is to be failed (RFC 7692 §7).
    pub fn confirm<'a>(
        &self,
        answer: impl IntoIterator<Item = Extension<'a>>,
    ) -> Result<Option<Agreed>, AnswerError> {
        let mut ours = answer
            .into_iter()
            .filter(|extension| extension.name() == NAME);
        let Some(element) = ours.next() else {
            return Ok(None);
        };
        if ours.next().is_some() {
            return Err(AnswerError::ExtensionRepeated);
        }
        let answer = Params::parse(&element)?;
        if answer.client_max_window_bits == ClientBits::Bare {
            return Err(AnswerError::ClientWindowValue);
        }
        self.check_server(&answer)?;
        let Agreed { server, client } = answer.agreed();
        let bits = client.window_bits().min(self.client_max_window_bits.get());
        let takeover = client.context_takeover() && self.client_context_takeover;
        Ok(Some(Agreed {
            server,
            client: Direction::new(bits, takeover),
        }))
    }

    /// What we asked of the server must have been agreed to (§7.1.1.1, §7.1.2.1).
    fn check_server(&self, answer: &Params) -> Result<(), AnswerError> {
        let asked = self.offer();
        if asked.server_no_context_takeover && !answer.server_no_context_takeover {
            return Err(AnswerError::ServerTakeover);
        }
        let Some(most) = asked.server_max_window_bits else {
            return Ok(());
        };
        match answer.server_max_window_bits {
            None => Err(AnswerError::ServerWindowMissing),
            Some(bits) if bits > most => Err(AnswerError::ServerWindowTooLarge),
            Some(_) => Ok(()),
        }
    }
}
