//! The core in somebody else's server: here, one thread per connection on plain `std` sockets.
//!
//! `cargo run --example embed --no-default-features`, then connect to `ws://127.0.0.1:9001`; everything is echoed.
//! Another address may be given as an argument.

use sockeye::proto::handshake::{HeadLimits, OriginPolicy, server::RequestParser};
use sockeye::proto::{Connection, Event, Inbound, Outbound, SendError, Sender, State};
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:9001"))?;
    println!("listening on ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || eprintln!("ended: {:?}", serve(stream)));
    }
    Ok(())
}

/// The driver. Where it ends before the connection does, the state is still `Open`.
fn serve(mut stream: TcpStream) -> Result<State, Box<dyn Error>> {
    // The core has no clock: deadlines are the embedder's.
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut parser = RequestParser::new(HeadLimits::default());
    let mut conn = Connection::server(Default::default());
    let (mut inbound, mut out) = (Inbound::new(), Outbound::server(Vec::new()));
    let (mut input, mut chunk) = (Vec::new(), [0; 4096]);
    while !conn.is_over()
        && let count @ 1.. = stream.read(&mut chunk)?
    {
        input.extend_from_slice(&chunk[..count]);
        let answer = parser.answer(&input, &OriginPolicy::SameHost, &mut out.sink);
        let Ok(answer) = answer else { break };
        let Some(mut at) = answer else { continue };
        let rx = &mut conn.rx;
        // A violation ends the connection; its Close frame is then in `out`, behind the answers to what came before.
        while let Ok(step) = rx.next(&mut input[at..], &mut inbound, &mut conn.tx, &mut out) {
            at += step.consumed;
            let Some(event) = step.event else { break };
            on_event(event, &mut conn.tx, &mut out)?;
        }
        input.drain(..at);
        stream.write_all(&out.sink)?;
        out.sink.clear();
    }
    // A refusal is still to be written. Then half-closed and read to the peer's end, or a reset could overtake the last
    // bytes.
    stream.write_all(&out.sink)?;
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(conn.state())
}

/// The application.
fn on_event(
    event: Event<'_>,
    tx: &mut Sender,
    out: &mut Outbound<'_, Vec<u8>>,
) -> Result<(), SendError> {
    match event {
        Event::Text(text) => tx.text(text, out),
        Event::Binary(data) => tx.binary(data, out),
        Event::Part(_) | Event::Ping(_) | Event::Pong(_) | Event::Close(_) => Ok(()),
    }
}
