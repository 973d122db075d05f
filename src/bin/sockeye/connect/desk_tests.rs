//! A server that writes down what it is told, and a screen that writes down what it shows.

use super::desk::{Calls, Show};
use super::event::{Event, Kind, Way};
use sockeye::proto::CloseCode;
use sockeye::server::Message;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// What a server was told, in order.
#[derive(Default)]
pub(super) struct Told {
    pub(super) calls: Vec<String>,
    pub(super) waiting: usize,
    /// Everything fails, for this reason.
    pub(super) broken: Option<&'static str>,
}

impl Told {
    fn call(&mut self, call: String) -> Result<(), String> {
        if let Some(why) = self.broken {
            return Err(why.to_owned());
        }
        self.calls.push(call);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }
}

impl Calls for Told {
    fn connect(&mut self, url: &str) -> Result<(), String> {
        self.call(format!("connect {url}"))
    }

    fn send(&mut self, id: u64, message: Message<'_>) -> Result<(), String> {
        self.call(format!("{id} {message:?}"))
    }

    fn ping(&mut self, id: u64, data: &[u8]) -> Result<(), String> {
        self.call(format!("{id} ping {data:?}"))
    }

    fn pong(&mut self, id: u64, data: &[u8]) -> Result<(), String> {
        self.call(format!("{id} pong {data:?}"))
    }

    fn close(&mut self, id: u64, code: CloseCode, reason: &str) -> Result<(), String> {
        self.call(format!("{id} close {code} {reason}"))
    }

    fn waiting(&mut self, _: u64) -> usize {
        self.waiting
    }
}

/// What was shown, in order. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Screen(Rc<RefCell<Vec<String>>>);

impl Screen {
    pub(super) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    fn put(&self, line: String) -> io::Result<()> {
        self.0.borrow_mut().push(line);
        Ok(())
    }
}

impl Show for Screen {
    fn event(&mut self, id: Option<u64>, event: &Event<'_>) -> io::Result<()> {
        let id = id.map_or_else(String::new, |id| format!("#{id} "));
        self.put(match event {
            Event::Frame { way, kind, data } => {
                let arrows = if *way == Way::Sent { ">>" } else { "<<" };
                format!("{id}{arrows} {} {}", kind.name(), data.escape_ascii())
            }
            Event::Open(_) => format!("{id}open"),
            Event::Close(ended) => format!("{id}close {}", ended.code),
            Event::Failed { error } => format!("{id}failed {error}"),
            other => format!("{id}{other:?}"),
        })
    }

    fn answer(&mut self, words: &str) -> io::Result<()> {
        self.put(words.to_owned())
    }

    fn wrong(&mut self, words: &str) -> io::Result<()> {
        self.put(format!("wrong: {words}"))
    }
}

/// A message that came.
pub(super) const fn came(text: &str) -> Event<'_> {
    Event::Frame {
        way: Way::Received,
        kind: Kind::Text,
        data: text.as_bytes(),
    }
}
