//! What came of it: counts and latencies of all threads, as a table and as JSON, and what bench says of itself.
//!
//! Not here: measuring.

use super::busy::Busy;
use super::schedule::{Nanos, SECOND};
use core::fmt::Write;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Longer than this is this long.
const MAX_LATENCY: Nanos = 60 * SECOND;
/// Three digits of a latency are right.
const DIGITS: u8 = 3;
/// A thread that is busy for this part of the time has none for a faster server.
const BUSY: f64 = 0.9;
/// Messages that leave later than this, without the server being to blame, spoil what is measured.
const LATE: Nanos = SECOND / 1000;

/// What one thread counted, or all of them.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Of messages that were due in the window.
    pub(crate) sent: u64,
    pub(crate) unanswered: u64,
    pub(crate) unsent: u64,
    latency: Histogram<u64>,
    late: Histogram<u64>,
    /// Replies that came in the window.
    replies: u64,
    bytes: u64,
    wrong: u64,
    first_wrong: Option<String>,
    closed: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            sent: 0,
            unanswered: 0,
            unsent: 0,
            latency: histogram(),
            late: histogram(),
            replies: 0,
            bytes: 0,
            wrong: 0,
            first_wrong: None,
            closed: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }
}

fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and right")]
    Histogram::new_with_max(MAX_LATENCY, DIGITS).expect("the bounds are right")
}

impl Tally {
    /// A right reply: to a message that was due in the window, or not; within the window, or not.
    pub(crate) fn reply(&mut self, due_counts: bool, now_counts: bool, latency: Nanos, bytes: u64) {
        if due_counts {
            self.latency.saturating_record(latency);
        }
        if now_counts {
            self.replies += 1;
            self.bytes += bytes;
        }
    }

    /// A message left that long after it could have left.
    pub(crate) fn late(&mut self, span: Nanos) {
        self.late.saturating_record(span);
    }

    pub(crate) fn wrong(&mut self, what: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.first_wrong.is_none() {
            self.first_wrong = Some(what());
        }
    }

    pub(crate) fn closed(&mut self, why: &str) {
        *self.closed.entry(why.to_owned()).or_default() += 1;
    }

    pub(crate) fn failed(&mut self, why: &str) {
        *self.failed.entry(why.to_owned()).or_default() += 1;
    }

    /// Adds another thread's.
    pub(crate) fn merge(&mut self, other: Self) {
        self.sent += other.sent;
        self.unanswered += other.unanswered;
        self.unsent += other.unsent;
        // The bounds are the same.
        let _ = self.latency.add(other.latency);
        let _ = self.late.add(other.late);
        self.replies += other.replies;
        self.bytes += other.bytes;
        self.wrong += other.wrong;
        self.first_wrong = self.first_wrong.take().or(other.first_wrong);
        for (why, count) in other.closed {
            *self.closed.entry(why).or_default() += count;
        }
        for (why, count) in other.failed {
            *self.failed.entry(why).or_default() += count;
        }
    }

    /// Replies so far that came in the window.
    pub(crate) const fn replies(&self) -> u64 {
        self.replies
    }

    fn errors(&self) -> u64 {
        let counts = self.closed.values().chain(self.failed.values());
        counts.sum::<u64>() + self.wrong + self.unanswered
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) size: usize,
    pub(crate) text: bool,
    pub(crate) deflate: bool,
    pub(crate) pipeline: usize,
    /// Messages per second, or flat out.
    pub(crate) rate: Option<u64>,
    pub(crate) window: Nanos,
}

/// Everything there is to tell.
#[derive(Debug)]
pub(crate) struct Report {
    asked: Asked,
    tally: Tally,
    busy: Vec<Busy>,
}

/// What bench says of itself.
#[derive(Debug, PartialEq)]
struct Verdict {
    /// What was measured is bench, not the server.
    bottleneck: bool,
    sentence: String,
}

impl Report {
    /// Of what the threads counted, and how busy they were.
    pub(crate) fn new(asked: Asked, threads: impl IntoIterator<Item = (Tally, Busy)>) -> Self {
        let mut tally = Tally::default();
        let mut busy = Vec::new();
        for (other, part) in threads {
            tally.merge(other);
            busy.push(part);
        }
        Self { asked, tally, busy }
    }

    /// Everything that was sent came back as it should.
    pub(crate) fn is_fine(&self) -> bool {
        self.tally.errors() == 0
    }

    fn per_second(&self, count: u64) -> f64 {
        float(count) * float(SECOND) / float(self.asked.window.max(1))
    }

