//! Rows of frames, played: what is sent, and what an echo server must make of it.
//!
//! Messages come back as they were, pings as pongs; a fault is answered by a Close frame with its code and the end of the
//! stream, and by nothing else. Pongs and messages may overtake each other, and a pong may stand for several pings
//! (RFC 6455 section 5.5.3).
//!
//! Not here: heads, and what only time shows.

use super::answers::{Heard, Reader};
use super::catalogue::{Skills, Why};
use super::grade::{Grade, Verdict};
use super::link::Link;
use super::modes::{Chance, Mode};
use super::opening::{Agreed, Door, Offer};
use super::rows::{Expected, Row};
use super::walk::{announced, compressed_messages, ends_inside, fill};
use super::wire::seal;
use core::time::Duration;
use sockeye::proto::Role;
use std::time::Instant;

/// A fault that is not answered by then is asked about: a server that answers a ping has not seen it.
const GRACE: Duration = Duration::from_millis(150);
/// The shortest length that any server must find too long.
const TOO_LONG: u64 = (1 << 31) - 1;
const PROBE: &[u8] = b"still there?";
const BEFORE: &[u8] = b"before";
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// What is sent, and what must come of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    input: Vec<u8>,
    offer: Offer,
    echoes: Vec<Heard>,
    pings: Vec<Vec<u8>>,
    end: Ending,
    /// The input ends inside a frame: nothing can be said behind it.
    inside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Fault(u16),
    Close(Option<u16>),
    /// None: the connection stays.
    Open,
}

impl Exchange {
    /// # Errors
    ///
    /// Why the row is not for this server.
    pub(crate) fn new(row: &Row, skills: &Skills, limits: bool) -> Result<Self, Why> {
        if !row.roles.contains(&Role::Server) {
            return Err(Why::Client);
        }
        let with = &row.with;
        let limited =
            with.max_frame.is_some() || with.max_message.is_some() || with.max_fragments.is_some();
        if limited || with.auto_pong_off || with.close_first.is_some() {
            return Err(Why::Configuration);
        }
        let wire = row.wire(Role::Server);
        let ours = row.fail.as_ref().is_some_and(|fail| match fail.code {
            1009 => announced(&wire.bytes).is_none_or(|len| len < TOO_LONG),
            code => code == 1008,
        });
        if ours && !limits {
            return Err(Why::Limits);
        }
        let offer = offer(row, &wire.bytes, skills)?;
        let mut exchange = Self {
            inside: ends_inside(&wire.bytes),
            input: wire.bytes,
            offer,
            echoes: Vec::new(),
            pings: Vec::new(),
            end: Ending::Open,
        };
        exchange.expect(&row.events);
        if let Some(fail) = &row.fail {
            exchange.end = Ending::Fault(fail.code);
        }
        Ok(exchange)
    }

    /// What events of the application are to a client.
    fn expect(&mut self, events: &[Expected]) {
        let mut parts = Vec::new();
        for event in events {
            match event {
                Expected::Text(data) => self.echoes.push(Heard::Text(data.clone())),
                Expected::Binary(data) => self.echoes.push(Heard::Binary(data.clone())),
                Expected::Ping(data) => self.pings.push(data.clone()),
                Expected::Pong(_) => {}
                Expected::Close(code, _) => self.end = Ending::Close(*code),
                Expected::Part(part) => {
                    parts.extend_from_slice(&part.data);
                    if part.ends_message {
                        let data = core::mem::take(&mut parts);
                        self.echoes.push(match part.text {
                            true => Heard::Text(data),
                            false => Heard::Binary(data),
                        });
                    }
                }
            }
        }
    }

