//! What is known of several connections, by id: the answer to `show`.
//!
//! Not here: the connections themselves.

use super::event::{Kind, Way};
use super::show::{Escaped, words};
use std::collections::VecDeque;

/// Bytes of messages that are remembered for each connection. The oldest go first.
const MEMORY: usize = 1 << 20;
/// What remembering a message costs beside its bytes.
const OVERHEAD: usize = 64;

/// Every connection that there was, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Book {
    records: Vec<Record>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Connecting,
    Open,
    Failed,
    Closed,
}

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Record {
    uri: String,
    pub(crate) status: Status,
    /// The response's Server header.
    pub(crate) server: Option<String>,
    /// Why it failed, or with which words it was closed.
    pub(crate) ending: Option<String>,
    messages: VecDeque<(Way, String)>,
    remembered: usize,
    forgotten: usize,
}

impl Book {
    /// Takes down a connection that is being opened. Gives its id.
    pub(crate) fn open(&mut self, uri: &str) -> u64 {
        let id = self.records.len() as u64;
        self.records.push(Record {
            uri: uri.to_owned(),
            status: Status::Connecting,
            server: None,
            ending: None,
            messages: VecDeque::new(),
            remembered: 0,
            forgotten: 0,
        });
        id
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(usize::try_from(id).ok()?)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Record> {
        self.records.get_mut(usize::try_from(id).ok()?)
    }

    /// Those that may still become open, or are.
    pub(crate) fn living(&self) -> impl Iterator<Item = u64> {
        let living = |record: &Record| matches!(record.status, Status::Connecting | Status::Open);
        (0..)
            .zip(&self.records)
            .filter(move |(_, record)| living(record))
            .map(|(id, _)| id)
    }
}

impl Record {
    pub(crate) fn remember(&mut self, way: Way, kind: Kind, data: &[u8]) {
        let words = words(kind, data);
        self.remembered += words.len() + OVERHEAD;
        self.messages.push_back((way, words));
        while self.remembered > MEMORY
            && let Some((_, oldest)) = self.messages.pop_front()
        {
            self.remembered -= oldest.len() + OVERHEAD;
            self.forgotten += 1;
        }
    }

    /// What `show` answers.
    pub(crate) fn show(&self) -> String {
        let none = "None Specified";
        let or_none = |words: &Option<String>, none: &str| {
            words
                .as_deref()
                .map_or_else(|| none.to_owned(), |words| Escaped(words).to_string())
        };
        let count = self.messages.len() + self.forgotten;
        let mut lines = vec![
            format!("> URI: {}", Escaped(&self.uri)),
            format!("> Status: {:?}", self.status),
            format!("> Remote Server: {}", or_none(&self.server, none)),
            format!("> Error/close reason: {}", or_none(&self.ending, "N/A")),
            format!("> Messages: ({count})"),
        ];
        if self.forgotten > 0 {
            lines.push(format!("   the oldest {} are forgotten", self.forgotten));
        }
        lines.extend(self.messages.iter().map(|(way, words)| match way {
            Way::Sent => format!(">> {words}"),
            Way::Received => format!("<< {words}"),
        }));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Kind, Way};
    use super::{Book, MEMORY, Status};

    #[test]
    fn show_tells_what_is_known() {
        let mut book = Book::default();
        assert_eq!(book.open("ws://a/"), 0);
        assert_eq!(book.open("ws://b/"), 1);
        let fresh = "> URI: ws://b/\n> Status: Connecting\n> Remote Server: None Specified\n\
            > Error/close reason: N/A\n> Messages: (0)";
        assert_eq!(book.get(1).expect("it is there").show(), fresh);
        let record = book.get_mut(1).expect("it is there");
        record.status = Status::Closed;
        record.server = Some("Nice/1 \u{1b}[2J".to_owned());
        record.ending = Some("1000 normal".to_owned());
        record.remember(Way::Sent, Kind::Text, b"hi");
        record.remember(Way::Received, Kind::Text, b"h\ro");
        record.remember(Way::Received, Kind::Binary, b"\x01\x02");
        let told = "> URI: ws://b/\n> Status: Closed\n> Remote Server: Nice/1 \\u{1b}[2J\n\
            > Error/close reason: 1000 normal\n> Messages: (3)\n>> hi\n<< h\\ro\n<< 01 02";
        assert_eq!(record.show(), told);
        assert!(book.get(2).is_none() && book.get_mut(u64::MAX).is_none());
    }

    #[test]
    fn those_that_ended_are_not_living() {
        let mut book = Book::default();
        for status in [
            Status::Connecting,
            Status::Open,
            Status::Failed,
            Status::Closed,
        ] {
            let id = book.open("ws://a/");
            book.get_mut(id).expect("it is there").status = status;
        }
        assert_eq!(book.living().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn memory_is_bounded_and_says_what_it_forgot() {
        let mut book = Book::default();
        let id = book.open("ws://a/");
        let record = book.get_mut(id).expect("it is there");
        for _ in 0..3000 {
            record.remember(Way::Received, Kind::Text, &[b'x'; 1000]);
        }
        assert!(record.remembered <= MEMORY);
        let shown = record.show();
        let lines = shown.lines().count();
        assert!(shown.len() < MEMORY * 2, "{}", shown.len());
        assert!(shown.contains("> Messages: (3000)"));
        let told = format!("the oldest {} are forgotten", 3000 - (lines - 6));
        assert!(shown.contains(&told), "{told}");
    }
}
