//! The tokio example loses nothing when its reads are cancelled.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::std_instead_of_core)]

#[allow(dead_code)]
#[path = "../examples/tokio.rs"]
mod example;

use sockeye::proto::State;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const PING: [u8; 2] = [0x89, 0];

async fn read<const N: usize>(stream: &mut DuplexStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// The clock is stopped and moves on by itself where everybody waits. So behind each byte of two messages the server
/// waits for more until its next ping is due, which cancels the read; only when the ping is here the next byte goes
/// out.
#[tokio::test(start_paused = true)]
async fn a_ping_behind_every_byte() {
    let (mut client, server) = duplex(1024);
    let served = tokio::spawn(example::serve(server));
    client.write_all(REQUEST).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read::<1>(&mut client).await);
    }

    for _ in 0..2 {
        let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        let (last, before) = hello.split_last().unwrap();
        for byte in before {
            client.write_all(&[*byte]).await.unwrap();
            assert_eq!(read(&mut client).await, PING);
        }
        client.write_all(&[*last]).await.unwrap();
        assert_eq!(read(&mut client).await, *b"\x81\x05Hello");
    }

    client.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
    assert_eq!(read(&mut client).await, *b"\x88\x02\x03\xe8");
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "half-closed");
    drop(client);
    assert_eq!(served.await.unwrap().unwrap(), State::Closed);
}
