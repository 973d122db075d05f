//! Offers of permessage-deflate, played.
//!
//! Not here: what may be answered to them; that is `offers`.

use super::answers::Head;
use super::grade::{Grade, Verdict};
use super::modes::{Chance, Mode};
use super::offers::{Element, parse};
use super::opening::Door;
use super::requests::{Answer, hear};

/// Header lines that offer something.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) ids: Vec<String>,
    lines: String,
    /// The lines are no list, and the request is to be refused.
    malformed: bool,
}

/// The offers in a file, each once.
///
/// # Errors
///
/// Which line of it is wrong.
pub(crate) fn cases(file: &str) -> Result<Vec<Offered>, String> {
    let mut cases: Vec<Offered> = Vec::new();
    for line in parse(file)? {
        let known = cases.iter().any(|case| case.lines == line.input);
        if line.kind == "offer" && !known {
            cases.push(Offered {
                name: format!("offer {}", line.input),
                ids: line.ids.iter().map(|id| (*id).to_owned()).collect(),
                malformed: line.want == "400",
                lines: line.input,
            });
        }
    }
    Ok(cases)
}

impl Offered {
    fn offers(&self) -> Vec<Element> {
        let offers = Element::list(self.lines.split('|')).into_iter();
        offers.filter(Element::is_sound).collect()
    }

    pub(crate) fn expected(&self) -> &'static str {
        match (self.malformed, self.offers().is_empty()) {
            (true, _) => "status 400",
            (false, true) => "declined",
            (false, false) => "declined, or an answer to it",
        }
    }

    pub(crate) fn play(&self, door: &Door, mode: Mode, chance: &mut Chance) -> Verdict {
        let mut link = match door.place.connect() {
            Ok(link) => link,
            Err(error) => return Grade::Wrong.of(error.to_string()),
        };
        let lines = self.lines.split('|');
        let lines: Vec<_> = lines
            .map(|line| format!("Sec-WebSocket-Extensions: {line}\r\n"))
            .collect();
        link.deliver(&door.request(&lines.concat()), mode, chance);
        let deadline = link.deadline();
        match hear(&mut link, deadline) {
            Answer::Silence => Grade::Wrong.of("no answer"),
            Answer::Noise(why) => Grade::Wrong.of(why),
            Answer::End => self.refused("end of stream", false),
            Answer::Head(head) if head.status == 101 => self.judge(&head),
            Answer::Head(head) => {
                let words = format!("status {}", head.status);
                self.refused(&words, head.status == 400)
            }
        }
    }

    fn refused(&self, words: &str, exactly: bool) -> Verdict {
        let grade = match (self.malformed, self.offers().is_empty()) {
            (true, _) if exactly => Grade::Exact,
            // An offer that is none may fail the handshake as well.
            (true, _) | (false, true) => Grade::Closed,
            (false, false) => Grade::Wrong,
        };
        grade.of(words)
    }

    fn judge(&self, head: &Head) -> Verdict {
        let told: Vec<_> = head.all("sec-websocket-extensions").collect();
        let words = match told[..] {
            [] => "declined".to_owned(),
            _ => told.join(", "),
        };
        let (answers, offers) = (Element::list(told), self.offers());
        let grade = match &answers[..] {
            _ if self.malformed => Grade::Lax,
            [] => Grade::Exact,
            [answer] if offers.iter().any(|offer| answer.answers(offer)) => Grade::Exact,
            [_] if offers.is_empty() => Grade::Lax,
            _ => Grade::Wrong,
        };
        grade.of(words)
    }
}
