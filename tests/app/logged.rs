//! What the log is told of commands: a span for each, a line for those that nobody knows, and nothing that forges one.

use crate::commands::{commands, sums};
use crate::harness::secs;
use crate::world::{open, say};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::subscriber::set_default;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Writes down spans of commands, and warnings.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// Fields, each as `name=value`; the message is its own.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = match field.name() {
            "connection" => Ok(()),
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().contains("::json::") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(attributes.metadata().name().to_owned());
        attributes.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
        span::Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Lines {
    fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

#[test]
fn unknown_commands_are_a_line_each_and_so_many_in_a_second() {
    let lines = Lines::default();
    let _guard = set_default(lines.clone());
    let mut sim = commands(sums);
    let client = open(&mut sim, "/x");
    say(&mut sim, &client, r#"{"cmd":"nothing"}"#);
    assert_eq!(lines.read(), ["message::cmd cmd=nothing"]);
    say(&mut sim, &client, r#"{"cmd":"x"}"#);
    assert_eq!(
        lines.read(),
        [
            "message::cmd cmd=x",
            "WARN unhandled websocket command [x] untold=0"
        ]
    );
    // What a terminal would take for more than text.
    say(
        &mut sim,
        &client,
        r#"{"cmd":"x]\nWARN forged\u001b[2J\u202e"}"#,
    );
    let name = r"x]\nWARN forged\u{1b}[2J\u{202e}";
    let warning = format!("WARN unhandled websocket command [{name}] untold=0");
    assert_eq!(lines.read(), [format!("message::cmd cmd={name}"), warning]);
    let long = "x".repeat(64_000);
    say(&mut sim, &client, &format!(r#"{{"cmd":"{long}"}}"#));
    assert!(lines.read().iter().all(|line| line.len() < 400));
    // Three have been told, and seven more are; the others are counted.
    for _ in 0..100 {
        say(&mut sim, &client, r#"{"cmd":"x"}"#);
    }
    let warnings = |lines: &Lines| {
        let all = lines.read();
        all.into_iter()
            .filter(|line| line.starts_with("WARN"))
            .collect::<Vec<_>>()
    };
    assert_eq!(warnings(&lines).len(), 7);
    sim.run_for(secs(1));
    say(&mut sim, &client, r#"{"cmd":"x"}"#);
    assert_eq!(
        warnings(&lines),
        ["WARN unhandled websocket command [x] untold=93"]
    );
}
