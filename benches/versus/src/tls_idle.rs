//! What Sockeye holds for a connection behind TLS that is open and silent.
//!
//! Not here: a client that speaks TLS. `sockeye bench` is one: it opens all its connections before the first message. A
//! thousand at once finish their handshakes before the server's deadline for that; then the process is stopped, and goes on
//! for a moment now and then, to answer pings.

use crate::Result;
use crate::building::{Program, here};
use crate::options::Setup;
use crate::server::Server;
use crate::tools;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tls/certificate.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tls/key.pem");
const ARGS: &[&str] = &[
    "echo",
    "--listen",
    "127.0.0.1:0",
    "--tls-cert",
    CERTIFICATE,
    "--tls-key",
    KEY,
];
const AT_ONCE: usize = 1000;
const A_MOMENT: Duration = Duration::from_millis(300);
/// All of them are opened by then: a handshake takes a millisecond or two.
const PATIENCE: Duration = Duration::from_secs(300);

/// Bytes per connection.
pub(crate) fn held(setup: &Setup, program: &Program, connections: usize) -> Result<f64> {
    make_certificate()?;
    let behind_tls = Program {
        args: ARGS,
        ..program.clone()
    };
    let server = Server::start(&behind_tls, setup.server_core, &[])?;
    let without = server.descriptors()?;
    // The first connection makes a server touch the buffers that all share.
    let first = Clients::open(program, &server, 1, without)?;
    let before = server.resident()?;
    drop(first);
    wait_for(&server, |descriptors| descriptors == without)?;
    let mut all = Vec::new();
    let mut open = 0;
    while open < connections {
        let more = AT_ONCE.min(connections - open);
        all.push(Clients::open(program, &server, more, without + open)?);
        open += more;
        for clients in &all {
            clients.signal(Signal::CONT)?;
        }
        thread::sleep(A_MOMENT);
        for clients in &all {
            clients.signal(Signal::STOP)?;
        }
    }
    let after = server.resident()?;
    if server.descriptors()? < without + connections {
        return Err(
            "connections over TLS were closed before all were open: the machine is busy".into(),
        );
    }
    Ok((after as f64 - before as f64) / (connections - 1) as f64)
}

/// For the address alone; nobody checks it.
fn make_certificate() -> Result<()> {
    tools::need("openssl", "openssl")?;
    fs::create_dir_all(here().join("target/tls"))?;
    let openssl = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-keyout", KEY, "-out", CERTIFICATE])
        .stderr(Stdio::null())
        .status()?;
    if openssl.success() {
        return Ok(());
    }
    Err("openssl cannot make a certificate".into())
}

/// A `sockeye bench` whose connections are open.
struct Clients(Child);

impl Clients {
    fn open(
        program: &Program,
        server: &Server,
        connections: usize,
        without: usize,
    ) -> Result<Self> {
        // One message a second, on all of them together.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(&program.path)
            .args(["bench", "--danger-accept-any-certificate", "--no-proxy"])
            .args([
                "--rate",
                "1",
                "--warmup",
                "0",
                "--seconds",
                "600",
                "--timeout",
                "300",
            ])
            .args(["--connections", &connections.to_string()])
            .arg(format!("wss://{}/", server.addr))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut clients = Self(child);
        wait_for(server, |descriptors| {
            let is_over = clients.0.try_wait().is_ok_and(|status| status.is_some());
            is_over || descriptors >= without + connections
        })?;
        if let Some(status) = clients.0.try_wait()? {
            return Err(format!("sockeye bench has ended: {status}").into());
        }
        // The last ones may be in their handshakes yet.
        thread::sleep(A_MOMENT);
        Ok(clients)
    }
}

impl Clients {
    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(server: &Server, mut so: impl FnMut(usize) -> bool) -> Result<()> {
    let start = Instant::now();
    while !so(server.descriptors()?) {
        if start.elapsed() > PATIENCE {
            return Err("the connections over TLS are not open after five minutes".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
