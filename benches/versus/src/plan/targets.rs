//! What is aimed at, in one table, and whether the results hold it.
//!
//! Not here: how it is measured, which is the table of scenarios.

use super::outcome::{CPU, ENOUGH, Outcome, RATE};
use super::scenarios::ALL;

pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) scenario: &'static str,
    measure: Measure,
    bound: f64,
}

#[derive(Clone, Copy, Debug)]
enum Measure {
    /// Sockeye's own, at most.
    AtMost(&'static str),
    /// How many times Sockeye is ahead of another, at least.
    Lead(&'static str, &'static str),
    /// How many times Sockeye on tokio is ahead of another, at least.
    OnTokio(&'static str, &'static str),
    /// The lower end of that lead's interval, at least.
    LeadLow(&'static str, &'static str),
    /// The least of several leads, in any of these over any of those, at least.
    LeastLead(&'static [&'static str], &'static [&'static str]),
}

const UWS: &str = "uwebsockets";

const fn at_most(
    what: &'static str,
    scenario: &'static str,
    metric: &'static str,
    bound: f64,
) -> Target {
    Target {
        what,
        scenario,
        measure: Measure::AtMost(metric),
        bound,
    }
}

const fn lead(
    scenario: &'static str,
    metric: &'static str,
    over: &'static str,
    bound: f64,
) -> Target {
    Target {
        what: match metric.as_bytes() {
            b"cpu_ns" => "CPU time",
            b"per_second" => "deliveries per second",
            b"p99_ns" => "p99 at 30% load",
            _ => "p99.9 at 30% load",
        },
        scenario,
        measure: Measure::Lead(metric, over),
        bound,
    }
}

const fn on_tokio(scenario: &'static str, over: &'static str, bound: f64) -> Target {
    Target {
        what: "CPU time, of sockeye-tokio",
        scenario,
        measure: Measure::OnTokio(CPU, over),
        bound,
    }
}

const fn least_lead(
    what: &'static str,
    scenario: &'static str,
    metrics: &'static [&'static str],
    over: &'static [&'static str],
    bound: f64,
) -> Target {
    Target {
        what,
        scenario,
        measure: Measure::LeastLead(metrics, over),
        bound,
    }
}

/// What is measured in memory has a metric for each line of its sheets.
#[rustfmt::skip]
mod lines {
    pub(super) const PEERS: &[&str] = &["tungstenite", "tokio-websockets", "fastwebsockets", "sockudo-ws"];
    pub(super) const CODEC_20: &[&str] = &["codec: 20 B, binary", "codec: 20 B, text, ASCII", "codec: 20 B, text, mixed"];
    pub(super) const CODEC_125: &[&str] = &["codec: 125 B, binary", "codec: 125 B, text, ASCII", "codec: 125 B, text, mixed"];
    pub(super) const CODEC_1K: &[&str] = &["codec: 1 KiB, binary", "codec: 1 KiB, text, ASCII", "codec: 1 KiB, text, mixed"];
    pub(super) const CODEC_16K: &[&str] = &["codec: 16 KiB, binary", "codec: 16 KiB, text, ASCII", "codec: 16 KiB, text, mixed"];
    pub(super) const CODEC_1M: &[&str] = &["codec: 1 MiB, binary", "codec: 1 MiB, text, ASCII", "codec: 1 MiB, text, mixed"];
    pub(super) const UNMASK: &[&str] = &[
        "unmask: 64 B", "unmask: 128 B", "unmask: 256 B", "unmask: 1 KiB", "unmask: 4 KiB", "unmask: 16 KiB", "unmask: 64 KiB",
    ];
    pub(super) const ASCII: &[&str] = &["text: 1 KiB, text, ASCII", "text: 16 KiB, text, ASCII", "text: 64 KiB, text, ASCII"];
    pub(super) const MIXED: &[&str] = &["text: 1 KiB, text, mixed", "text: 16 KiB, text, mixed", "text: 64 KiB, text, mixed"];
    pub(super) const SHORT: &[&str] = &["time: 100 B", "time: 250 B", "time: 500 B", "time: 1 000 B"];
    pub(super) const BYTES: &[&str] = &["bytes: 100 B", "bytes: 250 B", "bytes: 500 B", "bytes: 1 000 B"];
}

