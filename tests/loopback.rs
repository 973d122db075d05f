//! The server and the program on real sockets. Nothing here sleeps: every wait is for something that comes.
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::cast_possible_truncation,
    reason = "tests have std, and make bytes of numbers on purpose"
)]

#[path = "support/frames.rs"]
mod frames;

use frames::{CLOSE, CONTINUATION, FIN, Frame, REQUEST, TEXT, binary, close, frame, text};
use sockeye::proto;
use sockeye::server::{Builder, Handler, Limits, Message, Peer, Server};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

/// A client that blocks.
struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            bytes: Vec::new(),
        }
    }

    fn open(addr: SocketAddr) -> Self {
        let mut client = Self::connect(addr);
        client.send(REQUEST);
        let head = client.until(frames::take_head);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    /// Reads until the bytes so far give an answer.
    fn until<R>(&mut self, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> R {
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Some(found) = look(&mut self.bytes) {
                return found;
            }
            let read = self.stream.read(&mut buffer).expect("it answers");
            assert!(read > 0, "the end instead of an answer");
            self.bytes.extend_from_slice(&buffer[..read]);
        }
    }

    fn frame(&mut self) -> Frame {
        self.until(|bytes| {
            let range = frames::payload_range(bytes)?;
            let frame = frames::take_frames(&mut bytes.drain(..range.end).collect()).pop();
            Some(frame.expect("a whole frame"))
        })
    }

    /// Nothing but the end follows.
    fn assert_ended(mut self) {
        let mut rest = self.bytes;
        self.stream
            .read_to_end(&mut rest)
            .expect("an end, no reset");
        assert_eq!(rest, []);
    }

    /// Sends while it reads, as a message may be larger than what lies between the two.
    fn echoes(&mut self, message: Vec<u8>, expected: &Frame) {
        let mut writer = self.stream.try_clone().expect("a second handle");
        let sender = thread::spawn(move || writer.write_all(&message));
        assert!(self.frame() == *expected);
        sender.join().expect("no panic").expect("it reads");
    }
}

// --- the library ---

fn bind() -> Server<Echo> {
    let limits = Limits {
        connection: proto::Limits::with_max_message(16 << 20),
        ..Limits::default()
    };
    let any = "127.0.0.1:0".parse().expect("an address");
    let builder = Builder::new().limits(limits);
    builder.bind(any, Echo).expect("a free port")
}

/// Runs a server beside `test`, stops it, and waits for its end.
fn serving(test: impl FnOnce(SocketAddr)) {
    // A server stays on the thread that it was made on.
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut server = bind();
        tell.send((server.local_addr(), server.stopper()))
            .expect("the test waits");
        end.send(server.run())
    });
    let (addr, stopper) = told.recv().expect("it starts");
    test(addr);
    stopper.stop().expect("it can be woken");
    let result = ended.recv_timeout(PATIENCE).expect("it ends");
    result.expect("no error");
}

#[test]
fn turns_by_hand_serve_one_thread() {
    let mut server = bind();
    let mut client = Client::connect(server.local_addr());
    let turn = |server: &mut Server<Echo>| server.turn(Some(PATIENCE)).expect("polling works");
    client.send(&[REQUEST, &text("hello")].concat());
    client.stream.set_nonblocking(true).expect("a socket");
    while !client.bytes.ends_with(b"\x81\x05hello") {
        let mut buffer = [0; 4096];
        match client.stream.read(&mut buffer) {
            Ok(read) => client.bytes.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => assert!(turn(&mut server)),
            Err(error) => panic!("{error}"),
        }
    }
    drop(client);
    server.stopper().stop().expect("it can be woken");
    while turn(&mut server) {}
}

