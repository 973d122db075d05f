//! The crate on a stream, as a driver would have it.
//!
//! Not here: what should come of it.

use crate::reference::{Outcome, Part as Frame, Said};
use crate::stream::Stream;
use sockeye::proto::deflate::{ClientBits, Params};
use sockeye::proto::{
    CloseCode, Config, Connection, Event, Inbound, MessageKind, Outbound, Part, State,
};
use std::sync::Arc;

/// What we say when we close.
pub(crate) const CLOSE: (u16, &str) = (1000, "enough");

/// What came of a stream. The time is the number of the piece.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) outcome: Outcome,
    pub(crate) state: State,
    pub(crate) wrote: Vec<u8>,
}

/// Keys that are the same each time.
pub(crate) fn counting() -> impl FnMut() -> [u8; 4] {
    let mut count = 0_u32;
    move || {
        count += 1;
        count.wrapping_mul(0x9E37_79B9).to_be_bytes()
    }
}

pub(crate) fn run(stream: &Stream) -> Ours {
    let mut conn = connection(stream);
    let mut inbound = Inbound::new();
    let mut keys = counting();
    let mut out = Outbound::client(Vec::new(), &mut keys);
    let mut outcome = Outcome::default();
    let (mut buffer, mut from) = (Vec::new(), 0);
    let mut closed = false;
    for (piece, to) in stream.cuts.iter().enumerate() {
        if stream.close_at == Some(from) && !closed {
            close(&mut conn, &mut out);
            closed = true;
        }
        buffer.extend_from_slice(&stream.bytes[from..*to]);
        from = *to;
        let mut at = 0;
        loop {
            let (rx, tx) = (&mut conn.rx, &mut conn.tx);
            match rx.next(&mut buffer[at..], &mut inbound, tx, &mut out) {
                Ok(step) => {
                    at += step.consumed;
                    let Some(event) = step.event else { break };
                    hear(&mut outcome, piece, event);
                }
                Err(violation) => {
                    let first = outcome.error.get_or_insert((piece, violation));
                    assert_eq!(first.1, violation, "another fault after the first");
                    break;
                }
            }
        }
        buffer.drain(..at);
    }
    if stream.close_at == Some(from) && !closed {
        close(&mut conn, &mut out);
    }
    Ours {
        outcome,
        state: conn.state(),
        wrote: out.sink,
    }
}

fn connection(stream: &Stream) -> Connection {
    let setup = &stream.setup;
    let mut config = Config::default();
    config.limits = setup.limits;
    config.delivery = setup.delivery;
    config.auto_pong = setup.auto_pong;
    let mut conn = Connection::new(setup.role, Arc::new(config));
    if let Some(compression) = setup.compression {
        let agreed = Params {
            server_no_context_takeover: !compression.takeover,
            client_no_context_takeover: !compression.takeover,
            server_max_window_bits: Some(compression.window_bits),
            client_max_window_bits: ClientBits::AtMost(compression.window_bits),
        };
        conn.set_deflate(agreed.agreed());
    }
    conn
}

fn close(conn: &mut Connection, out: &mut Outbound<'_, Vec<u8>>) {
    let code = CloseCode::new(CLOSE.0).expect("a good code");
    // It may be over already.
    let _ = conn.tx.close(code, CLOSE.1, out);
}

fn hear(outcome: &mut Outcome, piece: usize, event: Event<'_>) {
    let said = match event {
        Event::Text(text) => Said::message(MessageKind::Text, text.into()),
        Event::Binary(data) => Said::message(MessageKind::Binary, data.into()),
        Event::Ping(data) => Said::Ping(data.into()),
        Event::Pong(data) => Said::Pong(data.into()),
        Event::Close(close) => Said::Close(close.code.map(CloseCode::get), close.reason.into()),
        Event::Part(part) => return hear_part(outcome, piece, &part),
    };
    outcome.heard.push((piece, said));
}

/// Parts of one frame come together, so that it does not matter how many there are.
fn hear_part(outcome: &mut Outcome, piece: usize, part: &Part<'_>) {
    let last = outcome.heard.last_mut();
    let Some(len) = part.frame_len else {
        let Some((now, Said::Part(frame))) = last.filter(|_| !part.starts_message) else {
            panic!("{part:?} of no frame");
        };
        assert!(!frame.ends_frame, "{part:?} of a frame that has ended");
        frame.data.extend_from_slice(part.data);
        frame.ends_frame = part.ends_frame;
        frame.ends_message = part.ends_message;
        *now = piece;
        return;
    };
    let frame = Frame {
        kind: part.kind,
        data: part.data.to_vec(),
        len,
        starts_message: part.starts_message,
        ends_frame: part.ends_frame,
        ends_message: part.ends_message,
    };
    outcome.heard.push((piece, Said::Part(frame)));
}
