//! A process that was forked uses none of the other's masking keys, on async connections either. Without the usual
//! harness: its threads would be gone in the child, with the locks they held.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[allow(dead_code, reason = "it can do more than is asked here")]
#[path = "aio/script.rs"]
mod script;

use fork::{Fork, fork, waitpid};
use script::{Script, now};
use sockeye::aio::{Client, WebSocket};
use std::collections::HashSet;
use std::io::{Read, Write, pipe};
use std::process;

/// Fewer than what is fetched from the system at once.
const SENT: usize = 100;

fn open() -> (Script, WebSocket<Script>) {
    let script = Script::default().stays_open().answers();
    let socket = now(Client::new("x", "/").connect(script.clone())).unwrap();
    script.written();
    (script, socket)
}

/// What goes out, one frame after the other.
fn say((script, socket): &mut (Script, WebSocket<Script>)) -> Vec<u8> {
    for _ in 0..SENT {
        now(socket.send("x")).unwrap();
    }
    script.written()
}

fn keys(frames: &[u8]) -> HashSet<[u8; 4]> {
    let frames = frames.chunks_exact(7);
    frames
        .map(|frame| frame[2..6].try_into().unwrap())
        .collect()
}

fn main() {
    let (mut one, mut other) = (open(), open());
    // Now there is a batch of keys, of which most are unused.
    now(one.1.send("x")).unwrap();
    one.0.written();
    let (mut from_child, mut to_parent) = pipe().unwrap();
    let ours = match fork().expect("there is room for a process") {
        Fork::Child => {
            to_parent.write_all(&say(&mut other)).unwrap();
            process::exit(0);
        }
        Fork::Parent(child) => {
            let ours = say(&mut one);
            waitpid(child).unwrap();
            ours
        }
    };
    drop(to_parent);
    let mut theirs = Vec::new();
    from_child.read_to_end(&mut theirs).unwrap();
    let (ours, theirs) = (keys(&ours), keys(&theirs));
    assert_eq!([ours.len(), theirs.len()], [SENT, SENT]);
    // By chance, two hundred keys of 2^32 have one in common once in half a million runs.
    assert!(ours.is_disjoint(&theirs), "keys were used twice");
    println!("a forked child repeats no key on async connections");
}