    pub(crate) fn expected(&self) -> String {
        let count = |number: usize, name: &str| match number {
            0 => None,
            1 => Some(format!("1 {name}")),
            _ => Some(format!("{number} {name}s")),
        };
        let end = match self.end {
            Ending::Fault(code) | Ending::Close(Some(code)) => format!("close {code}"),
            Ending::Close(None) => "close without a code".to_owned(),
            Ending::Open if self.inside => "nothing of the rest".to_owned(),
            Ending::Open => "the connection stays".to_owned(),
        };
        let parts = [
            count(self.echoes.len(), "echo").map(|text| text.replace("echos", "echoes")),
            count(self.pings.len(), "pong"),
            Some(end),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn play(&self, door: &Door, mode: Mode, chance: &mut Chance) -> Verdict {
        let (mut link, reader) = match door.open(self.offer) {
            Ok((link, _, agreed)) => (link, Agreed::reader(agreed)),
            Err(why) => return Grade::Wrong.of(format!("no connection: {why}")),
        };
        let mut want = self.clone();
        if mode == Mode::Behind {
            let mut input = frame(0x81, BEFORE);
            input.append(&mut want.input);
            want.input = input;
            want.echoes.insert(0, Heard::Text(BEFORE.to_vec()));
        }
        link.deliver(&want.input, mode, chance);
        Duel::new(want, link, reader).run()
    }
}

/// What a row of compressed messages wants to be agreed on. What refers to an earlier message works only where that is.
fn offer(row: &Row, bytes: &[u8], skills: &Skills) -> Result<Offer, Why> {
    let Some(deflate) = row.with.deflate else {
        return Ok(Offer::Nothing);
    };
    let (offer, agreed) = match deflate.takeover {
        true => (Offer::Takeover, skills.takeover),
        false => (Offer::Alone, skills.alone),
    };
    let agreed = agreed.ok_or(Why::Compression)?;
    match agreed.client_takeover == deflate.takeover || compressed_messages(bytes) < 2 {
        true => Ok(offer),
        false => Err(Why::Configuration),
    }
}

/// A frame of a client.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Only short ones are made here.
    let len = u8::try_from(payload.len()).unwrap_or(125);
    seal(Role::Server, &[first, len], payload, KEY, &mut out);
    out
}

/// A row on its way.
struct Duel {
    want: Exchange,
    link: Link,
    reader: Reader,
    echoes: usize,
    pings: usize,
    /// The server's Close frame, once it is there.
    close: Option<Option<u16>>,
    stage: Stage,
    /// The row's last frame was made whole.
    filled: bool,
    asked_at: Instant,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The row has been sent.
    Sent,
    /// A ping follows it.
    Probed,
    /// We are done, and have said so.
    Leaving,
}

impl Duel {
    fn new(want: Exchange, link: Link, reader: Reader) -> Self {
        let now = Instant::now();
        // A server that is slow today is not one that waits for the rest.
        let patience = match fill(&want.input).is_empty() {
            true => GRACE,
            false => link.deadline().saturating_duration_since(now) / 2,
        };
        Self {
            want,
            link,
            reader,
            echoes: 0,
            pings: 0,
            close: None,
            stage: Stage::Sent,
            filled: false,
            asked_at: now + patience,
        }
    }

    fn run(mut self) -> Verdict {
        loop {
            match self.reader.next(&mut self.link.input) {
                Err(why) => return Grade::Wrong.of(why),
                Ok(Some(heard)) => {
                    if let Some(verdict) = self.hear(heard) {
                        return verdict;
                    }
                    continue;
                }
                Ok(None) if self.link.end.is_some() => return self.ended(),
                Ok(None) => {}
            }
            self.go_on();
            let now = Instant::now();
            let Some(left) = self.link.deadline().checked_duration_since(now) else {
                return self.late();
            };
            let until_asked = self.asked_at.saturating_duration_since(now);
            let asks = self.stage == Stage::Sent && self.is_fault();
            self.link
                .read(if asks { left.min(until_asked) } else { left });
        }
    }

    const fn is_fault(&self) -> bool {
        matches!(self.want.end, Ending::Fault(_))
    }

    /// Says what is to be said next, if anything.
    fn go_on(&mut self) {
        let complete = self.echoes == self.want.echoes.len() && self.pings == self.want.pings.len();
        let ask = match self.want.end {
            Ending::Fault(_) => self.close.is_none() && Instant::now() >= self.asked_at,
            Ending::Close(_) => false,
            Ending::Open => complete,
        };
        if self.stage != Stage::Sent || !ask {
            return;
        }
        if self.want.inside && !self.is_fault() {
            self.stage = Stage::Leaving;
            self.link.finish();
        } else {
            self.stage = Stage::Probed;
            let mut bytes = fill(&self.want.input);
            self.filled = !bytes.is_empty();
            bytes.extend(frame(0x89, PROBE));
            self.link.send(&bytes);
        }
    }

