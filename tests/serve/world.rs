//! The program, and clients that are written by hand.

use crate::PATIENCE;
use crate::frames::{self, Frame};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

pub fn sockeye(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(args).env_remove("SOCKEYE_ADMIN_TOKEN");
    command
}

/// Runs the program to its end; gives the status, what it printed, and what it complained about.
pub fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = sockeye(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// `sockeye serve`, on a free port.
pub struct Program {
    child: Child,
    pub addr: SocketAddr,
    log: Receiver<String>,
}

impl Program {
    /// With these options more.
    pub fn start(args: &[&str]) -> Self {
        let mut command = sockeye(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(args);
        let mut program = Self::spawn(command);
        let (lines, log) = channel();
        let stderr = BufReader::new(program.child.stderr.take().expect("piped"));
        // On a thread, so that there is an end to waiting.
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        program.log = log;
        program
    }

    /// A command of one's own. Nobody reads its stderr.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut line).expect("it speaks");
        let addr = line
            .strip_prefix("listening on ws://")
            .and_then(|addr| addr.trim_end().parse().ok());
        let Some(addr) = addr else {
            let _ = child.kill();
            panic!("not the line that scripts wait for: {line:?}");
        };
        let (_, log) = channel();
        Self { child, addr, log }
    }

    /// The next line of the log with these words.
    #[track_caller]
    pub fn log(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{words:?} is not in the log"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// All that is in the log to its end.
    pub fn rest_of_log(&self) -> Vec<String> {
        self.log.iter().collect()
    }

    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(status.expect("there is kill(1)").success());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let (done, waiting) = channel::<()>();
        let id = self.child.id().to_string();
        let watch = thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
            }
        });
        let status = self.child.wait().expect("it can be waited for");
        drop(done);
        watch.join().expect("no panic");
        status
    }

    /// What is answered to a request for a page, with these lines more in its head.
    pub fn get(&self, target: &str, more: &str) -> Answer {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n"))
    }

    /// What is answered to this request.
    pub fn ask(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers and ends");
        let head = frames::take_head(&mut bytes).expect("a whole head");
        Answer { head, body: bytes }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("no zero");
        stream
    }

    /// A WebSocket at a target; the first line of the answer, where it is another than 101.
    pub fn try_open(&self, target: &str, more: &str) -> Result<Client, String> {
        self.try_open_at("x", target, more)
    }

    /// The same, by this name of the server.
    pub fn try_open_at(&self, host: &str, target: &str, more: &str) -> Result<Client, String> {
        let mut client = Client {
            stream: self.connect(),
            bytes: Vec::new(),
            head: String::new(),
        };
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
        );
        client.send(request.as_bytes());
        client.head = client.until(frames::take_head);
        if client.head.starts_with("HTTP/1.1 101 ") {
            Ok(client)
        } else {
            Err(client.head.lines().next().unwrap_or_default().to_owned())
        }
    }

    #[track_caller]
    pub fn open(&self, target: &str) -> Client {
        self.try_open(target, "").expect("it is let in")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After a failed test nobody else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of HTTP's.
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

pub struct Client {
    stream: TcpStream,
    /// Received and not looked at.
    bytes: Vec<u8>,
    head: String,
}

impl Client {
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("it reads");
    }

    pub fn say(&mut self, text: &str) {
        self.send(&frames::text(text));
    }

    /// The next frame.
    pub fn frame(&mut self) -> Frame {
        self.until(|bytes| {
            let range = frames::payload_range(bytes)?;
            frames::take_frames(&mut bytes.drain(..range.end).collect()).pop()
        })
    }

    /// The next frame in words: a text as it is, a Close frame as `<close code reason>`. Pings are answered aside.
    pub fn hear(&mut self) -> String {
        let begun = Instant::now();
        loop {
            let frame = self.frame();
            // Pings go on for ever, also where nothing else is said.
            assert!(begun.elapsed() < PATIENCE, "it only pings");
            if frame.opcode == frames::PING {
                self.send(&frames::pong(&frame.payload));
                continue;
            }
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
            return match (frame.opcode, frame.close_code()) {
                (frames::TEXT, _) => text(&frame.payload),
                (_, Some(code)) => format!("<close {code} {}>", text(&frame.payload[2..])),
                _ => format!("<{frame:?}>"),
            };
        }
    }

    /// What it hears from now on, up to what has these words.
    pub fn hear_until(&mut self, words: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let what = self.hear();
            assert!(!what.starts_with("<close"), "{what}, after {heard:?}");
            let is_it = what.contains(words);
            heard.push(what);
            if is_it {
                return heard;
            }
        }
    }

    /// How it is closed, whatever it hears before.
    pub fn hear_close(&mut self) -> String {
        let mut all = std::iter::repeat_with(|| self.hear());
        all.find(|what| what.starts_with("<close"))
            .expect("it does not end")
    }

    /// That it hears the answer to this, and nothing before it, shows that nothing else was said to it.
    #[track_caller]
    pub fn assert_heard_nothing(&mut self) {
        self.send(&frames::ping(b"nothing?"));
        let frame = self.frame();
        assert_eq!(
            (frame.opcode, &*frame.payload),
            (frames::PONG, &b"nothing?"[..]),
            "{frame:?}"
        );
    }

    /// Closes as peers should, and waits for the end.
    pub fn leave(mut self) {
        self.send(&frames::close(1000));
        while self.frame().opcode != frames::CLOSE {}
    }

    /// A line of the answer to its request.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Reads until the bytes so far give an answer.
    fn until<R>(&mut self, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> R {
        let mut buffer = [0; 4096];
        loop {
            if let Some(found) = look(&mut self.bytes) {
                return found;
            }
            let read = self.stream.read(&mut buffer).expect("it speaks in time");
            assert!(read > 0, "it ended");
            self.bytes.extend_from_slice(&buffer[..read]);
        }
    }
}
