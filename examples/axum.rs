//! An echo server on a route of axum's.
//!
//! `cargo run --example axum --features axum`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another
//! address may be given as an argument.

use axum::{Router, response::Response, routing::any};
use sockeye::aio::{Error, http::Socket, http::WebSocketUpgrade};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", any(serve))).await
}

async fn serve(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |socket| eprintln!("ended: {:?}", echo(socket).await))
}

async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
