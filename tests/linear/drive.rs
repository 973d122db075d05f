//! A server's connection that is fed as a driver would.
//!
//! Not here: what it is fed with.

use crate::cost::Cost;
use sockeye::proto::deflate::{ClientBits, Params};
use sockeye::proto::{Config, Connection, Delivery, Event, Inbound, Limits, Outbound, Violation};
use std::sync::Arc;

pub(crate) struct Drive {
    conn: Connection,
    inbound: Inbound,
    /// What was not consumed.
    buffer: Vec<u8>,
    out: Outbound<'static, Vec<u8>>,
    pub(crate) cost: Cost,
    pub(crate) error: Option<Violation>,
    pub(crate) messages: u64,
}

impl Drive {
    /// With limits that nothing here reaches.
    pub(crate) fn new(delivery: Delivery) -> Self {
        let mut config = Config::default();
        config.delivery = delivery;
        config.limits = Limits {
            max_fragments: u32::MAX,
            ..Limits::with_max_message(1 << 40)
        };
        Self {
            conn: Connection::server(Arc::new(config)),
            inbound: Inbound::new(),
            buffer: Vec::new(),
            out: Outbound::server(Vec::new()),
            cost: Cost::default(),
            error: None,
            messages: 0,
        }
    }

    /// The same, with compression and what was said before kept for what comes.
    pub(crate) fn compressed(delivery: Delivery, takeover: bool) -> Self {
        let mut drive = Self::new(delivery);
        let agreed = Params {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            server_max_window_bits: None,
            client_max_window_bits: ClientBits::Absent,
        };
        drive.conn.set_deflate(agreed.agreed());
        drive
    }

    pub(crate) fn close(&mut self) {
        let code = sockeye::proto::CloseCode::NORMAL;
        self.conn.tx.close(code, "", &mut self.out).unwrap();
    }

    /// A whole frame, in pieces of this size.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8], piece: usize) {
        let frame = crate::wire::frame(sockeye::proto::Role::Server, first, payload);
        self.cost.frames += 1;
        for piece in frame.chunks(piece) {
            self.feed(piece);
        }
    }

    /// More bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.cost.input += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            self.cost.calls += 1;
            let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
            let next = rx.next(&mut self.buffer[at..], &mut self.inbound, tx, &mut self.out);
            let step = match next {
                Ok(step) => step,
                Err(violation) => {
                    self.error = Some(violation);
                    break;
                }
            };
            at += step.consumed;
            let Some(event) = step.event else { break };
            self.messages += 1;
            self.cost.output += match event {
                Event::Text(text) => text.len(),
                Event::Binary(data) | Event::Ping(data) | Event::Pong(data) => data.len(),
                Event::Part(part) => part.data.len(),
                Event::Close(close) => close.reason.len(),
            } as u64;
        }
        if at == self.buffer.len() {
            self.buffer.clear();
        } else if at > 0 {
            self.buffer.drain(..at);
        }
        self.cost.output += self.out.sink.len() as u64;
        self.out.sink.clear();
    }

    /// What it has cost, where nothing was wrong.
    pub(crate) fn done(self) -> Cost {
        assert_eq!(self.error, None);
        assert!(self.messages > 0, "nothing was delivered");
        self.cost
    }
}
