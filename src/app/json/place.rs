//! How clients are told where they are in what a path keeps.
//!
//! Each message that is kept has that as its last member: `{"cmd":"say","param":"hi","at":"1795400000000-8"}`. Whoever
//! comes hears first `{"cmd":"resumed","param":{"missed":3,"complete":true,"as":"1f.2a"},"at":"…"}`; what it has missed
//! comes behind that. Where it is not `complete`, it is too late: what was missed is not known any more. To come back, it
//! asks for the path with `?resume=AT,AS`, of the last `at` and the last `as` that it has heard.
//!
//! Not here: what was missed; that is the server's.

use crate::reactor::{Resumed, Words};
use crate::server::History;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The query parameter that says where somebody was.
pub(crate) const RESUME: &str = "resume";

/// A history that tells where it is.
pub(crate) const fn told(history: History) -> History {
    history.told(Words { mark, greet })
}

fn greet(resumed: &Resumed<'_>) -> String {
    let Resumed {
        missed,
        is_complete,
        author,
        at,
    } = resumed;
    format!(
        r#"{{"cmd":"resumed","param":{{"missed":{missed},"complete":{is_complete},"as":"{author}"}},"at":"{at}"}}"#
    )
}

/// Only an object can have one more member.
fn mark(payload: &[u8], at: &str, out: &mut Vec<u8>) -> bool {
    let payload = payload.trim_ascii();
    let (Some(b'{'), Some(members)) = (payload.first(), payload.strip_suffix(b"}")) else {
        return false;
    };
    out.extend_from_slice(members);
    if members.trim_ascii_end() != b"{" {
        out.push(b',');
    }
    out.extend_from_slice(b"\"at\":\"");
    out.extend_from_slice(at.as_bytes());
    out.extend_from_slice(b"\"}");
    true
}

#[cfg(test)]
mod tests {
    use super::mark;
    use alloc::vec::Vec;

    #[test]
    fn an_object_has_its_place_as_its_last_member() {
        for (before, after) in [
            (r#"{"cmd":"x"}"#, r#"{"cmd":"x","at":"1-2"}"#),
            ("{}", r#"{"at":"1-2"}"#),
            (" { } ", r#"{ "at":"1-2"}"#),
            (r#"{"a":{}}"#, r#"{"a":{},"at":"1-2"}"#),
        ] {
            let mut out = Vec::new();
            assert!(mark(before.as_bytes(), "1-2", &mut out), "{before}");
            assert_eq!(core::str::from_utf8(&out), Ok(after));
            let read: serde_json::Value = serde_json::from_str(after).expect(after);
            assert_eq!(read["at"], "1-2");
        }
        for other in ["", "7", "[]", "\"{}\"", "{", "}"] {
            assert!(!mark(other.as_bytes(), "1-2", &mut Vec::new()), "{other}");
        }
    }
}
