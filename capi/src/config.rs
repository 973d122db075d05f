//! What is told once: limits, choices and compression.
//!
//! Not here: deadlines, which need a clock.

use crate::error::Error;
use engine::proto::deflate::{Policy, WindowBits};
use engine::proto::handshake::{HeadLimits, OriginPolicy};
use engine::proto::{Config as CoreConfig, Delivery as CoreDelivery, Limits};
use std::sync::Arc;

/// `flags`: permessage-deflate (RFC 7692) is neither offered nor accepted. By default it is both.
pub const SOCKEYE_NO_DEFLATE: u32 = 1 << 0;
/// `flags`: pings are not answered by the library; the program owes the pongs.
pub const SOCKEYE_NO_AUTO_PONG: u32 = 1 << 1;
/// `flags`: a server takes connections from every web page. By default a request that has an `Origin` is refused with 403
/// unless that is the host it was sent to. A request without one does not come from a web page, and is taken.
pub const SOCKEYE_ANY_ORIGIN: u32 = 1 << 2;
/// `flags`: what the server sends compressed may refer to earlier messages. It gets smaller; a server then holds 250 to
/// 380 KB for each connection that has sent, a client up to 32 KiB.
pub const SOCKEYE_SERVER_TAKEOVER: u32 = 1 << 3;
/// `flags`: the same for what the client sends, with the roles reversed.
pub const SOCKEYE_CLIENT_TAKEOVER: u32 = 1 << 4;

const FLAGS: u32 = SOCKEYE_NO_DEFLATE
    | SOCKEYE_NO_AUTO_PONG
    | SOCKEYE_ANY_ORIGIN
    | SOCKEYE_SERVER_TAKEOVER
    | SOCKEYE_CLIENT_TAKEOVER;

/// `delivery`: whole messages.
pub const SOCKEYE_DELIVER_MESSAGES: u32 = 0;
/// `delivery`: whole frames, as parts.
pub const SOCKEYE_DELIVER_FRAMES: u32 = 1;
/// `delivery`: whatever has arrived of a frame, as parts, so that a frame of any size passes through constant memory.
/// Raise `max_frame` and `max_message` for that.
pub const SOCKEYE_DELIVER_CHUNKS: u32 = 2;

/// What is told once. Set `size` and leave all else 0 for the defaults:
///
///     sockeye_config config = {.size = sizeof config};
///
/// Later versions may have more fields at the end; `size` says which of them the program knows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// sizeof(sockeye_config)
    pub size: usize,
    /// Payload bytes of one message; of a compressed one, those that come out. 0: 1 MiB.
    pub max_message: u64,
    /// Payload bytes of one frame, as they are sent. 0: as `max_message`.
    pub max_frame: u64,
    /// Fragments of one message, beyond one for every 32 payload bytes. 0: 1024.
    pub max_fragments: u32,
    /// Bytes of the peer's handshake. 0: 8192.
    pub max_head: u32,
    /// One of SOCKEYE_DELIVER_*.
    pub delivery: u32,
    /// Any of SOCKEYE_NO_DEFLATE, SOCKEYE_NO_AUTO_PONG, SOCKEYE_ANY_ORIGIN, SOCKEYE_SERVER_TAKEOVER,
    /// SOCKEYE_CLIENT_TAKEOVER.
    pub flags: u32,
    /// How hard to compress: 1 (fast) to 9 (small). 0: 3.
    pub deflate_level: u32,
    /// A message of fewer bytes is sent as it is. 0: 256.
    pub deflate_threshold: u32,
    /// The base-2 logarithm of the largest window that the server compresses with, 9 to 15. 0: 15.
    pub server_window_bits: u32,
    /// The same of the client. 0: 15.
    pub client_window_bits: u32,
    /// How many connections of the same tools may be in the middle of a compressed message that is delivered in parts.
    /// Each holds about 110 KB then. The next one is closed with 1013. 0: 64.
    pub max_streams: u32,
}

/// A configuration as the core has it.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) core: Arc<CoreConfig>,
    pub(crate) head: HeadLimits,
    pub(crate) origins: OriginPolicy,
    pub(crate) max_streams: Option<usize>,
}

impl Setup {
    /// The defaults.
    pub(crate) fn new() -> Self {
        Self {
            core: Arc::default(),
            head: HeadLimits::DEFAULT,
            origins: OriginPolicy::SameHost,
            max_streams: None,
        }
    }

    /// What was written down, if it means something.
    pub(crate) fn of(config: &Config) -> Result<Self, Error> {
        if config.flags & !FLAGS != 0 {
            return Err(Error::Config);
        }
        let has = |flag| config.flags & flag != 0;
        let mut core = CoreConfig::default();
        core.limits = limits(config);
        core.delivery = match config.delivery {
            SOCKEYE_DELIVER_MESSAGES => CoreDelivery::Messages,
            SOCKEYE_DELIVER_FRAMES => CoreDelivery::Frames,
            SOCKEYE_DELIVER_CHUNKS => CoreDelivery::Chunks,
            _ => return Err(Error::Config),
        };
        core.auto_pong = !has(SOCKEYE_NO_AUTO_PONG);
        let policy = policy(config)?;
        core.deflate = (!has(SOCKEYE_NO_DEFLATE)).then_some(policy);
        let mut setup = Self {
            core: Arc::new(core),
            max_streams: nonzero(config.max_streams),
            ..Self::new()
        };
        if let Some(bytes) = nonzero(config.max_head) {
            setup.head.max_head = bytes;
        }
        if has(SOCKEYE_ANY_ORIGIN) {
            setup.origins = OriginPolicy::Any;
        }
        Ok(setup)
    }

    /// What is agreed on about compression, if it may be.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.core.deflate.as_ref()
    }
}

fn limits(config: &Config) -> Limits {
    let mut limits = Limits::default();
    if config.max_message != 0 {
        limits = Limits::with_max_message(config.max_message);
    }
    if config.max_frame != 0 {
        limits.max_frame = config.max_frame;
    }
    if config.max_fragments != 0 {
        limits.max_fragments = config.max_fragments;
    }
    limits
}

fn policy(config: &Config) -> Result<Policy, Error> {
    let has = |flag| config.flags & flag != 0;
    let mut policy = Policy {
        server_context_takeover: has(SOCKEYE_SERVER_TAKEOVER),
        client_context_takeover: has(SOCKEYE_CLIENT_TAKEOVER),
        server_max_window_bits: window(config.server_window_bits)?,
        client_max_window_bits: window(config.client_window_bits)?,
        ..Policy::default()
    };
    if config.deflate_level != 0 {
        let level = u8::try_from(config.deflate_level).ok();
        let level = level.filter(|level| (1..=9).contains(level));
        policy.level = level.ok_or(Error::Config)?;
    }
    if let Some(bytes) = nonzero(config.deflate_threshold) {
        policy.threshold = bytes;
    }
    Ok(policy)
}

fn window(bits: u32) -> Result<WindowBits, Error> {
    if bits == 0 {
        return Ok(WindowBits::MAX);
    }
    let bits = u8::try_from(bits).ok().and_then(WindowBits::new);
    bits.ok_or(Error::Config)
}

fn nonzero(number: u32) -> Option<usize> {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number != 0).then_some(number)
}
