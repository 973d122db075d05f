//! Where events go, and in which form.
//!
//! | form | when | stdout | stderr |
//! |---|---|---|---|
//! | people | stdout is a terminal | everything | – |
//! | lines | stdout is a pipe | messages: text as it is, bytes as hexadecimal digits | what else is worth knowing |
//! | json | `--json` | an object for each event | what was wrong with the input |
//!
//! Not here: what a line looks like; that is `show` and `json`.

use super::event::{Event, Kind, Way};
use super::input::Printer;
use super::json;
use super::show::Look;
use jiff::{Timestamp, Zoned};
use std::io::{self, IsTerminal, Write};

/// In which form events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    People,
    Lines,
    Json,
}

/// Where events go.
pub(crate) struct Output {
    form: Form,
    look: Look,
    /// With `Lines`: everything is worth knowing.
    verbose: bool,
    printer: Option<Printer>,
}

impl Form {
    /// The form for this program's stdout. Several connections are always shown to people: their answers are words.
    pub(crate) fn choose(json: bool, several: bool) -> Self {
        match json {
            true => Self::Json,
            false if several || io::stdout().is_terminal() => Self::People,
            false => Self::Lines,
        }
    }
}

impl Output {
    /// Colours are for terminals, and not where `NO_COLOR` is set to something.
    pub(crate) fn new(form: Form, verbose: bool, printer: Option<Printer>) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = match form {
            Form::People => io::stdout().is_terminal(),
            Form::Lines | Form::Json => io::stderr().is_terminal(),
        };
        let colours = wanted && terminal;
        Self {
            form,
            look: Look {
                colours,
                headers: verbose,
            },
            verbose,
            printer,
        }
    }

    /// Shows an event, of the connection with this id where there are several.
    ///
    /// # Errors
    ///
    /// Nobody reads stdout any more.
    pub(crate) fn event(&mut self, id: Option<u64>, event: &Event<'_>) -> io::Result<()> {
        match self.form {
            Form::People => {
                let line = self.look.event(&Zoned::now(), id, event);
                self.print(line)
            }
            Form::Json => json::line(Timestamp::now(), id, event).map_or(Ok(()), print),
            Form::Lines => match lines(event) {
                Some(line) => print(line),
                None if self.verbose || is_trouble(event) => {
                    eprintln!("{}", self.look.event(&Zoned::now(), id, event));
                    Ok(())
                }
                None => Ok(()),
            },
        }
    }

    /// Answers the user, with words.
    pub(crate) fn answer(&mut self, words: &str) -> io::Result<()> {
        match self.form {
            Form::People => self.print(words.to_owned()),
            Form::Lines | Form::Json => {
                eprintln!("{words}");
                Ok(())
            }
        }
    }

    /// Says what is wrong with what the user wrote.
    pub(crate) fn wrong(&mut self, words: &str) -> io::Result<()> {
        self.answer(&self.look.wrong(words))
    }

    fn print(&mut self, mut words: String) -> io::Result<()> {
        match &mut self.printer {
            None => print(words),
            Some(printer) => {
                // Between two lines nothing edits, and nobody else ends the line.
                words.push('\n');
                printer.print(words).map_err(io::Error::other)
            }
        }
    }
}

impl Drop for Output {
    /// The editor takes one thing to print at a time: when it takes this, up and down again, it has the last words.
    fn drop(&mut self) {
        if let Some(printer) = &mut self.printer {
            let _ = printer.print("\x1b[A\n".to_owned());
        }
    }
}

/// A message as a line of its own.
fn lines(event: &Event<'_>) -> Option<String> {
    let Event::Frame {
        way: Way::Received,
        kind,
        data,
    } = *event
    else {
        return None;
    };
    match kind {
        // Text that arrived is UTF-8.
        Kind::Text => Some(String::from_utf8_lossy(data).into_owned()),
        Kind::Binary => Some(json::hex(data)),
        Kind::Ping | Kind::Pong => None,
    }
}

/// What is told even to those who want only messages.
fn is_trouble(event: &Event<'_>) -> bool {
    match event {
        Event::Failed { .. } | Event::Waiting { .. } | Event::GivenUp => true,
        Event::Close(ended) => !ended.clean || ended.code > 1001 && ended.code != 1005,
        Event::Open(_) | Event::Frame { .. } => false,
    }
}

/// Prints at once: whoever waits for it reads a pipe.
fn print(mut words: String) -> io::Result<()> {
    words.push('\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(words.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::super::event::{Ended, Event, Kind, Way};
    use super::{is_trouble, lines};

    #[test]
    fn a_pipe_gets_messages_alone() {
        let frame = |way, kind, data| lines(&Event::Frame { way, kind, data });
        assert_eq!(
            frame(Way::Received, Kind::Text, b"a\x1b").as_deref(),
            Some("a\u{1b}")
        );
        assert_eq!(
            frame(Way::Received, Kind::Binary, b"\x00\xfe").as_deref(),
            Some("00fe")
        );
        assert_eq!(frame(Way::Received, Kind::Ping, b"a"), None);
        assert_eq!(frame(Way::Sent, Kind::Text, b"a"), None);
    }

    #[test]
    fn an_end_that_is_none_is_trouble() {
        for (code, clean, trouble) in [
            (1000, true, false),
            (1001, true, false),
            (1005, true, false),
            (1011, true, true),
            (4000, true, true),
            (1006, false, true),
            (1000, false, true),
        ] {
            let ended = Ended {
                code,
                reason: "",
                clean,
                cause: None,
            };
            assert_eq!(is_trouble(&Event::Close(ended)), trouble, "{ended:?}");
        }
    }
}
