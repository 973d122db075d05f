//! An echo server that is a service of tower's, served by hyper; a router of axum's would take it as well.
//!
//! `cargo run --example tower --features tower`, then connect to `ws://127.0.0.1:9001`; everything is echoed. Another
//! address may be given as an argument.

use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use sockeye::aio::http::{Socket, UpgradeService};
use sockeye::aio::{Error, Server};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let service = UpgradeService::new(Server::new(), async |socket, _| drop(echo(socket).await));
    loop {
        let io = TokioIo::new(listener.accept().await?.0);
        let service = TowerToHyperService::new(service.clone());
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(io, service).with_upgrades());
    }
}

async fn echo(mut socket: Socket) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
