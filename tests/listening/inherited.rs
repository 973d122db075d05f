//! Sockets that the program is started with, as systemd does (sd_listen_fds(3)).

use crate::client::Client;
use crate::program::{Place, Program};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// The program, started with a socket as its descriptor 3. The shell says who is meant: it becomes the program.
fn with_socket(socket: impl Into<OwnedFd>, pid: &str, args: &[&str]) -> Command {
    let script = format!("exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID={pid} exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_sockeye")])
        .args(args)
        .stdin(Stdio::from(socket.into()));
    command
}

fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    (listener, addr)
}

#[test]
fn an_inherited_address_is_used_instead_of_another() {
    for workers in ["1", "2"] {
        let (listener, addr) = bound();
        let args = ["echo", "--workers", workers, "--listen", "127.0.0.1:1"];
        let program = Program::spawn(with_socket(listener, "$$", &args));
        assert_eq!(program.addr(), addr);
        let mut clients: Vec<_> = (0..10)
            .map(|_| Client::tcp(addr).expect("it listens"))
            .collect();
        for client in &mut clients {
            client.assert_open();
            client.assert_echoes();
        }
        drop(clients);
        program.terminate();
        program.assert_ends();
    }
}

#[test]
fn an_inherited_file_stays() {
    let place = Place::new();
    let path = place.path("a.sock");
    let listener = UnixListener::bind(&path).expect("free");
    let program = Program::spawn(with_socket(listener, "$$", &["echo"]));
    assert_eq!(program.url, format!("ws+unix:{}", path.display()));
    let mut client = Client::unix(&path).expect("it listens");
    client.assert_open();
    drop(client);
    program.terminate();
    program.assert_ends();
    assert!(path.exists());
}

#[test]
fn sockets_for_somebody_else_are_not_touched() {
    let (listener, addr) = bound();
    let args = ["echo", "--listen", "127.0.0.1:0"];
    let program = Program::spawn(with_socket(listener, "1", &args));
    assert_ne!(program.addr(), addr);
}

#[test]
fn what_does_not_listen_is_told() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let output = with_socket(datagrams, "$$", &["echo"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.starts_with("sockeye: cannot use socket 0 of LISTEN_FDS: "),
        "{said}"
    );
}
