//! The program, run.

use crate::PATIENCE;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

/// A directory that goes away with its test.
pub struct Place(PathBuf);

impl Place {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-listening-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).expect("a new directory");
        Self(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, serving.
pub struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where, as it says.
    pub url: String,
}

impl Program {
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        command.args(args);
        Self::spawn(command)
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it speaks");
        let url = line
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("not the line that scripts wait for: {line:?}"));
        Self {
            url: url.trim_end().to_owned(),
            child,
            stdout,
        }
    }

    pub fn addr(&self) -> SocketAddr {
        let addr = self.url.strip_prefix("ws://").expect("an address");
        addr.parse().expect("an address")
    }

    pub fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-s", "TERM", &self.child.id().to_string()])
            .status();
        assert!(status.expect("there is kill(1)").success());
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it can be waited for");
    }

    /// Waits for its end, with success and without another word.
    #[track_caller]
    pub fn assert_ends(mut self) {
        // One that does not end is a failed test, not an endless one.
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
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "", "one line is all it prints");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After a failed test nobody else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program says when it cannot serve, and ends with.
pub fn fails(args: &[&str]) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let stdout = program.stdout.take().expect("it is a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("text");
    if !line.is_empty() {
        // Whoever serves does not end.
        let _ = program.kill();
    }
    let output = program.wait_with_output().expect("it ends");
    assert_eq!(line, "", "it serves");
    let said = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), said.trim_end().to_owned())
}

/// A path on the command line.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
