//! Runs a connection over bytes cut in any way, as a real driver does: a buffer that grows by what arrives and
//! loses what was consumed, so that half-received, half-unmasked frames are fed again.

use crate::rows::{Expected, Part, With};
use crate::wire::Counting;
use sockeye::proto::{
    CloseCode, Config, Connection, Event, Inbound, Limits, MessageKind, Outbound, Role, State,
    Violation,
};
use std::sync::Arc;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Expected>,
    pub(crate) out: Vec<u8>,
    pub(crate) error: Option<Violation>,
    pub(crate) state: State,
    /// Bytes received and never consumed.
    pub(crate) left: usize,
}

/// The configuration a row asks for.
pub(crate) fn config(with: &With) -> Arc<Config> {
    let mut config = Config::default();
    let defaults = Limits::default();
    config.limits = Limits {
        max_frame: with.max_frame.unwrap_or(defaults.max_frame),
        max_message: with.max_message.unwrap_or(defaults.max_message),
        max_fragments: with.max_fragments.unwrap_or(defaults.max_fragments),
    };
    config.delivery = with.delivery;
    config.auto_pong = !with.auto_pong_off;
    Arc::new(config)
}

/// The connection a row asks for.
fn connection(role: Role, with: &With) -> Connection {
    let conn = Connection::new(role, config(with));
    let Some(deflate) = with.deflate else {
        return conn;
    };
    #[cfg(feature = "deflate")]
    return compressing(conn, deflate);
    #[cfg(not(feature = "deflate"))]
    panic!("{deflate:?} without the feature");
}

/// The same, where both ends may compress.
#[cfg(feature = "deflate")]
fn compressing(mut conn: Connection, deflate: crate::rows::Deflate) -> Connection {
    use sockeye::proto::deflate::{ClientBits, Params};
    let params = Params {
        server_no_context_takeover: !deflate.takeover,
        client_no_context_takeover: !deflate.takeover,
        server_max_window_bits: Some(deflate.window_bits),
        client_max_window_bits: ClientBits::AtMost(deflate.window_bits),
    };
    conn.set_deflate(params.agreed());
    conn
}

/// Feeds `wire` in pieces that end at `cuts` (ascending) and at its end. With the outcome comes the number of bytes
/// that had arrived when the error was reported.
pub(crate) fn replay(
    role: Role,
    with: &With,
    wire: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> (Outcome, Option<usize>) {
    let mut keys = Counting::default();
    // A server has no use for keys and leaves them alone.
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut conn = connection(role, with);
    let mut inbound = Inbound::new();
    if let Some(code) = with.close_first {
        let code = CloseCode::new(code).expect("a code that may be sent");
        conn.tx.close(code, "", &mut out).expect("open");
    }
    let mut events = Vec::new();
    let mut error = None;
    let mut failed_at = None;
    let mut buf: Vec<u8> = Vec::new();
    let mut fed = 0;
    for cut in cuts.into_iter().chain([wire.len()]) {
        buf.extend_from_slice(&wire[fed..cut]);
        fed = cut;
        let mut at = 0;
        loop {
            let step = match conn
                .rx
                .next(&mut buf[at..], &mut inbound, &mut conn.tx, &mut out)
            {
                Ok(step) => step,
                Err(violation) => {
                    assert!(
                        error.is_none_or(|first| first == violation),
                        "the first error sticks"
                    );
                    error = Some(violation);
                    failed_at.get_or_insert(fed);
                    break;
                }
            };
            assert!(error.is_none(), "a step after an error");
            at += step.consumed;
            match step.event {
                None => {
                    let over = conn.tx.state() == State::Closed;
                    assert_eq!(step.need == 0, over, "only the end needs nothing");
                    break;
                }
                Some(event) => {
                    assert_eq!(step.need, 0);
                    if with.echo {
                        match event {
                            Event::Text(text) => conn.tx.text(text, &mut out).expect("open"),
                            Event::Binary(data) => conn.tx.binary(data, &mut out).expect("open"),
                            _ => {}
                        }
                    }
                    record(&mut events, event, with.deflate.is_some());
                }
            }
        }
        buf.drain(..at);
    }
    let outcome = Outcome {
        events,
        out: out.sink,
        error,
        state: conn.state(),
        // After an error nobody looks at the input again.
        left: if error.is_some() { 0 } else { buf.len() },
    };
    (outcome, failed_at)
}

/// Keeps an event; the pieces of one frame become one part.
fn record(events: &mut Vec<Expected>, event: Event<'_>, inflates: bool) {
    let part = match event {
        Event::Part(part) => part,
        event => {
            events.push(owned(event));
            return;
        }
    };
    let data = part.data;
    if let Some(Expected::Part(open)) = events.last_mut()
        && !open.ends_frame
    {
        assert_eq!(
            part.frame_len, None,
            "only a frame's first part has its length"
        );
        assert!(
            !part.starts_message,
            "only a frame's first part starts a message"
        );
        // An inflater may have nothing more to say at the end of a frame.
        let news = !data.is_empty() || inflates && part.ends_frame;
        assert!(news, "a part without news");
        assert_eq!(open.text, part.kind == MessageKind::Text);
        open.data.extend_from_slice(data);
        open.ends_frame = part.ends_frame;
        open.ends_message = part.ends_message;
        return;
    }
    let len = part.frame_len.expect("a frame's first part has its length");
    assert!(inflates || part.ends_frame == (len == data.len() as u64));
    assert!(part.ends_frame || !part.ends_message);
    events.push(Expected::Part(Part {
        text: part.kind == MessageKind::Text,
        data: data.to_vec(),
        starts_message: part.starts_message,
        ends_frame: part.ends_frame,
        ends_message: part.ends_message,
    }));
}

/// A copy of an event that is not a part.
pub(crate) fn owned(event: Event<'_>) -> Expected {
    match event {
        Event::Text(text) => Expected::Text(text.as_bytes().to_vec()),
        Event::Binary(data) => Expected::Binary(data.to_vec()),
        Event::Ping(data) => Expected::Ping(data.to_vec()),
        Event::Pong(data) => Expected::Pong(data.to_vec()),
        Event::Close(close) => Expected::Close(
            close.code.map(CloseCode::get),
            close.reason.as_bytes().to_vec(),
        ),
        Event::Part(part) => panic!("{part:?} where messages were asked for"),
    }
}
