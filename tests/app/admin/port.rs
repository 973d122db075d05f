//! An application of two workers, looked at from a port of its own: real sockets, and turns that are taken by hand.

use super::{OURS, TOKEN, app};
use crate::frames::{self, take_frames, take_head};
use serde_json::{Value, json};
use sockeye::app::{Admin, Monitor, Router, Workers};
use sockeye::server::{Listener, Server};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Servers on this thread, and those who speak to them.
struct World {
    servers: Vec<Server<Router>>,
}

struct Peer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

fn server(workers: &Workers) -> Server<Router> {
    let place = "127.0.0.1:0".parse().expect("a place");
    let listener = Listener::bind(&place).expect("a free port");
    workers.serve(vec![listener]).expect("it can be served")
}

impl World {
    fn turn(&mut self) {
        for server in &mut self.servers {
            server
                .turn(Some(Duration::from_millis(5)))
                .expect("polling works");
        }
    }

    /// Takes turns until what a peer has received gives an answer.
    fn until<R>(&mut self, peer: &mut Peer, mut look: impl FnMut(&mut Vec<u8>) -> Option<R>) -> R {
        let begin = Instant::now();
        loop {
            peer.receive();
            if let Some(found) = look(&mut peer.bytes) {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "no answer");
            self.turn();
        }
    }

    fn open(&mut self, addr: SocketAddr, target: &str, headers: &str) -> Peer {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        stream.set_nonblocking(true).expect("a socket");
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it is small");
        let bytes = Vec::new();
        let mut peer = Peer { stream, bytes };
        let head = self.until(&mut peer, take_head);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// The next text that is like this.
    fn text(&mut self, peer: &mut Peer, is: impl Fn(&str) -> bool) -> String {
        self.until(peer, |bytes| {
            let frames = take_frames(bytes);
            let mut texts = frames.iter().filter_map(|frame| {
                let is_text = frame.opcode == frames::TEXT;
                is_text.then(|| String::from_utf8_lossy(&frame.payload).into_owned())
            });
            texts.find(|text| is(text))
        })
    }

    fn command(&mut self, peer: &mut Peer, is: impl Fn(&Value) -> bool) -> Value {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        read(&self.text(peer, |text| is(&read(text))))
    }

    fn order(&mut self, peer: &mut Peer, cmd: &str, param: &Value) -> Value {
        peer.say(&json!({"cmd": cmd, "param": param, "id": 1}));
        self.command(peer, |said| said["re"] == 1)["param"].clone()
    }
}

impl Peer {
    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    fn say(&mut self, command: &Value) {
        let frame = frames::text(&command.to_string());
        self.stream.write_all(&frame).expect("it is small");
    }
}

#[test]
fn both_workers_are_seen_and_spoken_to_from_elsewhere() {
    let monitor = Monitor::new();
    let workers = app(&monitor).workers(2).build().expect("nothing is wrong");
    let admin = Admin::new(TOKEN, &monitor).expect("a token").app();
    let port = admin.build().expect("nothing is wrong");
    let servers = vec![server(&workers), server(&workers), server(&port)];
    let addr: Vec<_> = servers.iter().map(Server::local_addr).collect();
    let mut world = World { servers };
    let mut ada = world.open(addr[0], "/chat/tea?name=ada&rooms=a", "");
    let mut bob = world.open(addr[1], "/chat/tea?name=bob&rooms=a", "");
    let mut client = world.open(addr[2], "/admin/socket", OURS);

    client.say(&json!({"cmd": "watch"}));
    let snapshot = world.command(&mut client, |said| said["cmd"] == "snapshot");
    let now = &snapshot["param"];
    assert_eq!(
        (&now["online"], &now["complete"]),
        (&json!(2), &json!(true))
    );
    let users: Vec<_> = [0, 1]
        .map(|row| now["connections"][row]["user"].clone())
        .into();
    assert_eq!(users, ["ada", "bob"]);
    // The room of both workers is one.
    assert_eq!(
        (&now["rooms_total"], &now["rooms"][0]["members"]),
        (&json!(1), &json!(2))
    );

    for (to, queued) in [
        (json!({"room": "a", "path": "/chat/tea"}), 2),
        (json!({"path": "/chat/tea"}), 2),
        (json!({"all": true}), 2),
        (json!({"id": now["connections"][1]["id"]}), 1),
    ] {
        let said = to.to_string();
        let param = json!({"to": to, "text": said});
        let answer = world.order(&mut client, "send", &param);
        assert_eq!(answer, json!({"message": "sent message", "queued": queued}));
        world.text(&mut bob, |text| text == said);
        if queued == 2 {
            world.text(&mut ada, |text| text == said);
        }
    }
    client.say(&json!({"cmd": "tap", "param": {"on": true}, "id": 2}));
    world.command(&mut client, |said| said["re"] == 2);
    bob.say(&json!("heard"));
    let line = world.command(&mut client, |said| said["cmd"] == "tap");
    assert_eq!(line["param"]["text"], "\"heard\"");
    let param = json!({"id": now["connections"][1]["id"], "code": 4001});
    assert_eq!(
        world.order(&mut client, "close", &param),
        json!({"message": "closing"})
    );
    world.until(&mut bob, |bytes| {
        let frames = take_frames(bytes);
        frames
            .iter()
            .find_map(frames::Frame::close_code)
            .filter(|code| *code == 4001)
    });
}
