//! What a loop has one of, for all its sessions: [`Tools`], and what it receives into, [`Intake`].
//!
//! They are two because a message is lent to its handler from the latter, while what the handler says needs the former.
//!
//! Not here: what is done with them; that is `drive`, `frames`, `deliver`.

use super::Hub;
use super::budget::Budget;
use super::cork::Cork;
use super::drive::Begun;
use super::greet::Opening;
use super::orders::Orders;
use super::pool::Pool;
use super::rooms::{Gathered, Rooms};
use super::settings::Settings;
use super::timer::Tick;
use super::wire::Fate;
#[cfg(feature = "client")]
use crate::client::{Connector, resume::Heard};
use crate::kernel::Kernel;
use crate::proto::Inbound;
use crate::proto::deflate::Compressor;
use crate::random::Random;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes that one read brings at most.
pub(super) const READ: usize = 64 << 10;

/// What a loop receives into, and how far it is with that.
#[derive(Debug)]
pub(super) struct Intake {
    /// The one read buffer.
    pub(super) read: Vec<u8>,
    /// Where compressed messages are inflated.
    pub(super) inbound: Inbound,
    /// Bytes of what is worked through that are done with; known also after a panic.
    pub(super) at: usize,
    /// Bytes that handlers were given of it. Compressed, they may have been few.
    pub(super) spent: usize,
    /// How many more bytes the message is known to want whose beginning is the last of it.
    pub(super) need: u32,
    /// Where the session's opening handshake stands, while that is being worked on.
    pub(super) opening: Option<Box<Opening>>,
    /// In a [swift](super::swift) turn, bytes behind the message that is being told, in the place of `at`.
    pub(super) behind: usize,
    /// Where such a turn ends, and [`drive`](super::drive) goes on.
    pub(super) begun: Begun,
}

impl Intake {
    pub(super) fn new() -> Self {
        Self {
            read: Vec::with_capacity(READ),
            inbound: Inbound::new(),
            at: 0,
            spent: 0,
            need: 0,
            opening: None,
            behind: 0,
            begun: Begun::All,
        }
    }

    /// Nothing of what there is has been worked through.
    pub(super) const fn begin(&mut self) {
        self.at = 0;
        self.spent = 0;
        self.need = 0;
    }
}

/// What a loop has one of, for all its sessions, and lends to whatever speaks to a peer.
#[derive(Debug)]
pub(super) struct Tools<K> {
    pub(super) kernel: K,
    /// What TLS streams receive into.
    pub(super) records: Vec<u8>,
    /// The one cork.
    pub(super) cork: Cork,
    pub(super) pool: Pool,
    pub(super) compressor: Compressor,
    pub(super) rooms: Rooms,
    pub(super) orders: Orders,
    pub(super) budget: Budget,
    /// What a connection is to be told.
    pub(super) gathered: Gathered,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) now: Tick,
    /// Something may have been said to others, ordered, or left for the end of the turn.
    pub(super) stirred: bool,
    /// What has become of the way out of the session that is being served.
    pub(super) fate: Fate,
    /// Handshakes of TLS that may still be served in this turn.
    pub(super) dear: u32,
    /// The code of the Close frame that came just now.
    pub(super) close_code: Option<u16>,
    /// New requests are answered with 503.
    pub(super) refusing: bool,
    /// Connections that handlers asked for in this turn.
    #[cfg(feature = "client")]
    pub(super) calls: Vec<(Connector, u64)>,
    /// The tag of a link that is open now.
    #[cfg(feature = "client")]
    pub(super) opened: Option<u64>,
    /// Where the link of the session that is being served is now, if it resumes.
    #[cfg(feature = "client")]
    pub(super) heard: Heard,
}

impl<K: Kernel> Tools<K> {
    pub(super) fn new(kernel: K, settings: Settings) -> Self {
        Self {
            kernel,
            records: Vec::new(),
            cork: Cork::new(),
            pool: Pool::default(),
            // Where nobody may agree to compression, it may still be asked to by those of another loop.
            compressor: Compressor::new(&settings.connection.deflate.clone().unwrap_or_default()),
            rooms: Rooms::new(settings.rooms.clone(), settings.limits.max_queued),
            orders: Orders::default(),
            budget: Budget::default(),
            gathered: Gathered::default(),
            settings,
            random: Random::new(K::random),
            now: 0,
            stirred: true,
            fate: Fate::Fine,
            dear: 0,
            close_code: None,
            refusing: false,
            #[cfg(feature = "client")]
            calls: Vec::new(),
            #[cfg(feature = "client")]
            opened: None,
            #[cfg(feature = "client")]
            heard: Heard::default(),
        }
    }

    /// Whether a session's turn brought something that its link has to know.
    #[cfg(feature = "client")]
    pub(super) const fn has_news(&self) -> bool {
        self.opened.is_some() || self.close_code.is_some() || !self.heard.is_empty()
    }

    /// What a handler reaches of the others.
    pub(super) const fn hub(&mut self) -> Hub<'_> {
        self.stirred = true;
        Hub {
            rooms: &mut self.rooms,
            compressor: &mut self.compressor,
            orders: &mut self.orders,
            now: self.now,
        }
    }
}
