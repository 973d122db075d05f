//! `rate`: as many messages as get from one node to another, with a bounded number on their way.

use crate::Result;
use crate::crowd::{self, Crowd};
use crate::report::{Out, Report};
use clap::Args;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// Messages per second from one node to another
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Payload bytes of a message, 20 to 125
    #[arg(long, default_value_t = 64, value_name = "BYTES")]
    size: usize,
    /// Rooms, which take turns; several numbers separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,100,10000",
        value_name = "NUMBERS"
    )]
    rooms: Vec<usize>,
    /// Messages in one write of the client's; several numbers separated by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1,16,256",
        value_name = "NUMBERS"
    )]
    at_once: Vec<u64>,
    /// Messages that may be on their way
    #[arg(long, default_value_t = 2048, value_name = "NUMBER")]
    window: u64,
    /// Seconds that are measured, after one that is not
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
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

struct Outcome {
    /// At the member on the other node.
    per_second: f64,
    /// Messages in one PUBLISH.
    together: f64,
    /// Microseconds of a core: the node that says it, the broker, the node that hears it.
    cpu: [f64; 3],
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options
        .at_once
        .iter()
        .any(|at_once| *at_once > options.window)
    {
        return Err("--window wants at least as many as --at-once".into());
    }
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for &rooms in &options.rooms {
        for &at_once in &options.at_once {
            let mut rounds = Vec::new();
            for _ in 0..options.rounds {
                eprintln!("{rooms} rooms, {at_once} at once …");
                rounds.push(round(options, rooms, at_once.max(1))?);
            }
            rounds.sort_by(|one, other| other.per_second.total_cmp(&one.per_second));
            let Some(best) = rounds.first() else {
                return Err("at least one round".into());
            };
            let rates: Vec<_> = rounds.iter().map(|round| round.per_second).collect();
            let mut row = vec![rooms.to_string(), at_once.to_string()];
            row.push(format!("{:.0}", best.per_second));
            row.push(format!("{:.0}", rates[rates.len() - 1]));
            row.push(format!("{:.1}", best.together));
            row.extend(best.cpu.iter().map(|cpu| format!("{cpu:.2}")));
            rows.push(row);
            all.push(json!({
                "rooms": rooms,
                "at_once": at_once,
                "messages_per_second": rates,
                "messages_per_publish": best.together,
                "cpu_microseconds": best.cpu,
            }));
        }
    }
    let report = Report {
        name: if options.kept.is_some() {
            "rate-kept"
        } else {
            "rate"
        },
        title: match options.kept {
            Some(_) => "Messages per second that rooms keep, from one node to another",
            None => "Messages per second from one node to another",
        },
        head: vec![
            "rooms",
            "in one write",
            "best",
            "worst",
            "in one PUBLISH",
            "µs of a core: from",
            "broker",
            "to",
        ],
        rows,
        notes: format!(
            "{}{} bytes, at most {} on their way, {} rounds of {} s. Every message got to a member on each node, in order. \
             CPU time is that of the best round, for a message, the kernel's part included.",
            crowd::keeping(options.kept),
            options.size,
            options.window,
            options.rounds,
            options.seconds
        ),
        json: json!({ "size": options.size, "kept": options.kept, "window": options.window, "measured": all }),
    };
    report.publish(&options.out)
}

fn round(options: &Options, rooms: usize, at_once: u64) -> Result<Outcome> {
    let mut crowd = Crowd::new(rooms, options.size, options.kept)?;
    let seconds = Duration::from_secs_f64(options.seconds);
    let warm = Instant::now() + Duration::from_secs(1);
    let mut begin = None;
    loop {
        let now = Instant::now();
        if begin.is_none() && now >= warm {
            let publications = crowd.broker.publications()?;
            begin = Some((now, crowd.members[1].received(), cpu(&crowd)?, publications));
        }
        if let Some((at, received, before, publications)) = begin
            && now >= at + seconds
        {
            let messages = (crowd.members[1].received() - received) as f64;
            let took = now.duration_since(at).as_secs_f64();
            let after = cpu(&crowd)?;
            let publications = crowd.broker.publications()? - publications;
            crowd.end()?;
            return Ok(Outcome {
                per_second: messages / took,
                together: messages / publications as f64,
                cpu: [0, 1, 2].map(|of| (after[of] - before[of]).as_secs_f64() * 1e6 / messages),
            });
        }
        if crowd.publisher.sent + at_once > crowd.received() + options.window {
            if crowd.members.iter().any(|member| member.has_ended()) {
                crowd.end()?;
                return Err("a member has gone".into());
            }
            // Members wake it.
            thread::park_timeout(Duration::from_millis(10));
            continue;
        }
        for _ in 0..at_once {
            crowd.publisher.say(Duration::ZERO);
        }
        crowd.publisher.flush()?;
    }
}

fn cpu(crowd: &Crowd) -> Result<[Duration; 3]> {
    Ok([
        crowd.nodes[0].cpu_time()?,
        crowd.broker.process.cpu_time()?,
        crowd.nodes[1].cpu_time()?,
    ])
}
