//! Events as JSON, one object on a line, for programs.
//!
//! Bytes that are not text are written as hexadecimal digits, the same as `/binary` takes.
//!
//! Not here: what people see; that is `show`.

use super::event::{Event, Kind, Way};
use core::fmt::Write;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The object for an event, of the connection with this id where there are several. No newline at the end.
///
/// What was sent is no event: whoever reads this sent it.
pub(crate) fn line(at: Timestamp, id: Option<u64>, event: &Event<'_>) -> Option<String> {
    let (name, fields) = fields(event)?;
    let mut object = Map::new();
    object.insert("time".to_owned(), format!("{at:.3}").into());
    if let Some(id) = id {
        object.insert("id".to_owned(), id.into());
    }
    object.insert("event".to_owned(), name.into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Some(Value::Object(object).to_string())
}

fn fields(event: &Event<'_>) -> Option<(&'static str, Value)> {
    Some(match *event {
        Event::Open(opened) => (
            "open",
            json!({
                "url": opened.url,
                "subprotocol": opened.subprotocol,
                "deflate": opened.deflate,
                "headers": opened.headers,
            }),
        ),
        Event::Failed { error } => ("failed", json!({ "error": error })),
        Event::Frame {
            way: Way::Received,
            kind,
            data,
        } => frame(kind, data),
        Event::Frame { way: Way::Sent, .. } => return None,
        Event::Close(ended) => (
            "close",
            json!({
                "code": ended.code,
                "reason": ended.reason,
                "clean": ended.clean,
                "cause": ended.cause,
            }),
        ),
        Event::GivenUp => ("given up", json!({})),
        Event::Waiting { delay } => ("waiting", json!({ "seconds": delay.as_secs_f64() })),
    })
}

fn frame(kind: Kind, bytes: &[u8]) -> (&'static str, Value) {
    let size = bytes.len();
    match kind {
        Kind::Text => {
            // Text that arrived is UTF-8.
            let data = String::from_utf8_lossy(bytes);
            (
                "message",
                json!({ "kind": "text", "size": size, "data": data }),
            )
        }
        Kind::Binary => (
            "message",
            json!({ "kind": "binary", "size": size, "data": hex(bytes) }),
        ),
        Kind::Ping | Kind::Pong => (kind.name(), json!({ "size": size, "data": hex(bytes) })),
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A `String` takes everything.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::super::event::{Ended, Event, Kind, Opened, Way};
    use super::line;
    use core::time::Duration;
    use jiff::Timestamp;

    fn at() -> Timestamp {
        "2026-03-01T04:05:06.0789Z".parse().expect("a time")
    }

    const TIME: &str = r#"{"time":"2026-03-01T04:05:06.078Z","#;

    fn frame(way: Way, kind: Kind, data: &[u8]) -> Event<'_> {
        Event::Frame { way, kind, data }
    }

    #[test]
    fn events_are_an_object_each() {
        let got = Way::Received;
        for (event, rest) in [
            (
                frame(got, Kind::Text, b"a\"\n\x1b"),
                r#""event":"message","kind":"text","size":4,"data":"a\"\n\u001b"}"#,
            ),
            (
                frame(got, Kind::Binary, b"\x00\xff"),
                r#""event":"message","kind":"binary","size":2,"data":"00ff"}"#,
            ),
            (
                frame(got, Kind::Ping, b"a"),
                r#""event":"ping","size":1,"data":"61"}"#,
            ),
            (
                frame(got, Kind::Pong, b""),
                r#""event":"pong","size":0,"data":""}"#,
            ),
            (
                Event::Failed { error: "no" },
                r#""event":"failed","error":"no"}"#,
            ),
            (
                Event::Open(Opened {
                    url: "ws://a/",
                    subprotocol: Some("chat"),
                    deflate: true,
                    headers: &[("Server".to_owned(), "x".to_owned())],
                }),
                r#""event":"open","url":"ws://a/","subprotocol":"chat","deflate":true,"headers":[["Server","x"]]}"#,
            ),
            (
                Event::Close(Ended {
                    code: 1006,
                    reason: "",
                    clean: false,
                    cause: Some("lost"),
                }),
                r#""event":"close","code":1006,"reason":"","clean":false,"cause":"lost"}"#,
            ),
            (
                Event::Waiting {
                    delay: Duration::from_millis(1500),
                },
                r#""event":"waiting","seconds":1.5}"#,
            ),
        ] {
            assert_eq!(line(at(), None, &event), Some(format!("{TIME}{rest}")));
        }
        let event = frame(got, Kind::Pong, b"");
        let numbered = line(at(), Some(2), &event).expect("it is shown");
        assert_eq!(
            numbered,
            format!(r#"{TIME}"id":2,"event":"pong","size":0,"data":""}}"#)
        );
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        assert_eq!(line(at(), None, &frame(Way::Sent, Kind::Text, b"x")), None);
    }
}
