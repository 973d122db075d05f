//! What is measured in memory, without servers and sockets: a program of its own for each part, a new process for each
//! round, and within a process as many interleaved rounds again.
//!
//! Not here: what those programs measure (`codec/`, `deflate/`), and the tables of it (`sheets`).

use super::measure::Measured;
use super::outcome::Entry;
use crate::Result;
use crate::building::{beside, succeed};
use crate::rounds::{Progress, with_stolen};
use crate::scratch::Scratch;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Codecs of several libraries, on the same frames.
    Codec,
    /// Unmasking, text and small frames, beside what they are made of.
    Kernels,
    /// Compression beside the library alone.
    Deflate,
}

/// Rounds within a process; of kernels, ten times as many.
pub(crate) const WITHIN: usize = 41;

impl Part {
    const fn dir(self) -> &'static str {
        match self {
            Self::Codec | Self::Kernels => "codec",
            Self::Deflate => "deflate",
        }
    }

    const fn args(self) -> &'static [&'static str] {
        match self {
            Self::Codec => &["--only", "codecs"],
            Self::Kernels => &["--only", "kernels"],
            Self::Deflate => &[],
        }
    }

    pub(crate) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Codec | Self::Kernels => &["codec"],
            Self::Deflate => &[
                "deflate",
                "codec/src/measure.rs",
                "../core/compressed.rs",
                "../../tests/support/json.rs",
            ],
        }
    }
}

/// On the core that this thread is kept on.
pub(super) fn measured(part: Part, rounds: usize) -> Result<Measured> {
    let dir = part.dir();
    let program = beside(dir, &format!("sockeye-versus-{dir}"))?;
    let ((entries, note), stolen) = with_stolen(|| {
        let (mut found, mut note) = (Found::default(), String::new());
        let mut progress = Progress::new(rounds);
        for round in 0..rounds {
            progress.show(&format!("round {} of {rounds}", round + 1));
            note = found.take(&one_process(part, &program)?)?;
        }
        progress.end();
        Ok((found.entries(rounds)?, note))
    })?;
    Ok((entries, stolen, note))
}

fn one_process(part: Part, program: &Path) -> Result<Value> {
    let file = Scratch::new("in-memory.json");
    let mut command = Command::new(program);
    command
        .args(part.args())
        .args(["--rounds", &WITHIN.to_string(), "--json"])
        .arg(file.path())
        .stdout(Stdio::null());
    succeed(&mut command)?;
    Ok(serde_json::from_str(&fs::read_to_string(file.path())?)?)
}

/// What processes said so far, in the order in which the first one named everybody.
#[derive(Default)]
struct Found(Vec<Entry>);

impl Found {
    /// Takes in what a process said, and gives what it had to say besides.
    fn take(&mut self, said: &Value) -> Result<String> {
        self.cells(said)
            .ok_or_else(|| "a program in memory wrote what nobody expected".into())
    }

    fn cells(&mut self, said: &Value) -> Option<String> {
        for cell in said["cells"].as_array()? {
            let metric = cell[0].as_str()?;
            for one in cell[1].as_array()? {
                let (name, value) = (one[0].as_str()?, one[1].as_f64()?);
                let entry = self.entry(name);
                let values = entry.metrics.entry(metric.to_owned()).or_default();
                values.push(value);
            }
        }
        Some(said["note"].as_str()?.to_owned())
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        let known = self.0.iter().position(|entry| entry.name == name);
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(Entry {
                name: name.to_owned(),
                metrics: BTreeMap::new(),
            });
        }
        &mut self.0[at]
    }

    /// Ratios are taken within rounds: each must have all of them.
    fn entries(self, rounds: usize) -> Result<Vec<Entry>> {
        let mut series = self.0.iter().flat_map(|entry| &entry.metrics);
        if self.0.is_empty() || series.any(|(_, values)| values.len() != rounds) {
            return Err("not all processes measured the same".into());
        }
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Found;
    use serde_json::json;

    #[test]
    fn processes_are_rounds_and_names_stay_in_their_order() {
        let said = |own, other| {
            json!({ "note": "x", "cells": [
                ["codec: 20 B", [["sockeye", own], ["a", other]]], ["codec: 1 KiB", [["sockeye", own]]],
            ] })
        };
        let mut found = Found::default();
        assert_eq!(found.take(&said(1.0, 3.0)).unwrap(), "x");
        found.take(&said(2.0, 8.0)).unwrap();
        let entries = found.entries(2).unwrap();
        assert_eq!(entries[0].name, "sockeye");
        assert_eq!(entries[0].metrics["codec: 1 KiB"], [1.0, 2.0]);
        assert_eq!(entries[1].metrics["codec: 20 B"], [3.0, 8.0]);
    }

    #[test]
    fn what_is_not_of_all_rounds_is_no_result() {
        let mut found = Found::default();
        let of = |cell: &str| json!({ "note": "", "cells": [[cell, [["sockeye", 1.0]]]] });
        found.take(&of("a")).unwrap();
        found.take(&of("b")).unwrap();
        assert!(found.entries(2).is_err());
        assert!(Found::default().take(&json!({ "cells": [] })).is_err());
        assert!(Found::default().entries(1).is_err());
    }
}
