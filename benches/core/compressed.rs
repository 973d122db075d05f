//! Who compresses messages through the whole core, and the bare library doing the same through `flate2`.
//!
//! The library side has no frames, no limits and no UTF-8 to check, and does not see whether a message was cut short; it
//! begins anew with each message, as connections without context takeover have to.
#![allow(
    clippy::cast_possible_truncation,
    reason = "the library counts what lies in one buffer"
)]

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use sockeye::proto::deflate::{Agreed, Compressor, Params, Policy};
use sockeye::proto::{Connection, Event, Inbound, Outbound};
use std::hint::black_box;

const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// A server that sends.
pub struct Sender {
    conn: Connection,
    compressor: Compressor,
    wire: Vec<u8>,
}

impl Sender {
    pub fn new(takeover: bool) -> Self {
        let mut conn = Connection::server(Default::default());
        conn.set_deflate(agreed(takeover));
        // Short messages as well, to see what they cost.
        let policy = Policy {
            threshold: 1,
            ..Policy::default()
        };
        Self {
            conn,
            compressor: Compressor::new(&policy),
            wire: Vec::new(),
        }
    }

    pub fn send(&mut self, text: &str) -> &mut [u8] {
        self.wire.clear();
        let out = &mut Outbound::server(&mut self.wire).deflate(&mut self.compressor);
        assert_eq!(self.conn.tx.text(text, out), Ok(()));
        &mut self.wire
    }
}

/// The client that it sends to.
pub struct Receiver {
    conn: Connection,
    inbound: Inbound,
}

impl Receiver {
    pub fn new(takeover: bool) -> Self {
        let mut conn = Connection::client(Default::default());
        conn.set_deflate(agreed(takeover));
        Self {
            conn,
            inbound: Inbound::new(),
        }
    }

    pub fn receive(&mut self, frame: &mut [u8]) -> usize {
        let mut keys = || [0; 4];
        let out = &mut Outbound::client(Vec::new(), &mut keys);
        let (rx, tx) = (&mut self.conn.rx, &mut self.conn.tx);
        match rx
            .next(frame, &mut self.inbound, tx, out)
            .map(|step| step.event)
        {
            Ok(Some(Event::Text(text))) => black_box(text).len(),
            other => panic!("{other:?}"),
        }
    }
}

fn agreed(takeover: bool) -> Agreed {
    Params {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        ..Params::default()
    }
    .agreed()
}

/// The library alone, at the same level.
pub struct Library {
    compress: Compress,
    decompress: Decompress,
    wire: Vec<u8>,
    text: Vec<u8>,
}

impl Library {
    pub fn new(size: usize) -> Self {
        let level = Compression::new(u32::from(Policy::default().level));
        Self {
            compress: Compress::new(level, false),
            decompress: Decompress::new(false),
            wire: vec![0; size * 2 + 64],
            text: vec![0; size + 64],
        }
    }

    pub fn compress(&mut self, text: &str) -> &[u8] {
        let len = self.compress_once(text);
        &self.wire[..len]
    }

    fn compress_once(&mut self, text: &str) -> usize {
        self.compress.reset();
        let (data, sync) = (text.as_bytes(), FlushCompress::Sync);
        let status = self.compress.compress(data, &mut self.wire, sync);
        assert_eq!(status.ok(), Some(flate2::Status::Ok));
        self.compress.total_out() as usize - TAIL.len()
    }

    pub fn inflate(&mut self, payload: &[u8]) -> usize {
        inflate_once(&mut self.decompress, payload, &mut self.text)
    }

    pub fn both(&mut self, text: &str) -> usize {
        let len = self.compress_once(text);
        inflate_once(&mut self.decompress, &self.wire[..len], &mut self.text)
    }
}

fn inflate_once(decompress: &mut Decompress, payload: &[u8], text: &mut [u8]) -> usize {
    decompress.reset(false);
    for piece in [payload, &TAIL] {
        let at = decompress.total_out() as usize;
        let status = decompress.decompress(piece, &mut text[at..], FlushDecompress::Sync);
        assert_eq!(status.ok(), Some(flate2::Status::Ok));
    }
    black_box(&text[..decompress.total_out() as usize]).len()
}
