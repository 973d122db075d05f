//! The program: what it prints, serves and ends with.

use crate::PATIENCE;
use crate::client::Client;
use crate::frames::{self, CLOSE, FIN, Frame, REQUEST, TEXT, binary, close, text};
use crate::strict_inflate::StrictInflater;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;

struct Program {
    child: Child,
    addr: SocketAddr,
    stdout: BufReader<std::process::ChildStdout>,
}

fn sockeye(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(args);
    command
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut child = sockeye(args)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it speaks");
        let addr = line
            .strip_prefix("listening on ws://")
            .and_then(|rest| rest.strip_suffix('\n'))
            .and_then(|addr| addr.parse().ok())
            .unwrap_or_else(|| panic!("not the line that scripts wait for: {line:?}"));
        Self {
            child,
            addr,
            stdout,
        }
    }

    /// Sends a signal, as `kill` does.
    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("there is kill(1)").success());
    }

    fn wait(mut self) -> ExitStatus {
        // One that does not end is a failed test, not an endless one.
        let (done, waiting) = std::sync::mpsc::channel::<()>();
        let id = self.child.id().to_string();
        let watch = thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
            }
        });
        let status = self.child.wait().expect("it can be waited for");
        drop(done);
        watch.join().expect("no panic");
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "", "one line is all it prints");
        status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After a failed test nobody else would end it.
        let _ = self.child.kill();
    }
}

