//! What was measured in memory, as tables. A metric there is the name of a sheet and of a line in it: `unmask: 64 B`.
//!
//! Not here: measuring it (`in_memory`).

use super::cells::{ratio, table, with_unit};
use super::in_memory::WITHIN;
use super::outcome::{AGAIN, FIRST, Outcome};
use super::tables::TOO_FEW;

struct Sheet {
    scenario: &'static str,
    name: &'static str,
    title: &'static str,
    unit: Unit,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Time,
    /// Counted, and the same in each process.
    Bytes,
}

const fn time(scenario: &'static str, name: &'static str, title: &'static str) -> Sheet {
    Sheet {
        scenario,
        name,
        title,
        unit: Unit::Time,
    }
}

const SHEETS: [Sheet; 7] = [
    time(
        "codec",
        "codec",
        "**Codecs**, from masked frames to messages, each used as its authors do for speed. Time of a frame, of sockeye \
         and times as much of the others",
    ),
    time(
        "kernels",
        "unmask",
        "**Unmasking** in place, unaligned as behind a header, beside a copy of as many bytes. Time, and times as much",
    ),
    time(
        "kernels",
        "text",
        "**Text**: a whole frame by the receiver, header and checks included, beside unmasking its payload without a look \
         at it, and beside unmasking it and then judging it by simdutf8. Time, and times as much",
    ),
    time(
        "kernels",
        "frames",
        "**Small frames**, of many that lie in one buffer, decoded and unmasked by the receiver. Time of one",
    ),
    time(
        "deflate",
        "time",
        "**Compressing short messages** that do not refer to earlier ones; JSON of `tests/support/json.rs`: chat, prices, \
         objects and rows. Beside each library alone with a reset for each message, `zlib-rs` at level 3, which is the \
         default here, unless it is said. Time of a message, and times as much",
    ),
    Sheet {
        scenario: "deflate",
        name: "bytes",
        title: "What all 64 of these messages become. Bytes, and times as much",
        unit: Unit::Bytes,
    },
    time(
        "deflate",
        "512 B",
        "**Messages of 512 B**, of the same JSON, sent and received through the whole core, which frames, counts and \
         checks UTF-8 besides; beside `zlib-rs` alone, with a reset for each message. Time of a message, and times as \
         much",
    ),
];

/// All that there is of these, with what must be known to read them.
pub(crate) fn report(found: &[&Outcome]) -> String {
    let mut text = format!(
        "\nWithout sockets and servers, on one core. A round is a new process, and in each all take turns {WITHIN} times \
         ({} times where it is short) and bring a ratio each time: the process's own is their median.\n",
        10 * WITHIN
    );
    for outcome in found {
        for sheet in SHEETS {
            if sheet.scenario == outcome.scenario {
                text += &sheet.markdown(outcome);
            }
        }
        if !outcome.provenance.note.is_empty() {
            text += &format!(
                "\nWhat each leaves out. {}.\n",
                capitals(&outcome.provenance.note)
            );
        }
    }
    text
}