#[test]
fn small_and_large_messages_come_back() {
    serving(|addr| {
        let mut client = Client::open(addr);
        for len in [
            0,
            1,
            125,
            126,
            1000,
            16_384,
            65_535,
            65_536,
            1 << 20,
            8 << 20,
        ] {
            let payload: Vec<u8> = (0..len).map(|i| (i * 7 + (i >> 9)) as u8).collect();
            client.echoes(binary(&payload), &Frame::binary(&payload));
        }
        let words = "žluťoučký kůň 𝄞 ".repeat(50_000);
        client.echoes(text(&words), &Frame::text(&words));
    });
}

#[test]
fn many_messages_in_flight_keep_their_order() {
    serving(|addr| {
        let mut client = Client::open(addr);
        let mut writer = client.stream.try_clone().expect("a second handle");
        let sender = thread::spawn(move || {
            let all: Vec<u8> = (0..100_000).flat_map(|i| text(&i.to_string())).collect();
            writer.write_all(&all)
        });
        for i in 0..100_000 {
            assert_eq!(client.frame(), Frame::text(&i.to_string()));
        }
        sender.join().expect("no panic").expect("it reads");
    });
}

#[test]
fn a_fragmented_message_comes_back_whole() {
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&frame(TEXT, b"in "));
        client.send(&frames::ping(b"between"));
        assert_eq!(client.frame().payload, b"between");
        client.send(&frame(CONTINUATION, b"three "));
        client.send(&frame(FIN | CONTINUATION, b"parts"));
        assert_eq!(client.frame(), Frame::text("in three parts"));
    });
}

#[test]
fn the_closing_handshake() {
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&close(3000));
        assert_eq!(client.frame(), Frame::close(3000, ""));
        client.assert_ended();
    });
}

#[test]
fn a_close_frame_arrives_although_the_peer_goes_on_sending() {
    // Unread bytes at close would make the kernel send a reset, which overtakes the Close frame.
    serving(|addr| {
        let mut client = Client::open(addr);
        client.send(&[frame(FIN | 0x3, b"reserved"), vec![0; 200_000]].concat());
        let told = client.frame();
        assert_eq!(told.close_code(), Some(1002));
        client.assert_ended();
    });
}

#[test]
fn stopping_says_goodbye() {
    let mut clients = Vec::new();
    serving(|addr| clients.extend((0..20).map(|_| Client::open(addr))));
    // `serving` has returned, so the loop is over: without an answer, after its close deadline.
    for mut client in clients {
        assert_eq!(client.frame().close_code(), Some(1001));
    }
}

#[test]
fn a_taken_port_is_an_error() {
    let server = bind();
    let error = Builder::new().bind(server.local_addr(), Echo);
    assert_eq!(
        error.map(|_| ()).map_err(|error| error.kind()),
        Err(io::ErrorKind::AddrInUse)
    );
}

// --- the program ---

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
    program.signal("TERM");
    for mut client in clients {
        assert_eq!(client.frame().close_code(), Some(1001));
        client.send(&close(1001));
        client.assert_ended();
    }
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn several_workers_end_together() {
    let program = Program::start(&["echo", "--workers", "3"]);
    let mut clients: Vec<_> = (0..12).map(|_| Client::open(program.addr)).collect();
    for client in &mut clients {
        client.send(&text("hello"));
        assert_eq!(client.frame(), Frame::text("hello"));
    }
    program.signal("TERM");
    for mut client in clients {
        assert_eq!(client.frame().close_code(), Some(1001));
        client.send(&close(1001));
        client.assert_ended();
    }
    assert_eq!(program.wait().code(), Some(0));
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

#[test]
fn wrong_arguments_are_told_in_one_line() {
    for (args, about) in [
        (&["echo", "--listen", "nowhere"][..], "nowhere"),
        (&["echo", "--max-message", "huge"], "huge"),
        (&["echo", "--workers", "0"], "0"),
        (&["echo", "--wat"], "--wat"),
        (&["frobnicate"], "frobnicate"),
        (&["echo", "--tls-cert", "x.pem"], "--tls-key"),
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert_one_line(&stderr, about);
    }
}

#[test]
fn a_taken_port_is_told_in_one_line() {
    let server = bind();
    let addr = server.local_addr().to_string();
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
