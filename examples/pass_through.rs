//! An echo server that never holds a message: whatever has arrived of one goes back at once, so that one of any size
//! passes through constant memory. `tests/stream/run` sends it ten gigabytes.
//!
//! `cargo run --release --example pass_through --features tokio`, then connect to `ws://127.0.0.1:9001`.

use sockeye::aio::{Error, Server, Terms, Tokio};
use sockeye::proto::{Config, Delivery, Limits};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let mut config = Config::default();
    config.delivery = Delivery::Chunks;
    config.limits = Limits::with_max_message(1 << 40);
    config.deflate = None;
    let mut terms = Terms::default();
    terms.config = config.into();
    let server = Server::new().terms(terms);
    loop {
        let (stream, peer) = listener.accept().await?;
        let server = server.clone();
        tokio::spawn(async move { eprintln!("{peer} ended: {:?}", pass(&server, stream).await) });
    }
}

async fn pass(server: &Server, stream: TcpStream) -> Result<(), Error> {
    let (mut reader, mut writer) = server.accept(Tokio::new(stream)).await?.split();
    while let Some(event) = reader.receive().await? {
        if event.is_data() {
            writer.feed(event).await?; // each part a fragment
        }
    }
    Ok(())
}