    fn verdict(&self) -> Verdict {
        let order = |a: &Busy, b: &Busy| a.sum().total_cmp(&b.sum());
        let busiest = self.busy.iter().copied().max_by(order).unwrap_or_default();
        let computed = format!("computed for {:.0} % of the time", busiest.computed * 100.0);
        let late = self.tally.late.value_at_quantile(0.99);
        let (bottleneck, sentence) = if self.tally.sent == 0 {
            (false, "nothing was measured.".to_owned())
        } else if self.asked.rate.is_none() && busiest.computed >= BUSY {
            (
                true,
                format!(
                    "bench was itself the bottleneck: a thread of it {computed}. The server may be faster; give bench \
                     more --threads, if there are cores for them."
                ),
            )
        } else if self.asked.rate.is_none() && busiest.sum() >= BUSY {
            let waited = busiest.waited * 100.0;
            (
                true,
                format!(
                    "bench was itself the bottleneck: a thread of it {computed} and waited for a core for {waited:.0} \
                     %. The server may be faster on a machine with more cores."
                ),
            )
        } else if self.asked.rate.is_none() {
            (
                false,
                format!("bench was not the bottleneck: its busiest thread {computed}."),
            )
        } else if late > LATE {
            let late = span(late);
            (
                true,
                format!(
                    "bench was itself the bottleneck: it fell behind its schedule, one message in 100 by {late} or \
                     more, and the latencies include that. Lower --rate or give it more --threads."
                ),
            )
        } else if self.tally.unsent > 0 {
            let unsent = self.tally.unsent;
            (
                false,
                format!(
                    "bench kept its schedule and the server did not: {unsent} messages found no place in flight \
                     before the end."
                ),
            )
        } else {
            (
                false,
                "bench was not the bottleneck: it kept its schedule.".to_owned(),
            )
        };
        Verdict {
            bottleneck,
            sentence,
        }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let Self { tally, .. } = self;
        let megabytes = self.per_second(tally.bytes) / 1e6;
        let mut table = String::new();
        let mut row = |name: &str, value: String| {
            // A `String` takes everything.
            let _ = writeln!(table, "{name:<14}{value}");
        };
        row("messages/s", thousands(self.per_second(tally.replies)));
        row("MB/s", format!("{megabytes:.2}"));
        let latencies = self
            .latencies()
            .map(|(name, nanos)| format!("{name} {}", span(nanos)));
        row("latency", latencies.collect::<Vec<_>>().join("   "));
        row("sent", thousands(float(tally.sent)));
        row("received", thousands(float(tally.latency.len())));
        for (name, value) in self.troubles() {
            row(&name, value);
        }
        table + &self.verdict().sentence
    }

    /// What went wrong, by its name; one line where nothing did.
    fn troubles(&self) -> Vec<(String, String)> {
        let Self { tally, .. } = self;
        let mut troubles = Vec::new();
        let mut trouble = |name: &str, count: u64, why: &str| {
            if count > 0 {
                let count = thousands(float(count));
                let value = if why.is_empty() {
                    count
                } else {
                    format!("{count}: {why}")
                };
                troubles.push((name.to_owned(), value));
            }
        };
        for (why, count) in &tally.failed {
            trouble("not connected", *count, why);
        }
        for (why, count) in &tally.closed {
            trouble("closed early", *count, why);
        }
        trouble(
            "wrong replies",
            tally.wrong,
            tally.first_wrong.as_deref().unwrap_or_default(),
        );
        trouble("unanswered", tally.unanswered, "");
        trouble(
            "unsent",
            tally.unsent,
            "due, and no place in flight was free",
        );
        if troubles.is_empty() {
            troubles.push(("errors".to_owned(), "none".to_owned()));
        }
        troubles
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        let Self { asked, tally, busy } = self;
        let verdict = self.verdict();
        let latency: Map<String, Value> = self
            .latencies()
            .map(|(name, nanos)| (name.to_owned(), micros(nanos)))
            .collect();
        json!({
            "url": asked.url,
            "connections": asked.connections,
            "threads": asked.threads,
            "size": asked.size,
            "kind": if asked.text { "text" } else { "binary" },
            "deflate": asked.deflate,
            "pipeline": asked.pipeline,
            "rate": asked.rate,
            "seconds": float(asked.window) / float(SECOND),
            "messages_per_second": self.per_second(tally.replies),
            "megabytes_per_second": self.per_second(tally.bytes) / 1e6,
            "latency_us": latency,
            "sent": tally.sent,
            "received": tally.latency.len(),
            "errors": {
                "wrong": tally.wrong,
                "first_wrong": tally.first_wrong,
                "closed": tally.closed,
                "failed": tally.failed,
                "unanswered": tally.unanswered,
            },
            "unsent": tally.unsent,
            "bench": {
                "computed": busy.iter().map(|busy| busy.computed).collect::<Vec<_>>(),
                "waited": busy.iter().map(|busy| busy.waited).collect::<Vec<_>>(),
                "late_p99_us": micros(tally.late.value_at_quantile(0.99)),
                "bottleneck": verdict.bottleneck,
                "verdict": verdict.sentence,
            },
        })
        .to_string()
    }

    fn latencies(&self) -> impl Iterator<Item = (&'static str, Nanos)> {
        let latency = &self.tally.latency;
        let quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
        quantiles
            .into_iter()
            .map(|(name, part)| (name, latency.value_at_quantile(part)))
            .chain([("max", latency.max())])
    }
}

/// A number with as many digits as a reader wants, in groups of three.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A span with three digits and its unit.
fn span(nanos: Nanos) -> String {
    let micros = float(nanos) / 1e3;
    let (number, unit) = match micros {
        ..1e3 => (micros, "\u{b5}s"),
        1e3..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    match number {
        ..10.0 => format!("{number:.2} {unit}"),
        10.0..100.0 => format!("{number:.1} {unit}"),
        _ => format!("{number:.0} {unit}"),
    }
}

/// Microseconds with the digits that a nanosecond has.
fn micros(nanos: Nanos) -> Value {
    json!(float(nanos) / 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads the 16th digit")]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
