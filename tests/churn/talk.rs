//! What is said: small and large, whole and in fragments, compressed, and to a room.
//!
//! Not here: who says it.

use crate::frames::{self, BINARY, CONTINUATION, FIN, binary, frame, text};
use sockeye::proto::deflate::{Compressor, Params, Policy};
use sockeye::proto::{Connection, Outbound};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    Small,
    Large,
    Fragments,
    Compressed,
    /// To all who are in the same room.
    News,
}

impl Talk {
    pub const ALL: [Self; 5] = [
        Self::Small,
        Self::Large,
        Self::Fragments,
        Self::Compressed,
        Self::News,
    ];
}

/// What each kind is on the wire, made once.
pub struct Words(Vec<Vec<u8>>);

impl Words {
    pub fn new() -> Self {
        Self(Talk::ALL.into_iter().map(encoded).collect())
    }

    pub fn of(&self, talk: Talk) -> &[u8] {
        &self.0[talk as usize]
    }
}

fn encoded(talk: Talk) -> Vec<u8> {
    match talk {
        Talk::Small => text("hello"),
        Talk::Large => binary(&[7; 70_000]),
        Talk::Fragments => [
            frame(BINARY, &[1; 1000]),
            frame(CONTINUATION, &[2; 2000]),
            frame(FIN | CONTINUATION, &[3; 30]),
        ]
        .concat(),
        Talk::Compressed => frame(FIN | 0x40 | BINARY, &compressed(&b"again and ".repeat(200))),
        Talk::News => text(&format!("={}", "news ".repeat(100))),
    }
}

/// A message's payload as a peer without takeover sends it.
fn compressed(data: &[u8]) -> Vec<u8> {
    let agreed = Params {
        server_no_context_takeover: true,
        ..Params::default()
    };
    let mut conn = Connection::server(Arc::default());
    conn.set_deflate(agreed.agreed());
    let mut compressor = Compressor::new(&Policy::default());
    let mut out = Outbound::server(Vec::new()).deflate(&mut compressor);
    conn.tx.binary(data, &mut out).expect("it is open");
    let frame = out.sink;
    frame[frames::payload_range(&frame).expect("whole")].to_vec()
}
