//! The header that a trusted proxy sends first: any bytes, in any pieces, through the loop.
//!
//! Not here: HTTP and frames behind it; a right request stands there.

use super::choices::{Choices, Pieces};
use super::frames::{self, REQUEST};
use super::sim::{Conn, Net, SimKernel};
use sockeye::proto::handshake::server::Request;
use sockeye::server::{EventLoop, Handler, Message, Peer, PeerAddr, Settings};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const PROXY: &str = "10.1.2.3:4000";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Tells everybody where they come from.
struct Mirror;

impl Handler<SimKernel> for Mirror {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        let addr = peer.remote_addr().to_string();
        let _ = peer.send(addr.as_str());
    }

    fn on_message(&mut self, _: &mut Peer<'_, SimKernel>, (): &mut (), _: Message<'_>) {}
}

/// What the bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Literal {
    Refused,
    Incomplete,
    /// A header of so many bytes, and where it says that the connection comes from.
    Whole(usize, String),
}

/// In any pieces: what is a header by a literal reading is believed, whatever else there is is dropped without a word,
/// and for the rest of a header is waited.
pub fn proxied(data: &[u8]) {
    let mut choices = Choices::new(data);
    let pieces = Pieces::read(&mut choices);
    let trusted = choices.byte() % 16 != 15;
    let mut sent = choices.all().to_vec();
    let literal = literal(&sent);
    if let Literal::Whole(len, _) = &literal {
        sent.truncate(*len);
        sent.extend(REQUEST);
    }
    let net = Net::new();
    let proxy = if trusted {
        "10.0.0.0/8"
    } else {
        "192.0.2.0/24"
    };
    let settings = Settings::default().trusted_proxies([proxy.parse().expect("a network")]);
    let mut server = EventLoop::new(net.kernel(), Mirror, settings);
    let conn = net.connect_from(PeerAddr::Ip(PROXY.parse().expect("an address")));
    let mut from = 0;
    let pieces = pieces.at_most(100, sent.len());
    let ends = pieces.ends(sent.len()).collect::<Vec<_>>();
    turn(&mut server);
    for to in ends {
        conn.push(&sent[from..to]);
        from = to;
        turn(&mut server);
    }
    turn(&mut server);
    if !trusted {
        let answer = conn.take_sent();
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "believed"
        );
        return;
    }
    match literal {
        Literal::Refused => assert!(
            conn.is_closed() && conn.untaken() == 0,
            "{}",
            sent.escape_ascii()
        ),
        Literal::Incomplete => assert!(
            !conn.is_closed() && conn.untaken() == 0,
            "{}",
            sent.escape_ascii()
        ),
        Literal::Whole(_, source) => assert_eq!(told(&conn), source, "{}", sent.escape_ascii()),
    }
}

fn turn(server: &mut EventLoop<Mirror, SimKernel>) {
    server.turn(Some(Duration::ZERO)).expect("polling works");
}

fn told(conn: &Conn) -> String {
    let mut bytes = conn.take_sent();
    let head = frames::take_head(&mut bytes).unwrap_or_else(|| panic!("no answer"));
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let frames = frames::take_frames(&mut bytes);
    String::from_utf8(frames[0].payload.clone()).expect("text")
}

/// The specification's sections 2.1 and 2.2.
fn literal(bytes: &[u8]) -> Literal {
    let begins = |words: &[&[u8]]| words.iter().any(|word| word.starts_with(bytes));
    if bytes.starts_with(SIGNATURE) {
        return binary(bytes, &bytes[SIGNATURE.len()..]);
    }
    let words: [&[u8]; 3] = [b"PROXY UNKNOWN", b"PROXY TCP4 ", b"PROXY TCP6 "];
    let Some(word) = words.iter().find(|word| bytes.starts_with(word)) else {
        let may_begin = begins(&words) || begins(&[SIGNATURE]);
        return if may_begin {
            Literal::Incomplete
        } else {
            Literal::Refused
        };
    };
    let line = &bytes[..bytes.len().min(107)];
    let end = line.iter().position(|byte| b"\r\n".contains(byte));
    let text = match end {
        Some(end) if line[end..].starts_with(b"\r\n") => &line[..end],
        // Its line end may still come, where there is room for it.
        Some(end) if end + 1 == bytes.len() && bytes[end] == b'\r' && bytes.len() < 107 => {
            return after_the_word(bytes, word.len());
        }
        None if bytes.len() < 106 => return after_the_word(bytes, word.len()),
        _ => return Literal::Refused,
    };
    let len = text.len() + 2;
    let fields: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
    match (fields[1], &fields[2..]) {
        (b"UNKNOWN", _) => Literal::Whole(len, PROXY.to_owned()),
        (family @ (b"TCP4" | b"TCP6"), [source, destination, from, to]) => {
            let all = address(family, source)
                .zip(address(family, destination))
                .zip(port(from).zip(port(to)));
            all.map_or(Literal::Refused, |((ip, _), (port, _))| {
                Literal::Whole(len, SocketAddr::new(ip.to_canonical(), port).to_string())
            })
        }
        _ => Literal::Refused,
    }
}

/// What follows "UNKNOWN" is seen at once.
fn after_the_word(bytes: &[u8], len: usize) -> Literal {
    let longer = bytes.starts_with(b"PROXY U")
        && bytes.get(len).is_some_and(|byte| !b" \r\n".contains(byte));
    if longer {
        Literal::Refused
    } else {
        Literal::Incomplete
    }
}

fn address(family: &[u8], text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if family == b"TCP4" {
        text.parse().ok().map(|ip: Ipv4Addr| ip.into())
    } else {
        text.parse().ok().map(|ip: Ipv6Addr| ip.into())
    }
}

fn port(text: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(text).ok()?;
    let port: u16 = text.parse().ok()?;
    (port.to_string() == text).then_some(port)
}

fn binary(bytes: &[u8], rest: &[u8]) -> Literal {
    let Some(command) = rest.first() else {
        return Literal::Incomplete;
    };
    if ![0x20, 0x21].contains(command) {
        return Literal::Refused;
    }
    let local = *command == 0x20;
    let Some(kind) = rest.get(1) else {
        return Literal::Incomplete;
    };
    let needed = match kind {
        _ if local => 0,
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        0x31 => 216,
        _ => return Literal::Refused,
    };
    let Some(len) = rest.get(2..4) else {
        return Literal::Incomplete;
    };
    let len = usize::from(len[0]) * 256 + usize::from(len[1]);
    if len < needed || len > 4096 {
        return Literal::Refused;
    }
    let Some(block) = bytes.get(16..16 + len) else {
        return Literal::Incomplete;
    };
    let source = |ip: IpAddr, at: usize| {
        let port = u16::from_be_bytes([block[at], block[at + 1]]);
        SocketAddr::new(ip.to_canonical(), port).to_string()
    };
    let source = match (local, kind) {
        (false, 0x11) => {
            let ip: [u8; 4] = block[..4].try_into().expect("four");
            source(ip.into(), 8)
        }
        (false, 0x21) => {
            let ip: [u8; 16] = block[..16].try_into().expect("sixteen");
            source(ip.into(), 32)
        }
        (false, 0x31) => "a Unix socket".to_owned(),
        _ => PROXY.to_owned(),
    };
    Literal::Whole(16 + len, source)
}
