//! How far it is, on a terminal's stderr; nowhere else.
//!
//! Not here: the numbers.

use core::time::Duration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};

/// A bar that shows how much of the time is over, and what is going on.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// For a run that takes so long once everybody is connected.
    pub(crate) fn new(length: Duration) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(millis(length)), target);
        // Without the template there is the plain bar.
        if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    /// So much of the time is over, and this is going on.
    pub(crate) fn at(&self, elapsed: Duration, what: String) {
        self.bar.set_message(what);
        self.bar.set_position(millis(elapsed));
    }
}

impl Drop for Progress {
    /// The report stands alone.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
