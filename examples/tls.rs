//! An echo server that speaks TLS.
//!
//! `cargo run --example tls --features tls CERTIFICATE KEY`, two files in PEM, then connect to `wss://127.0.0.1:9001`.
//! A certificate to try it with: `openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key -out cert`.

use sockeye::server::{Builder, Handler, Message, Peer};
use sockeye::tls;
use std::error::Error;

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        // The peer may have closed in the meantime; then there is nobody to answer.
        let _ = peer.send(message);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (files.next(), files.next()) else {
        return Err("usage: tls CERTIFICATE KEY".into());
    };
    let tls = tls::Server::from_files(certificate, key)?;
    let addr = "127.0.0.1:9001".parse()?;
    let mut server = Builder::new().tls(tls).stop_on_signals().bind(addr, Echo)?;
    println!("listening on wss://{}", server.local_addr());
    Ok(server.run()?)
}
