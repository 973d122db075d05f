//! The core in somebody else's server: here, one thread per connection on plain `std` sockets.
//!
//! `cargo run --example embed --no-default-features`, then connect to `ws://127.0.0.1:9001`; everything is echoed.

use sockeye::proto::handshake::server::RequestParser;
use sockeye::proto::handshake::{Accept, HeadLimits, Refusal};
use sockeye::proto::{Connection, Event, Inbound, Outbound, SendError};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001")?;
    println!("listening on ws://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || match serve(stream) {
            Ok(()) => println!("closed"),
            Err(error) => println!("lost: {error}"),
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    // The core has no clock: deadlines are the embedder's.
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut received = Vec::new();
    if !shake_hands(&mut stream, &mut received)? {
        return end(&mut stream);
    }
    let mut conn = Connection::server(Default::default());
    let mut inbound = Inbound::new();
    let mut out = Outbound::server(Vec::new());
    loop {
        let result = answer_all(&mut conn, &mut received, &mut inbound, &mut out);
        // Also after a violation: what came before it is answered, and the Close frame says what was wrong.
        stream.write_all(&out.sink)?;
        out.sink.clear();
        if result.is_err() || conn.is_over() {
            return end(&mut stream);
        }
        read_more(&mut stream, &mut received)?;
    }
}

/// The opening handshake; what follows it stays in `received`. Says whether there is a connection now.
fn shake_hands(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<bool> {
    let mut parser = RequestParser::new(HeadLimits::default());
    let mut answer = Vec::new();
    let head_len = loop {
        match parser.parse(received) {
            Ok(None) => read_more(stream, received)?,
            Ok(Some(request)) => {
                Accept::new(&request)
                    .write(&mut answer)
                    .map_err(io::Error::other)?;
                break Some(request.head_len());
            }
            Err(error) => {
                Refusal::from(error)
                    .write(&mut answer)
                    .map_err(io::Error::other)?;
                break None;
            }
        }
    };
    stream.write_all(&answer)?;
    received.drain(..head_len.unwrap_or(received.len()));
    Ok(head_len.is_some())
}

/// Echoes every message that is complete, and drops what is done with.
fn answer_all(
    conn: &mut Connection,
    received: &mut Vec<u8>,
    inbound: &mut Inbound,
    out: &mut Outbound<'_, Vec<u8>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut at = 0;
    loop {
        let step = conn
            .rx
            .next(&mut received[at..], inbound, &mut conn.tx, out)?;
        at += step.consumed;
        let sent = match step.event {
            Some(Event::Text(text)) => conn.tx.text(text, out),
            Some(Event::Binary(data)) => conn.tx.binary(data, out),
            Some(_) => Ok(()),
            None => break,
        };
        // The peer may close at any time; then there is nobody to answer.
        if let Err(SendError::Misuse(bug)) = sent {
            return Err(bug.into());
        }
    }
    received.drain(..at);
    Ok(())
}

fn read_more(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            received.extend_from_slice(&buffer[..count]);
            Ok(())
        }
    }
}

/// Half-closes and waits for the peer to do the same, so that no reset overtakes the last bytes.
fn end(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    stream.shutdown(Shutdown::Write)?;
    let mut ignored = [0; 4096];
    while stream.read(&mut ignored)? > 0 {}
    Ok(())
}
