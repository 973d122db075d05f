//! What one room keeps: [`Kept`].
//!
//! Not here: which rooms there are, and how much all of them take; that is `ledger`.

use super::place::{Offset, Origin, Token, position};
use super::{Author, History};
use crate::reactor::rooms::{Manner, Segment};
use crate::reactor::{ConnectionId, Message};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A message as it is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) origin: Origin,
    /// Whom it is not for, on whatever node.
    pub(crate) author: Option<Author>,
    /// The same, where that is a connection of this process.
    pub(crate) except: Option<ConnectionId>,
    pub(crate) is_text: bool,
    /// It is never compressed.
    pub(crate) is_secret: bool,
    pub(crate) payload: Vec<u8>,
}

/// A message that is kept.
#[derive(Debug)]
pub(in crate::reactor) struct Entry {
    /// Among all that this ledger was told: the order in which loops tell it.
    pub(in crate::reactor) serial: u64,
    /// `None`: it was told here, and no store has it yet.
    at: Option<Offset>,
    origin: Origin,
    author: Option<Author>,
    pub(in crate::reactor) segment: Arc<Segment>,
    since: Duration,
}

/// What somebody has missed.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Missed {
    pub(in crate::reactor) segments: Vec<Arc<Segment>>,
    pub(in crate::reactor) is_complete: bool,
    /// Where it is before that.
    pub(in crate::reactor) at: String,
}

/// What a message takes beside its bytes, about.
const ENTRY: usize = 300;

#[derive(Debug)]
pub(super) struct Kept {
    history: History,
    /// When something was said, or it began.
    since: Duration,
    entries: VecDeque<Entry>,
    /// What the segments hold.
    bytes: usize,
    /// How many of them no store has yet.
    unsettled: usize,
    /// Where the last one was that is not kept any more. Of whoever was before it, nobody knows what they have missed.
    from: Offset,
    /// One is not kept any more of which nobody knows where it is, until the store says so.
    lost: Option<Origin>,
    /// What has serials up to there was in the store when that was asked, and loops were not told of it.
    pub(super) loaded: u64,
    /// Where the last one is that a store has.
    last: Offset,
    /// Loops that tell of it.
    pub(super) users: Vec<u32>,
    /// It has all that there is.
    pub(super) is_warm: bool,
}

