//! What came of one scenario, as it is kept: a file for each, with every round.

use crate::Result;
use crate::rounds::{CONFIDENCE, Ratio, Sample};
use crate::stats::{interval_of_median, median};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A ratio of fewer rounds is no result.
pub(crate) const ENOUGH: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) scenario: String,
    pub(crate) provenance: Provenance,
    /// In the order of the plan.
    pub(crate) entries: Vec<Entry>,
}

/// Without which numbers say nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Provenance {
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) commit: String,
    /// The processor that was built for.
    pub(crate) built_for: String,
    /// 0 where something was counted, for which once is enough.
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) stolen: Option<f64>,
    /// How it was measured, if there is more to say.
    pub(crate) note: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// By name of what was measured: a value for each round, or one.
    pub(crate) metrics: BTreeMap<String, Vec<f64>>,
}

/// Where less is better, and where more is.
pub(crate) fn more_is_better(metric: &str) -> bool {
    metric == RATE
}

pub(crate) const RATE: &str = "per_second";
pub(crate) const CPU: &str = "cpu_ns";
pub(crate) const BUSY: &str = "busy";
pub(crate) const AGAIN: &str = "sockeye again";
pub(crate) const FIRST: &str = "sockeye";

impl Entry {
    pub(crate) fn of_samples(name: &str, samples: &[Sample]) -> Self {
        type Of = fn(&Sample) -> f64;
        let of: [(&str, Of); 4] = [
            (RATE, Sample::rate),
            (CPU, Sample::cpu_each),
            (BUSY, Sample::busy),
            ("load_busy", Sample::load_busy),
        ];
        let metrics = of.map(|(metric, of)| (metric, samples.iter().map(of).collect()));
        Self::new(name, metrics)
    }

    pub(crate) fn new(
        name: &str,
        metrics: impl IntoIterator<Item = (&'static str, Vec<f64>)>,
    ) -> Self {
        let metrics = metrics
            .into_iter()
            .map(|(metric, values)| (metric.to_owned(), values.into_iter().map(short).collect()));
        Self {
            name: name.to_owned(),
            metrics: metrics.collect(),
        }
    }

    pub(crate) fn median(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric).map(|values| median(values))
    }
}