/// A note is a part of a sentence.
fn capitals(note: &str) -> String {
    let mut chars = note.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

impl Sheet {
    fn markdown(&self, outcome: &Outcome) -> String {
        let Some(first) = outcome.entry(FIRST) else {
            return String::new();
        };
        let is_here = |metric: &&String| self.line(metric).is_some();
        let mut metrics: Vec<_> = first.metrics.keys().filter(is_here).collect();
        metrics.sort_by_key(|metric| order(self.line(metric).unwrap_or_default()));
        let takes_part = |name: &&str| metrics.iter().any(|metric| has(outcome, name, metric));
        let others = outcome.entries.iter().map(|entry| &*entry.name);
        let mut others: Vec<_> = others
            .filter(|name| *name != FIRST)
            .filter(takes_part)
            .collect();
        others.sort_by_key(|name| *name == AGAIN);
        let rows = metrics.iter().map(|metric| {
            let label = self.line(metric).unwrap_or_default().to_owned();
            let leads = others.iter().map(|other| self.lead(outcome, metric, other));
            [label, self.own(first.median(metric))]
                .into_iter()
                .chain(leads)
                .collect()
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() {
            return String::new();
        }
        let head = ["", FIRST].into_iter().chain(others.iter().copied());
        let head: Vec<_> = head.map(str::to_owned).collect();
        format!("\n{}:\n\n{}", self.title, table(&head, &rows))
    }

    /// What a metric is called here, if it is of this sheet.
    fn line<'m>(&self, metric: &'m str) -> Option<&'m str> {
        metric.strip_prefix(self.name)?.strip_prefix(": ")
    }

    fn own(&self, value: Option<f64>) -> String {
        match (value, self.unit) {
            (None, _) => "–".to_owned(),
            (Some(value), Unit::Time) => with_unit("_ns", value),
            (Some(value), Unit::Bytes) => format!("{value:.0}"),
        }
    }

    fn lead(&self, outcome: &Outcome, metric: &str, other: &str) -> String {
        match outcome.lead(metric, other) {
            None => "–".to_owned(),
            // Counted: the same each time, and the third digit counts.
            Some(lead) if self.unit == Unit::Bytes => format!("{:.3}", lead.median),
            Some(lead) if outcome.is_enough() => ratio(&lead),
            Some(lead) => ratio(&lead) + TOO_FEW,
        }
    }
}

fn has(outcome: &Outcome, name: &str, metric: &str) -> bool {
    outcome
        .entry(name)
        .is_some_and(|entry| entry.metrics.contains_key(metric))
}

/// By what is said after the size, and then by size: all sizes of a kind stand together. Ways in their own order.
fn order(line: &str) -> (String, usize) {
    let is_number = |c: char| c.is_ascii_digit() || c == ' ';
    let rest = line.trim_start_matches(is_number);
    let digits = line[..line.len() - rest.len()].replace(' ', "");
    let units = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
    let (unit, kind) = rest.split_once(',').unwrap_or((rest, ""));
    let unit = units.iter().find(|(name, _)| *name == unit);
    match (digits.parse::<usize>(), unit) {
        (Ok(number), Some((_, unit))) => (kind.to_owned(), number * unit),
        _ => {
            let (kind, way) = line.rsplit_once(", ").unwrap_or((line, ""));
            let ways = ["sent", "received", "both"];
            let place = ways.iter().position(|known| *known == way);
            (kind.to_owned(), place.unwrap_or(ways.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{SHEETS, order, report};
    use crate::plan::outcome::tests::outcome;
    use crate::plan::outcome::{Entry, Outcome};
    use crate::plan::scenarios::Group;
    use std::collections::BTreeMap;

    fn of(scenario: &str, rounds: usize, entries: &[(&str, &[(&str, f64)])]) -> Outcome {
        let entries = entries.iter().map(|(name, cells)| Entry {
            name: (*name).to_owned(),
            metrics: cells
                .iter()
                .map(|(cell, value)| ((*cell).to_owned(), vec![*value; rounds]))
                .collect::<BTreeMap<_, _>>(),
        });
        Outcome {
            entries: entries.collect(),
            ..outcome(scenario, rounds, &[])
        }
    }

    #[test]
    fn lines_of_a_kind_stand_together_and_by_size() {
        let mut lines = [
            "1 MiB, b",
            "20 B, b",
            "4 000 B",
            "1 KiB, b",
            "16 KiB, a",
            "500 B",
        ];
        lines.sort_by_key(|line| order(line));
        let sorted = [
            "500 B",
            "4 000 B",
            "16 KiB, a",
            "20 B, b",
            "1 KiB, b",
            "1 MiB, b",
        ];
        assert_eq!(lines, sorted);
        let mut ways = ["takeover, sent", "no takeover, both", "no takeover, sent"];
        ways.sort_by_key(|line| order(line));
        assert_eq!(
            ways,
            ["no takeover, sent", "no takeover, both", "takeover, sent"]
        );
    }

    #[test]
    fn every_sheet_is_of_a_scenario_in_memory() {
        for sheet in &SHEETS {
            let mut known = Group::InMemory.scenarios();
            assert!(
                known.any(|scenario| scenario.name == sheet.scenario),
                "{}",
                sheet.name
            );
        }
    }

    #[test]
    fn a_sheet_has_those_who_are_in_it_and_counts_need_no_rounds() {
        let entries: [(&str, &[(&str, f64)]); 3] = [
            (
                "sockeye",
                &[
                    ("time: 100 B", 2_000.0),
                    ("bytes: 100 B", 50.0),
                    ("512 B: both", 90.0),
                ],
            ),
            (
                "zlib-rs",
                &[("time: 100 B", 5_000.0), ("bytes: 100 B", 49.0)],
            ),
            ("sockeye again", &[("512 B: both", 90.0)]),
        ];
        let told = |rounds| report(&[&of("deflate", rounds, &entries)]);
        let text = told(20);
        for line in [
            "|  | sockeye | zlib-rs |",
            "| 100 B | 2.00 µs | 2.50 (2.50-2.50) |",
            "| 100 B | 50 | 0.980 |",
            "|  | sockeye | sockeye again |",
            "| both | 90.0 ns | 1.00 (1.00-1.00) |",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("leaves out"), "nobody said so: {text}");
        let text = told(2);
        assert!(text.contains("| 2.50 (2.50-2.50) ? |") && text.contains("| 50 | 0.980 |"));
    }
}
