//! The admin page's socket: what is shown there, and what can be told to it.
//!
//! Who may look is `gate`; an application that it looks at from a port of its own, on real sockets, is `port`.

mod gate;
mod port;

use crate::harness::{Client, Sim, ms, secs};
use crate::watching::Rooms;
use crate::world::{heard, say, start};
use serde_json::{Value, json};
use sockeye::app::{Admin, App, Monitor, Page, Route, Router};
use sockeye::server::PeerAddr;

const TOKEN: &str = "correct-horse-battery";
const OURS: &str = "Sec-WebSocket-Protocol: sockeye.admin, token.correct-horse-battery\r\n";

fn app(monitor: &Monitor) -> App {
    App::new()
        .watched_by(monitor)
        .route(Route::new("/chat/{room}"), |_| Rooms)
}

fn admin(monitor: &Monitor) -> Admin {
    Admin::new(TOKEN, monitor)
        .expect("a token")
        .hosts(["admin.example"])
        .page(Page::html("<!doctype html><title>nothing to see</title>"))
        .file("/admin.js", Page::javascript("'no data'"))
}

/// An application with its admin page on the same port.
fn site() -> Sim<Router> {
    let monitor = Monitor::new();
    start(app(&monitor).admin(admin(&monitor)))
}

/// What is answered to a request for a target, by somebody at this address.
fn ask_from(sim: &mut Sim<Router>, from: &str, target: &str, headers: &str) -> (String, Client) {
    let from = from.parse().map_or(PeerAddr::Unix, PeerAddr::Ip);
    let conn = sim.net.connect_from(from);
    let mut client = Client {
        conn,
        bytes: Vec::new(),
    };
    client.push(
        format!(
            "GET {target} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
        )
        .as_bytes(),
    );
    sim.settle();
    (client.head(), client)
}