const fn lower_end(scenario: &'static str) -> Target {
    Target {
        what: "CPU time, lower end of 95%",
        scenario,
        measure: Measure::LeadLow(CPU, UWS),
        bound: 0.98,
    }
}

/// In the order of the scenarios. strace may see a call too many when it comes or goes: hence 2.01.
#[rustfmt::skip]
pub(crate) static TARGETS: &[Target] = &[
    at_most("instructions per message", "instructions-20", "instructions", 300.0),
    at_most("instructions per message", "instructions-20x16", "instructions", 100.0),
    at_most("instructions per message", "instructions-1k-text", "instructions", 800.0),
    at_most("instructions per message", "instructions-16k-text", "instructions", 4_500.0),
    at_most("system calls per message, beside waiting", "calls-20x64", "calls_beside_waits", 2.01),
    at_most("allocations per message", "allocations-20", "allocations", 0.0),
    at_most("allocations per message", "allocations-16k", "allocations", 0.0),
    at_most("bytes copied per message: 1% of it", "copied-16k", "copied_bytes", 163.0),
    at_most("bytes copied per message: 1% of it", "copied-1m", "copied_bytes", 10_485.0),

    lead("echo-20x64", CPU, "raw-et", 0.97), lead("echo-20x64", CPU, UWS, 1.0), lower_end("echo-20x64"),
    lead("echo-20x512", CPU, "raw-et", 0.97), lead("echo-20x512", CPU, UWS, 1.0), lower_end("echo-20x512"),
    lead("echo-125x64", CPU, "raw-et", 0.97), lead("echo-125x64", CPU, UWS, 1.0), lower_end("echo-125x64"),
    lead("echo-125x512", CPU, "raw-et", 0.97), lead("echo-125x512", CPU, UWS, 1.0), lower_end("echo-125x512"),
    lead("echo-1kx64", CPU, "raw-et", 0.97), lead("echo-1kx64", CPU, UWS, 1.0), lower_end("echo-1kx64"),
    lead("echo-1kx512", CPU, "raw-et", 0.97), lead("echo-1kx512", CPU, UWS, 1.0), lower_end("echo-1kx512"),
    lead("echo-64x10000", CPU, UWS, 1.05),
    lead("pipelined-16", CPU, UWS, 1.03),
    lead("pipelined-64", CPU, UWS, 1.12),
    lead("pipelined-256", CPU, UWS, 1.5),
    lead("pipelined-1024", CPU, UWS, 2.3),
    lead("echo-16k", CPU, UWS, 1.05),
    lead("echo-16k-mixed", CPU, UWS, 1.8),
    lead("echo-1m", CPU, UWS, 1.35),
    lead("echo-1m", CPU, "raw-large", 0.95),
    lead("echo-1m-ascii", CPU, UWS, 1.5),
    lead("echo-1m-ascii", CPU, "tokio-websockets", 1.0),
    lead("echo-1m-mixed", CPU, UWS, 2.5),
    lead("echo-1m-mixed", CPU, "tokio-websockets", 1.0),

    on_tokio("tokio-20x64", "fastwebsockets", 1.0), on_tokio("tokio-20x64", "tokio-websockets", 1.0),
    on_tokio("tokio-1kx64", "fastwebsockets", 1.0), on_tokio("tokio-1kx64", "tokio-websockets", 1.0),
    on_tokio("tokio-20x64x16", "fastwebsockets", 5.0), on_tokio("tokio-20x64x16", "tokio-websockets", 5.0),

    lead("handshakes", CPU, UWS, 1.0),
    lead("latency", "p99_ns", UWS, 1.0),
    lead("latency", "p999_ns", UWS, 1.0),

    lead("room-32", RATE, UWS, 1.5), lead("room-32", RATE, "raw", 0.6),
    lead("room-128", RATE, UWS, 25.0), lead("room-128", RATE, "raw", 0.6),
    lead("room-512", RATE, UWS, 150.0), lead("room-512", RATE, "raw", 0.6),
    lead("room-one-1k", RATE, UWS, 1.0),
    lead("room-one-64k", RATE, UWS, 1.3),

    least_lead("20 B: time, the least lead", "codec", lines::CODEC_20, lines::PEERS, 2.0),
    least_lead("125 B: time, the least lead", "codec", lines::CODEC_125, lines::PEERS, 2.0),
    least_lead("1 KiB: time, the least lead", "codec", lines::CODEC_1K, lines::PEERS, 2.0),
    least_lead("16 KiB: time, the least lead", "codec", lines::CODEC_16K, lines::PEERS, 1.3),
    least_lead("1 MiB: time, the least lead", "codec", lines::CODEC_1M, lines::PEERS, 1.3),
    least_lead("unmasking 64 B to 64 KiB: time, the least lead", "kernels", lines::UNMASK, &["memcpy"], 0.9),
    least_lead("frames of 1 to 64 KiB of ASCII text: time, the least lead", "kernels", lines::ASCII, &["unmask alone"], 0.77),
    least_lead("frames of 1 to 64 KiB of mixed text: time, the least lead", "kernels", lines::MIXED, &["unmask, then simdutf8"], 1.0),
    at_most("ns for a frame of 20 B", "kernels", "frames: 20 B", 8.0),
    least_lead("100 to 1 000 B: time, the least lead", "deflate", lines::SHORT, &["zlib-rs"], 2.0),
    least_lead("100 to 1 000 B: size within 5%, the least lead", "deflate", lines::BYTES, &["zlib-rs"], 0.952),
    least_lead("512 B, sent and received: time", "deflate", &["512 B: no takeover, both"], &["zlib-rs"], 1.0),

    at_most("bytes per connection", "idle", "bytes", 200.0),
    at_most("bytes per connection", "idle-tls", "bytes", 16_384.0),
];

