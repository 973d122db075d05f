//! How events look on a terminal: one line each, with the time, the direction, the kind, the size and what it says.
//!
//! What a server sends is shown with its control characters escaped: it cannot move the cursor, change the title or
//! reverse the writing. `--json` shows what was sent exactly.
//!
//! Not here: where the line goes, and whether there are colours; that is `output`.

use super::event::{Ended, Event, Kind, Opened, Way, code_name};
use anstyle::{AnsiColor, Style};
use core::fmt::{self, Write};
use jiff::Zoned;

/// Characters of a text that are shown; a terminal is no place for a megabyte.
const MAX_CHARS: usize = 2000;
/// Bytes of binary data that are shown.
const MAX_BYTES: usize = 32;

const FAINT: Style = Style::new().dimmed();
const SENT: Style = AnsiColor::Cyan.on_default();
const RECEIVED: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) colours: bool,
    /// Show the header lines of the server's answer.
    pub(crate) headers: bool,
}

impl Look {
    /// The lines for an event, of the connection with this id where there are several. No newline at the end.
    pub(crate) fn event(self, at: &Zoned, id: Option<u64>, event: &Event<'_>) -> String {
        let mut line = self.paint(FAINT, &at.strftime("%H:%M:%S%.3f").to_string());
        if let Some(id) = id {
            push(&mut line, format_args!(" #{id}"));
        }
        line.push(' ');
        match *event {
            Event::Open(opened) => self.opened(&mut line, &opened),
            Event::Failed { error } => {
                let error = format!("failed: {}", Escaped(error));
                line.push_str(&self.paint(BAD, &error));
            }
            Event::Frame { way, kind, data } => self.frame(&mut line, way, kind, data),
            Event::Close(ended) => self.closed(&mut line, &ended),
            Event::GivenUp => line.push_str(&self.paint(BAD, "not connecting again")),
            Event::Waiting { delay } => {
                push(
                    &mut line,
                    format_args!("connecting again in {:.1} s", delay.as_secs_f64()),
                );
            }
        }
        line
    }

    fn opened(self, line: &mut String, opened: &Opened<'_>) {
        push(line, format_args!("connected to {}", Escaped(opened.url)));
        if let Some(protocol) = opened.subprotocol {
            push(line, format_args!(", subprotocol {}", Escaped(protocol)));
        }
        if opened.deflate {
            line.push_str(", permessage-deflate");
        }
        let shown = if self.headers { opened.headers } else { &[] };
        for (name, value) in shown {
            let header = format!("  {}: {}", Escaped(name), Escaped(value));
            push(line, format_args!("\n{}", self.paint(FAINT, &header)));
        }
    }

    fn frame(self, line: &mut String, way: Way, kind: Kind, data: &[u8]) {
        let (arrows, style) = match way {
            Way::Sent => (">>", SENT),
            Way::Received => ("<<", RECEIVED),
        };
        let about = format!("{arrows} {} {} B", kind.name(), data.len());
        line.push_str(&self.paint(style, &about));
        if !data.is_empty() {
            line.push_str("  ");
            line.push_str(&words(kind, data));
        }
    }

    fn closed(self, line: &mut String, ended: &Ended<'_>) {
        let mut words = format!("closed: {} {}", ended.code, code_name(ended.code));
        if !ended.reason.is_empty() {
            push(
                &mut words,
                format_args!(", {:?}", Escaped(ended.reason).to_string()),
            );
        }
        if let Some(cause) = ended.cause {
            push(&mut words, format_args!(" ({})", Escaped(cause)));
        }
        let style = if ended.clean { Style::new() } else { BAD };
        line.push_str(&self.paint(style, &words));
    }

    /// Something that the program has to say itself.
    pub(crate) fn wrong(self, what: &str) -> String {
        self.paint(BAD, what)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colours && !style.is_plain() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// What a frame carries, cut where it is long.
pub(super) fn words(kind: Kind, data: &[u8]) -> String {
    // A ping may carry text or bytes; it says which by what it is.
    match (kind, core::str::from_utf8(data)) {
        (Kind::Text | Kind::Ping | Kind::Pong, Ok(text)) => shortened(text),
        _ => hex_dump(data),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        None => Escaped(text).to_string(),
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            format!("{} … and {} B more", Escaped(shown), rest.len())
        }
    }
}

fn hex_dump(data: &[u8]) -> String {
    let shown = &data[..data.len().min(MAX_BYTES)];
    let mut dump = shown
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ");
    let rest = data.len() - shown.len();
    if rest > 0 {
        push(&mut dump, format_args!(" … and {rest} B more"));
    }
    dump
}

/// A server's words, made harmless.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if harms_a_terminal(char) {
                write!(f, "{}", char.escape_default())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// Control characters (C0, DEL, C1), line separators, and what reverses the writing or hides in it.
fn harms_a_terminal(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Adds to a line; a `String` takes everything.
fn push(line: &mut String, words: fmt::Arguments<'_>) {
    let _ = line.write_fmt(words);
}

#[cfg(test)]
mod tests {
    use super::super::event::{Ended, Event, Kind, Opened, Way};
    use super::{Escaped, Look};
    use core::time::Duration;
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, Zoned};

    const DULL: Look = Look {
        colours: false,
        headers: true,
    };

    fn at() -> Zoned {
        let at: Timestamp = "2026-03-01T04:05:06.0789Z".parse().expect("a time");
        at.to_zoned(TimeZone::UTC)
    }

    fn received(kind: Kind, data: &[u8]) -> Event<'_> {
        let way = Way::Received;
        Event::Frame { way, kind, data }
    }

