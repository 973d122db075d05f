//! Rows of `handshake_server.rows`, played: a request, and whether it is answered as the row says.
//!
//! Not here: what is said once a connection is open.

use super::answers::Head;
use super::catalogue::Why;
use super::grade::{Grade, Verdict};
use super::heads::Row;
use super::link::Link;
use super::modes::{Chance, Mode};
use super::opening::{Door, upgraded};
use core::time::Duration;
use sockeye::proto::handshake::accept_of;
use std::time::Instant;

/// Whoever says nothing to half a head for so long waits for the rest.
const GRACE: Duration = Duration::from_millis(300);

/// What is asked for, and what must be answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    input: Vec<u8>,
    want: Want,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Upgrade,
    Refusal(u16),
    /// No answer: the head has not ended.
    More,
}

impl Asked {
    /// `target`: what the rows' own path has become.
    ///
    /// # Errors
    ///
    /// Why the row is not for this server.
    pub(crate) fn new(row: &Row, target: &str, any_path: bool, limits: bool) -> Result<Self, Why> {
        if !matches!(row.words("origin")[..], [] | ["any"]) {
            return Err(Why::Configuration);
        }
        let mut words = row.words("want").into_iter();
        let want = match words.next().and_then(|word| word.parse().ok()) {
            None => Want::More,
            Some(101) => Want::Upgrade,
            Some(status) => Want::Refusal(status),
        };
        let ours = [
            "Head(TooLarge)",
            "Head(TooManyHeaders)",
            "Head(LineTooLong)",
        ];
        if words.next().is_some_and(|rule| ours.contains(&rule)) && !limits {
            return Err(Why::Limits);
        }
        let start = format!("GET {target} HTTP/1.1\r\n");
        let input = row.input.trim_ascii_start();
        if want == Want::Upgrade && !input.starts_with(start.as_bytes()) && !any_path {
            return Err(Why::Configuration);
        }
        Ok(Self {
            input: row.input.clone(),
            want,
        })
    }

    pub(crate) fn expected(&self) -> String {
        match self.want {
            Want::Upgrade => "status 101".to_owned(),
            Want::Refusal(status) => format!("status {status}"),
            Want::More => "no answer".to_owned(),
        }
    }

    pub(crate) fn play(&self, door: &Door, mode: Mode, chance: &mut Chance) -> Verdict {
        let mut link = match door.place.connect() {
            Ok(link) => link,
            Err(error) => return Grade::Wrong.of(error.to_string()),
        };
        link.deliver(&self.input, mode, chance);
        let mut answer = hear(&mut link, Instant::now() + GRACE);
        let silent = answer == Answer::Silence;
        if silent {
            if self.want != Want::Upgrade {
                link.finish();
            }
            let deadline = link.deadline();
            answer = hear(&mut link, deadline);
        }
        self.judge(&answer, silent)
    }

    fn judge(&self, answer: &Answer, silent: bool) -> Verdict {
        let late = match silent && self.want != Want::Upgrade {
            true => ", once our side had ended",
            false => "",
        };
        match (self.want, answer) {
            (_, Answer::Silence) => Grade::Wrong.of("no answer"),
            (_, Answer::Noise(why)) => Grade::Wrong.of(why),
            (Want::Upgrade, Answer::Head(head)) if head.status == 101 => match self.check(head) {
                Ok(()) => Grade::Exact.of("status 101"),
                Err(why) => Grade::Wrong.of(why),
            },
            (Want::Upgrade, Answer::Head(head)) => {
                Grade::Wrong.of(format!("status {}", head.status))
            }
            (Want::Upgrade, Answer::End) => Grade::Wrong.of("end of stream"),
            (_, Answer::Head(head)) if head.status == 101 => Grade::Lax.of("status 101"),
            (Want::More, _) if silent => Grade::Exact.of("no answer"),
            (Want::Refusal(status), Answer::Head(head)) if head.status == status => {
                Grade::Exact.of(format!("status {status}{late}"))
            }
            (_, Answer::Head(head)) => Grade::Closed.of(format!("status {}{late}", head.status)),
            (_, Answer::End) => Grade::Closed.of(format!("end of stream{late}")),
        }
    }

    /// What a client checks of the answer to this request.
    fn check(&self, head: &Head) -> Result<(), String> {
        let key = self.field("sec-websocket-key").next().unwrap_or_default();
        upgraded(head, &String::from_utf8_lossy(&accept_of(key.as_bytes())))?;
        let mut offered = self.field("sec-websocket-protocol").flat_map(|list| {
            list.split(',')
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        });
        match head.one("sec-websocket-protocol") {
            Some(protocol) if !offered.any(|name| name == protocol) => {
                Err(format!("the subprotocol {protocol}, which nobody offered"))
            }
            _ => Ok(()),
        }
    }

    /// The values of a field of the request.
    fn field<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let lines = self.input.split(|byte| *byte == b'\n');
        lines.filter_map(move |line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

/// What a server made of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Head(Head),
    End,
    Silence,
    Noise(String),
}

/// Waits for a final head, the end of the stream, or that moment.
pub(crate) fn hear(link: &mut Link, until: Instant) -> Answer {
    loop {
        match Head::take(&mut link.input) {
            Err(why) => return Answer::Noise(why),
            Ok(Some(head)) if head.status == 101 || head.status >= 200 => {
                return Answer::Head(head);
            }
            Ok(Some(_)) => continue,
            Ok(None) if link.end.is_some() && link.input.is_empty() => return Answer::End,
            Ok(None) if link.end.is_some() => return Answer::Noise("half a head".to_owned()),
            Ok(None) => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Answer::Silence;
        }
        link.read(left);
    }
}
