//! The program, in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub struct Program {
    pub child: Child,
    pub addr: SocketAddr,
}

impl Program {
    /// Starts it, and waits until it says where it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is such a program");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it speaks");
        let addr = line.trim_end().strip_prefix("listening on ws://");
        let addr = addr.and_then(|addr| addr.parse().ok());
        let addr = addr.unwrap_or_else(|| panic!("{line:?}"));
        Self { child, addr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended; after a failed test nobody else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
