//! The program: certificates that are replaced while it serves.

use crate::certs::{Authority, Dir, trusting};
use sockeye::client::{ConnectError, Connector, Received, WebSocket};
use sockeye::tls;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(dir: &Dir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["echo", "--listen", "127.0.0.1:0", "--tls-cert"])
            .arg(dir.path("chain.pem"))
            .arg("--tls-key")
            .arg(dir.path("key.pem"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut line).expect("it speaks");
        let url = line.strip_prefix("listening on ").map(str::trim);
        let url = url.filter(|url| url.starts_with("wss://")).map(Into::into);
        let url = url.unwrap_or_else(|| panic!("{line:?}"));
        Self { child, url }
    }

    fn hang_up(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "HUP", &id]).status();
        assert!(status.expect("there is kill(1)").success());
    }

    fn connect(&self, trust: &tls::Client) -> Result<WebSocket, ConnectError> {
        let connector = Connector::new(&self.url)?.tls(trust.clone());
        let mut socket = connector.open()?;
        socket.set_timeout(Some(PATIENCE));
        Ok(socket)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_echoes(socket: &mut WebSocket) {
    socket.send("hello").expect("open");
    let received = socket.receive().expect("open");
    assert_eq!(received, Received::Text("hello".into()));
}

#[test]
fn l15_a_hangup_brings_the_new_certificate() {
    let dir = Dir::new();
    let (before, after) = (Authority::new("before"), Authority::new("after"));
    let old = trusting(dir.file("before.pem", &before.pem));
    let new = trusting(dir.file("after.pem", &after.pem));
    before.sign(&["127.0.0.1"]).write(&dir);
    let program = Program::start(&dir);
    let mut first = program.connect(&old).expect("it trusts it");
    assert_echoes(&mut first);
    assert!(program.connect(&new).is_err());

    after.sign(&["127.0.0.1"]).write(&dir);
    program.hang_up();
    // It is served by the loop that also has to hear of the signal.
    let mut second = (0..1000)
        .find_map(|_| program.connect(&new).ok())
        .expect("it has read it");
    assert_echoes(&mut second);
    assert_echoes(&mut first);

    dir.file("chain.pem", "");
    program.hang_up();
    for _ in 0..20 {
        assert_echoes(&mut program.connect(&new).expect("the last good one"));
    }
    assert_echoes(&mut first);
}
