//! Where what is typed comes from: a terminal, with line editing and a history, or a pipe, line by line.
//!
//! Either is read on a thread of its own, as neither can be waited for together with sockets. From a pipe no more is
//! read than the connection takes: what it has not taken waits in the pipe.
//!
//! Not here: what a line means; that is `command` and `commands`.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;

/// Lines of a pipe that wait for the connection.
const LINES_AHEAD: usize = 16;
const PROMPT: &str = "> ";
/// One that comes between two lines is lost, so there are more.
const INTERRUPTS: u32 = 100;
const INTERRUPT_AGAIN: Duration = Duration::from_millis(20);

/// What comes from the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Line(String),
    /// A line that cannot be one, and why.
    Wrong(String),
    /// There is no more: the end of a pipe, Ctrl-D, Ctrl-C.
    End,
}

/// Prints beside a line that is being edited.
pub(crate) type Printer = Box<dyn ExternalPrinter + Send>;

/// What is typed.
pub(crate) struct Input {
    pub(crate) lines: Receiver<Typed>,
    /// Where a terminal is: how to print on it without tearing the line that is being edited.
    pub(crate) printer: Option<Printer>,
    /// A person types.
    pub(crate) terminal: bool,
    /// Restores the terminal when dropped.
    _restore: Option<Terminal>,
}

/// Reads from the terminal where stdin and stdout are one, and as from a pipe otherwise.
///
/// `wake` is called after each line. A line may have at most `max_line` bytes.
pub(crate) fn start(max_line: usize, wake: impl Fn() + Send + 'static) -> io::Result<Input> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let modes = tcgetattr(io::stdin()).ok();
        if let Some((editor, printer)) = editor() {
            let (sender, lines) = mpsc::channel();
            // Without a bound: while this thread waited for the loop, the loop might wait for it to print.
            let each = move |typed| {
                let sent = sender.send(typed).is_ok();
                wake();
                sent
            };
            return Ok(Input {
                lines,
                printer: Some(printer),
                terminal: true,
                _restore: Some(Terminal::edit(editor, modes, each)?),
            });
        }
    }
    let (sender, lines) = mpsc::sync_channel(LINES_AHEAD);
    let each = move |typed| {
        let sent = sender.send(typed).is_ok();
        wake();
        sent
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || read_lines(io::stdin().lock(), max_line, each))?;
    Ok(Input {
        lines,
        printer: None,
        terminal: io::stdin().is_terminal(),
        _restore: None,
    })
}

/// An editor, unless the terminal is too simple for one.
fn editor() -> Option<(DefaultEditor, Printer)> {
    let config = Config::builder()
        .auto_add_history(true)
        // Lines that are pasted are lines.
        .bracketed_paste(false)
        .build();
    let mut editor = DefaultEditor::with_config(config).ok()?;
    let printer = editor.create_external_printer().ok()?;
    Some((editor, Box::new(printer)))
}

/// Says whether it was interrupted in a line, as the program ends.
fn edit_lines(
    editor: &mut DefaultEditor,
    ending: &AtomicBool,
    each: impl Fn(Typed) -> bool,
) -> bool {
    while !ending.load(Ordering::Acquire) {
        // Ctrl-C and Ctrl-D are errors, and so is a signal.
        let typed = editor.readline(PROMPT).map_or(Typed::End, Typed::Line);
        let end = typed == Typed::End;
        if end && ending.load(Ordering::Acquire) {
            return true;
        }
        if !each(typed) || end {
            return false;
        }
    }
    false
}

/// Reads lines to their end, until nobody wants them any more.
fn read_lines(mut from: impl BufRead, max_line: usize, each: impl Fn(Typed) -> bool) {
    loop {
        let typed = next_line(&mut from, max_line);
        let end = typed == Typed::End;
        if !each(typed) || end {
            return;
        }
    }
}

fn next_line(from: &mut impl BufRead, max_line: usize) -> Typed {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let buffer = match from.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A terminal that is gone, for one: nothing more will come.
            Err(_) => return Typed::End,
        };
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..newline.unwrap_or(buffer.len())];
        let end = buffer.is_empty();
        // The rest of a line that is too long is read and forgotten.
        too_long |= line.len() + part.len() > max_line;
        if !too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(newline.is_some());
        from.consume(used);
        if end && line.is_empty() && !too_long {
            return Typed::End;
        }
        if end || newline.is_some() {
            return finish(line, too_long, max_line);
        }
    }
}

