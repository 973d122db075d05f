//! What a thread's log is told: [`Lines`].

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Lines of the log, each with its level, its words and its fields as `name=value`; and spans, each with its name and its
/// fields.
#[derive(Clone)]
pub struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    /// Parts of the names of modules whose lines they are.
    of: &'static [&'static str],
}

impl Lines {
    /// Collects what this thread logs of who comes and goes, until the guard is dropped.
    pub fn collect() -> (Self, DefaultGuard) {
        Self::of(&["::serve", "::app::logged"])
    }

    /// Collects what this thread logs in modules whose names have one of these parts, until the guard is dropped.
    pub fn of(of: &'static [&'static str]) -> (Self, DefaultGuard) {
        let lines = Arc::default();
        let collected = Self { lines, of };
        let guard = tracing::subscriber::set_default(collected.clone());
        (collected, guard)
    }

    fn push(&self, line: Line) {
        self.lines.lock().expect("no panic").push(line.0);
    }

    /// What was logged since this was asked last.
    pub fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().expect("no panic"))
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_of = |part: &&str| metadata.target().contains(part);
        self.of.iter().any(is_of) && *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.push(line);
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(attributes.metadata().name().to_owned());
        attributes.record(&mut line);
        self.push(line);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
