//! Results as Markdown: the whole report, and the few lines of the front page.

use super::cells::{plain, ratio, table, times, with_unit};
use super::outcome::{AGAIN, CPU, ENOUGH, FIRST, Outcome, RATE};
use super::scenarios::{ALL, Group, Kind, Scenario};
use super::sheets;
use super::targets::{TARGETS, rule};
use crate::contestants::{Name, chosen};
use crate::rooms;
use clap::ValueEnum;
use std::collections::BTreeSet;

/// What there is, by scenario.
pub(crate) struct Results(pub(crate) Vec<Outcome>);

impl Results {
    pub(crate) fn of(&self, scenario: &str) -> Option<&Outcome> {
        self.0.iter().find(|outcome| outcome.scenario == scenario)
    }

    fn in_group(&self, group: Group) -> Vec<(&'static Scenario, &Outcome)> {
        let found = |scenario: &'static Scenario| Some((scenario, self.of(scenario.name)?));
        group.scenarios().filter_map(found).collect()
    }
}

/// Where the rounds were too few, behind a ratio.
pub(super) const TOO_FEW: &str = " ?";

/// The section of `benches/README.md`. `charts` are the paths of those there are, and what they show.
pub(crate) fn report(results: &Results, charts: &[(String, &str)]) -> String {
    if results.0.is_empty() {
        return "Nothing has been measured yet.\n".to_owned();
    }
    let mut text = about(results);
    for (path, title) in charts {
        text += &format!("\n![{title}]({path})\n");
    }
    text += &format!(
        "\n### What was aimed at\n\n{}\n\n{}",
        rule(),
        targets(results)
    );
    for group in Group::ALL {
        text += &of_group(results, group);
    }
    text += &format!(
        "\n### Who takes part, and what each leaves out of a server's checks\n\n{}",
        who(results)
    );
    text + "\n### When, and of what\n\n" + &provenance(results)
}

/// The section of the front page.
pub(crate) fn summary(results: &Results) -> String {
    let rows = SUMMARY.iter().filter_map(|(scenario, metric)| {
        let outcome = results.of(scenario).filter(|outcome| outcome.is_enough())?;
        let leads = SUMMARY_OTHERS.map(|other| {
            let lead = outcome.lead(metric, other);
            lead.map_or_else(|| "–".to_owned(), |lead| times(lead.median))
        });
        let scenario = ALL.iter().find(|known| known.name == *scenario)?;
        let label = match scenario.group {
            Group::Counted => scenario.label.to_owned(),
            Group::InMemory => {
                let line = metric.strip_prefix("codec: ").unwrap_or(metric);
                format!("decoding, in memory: {line}")
            }
            _ => format!("{}: {}", name_of(metric), scenario.label),
        };
        Some([vec![label], leads.to_vec()].concat())
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return "Nothing has been measured yet.\n".to_owned();
    }
    let head = ["how many times Sockeye is ahead"]
        .into_iter()
        .chain(SUMMARY_OTHERS);
    let dates: BTreeSet<_> = results
        .0
        .iter()
        .map(|outcome| &outcome.provenance.date)
        .collect();
    let (first, last) = (dates.first(), dates.last());
    let dates = match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(first), _) => (*first).clone(),
        _ => String::new(),
    };
    let table = table(&head.map(str::to_owned).collect::<Vec<_>>(), &rows);
    format!("{table}\n{}. {dates}.\n", machines(results).join("; "))
}

const SUMMARY_OTHERS: [&str; 5] = [
    "uwebsockets",
    "bun",
    "tokio-websockets",
    "fastwebsockets",
    "tungstenite",
];

const SUMMARY: [(&str, &str); 15] = [
    ("instructions-20", "instructions"),
    ("instructions-20x16", "instructions"),
    ("instructions-1k-text", "instructions"),
    ("instructions-16k-text", "instructions"),
    ("echo-20x64", CPU),
    ("echo-1kx64", CPU),
    ("pipelined-64", CPU),
    ("echo-16k-mixed", CPU),
    ("echo-1m", CPU),
    ("handshakes", CPU),
    ("latency", "p99_ns"),
    ("room-512", RATE),
    ("idle", "bytes"),
    ("codec", "codec: 20 B, binary"),
    ("codec", "codec: 1 KiB, text, ASCII"),
];

fn name_of(metric: &str) -> &'static str {
    match metric {
        CPU => "server CPU time",
        RATE => "deliveries per second",
        "p99_ns" => "p99 at 30% load",
        "bytes" => "memory",
        _ => "",
    }
}