fn finish(mut line: Vec<u8>, too_long: bool, max_line: usize) -> Typed {
    if too_long {
        return Typed::Wrong(format!(
            "a line of more than {max_line} bytes is not sent; --max-message allows more"
        ));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    match String::from_utf8(line) {
        Ok(line) => Typed::Line(line),
        Err(_) => Typed::Wrong(
            "a line that is not UTF-8 is not sent; send bytes with --commands and /binary HEX"
                .to_owned(),
        ),
    }
}

/// A terminal where lines are edited, and how it was before.
///
/// The program may end while somebody edits a line, with the terminal in raw mode.
struct Terminal {
    modes: Option<Termios>,
    ending: Arc<AtomicBool>,
    /// The editor has ended; whether in a line.
    ended: Receiver<bool>,
}

impl Terminal {
    fn edit(
        mut editor: DefaultEditor,
        modes: Option<Termios>,
        each: impl Fn(Typed) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        // The signal that ends the editor must not end the program where it comes between two lines.
        flag::register(SIGINT, Arc::default())?;
        let ending = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&ending);
        let (sender, ended) = mpsc::channel();
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || {
                let in_line = edit_lines(&mut editor, &asked, each);
                let _ = sender.send(in_line);
            })?;
        Ok(Self {
            modes,
            ending,
            ended,
        })
    }

    /// Ends the editor. In a line nothing does that but a signal; says whether it was in one.
    fn interrupt(&self) -> bool {
        self.ending.store(true, Ordering::Release);
        let mut wait = Duration::ZERO;
        for _ in 0..INTERRUPTS {
            match self.ended.recv_timeout(wait) {
                Ok(in_line) => return in_line,
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let _ = kill_process(getpid(), Signal::INT);
            wait = INTERRUPT_AGAIN;
        }
        false
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.interrupt() {
            // The prompt that nobody will answer, a line higher.
            let _ = io::stdout().write_all(b"\x1b[A\r\x1b[K");
            let _ = io::stdout().flush();
        }
        if let Some(modes) = &self.modes {
            // The editor has done that, if it could.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Typed, read_lines};
    use std::cell::RefCell;
    use std::io::{BufReader, Cursor};

    /// What comes of a pipe that is read a few bytes at a time.
    fn typed(pipe: &[u8], max_line: usize, at_once: usize) -> Vec<Typed> {
        let typed = RefCell::new(Vec::new());
        read_lines(
            BufReader::with_capacity(at_once, Cursor::new(pipe)),
            max_line,
            |line| {
                typed.borrow_mut().push(line);
                true
            },
        );
        typed.into_inner()
    }

    fn line(line: &str) -> Typed {
        Typed::Line(line.to_owned())
    }

    #[test]
    fn a_pipe_is_lines() {
        for at_once in [1, 2, 3, 100] {
            for (pipe, lines) in [
                (&b""[..], &[][..]),
                (b"a", &["a"]),
                (b"a\n", &["a"]),
                (b"a\nb", &["a", "b"]),
                (b"\n\na\r\n", &["", "", "a"]),
                (b"a\rb\n", &["a\rb"]),
                ("gr\u{fc}n\n".as_bytes(), &["gr\u{fc}n"]),
            ] {
                let mut expected: Vec<_> = lines.iter().map(|text| line(text)).collect();
                expected.push(Typed::End);
                assert_eq!(typed(pipe, 100, at_once), expected, "{pipe:?}");
            }
        }
    }

    #[test]
    fn a_line_that_cannot_be_sent_is_told_and_the_next_is_read() {
        for at_once in [1, 4, 100] {
            let pipe = b"12345\n123456\n\xff\xfe\nlast\n1234567";
            let typed = typed(pipe, 5, at_once);
            assert_eq!(typed.len(), 6, "{typed:?}");
            assert_eq!(
                [&typed[0], &typed[3], &typed[5]],
                [&line("12345"), &line("last"), &Typed::End]
            );
            for (index, says) in [
                (1, "--max-message"),
                (2, "/binary HEX"),
                (4, "--max-message"),
            ] {
                assert!(
                    matches!(&typed[index], Typed::Wrong(why) if why.contains(says)),
                    "{typed:?}"
                );
            }
        }
    }

    #[test]
    fn nobody_reads_for_nobody() {
        let asked = RefCell::new(0);
        read_lines(&b"a\nb\nc\n"[..], 10, |_| {
            *asked.borrow_mut() += 1;
            false
        });
        assert_eq!(asked.into_inner(), 1);
    }
}
