//! A running server: started on a core of its own, watched through /proc, and never left behind.

use crate::Result;
use crate::building::Program;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Valgrind takes its time to begin.
const START: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};
/// A server that says goodbye may do so for a while.
const STOP: Timespec = Timespec {
    tv_sec: 10,
    tv_nsec: 0,
};

pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Kept open: whoever prints again shall not die of it.
    _stdout: ChildStdout,
}

impl Server {
    /// Starts it behind `wrap` (a program and its arguments, or nothing) and waits until it listens.
    pub(crate) fn start(program: &Program, core: usize, wrap: &[OsString]) -> Result<Self> {
        // These become the server, one after the other, with the same process id. The first has the kernel end it
        // whenever this program ends, in whatever way.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "taskset", "--cpu-list"])
            .arg(core.to_string())
            .args(wrap)
            .arg(&program.path)
            .args(program.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run setpriv (package util-linux): {error}"))?;
        let mut stdout = child.stdout.take().ok_or("no standard output")?;
        match listening(&mut stdout) {
            Ok(addr) => Ok(Self {
                child,
                addr,
                _stdout: stdout,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("{}: {error}", program.name).into())
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The time its threads have had on a core. It is exact while they sleep, so this waits until they do.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        self.wait_until_asleep()?;
        let mut nanoseconds = 0;
        for thread in fs::read_dir(self.proc("task"))? {
            let stat = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = stat.split(' ').next().unwrap_or_default();
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Bytes of memory that it has touched and holds.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.wait_until_asleep()?;
        // The number in `status` is an estimate, off by up to 32 pages for each core; this one is counted.
        let map = fs::read_to_string(self.proc("smaps_rollup"))?;
        let line = map
            .lines()
            .find_map(|line| line.strip_prefix("Rss:"))
            .ok_or("no Rss in /proc/PID/smaps_rollup")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib * 1024)
    }

    /// Open descriptors: its connections, and some more.
    pub(crate) fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    fn wait_until_asleep(&self) -> Result<()> {
        for _ in 0..5_000 {
            let stat = fs::read_to_string(self.proc("stat"))?;
            // The name stands in parentheses and may contain anything; the state follows.
            let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
            match state {
                Some("S") => return Ok(()),
                Some("Z" | "X") => return Err("the server has died".into()),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
        Err("the server does not come to rest".into())
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid())
    }

    /// Ends it in order, so that what it prints at the end is printed.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let ended = pidfd_open(pid, PidfdFlags::empty())?;
        poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&STOP))?;
        if self.child.try_wait()?.is_none() {
            return Err("the server does not end on SIGTERM".into());
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the line with the address.
fn listening(stdout: &mut ChildStdout) -> Result<SocketAddr> {
    let readable = poll(&mut [PollFd::new(stdout, PollFlags::IN)], Some(&START))?;
    if readable == 0 {
        return Err("it does not say where it listens".into());
    }
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let addr = line
        .split_once("listening on ")
        .ok_or("it ended, or does not say where it listens")?;
    let addr = addr.1.trim();
    let addr = addr.split_once("://").map_or(addr, |(_, addr)| addr);
    Ok(addr.parse()?)
}
