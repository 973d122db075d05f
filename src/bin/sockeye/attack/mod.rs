//! `sockeye attack`: sends a server the rows that the tests read, and sees what it makes of them.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the flags |
//! | `rows` `heads` `offers` `script` | what the files of `tests/rows` say; the tests read them by these as well |
//! | `catalogue` | which rows are for this server |
//! | `opening` `link` `modes` `wire` | a connection, and in which pieces bytes go over it |
//! | `answers` | what the server says |
//! | `walk` | what a row's frames announce |
//! | `duel` `requests` `offered` `wires` | the four kinds of rows, played |
//! | `grade` `report` `progress` | what came of it |
//!
//! Not here: load. A server that holds against this may still be slow; that is `bench`.

mod answers;
mod catalogue;
mod duel;
mod grade;
#[allow(dead_code, reason = "the tests read more of a row")]
mod heads;
mod link;
mod modes;
mod offered;
#[allow(dead_code, reason = "the tests read more of a row")]
mod offers;
mod opening;
pub(crate) mod options;
mod progress;
mod report;
mod requests;
#[allow(dead_code, reason = "the tests read more of a row")]
mod rows;
mod script;
mod walk;
mod wire;
mod wires;

use crate::args::wrong;
use answers::Heard;
use catalogue::{Case, Catalogue, Kind, Skills};
use core::sync::atomic::{AtomicUsize, Ordering};
use grade::Verdict;
use link::Place;
use modes::{Chance, Mode};
use opening::{Agreed, Door, Offer};
use options::Options;
use progress::Progress;
use report::{Report, Run};
use sockeye::client::Url;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// Attacks, and tells.
pub(crate) fn run(options: &Options) -> ExitCode {
    // Where there is nobody to attack, any place will do to list what there is.
    let url = options.url.as_deref().unwrap_or("ws://127.0.0.1");
    let door = match door(options, url) {
        Ok(door) => door,
        Err(why) => return wrong(&why),
    };
    let told = match options.list {
        true => list(options, &door),
        false => attack(options, url, &door),
    };
    match told {
        Ok((words, exact)) => {
            // Whoever closed the pipe has seen enough.
            let _ = writeln!(io::stdout(), "{words}");
            if exact {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) => {
            eprintln!("sockeye: {why}");
            ExitCode::FAILURE
        }
    }
}

fn door(options: &Options, url: &str) -> Result<Door, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let place = Place::new(&url, &options.trust, options.timeout)?;
    Ok(Door::new(place, &url, &options.headers))
}

/// What there is for a server that can do everything.
fn list(options: &Options, door: &Door) -> Result<(String, bool), String> {
    let both = |takeover| {
        Some(Agreed {
            server_takeover: takeover,
            client_takeover: takeover,
        })
    };
    let skills = Skills {
        any_path: true,
        takeover: both(true),
        alone: both(false),
    };
    let mut catalogue = Catalogue::new(door, &skills, true)?;
    catalogue.keep(&options.only);
    let line = |case: &Case| format!("{:<10} {} [{}]", case.area, case.name, case.ids.join(" "));
    let lines: Vec<_> = catalogue.cases.iter().map(line).collect();
    Ok((lines.join("\n"), true))
}

fn attack(options: &Options, url: &str, door: &Door) -> Result<(String, bool), String> {
    let start = Instant::now();
    let (skills, server) = skills(door)?;
    let mut catalogue = Catalogue::new(door, &skills, options.limits)?;
    catalogue.keep(&options.only);
    let mut modes = options.modes.clone();
    modes.sort_unstable();
    modes.dedup();
    let runs = plan(&catalogue.cases, &modes);
    if runs.is_empty() {
        return Err("there is no such row for this server; try --list".to_owned());
    }
    let report = Report {
        url: url.to_owned(),
        server,
        compression: skills.takeover.or(skills.alone).is_some(),
        runs: play(options, door, &runs),
        modes,
        seed: options.seed,
        timeout: options.timeout.as_secs_f64(),
        seconds: start.elapsed().as_secs_f64(),
        left_out: catalogue.left_out,
    };
    let words = match options.json {
        true => report.json(),
        false => report.table(),
    };
    Ok((words, report.is_exact()))
}

/// Finds out what a server can do, and whether it is one that echoes.
fn skills(door: &Door) -> Result<(Skills, Option<String>), String> {
    let (mut link, head, agreed) = door.open(Offer::Nothing)?;
    let hello = duel::frame(0x81, b"hello");
    link.send(&hello);
    let mut reader = Agreed::reader(agreed);
    let heard = loop {
        match reader.next(&mut link.input)? {
            Some(heard) => break heard,
            None if link.end.is_some() => return Err("no echo: end of stream".to_owned()),
            None => {}
        }
        let left = link.deadline().checked_duration_since(Instant::now());
        link.read(left.ok_or("no echo")?);
    };
    if heard != Heard::Text(b"hello".to_vec()) {
        return Err(format!("no echo: {heard} instead of text \"hello\""));
    }
    let elsewhere = Door {
        target: "/a/path/that/is/nowhere".to_owned(),
        ..door.clone()
    };
    // Who does not agree on compression when asked for it has none.
    let agreed = |offer| door.open(offer).ok().and_then(|(.., agreed)| agreed);
    let skills = Skills {
        any_path: elsewhere.open(Offer::Nothing).is_ok(),
        takeover: agreed(Offer::Takeover),
        alone: agreed(Offer::Alone),
    };
    Ok((skills, head.one("server").map(str::to_owned)))
}

/// Which row is to be played in which modes.
fn plan<'c>(cases: &'c [Case], modes: &[Mode]) -> Vec<(&'c Case, Mode)> {
    let suits = |case: &Case, mode: Mode| match case.kind {
        Kind::Frames(_) => true,
        // Nothing right can stand before the first byte.
        Kind::Request(_) | Kind::Offer(_) => mode != Mode::Behind,
        // Its segments are its own.
        Kind::Wire(_) => Some(&mode) == modes.first(),
    };
    let of = |case| modes.iter().map(move |mode| (case, *mode));
    let all = cases.iter().flat_map(of);
    all.filter(|(case, mode)| suits(case, *mode)).collect()
}

fn play(options: &Options, door: &Door, runs: &[(&Case, Mode)]) -> Vec<Run> {
    let progress = Progress::new(runs.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((case, mode)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = one(case, *mode, door, options.seed);
            progress.one_more();
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push(run);
        }
    };
    thread::scope(|scope| {
        for _ in 1..options.parallel.min(runs.len()) {
            // Fewer threads take longer, and come to the same.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let area = |run: &Run| catalogue::AREAS.iter().position(|area| *area == run.area);
    done.sort_by(|a, b| (area(a), &a.row, a.mode).cmp(&(area(b), &b.row, b.mode)));
    done
}

fn one(case: &Case, mode: Mode, door: &Door, seed: u64) -> Run {
    let start = Instant::now();
    let mut chance = Chance::new(seed, &case.name);
    let (expected, verdict): (String, Verdict) = match &case.kind {
        Kind::Frames(row) => (row.expected(), row.play(door, mode, &mut chance)),
        Kind::Request(row) => (row.expected(), row.play(door, mode, &mut chance)),
        Kind::Offer(row) => (row.expected().to_owned(), row.play(door, mode, &mut chance)),
        Kind::Wire(row) => (row.expected(), row.play(door)),
    };
    Run {
        row: case.name.clone(),
        area: case.area,
        ids: case.ids.clone(),
        mode,
        expected,
        verdict,
        millis: start.elapsed().as_millis(),
    }
}