fn status_of(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

const HERE: &str = "127.0.0.1:4000";
const ELSEWHERE: &str = "192.0.2.7:4000";

/// Somebody who looks.
fn look(sim: &mut Sim<Router>) -> Client {
    let headers = format!("Host: localhost\r\n{OURS}");
    let (head, client) = ask_from(sim, HERE, "/admin/socket", &headers);
    assert_eq!(status_of(&head), "101", "{head}");
    client
}

fn visit(sim: &mut Sim<Router>, target: &str) -> Client {
    let (head, client) = ask_from(sim, ELSEWHERE, target, "Host: x\r\n");
    assert_eq!(status_of(&head), "101", "{head}");
    client
}

/// The commands that a client has heard.
fn told(client: &mut Client) -> Vec<Value> {
    let texts = heard(client);
    let read = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    texts.iter().map(read).collect()
}

fn only(commands: Vec<Value>, cmd: &str) -> Vec<Value> {
    let is = |command: &Value| command["cmd"] == cmd;
    commands.into_iter().filter(is).collect()
}

/// What is answered to an order, when its time has come.
fn order(sim: &mut Sim<Router>, client: &mut Client, cmd: &str, param: &Value) -> Value {
    client.frames();
    let text = json!({"cmd": cmd, "param": param, "id": 7}).to_string();
    say(sim, client, &text);
    sim.run_for(ms(2300));
    let answers: Vec<_> = told(client)
        .into_iter()
        .filter(|one| one["re"] == 7)
        .collect();
    let [answer] = &answers[..] else {
        panic!("not one answer to {text}: {answers:?}");
    };
    let param = answer["param"].clone();
    if answer["cmd"] == "error" {
        param["message"].clone()
    } else {
        param
    }
}

fn snapshot(sim: &mut Sim<Router>, client: &mut Client, query: &Value) -> Value {
    say(
        sim,
        client,
        &json!({"cmd": "watch", "param": query}).to_string(),
    );
    client.frames();
    sim.run_for(ms(1200));
    let snapshots = only(told(client), "snapshot");
    snapshots.last().expect("a snapshot")["param"].clone()
}

#[test]
fn the_snapshot_comes_at_once_and_each_second() {
    let mut sim = site();
    let chatting = visit(&mut sim, "/chat/tea?name=ada&rooms=a,b");
    say(&mut sim, &chatting, "hello");
    let mut client = look(&mut sim);
    say(&mut sim, &client, r#"{"cmd":"watch"}"#);
    sim.run_for(ms(150));
    assert_eq!(only(told(&mut client), "snapshot").len(), 1);
    sim.run_for(secs(10));
    let snapshots = only(told(&mut client), "snapshot");
    assert!((9..=10).contains(&snapshots.len()), "{}", snapshots.len());
    let now = &snapshots.last().expect("some")["param"];
    assert_eq!(now["online"], 2);
    assert_eq!(now["connections_total"], 2);
    assert_eq!(now["version"], env!("CARGO_PKG_VERSION"));
    assert!(now["time"].as_u64() > Some(1_600_000_000_000) && now["uptime"].as_u64() >= Some(9));
    assert_eq!(now["totals"]["opened"], 2);
    assert_eq!(now["totals"]["messages_in"], 2);
    let ada = &now["connections"][0];
    let since = ada["since"].as_u64().expect("a time");
    let id = ada["id"].as_str().expect("a string");
    let wanted = json!({
        "id": id, "user": "ada", "addr": ELSEWHERE, "route": "/chat/{room}", "path": "/chat/tea", "since": since,
        "messages_in": 1, "messages_out": 1, "bytes_in": 5, "bytes_out": ada["bytes_out"],
        "queued": 0, "rtt": null, "rooms": ["a", "b"],
    });
    assert_eq!(*ada, wanted);
    let room = json!({"name": "a", "route": "/chat/tea", "members": 1, "published": 1, "dropped": 0, "updated": 0});
    assert_eq!(now["rooms"][0], room);
    assert_eq!(
        (&now["rooms_total"], &now["rooms"][1]["name"]),
        (&json!(2), &json!("b"))
    );
    assert_eq!(now["connections"][1]["path"], "/admin/socket");
    // What is said while somebody looks has a time.
    say(&mut sim, &chatting, "hello");
    sim.run_for(secs(2));
    let snapshots = only(told(&mut client), "snapshot");
    let now = &snapshots.last().expect("some")["param"];
    assert!(now["rooms"][0]["updated"].as_u64() > Some(1_600_000_000_000));
}

#[test]
fn the_snapshot_has_pages_and_filters() {
    let mut sim = site();
    let _clients: Vec<_> = (0..5)
        .map(|number| visit(&mut sim, &format!("/chat/tea?name=user{number}")))
        .collect();
    let mut client = look(&mut sim);
    for (query, names, total) in [
        (
            json!({}),
            vec!["user0", "user1", "user2", "user3", "user4", "-"],
            6,
        ),
        (json!({"offset": 4}), vec!["user4", "-"], 6),
        (json!({"filter": "USER3"}), vec!["user3"], 1),
        (
            json!({"filter": "tea", "offset": 3, "limit": 1}),
            vec!["user3"],
            5,
        ),
    ] {
        let now = snapshot(&mut sim, &mut client, &query);
        let rows = now["connections"].as_array().expect("rows");
        let shown: Vec<_> = rows
            .iter()
            .map(|row| row["user"].as_str().unwrap_or("-"))
            .collect();
        assert_eq!(
            (shown, &now["connections_total"]),
            (names, &json!(total)),
            "{query}"
        );
    }
}

fn id_of(sim: &mut Sim<Router>, client: &mut Client, user: &str) -> String {
    let now = snapshot(sim, client, &json!({"filter": user}));
    now["connections"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[test]
fn messages_go_to_one_to_a_room_to_a_path_and_to_all() {
    let mut sim = site();
    let mut ada = visit(&mut sim, "/chat/tea?name=ada&rooms=a");
    let mut bob = visit(&mut sim, "/chat/tea?name=bob");
    let mut carl = visit(&mut sim, "/chat/milk?name=carl&rooms=a");
    let (mut client, mut second) = (look(&mut sim), look(&mut sim));
    let id = id_of(&mut sim, &mut client, "ada");
    let number: u64 = id.parse().expect("a number");
    for (to, queued, hearing) in [
        (json!({"id": id}), 1, [true, false, false]),
        (json!({"id": number}), 1, [true, false, false]),
        (
            json!({"room": "a", "path": "/chat/tea"}),
            1,
            [true, false, false],
        ),
        (
            json!({"room": "nobody", "path": "/chat/tea"}),
            0,
            [false; 3],
        ),
        (json!({"path": "/chat/tea"}), 2, [true, true, false]),
        (json!({"path": "/chat"}), 0, [false; 3]),
        (json!({"all": true}), 3, [true; 3]),
    ] {
        let answer = order(
            &mut sim,
            &mut client,
            "send",
            &json!({"to": to, "text": "hi"}),
        );
        assert_eq!(
            answer,
            json!({"message": "sent message", "queued": queued}),
            "{to}"
        );
        let heard = [&mut ada, &mut bob, &mut carl].map(|one| heard(one) == ["hi"]);
        assert_eq!(heard, hearing, "{to}");
    }
    // Who looks is told nothing of it.
    second.assert_quiet();
    let param = json!({"to": {"id": id}, "cmd": "note", "param": {"x": [1, 2]}, "channel": "c", "from": "me"});
    order(&mut sim, &mut client, "send", &param);
    let wanted = json!({"channel": "c", "cmd": "note", "from": "me", "param": {"x": [1, 2]}});
    assert_eq!(told(&mut ada), [wanted]);
}

#[test]
fn orders_that_cannot_be_carried_out_say_so() {
    let mut sim = site();
    let _ada = visit(&mut sim, "/chat/tea?name=ada");
    let mut client = look(&mut sim);
    let id = id_of(&mut sim, &mut client, "ada");
    for (cmd, param, words) in [
        (
            "send",
            json!({"to": {"id": "12345678901"}, "text": "x"}),
            "no such connection",
        ),
        ("send", json!({"to": {"id": "x"}, "text": "x"}), "number"),
        ("send", json!({"to": {}, "text": "x"}), "one of"),
        (
            "send",
            json!({"to": {"all": true, "id": id}, "text": "x"}),
            "one of",
        ),
        ("send", json!({"to": {"room": "a"}, "text": "x"}), "one of"),
        ("send", json!({"to": {"id": id}}), "either"),
        (
            "send",
            json!({"to": {"id": id}, "text": "x", "cmd": "y"}),
            "either",
        ),
        (
            "send",
            json!({"to": {"id": id, "usr": "x"}, "text": "x"}),
            "unknown field",
        ),
        ("send", json!({"text": "x"}), "missing field"),
        ("close", json!({"id": "12345678901"}), "no such connection"),
        ("close", json!({"id": id, "code": 1006}), "code"),
        ("close", json!({"id": id, "code": 7}), "code"),
        ("close", json!({"id": id, "reason": "x".repeat(124)}), "123"),
        ("close", json!({}), "missing field"),
        ("tap", json!({}), "wrong param"),
        ("watch", json!({"offset": -1}), "wrong param"),
        ("delete", json!({}), ""),
    ] {
        let answer = order(&mut sim, &mut client, cmd, &param);
        let said = answer
            .as_str()
            .unwrap_or_else(|| panic!("{cmd} {param}: {answer}"));
        assert!(said.contains(words), "{cmd} {param}: {said}");
    }
}

#[test]
fn a_connection_is_closed() {
    let mut sim = site();
    let mut ada = visit(&mut sim, "/chat/tea?name=ada");
    let mut bob = visit(&mut sim, "/chat/tea?name=bob");
    let mut client = look(&mut sim);
    let id = id_of(&mut sim, &mut client, "ada");
    let param = json!({"id": id, "code": 4001, "reason": "enough"});
    assert_eq!(
        order(&mut sim, &mut client, "close", &param),
        json!({"message": "closing"})
    );
    assert_eq!(heard(&mut ada), ["<close 4001 enough>"]);
    bob.assert_quiet();
    let id = id_of(&mut sim, &mut client, "bob");
    order(&mut sim, &mut client, "close", &json!({"id": id}));
    assert_eq!(heard(&mut bob), ["<close 1000 >"]);
}

#[test]
fn the_first_command_of_a_script_is_carried_out() {
    // Before anything was reported, and of a connection that is younger than the last report.
    let mut sim = site();
    let mut ada = visit(&mut sim, "/chat/tea?name=ada");
    let client = look(&mut sim);
    say(
        &mut sim,
        &client,
        r#"{"cmd":"send","id":1,"param":{"to":{"all":true},"text":"first"}}"#,
    );
    sim.run_for(ms(150));
    assert_eq!(heard(&mut ada), ["first"]);
}

#[test]
fn the_tap_shows_what_is_said_and_nothing_of_those_who_look() {
    let mut sim = site();
    let ada = visit(&mut sim, "/chat/tea?name=ada");
    let mut client = look(&mut sim);
    say(&mut sim, &client, r#"{"cmd":"tap","param":{"on":true}}"#);
    let second = look(&mut sim);
    say(&mut sim, &second, r#"{"cmd":"watch"}"#);
    say(&mut sim, &ada, "echo");
    sim.run_for(ms(150));
    let lines = only(told(&mut client), "tap");
    let [heard, said] = &lines[..] else {
        panic!("not two lines: {lines:?}");
    };
    let (time, id) = (&heard["param"]["time"], &heard["param"]["id"]);
    assert!(id.is_string() && time.as_u64() > Some(1_600_000_000_000));
    let wanted = json!({"time": time, "id": id, "path": "/chat/tea", "dir": "in", "kind": "text", "bytes": 4, "text": "echo"});
    assert_eq!(heard["param"], wanted);
    assert_eq!(
        (&said["param"]["dir"], &said["param"]["text"]),
        (&json!("out"), &json!("echoed"))
    );
    say(&mut sim, &client, r#"{"cmd":"tap","param":{"on":false}}"#);
    say(&mut sim, &ada, "echo");
    sim.run_for(ms(300));
    assert!(told(&mut client).is_empty());
}

#[test]
fn a_tap_that_does_not_read_loses_lines_is_told_how_many_and_keeps_its_connection() {
    let mut sim = site();
    let mut ada = visit(&mut sim, "/chat/tea?name=ada");
    let mut client = look(&mut sim);
    say(&mut sim, &client, r#"{"cmd":"tap","param":{"on":true}}"#);
    // It reads 4 kB in a second, of some 60.
    let (mut lines, mut heard_of) = (0, Vec::new());
    for _ in 0..20 {
        for _ in 0..200 {
            ada.push(&crate::frames::text("echo"));
        }
        client.conn.set_window(4000);
        sim.run_for(secs(1));
        assert_eq!(heard(&mut ada).len(), 200);
        lines += 400;
        heard_of.extend(told(&mut client));
    }
    client.conn.set_window(usize::MAX);
    for _ in 0..20 {
        sim.run_for(ms(100));
        heard_of.extend(told(&mut client));
    }
    let (shown, lost) = (
        only(heard_of.clone(), "tap").len(),
        only(heard_of, "tap-lost"),
    );
    let lost: u64 = lost
        .iter()
        .filter_map(|one| one["param"]["count"].as_u64())
        .sum();
    assert!(lost > 2000, "{shown} {lost}");
    assert_eq!(shown as u64 + lost, lines);
    // And hears what comes next.
    say(&mut sim, &ada, "echo");
    sim.run_for(ms(200));
    assert_eq!(only(told(&mut client), "tap").len(), 2);
}
