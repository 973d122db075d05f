//! Results as JSON, for the program beside this one: the time of each job of each comparison.
//!
//! Not here: tables for people, and what the numbers mean.

use crate::measure::Ratio;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// What was compared so far.
#[derive(Default)]
pub(crate) struct Results {
    cells: Vec<String>,
}

impl Results {
    /// A comparison, the time of one of whose jobs is that of so many; `names` are theirs.
    ///
    /// The time of the first is the median of its rounds, that of another is as many times as much as the median of
    /// their ratios says: so both what one took and how they compare can be read of it.
    pub(crate) fn add(&mut self, cell: &str, names: &[&str], results: &[Ratio], each: usize) {
        let Some(first) = results.first() else { return };
        let times = results
            .iter()
            .map(|one| one.median * first.typical / each as f64);
        self.values(cell, names, times);
    }

    /// The same of anything that is counted.
    pub(crate) fn values(&mut self, cell: &str, names: &[&str], values: impl Iterator<Item = f64>) {
        let values = names.iter().zip(values);
        let values = values.map(|(name, value)| format!("[\"{name}\", {value:.4e}]"));
        let values = values.collect::<Vec<_>>().join(", ");
        self.cells.push(format!("[\"{cell}\", [{values}]]"));
    }

    /// Writes all of it, and what else is to be said.
    pub(crate) fn write(&self, path: &Path, note: &str) -> io::Result<()> {
        let mut text = format!("{{ \"note\": \"{note}\", \"cells\": [\n");
        let _ = writeln!(text, "{}", self.cells.join(",\n"));
        fs::write(path, text + "] }\n")
    }
}
