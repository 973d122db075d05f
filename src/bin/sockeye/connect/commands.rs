//! What a user types to several connections, as data.
//!
//! Not here: doing it, and what becomes of an id that nobody has; that is `several`.

use super::command::{Goodbye, first_word, goodbye};

/// What `help` shows.
pub(crate) const HELP: &str = "\
connect <uri>                      open a connection; it gets an id
send <id> <message>                send a text message
close <id> [code:1000] [reason]    close a connection
show <id>                          what is known of a connection, and its messages
help                               this
quit                               close all connections with 1001 and end";

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Connect(String),
    Send { id: u64, message: String },
    Close { id: u64, goodbye: Goodbye },
    Show(u64),
    Help,
    Quit,
}

/// What a line does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Its first word is no command.
    Unrecognized,
    /// The command is known; this is how it is written.
    Form(String),
}

/// Reads a line. An empty one asks for nothing.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, Wrong> {
    let (word, rest) = first_word(line);
    let command = match word {
        "" => return Ok(None),
        "connect" => match first_word(rest) {
            ("", _) => {
                return Err(form(
                    "write connect <uri>, as in connect ws://127.0.0.1:9001",
                ));
            }
            (uri, _) => Command::Connect(uri.to_owned()),
        },
        "send" => {
            let (id, message) = id(rest, "send <id> <message>, as in send 0 hello")?;
            let message = message.to_owned();
            Command::Send { id, message }
        }
        "close" => {
            let (id, rest) = id(
                rest,
                "close <id> [code] [reason], as in close 0 1000 see you",
            )?;
            let goodbye = goodbye(rest)
                .map_err(|why| Wrong::Form(format!("{why}, as in close {id} 1000 see you")))?;
            Command::Close { id, goodbye }
        }
        "show" => Command::Show(id(rest, "show <id>, as in show 0")?.0),
        "help" => Command::Help,
        "quit" => Command::Quit,
        _ => return Err(Wrong::Unrecognized),
    };
    Ok(Some(command))
}

/// The number of a connection, and what follows it.
fn id<'r>(rest: &'r str, usage: &str) -> Result<(u64, &'r str), Wrong> {
    let (id, rest) = first_word(rest);
    id.parse().map(|id| (id, rest)).map_err(|_| {
        form(&format!(
            "write {usage}; the id is the number that connect gave"
        ))
    })
}

fn form(how: &str) -> Wrong {
    Wrong::Form(how.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::command::Goodbye;
    use super::{Command, HELP, Wrong, parse};
    use sockeye::proto::CloseCode;

    fn close(id: u64, code: u16, reason: &str) -> Command {
        let code = CloseCode::new(code).expect("it may be sent");
        let reason = reason.to_owned();
        let goodbye = Goodbye { code, reason };
        Command::Close { id, goodbye }
    }

    fn send(id: u64, message: &str) -> Command {
        let message = message.to_owned();
        Command::Send { id, message }
    }

    #[test]
    fn lines_mean_what_they_say() {
        for (line, command) in [
            (
                "connect ws://localhost",
                Command::Connect("ws://localhost".to_owned()),
            ),
            (
                " connect  ws://a/b ",
                Command::Connect("ws://a/b".to_owned()),
            ),
            ("send 0 hello  there", send(0, "hello  there")),
            ("send 12 /close", send(12, "/close")),
            ("send 3", send(3, "")),
            ("close 0", close(0, 1000, "")),
            ("close 0 1001", close(0, 1001, "")),
            ("close 7 4001 good bye", close(7, 4001, "good bye")),
            ("show 1", Command::Show(1)),
            ("help", Command::Help),
            ("quit", Command::Quit),
        ] {
            assert_eq!(parse(line), Ok(Some(command)), "{line}");
        }
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("  "), Ok(None));
    }

    #[test]
    fn a_wrong_line_says_what_to_write() {
        for (line, says) in [
            ("connect", "connect ws://"),
            ("send", "send <id>"),
            ("send hello", "send 0 hello"),
            ("close -1", "close <id>"),
            ("close 4 1006", "close 4 1000 see you"),
            ("show x", "show <id>"),
        ] {
            let Err(Wrong::Form(how)) = parse(line) else {
                panic!("{line}");
            };
            assert!(how.contains(says), "{line}: {how}");
        }
        for line in ["frob", "Send 0 x", "/help"] {
            assert_eq!(parse(line), Err(Wrong::Unrecognized), "{line}");
        }
    }

    #[test]
    fn help_names_every_command() {
        for command in ["connect", "send", "close", "show", "help", "quit"] {
            assert!(HELP.lines().any(|line| line.starts_with(command)));
            assert_ne!(parse(command), Err(Wrong::Unrecognized));
        }
    }
}