impl Kept {
    pub(super) const fn new(history: History, at: Offset, is_warm: bool, now: Duration) -> Self {
        Self {
            history,
            since: now,
            entries: VecDeque::new(),
            bytes: 0,
            unsettled: 0,
            from: at,
            lost: None,
            loaded: 0,
            last: at,
            users: Vec::new(),
            is_warm,
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing was said for longer than it keeps anything.
    pub(super) fn is_stale(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) > self.history.span
    }

    pub(super) const fn last(&self) -> Offset {
        self.last
    }

    /// The offset behind the last one, of a store that is here.
    pub(super) const fn next(&self) -> Offset {
        Offset {
            major: self.last.major,
            minor: self.last.minor + 1,
        }
    }

    /// Adds a message behind all others. `at`: where the store has it, if it does.
    pub(super) fn push(
        &mut self,
        serial: u64,
        at: Option<Offset>,
        said: Said,
        now: Duration,
    ) -> Arc<Segment> {
        self.since = self.since.max(now);
        self.last = at.unwrap_or(self.last);
        self.unsettled += usize::from(at.is_none());
        let beyond = match at {
            Some(_) => self.unsettled(),
            None => Some(said.origin),
        };
        let segment = Arc::new(told(&said, &self.history, self.last, beyond));
        self.bytes += ENTRY + segment.bytes();
        self.entries.push_back(Entry {
            serial,
            at,
            origin: said.origin,
            author: said.author,
            segment: Arc::clone(&segment),
            since: now,
        });
        self.trim(now);
        segment
    }

    /// The newest that was told here alone.
    fn unsettled(&self) -> Option<Origin> {
        if self.unsettled == 0 {
            return None;
        }
        let mut newest = self.entries.iter().rev();
        newest
            .find(|entry| entry.at.is_none())
            .map(|entry| entry.origin)
    }

    /// The store has it now.
    pub(super) fn settle(&mut self, origin: Origin, at: Offset) {
        self.last = self.last.max(at);
        let mut newest = self.entries.iter_mut().rev();
        if let Some(entry) = newest.find(|entry| entry.origin == origin) {
            self.unsettled -= usize::from(entry.at.is_none());
            entry.at = Some(at);
        } else {
            self.from = self.from.max(at);
            self.lost = self.lost.filter(|lost| *lost != origin);
        }
    }

    /// It begins anew, behind what is nobody's to hear any more.
    pub(super) fn begin_at(&mut self, at: Offset) {
        self.entries.retain(|entry| entry.at.is_none());
        let bytes = self
            .entries
            .iter()
            .map(|entry| ENTRY + entry.segment.bytes());
        self.bytes = bytes.sum();
        self.lost = None;
        self.from = at;
        self.last = at;
    }

    /// Gives up what is too much or too old.
    pub(super) fn trim(&mut self, now: Duration) {
        while let Some(oldest) = self.entries.front()
            && (self.entries.len() > self.history.messages
                || self.bytes > self.history.bytes
                || now.saturating_sub(oldest.since) > self.history.span)
        {
            self.bytes = self.bytes.saturating_sub(ENTRY + oldest.segment.bytes());
            if let Some(at) = oldest.at {
                self.from = self.from.max(at);
            } else {
                self.unsettled -= 1;
                self.lost = Some(oldest.origin);
            }
            self.entries.pop_front();
        }
    }

    /// What somebody has missed of what was told up to `serial`, who is that author now. It is complete only where nothing
    /// between can be gone.
    pub(super) fn since(&self, token: Option<&Token>, author: Author, serial: u64) -> Missed {
        let told = || self.entries.iter().filter(|entry| entry.serial <= serial);
        let here = || {
            let at = told()
                .filter_map(|entry| entry.at)
                .max()
                .unwrap_or(self.from);
            let beyond = told().rev().find(|entry| entry.at.is_none());
            position(at, beyond.map(|entry| entry.origin))
        };
        let Some(token) = token else {
            return Missed {
                is_complete: true,
                at: here(),
                ..Missed::default()
            };
        };
        let is_known = |at: Offset| {
            at == self.from || (at > self.from && told().any(|entry| entry.at == Some(at)))
        };
        if self.lost.is_some() || !is_known(token.at) {
            return Missed {
                at: here(),
                ..Missed::default()
            };
        }
        let is_missed = |entry: &&Entry| {
            let is_heard = token.beyond.is_some_and(|heard| {
                heard.node == entry.origin.node && entry.origin.number <= heard.number
            });
            let is_own = |author| entry.author.is_some() && entry.author == author;
            let is_own = is_own(token.author) || is_own(Some(author));
            entry.at.is_none_or(|at| at > token.at) && !is_heard && !is_own
        };
        let missed = told().filter(is_missed);
        let segments: Vec<_> = missed.map(|entry| Arc::clone(&entry.segment)).collect();
        Missed {
            at: match segments.is_empty() {
                // What it has said itself is behind it.
                true => here(),
                false => position(token.at, token.beyond),
            },
            segments,
            is_complete: true,
        }
    }

    /// The serial of the newest.
    pub(super) fn newest(&self) -> u64 {
        self.entries.back().map_or(0, |entry| entry.serial)
    }

    /// Where the last one is that was told up to there.
    pub(super) fn at(&self, serial: u64) -> Offset {
        let mut told = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.serial <= serial);
        told.find_map(|entry| entry.at).unwrap_or(self.from)
    }
}

