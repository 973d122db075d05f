//! A chat without rooms: every message goes to everyone, with the number of its author in front.
//!
//! `cargo run --example broadcast`, then connect several clients to `ws://127.0.0.1:9001`.

use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer};

#[derive(Default)]
struct Chat {
    members: usize,
}

impl Handler for Chat {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_>, _request: &Request<'_>) {
        self.members += 1;
        let welcome = format!("{} joined; {} here", peer.id(), self.members);
        peer.broadcast(welcome.as_str());
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        if let Message::Text(text) = message {
            let line = format!("{}: {text}", peer.id());
            peer.broadcast(line.as_str());
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, id: ConnectionId, (): (), closed: &Closed<'_>) {
        self.members -= 1;
        println!("{id} left with {}; {} here", closed.code, self.members);
    }
}

fn main() -> std::io::Result<()> {
    let addr = "127.0.0.1:9001".parse().expect("an address");
    let mut server = Builder::new()
        .stop_on_signals()
        .bind(addr, Chat::default())?;
    println!("listening on ws://{}", server.local_addr());
    server.run()
}