    fn hear(&mut self, heard: Heard) -> Option<Verdict> {
        match heard {
            Heard::Ping(data) => {
                self.link.send(&frame(0x8A, &data));
                None
            }
            Heard::Pong(data) => self.hear_pong(&data),
            Heard::Close(code) => {
                self.close = Some(code);
                // The other half of the closing handshake, where the row has not sent it.
                if !matches!(self.want.end, Ending::Close(_)) && self.stage != Stage::Leaving {
                    let code = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
                    self.link.send(&frame(0x88, &code));
                }
                None
            }
            _ if self.close.is_some() => Some(Grade::Wrong.of("a message behind a Close frame")),
            echo => self.hear_echo(&echo),
        }
    }

    fn hear_echo(&mut self, echo: &Heard) -> Option<Verdict> {
        let want = self.want.echoes.get(self.echoes);
        self.echoes += 1;
        match want {
            Some(want) if want == echo => None,
            Some(want) => Some(Grade::Wrong.of(format!("{echo} instead of {want}"))),
            None if self.is_fault() => Some(Grade::Lax.of(echo.to_string())),
            None => Some(Grade::Wrong.of(format!("{echo}, which is one too many"))),
        }
    }

    fn hear_pong(&mut self, data: &[u8]) -> Option<Verdict> {
        if data == PROBE && self.stage == Stage::Probed {
            if self.is_fault() {
                return Some(Grade::Lax.of("ignored, and the next ping answered"));
            }
            self.stage = Stage::Leaving;
            self.link.send(&frame(0x88, &[0x03, 0xE8]));
            return None;
        }
        // One that nobody asked for is legal.
        let waiting = &self.want.pings[self.pings..];
        if let Some(found) = waiting.iter().rposition(|ping| ping == data) {
            self.pings += found + 1;
        } else if self.is_fault() && self.want.pings.is_empty() && self.close.is_none() {
            return Some(Grade::Lax.of(Heard::Pong(data.to_vec()).to_string()));
        }
        None
    }

    /// What is missing of the echoes and pongs.
    fn missing(&self) -> Option<String> {
        let (echoes, pings) = (self.want.echoes.len(), self.want.pings.len());
        if self.echoes < echoes {
            return Some(format!("{} of {echoes} echoes", self.echoes));
        }
        (self.pings < pings).then(|| "no pong to the last ping".to_owned())
    }

    /// The server's last words.
    fn last_words(&self) -> String {
        let words = match self.close {
            Some(code) => Heard::Close(code).to_string(),
            None => "end of stream without a Close frame".to_owned(),
        };
        match self.missing() {
            Some(missing) => format!("{missing}, then {words}"),
            None => words,
        }
    }

    fn ended(&self) -> Verdict {
        let words = self.last_words();
        if self.missing().is_some() {
            return Grade::Wrong.of(words);
        }
        match self.want.end {
            Ending::Fault(_) if self.filled => {
                Grade::Closed.of(format!("{words}, once the frame was whole"))
            }
            Ending::Fault(code) if self.close == Some(Some(code)) => Grade::Exact.of(words),
            Ending::Close(code) if self.close == Some(code) => Grade::Exact.of(words),
            Ending::Fault(_) | Ending::Close(_) => Grade::Closed.of(words),
            Ending::Open if self.stage == Stage::Leaving => Grade::Exact.of("all of it"),
            Ending::Open => Grade::Wrong.of(words),
        }
    }

    /// Nothing more came in time.
    fn late(&self) -> Verdict {
        let words = match self.close {
            Some(_) => format!("{}, and no end of stream", self.last_words()),
            None => match self.missing() {
                Some(missing) => format!("{missing}, and then nothing"),
                None => "no answer".to_owned(),
            },
        };
        let grade = match (self.want.end, self.close) {
            _ if self.missing().is_some() => Grade::Wrong,
            (Ending::Fault(_) | Ending::Close(_), Some(_)) => Grade::Closed,
            (Ending::Fault(_), None) => Grade::Lax,
            _ => Grade::Wrong,
        };
        grade.of(words)
    }
}
