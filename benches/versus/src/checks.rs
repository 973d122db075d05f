//! `checks`: what each contestant says to wrong frames and requests, asked and not taken from anybody's word.
//!
//! Whoever checks less has less to do, so this belongs beside every number. Each wrong thing is followed by a ping: if
//! it is answered, the wrong thing was accepted. It is no conformance test; the Autobahn|Testsuite is one.

use crate::Result;
use crate::building::{Flavour, Program, build};
use crate::contestants::Reply;
use crate::load::handshake::{self, REQUEST};
use crate::options::Common;
use crate::report::{Report, Table};
use crate::server::Server;
use clap::Args;
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What each contestant says to wrong frames and requests
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  \
    benches/versus/run checks --only sockeye,uwebsockets")]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
}

/// A key of zeros leaves the payload as it is, so frames can be written down.
const PING: &[u8] = b"\x89\x85\0\0\0\0probe";
const PONG: &[u8] = b"\x8a\x05probe";
/// Long enough for a loopback, short enough to be waited for.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Something wrong, in all the forms that somebody may check apart.
type Row = (&'static str, &'static [&'static [u8]]);

#[rustfmt::skip]
const FRAMES: &[Row] = &[
    ("an unmasked frame", &[b"\x81\x05hello", b"\x81\x05\0\0\0\0hello"]),
    ("a reserved bit", &[b"\xc1\x81\0\0\0\0x", b"\xa1\x81\0\0\0\0x", b"\x91\x81\0\0\0\0x"]),
    ("a reserved opcode", &[b"\x83\x81\0\0\0\0x", b"\x8b\x81\0\0\0\0x"]),
    ("a fragmented ping", &[b"\x09\x81\0\0\0\0x"]),
    ("a ping of 126 bytes", &[&of_126_bytes(0x89)]),
    ("a pong of 126 bytes", &[&of_126_bytes(0x8a)]),
    ("a length of 5 in two bytes", &[b"\x81\xfe\0\x05\0\0\0\0hello"]),
    ("a length of 5 in eight bytes", &[b"\x81\xff\0\0\0\0\0\0\0\x05\0\0\0\0hello"]),
    ("a length with its top bit set", &[b"\x82\xff\x80\0\0\0\0\0\0\x05\0\0\0\0hello"]),
    ("a continuation of nothing", &[b"\x80\x81\0\0\0\0x"]),
    ("a whole text inside a fragmented one", &[b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b"]),
    ("… after a ping", &[b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x81\x81\0\0\0\0b"]),
    ("a binary message inside a fragmented text", &[b"\x01\x81\0\0\0\0a\x82\x81\0\0\0\0b"]),
    ("another beginning inside a fragmented text", &[b"\x01\x81\0\0\0\0a\x01\x81\0\0\0\0b"]),
    ("a text that is not UTF-8", &[b"\x81\x81\0\0\0\0\xff", b"\x81\x83\0\0\0\0\xed\xa0\x80"]),
    ("… in fragments", &[b"\x01\x81\0\0\0\0\xff\x80\x80\0\0\0\0"]),
    ("… whose last fragment has not come", &[b"\x01\x81\0\0\0\0\xff"]),
    ("a close of one byte", &[b"\x88\x81\0\0\0\0x"]),
    ("close code 999", &[b"\x88\x82\0\0\0\0\x03\xe7"]),
    ("close code 1005", &[b"\x88\x82\0\0\0\0\x03\xed"]),
    ("close code 1016", &[b"\x88\x82\0\0\0\0\x03\xf8"]),
    ("close code 5000", &[b"\x88\x82\0\0\0\0\x13\x88"]),
    ("a close reason that is not UTF-8", &[b"\x88\x83\0\0\0\0\x03\xe8\xff"]),
    ("VALID: close code 1000", &[b"\x88\x82\0\0\0\0\x03\xe8"]),
    ("VALID: close code 1014", &[b"\x88\x82\0\0\0\0\x03\xf6"]),
    ("VALID: close code 3000", &[b"\x88\x82\0\0\0\0\x0b\xb8"]),
    ("VALID: an empty text", &[b"\x81\x80\0\0\0\0"]),
];

const fn of_126_bytes(first: u8) -> [u8; 134] {
    let mut frame = [0; 134];
    (frame[0], frame[1], frame[3]) = (first, 0xfe, 126);
    frame
}

/// What to replace in a right request, and by what.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("a POST", "GET /", "POST /"),
    ("HTTP/1.0", "HTTP/1.1", "HTTP/1.0"),
    ("no Host", "Host: localhost\r\n", ""),
    ("no Upgrade", "Upgrade: websocket\r\n", ""),
    ("no Connection", "Connection: Upgrade\r\n", ""),
    (
        "Connection: notUpgrade",
        "Connection: Upgrade",
        "Connection: notUpgrade",
    ),
    ("version 8", "Version: 13", "Version: 8"),
    ("no version", "Sec-WebSocket-Version: 13\r\n", ""),
    ("a short key", "25jZQ==", "25j"),
    ("a key that is not base64", "dGhl", "!!!!"),
    (
        "VALID: lower-case names",
        "Upgrade: websocket",
        "upgrade: WebSocket",
    ),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let contestants: Vec<_> = options.common.contestants();
    let mut asked = contestants.clone();
    // What sends everything back checks nothing.
    asked.retain(|contestant| contestant.reply == Reply::Unmasked);
    let programs = build(&asked, Flavour::Timed)?;
    let mut columns = Vec::new();
    for program in &programs {
        eprintln!("asking {} …", program.name);
        columns.push(answers(program, options.common.server_core)?);
    }
    report(&programs, &columns).publish(&options.common, &contestants)
}

/// All answers of one server, in the order of the tables above.
fn answers(program: &Program, core: usize) -> Result<Vec<String>> {
    let server = Server::start(program, core, &[])?;
    let mut answers = Vec::new();
    for (_, forms) in FRAMES {
        let mut distinct: Vec<String> = Vec::new();
        for form in *forms {
            let answer = answer_to_frames(server.addr, form)?;
            if !distinct.contains(&answer) {
                distinct.push(answer);
            }
        }
        answers.push(distinct.join(" or "));
    }
    for (_, right, wrong) in REQUESTS {
        let request = REQUEST.replace(right, wrong);
        answers.push(answer_to_request(server.addr, &request)?);
    }
    Ok(answers)
}

fn answer_to_frames(addr: SocketAddr, frames: &[u8]) -> Result<String> {
    let mut stream = handshake::connect(addr, 0)?;
    stream.write_all(&[frames, PING].concat())?;
    let (received, ended) = read_until(&mut stream, |received| {
        received.windows(PONG.len()).any(|part| part == PONG)
    })?;
    if let Some(close) = find_close(&received) {
        return Ok(close);
    }
    Ok(match ended {
        Ended::Found => "accepts".to_owned(),
        Ended::Closed => "hangs up".to_owned(),
        Ended::Silent => "waits".to_owned(),
    })
}

fn answer_to_request(addr: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(request.as_bytes())?;
    let (received, ended) = read_until(&mut stream, |received| {
        received.windows(4).any(|end| end == b"\r\n\r\n")
    })?;
    let text = String::from_utf8_lossy(&received);
    let status = text.split(' ').nth(1).filter(|_| text.starts_with("HTTP/"));
    Ok(match (status, ended) {
        (Some("101"), _) => "accepts".to_owned(),
        (Some(status), _) => status.to_owned(),
        (None, Ended::Silent) => "waits".to_owned(),
        (None, _) => "hangs up".to_owned(),
    })
}

enum Ended {
    Found,
    Closed,
    Silent,
}

fn read_until(stream: &mut TcpStream, found: impl Fn(&[u8]) -> bool) -> Result<(Vec<u8>, Ended)> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok((received, Ended::Closed)),
            Ok(read) => received.extend(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Ok((received, Ended::Closed));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Ok((received, Ended::Silent));
            }
            Err(error) => return Err(error.into()),
        }
        if found(&received) {
            return Ok((received, Ended::Found));
        }
    }
}

/// The close frame among a server's frames, all of which are short here.
fn find_close(mut frames: &[u8]) -> Option<String> {
    while let [first, length @ ..=125, rest @ ..] = frames {
        let payload = rest.get(..usize::from(*length))?;
        if first & 0x0f == 8 {
            return Some(match payload {
                [high, low, ..] => u16::from_be_bytes([*high, *low]).to_string(),
                _ => "close".to_owned(),
            });
        }
        frames = &rest[payload.len()..];
    }
    None
}

fn report(programs: &[Program], columns: &[Vec<String>]) -> Report {
    let names = FRAMES.iter().map(|row| row.0);
    let names: Vec<_> = names.chain(REQUESTS.iter().map(|row| row.0)).collect();
    let row = |index: usize| -> Vec<String> {
        let answers = columns.iter().map(|column| column[index].clone());
        [names[index].to_owned()]
            .into_iter()
            .chain(answers)
            .collect()
    };
    let head: Vec<_> = ["what is sent"]
        .into_iter()
        .chain(programs.iter().map(|program| program.name))
        .map(str::to_owned)
        .collect();
    let table = |title: &str, rows: Vec<Vec<String>>| Table {
        title: title.to_owned(),
        head: head.clone(),
        rows,
    };
    let json = programs.iter().zip(columns).map(|(program, column)| {
        json!({
            "contestant": program.name,
            "answers": names.iter().zip(column).collect::<Vec<_>>(),
        })
    });
    Report {
        title: "What the contestants check".to_owned(),
        tables: vec![
            table("Frames", (0..FRAMES.len()).map(row).collect()),
            table("Requests", (FRAMES.len()..names.len()).map(row).collect()),
        ],
        notes: vec![
            "A number is the code of the close frame, or the status of the HTTP answer; \"close\" is a close frame \
             without a code; \"hangs up\" is the end of the connection without either; \"accepts\" is what follows \
             being answered as if nothing were wrong."
                .to_owned(),
        ],
        json: json!({ "command": "checks", "results": json.collect::<Vec<_>>() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{REQUESTS, find_close};
    use crate::load::handshake::REQUEST;

    #[test]
    fn a_close_is_found_behind_other_frames() {
        assert_eq!(find_close(b"\x88\x02\x03\xea"), Some("1002".to_owned()));
        assert_eq!(
            find_close(b"\x81\x01a\x8a\x00\x88\x00"),
            Some("close".to_owned())
        );
        assert_eq!(find_close(b"\x81\x02\x88\x00"), None);
        assert_eq!(find_close(b""), None);
    }

    #[test]
    fn each_wrong_request_differs_from_the_right_one() {
        for (name, right, wrong) in REQUESTS {
            assert_ne!(REQUEST.replace(right, wrong), REQUEST, "{name}");
        }
    }
}
