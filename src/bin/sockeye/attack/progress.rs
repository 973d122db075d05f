//! How far it is, on a terminal's stderr; nowhere else.
//!
//! Not here: the results.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};

/// A bar of runs that are over.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(runs: usize) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
        // Without the template there is the plain bar.
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    pub(crate) fn one_more(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    /// The report stands alone.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
