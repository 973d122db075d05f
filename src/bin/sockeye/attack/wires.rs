//! Rows of `wire.rows`, played.
//!
//! Not here: delivery modes; these rows have times and segments of their own.

use super::answers::{Heard, Reader};
use super::grade::{Grade, Verdict};
use super::link::Link;
use super::opening::Door;
use super::requests::{Answer, hear};
use super::script::{Change, Script, Step, Want};
use core::time::Duration;
use std::time::Instant;

impl Script {
    pub(crate) fn expected(&self) -> String {
        let gets = self.0.iter().filter_map(|step| match step {
            Step::Get(want) => Some(want.to_string()),
            _ => None,
        });
        gets.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn play(&self, door: &Door) -> Verdict {
        let link = match door.place.connect() {
            Ok(link) => link,
            Err(error) => return Grade::Wrong.of(error.to_string()),
        };
        let mut player = Player {
            link,
            reader: Reader::default(),
            pending: Vec::new(),
            drip: None,
            refused: false,
            closed: false,
        };
        for step in &self.0 {
            if let Err(verdict) = player.step(step, door) {
                return verdict;
            }
        }
        Grade::Exact.of(self.expected())
    }
}

impl core::fmt::Display for Want {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Upgrade => f.write_str("status 101"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Refusal => f.write_str("a refusal"),
            Self::Frames(1, heard) => heard.fmt(f),
            Self::Frames(times, heard) => write!(f, "{times} times {heard}"),
            Self::End => f.write_str("end of stream"),
        }
    }
}

/// A row on its way.
struct Player {
    link: Link,
    reader: Reader,
    /// What is sent before the next wait.
    pending: Vec<u8>,
    drip: Option<(usize, Duration)>,
    /// The answer was a refusal, whose rest may come.
    refused: bool,
    /// The server has sent its Close frame.
    closed: bool,
}

impl Player {
    fn step(&mut self, step: &Step, door: &Door) -> Result<(), Verdict> {
        match step {
            Step::Request(change) => self.pending.extend(request(door, change)),
            Step::Send(bytes) => self.pending.extend_from_slice(bytes),
            Step::Drip(size, pause) => {
                self.flush();
                self.drip = Some((*size, *pause));
            }
            Step::Part => self.flush(),
            Step::Quiet(span) => {
                self.flush();
                return self.quiet(*span);
            }
            Step::Finish => {
                self.flush();
                self.link.finish();
            }
            Step::Get(want) => {
                self.flush();
                return self.get(want);
            }
        }
        Ok(())
    }

    fn flush(&mut self) {
        let pending = core::mem::take(&mut self.pending);
        let Some((size, pause)) = self.drip else {
            return self.link.send(&pending);
        };
        for piece in pending.chunks(size) {
            self.link.send(piece);
            self.link.listen(pause);
        }
    }

    fn quiet(&mut self, span: Duration) -> Result<(), Verdict> {
        let before = self.link.input.len();
        self.link.listen(span);
        match (self.link.end, self.link.input.len() == before) {
            (None, true) => Ok(()),
            (Some(_), _) => Err(Grade::Wrong.of("end of stream, too early")),
            (None, false) => Err(Grade::Wrong.of("an answer, too early")),
        }
    }

    fn get(&mut self, want: &Want) -> Result<(), Verdict> {
        match want {
            Want::Frames(times, heard) => (0..*times).try_for_each(|_| self.get_frame(heard)),
            Want::End => self.get_end(),
            Want::Upgrade | Want::Status(_) | Want::Refusal => self.get_head(want),
        }
    }

