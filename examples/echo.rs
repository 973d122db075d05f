//! The smallest server: every message goes back to its sender.
//!
//! `cargo run --example echo`, then connect to `ws://127.0.0.1:9001`.

use sockeye::server::{Builder, Handler, Message, Peer};

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        // The peer may have closed in the meantime; then there is nobody to answer.
        let _ = peer.send(message);
    }
}

fn main() -> std::io::Result<()> {
    let addr = "127.0.0.1:9001".parse().expect("an address");
    let mut server = Builder::new().stop_on_signals().bind(addr, Echo)?;
    println!("listening on ws://{}", server.local_addr());
    server.run()
}
