//! Redis, on a port of its own, without a file.

use crate::Result;
use crate::process::Process;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

pub(crate) struct Broker {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Broker {
    pub(crate) fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        let process = Process::start(command.current_dir(std::env::temp_dir()))?;
        for _ in 0..1000 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self { process, port });
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("redis-server does not listen".into())
    }

    /// How often something was published.
    pub(crate) fn publications(&self) -> Result<u64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"INFO commandstats\r\nQUIT\r\n")?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        let calls = said.split_once("cmdstat_publish:calls=");
        let calls = calls.and_then(|(_, rest)| rest.split(',').next());
        Ok(calls.map_or(Ok(0), str::parse)?)
    }

    /// Its version.
    pub(crate) fn version() -> String {
        let output = Command::new("redis-server").arg("--version").output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut words = text.split_whitespace();
        let version = words.find_map(|word| word.strip_prefix("v="));
        format!("Redis {}", version.unwrap_or("of an unknown version"))
    }
}
