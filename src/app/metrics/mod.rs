//! What a server counts: each loop by itself, and all of them together when somebody asks.
//!
//! | file | holds |
//! |---|---|
//! | `counters` | what one loop counts |
//! | `figures` | the numbers, of one loop or of all |
//! | `labels` | the names by which they are told apart, which peers cannot add to |
//! | `histogram` | how long things took, by fixed bounds |
//! | `text` | all that as Prometheus reads it; feature `metrics` |
//! | `nodes` | and what a node has done, beside it |
//!
//! Not here: where it is served; when something is counted.

mod counters;
mod figures;
mod histogram;
mod labels;
#[cfg(all(feature = "metrics", feature = "backplane"))]
mod nodes;
#[cfg(feature = "metrics")]
mod text;

pub use counters::Counters;
pub use figures::Totals;
#[cfg(feature = "metrics")]
pub use text::CONTENT_TYPE;

use alloc::sync::Arc;
use alloc::vec::Vec;
use figures::Figures;
use std::sync::{Mutex, PoisonError};

/// The counters of all loops of a server. Clones are the same.
///
/// ```
/// use sockeye::app::metrics::Registry;
/// use sockeye::app::{App, Echo};
///
/// # fn main() -> std::io::Result<()> {
/// let registry = Registry::new();
/// let serving = App::new().metrics(&registry).route("SOCKET /echo", |_| Echo).bind("127.0.0.1:0")?;
/// # drop(serving);
///
/// // Whenever somebody asks:
/// let totals = registry.totals();
/// println!("{} connections, {} messages heard", totals.open, totals.messages_in);
/// # Ok(())
/// # }
/// ```
///
/// With the feature `metrics`, `text` is all of that for Prometheus.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    workers: Arc<Mutex<Vec<Arc<Counters>>>>,
    /// The first node that counts here.
    #[cfg(feature = "backplane")]
    node: Arc<std::sync::OnceLock<crate::backplane::WeakNode>>,
}

impl Registry {
    /// Without any loop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counters of one more loop. What they have counted stays when the loop is gone.
    #[must_use]
    pub fn worker(&self) -> Arc<Counters> {
        let counters = Arc::<Counters>::default();
        self.lock().push(counters.clone());
        counters
    }

    /// Shows what a node does, too, while it is there; that of an [`App`](crate::app::App) is shown by itself. One registry has one node: a
    /// second is not shown.
    #[cfg(feature = "backplane")]
    pub fn node(&self, node: &crate::backplane::Node) {
        let _ = self.node.set(node.weak());
    }

    /// The node that is shown, while it is there.
    #[cfg(feature = "backplane")]
    pub(in crate::app) fn shown_node(&self) -> Option<crate::backplane::Node> {
        self.node.get()?.get()
    }

    /// What all loops together have counted. Loops go on meanwhile, so numbers that belong together may differ by what has
    /// just happened.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.figures().totals()
    }

    /// All that was counted, as OpenMetrics text, to be served as [`CONTENT_TYPE`].
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn text(&self) -> alloc::string::String {
        text::text(self)
    }

    fn figures(&self) -> Figures<u64> {
        let mut sum = Figures::default();
        for counters in self.lock().iter() {
            sum.add(&counters.figures);
        }
        sum
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Counters>>> {
        // A list is whole whoever panicked beside it.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
