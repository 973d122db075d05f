//! A driver without a kernel: it feeds a connection and hands on what comes out.

use crate::streams::{KEY, Stream};
use criterion::Throughput;
use sockeye::proto::frame::Role;
use sockeye::proto::{Config, Connection, Event, Inbound, Keys, Limits, Outbound, Sender};
use std::sync::Arc;

pub type Out<'k> = Outbound<'k, Vec<u8>>;

/// A connection that receives in this role.
pub fn connection(role: Role) -> Connection {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(1 << 24);
    Connection::new(role, Arc::new(config))
}

/// Where it sends.
pub fn outbound(role: Role, keys: &mut dyn Keys) -> Out<'_> {
    match role {
        Role::Server => Outbound::server(Vec::new()),
        Role::Client => Outbound::client(Vec::new(), keys),
    }
}

/// The same key for each frame: what a generator costs is not the core's.
pub const fn key() -> [u8; 4] {
    KEY
}

pub fn throughput(stream: &Stream) -> Throughput {
    Throughput::ElementsAndBytes {
        elements: stream.messages,
        bytes: stream.bytes.len() as u64,
    }
}

/// Feeds `input` until nothing more comes of it; gives what was consumed.
pub fn feed(
    conn: &mut Connection,
    input: &mut [u8],
    out: &mut Out<'_>,
    mut hand_on: impl FnMut(Event<'_>, &mut Sender, &mut Out<'_>),
) -> usize {
    let mut inbound = Inbound::new();
    let mut at = 0;
    loop {
        let step = conn
            .rx
            .next(&mut input[at..], &mut inbound, &mut conn.tx, out)
            .expect("the stream is right");
        at += step.consumed;
        match step.event {
            Some(event) => hand_on(event, &mut conn.tx, out),
            None => return at,
        }
    }
}