#[test]
fn the_program_echoes_and_ends_in_order() {
    for signal in ["TERM", "INT"] {
        let program = Program::start(&["echo"]);
        let mut client = Client::open(program.addr);
        client.send(&text("hello"));
        assert_eq!(client.frame(), Frame::text("hello"));
        let payload = vec![9; 20 << 20];
        client.echoes(binary(&payload), &Frame::binary(&payload));
        program.signal(signal);
        let goodbye = client.frame();
        assert_eq!((goodbye.opcode, goodbye.close_code()), (CLOSE, Some(1001)));
        client.send(&close(1001));
        client.assert_ended();
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[test]
fn the_program_takes_the_first_subprotocol_that_is_offered() {
    // `ws` for Node and Chromium fail a connection for which they offered subprotocols and none was chosen.
    let program = Program::start(&["echo"]);
    let chosen = |offers: &str| {
        let mut client = Client::connect(program.addr);
        let request = std::str::from_utf8(REQUEST).expect("text");
        let request = request.trim_end().to_owned() + "\r\n" + offers + "\r\n";
        client.send(request.as_bytes());
        let head = client.until(frames::take_head);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let name = "Sec-WebSocket-Protocol: ";
        let mut lines = head.lines().filter_map(|line| line.strip_prefix(name));
        let chosen = lines.next().map(str::to_owned);
        assert_eq!(lines.next(), None, "{head}");
        chosen
    };
    let one = chosen("Sec-WebSocket-Protocol: v2.chat, v1.chat\r\n");
    assert_eq!(one.as_deref(), Some("v2.chat"));
    let lines = "Sec-WebSocket-Protocol: ,v1.chat\r\nSec-WebSocket-Protocol: v2.chat\r\n";
    assert_eq!(chosen(lines).as_deref(), Some("v1.chat"));
    assert_eq!(chosen(""), None);
}

#[test]
fn the_program_broadcasts() {
    let program = Program::start(&["broadcast"]);
    let mut clients: Vec<_> = (0..3).map(|_| Client::open(program.addr)).collect();
    clients[1].send(&text("to all"));
    for client in &mut clients {
        assert_eq!(client.frame(), Frame::text("to all"));
    }
    drop(clients);
    program.signal("TERM");
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn the_program_broadcasts_from_worker_to_worker() {
    let program = Program::start(&["broadcast", "--workers", "2"]);
    // The kernel deals them out; that all of eight get the same worker is one chance in 128.
    let mut clients: Vec<_> = (0..8).map(|_| Client::open(program.addr)).collect();
    for talker in 0..clients.len() {
        let words = format!("from {talker}");
        clients[talker].send(&text(&words));
        for client in &mut clients {
            assert_eq!(client.frame(), Frame::text(&words));
        }
    }
    assert_ends_in_order(program, clients);
}

#[test]
fn several_workers_end_together() {
    let program = Program::start(&["echo", "--workers", "3"]);
    let mut clients: Vec<_> = (0..12).map(|_| Client::open(program.addr)).collect();
    for client in &mut clients {
        client.send(&text("hello"));
        assert_eq!(client.frame(), Frame::text("hello"));
    }
    assert_ends_in_order(program, clients);
}

#[test]
fn a_signal_right_after_the_start_reaches_every_worker() {
    for _ in 0..10 {
        let program = Program::start(&["echo", "--workers", "8"]);
        program.signal("TERM");
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[test]
fn a_limit_on_messages_is_kept() {
    let program = Program::start(&["echo", "--max-message", "1KiB"]);
    let mut client = Client::open(program.addr);
    client.send(&binary(&[1; 1024]));
    assert_eq!(client.frame(), Frame::binary(&[1; 1024]));
    client.send(&binary(&[1; 1025]));
    assert_eq!(client.frame().close_code(), Some(1009));
    client.assert_ended();
}

/// What a program with these arguments answers a client's offer with; its client.
fn offering(program: &Program, offer: &str) -> (Option<String>, Client) {
    let mut client = Client::connect(program.addr);
    let request = std::str::from_utf8(REQUEST).expect("text");
    let line = format!("Sec-WebSocket-Extensions: {offer}\r\n\r\n");
    client.send((request.trim_end().to_owned() + "\r\n" + &line).as_bytes());
    let head = client.until(frames::take_head);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let name = "Sec-WebSocket-Extensions: ";
    let mut lines = head.lines().filter_map(|line| line.strip_prefix(name));
    (lines.next().map(str::to_owned), client)
}

const OFFER: &str = "permessage-deflate; client_max_window_bits";
/// A text message is compressed.
const COMPRESSED: u8 = FIN | 0x40 | TEXT;

#[test]
fn the_program_compresses_as_it_is_told() {
    for command in ["echo", "broadcast"] {
        for (flag, answer, takeover) in [
            (
                None,
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                false,
            ),
            (Some("--context-takeover"), "permessage-deflate", true),
        ] {
            let args: Vec<_> = [Some(command), flag].into_iter().flatten().collect();
            let program = Program::start(&args);
            let (answered, mut client) = offering(&program, OFFER);
            assert_eq!(answered.as_deref(), Some(answer), "{args:?}");
            let said: String = (0..100).map(|word| format!("{word} again, ")).collect();
            // A stored block: compressed, as far as anybody can tell.
            let len = (said.len() as u16).to_le_bytes();
            let complement = (!(said.len() as u16)).to_le_bytes();
            let block = [&[0], &len[..], &complement, said.as_bytes(), &[0]].concat();
            let mut strict = StrictInflater::new(15, takeover);
            let mut sizes = Vec::new();
            for _ in 0..2 {
                client.send(&frames::frame(COMPRESSED, &block));
                let (first, payload) = client.until(|bytes| {
                    let range = frames::payload_range(bytes)?;
                    let frame: Vec<_> = bytes.drain(..range.end).collect();
                    Some((frame[0], frame[range].to_vec()))
                });
                assert_eq!(first, COMPRESSED);
                assert_eq!(strict.message(&payload), Ok(said.clone().into_bytes()));
                sizes.push(payload.len());
            }
            // What is said to all refers to nothing before it.
            let refers = sizes[1] < sizes[0] / 2;
            assert_eq!(refers, takeover && command == "echo", "{sizes:?}");
        }
    }
}

#[test]
fn the_program_does_not_compress_where_it_is_told_not_to() {
    for command in ["echo", "broadcast"] {
        let program = Program::start(&[command, "--no-deflate"]);
        let (answered, mut client) = offering(&program, OFFER);
        assert_eq!(answered, None);
        let said = "again, ".repeat(100);
        client.send(&text(&said));
        assert_eq!(client.frame(), Frame::text(&said));
        client.send(&frames::frame(COMPRESSED, b"\x00"));
        assert_eq!(client.frame().close_code(), Some(1002));
        client.assert_ended();
    }
}

/// Runs the program to its end; gives the status, what it printed, and what it complained about.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = sockeye(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[track_caller]
fn assert_one_line(stderr: &str, about: &str) {
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.starts_with("sockeye: ") && stderr.contains(about),
        "{stderr}"
    );
}

/// Nobody has this address (RFC 5737): a program that takes its other arguments ends all the same.
const ELSEWHERE: &str = "--listen=192.0.2.1:1";

#[test]
fn wrong_arguments_are_told_in_one_line() {
    for (args, about) in [
        (&["echo", "--listen", "nowhere"][..], "nowhere"),
        (&["echo", "--max-message", "huge"], "huge"),
        (&["echo", "--workers", "0"], "0"),
        (&["echo", "--wat"], "--wat"),
        (&["frobnicate"], "frobnicate"),
        (&["echo", "--tls-cert", "x.pem"], "--tls-key"),
        (
            &["echo", "--no-deflate", "--context-takeover", ELSEWHERE],
            "--context-takeover",
        ),
        (
            &["broadcast", "--context-takeover", "--no-deflate", ELSEWHERE],
            "--no-deflate",
        ),
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert_one_line(&stderr, about);
    }
}

#[test]
fn a_taken_port_is_told_in_one_line() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound").to_string();
    for workers in ["1", "2"] {
        let (code, stdout, stderr) = run(&["echo", "--workers", workers, "--listen", &addr]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert_one_line(&stderr, &addr);
    }
}

#[test]
fn help_shows_examples() {
    for args in [
        &["--help"][..],
        &["echo", "--help"],
        &["broadcast", "--help"],
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains("Examples:\n  sockeye "), "{stdout}");
    }
}

#[test]
fn help_says_how_to_compress() {
    for command in ["echo", "broadcast"] {
        let (_, stdout, _) = run(&[command, "--help"]);
        for flag in [" --no-deflate ", " --context-takeover "] {
            assert!(stdout.contains(flag), "{stdout}");
        }
    }
}

/// SIGTERM: everybody is told goodbye, and the program ends well.
fn assert_ends_in_order(program: Program, clients: Vec<Client>) {
    program.signal("TERM");
    for mut client in clients {
        assert_eq!(client.frame().close_code(), Some(1001));
        client.send(&close(1001));
        client.assert_ended();
    }
    assert_eq!(program.wait().code(), Some(0));
}
