//! What a user types to one connection, as data: a line is a text message, or a command that begins with `/`.
//!
//! Not here: doing it; and several connections at once, which have words of their own in `commands`.

use sockeye::proto::CloseCode;
use std::path::PathBuf;

/// The most bytes a ping or a pong carries (RFC 6455 section 5.5).
const MAX_CONTROL: usize = 125;
/// A Close carries its code beside the reason.
const MAX_REASON: usize = MAX_CONTROL - 2;

/// What `/help` shows.
pub(crate) const HELP: &str = "\
a line is sent as a text message; these are commands:
  /binary HEX             send bytes: /binary 00 ff 7f
  /file PATH              send a file as one binary message
  /file --text PATH       … as one text message
  /ping [DATA]            send a ping; its pong is shown
  /pong [DATA]            send a pong that nobody asked for
  /close [CODE] [REASON]  close the connection: /close 1000 see you
  //WORDS                 send the text /WORDS
  /help                   this
  /quit                   close with 1000 and end; so do Ctrl-C and Ctrl-D";

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Text(String),
    Binary(Vec<u8>),
    File { path: PathBuf, text: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Goodbye),
    Help,
    Quit,
}

/// What a Close frame is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Goodbye {
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
}

/// Reads a line. An empty one asks for nothing: it is too easily sent by mistake.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(crate) fn parse(line: &str) -> Result<Option<Action>, String> {
    if line.is_empty() {
        return Ok(None);
    }
    let Some(command) = line.strip_prefix('/') else {
        return Ok(Some(Action::Text(line.to_owned())));
    };
    if command.starts_with('/') {
        return Ok(Some(Action::Text(command.to_owned())));
    }
    slash_command(line, command).map(Some)
}

fn slash_command(line: &str, command: &str) -> Result<Action, String> {
    let (word, rest) = first_word(command);
    match word {
        "binary" => hex(rest).map(Action::Binary),
        "file" => file(rest),
        "ping" => control(rest).map(Action::Ping),
        "pong" => control(rest).map(Action::Pong),
        "close" => goodbye(rest)
            .map(Action::Close)
            .map_err(|why| format!("{why}, as in /close 1000 see you")),
        "help" => Ok(Action::Help),
        "quit" => Ok(Action::Quit),
        _ => Err(format!(
            "there is no command /{word}; /help lists them, and /{line} sends it as text"
        )),
    }
}

/// The first word, and what follows it without the space between.
pub(super) fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

/// Bytes from hexadecimal digits, with spaces between them where one likes.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|char| !char.is_whitespace())
        .map(|char| char.to_digit(16).and_then(|digit| digit.try_into().ok()))
        .collect();
    digits
        .filter(|digits| digits.len().is_multiple_of(2))
        .map(|digits| {
            digits
                .chunks_exact(2)
                .map(|two| two[0] << 4 | two[1])
                .collect()
        })
        .ok_or_else(|| "write bytes as pairs of hexadecimal digits, as in /binary 00 ff".to_owned())
}

fn file(rest: &str) -> Result<Action, String> {
    let (text, path) = match first_word(rest) {
        ("--text", path) => (true, path),
        _ => (false, rest),
    };
    let path = path.trim_end();
    if path.is_empty() {
        return Err("write which file, as in /file photo.jpg or /file --text notes.txt".to_owned());
    }
    let path = PathBuf::from(path);
    Ok(Action::File { path, text })
}

fn control(data: &str) -> Result<Vec<u8>, String> {
    let len = data.len();
    if len > MAX_CONTROL {
        return Err(format!(
            "a ping or pong carries at most {MAX_CONTROL} bytes, and this is {len}"
        ));
    }
    Ok(data.as_bytes().to_vec())
}

/// `[CODE] [REASON]`.
pub(super) fn goodbye(text: &str) -> Result<Goodbye, String> {
    let (code, reason) = first_word(text);
    let code = match code {
        "" => CloseCode::NORMAL,
        code => code
            .parse()
            .ok()
            .and_then(CloseCode::new)
            .ok_or("write a code that may be sent: 1000-1003, 1007-1014 or 3000-4999")?,
    };
    let len = reason.len();
    if len > MAX_REASON {
        return Err(format!(
            "a reason has at most {MAX_REASON} bytes, and this is {len}; make it shorter"
        ));
    }
    let reason = reason.to_owned();
    Ok(Goodbye { code, reason })
}

#[cfg(test)]
mod tests {
    use super::{Action, Goodbye, HELP, parse};
    use sockeye::proto::CloseCode;

    fn text(text: &str) -> Action {
        Action::Text(text.to_owned())
    }

    fn close(code: u16, reason: &str) -> Action {
        let code = CloseCode::new(code).expect("it may be sent");
        let reason = reason.to_owned();
        Action::Close(Goodbye { code, reason })
    }

    fn file(path: &str, text: bool) -> Action {
        let path = path.into();
        Action::File { path, text }
    }

    #[test]
    fn lines_mean_what_they_say() {
        for (line, action) in [
            ("hello", text("hello")),
            ("  spaces stay ", text("  spaces stay ")),
            ("//foo", text("/foo")),
            ("///", text("//")),
            ("/binary 00ff7F", Action::Binary(vec![0, 0xFF, 0x7F])),
            ("/binary 0 0 f f", Action::Binary(vec![0, 0xFF])),
            ("/binary", Action::Binary(vec![])),
            ("/ping", Action::Ping(vec![])),
            ("/ping a b ", Action::Ping(b"a b ".to_vec())),
            ("/pong \u{fc}", Action::Pong("\u{fc}".as_bytes().to_vec())),
            ("/close", close(1000, "")),
            ("/close 4001", close(4001, "")),
            ("/close 1001 going  home", close(1001, "going  home")),
            ("/file a b.bin ", file("a b.bin", false)),
            ("/file --text notes.txt", file("notes.txt", true)),
            ("/file --texture", file("--texture", false)),
            ("/help", Action::Help),
            ("/quit", Action::Quit),
        ] {
            assert_eq!(parse(line), Ok(Some(action)), "{line}");
        }
        assert_eq!(parse(""), Ok(None));
    }

    #[test]
    fn a_wrong_line_says_what_to_write() {
        let long_ping = format!("/ping {}", "x".repeat(126));
        let long_reason = format!("/close 1000 {}", "x".repeat(124));
        for (line, says) in [
            ("/", "/help"),
            (
                "/frob x",
                "no command /frob; /help lists them, and //frob x sends it as text",
            ),
            ("/binary 0", "pairs"),
            ("/binary zz", "/binary 00 ff"),
            ("/binary 0\u{660}", "pairs"),
            ("/close 1005", "3000-4999"),
            ("/close 99999", "3000-4999"),
            ("/close bye", "/close 1000 see you"),
            ("/file", "/file photo.jpg"),
            ("/file --text ", "/file --text"),
            (&long_ping, "at most 125 bytes, and this is 126"),
            (&long_reason, "at most 123 bytes, and this is 124"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn what_just_fits_is_taken() {
        assert!(parse(&format!("/ping {}", "x".repeat(125))).is_ok());
        assert!(parse(&format!("/close 1000 {}", "x".repeat(123))).is_ok());
    }

    #[test]
    fn help_names_every_command() {
        for command in [
            "/binary", "/file", "/ping", "/pong", "/close", "/help", "/quit",
        ] {
            assert!(HELP.contains(command));
            assert!(
                !matches!(parse(command), Err(error) if error.contains("no command")),
                "{command}"
            );
        }
    }
}
