//! A process that was forked uses none of the other's masking keys. Without the usual harness: its threads would be gone
//! in the child, with the locks they held.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "support/recorder.rs"]
mod recorder;

use fork::{Fork, fork, waitpid};
use recorder::{Recorder, keys_of};
use sockeye::client::{Answer, Client, ConnectionId, Handler, Message, Peer};
use std::collections::HashSet;
use std::process;

/// Fewer than what is fetched from the system at once.
const SENT: usize = 100;

#[derive(Default)]
struct Quiet(Vec<ConnectionId>);

impl Handler for Quiet {
    type State = ();

    fn on_connect(&mut self, peer: &mut Peer<'_>, _tag: u64, _answer: &Answer<'_>) {
        self.0.push(peer.id());
    }

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
}

fn say(client: &mut Client<Quiet>, id: ConnectionId) {
    for _ in 0..SENT {
        let sent = client.with_peer(id, |peer, ()| peer.send("x"));
        assert_eq!(sent, Some(Ok(())));
    }
}

fn main() {
    let recorder = Recorder::start();
    let mut client = Client::new(Quiet::default()).unwrap();
    for tag in 0..2 {
        client.connect(&recorder.connector(), tag).unwrap();
    }
    while client.handler().0.len() < 2 {
        client.turn(None).unwrap();
    }
    let ids = client.handler().0.clone();
    // Now there is a batch of keys, of which most are unused.
    client.with_peer(ids[0], |peer, ()| peer.send("x").unwrap());
    match fork().expect("there is room for a process") {
        Fork::Child => {
            say(&mut client, ids[1]);
            process::exit(0);
        }
        Fork::Parent(child) => {
            say(&mut client, ids[0]);
            waitpid(child).unwrap();
        }
    }
    drop(client);
    let recorded: Vec<HashSet<_>> = recorder
        .end()
        .iter()
        .map(|frames| keys_of(frames).into_iter().collect())
        .collect();
    let mut sizes: Vec<_> = recorded.iter().map(HashSet::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [SENT, SENT + 1]);
    // By chance, two hundred keys of 2^32 have one in common once in half a million runs.
    assert!(
        recorded[0].is_disjoint(&recorded[1]),
        "keys were used twice"
    );
    println!("a forked child repeats no key");
}
