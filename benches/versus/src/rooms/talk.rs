//! Small messages: of one to many, then of all to all, in rooms of several sizes.

use super::contestants::{Roomy, chosen, programs};
use super::load::{Pace, Shape, Talk};
use super::measure::{Counted, check, count, sample};
use super::{EVERYBODY, Options};
use crate::Result;
use crate::building::Program;
use crate::comparison::{ahead, how, once_more};
use crate::report::{Report, Table};
use crate::rounds::{self, Measurement, Ratio, Sample, Series};
use crate::tools;
use serde_json::{Value, json};

/// What is aimed at, in a room of this size where all talk: deliveries per second on one core, and the lead.
const TARGET: (usize, f64, f64) = (512, 15e6, 50.0);

/// What each program asked of the kernel, shape by shape; empty if nobody wanted to know.
type Counts = Vec<Vec<Counted>>;

pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.no_counts {
        tools::need("strace", "strace")?;
    }
    let roomies = chosen(&options.common, &EVERYBODY)?;
    let mut programs = programs(&options.common, &roomies)?;
    rounds::pin(&options.common)?;
    let shapes = options.shapes();
    let counts = prepare(options, &programs, &shapes)?;
    programs.extend(once_more(&programs));
    let measurement = rounds::interleaved(&programs, &options.rounds, |program| {
        let sample = |shape: &Shape| sample(&options.common, &options.rounds, program, *shape);
        shapes.iter().map(sample).collect()
    })?;
    let contestants: Vec<_> = roomies.iter().map(|roomy| &roomy.contestant).collect();
    report(options, &shapes, &roomies, &counts, &measurement).publish(&options.common, &contestants)
}

/// Nobody is measured who is wrong. Then the calls are counted.
fn prepare(options: &Options, programs: &[Program], shapes: &[Shape]) -> Result<Counts> {
    let mut counts = Vec::new();
    for program in programs {
        let mut counted = Vec::new();
        for shape in shapes {
            eprintln!("{}, {shape}: checking …", program.name);
            check(&options.common, program, *shape)?;
            if !options.no_counts {
                eprintln!("{}, {shape}: counting calls …", program.name);
                counted.push(count(&options.common, program, *shape)?);
            }
        }
        counts.push(counted);
    }
    Ok(counts)
}

impl Options {
    fn shapes(&self) -> Vec<Shape> {
        let shape = |talk, pace| {
            move |members| Shape {
                members,
                talk,
                pace,
                size: self.size.unwrap_or(20),
            }
        };
        let members = self.members(&[32, 128, 512]);
        let one = shape(Talk::One, Pace::Window(self.sender_window));
        let all = shape(Talk::All, Pace::Window(self.window));
        let one = members.iter().copied().map(one);
        one.chain(members.iter().copied().map(all)).collect()
    }
}

fn report(
    options: &Options,
    shapes: &[Shape],
    roomies: &[&Roomy],
    counts: &Counts,
    measurement: &Measurement,
) -> Report {
    let series = |shape: usize| -> Vec<&Series> {
        let series = measurement.series.iter().map(|series| &series[shape]);
        series.collect()
    };
    let mut tables: Vec<_> = shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| speeds(*shape, &series(index)))
        .collect();
    if !options.no_counts {
        tables.push(calls(shapes, counts, measurement));
    }
    let first = measurement.series[0][0].name;
    let mut notes = vec![format!(
        "A delivery is a message at one member. Above 1, {first} is ahead: it delivers more, or the other takes more \
         CPU time for each."
    )];
    notes.extend(how(measurement, &options.rounds));
    if !options.no_counts {
        notes.push(
            "Calls are counted by strace -f -c, in processes of their own; it delays a server, so more may be waiting \
             at each turn than otherwise. Sends are sendto, sendmsg, write and writev; a turn is an epoll_wait."
                .to_owned(),
        );
    }
    notes.extend(roomies.iter().enumerate().map(|(index, roomy)| {
        let counted = counts.get(index).and_then(|counts| counts.last());
        why(roomy, counted, shapes[shapes.len() - 1])
    }));
    notes.extend(verdict(shapes, measurement));
    Report {
        title: "Rooms: deliveries per second, and the calls for them".to_owned(),
        tables,
        notes,
        json: json!({
            "command": "rooms",
            "rounds": options.rounds.rounds,
            "seconds": options.rounds.seconds,
            "stolen": measurement.stolen,
            "results": json_of(shapes, counts, measurement),
        }),
    }
}

fn speeds(shape: Shape, series: &[&Series]) -> Table {
    let first = series[0];
    let head = [
        "contestant".to_owned(),
        "deliveries/s".to_owned(),
        "per CPU second".to_owned(),
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
            millions(series.median(Sample::rate)),
            millions(series.median(per_cpu_second)),
            format!("{:.0}%", 100.0 * series.median(Sample::busy)),
            format!("{:.0}%", 100.0 * series.median(Sample::load_busy)),
        ];
        for ratio in ahead(first, series) {
            row.extend([format!("{:.3}", ratio.median), interval(ratio)]);
        }
        row
    });
    Table {
        title: shape.to_string(),
        head: head.to_vec(),
        rows: rows.collect(),
    }
}

fn per_cpu_second(sample: &Sample) -> f64 {
    1e9 / sample.cpu_each()
}

fn millions(rate: f64) -> String {
    format!("{:.3} M", rate / 1e6)
}

pub(super) fn interval(ratio: Ratio) -> String {
    format!("{:.3}-{:.3}", ratio.interval.low, ratio.interval.high)
}