/// What a target has come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) aim: String,
    pub(crate) measured: String,
    pub(crate) word: String,
}

impl Target {
    /// What the result says, if there is one.
    pub(crate) fn judge(&self, outcome: Option<&Outcome>) -> Verdict {
        let found = outcome.and_then(|outcome| Some((outcome, self.measured(outcome)?)));
        let Some((outcome, (value, text))) = found else {
            return Verdict {
                aim: self.aim(),
                measured: "–".to_owned(),
                word: "not measured".to_owned(),
            };
        };
        let word = match (outcome.is_enough(), self.holds(value)) {
            (false, _) => format!("not told: {} rounds", outcome.provenance.rounds),
            (true, true) => "held".to_owned(),
            (true, false) => "**missed**".to_owned(),
        };
        Verdict {
            aim: self.aim(),
            measured: text,
            word,
        }
    }

    fn aim(&self) -> String {
        match self.measure {
            Measure::AtMost(_) => format!("≤ {}", self.bound),
            Measure::Lead(_, over) | Measure::LeadLow(_, over) | Measure::OnTokio(_, over) => {
                format!("≥ {} × {over}", self.bound)
            }
            Measure::LeastLead(_, [over]) => format!("≥ {} × {over}", self.bound),
            Measure::LeastLead(..) => format!("≥ {} × any other", self.bound),
        }
    }

    fn measured(&self, outcome: &Outcome) -> Option<(f64, String)> {
        match self.measure {
            Measure::AtMost(metric) => {
                let value = outcome.entry(super::outcome::FIRST)?.median(metric)?;
                Some((value, super::cells::plain(value)))
            }
            Measure::Lead(metric, over) => {
                let lead = outcome.lead(metric, over)?;
                Some((lead.median, super::cells::ratio(&lead)))
            }
            Measure::OnTokio(metric, over) => {
                let lead = outcome.lead_of("sockeye-tokio", metric, over)?;
                Some((lead.median, super::cells::ratio(&lead)))
            }
            Measure::LeastLead(metrics, over) => least(outcome, metrics, over),
            Measure::LeadLow(metric, over) => {
                let low = outcome.lead(metric, over)?.interval.low;
                Some((low, super::cells::times(low)))
            }
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.measure {
            Measure::AtMost(_) => value <= self.bound,
            Measure::Lead(..)
            | Measure::OnTokio(..)
            | Measure::LeadLow(..)
            | Measure::LeastLead(..) => value >= self.bound,
        }
    }

    pub(crate) fn label(&self) -> &'static str {
        let scenario = ALL.iter().find(|scenario| scenario.name == self.scenario);
        scenario.map_or(self.scenario, |scenario| scenario.label)
    }
}

