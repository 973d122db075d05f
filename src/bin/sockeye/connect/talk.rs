//! A conversation with one server: what is typed becomes messages, and the end of it decides how the program ends.
//!
//! Not here: what a line means, which is `command`; several connections, which are `several`.

use super::command::{Action, Goodbye, HELP, parse};
use super::desk::{Calls, Desk, MAX_WAITING, Outcome, Show, Silence};
use super::event::{Event, Kind, Way};
use super::file;
use super::input::Typed;
use super::options::Wait;
use core::time::Duration;
use sockeye::proto::CloseCode;
use sockeye::server::Message;
use std::collections::VecDeque;
use std::io;

/// There is one connection.
const ID: u64 = 0;

/// What is special about this conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Lines come from a person: the end of them is a wish to end.
    pub(crate) terminal: bool,
    /// Lines may be commands.
    pub(crate) commands: bool,
    pub(crate) wait: Wait,
    /// Lost connections come back.
    pub(crate) reconnect: bool,
    /// The largest file that is sent.
    pub(crate) max_message: u64,
}

/// A conversation with one server.
pub(crate) struct Talk<S> {
    show: S,
    manner: Manner,
    state: State,
    silence: Silence,
    /// Lines that a person typed before there was a connection.
    early: VecDeque<Typed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Open,
    /// We have said goodbye.
    Closing,
    Done(Outcome),
}

impl<S: Show> Talk<S> {
    pub(crate) fn new(show: S, manner: Manner) -> Self {
        Self {
            show,
            manner,
            state: State::Connecting,
            silence: Silence::new(manner.wait),
            early: VecDeque::new(),
        }
    }

    fn line(&mut self, line: &str, calls: &mut dyn Calls) -> io::Result<()> {
        if !self.manner.commands {
            return self.send(
                Kind::Text,
                line.as_bytes(),
                calls.send(ID, Message::Text(line)),
            );
        }
        match parse(line) {
            Ok(None) if self.manner.terminal => Ok(()),
            // In a pipe an empty line is a message as any other.
            Ok(None) => self.send(Kind::Text, b"", calls.send(ID, Message::Text(""))),
            Ok(Some(action)) => self.act(action, calls),
            Err(why) => self.show.wrong(&why),
        }
    }

    fn act(&mut self, action: Action, calls: &mut dyn Calls) -> io::Result<()> {
        match action {
            Action::Text(text) => {
                let sent = calls.send(ID, Message::Text(&text));
                self.send(Kind::Text, text.as_bytes(), sent)
            }
            Action::Binary(data) => {
                let sent = calls.send(ID, Message::Binary(&data));
                self.send(Kind::Binary, &data, sent)
            }
            Action::File { path, text } => match file::read(&path, text, self.manner.max_message) {
                Ok(file) => {
                    let kind = if text { Kind::Text } else { Kind::Binary };
                    let sent = calls.send(ID, file.message());
                    self.send(kind, file.message().bytes(), sent)
                }
                Err(why) => self.show.wrong(&why),
            },
            Action::Ping(data) => self.send(Kind::Ping, &data, calls.ping(ID, &data)),
            Action::Pong(data) => self.send(Kind::Pong, &data, calls.pong(ID, &data)),
            Action::Close(Goodbye { code, reason }) => self.close(code, &reason, calls),
            Action::Help => self.show.answer(HELP),
            Action::Quit => self.close(CloseCode::NORMAL, "", calls),
        }
    }

    /// Shows what was sent, or why it was not.
    fn send(&mut self, kind: Kind, data: &[u8], sent: Result<(), String>) -> io::Result<()> {
        let way = Way::Sent;
        match sent {
            Ok(()) => self.show.event(None, &Event::Frame { way, kind, data }),
            Err(why) => self.show.wrong(&why),
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str, calls: &mut dyn Calls) -> io::Result<()> {
        match calls.close(ID, code, reason) {
            Ok(()) => {
                self.state = State::Closing;
                Ok(())
            }
            Err(why) => self.show.wrong(&why),
        }
    }

    /// Before there is a connection, a person's lines wait; but for a wish to end.
    fn keep(&mut self, typed: Typed) {
        let wants_to_end = match &typed {
            Typed::End => true,
            Typed::Line(line) => parse(line) == Ok(Some(Action::Quit)),
            Typed::Wrong(_) => false,
        };
        if wants_to_end && self.manner.terminal {
            self.state = State::Done(Outcome::Badly);
        } else {
            self.early.push_back(typed);
        }
    }
}

impl<S: Show> Desk for Talk<S> {
    fn begin(&mut self, url: &str, calls: &mut dyn Calls) -> Result<(), String> {
        calls.connect(url)
    }

    fn event(&mut self, now: Duration, _: u64, event: &Event<'_>) -> io::Result<()> {
        self.silence.break_at(now);
        match *event {
            Event::Open(_) if self.state == State::Connecting => self.state = State::Open,
            Event::Failed { .. } if !self.manner.reconnect => {
                self.state = State::Done(Outcome::Badly);
            }
            Event::Close(ended) => {
                let again = self.manner.reconnect && self.state == State::Open;
                self.state = match again {
                    true => State::Connecting,
                    false if ended.clean => State::Done(Outcome::Well),
                    false => State::Done(Outcome::Badly),
                };
            }
            Event::GivenUp => self.state = State::Done(Outcome::Badly),
            _ => {}
        }
        self.show.event(None, event)
    }

    fn takes_lines(&self, calls: &mut dyn Calls) -> bool {
        match self.state {
            State::Open => calls.waiting(ID) < MAX_WAITING,
            State::Connecting | State::Closing => self.manner.terminal,
            State::Done(_) => false,
        }
    }

    fn typed(&mut self, now: Duration, typed: Typed, calls: &mut dyn Calls) -> io::Result<()> {
        if self.state == State::Connecting {
            self.keep(typed);
            return Ok(());
        }
        match typed {
            Typed::Line(line) => self.line(&line, calls),
            Typed::Wrong(why) => self.show.wrong(&why),
            Typed::End if self.state != State::Open => Ok(()),
            Typed::End if self.manner.terminal => self.close(CloseCode::NORMAL, "", calls),
            Typed::End => {
                self.silence.begin(now);
                Ok(())
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.silence.end().filter(|_| self.state == State::Open)
    }

    fn tick(&mut self, now: Duration, calls: &mut dyn Calls) {
        while self.state == State::Open
            && let Some(typed) = self.early.pop_front()
        {
            if self.typed(now, typed, calls).is_err() {
                self.hang_up(calls);
            }
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            if calls.waiting(ID) == 0 {
                self.hang_up(calls);
            } else {
                // It is the server who takes its time; a silence begins when it has read everything.
                self.silence.begin(now);
            }
        }
    }

    fn hang_up(&mut self, calls: &mut dyn Calls) {
        self.state = match self.state {
            State::Open if calls.close(ID, CloseCode::NORMAL, "").is_ok() => State::Closing,
            State::Closing => State::Closing,
            State::Done(outcome) => State::Done(outcome),
            State::Open | State::Connecting => State::Done(Outcome::Badly),
        };
    }

    fn done(&self) -> Option<Outcome> {
        match self.state {
            State::Done(outcome) => Some(outcome),
            State::Connecting | State::Open | State::Closing => None,
        }
    }
}

#[cfg(test)]
#[path = "talk_tests.rs"]
mod tests;
