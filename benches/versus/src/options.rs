//! Options that several commands share.

use crate::contestants::{self, Contestant, Name};
use crate::load::frame::{Payload, Script};
use clap::Args;
use std::path::PathBuf;

/// Who takes part, and where the results go.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// Only these contestants, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<Name>,
    /// The core that the servers run on
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    pub(crate) server_core: usize,
    /// The core that the load runs on
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    pub(crate) client_core: usize,
    /// Write the results there as JSON, too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the results there as Markdown, too
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

impl Common {
    pub(crate) fn contestants(&self) -> Vec<&'static Contestant> {
        contestants::chosen(&self.only)
    }
}

/// What the messages consist of.
#[derive(Args, Clone, Debug)]
pub(crate) struct Content {
    /// Text instead of binary messages: ascii (default) or mixed
    #[arg(long, value_enum, value_name = "SCRIPT", num_args = 0..=1, require_equals = true,
        default_missing_value = "ascii")]
    text: Option<Script>,
}

impl Content {
    pub(crate) fn payload(&self) -> Payload {
        self.text.map_or(Payload::Binary, Payload::Text)
    }
}
