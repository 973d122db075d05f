//! An echo server on tokio: a task for each connection.
//!
//! `cargo run --example tokio --features tokio`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another
//! address may be given as an argument.

use sockeye::aio::{self, Error, Io, WebSocket};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move {
            let ended = async { echo(aio::accept(stream).await?).await };
            eprintln!("{peer} ended: {:?}", ended.await);
        });
    }
}

async fn echo(mut socket: WebSocket<impl Io>) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
