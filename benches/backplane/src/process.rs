//! A process that is measured: started, watched through /proc, and never left behind.

use crate::Result;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Kept open: whoever prints again shall not die of it.
    stdout: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it. Its standard input ends when this does.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Self { child, stdout })
    }

    /// Starts a server, and waits until it listens.
    pub(crate) fn serve(command: &mut Command) -> Result<(Self, SocketAddr)> {
        let mut process = Self::start(command)?;
        let mut line = String::new();
        if let Some(stdout) = &mut process.stdout {
            stdout.read_line(&mut line)?;
        }
        let addr = line.trim().parse();
        Ok((process, addr.map_err(|_| "the server did not start")?))
    }

    /// The time that its threads have had on a core.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = stat.split(' ').next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Has it end in order.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("a server ended with {status}").into())
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