/// The least lead of Sockeye, and where it is so. None if one of them is not known: that might be the least.
fn least(outcome: &Outcome, metrics: &[&str], over: &[&str]) -> Option<(f64, String)> {
    let mut least: Option<(f64, String)> = None;
    for metric in metrics {
        for other in over {
            let lead = outcome.lead(metric, other)?;
            if least.as_ref().is_none_or(|(value, _)| lead.median < *value) {
                let line = metric.split_once(": ").map_or(*metric, |(_, line)| line);
                let other = if over.len() > 1 {
                    format!(", {other}")
                } else {
                    String::new()
                };
                let text = format!("{}: {line}{other}", super::cells::ratio(&lead));
                least = Some((lead.median, text));
            }
        }
    }
    least
}

/// The sentence that stands above the table.
pub(crate) fn rule() -> String {
    format!(
        "A lead above 1 means that Sockeye does more, or needs less. What was measured in fewer than {ENOUGH} rounds is \
         told and not judged."
    )
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::outcome;
    use super::super::outcome::{CPU, Entry, FIRST, Outcome};
    use super::{Measure, TARGETS, Target, at_most, lead, least_lead};
    use crate::contestants::chosen;
    use crate::plan::scenarios::ALL;
    use clap::ValueEnum;

    fn word(target: &Target, rounds: usize, other: f64) -> String {
        let outcome = outcome("x", rounds, &[(FIRST, 100.0), ("uwebsockets", other)]);
        target.judge(Some(&outcome)).word
    }

    #[test]
    fn a_target_is_judged_by_enough_rounds_and_no_fewer() {
        let target = lead("x", CPU, "uwebsockets", 1.5);
        assert_eq!(word(&target, 20, 150.0), "held");
        assert_eq!(word(&target, 20, 149.0), "**missed**");
        assert_eq!(word(&target, 19, 150.0), "not told: 19 rounds");
        assert_eq!(target.judge(None).word, "not measured");
        let target = at_most("x", "x", CPU, 100.0);
        assert_eq!(word(&target, 0, 1.0), "held", "counted");
        assert_eq!(word(&at_most("x", "x", CPU, 99.0), 0, 1.0), "**missed**");
    }

    #[test]
    fn the_least_lead_counts_and_says_where_it_is() {
        let entry = |name, a, b| Entry::new(name, [("x: a", vec![a; 20]), ("x: b", vec![b; 20])]);
        let found = Outcome {
            entries: vec![
                entry(FIRST, 10.0, 10.0),
                entry("p", 30.0, 21.0),
                entry("q", 25.0, 40.0),
            ],
            ..outcome("x", 20, &[])
        };
        let target = |bound| least_lead("x", "x", &["x: a", "x: b"], &["p", "q"], bound);
        let verdict = target(2.0).judge(Some(&found));
        assert_eq!(verdict.word, "held");
        assert_eq!(verdict.measured, "2.10 (2.10-2.10): b, p");
        assert_eq!(target(2.2).judge(Some(&found)).word, "**missed**");
        let more = least_lead("x", "x", &["x: a"], &["p", "nobody"], 1.0);
        assert_eq!(more.judge(Some(&found)).word, "not measured");
    }

    #[test]
    fn targets_are_of_scenarios_and_contestants_that_there_are() {
        let everybody = chosen(crate::contestants::Name::value_variants());
        for target in TARGETS {
            let scenario = ALL.iter().find(|scenario| scenario.name == target.scenario);
            let scenario = scenario.unwrap_or_else(|| panic!("{}", target.scenario));
            let (Measure::Lead(_, over) | Measure::OnTokio(_, over) | Measure::LeadLow(_, over)) =
                target.measure
            else {
                // What is measured in memory names itself; where nothing of that name is found, "not measured" stays.
                continue;
            };
            let over = if over == "raw" { "raw-lt" } else { over };
            assert!(everybody.iter().any(|contestant| contestant.name == over));
            let takes_part = |name: &crate::contestants::Name| name.contestant().name == over;
            assert!(
                scenario.who.iter().any(takes_part),
                "{}: {over}",
                target.scenario
            );
        }
    }
}