/// Five digits: the next ones are noise, and make files long.
fn short(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

impl Outcome {
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// How many times the first is ahead of another, within rounds; above 1 it is, whether more or less is better.
    pub(crate) fn lead(&self, metric: &str, other: &str) -> Option<Ratio> {
        self.lead_of(FIRST, metric, other)
    }

    /// The same for any of them.
    pub(crate) fn lead_of(&self, one: &str, metric: &str, other: &str) -> Option<Ratio> {
        let first = self.entry(one)?.metrics.get(metric)?;
        let other = self.entry(other)?.metrics.get(metric)?;
        let ratios: Vec<_> = first
            .iter()
            .zip(other)
            .map(|(ours, theirs)| {
                if more_is_better(metric) {
                    ours / theirs
                } else {
                    theirs / ours
                }
            })
            .collect();
        Some(Ratio {
            median: median(&ratios),
            interval: interval_of_median(&ratios, CONFIDENCE),
        })
    }

    /// Whether a ratio of it may be quoted.
    pub(crate) fn is_enough(&self) -> bool {
        self.is_counted() || self.provenance.rounds >= ENOUGH
    }

    pub(crate) fn is_counted(&self) -> bool {
        self.provenance.rounds == 0
    }

    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(&self.scenario).with_extension("json");
        let text = self.text();
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Nothing if it was not measured yet.
    pub(crate) fn read(dir: &Path, scenario: &str) -> Result<Option<Self>> {
        let path = dir.join(scenario).with_extension("json");
        if !path.exists() {
            return Ok(None);
        }
        let value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let outcome = Self::of_json(&value);
        Ok(Some(outcome.ok_or_else(|| {
            format!("{} is not what this program writes", path.display())
        })?))
    }

    /// A line for each series, which diffs can be read of.
    fn text(&self) -> String {
        let Provenance {
            date,
            machine,
            commit,
            built_for,
            rounds,
            seconds,
            stolen,
            note,
        } = &self.provenance;
        let head = json!({
            "scenario": self.scenario, "date": date, "machine": machine, "commit": commit, "built_for": built_for,
            "rounds": rounds, "seconds": seconds, "stolen": stolen, "note": note,
        });
        let entries = self.entries.iter().map(|entry| {
            let metrics = entry.metrics.iter();
            let metrics = metrics
                .map(|(metric, values)| format!("      {}: {}", json!(metric), json!(values)));
            let metrics = metrics.collect::<Vec<_>>().join(",\n");
            format!(
                "    {{ \"name\": {}, \"metrics\": {{\n{metrics}\n    }} }}",
                json!(entry.name)
            )
        });
        let entries = entries.collect::<Vec<_>>().join(",\n");
        format!("{{ \"measured\": {head},\n  \"contestants\": [\n{entries}\n  ] }}\n")
    }

    fn of_json(value: &Value) -> Option<Self> {
        let head = &value["measured"];
        let text = |name: &str| Some(head[name].as_str()?.to_owned());
        let entries = value["contestants"].as_array()?.iter().map(|entry| {
            let metrics: &Map<String, Value> = entry["metrics"].as_object()?;
            let metrics = metrics.iter().map(|(metric, values)| {
                let values = values.as_array()?.iter().map(Value::as_f64);
                Some((metric.clone(), values.collect::<Option<Vec<_>>>()?))
            });
            Some(Entry {
                name: entry["name"].as_str()?.to_owned(),
                metrics: metrics.collect::<Option<BTreeMap<_, _>>>()?,
            })
        });
        Some(Self {
            scenario: text("scenario")?,
            provenance: Provenance {
                date: text("date")?,
                machine: text("machine")?,
                commit: text("commit")?,
                built_for: text("built_for")?,
                rounds: usize::try_from(head["rounds"].as_u64()?).ok()?,
                seconds: head["seconds"].as_f64()?,
                stolen: head["stolen"].as_f64(),
                note: text("note")?,
            },
            entries: entries.collect::<Option<Vec<_>>>()?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{CPU, Entry, FIRST, Outcome, Provenance, RATE};

    /// An outcome with these CPU times; the rates are their inverse.
    pub(crate) fn outcome(scenario: &str, rounds: usize, cpu: &[(&str, f64)]) -> Outcome {
        let entries = cpu.iter().map(|(name, cpu)| {
            let metrics = [
                (CPU, vec![*cpu; rounds.max(1)]),
                (RATE, vec![1e9 / cpu; rounds.max(1)]),
            ];
            Entry::new(name, metrics)
        });
        Outcome {
            scenario: scenario.to_owned(),
            provenance: Provenance {
                date: "2026-01-02".to_owned(),
                machine: "a machine".to_owned(),
                commit: "abc".to_owned(),
                built_for: "native".to_owned(),
                rounds,
                seconds: 1.0,
                stolen: Some(0.25),
                note: String::new(),
            },
            entries: entries.collect(),
        }
    }

    #[test]
    fn an_outcome_is_read_as_it_was_written() {
        let mut written = outcome("x", 3, &[(FIRST, 100.0), ("other", 123.456_789)]);
        let read = |text: &str| Outcome::of_json(&serde_json::from_str(text).unwrap());
        assert_eq!(read(&written.text()).as_ref(), Some(&written));
        assert_eq!(written.entries[1].metrics[CPU][0], 123.46, "five digits");
        written.provenance.stolen = None;
        assert_eq!(read(&written.text()), Some(written));
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn above_1_the_first_is_ahead_whatever_was_measured() {
        let outcome = outcome("x", 3, &[(FIRST, 100.0), ("other", 150.0)]);
        for metric in [CPU, RATE] {
            let lead = outcome.lead(metric, "other").unwrap().median;
            assert!((lead - 1.5).abs() < 1e-3, "{metric}: {lead}");
        }
        assert!(outcome.lead(CPU, "nobody").is_none() && outcome.lead("p99", "other").is_none());
    }
}