fn about(results: &Results) -> String {
    let counts: BTreeSet<_> = results
        .0
        .iter()
        .map(|outcome| &*outcome.provenance.built_for)
        .collect();
    let builds = counts.into_iter().collect::<Vec<_>>().join(" and ");
    format!(
        "Written by `benches/versus/run all`; not to be edited. Machine: {}. Rust and C++ are built for {builds}: \
         `x86-64-v3` where something is counted by valgrind, `native` where time is taken. A ratio is the median of \
         those within rounds; in brackets the interval that covers it with 95%. \"{}\" means fewer than {ENOUGH} rounds: \
         no result. \"{AGAIN}\" is the same program a second time: what it is off 1 is noise. What each contestant \
         leaves out of a server's checks stands at the end: whoever checks less has less to do.\n",
        machines(results).join("; and "),
        TOO_FEW.trim()
    )
}

fn machines(results: &Results) -> Vec<String> {
    let machines: BTreeSet<_> = results
        .0
        .iter()
        .map(|outcome| outcome.provenance.machine.clone())
        .collect();
    machines.into_iter().collect()
}

fn targets(results: &Results) -> String {
    let rows = TARGETS.iter().map(|target| {
        let verdict = target.judge(results.of(target.scenario));
        vec![
            target.label().to_owned(),
            target.what.to_owned(),
            verdict.aim,
            verdict.measured,
            verdict.word,
        ]
    });
    let head = ["scenario", "what", "aim", "measured", ""].map(str::to_owned);
    table(&head, &rows.collect::<Vec<_>>())
}

fn of_group(results: &Results, group: Group) -> String {
    let found = results.in_group(group);
    if found.is_empty() {
        return String::new();
    }
    let ours = "CPU time, of sockeye and times as much of the others";
    let rate = "Thousands per second";
    let (title, tables) = match group {
        Group::Small => (
            "Small messages",
            vec![leads(&found, CPU, ours), values(&found, RATE, rate)],
        ),
        Group::Pipelined => (
            "Many messages at once, on 64 connections",
            vec![leads(&found, CPU, ours), values(&found, RATE, rate)],
        ),
        Group::Large => (
            "Large messages",
            vec![leads(&found, CPU, ours), values(&found, RATE, rate)],
        ),
        Group::OnTokio => (
            "On tokio, beside other connections for it",
            vec![leads(&found, CPU, ours), values(&found, RATE, rate)],
        ),
        Group::Handshakes => (
            "Handshakes",
            vec![leads(&found, CPU, ours), values(&found, RATE, rate)],
        ),
        Group::Latency => (
            "How late answers are, at 30% of what uwebsockets does at most",
            vec![
                leads(
                    &found,
                    "p50_ns",
                    "p50, of sockeye and times as much of the others",
                ),
                leads(&found, "p99_ns", "p99"),
                leads(&found, "p999_ns", "p99.9"),
            ],
        ),
        Group::Rooms => (
            "Rooms",
            vec![
                leads(
                    &found,
                    RATE,
                    "Deliveries per second, and how many times those of the others",
                ),
                leads(
                    &found,
                    CPU,
                    "CPU time per delivery, of sockeye and times as much of the others",
                ),
            ],
        ),
        Group::InMemory => {
            let outcomes: Vec<_> = found.iter().map(|(_, outcome)| *outcome).collect();
            (
                "In memory: codecs, kernels, compression",
                vec![sheets::report(&outcomes)],
            )
        }
        Group::Memory => (
            "Memory per idle connection",
            vec![values(&found, "bytes", "Resident bytes in user space")],
        ),
        Group::Counted => ("Counted, per message", vec![counts(&found)]),
    };
    format!("\n### {title}\n{}", tables.concat())
}

type Found<'a> = [(&'static Scenario, &'a Outcome)];

/// Everybody but Sockeye, in the order in which they come.
fn others(found: &Found<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, outcome) in found {
        for entry in &outcome.entries {
            if entry.name != FIRST && !names.contains(&entry.name) {
                names.push(entry.name.clone());
            }
        }
    }
    // The noise comes last.
    names.sort_by_key(|name| name == AGAIN);
    names
}

