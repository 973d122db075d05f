//! What `speed` and `handshakes` report: everybody beside the first, within rounds.

use crate::building::Program;
use crate::contestants::Source;
use crate::options::Rounds;
use crate::report::{Report, Table};
use crate::rounds::{CONFIDENCE, Measurement, Ratio, Sample, Series};
use serde_json::{Value, json};

/// What was measured.
pub(crate) struct What {
    pub(crate) command: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) loads: Vec<String>,
}

/// Sockeye a second time: how far that differs from the first is what the run cannot tell.
pub(crate) fn once_more(programs: &[Program]) -> Option<Program> {
    let sockeye = programs
        .iter()
        .find(|program| program.contestant.source == Source::Sockeye)?;
    Some(Program {
        name: "sockeye again",
        ..sockeye.clone()
    })
}

pub(crate) fn report(what: &What, measurement: &Measurement, rounds: &Rounds) -> Report {
    let first = measurement.series[0][0].name;
    let of_load = |load: usize| -> Vec<&Series> {
        measurement
            .series
            .iter()
            .map(|series| &series[load])
            .collect()
    };
    let tables = (0..what.loads.len())
        .map(|load| table(what, &what.loads[load], &of_load(load)))
        .collect();
    let results: Vec<_> = (0..what.loads.len())
        .map(|load| json!({ "load": what.loads[load], "contestants": json_of(&of_load(load)) }))
        .collect();
    Report {
        title: format!(
            "{first} beside others: {}s per second, and CPU time for each",
            what.unit
        ),
        tables,
        notes: notes(what, measurement, rounds),
        json: json!({
            "command": what.command,
            "rounds": rounds.rounds,
            "seconds": rounds.seconds,
            "seed": rounds.seed,
            "stolen": measurement.stolen,
            "results": results,
        }),
    }
}

fn table(what: &What, load: &str, series: &[&Series]) -> Table {
    let first = series[0];
    let head = [
        "contestant".to_owned(),
        format!("{}s/s", what.unit),
        format!("CPU ns/{}", what.unit),
        "server busy".to_owned(),
        "load busy".to_owned(),
        format!("rate, {} ÷ it", first.name),
        "95%".to_owned(),
        format!("CPU, it ÷ {}", first.name),
        "95%".to_owned(),
    ];
    let rows = series.iter().map(|series| {
        let mut row = vec![
            series.name.to_owned(),
            format!("{:.0}", series.median(Sample::rate)),
            format!("{:.1}", series.median(Sample::cpu_each)),
            format!("{:.0}%", 100.0 * series.median(Sample::busy)),
            format!("{:.0}%", 100.0 * series.median(Sample::load_busy)),
        ];
        for ratio in ahead(first, series) {
            row.push(format!("{:.3}", ratio.median));
            row.push(format!(
                "{:.3}-{:.3}",
                ratio.interval.low, ratio.interval.high
            ));
        }
        row
    });
    Table {
        title: load.to_owned(),
        head: head.to_vec(),
        rows: rows.collect(),
    }
}

/// How many times the first is ahead: in rate, and in CPU time. Both are above 1 if it is.
pub(crate) fn ahead(first: &Series, other: &Series) -> [Ratio; 2] {
    [
        first.ratio(other, Sample::rate),
        other.ratio(first, Sample::cpu_each),
    ]
}

fn notes(what: &What, measurement: &Measurement, rounds: &Rounds) -> Vec<String> {
    let first = measurement.series[0][0].name;
    let mut notes = vec![format!(
        "Above 1, {first} is ahead: it does more {}s per second, or the other takes more CPU time.",
        what.unit
    )];
    notes.extend(how(measurement, rounds));
    notes
}

/// What must be known of any measurement in rounds.
pub(crate) fn how(measurement: &Measurement, rounds: &Rounds) -> Vec<String> {
    let coverage = measurement.series[0][0].ratio(&measurement.series[0][0], Sample::rate);
    let coverage = coverage.interval.coverage;
    let stolen = measurement.stolen.map_or_else(
        || "unknown".to_owned(),
        |stolen| format!("{:.2}%", 100.0 * stolen),
    );
    let mut notes = vec![
        format!(
            "{} rounds in permuted order (seed {}), a new server process each, {} s after a warm-up; medians over the \
             rounds, ratios within each round. The interval is between two order statistics and covers the true median \
             with probability {:.1}%, whatever the distribution.",
            rounds.rounds, rounds.seed, rounds.seconds, 100.0 * coverage
        ),
        format!(
            "\"sockeye again\" is the same program: what its row is off 1 is noise. Time stolen by the hypervisor: \
             {stolen}."
        ),
        "A rate says something of a server only where it is busy, and more so than the load. CPU time has \
         the kernel's part in it, and on the loopback a part of the client's."
            .to_owned(),
    ];
    if coverage < CONFIDENCE {
        let note = "Too few rounds for intervals of 95%: these are the extremes. Believe nothing of this run.";
        notes.push(note.to_owned());
    }
    notes
}

fn json_of(series: &[&Series]) -> Value {
    let first = series[0];
    let ratio = |ratio: Ratio| {
        json!({
            "median": ratio.median,
            "low": ratio.interval.low,
            "high": ratio.interval.high,
            "coverage": ratio.interval.coverage,
        })
    };
    series
        .iter()
        .map(|series| {
            let [rate, cpu] = ahead(first, series);
            json!({
                "contestant": series.name,
                "per_second": series.median(Sample::rate),
                "cpu_ns": series.median(Sample::cpu_each),
                "busy": series.median(Sample::busy),
                "load_busy": series.median(Sample::load_busy),
                "rate_ratio": ratio(rate),
                "cpu_ratio": ratio(cpu),
                "rounds": series.samples.iter().map(|sample| json!({
                    "count": sample.count,
                    "seconds": sample.elapsed.as_secs_f64(),
                    "cpu_seconds": sample.cpu.as_secs_f64(),
                })).collect::<Vec<_>>(),
            })
        })
        .collect()
}
