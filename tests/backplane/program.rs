//! Two servers of the program, each a process of its own, and one of them is killed.

use super::broker::{Broker, Kind};
use super::crowd::Client;
use super::until;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Server {
    process: Child,
    addr: SocketAddr,
}

impl Server {
    fn start(broker: &Broker, name: &str) -> Self {
        let url = match broker.kind {
            Kind::Nats => format!("nats://127.0.0.1:{}", broker.port),
            Kind::RedisCluster => format!("redis-cluster://127.0.0.1:{}", broker.port),
            Kind::Redis => format!("redis://127.0.0.1:{}", broker.port),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"]);
        command.args(["--backplane", &url, "--node-name", name]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it is built");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is a pipe");
        let read = BufReader::new(stdout).read_line(&mut line);
        read.expect("it says where it listens");
        let addr = line.trim().rsplit("ws://").next().expect("an address");
        let addr = addr.parse().expect("an address");
        Self { process, addr }
    }

    /// Waits until its metrics have this line.
    fn shows(&self, line: &str) {
        until(line, || {
            let metrics = self.page("/metrics");
            metrics.contains(&format!("\n{line}\n")).then_some(())
        });
    }

    fn health(&self) -> String {
        self.page("/healthz")
    }

    fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is small");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is text");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        body.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until a client has heard something like this, and forgets what it has heard.
fn hears(client: &mut Client, what: &str) {
    until(what, || {
        client.hear();
        let found = client.heard.iter().any(|text| text.contains(what));
        found.then(|| client.heard.clear())
    });
}

fn two_servers(kind: Kind) {
    let Some(mut broker) = Broker::start(kind) else {
        return;
    };
    let (one, two) = (Server::start(&broker, "one"), Server::start(&broker, "two"));
    // What is said before that, others need not hear.
    for server in [&one, &two] {
        server.shows("sockeye_backplane_other_nodes 1");
    }
    let mut ada = Client::connect_to(one.addr, "/chat/tea?name=ada");
    hears(&mut ada, r#""cmd":"welcome""#);
    let mut bob = Client::connect_to(two.addr, "/chat/tea?name=bob");
    // As soon as each node counts the other's.
    until("all are counted", || {
        ada.say(r#"{"cmd":"ping"}"#);
        bob.say(r#"{"cmd":"chat","param":{"text":"hello"}}"#);
        ada.hear();
        ada.heard
            .iter()
            .any(|text| text.contains("hello"))
            .then_some(())
    });
    hears(&mut bob, r#""cmd":"pong""#);
    let mut cam = Client::connect_to(one.addr, "/chat/tea?name=cam");
    hears(&mut cam, r#""numClients":3"#);
    hears(&mut bob, r#""numClients":3"#);

    // Whose node nobody is on any more counts no more; those who stay hear how many they are.
    for member in [&mut ada, &mut cam] {
        member.hear();
        member.heard.clear();
    }
    drop(bob);
    until("it is said", || {
        ada.hear();
        let is_said = ada.heard.iter().any(|text| text.contains("numClients"));
        is_said.then_some(())
    });
    // And not again.
    let begin = Instant::now();
    until("all that is said of it", || {
        ada.hear();
        (begin.elapsed() > Duration::from_millis(2500)).then_some(())
    });
    let counts = ada.heard.iter().filter(|text| text.contains("numClients"));
    let counts: Vec<_> = counts.map(String::as_str).collect();
    assert_eq!(counts, [r#"{"cmd":"stats","param":{"numClients":2}}"#]);
    let mut bob = Client::connect_to(two.addr, "/chat/tea?name=bob");
    hears(&mut bob, r#""numClients":3"#);
    hears(&mut ada, r#""numClients":3"#);

    // Without a broker each goes on by itself, and says so.
    until("it is well", || (one.health() == "ok").then_some(()));
    let shows = |line: &str| one.shows(line);
    shows("sockeye_backplane_up 1");
    shows("sockeye_backplane_other_nodes 1");
    shows("sockeye_backplane_connections_elsewhere 1");
    broker.kill();
    until("it is not so well", || {
        one.health().starts_with("degraded").then_some(())
    });
    shows("sockeye_backplane_up 0");
    ada.say(r#"{"cmd":"chat","param":{"text":"anybody?"}}"#);
    hears(&mut cam, "anybody?");
    assert!(broker.run());
    // What was said meanwhile has waited.
    hears(&mut bob, "anybody?");
    until("it is well again", || (one.health() == "ok").then_some(()));

    // Whoever was with a node that dies may have said something.
    for member in [&mut ada, &mut cam] {
        member.hear();
        member.heard.clear();
    }
    drop(two);
    // But where lines are kept, nobody has missed one.
    if broker.kind == Kind::Nats {
        hears(&mut ada, r#"{"cmd":"gap","param":{"missed":null}}"#);
    }
    until("they are two", || {
        cam.hear();
        let last = cam.heard.iter().rfind(|text| text.contains("numClients"))?;
        last.contains(r#""numClients":2"#).then_some(())
    });
    assert_eq!(
        broker.kind == Kind::Nats,
        cam.heard.iter().any(|text| text.contains(r#""cmd":"gap""#))
    );
    ada.say(r#"{"cmd":"chat","param":{"text":"still here"}}"#);
    hears(&mut cam, "still here");
}

#[test]
fn two_servers_are_one_chat_over_redis() {
    two_servers(Kind::Redis);
}

#[test]
fn two_servers_are_one_chat_over_nats() {
    two_servers(Kind::Nats);
}