    #[test]
    fn events_are_a_line_each() {
        let opened = Opened {
            url: "ws://a/",
            subprotocol: None,
            deflate: false,
            headers: &[],
        };
        let with_all = Opened {
            subprotocol: Some("chat"),
            deflate: true,
            headers: &[("Server".to_owned(), "x\u{1b}".to_owned())],
            ..opened
        };
        let ended = Ended {
            code: 1000,
            reason: "",
            clean: true,
            cause: None,
        };
        let badly = Ended {
            code: 1011,
            reason: "oh\u{7} \"no\"",
            clean: false,
            cause: Some("the server closed the stream"),
        };
        let sent = Event::Frame {
            way: Way::Sent,
            kind: Kind::Text,
            data: b"hi",
        };
        for (event, words) in [
            (
                received(Kind::Text, "gr\u{fc}n".as_bytes()),
                "<< text 5 B  gr\u{fc}n",
            ),
            (received(Kind::Text, b""), "<< text 0 B"),
            (received(Kind::Binary, b"\x00\xff"), "<< binary 2 B  00 ff"),
            (received(Kind::Ping, b"abc"), "<< ping 3 B  abc"),
            (received(Kind::Pong, b"\xff"), "<< pong 1 B  ff"),
            (sent, ">> text 2 B  hi"),
            (Event::Failed { error: "no\nway" }, "failed: no\\nway"),
            (Event::Open(opened), "connected to ws://a/"),
            (
                Event::Open(with_all),
                "connected to ws://a/, subprotocol chat, permessage-deflate\n  Server: x\\u{1b}",
            ),
            (Event::Close(ended), "closed: 1000 normal"),
            (
                Event::Close(badly),
                "closed: 1011 internal error, \"oh\\\\u{7} \\\"no\\\"\" (the server closed the stream)",
            ),
            (
                Event::Waiting {
                    delay: Duration::from_millis(1540),
                },
                "connecting again in 1.5 s",
            ),
        ] {
            assert_eq!(
                DULL.event(&at(), None, &event),
                format!("04:05:06.078 {words}")
            );
        }
        let brief = Look {
            headers: false,
            ..DULL
        };
        let line = brief.event(&at(), None, &Event::Open(with_all));
        assert!(line.ends_with(", permessage-deflate"), "{line}");
        let event = received(Kind::Text, b"x");
        assert_eq!(
            DULL.event(&at(), Some(3), &event),
            "04:05:06.078 #3 << text 1 B  x"
        );
    }

    #[test]
    fn a_server_cannot_reach_the_terminal() {
        let evil = "a\u{1b}[2J\u{9b}1m\r\n\t\u{7}\u{7f}\u{202e}\u{2066}\u{200b}\u{2028}z";
        let shown = Escaped(evil).to_string();
        assert_eq!(
            shown,
            "a\\u{1b}[2J\\u{9b}1m\\r\\n\\t\\u{7}\\u{7f}\\u{202e}\\u{2066}\\u{200b}\\u{2028}z"
        );
        for char in (0..=0x0010_FFFF).filter_map(char::from_u32) {
            let shown = Escaped(&char.to_string()).to_string();
            assert!(!shown.chars().any(char::is_control), "{char:?}");
        }
        let ping = DULL.event(&at(), None, &received(Kind::Ping, evil.as_bytes()));
        assert!(!ping.chars().any(char::is_control), "{ping}");
    }

    #[test]
    fn colours_are_only_added() {
        let coloured = Look {
            colours: true,
            ..DULL
        };
        let event = received(Kind::Text, b"x");
        let line = coloured.event(&at(), None, &event);
        assert!(line.contains("\u{1b}["), "{line}");
        let mut dull = String::new();
        for (number, part) in line.split('\u{1b}').enumerate() {
            dull.push_str(if number == 0 {
                part
            } else {
                part.split_once('m').expect("a colour").1
            });
        }
        assert_eq!(dull, DULL.event(&at(), None, &event));
        assert_eq!(DULL.wrong("no"), "no");
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let dump = DULL.event(&at(), None, &received(Kind::Binary, &[7; 33]));
        assert!(dump.ends_with(" 07 … and 1 B more"), "{dump}");
        assert_eq!(dump.matches(" 07").count(), 32);
        let exact = DULL.event(&at(), None, &received(Kind::Binary, &[7; 32]));
        assert!(!exact.contains("more"), "{exact}");
        let long = "\u{fc}".repeat(2003);
        let line = DULL.event(&at(), None, &received(Kind::Text, long.as_bytes()));
        assert!(line.ends_with("\u{fc} … and 6 B more"), "{line}");
        let exact = DULL.event(&at(), None, &received(Kind::Text, &long.as_bytes()[..4000]));
        assert!(!exact.contains("more"), "{exact}");
    }
}