    fn get_head(&mut self, want: &Want) -> Result<(), Verdict> {
        let deadline = self.link.deadline();
        let answer = hear(&mut self.link, deadline);
        let words = match &answer {
            Answer::Head(head) => format!("status {}", head.status),
            Answer::End => "end of stream".to_owned(),
            Answer::Silence => "no answer".to_owned(),
            Answer::Noise(why) => why.clone(),
        };
        let status = match &answer {
            Answer::Head(head) => Some(head.status),
            _ => None,
        };
        self.refused = status.is_some_and(|status| status != 101);
        let grade = match (want, status, &answer) {
            (Want::Upgrade, Some(101), _) | (Want::Refusal, _, Answer::End) => return Ok(()),
            (Want::Refusal, Some(400..), _) => return Ok(()),
            (Want::Status(want), Some(got), _) if *want == got => return Ok(()),
            (Want::Upgrade, ..) | (.., Answer::Silence | Answer::Noise(_)) => Grade::Wrong,
            (_, Some(101), _) => Grade::Lax,
            _ => Grade::Closed,
        };
        Err(grade.of(words))
    }

    /// The next frame, or `None` at the end of the stream.
    fn frame(&mut self) -> Result<Option<Heard>, Verdict> {
        loop {
            match self.reader.next(&mut self.link.input) {
                Err(why) => return Err(Grade::Wrong.of(why)),
                Ok(Some(heard)) => return Ok(Some(heard)),
                Ok(None) if self.link.end.is_some() => return Ok(None),
                Ok(None) => {}
            }
            let deadline = self.link.deadline();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Grade::Wrong.of("no answer"));
            }
            self.link.read(left);
        }
    }

    fn get_frame(&mut self, want: &Heard) -> Result<(), Verdict> {
        let closing = matches!(want, Heard::Close(_));
        loop {
            let Some(heard) = self.frame()? else {
                let grade = if closing { Grade::Closed } else { Grade::Wrong };
                return Err(grade.of(format!("end of stream instead of {want}")));
            };
            self.closed |= matches!(heard, Heard::Close(_));
            match &heard {
                heard if heard == want => return Ok(()),
                // Of several pings only the last must be answered, and the server may have pings of its own.
                Heard::Pong(_) | Heard::Ping(_) => {}
                heard => {
                    let grade = match (closing, heard) {
                        (true, Heard::Close(_)) => Grade::Closed,
                        (true, _) => Grade::Lax,
                        _ => Grade::Wrong,
                    };
                    return Err(grade.of(format!("{heard} instead of {want}")));
                }
            }
        }
    }

    fn get_end(&mut self) -> Result<(), Verdict> {
        if self.refused {
            return self.get_end_of_refusal();
        }
        let mut late = Grade::Wrong;
        loop {
            // A Close frame was the refusal; only the end of the stream is missing.
            if self.closed {
                late = Grade::Closed;
            }
            match self.frame() {
                Ok(None) => return Ok(()),
                Ok(Some(Heard::Close(_))) if !self.closed => self.closed = true,
                Ok(Some(Heard::Ping(_))) => {}
                Ok(Some(heard)) => return Err(Grade::Lax.of(format!("{heard}, with no end"))),
                Err(verdict) if verdict.got == "no answer" => {
                    return Err(late.of("no end of stream"));
                }
                Err(verdict) => return Err(verdict),
            }
        }
    }

    /// A refusal has a body; what looks like a second answer is one.
    fn get_end_of_refusal(&mut self) -> Result<(), Verdict> {
        let deadline = self.link.deadline();
        while self.link.end.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Grade::Closed.of("the refusal, and no end of stream"));
            }
            self.link.read(left);
        }
        let input = &self.link.input;
        match input.windows(7).any(|bytes| bytes == b"HTTP/1.") {
            true => Err(Grade::Lax.of("a second answer behind the refusal")),
            false => Ok(()),
        }
    }
}

fn request(door: &Door, change: &Change) -> Vec<u8> {
    let mut lines = door.lines();
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    match change {
        Change::None | Change::Hold => {}
        Change::Add(line) => lines.push(line.clone()),
        Change::Drop(gone) => lines.retain(|line| name(line) != *gone),
        Change::Set(new) => {
            let same = lines.iter_mut().find(|line| name(line) == name(new));
            if let Some(line) = same {
                line.clone_from(new);
            }
        }
    }
    let mut text = lines.join("\r\n") + "\r\n\r\n";
    if matches!(change, Change::Hold) {
        text.pop();
    }
    text.into_bytes()
}