/// Shape by shape, so that one sees what grows and what does not.
fn calls(shapes: &[Shape], counts: &Counts, measurement: &Measurement) -> Table {
    let head = [
        "contestant",
        "room",
        "messages/turn",
        "sends/turn",
        "sends/delivery",
        "1 ÷ messages/turn",
        "sends/member and turn",
        "all calls/delivery",
    ];
    let mut rows = Vec::new();
    for (series, counts) in measurement.series.iter().zip(counts) {
        for (shape, counted) in shapes.iter().zip(counts) {
            rows.push(vec![
                series[0].name.to_owned(),
                shape.to_string(),
                format!("{:.1}", counted.messages_per_turn()),
                format!("{:.1}", counted.sends_per_turn()),
                format!("{:.5}", counted.sends_per_delivery()),
                format!("{:.5}", 1.0 / counted.messages_per_turn()),
                format!("{:.2}", counted.sends_per_member_and_turn()),
                format!("{:.5}", counted.calls_per_delivery()),
            ]);
        }
    }
    Table {
        title: "System calls: one send per member and turn means that sends per delivery fall as 1 ÷ messages per turn"
            .to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows,
    }
}

/// Why a contestant stands where it does, with the numbers of the last room.
fn why(roomy: &Roomy, counted: Option<&Counted>, shape: Shape) -> String {
    let numbers = counted.map_or_else(String::new, |counted| {
        format!(
            " With {shape}: {:.0} messages a turn, {:.2} sends for each member in it.",
            counted.messages_per_turn(),
            counted.sends_per_member_and_turn()
        )
    });
    format!("{}: {}.{numbers}", roomy.contestant.name, roomy.why)
}

/// What was aimed at, if this run can tell.
fn verdict(shapes: &[Shape], measurement: &Measurement) -> Option<String> {
    let (members, rate, lead) = TARGET;
    let aimed =
        |shape: &Shape| shape.members == members && shape.talk == Talk::All && shape.size <= 20;
    let index = shapes.iter().position(aimed)?;
    let of = |name: &str| {
        let mut series = measurement.series.iter().map(|series| &series[index]);
        series.find(|series| series.name == name)
    };
    let sockeye = of("sockeye")?;
    let reached = sockeye.median(Sample::rate);
    let mut text = format!(
        "Aim at {members} members who all talk: {} deliveries/s on one core; {}, {} ({} in a second of CPU time).",
        millions(rate),
        millions(reached),
        met(reached >= rate),
        millions(sockeye.median(per_cpu_second)),
    );
    if let Some(other) = of("uwebsockets") {
        let [ratio, cpu] = ahead(sockeye, other);
        text += &format!(
            " {lead:.0} times uwebsockets; {:.1} ({}), {} ({:.1} times in CPU time).",
            ratio.median,
            interval(ratio),
            met(ratio.median >= lead),
            cpu.median,
        );
    }
    Some(text)
}

pub(super) const fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

fn json_of(shapes: &[Shape], counts: &Counts, measurement: &Measurement) -> Value {
    let of_shape = |index: usize| -> Vec<Value> {
        let first = &measurement.series[0][index];
        let of = |(program, series): (usize, &Vec<Series>)| {
            let series = &series[index];
            let counted = counts.get(program).and_then(|counts| counts.get(index));
            let ratios = ahead(first, series).map(|ratio| {
                json!({"median": ratio.median, "low": ratio.interval.low, "high": ratio.interval.high})
            });
            json!({
                "contestant": series.name,
                "per_second": series.median(Sample::rate),
                "per_cpu_second": series.median(per_cpu_second),
                "rate_ratio": ratios[0],
                "cpu_ratio": ratios[1],
                "messages_per_turn": counted.map(Counted::messages_per_turn),
                "sends_per_turn": counted.map(Counted::sends_per_turn),
                "sends_per_delivery": counted.map(Counted::sends_per_delivery),
                "rounds": series.samples.iter().map(Sample::rate).collect::<Vec<_>>(),
            })
        };
        measurement.series.iter().enumerate().map(of).collect()
    };
    let shapes = shapes.iter().enumerate();
    shapes
        .map(|(index, shape)| json!({ "room": shape.to_string(), "contestants": of_shape(index) }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::verdict;
    use crate::rooms::load::{Pace, Shape, Talk};
    use crate::rounds::{Measurement, Sample, Series};
    use std::time::Duration;

    fn measured(rates: &[(&'static str, u64)]) -> Measurement {
        let series = rates.iter().map(|(name, rate)| {
            vec![Series {
                name,
                samples: vec![
                    Sample {
                        count: *rate,
                        elapsed: Duration::from_secs(1),
                        cpu: Duration::from_secs(1),
                        load: Duration::from_secs(1),
                    };
                    6
                ],
            }]
        });
        Measurement {
            series: series.collect(),
            stolen: None,
        }
    }

    #[test]
    fn the_verdict_is_of_the_room_that_was_aimed_at() {
        let shape = Shape {
            members: 512,
            talk: Talk::All,
            pace: Pace::Window(1),
            size: 20,
        };
        let both = measured(&[("sockeye", 15_000_000), ("uwebsockets", 299_000)]);
        let said = verdict(&[shape], &both).unwrap();
        assert!(!said.contains("missed") && said.contains("50.2"), "{said}");
        let slower = measured(&[("sockeye", 14_900_000), ("uwebsockets", 299_000)]);
        let said = verdict(&[shape], &slower).unwrap();
        assert_eq!(said.matches("missed").count(), 2, "{said}");
        let other = Shape {
            members: 128,
            ..shape
        };
        assert!(verdict(&[other], &both).is_none());
        let one = Shape {
            talk: Talk::One,
            ..shape
        };
        assert!(verdict(&[one], &both).is_none());
    }
}
