//! How late answers are at a fixed rate, which is the same for all: a part of what one of them can do at most.

use crate::Result;
use crate::building::Program;
use crate::load::Shape;
use crate::load::open_loop::OpenLoop;
use crate::options::{Rounds, Setup};
use crate::rounds::{self, Sample};
use crate::server::Server;
use crate::speed;
use crate::stats::median;
use std::cell::RefCell;
use std::time::Duration;

/// What was seen in one round: nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lateness {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) sample: Sample,
}

/// What a server does at most, as closed loops have it: the median of three.
pub(crate) fn saturation(
    setup: &Setup,
    rounds: &Rounds,
    program: &Program,
    shape: Shape,
) -> Result<f64> {
    let rate = |_| speed::sample(setup, rounds, program, shape).map(|sample| sample.rate());
    Ok(median(&(0..3).map(rate).collect::<Result<Vec<_>>>()?))
}

pub(crate) fn sample(
    setup: &Setup,
    rounds: &Rounds,
    program: &Program,
    shape: Shape,
    rate: f64,
) -> Result<Lateness> {
    let server = Server::start(program, setup.server_core, &[])?;
    let mut load = OpenLoop::open(server.addr, shape, program.contestant.reply, rate)?;
    load.run(rounds.warm_up())?;
    let late = RefCell::new(None);
    let sample = rounds::sampled(&server, || {
        let seen = load.run(Duration::from_secs_f64(rounds.seconds))?;
        let counts = (seen.messages, seen.elapsed);
        late.replace(Some(seen.histogram));
        Ok(counts)
    })?;
    let late = late.into_inner().ok_or("nothing was sent")?;
    let at = |part: f64| late.value_at_quantile(part) as f64;
    Ok(Lateness {
        p50: at(0.5),
        p99: at(0.99),
        p999: at(0.999),
        sample,
    })
}
