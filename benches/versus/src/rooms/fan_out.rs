//! Large messages of one sender to many members, all of whom read: the server's CPU time beside that of a loop that
//! only calls `send` on a shared buffer.

use super::contestants::{Roomy, chosen, programs};
use super::load::{Pace, Shape, Talk};
use super::measure::{check, sample};
use super::talk::{interval, met};
use super::{EVERYBODY, Options};
use crate::Result;
use crate::comparison::{how, once_more};
use crate::report::{Report, Table};
use crate::rounds::{self, Measurement, Sample, Series};
use serde_json::json;

/// What is aimed at: CPU time, times that of the bare loop.
const TARGET: f64 = 1.1;

pub(crate) fn run(options: &Options) -> Result<()> {
    let roomies = chosen(&options.common, &EVERYBODY)?;
    let mut programs = programs(&options.common, &roomies)?;
    rounds::pin(&options.common)?;
    let shapes: Vec<_> = options
        .members(&[1000])
        .into_iter()
        .map(|members| Shape {
            members,
            talk: Talk::One,
            pace: Pace::Lockstep,
            size: options.size.unwrap_or(64 * 1024),
        })
        .collect();
    for program in &programs {
        for shape in &shapes {
            eprintln!("{}, {shape}: checking …", program.name);
            check(&options.common, program, *shape)?;
        }
    }
    programs.extend(once_more(&programs));
    let measurement = rounds::interleaved(&programs, &options.rounds, |program| {
        let sample = |shape: &Shape| sample(&options.common, &options.rounds, program, *shape);
        shapes.iter().map(sample).collect()
    })?;
    let contestants: Vec<_> = roomies.iter().map(|roomy| &roomy.contestant).collect();
    report(options, &shapes, &roomies, &measurement).publish(&options.common, &contestants)
}

fn report(
    options: &Options,
    shapes: &[Shape],
    roomies: &[&Roomy],
    measurement: &Measurement,
) -> Report {
    let mut tables = Vec::new();
    let mut notes = vec![
        "The sender's message is read once and sent to every member; the next one comes when all have it. CPU time has \
         the kernel's part in it, which is nearly all: a copy per member, and on the loopback a part of the members' \
         receiving. What is left is the difference to the bare loop, which sends one buffer to all and keeps places in \
         it for who is slow."
            .to_owned(),
    ];
    notes.extend(how(measurement, &options.rounds));
    let why = |roomy: &&Roomy| format!("{}: {}.", roomy.contestant.name, roomy.why_large);
    notes.extend(roomies.iter().map(why));
    let mut results = Vec::new();
    for (index, shape) in shapes.iter().enumerate() {
        let all: Vec<_> = measurement
            .series
            .iter()
            .map(|series| &series[index])
            .collect();
        let raw = all.iter().copied().find(|series| series.name == "raw");
        tables.push(table(*shape, &all, raw));
        let sockeye = all.iter().copied().find(|series| series.name == "sockeye");
        if let Some((sockeye, raw)) = sockeye.zip(raw) {
            let ratio = sockeye.ratio(raw, Sample::cpu_each);
            notes.push(format!(
                "Aim with {shape}: at most {TARGET} times the CPU time of the bare loop; {:.3} ({}), {}.",
                ratio.median,
                interval(ratio),
                met(ratio.median <= TARGET)
            ));
        }
        results.extend(all.iter().map(|series| {
            json!({
                "room": shape.to_string(),
                "contestant": series.name,
                "cpu_ns_per_message": series.median(Sample::cpu_each) * shape.members as f64,
                "cpu_to_raw": raw.map(|raw| series.ratio(raw, Sample::cpu_each).median),
                "rounds": series.samples.iter().map(Sample::cpu_each).collect::<Vec<_>>(),
            })
        }));
    }
    Report {
        title: "Rooms: what a large message to many costs a server".to_owned(),
        tables,
        notes,
        json: json!({
            "command": "rooms --fan-out",
            "rounds": options.rounds.rounds,
            "seconds": options.rounds.seconds,
            "stolen": measurement.stolen,
            "results": results,
        }),
    }
}

fn table(shape: Shape, all: &[&Series], raw: Option<&Series>) -> Table {
    let head = [
        "contestant",
        "messages/s",
        "CPU µs/message",
        "CPU ns/delivery",
        "server busy",
        "load busy",
        "CPU, it ÷ raw",
        "95%",
    ];
    let rows = all.iter().map(|series| {
        let each = series.median(Sample::cpu_each);
        let ratio = raw.map(|raw| series.ratio(raw, Sample::cpu_each));
        vec![
            series.name.to_owned(),
            format!("{:.1}", series.median(Sample::rate) / shape.members as f64),
            format!("{:.0}", each * shape.members as f64 / 1e3),
            format!("{each:.0}"),
            format!("{:.0}%", 100.0 * series.median(Sample::busy)),
            format!("{:.0}%", 100.0 * series.median(Sample::load_busy)),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.3}", ratio.median)),
            ratio.map_or_else(|| "-".to_owned(), interval),
        ]
    });
    Table {
        title: shape.to_string(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
