//! The same client on tokio: the Autobahn|Testsuite judges it.
//!
//! `autobahn/run client --tokio` builds and runs it. By hand:
//! `cargo run --example autobahn_tokio --features tokio -- ws://127.0.0.1:9002`.

use sockeye::aio::{Client, Error, Terms, Tokio, WebSocket};
use sockeye::proto::{Config, Limits};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1);
    let host = server.as_deref().and_then(|url| url.strip_prefix("ws://"));
    let host = host.ok_or("usage: autobahn_tokio ws://HOST:PORT")?;
    let mut cases = visit(host, "/getCaseCount").await?;
    let message = cases
        .next()
        .await
        .ok_or("the server did not say how many cases it has")??;
    let count: usize = message.as_text().ok_or("that is no number")?.parse()?;
    for case in 1..=count {
        let socket = visit(host, &format!("/runCase?case={case}&agent=Sockeye")).await?;
        // What breaks the protocol is told to the suite, which has a verdict on that too.
        let _ = echo(socket).await;
    }
    let mut reports = visit(host, "/updateReports?agent=Sockeye").await?;
    while reports.next().await.transpose()?.is_some() {}
    Ok(())
}

async fn visit(host: &str, target: &str) -> Result<WebSocket<Tokio<TcpStream>>, Error> {
    let mut config = Config::default();
    config.limits = Limits::with_max_message(16 << 20);
    let mut terms = Terms::default();
    terms.config = config.into();
    let stream = TcpStream::connect(host).await.map_err(Error::Io)?;
    let client = Client::new(host, target).terms(terms);
    client.connect(Tokio::new(stream)).await
}

async fn echo(mut socket: WebSocket<Tokio<TcpStream>>) -> Result<(), Error> {
    while let Some((event, mut answer)) = socket.receive_to_answer().await? {
        if event.is_data() {
            answer.feed(event).await?;
        }
    }
    Ok(())
}
