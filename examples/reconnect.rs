//! A client that stays connected: when its server goes, it comes again, later and later, and what was said meanwhile
//! waits. From a server that keeps what it says, it hears what it has missed.
//!
//! `cargo run --example echo` in one terminal, `cargo run --example reconnect` in another; then stop the server for a
//! while.

use sockeye::client::{Client, Connector, Handler, LinkState, Message, Peer, Reconnect};
use std::error::Error;
use std::time::{Duration, Instant};

const LINK: u64 = 1;

struct Talk;

impl Handler for Talk {
    type State = ();

    fn on_link(&mut self, _tag: u64, state: LinkState) {
        println!("{state:?}");
    }

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        println!("{}", String::from_utf8_lossy(message.bytes()));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1);
    let url = url.as_deref().unwrap_or("ws://127.0.0.1:9001");
    let connector = Connector::new(url)?
        .reconnect(Reconnect::default())
        .resume();
    let mut client = Client::new(Talk)?;
    client.connect(&connector, LINK)?;
    let (mut number, mut due) = (0, Instant::now());
    loop {
        if Instant::now() >= due {
            number += 1;
            client.send(LINK, format!("message {number}").as_str());
            due += Duration::from_secs(1);
        }
        let wait = due.saturating_duration_since(Instant::now());
        if !client.turn(Some(wait))? {
            return Ok(());
        }
    }
}