/// Sockeye's own value, and its leads.
fn leads(found: &Found<'_>, metric: &str, title: &str) -> String {
    let others = others(found);
    let rows = found.iter().map(|(scenario, outcome)| {
        let own = outcome.entry(FIRST).and_then(|entry| entry.median(metric));
        let own = own.map_or_else(|| "–".to_owned(), |own| with_unit(metric, own));
        let leads = others
            .iter()
            .map(|other| match outcome.lead(metric, other) {
                Some(lead) if outcome.is_enough() => ratio(&lead),
                Some(lead) => ratio(&lead) + TOO_FEW,
                None => "–".to_owned(),
            });
        [scenario.label.to_owned(), own]
            .into_iter()
            .chain(leads)
            .collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head: Vec<_> = ["", FIRST]
        .map(str::to_owned)
        .into_iter()
        .chain(others.clone())
        .collect();
    format!("\n{title}:\n\n{}", table(&head, &rows))
}

/// Everybody's own values.
fn values(found: &Found<'_>, metric: &str, title: &str) -> String {
    let names = everybody(found);
    let rows = found.iter().map(|(scenario, outcome)| {
        let values = names.iter().map(|name| value(outcome, name, metric));
        [scenario.label.to_owned()]
            .into_iter()
            .chain(values)
            .collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head: Vec<_> = [String::new()].into_iter().chain(names.clone()).collect();
    format!("\n{title}:\n\n{}", table(&head, &rows))
}

/// The same where each scenario counts another thing.
fn counts(found: &Found<'_>) -> String {
    let names = everybody(found);
    let rows = found.iter().map(|(scenario, outcome)| {
        let metric = match scenario.kind {
            Kind::Valgrind(_, what, _) => what.metric(),
            _ => "calls",
        };
        let values = names.iter().map(|name| value(outcome, name, metric));
        [scenario.label.to_owned()]
            .into_iter()
            .chain(values)
            .collect()
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head: Vec<_> = [String::new()].into_iter().chain(names.clone()).collect();
    let note = "Bytes copied are those that `memcpy`, `memmove` and their like moved in user space; a loop that copies \
                while it unmasks is not seen, nor what the kernel moves.";
    format!("\n{}\n{note}\n", table(&head, &rows))
}

fn everybody(found: &Found<'_>) -> Vec<String> {
    [FIRST.to_owned()]
        .into_iter()
        .chain(others(found))
        .collect()
}

fn value(outcome: &Outcome, name: &str, metric: &str) -> String {
    let value = outcome.entry(name).and_then(|entry| entry.median(metric));
    let scale = if metric == RATE { 1e3 } else { 1.0 };
    value.map_or_else(|| "–".to_owned(), |value| plain(value / scale))
}

/// Those servers that the results name.
fn who(results: &Results) -> String {
    let of_servers = ALL.iter().filter(|known| known.group != Group::InMemory);
    let of_servers: Vec<_> = of_servers
        .filter_map(|known| results.of(known.name))
        .collect();
    let named = |name: &str| {
        of_servers
            .iter()
            .any(|outcome| outcome.entry(name).is_some())
    };
    let echoes = chosen(Name::value_variants());
    let raw_room = rooms::contestants::all();
    let all = echoes
        .into_iter()
        .chain(raw_room.filter(|contestant| contestant.name == "raw"));
    let rows = all
        .filter(|contestant| named(contestant.name))
        .map(|contestant| {
            [contestant.name, contestant.about, contestant.skips]
                .map(str::to_owned)
                .to_vec()
        });
    let head = ["contestant", "is", "leaves out"].map(str::to_owned);
    table(&head, &rows.collect::<Vec<_>>())
}

/// One line for each scenario, with the noise of its run.
fn provenance(results: &Results) -> String {
    let rows = results.0.iter().map(|outcome| {
        let of = &outcome.provenance;
        let metric = if outcome.scenario.starts_with("latency") {
            "p99_ns"
        } else {
            CPU
        };
        let noise = outcome.lead(metric, AGAIN);
        let in_memory = Group::InMemory
            .scenarios()
            .any(|scenario| scenario.name == outcome.scenario);
        let rounds = if outcome.is_counted() {
            "counted".to_owned()
        } else if in_memory {
            format!("{} processes", of.rounds)
        } else {
            format!("{} × {} s", of.rounds, of.seconds)
        };
        // It stands below its tables.
        let note = if in_memory { "" } else { &of.note };
        vec![
            format!("`{}`", outcome.scenario),
            of.date.clone(),
            format!("`{}`", of.commit),
            of.built_for.clone(),
            rounds,
            noise.map_or_else(|| "–".to_owned(), |noise| ratio(&noise)),
            of.stolen
                .map_or_else(|| "–".to_owned(), |part| format!("{:.2}%", 100.0 * part)),
            note.to_owned(),
        ]
    });
    let head = [
        "scenario",
        "date",
        "commit",
        "built for",
        "rounds",
        AGAIN,
        "time stolen",
        "note",
    ];
    table(&head.map(str::to_owned), &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::outcome;
    use super::{Results, report, summary};

    #[test]
    fn what_had_too_few_rounds_is_marked_and_not_on_the_front_page() {
        let measured = |rounds| {
            let cpu = [
                ("sockeye", 1000.0),
                ("uwebsockets", 1100.0),
                ("sockeye again", 1010.0),
            ];
            Results(vec![outcome("echo-20x64", rounds, &cpu)])
        };
        let text = report(&measured(2), &[]);
        assert!(text.contains("| 1.10 (1.10-1.10) ? |"), "{text}");
        assert!(text.contains("not told: 2 rounds"));
        assert!(summary(&measured(2)).starts_with("Nothing"));
        let text = report(&measured(20), &[]);
        assert!(
            text.contains("| 1.10 (1.10-1.10) | 1.01 (1.01-1.01) |"),
            "{text}"
        );
        assert!(!text.contains("not told") && text.contains("| held |"));
        let text = summary(&measured(20));
        assert!(text.contains("20 B, 64 connections | 1.10 | – |"), "{text}");
        assert!(summary(&Results(Vec::new())).starts_with("Nothing"));
    }
}
