//! The core under tokio: a task per connection on its multi-threaded runtime, so what serves one is `Send`.
//!
//! `cargo run --example tokio --no-default-features`, then connect to `ws://127.0.0.1:9001`; everything is echoed.
//! Another address may be given as an argument.

use sockeye::proto::handshake::{HeadLimits, OriginPolicy, server::RequestParser};
use sockeye::proto::{Connection, Event, Inbound, Outbound, State};
use std::{error::Error, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::time::{Instant, interval_at, timeout};

const PING_EVERY: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:9001");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        tokio::spawn(async move { eprintln!("{peer} ended: {:?}", serve(stream).await) });
    }
}

/// The driver, for TCP, TLS and whatever else tokio reads. Where it ends before the connection does, the state is
/// still `Open`.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<State, Box<dyn Error + Send + Sync>> {
    let mut parser = RequestParser::new(HeadLimits::default());
    let mut conn = Connection::server(Default::default());
    let (mut inbound, mut out) = (Inbound::new(), Outbound::server(Vec::new()));
    let (mut input, mut is_open) = (Vec::with_capacity(4096), false);
    let mut ticks = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    while !conn.is_over() {
        // The only place where something is cancelled: a read that loses against a tick has taken nothing, and all that
        // was received and not consumed is in `input`, not in the read.
        tokio::select! {
            count = stream.read_buf(&mut input) => if count? == 0 { break },
            _ = ticks.tick(), if is_open => conn.tx.ping(b"", &mut out)?,
        }
        let answer = parser.answer(&input, &OriginPolicy::SameHost, &mut out.sink);
        let Ok(answer) = answer else { break };
        let Some(mut at) = answer else { continue };
        let rx = &mut conn.rx;
        // A violation ends the connection; its Close frame is then in `out`, behind the answers to what came before.
        while let Ok(step) = rx.next(&mut input[at..], &mut inbound, &mut conn.tx, &mut out) {
            at += step.consumed;
            match step.event {
                Some(Event::Text(text)) => conn.tx.text(text, &mut out)?,
                Some(Event::Binary(data)) => conn.tx.binary(data, &mut out)?,
                Some(_) => {}
                None => break,
            }
        }
        is_open = true;
        input.drain(..at);
        input.reserve(4096);
        stream.write_all(&out.sink).await?;
        out.sink.clear();
    }
    // A refusal has not been written. After that, half-closed and read to the peer's end: no reset overtakes the
    // last bytes.
    stream.write_all(&out.sink).await?;
    stream.shutdown().await?;
    timeout(Duration::from_secs(3), copy(&mut stream, &mut sink())).await??;
    Ok(conn.state())
}
