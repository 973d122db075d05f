//! An echo server on smol: a task for each connection, with deadlines by its timer.
//!
//! `cargo run --example smol --features futures-io`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another
//! address may be given as an argument.

use smol::Timer;
use smol::net::TcpListener;
use sockeye::aio::{Error, Futures, Io, Server, WebSocket};

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    smol::block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on ws://{}", listener.local_addr()?);
        loop {
            let (stream, peer) = listener.accept().await?;
            let timed = Futures::new(stream).with_timer(async |span| _ = Timer::after(span).await);
            let ended = async { echo(Server::new().accept(timed).await?).await };
            smol::spawn(async move { eprintln!("{peer} ended: {:?}", ended.await) }).detach();
        }
    })
}

async fn echo(mut socket: WebSocket<impl Io>) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
