//! Where a connection is in what its server keeps, so that the next one goes on there.
//!
//! | the server says | so the connection |
//! |---|---|
//! | `{"cmd":"resumed","param":{"missed":0,"complete":true,"as":"1f.2a"},"at":"17-7"}` | is called `1f.2a`, and is at `17-7` |
//! | `{"cmd":"say","param":{},"at":"17-8"}` | is at `17-8` |
//!
//! Where the connection is lost, the next one asks for `resume=17-8,1f.2a`, which is the *token*. For that no JSON is parsed:
//! only how a message ends is looked at. Inside of a JSON string a quote has a backslash before it, so what looks like the
//! last member of the outermost object is that.
//!
//! Not here: connecting; and what was missed, which the server tells as it tells everything.

use alloc::string::String;

use crate::reactor::Message;

/// The longest name of a place or a connection that is taken for one.
const MAX_NAME: usize = 128;

/// How far a connection resumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It is opened as if there had been none before.
    #[default]
    Never,
    /// It begins where things are now; the next one goes on.
    Next,
    /// It goes on with this token.
    From(String),
}

/// What one turn of a connection has brought.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Empty: nothing.
    name: String,
    /// Empty: nothing.
    at: String,
}

impl Heard {
    /// A message is told.
    pub(crate) fn hear(&mut self, message: Message<'_>) {
        let Message::Text(text) = message else {
            return;
        };
        let Some((before, at)) = split_at_member(text) else {
            return;
        };
        // What says so a second time was said by another peer.
        if self.name.is_empty()
            && let Some(name) = name_in(before)
        {
            self.name.push_str(name);
        }
        self.at.clear();
        self.at.push_str(at);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.name.is_empty() && self.at.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.name.clear();
        self.at.clear();
    }
}

/// Where a link is.
#[derive(Debug)]
pub(crate) struct Place {
    token: Option<String>,
    /// What the server calls the present connection. Until it has said so, an `at` is whatever its sender means by it.
    name: Option<String>,
}

impl Place {
    /// Where a link is that resumes like this, if that is anywhere.
    pub(crate) fn of(resume: &Resume) -> Option<Self> {
        let token = match resume {
            Resume::Never => return None,
            Resume::Next => None,
            Resume::From(token) => Some(token.clone()),
        };
        Some(Self { token, name: None })
    }

    /// There is a new connection, of which the server has said nothing yet.
    pub(crate) fn begin(&mut self) {
        self.name = None;
    }

    /// Takes over what a turn has brought.
    pub(crate) fn go_on(&mut self, heard: &Heard) {
        if self.name.is_none() && !heard.name.is_empty() {
            self.name = Some(heard.name.clone());
        }
        if let Some(name) = &self.name
            && !heard.at.is_empty()
        {
            let token = self.token.get_or_insert_default();
            token.clear();
            token.push_str(&heard.at);
            token.push(',');
            token.push_str(name);
        }
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// Whether it is a place and a connection.
pub(crate) fn is_token(text: &str) -> bool {
    text.split_once(',')
        .is_some_and(|(at, name)| is_name(at) && is_name(name))
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_in_name)
}

const fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

/// What a message ends with, if that is `,"at":"…"}`, and what stands before that.
fn split_at_member(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_suffix("\"}")?;
    let tail = rest.bytes().rev().take(MAX_NAME);
    let len = tail.take_while(|&byte| is_in_name(byte)).count();
    let (before, at) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
    let before = before.strip_suffix(",\"at\":\"")?;
    is_name(at).then_some((before, at))
}

/// What the server calls this connection, if this is the message that says so.
fn name_in(text: &str) -> Option<&str> {
    let said = text.strip_prefix("{\"cmd\":\"resumed\",")?;
    let (_, behind) = said.split_once("\"as\":\"")?;
    let (name, _) = behind.split_once('"')?;
    is_name(name).then_some(name)
}

/// The target of a request that goes on at a token: it is the query's one `resume`.
pub(crate) fn resuming(target: &str, token: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // Where there is no query there is nothing between its signs either.
    let is_other = |pair: &&str| !query.is_empty() && pair.split('=').next() != Some("resume");
    let mut whole = String::from(path);
    let mut mark = '?';
    for pair in query.split('&').filter(is_other) {
        whole.push(mark);
        whole.push_str(pair);
        mark = '&';
    }
    whole.push(mark);
    whole.push_str("resume=");
    whole.push_str(token);
    whole
}

#[cfg(test)]
mod tests;
