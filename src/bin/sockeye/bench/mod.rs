//! `sockeye bench`: how many messages a server sends back, and how soon.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the flags |
//! | `payload` | what is sent, and whether a reply is right |
//! | `schedule` | when a message is due, and what counts |
//! | `load` | what is in flight |
//! | `worker` `busy` | the connections of one thread, and whether it had time for more |
//! | `report` `progress` | what is told, at the end and meanwhile |

mod busy;
mod load;
pub(crate) mod options;
mod payload;
mod progress;
mod report;
mod schedule;
mod worker;

use crate::args::wrong;
use busy::Busy;
use core::sync::atomic::Ordering;
use core::time::Duration;
use options::Options;
use payload::{Content, Payloads};
use progress::Progress;
use report::{Asked, Report, Tally};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schedule::Nanos;
use sockeye::client::Connector;
use sockeye::proto::Limits;
use sockeye::proto::deflate::Policy;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use worker::{Plan, Shared};

/// How often the bar moves.
const FRAME: Duration = Duration::from_millis(100);

/// Measures, and tells.
pub(crate) fn run(options: &Options) -> ExitCode {
    let connector = match connector(options) {
        Ok(connector) => connector,
        Err(why) => return wrong(&why),
    };
    allow_descriptors();
    let report = match measure(options, &connector) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("sockeye: {error}");
            return ExitCode::FAILURE;
        }
    };
    let words = match options.json {
        true => report.json(),
        false => report.table(),
    };
    // Whoever closed the pipe has seen enough.
    let _ = writeln!(io::stdout(), "{words}");
    match report.is_fine() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn connector(options: &Options) -> Result<Connector, String> {
    let deflate = options.deflate.then(Policy::default);
    // A reply that is too long is to be seen as that.
    let limits = Limits::with_max_message(options.size.saturating_add(1 << 16));
    let connector = options.target.connector(&options.url)?;
    Ok(connector.limits(limits).deflate(deflate))
}

/// As many as this process may have: each connection takes one.
fn allow_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = maximum;
    // Where that is refused, connections will say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}

fn measure(options: &Options, connector: &Connector) -> io::Result<Report> {
    let size = usize::try_from(options.size).map_err(io::Error::other)?;
    let content = if options.text {
        Content::Words
    } else {
        Content::Noise
    };
    let payloads = Arc::new(Payloads::new(size, content));
    let threads = options.threads.min(options.connections);
    let shared = Arc::new(Shared::new());
    let (done, results) = mpsc::channel();
    for thread in 0..threads {
        let plan = Plan {
            connector: connector.clone(),
            payloads: Arc::clone(&payloads),
            connections: (thread..options.connections).step_by(threads).collect(),
            pipeline: options.pipeline,
            rate: options.rate.map(|rate| rate as u64),
            thread,
            threads,
            warmup: nanos(options.warmup),
            seconds: nanos(options.seconds),
        };
        let (shared, done) = (Arc::clone(&shared), done.clone());
        thread::Builder::new()
            .name(format!("bench-{thread}"))
            .spawn(move || {
                // Nobody listens any more where another thread has failed.
                let _ = done.send(worker::run(plan, &shared));
            })?;
    }
    drop(done);
    let counted = collect(options, &shared, threads, &results)?;
    Ok(Report::new(asked(options, size, threads), counted))
}

type Counted = io::Result<(Tally, Busy)>;

/// Waits for all threads, and shows how far they are.
fn collect(
    options: &Options,
    shared: &Shared,
    threads: usize,
    results: &mpsc::Receiver<Counted>,
) -> io::Result<Vec<(Tally, Busy)>> {
    let length = options.warmup + options.seconds;
    let progress = Progress::new(length);
    let mut counted = Vec::new();
    while counted.len() < threads {
        match results.recv_timeout(FRAME) {
            Ok(result) => counted.push(result?),
            Err(RecvTimeoutError::Timeout) => show(&progress, options, shared),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("a thread of bench panicked"));
            }
        }
    }
    Ok(counted)
}

fn show(progress: &Progress, options: &Options, shared: &Shared) {
    let Some(go) = shared.go() else {
        let opened = shared.opened.load(Ordering::Relaxed);
        let what = format!("{opened} of {} connections", options.connections);
        return progress.at(Duration::ZERO, what);
    };
    let elapsed = Duration::from_nanos(shared.now().saturating_sub(go));
    let measured = elapsed.saturating_sub(options.warmup);
    let what = if measured.is_zero() {
        "warming up".to_owned()
    } else if measured < options.seconds {
        let replies = shared.replies.load(Ordering::Relaxed);
        format!("{replies} messages in {:.1} s", measured.as_secs_f64())
    } else {
        "waiting for the last replies".to_owned()
    };
    progress.at(elapsed, what);
}

fn asked(options: &Options, size: usize, threads: usize) -> Asked {
    Asked {
        url: options.url.clone(),
        connections: options.connections,
        threads,
        size,
        text: options.text,
        deflate: options.deflate,
        pipeline: options.pipeline,
        rate: options.rate.map(|rate| rate as u64),
        window: nanos(options.seconds),
    }
}

fn nanos(span: Duration) -> Nanos {
    u64::try_from(span.as_nanos()).unwrap_or(Nanos::MAX)
}
