//! `latency`: how much later a message is on another node, at a fixed rate.

use crate::Result;
use crate::crowd::{self, Crowd, Late};
use crate::report::{Out, Report};
use clap::Args;
use serde_json::json;
use std::thread;
use std::time::Duration;

/// How much later messages come on another node
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Payload bytes of a message, 20 to 125
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    size: usize,
    /// Rooms, which take turns
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    rooms: usize,
    /// Messages per second; several numbers separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1000,10000",
        value_name = "NUMBERS"
    )]
    rate: Vec<f64>,
    /// Seconds that are measured, after one that is not
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,
    /// How often each is measured
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    rounds: usize,
    /// Messages that each room keeps, in the broker; else none
    #[arg(long, value_name = "NUMBER")]
    kept: Option<usize>,
    #[command(flatten)]
    out: Out,
}

const QUANTILES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];
/// Late on this node, on the other, and how much later there.
const WHERE: [&str; 3] = ["same node", "other node", "added"];

pub(crate) fn run(options: &Options) -> Result<()> {
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for &rate in &options.rate {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            eprintln!("{rate} messages a second …");
            rounds.push(round(options, rate)?);
        }
        // Of what is added, the p99.
        rounds.sort_by(|one, other| one[2][1].total_cmp(&other[2][1]));
        for (number, round) in rounds.iter().enumerate() {
            for (place, quantiles) in WHERE.iter().zip(round) {
                let mut row = vec![rate.to_string(), (number + 1).to_string(), (*place).into()];
                row.extend(quantiles.iter().map(|ms| format!("{ms:.3}")));
                rows.push(row);
            }
        }
        all.push(json!({ "rate": rate, "rounds": rounds }));
    }
    let report = Report {
        name: if options.kept.is_some() {
            "latency-kept"
        } else {
            "latency"
        },
        title: match options.kept {
            Some(_) => "Milliseconds until a message that rooms keep has come",
            None => "Milliseconds until a message has come",
        },
        head: vec!["messages/s", "round", "", "p50", "p99", "p99.9", "most"],
        rows,
        notes: format!(
            "{}{} bytes, {} room(s), {} rounds of {} s, the best first. Messages are due as a Poisson process draws them, and \
             late from then on, however late they were sent. Added: of each message, how much later it came on the other \
             node than on its own.",
            crowd::keeping(options.kept),
            options.size,
            options.rooms,
            options.rounds,
            options.seconds
        ),
        json: json!({
            "size": options.size,
            "rooms": options.rooms,
            "kept": options.kept,
            "quantiles": QUANTILES,
            "of": WHERE,
            "milliseconds": all,
        }),
    };
    report.publish(&options.out)
}

fn round(options: &Options, rate: f64) -> Result<[[f64; 4]; 3]> {
    let mut crowd = Crowd::new(options.rooms, options.size, options.kept)?;
    let warm = rate as usize;
    let messages = warm + (rate * options.seconds) as usize;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut due = crowd.begun.elapsed();
    for _ in 0..messages {
        due += Duration::from_secs_f64(-dice.fraction().ln() / rate);
        let early = due.saturating_sub(crowd.begun.elapsed());
        if !early.is_zero() {
            // What was due before is on its way before this waits.
            crowd.publisher.flush()?;
            thread::sleep(early);
        }
        crowd.publisher.say(due);
    }
    crowd.publisher.flush()?;
    let late = crowd.end()?;
    let [here, there] = &late;
    let pairs = here.iter().zip(there).skip(warm);
    let added: Vec<_> = pairs
        .map(|(here, there)| there.saturating_sub(*here))
        .collect();
    Ok([&here[warm..], &there[warm..], &added].map(quantiles))
}

/// In milliseconds.
fn quantiles(late: &[Late]) -> [f64; 4] {
    let mut late = late.to_vec();
    late.sort_unstable();
    QUANTILES.map(|quantile| {
        let at = (late.len() as f64 * quantile).ceil() as usize;
        let nanoseconds = late.get(at.saturating_sub(1)).copied();
        nanoseconds.unwrap_or_default() as f64 / 1e6
    })
}

/// `SplitMix64`: looks random, and is the same each time.
struct Dice(u64);

impl Dice {
    /// Above 0, up to 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((mixed ^ (mixed >> 31)) >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}
