//! A chat without rooms: every message goes to everyone, with the number of its author in front.
//!
//! `cargo run --example broadcast`, then connect several clients to `ws://127.0.0.1:9001`.

use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer};

struct Chat;

impl Handler for Chat {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_>, _request: &Request<'_>) {
        let welcome = format!("{} joined; {} here", peer.id(), peer.hub().online());
        peer.broadcast(&welcome);
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if let Message::Text(text) = message {
            let line = format!("{}: {text}", peer.id());
            peer.broadcast(&line);
        }
    }

    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, (): (), closed: &Closed<'_>) {
        println!("{id} left with {}; {} here", closed.code, hub.online());
    }
}

fn main() -> std::io::Result<()> {
    let addr = "127.0.0.1:9001".parse().expect("an address");
    let mut server = Builder::new().stop_on_signals().bind(addr, Chat)?;
    println!("listening on ws://{}", server.local_addr());
    server.run()
}
