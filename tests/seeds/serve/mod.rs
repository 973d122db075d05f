//! What lives at the paths of `sockeye serve`, on the simulated kernel: its samples and pages, as the program has them.
//!
//! Not here: its flags, its file and its sockets; those are `tests/program`'s.

#[path = "../../../src/bin/sockeye/serve/pages.rs"]
mod pages;
#[path = "../../../src/bin/sockeye/serve/samples/mod.rs"]
mod samples;
mod site;

use crate::harness::Sim;
use crate::world;
use site::Draft;
use sockeye::app::metrics::Registry;
use sockeye::app::{App, Monitor, Router};
use sockeye::server::RoomSettings;

/// All of it, with one worker.
pub fn start() -> Sim<Router> {
    world::start(app())
}

/// The same, looked into.
pub fn watched(monitor: &Monitor) -> Sim<Router> {
    world::start(app().watched_by(monitor))
}

fn app() -> App {
    let registry = Registry::new();
    let rooms = RoomSettings::default().policy(samples::policy);
    let app = App::new().rooms(rooms).metrics(&registry);
    let draft = samples::add(Draft::new(app));
    let mut pages = pages::Pages::new(None, &pages::Health::default());
    pages.metrics(&registry);
    pages.show_in(draft.into_app(), &mut Vec::new())
}