/// How it is told: with its position, if it can have one.
fn told(said: &Said, history: &History, at: Offset, beyond: Option<Origin>) -> Segment {
    let mut marked = Vec::new();
    let is_marked = history
        .words
        .filter(|_| said.is_text)
        .is_some_and(|to| (to.mark)(&said.payload, &position(at, beyond), &mut marked));
    let payload = if is_marked { &marked } else { &said.payload };
    let message = match core::str::from_utf8(payload) {
        Ok(text) if said.is_text => Message::Text(text),
        _ => Message::Binary(payload),
    };
    let manner = Manner {
        secret: said.is_secret,
        except: said.except,
        ..Manner::default()
    };
    Segment::of(message, manner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Author, History, Kept, Missed, Offset, Origin, Said, Token};
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::time::Duration;

    const NODE: u64 = 7;
    const NOBODY: Author = Author {
        node: 0,
        connection: 0,
    };

    fn at(minor: u64) -> Offset {
        Offset { major: 1, minor }
    }

    pub(in crate::reactor::history) fn said(number: u64, author: Option<u64>) -> Said {
        Said {
            origin: Origin { node: NODE, number },
            author: author.map(|connection| Author {
                node: NODE,
                connection,
            }),
            except: None,
            is_text: false,
            is_secret: false,
            payload: vec![u8::try_from(number).expect("it is small")],
        }
    }

    /// Kept since the beginning: numbers, and whether the store has them.
    fn kept(history: History, numbers: &[(u64, bool)]) -> Kept {
        let mut kept = Kept::new(history, at(0), true, Duration::ZERO);
        for (number, is_settled) in numbers {
            let place = is_settled.then(|| at(*number));
            kept.push(*number, place, said(*number, None), Duration::ZERO);
        }
        kept
    }

    fn missed(kept: &Kept, token: &str, serial: u64) -> Option<Vec<u8>> {
        let token: Token = token.parse().expect("a token");
        let missed = kept.since(Some(&token), NOBODY, serial);
        let bytes = missed.segments.iter().map(|segment| segment.payload(0)[0]);
        missed.is_complete.then(|| bytes.collect())
    }

    #[test]
    fn what_is_missed_is_what_comes_behind_up_to_what_was_told() {
        let kept = kept(
            History::last(3),
            &[(1, true), (2, true), (3, true), (4, true)],
        );
        for (token, serial, expected) in [
            ("1-1", 9, Some(vec![2, 3, 4])),
            ("1-3", 9, Some(vec![4])),
            ("1-4", 9, Some(vec![])),
            ("1-1", 3, Some(vec![2, 3])),
            ("1-1", 1, Some(vec![])),
            // Gone, and never there.
            ("1-0", 9, None),
            ("1-5", 9, None),
            ("2-4", 9, None),
        ] {
            assert_eq!(missed(&kept, token, serial), expected, "{token} {serial}");
        }
    }

    #[test]
    fn who_comes_anew_begins_at_what_was_told_and_who_comes_back_where_it_was() {
        let kept = kept(History::last(3), &[(1, true), (2, true)]);
        let place = |token: Option<&str>, serial| {
            let token: Option<Token> = token.map(|token| token.parse().expect("a token"));
            let Missed { at, .. } = kept.since(token.as_ref(), NOBODY, serial);
            at
        };
        assert_eq!(place(None, 2), "1-2");
        assert_eq!(place(None, 1), "1-1");
        assert_eq!(place(None, 0), "1-0");
        assert_eq!(place(Some("1-1"), 2), "1-1");
        assert_eq!(place(Some("9-9"), 2), "1-2");
    }

    #[test]
    fn what_was_told_before_it_was_kept_is_told_once_on_whatever_node() {
        let mut kept = kept(History::last(9), &[(1, true), (2, false), (3, false)]);
        assert_eq!(kept.since(None, NOBODY, 9).at, "1-1.7.3");
        for (token, expected) in [
            ("1-1", vec![2, 3]),
            ("1-1.7.2", vec![3]),
            ("1-1.7.3", vec![]),
            ("1-1.8.3", vec![2, 3]),
        ] {
            assert_eq!(missed(&kept, token, 9), Some(expected), "{token}");
        }
        // Somebody else's came between.
        let origin = |number| Origin { node: NODE, number };
        kept.settle(origin(2), at(5));
        kept.settle(origin(3), at(6));
        assert_eq!(kept.since(None, NOBODY, 9).at, "1-6");
        assert_eq!(missed(&kept, "1-1.7.2", 9), Some(vec![3]));
        assert_eq!(missed(&kept, "1-6", 9), Some(vec![]));
    }

    #[test]
    fn what_is_gone_and_was_never_kept_leaves_nobody_sure_until_it_is_known_where_it_was() {
        let mut kept = kept(History::last(2), &[(1, false), (2, true), (3, true)]);
        assert_eq!(missed(&kept, "1-2", 9), None);
        assert_eq!(missed(&kept, "1-3", 9), None);
        // It comes behind one that is told after it.
        let origin = Origin {
            node: NODE,
            number: 1,
        };
        let between = Offset { major: 1, minor: 2 };
        kept.settle(origin, between);
        assert_eq!(missed(&kept, "1-1", 9), None);
        assert_eq!(missed(&kept, "1-2", 9), Some(vec![3]));
        assert_eq!(missed(&kept, "1-3", 9), Some(vec![]));
    }

    #[test]
    fn bytes_and_time_bound_it_too() {
        let small = History::last(100).max_bytes(1);
        assert_eq!(
            missed(&kept(small, &[(1, true), (2, true)]), "1-1", 9),
            None
        );
        let short = History::last(100).within(Duration::from_secs(1));
        let mut kept = kept(short, &[(1, true)]);
        kept.trim(Duration::from_secs(1));
        assert_eq!(missed(&kept, "1-0", 9), Some(vec![1]));
        kept.trim(Duration::from_millis(1001));
        assert_eq!(missed(&kept, "1-0", 9), None);
        assert_eq!(missed(&kept, "1-1", 9), Some(vec![]));
    }

    #[test]
    fn nobody_is_told_what_it_has_said_to_the_others() {
        let mut kept = kept(History::last(9), &[]);
        for (number, author) in [(1, Some(5)), (2, None), (3, Some(6))] {
            kept.push(
                number,
                Some(at(number)),
                said(number, author),
                Duration::ZERO,
            );
        }
        assert_eq!(missed(&kept, "1-0,7.5", 9), Some(vec![2, 3]));
        assert_eq!(missed(&kept, "1-0,8.5", 9), Some(vec![1, 2, 3]));
        assert_eq!(missed(&kept, "1-0", 9), Some(vec![1, 2, 3]));
        // Nor as who it is now.
        let token: Token = "1-0,7.5".parse().expect("a token");
        let now = Author {
            node: NODE,
            connection: 6,
        };
        assert_eq!(kept.since(Some(&token), now, 9).segments.len(), 1);
        let author = Author {
            node: 31,
            connection: 42,
        };
        assert_eq!(author.to_string(), "1f.2a");
    }
}
