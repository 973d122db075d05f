//! Several conversations, by the commands `connect`, `send`, `close`, `show`, `help` and `quit`.
//!
//! Not here: what a line means, which is `commands`; what is remembered, which is `several`.

use super::command::Goodbye;
use super::commands::{Command, HELP, Wrong, parse};
use super::desk::{Calls, Desk, MAX_WAITING, Outcome, Show, Silence};
use super::event::{Ended, Event, Kind, Way, code_name};
use super::input::Typed;
use super::options::Wait;
use super::several::{Book, Record, Status};
use core::time::Duration;
use sockeye::proto::CloseCode;
use sockeye::server::Message;
use std::io;

/// Several conversations.
pub(crate) struct Multi<S> {
    show: S,
    /// Lines come from a person.
    terminal: bool,
    book: Book,
    silence: Silence,
    leaving: bool,
}

impl<S: Show> Multi<S> {
    pub(crate) fn new(show: S, terminal: bool, wait: Wait) -> Self {
        Self {
            show,
            terminal,
            book: Book::default(),
            silence: Silence::new(wait),
            leaving: false,
        }
    }

    fn command(&mut self, command: Command, calls: &mut dyn Calls) -> io::Result<()> {
        match command {
            Command::Connect(url) => self.connect(&url, calls),
            Command::Send { id, message } => self.send(id, &message, calls),
            Command::Close { id, goodbye } => self.close(id, &goodbye, calls),
            Command::Show(id) => match self.book.get(id).map(Record::show) {
                Some(words) => self.show.answer(&words),
                None => self.show.wrong(&format!("> Unknown connection id {id}")),
            },
            Command::Help => self.show.answer(HELP),
            Command::Quit => {
                self.hang_up(calls);
                Ok(())
            }
        }
    }

    fn connect(&mut self, url: &str, calls: &mut dyn Calls) -> io::Result<()> {
        match calls.connect(url) {
            Ok(()) => {
                let id = self.book.open(url);
                self.show
                    .answer(&format!("> Created connection with id {id}"))
            }
            Err(why) => self.show.wrong(&format!("> {why}")),
        }
    }

    fn send(&mut self, id: u64, message: &str, calls: &mut dyn Calls) -> io::Result<()> {
        let Some(record) = self.book.get_mut(id) else {
            return self
                .show
                .wrong(&format!("> No connection found with id {id}"));
        };
        match calls.send(id, Message::Text(message)) {
            Ok(()) => {
                let (way, kind, data) = (Way::Sent, Kind::Text, message.as_bytes());
                record.remember(way, kind, data);
                self.show.event(Some(id), &Event::Frame { way, kind, data })
            }
            Err(why) => self.show.wrong(&format!("> {why}")),
        }
    }

    fn close(&mut self, id: u64, goodbye: &Goodbye, calls: &mut dyn Calls) -> io::Result<()> {
        if self.book.get(id).is_none() {
            return self
                .show
                .wrong(&format!("> No connection found with id {id}"));
        }
        match calls.close(id, goodbye.code, &goodbye.reason) {
            Ok(()) => Ok(()),
            Err(why) => self.show.wrong(&format!("> {why}")),
        }
    }

    fn any(&self, status: Status) -> bool {
        let has = |id| {
            self.book
                .get(id)
                .is_some_and(|record| record.status == status)
        };
        self.book.living().any(has)
    }
}

impl<S: Show> Desk for Multi<S> {
    fn begin(&mut self, url: &str, calls: &mut dyn Calls) -> Result<(), String> {
        self.connect(url, calls).map_err(|error| error.to_string())
    }

    fn event(&mut self, now: Duration, id: u64, event: &Event<'_>) -> io::Result<()> {
        self.silence.break_at(now);
        if let Some(record) = self.book.get_mut(id) {
            note(record, event);
        }
        self.show.event(Some(id), event)
    }

    /// A script's commands wait for the connections that they are about; a person sees how it is.
    fn takes_lines(&self, calls: &mut dyn Calls) -> bool {
        let mut living = self.book.living();
        !self.leaving
            && (self.terminal
                || !self.any(Status::Connecting)
                    && living.all(|id| calls.waiting(id) < MAX_WAITING))
    }

    fn typed(&mut self, now: Duration, typed: Typed, calls: &mut dyn Calls) -> io::Result<()> {
        match typed {
            Typed::Line(line) => match parse(&line) {
                Ok(None) => Ok(()),
                Ok(Some(command)) => self.command(command, calls),
                Err(Wrong::Form(how)) => self.show.wrong(&format!("> {how}")),
                Err(Wrong::Unrecognized) => {
                    self.show.wrong("> Unrecognized Command")?;
                    self.show.answer("> help lists the commands")
                }
            },
            Typed::Wrong(why) => self.show.wrong(&format!("> {why}")),
            Typed::End if self.terminal => {
                self.hang_up(calls);
                Ok(())
            }
            Typed::End => {
                self.silence.begin(now);
                Ok(())
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.silence.end().filter(|_| !self.leaving)
    }

    fn tick(&mut self, now: Duration, calls: &mut dyn Calls) {
        let silent = self.deadline().is_some_and(|deadline| deadline <= now);
        // After the end of a pipe nobody opens another connection.
        let alone = self.silence.is_on() && self.book.living().next().is_none();
        if silent || alone {
            self.hang_up(calls);
        }
    }

    fn hang_up(&mut self, calls: &mut dyn Calls) {
        if self.leaving {
            return;
        }
        self.leaving = true;
        for id in self.book.living() {
            // One that is closing already needs no goodbye, and one on its way is given up.
            let _ = calls.close(id, CloseCode::GOING_AWAY, "");
        }
    }

    fn done(&self) -> Option<Outcome> {
        (self.leaving && !self.any(Status::Open)).then_some(Outcome::Well)
    }
}

/// Takes down what became of a connection.
fn note(record: &mut Record, event: &Event<'_>) {
    match *event {
        Event::Open(opened) => {
            record.status = Status::Open;
            let server = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("server");
            record.server = opened
                .headers
                .iter()
                .find(server)
                .map(|(_, value)| value.clone());
        }
        Event::Failed { error } => {
            record.status = Status::Failed;
            record.ending = Some(error.to_owned());
        }
        Event::Frame { way, kind, data } => {
            if matches!(kind, Kind::Text | Kind::Binary) {
                record.remember(way, kind, data);
            }
        }
        Event::Close(ended) => {
            record.status = Status::Closed;
            record.ending = Some(ending(&ended));
        }
        Event::Waiting { .. } | Event::GivenUp => {}
    }
}

fn ending(ended: &Ended<'_>) -> String {
    let name = code_name(ended.code);
    let mut words = format!("{} {name}", ended.code);
    for more in [Some(ended.reason), ended.cause].into_iter().flatten() {
        if !more.is_empty() {
            words = format!("{words}, {more}");
        }
    }
    words
}

#[cfg(test)]
#[path = "multi_tests.rs"]
mod tests;
