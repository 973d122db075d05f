//! The program, run: with pipes, or in a terminal of its own.

use crate::PATIENCE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

pub fn sockeye(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(args).env_remove("NO_COLOR").env("TZ", "UTC");
    for proxy in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(proxy);
    }
    command
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// Runs the program with this in its pipe, to its end.
pub fn run(args: &[&str], stdin: impl AsRef<[u8]>) -> Said {
    let mut piped = Piped::start(args);
    piped.write(stdin.as_ref());
    piped.end()
}

/// The program, with pipes.
pub struct Piped {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    /// What came and was not looked at.
    unread: Vec<u8>,
}

impl Piped {
    pub fn start(args: &[&str]) -> Self {
        let mut child = sockeye(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            stdin: child.stdin.take(),
            stdout: pump(child.stdout.take().expect("piped")),
            stderr: pump(child.stderr.take().expect("piped")),
            child,
            unread: Vec::new(),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not closed yet");
        // A program that has ended reads no more, and says so itself.
        let _ = stdin.write_all(bytes);
    }

    /// The next line of stdout.
    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line = self.unread.drain(..=end).collect();
                return String::from_utf8(line).expect("text").trim_end().to_owned();
            }
            let more = self.stdout.recv_timeout(PATIENCE).expect("it speaks");
            self.unread.extend(more);
        }
    }

    /// Ends what it reads, and waits for its end.
    pub fn end(mut self) -> Said {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Said {
        let mut stdout = std::mem::take(&mut self.unread);
        stdout.extend(rest(&self.stdout));
        let stderr = rest(&self.stderr);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said {
            code: self.child.wait().expect("it can be waited for").code(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // After a failed test nobody else would end it.
        let _ = self.child.kill();
    }
}

/// Reads on a thread, so that there is an end to waiting.
fn pump(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        // A terminal whose program has ended gives an error.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Everything to the end.
fn rest(from: &Receiver<Vec<u8>>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match from.recv_timeout(PATIENCE) {
            Ok(more) => all.extend(more),
            Err(error) => {
                assert!(
                    error == std::sync::mpsc::RecvTimeoutError::Disconnected,
                    "it does not end"
                );
                return all;
            }
        }
    }
}

/// The program in a terminal.
pub struct Typing {
    child: Child,
    /// The keyboard.
    keys: File,
    screen: Receiver<Vec<u8>>,
    /// What was shown and not looked at.
    unseen: String,
    /// All that was shown.
    pub seen: String,
    terminal: OwnedFd,
    /// How the terminal was before.
    pub before: Termios,
}

impl Typing {
    pub fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("there are terminals");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("text");
        let theirs = File::options()
            .read(true)
            .write(true)
            .open(name)
            .expect("it is there");
        let size = Winsize {
            ws_row: 50,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&theirs, size).expect("it is a terminal");
        let before = tcgetattr(&theirs).expect("it is a terminal");
        let end = || Stdio::from(theirs.try_clone().expect("another handle"));
        let child = sockeye(args)
            .env("TERM", "xterm")
            .envs(env.iter().copied())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("it starts");
        let keys = File::from(ours);
        let screen = pump(keys.try_clone().expect("another handle"));
        Self {
            child,
            keys,
            screen,
            unseen: String::new(),
            seen: String::new(),
            terminal: theirs.into(),
            before,
        }
    }

    /// How the terminal is.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.terminal).expect("it is a terminal")
    }

    pub fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("somebody has the other end");
    }

    /// Waits until this is shown; gives what was shown before it.
    pub fn until(&mut self, words: &str) -> String {
        loop {
            if let Some(at) = self.unseen.find(words) {
                let rest = self.unseen.split_off(at + words.len());
                let mut before = std::mem::replace(&mut self.unseen, rest);
                before.truncate(at);
                return before;
            }
            let more = self.screen.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|_| panic!("{words:?} is not in {:?}", self.seen));
            let more = String::from_utf8_lossy(&more).into_owned();
            self.seen += &more;
            self.unseen += &more;
        }
    }

    /// Waits for the program's end.
    pub fn code(&mut self) -> Option<i32> {
        let (done, waiting) = channel::<()>();
        let id = self.child.id().to_string();
        let watch = thread::spawn(move || {
            if waiting
                .recv_timeout(PATIENCE)
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
            }
        });
        let status = self.child.wait().expect("it can be waited for");
        drop(done);
        watch.join().expect("no panic");
        status.code()
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// `sockeye echo` or `broadcast`, and where it listens.
pub struct Serving {
    child: Child,
    pub url: String,
}

impl Serving {
    pub fn start(args: &[&str]) -> Self {
        let at = if args.contains(&"--listen") {
            &[][..]
        } else {
            &["--listen", "127.0.0.1:0"]
        };
        let mut child = sockeye(args)
            .args(at)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it speaks");
        let url = line
            .trim_end()
            .strip_prefix("listening on ")
            .expect("the line that scripts wait for");
        let url = url.to_owned();
        Self { child, url }
    }

    pub fn echo() -> Self {
        Self::start(&["echo"])
    }

    pub fn addr(&self) -> &str {
        self.url.rsplit('/').next().expect("an address")
    }

    /// Without a goodbye to anybody.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it can be waited for");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
