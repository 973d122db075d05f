//! An echo server in hyper's: whatever else that serves, it has WebSockets too.
//!
//! `cargo run --example hyper --features hyper`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another
//! address may be given as an argument.

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sockeye::aio::{Error, Server, http};
use std::convert::Infallible;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let io = TokioIo::new(listener.accept().await?.0);
        let http = http1::Builder::new().serve_connection(io, service_fn(serve));
        tokio::spawn(http.with_upgrades());
    }
}

async fn serve(mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let run = async |socket| eprintln!("ended: {:?}", echo(socket).await);
    Ok(Server::new().on_upgrade(&mut request, run))
}

async fn echo(mut socket: http::Socket) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
