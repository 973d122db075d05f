//! A server that looks at nothing: it upgrades whatever has a key, takes frames with and without masks, and sends back
//! what they hold.
//!
//! Not here: fragments, and lengths beyond 16 bits.

use sockeye::proto::handshake::accept_of;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

pub struct Careless {
    pub url: String,
}

impl Careless {
    /// On a thread that ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that is gone is none of its worries.
                thread::spawn(move || serve(&stream.unwrap()).unwrap_or_default());
            }
        });
        Self { url }
    }
}

fn serve(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut key = String::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        match line.split_once(": ") {
            Some(("Sec-WebSocket-Key", value)) => key = value.trim().to_owned(),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let accept = String::from_utf8(accept_of(key.as_bytes()).to_vec()).unwrap();
    let head =
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept";
    stream.write_all(format!("{head}: {accept}\r\n\r\n").as_bytes())?;
    loop {
        let mut header = [0; 2];
        input.read_exact(&mut header)?;
        let mut len = u64::from(header[1] & 0x7F);
        if len == 126 {
            let mut wide = [0; 2];
            input.read_exact(&mut wide)?;
            len = u64::from(u16::from_be_bytes(wide));
        }
        let mut key = [0; 4];
        if header[1] & 0x80 != 0 {
            input.read_exact(&mut key)?;
        }
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        input.read_exact(&mut payload)?;
        for (index, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[index % 4];
        }
        let answer = match header[0] {
            0x89 => 0x8A,
            0x8A => continue,
            other => other,
        };
        let mut out = vec![answer];
        match u8::try_from(payload.len()) {
            Ok(short @ ..126) => out.push(short),
            _ => {
                out.push(126);
                out.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        out.extend(payload);
        stream.write_all(&out)?;
        if answer == 0x88 {
            return Ok(());
        }
    }
}
