//! Prices that another thread publishes. For whoever reads too slowly one price of each symbol waits: the newest.
//!
//! `cargo run --example ticker`, then `cargo run -- connect ws://127.0.0.1:9001`.

use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Handle, HandleError, Handler, Message, Peer};
use sockeye::server::{RoomSettings, Server, SlowPolicy};
use std::net::SocketAddr;
use std::{io, thread, time::Duration};

const SYMBOLS: [&str; 3] = ["CARP", "PIKE", "TENCH"];

pub(crate) struct Ticker;

impl Handler for Ticker {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_>, _request: &Request<'_>) {
        // It is new here, so there is no reason to refuse it. A room for each symbol would let clients choose.
        let _ = peer.join("prices");
    }

    fn on_message(&mut self, _peer: &mut Peer<'_>, (): &mut (), _message: Message<'_>) {}
}

/// What makes a message replace an earlier one: the symbol in `CARP 101.25`.
fn symbol(price: &[u8]) -> &[u8] {
    let end = price.iter().position(|byte| *byte == b' ');
    &price[..end.unwrap_or(price.len())]
}

pub(crate) fn server(addr: SocketAddr) -> io::Result<Server<Ticker>> {
    let rooms = RoomSettings::default().policy(|_name| SlowPolicy::Conflate(symbol));
    let builder = Builder::new().stop_on_signals().rooms(rooms);
    builder.bind(addr, Ticker)
}

/// Made up here; yours come from an exchange. One publish reaches all, and however many there are it wakes the server once.
pub(crate) fn publish(prices: &Handle, tick: u32) -> Result<(), HandleError> {
    for (cents, symbol) in (10_000..).step_by(2_500).zip(SYMBOLS) {
        let cents = cents + tick * 37 % 200;
        let price = format!("{symbol} {}.{:02}", cents / 100, cents % 100);
        prices.publish("prices", &price)?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut server = server("127.0.0.1:9001".parse().expect("an address"))?;
    println!("listening on ws://{}", server.local_addr());
    let prices = server.handle();
    thread::spawn(move || {
        // A server that is busy gets the next ones.
        for _ in (0..).take_while(|tick| publish(&prices, *tick) != Err(HandleError::Stopped)) {
            thread::sleep(Duration::from_millis(250));
        }
    });
    server.run()
}
