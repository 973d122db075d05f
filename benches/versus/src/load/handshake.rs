//! Connecting and the opening handshake, of the load's side.

use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

/// The key and its answer from RFC 6455, 1.3. Every connection sends the same: nothing is hashed here.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\n\
    Host: localhost\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An address has 28 000 ports by default, and the kernel finds the second half of them slowly: it tries all of one
/// parity first. So the next connections come from the next address.
pub(crate) const CONNECTIONS_PER_ADDRESS: usize = 10_000;

/// Connects and shakes hands, and waits for both. `index` counts the connections of one load.
pub(crate) fn connect(addr: SocketAddr, index: usize) -> io::Result<TcpStream> {
    connect_with(addr, index, None)
}

/// The same with a receive buffer of this size, which the window that is offered depends on from the beginning.
pub(crate) fn connect_with(
    addr: SocketAddr,
    index: usize,
    receive_buffer: Option<usize>,
) -> io::Result<TcpStream> {
    let mut stream = if index < CONNECTIONS_PER_ADDRESS && receive_buffer.is_none() {
        TcpStream::connect(addr)?
    } else {
        connect_from(source(index), addr, receive_buffer)?
    };
    prepare(&stream)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !is_whole(&answer) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(io::Error::other("the server closed during the handshake"));
        }
        answer.extend(&buffer[..read]);
    }
    check(&answer)?;
    Ok(stream)
}

/// What all connections of the load have in common.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // It ends with a reset, so that its port is free at once: else thousands are in TIME_WAIT for the next server.
    set_socket_linger(stream, Some(Duration::ZERO))?;
    Ok(())
}

/// Which of the loopback network's addresses a connection comes from.
fn source(index: usize) -> SocketAddrV4 {
    let network = u32::from(Ipv4Addr::LOCALHOST);
    let host = u32::try_from(index / CONNECTIONS_PER_ADDRESS).unwrap_or(u32::MAX >> 8);
    SocketAddrV4::new(Ipv4Addr::from(network + host), 0)
}

fn connect_from(
    source: SocketAddrV4,
    addr: SocketAddr,
    receive_buffer: Option<usize>,
) -> io::Result<TcpStream> {
    let socket = rustix::net::socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    if let Some(bytes) = receive_buffer {
        set_socket_recv_buffer_size(&socket, bytes)?;
    }
    rustix::net::bind(&socket, &source)?;
    rustix::net::connect(&socket, &addr)?;
    Ok(TcpStream::from(socket))
}

/// A server says nothing before it is asked, so nothing follows the head.
pub(crate) fn is_whole(answer: &[u8]) -> bool {
    answer.ends_with(b"\r\n\r\n")
}

/// Whether the server agreed, and knew what to.
pub(crate) fn check(answer: &[u8]) -> io::Result<()> {
    let answer = String::from_utf8_lossy(answer);
    if answer.starts_with("HTTP/1.1 101 ") && answer.contains(ACCEPT) {
        return Ok(());
    }
    let line = answer.lines().next().unwrap_or_default();
    Err(io::Error::other(format!(
        "the server refused the handshake: {line}"
    )))
}

#[cfg(test)]
mod tests {
    use super::{check, is_whole, source};

    #[test]
    fn sources_are_loopback_addresses_that_do_not_run_out() {
        assert_eq!(source(0).to_string(), "127.0.0.1:0");
        assert_eq!(source(9_999).to_string(), "127.0.0.1:0");
        assert_eq!(source(10_000).to_string(), "127.0.0.2:0");
        assert_eq!(source(1_000_000).to_string(), "127.0.0.101:0");
    }

    #[test]
    fn only_the_right_answer_is_taken() {
        let right = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert!(is_whole(right) && check(right).is_ok());
        assert!(!is_whole(&right[..right.len() - 1]));
        assert!(check(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_err());
        let refused = check(b"HTTP/1.1 426 Upgrade Required\r\n\r\n").unwrap_err();
        assert!(refused.to_string().contains("426"));
    }
}
