//! Rows B3.5, B3.16, B3.33 to B3.41: looking into a running application, and its log.
//!
//! Not here: how the admin page looks and feels, which is `web/tests`.

use crate::harness::{Client, Sim, ms};
use crate::logged::Lines;
use crate::world::{ask, heard, kill, open, say, start};
use serde_json::{Value, json};
use sockeye::app::json::Commands;
use sockeye::app::watch::{Direction, Kind};
use sockeye::app::{Admin, App, Conn, Echo, Logged, Monitor, Page, Router, Service, Upgrade};
use sockeye::proto::CloseCode;
use sockeye::server::Message;

const TOKEN: &str = "correct-horse-battery";

/// Is in the rooms of `?rooms=a,b`, and who `?name=` says; says what it hears to the room `a`.
struct Members;

impl Service for Members {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        let query = upgrade.query();
        if let Some(name) = query.get("name") {
            conn.identify(&name).expect("a name");
        }
        for room in query.get("rooms").unwrap_or_default().split_terminator(',') {
            conn.join(room).expect("a room");
        }
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        conn.publish("a", message);
    }
}

fn site(monitor: &Monitor) -> Sim<Router> {
    let admin = Admin::new(TOKEN, monitor).expect("a token").hosts(["x"]);
    let admin = admin.page(Page::html("<!doctype html><title>Admin</title>"));
    let app = App::new().route("SOCKET /tea @text", |_| Members);
    start(app.admin(admin))
}

/// Somebody who looks in.
fn desk(sim: &mut Sim<Router>) -> Client {
    let offers = format!("Sec-WebSocket-Protocol: sockeye.admin, token.{TOKEN}\r\n");
    let (head, client) = ask(sim, "/admin/socket", &offers);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client
}

/// The messages with this command that a client has heard since, each its parameter.
fn params(client: &mut Client, cmd: &str) -> Vec<Value> {
    let messages = heard(client);
    let read = messages
        .iter()
        .map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    read.filter(|message| message["cmd"] == cmd)
        .map(|mut message| message["param"].take())
        .collect()
}

/// What a request to the desk is answered.
fn asked(sim: &mut Sim<Router>, desk: &mut Client, cmd: &str, param: &Value) -> Value {
    heard(desk);
    say(
        sim,
        desk,
        &json!({ "cmd": cmd, "param": param, "id": 7 }).to_string(),
    );
    sim.run_for(ms(2500));
    let replies = params(desk, "reply");
    replies.first().cloned().expect("a reply")
}

#[test]
fn b3_5_the_admin_page_is_there_where_it_was_asked_for() {
    let get = |sim: &mut Sim<Router>, path: &str| {
        let mut client = sim.connect();
        client.push(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        sim.settle();
        client.head()
    };
    let mut sim = site(&Monitor::new());
    let head = get(&mut sim, "/admin");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    // Without the token there is nothing behind it.
    let (head, _) = ask(
        &mut sim,
        "/admin/socket",
        "Sec-WebSocket-Protocol: sockeye.admin\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    drop(desk(&mut sim));
    let mut sim = start(App::new().route("SOCKET /tea @text", |_| Members));
    assert!(get(&mut sim, "/admin").starts_with("HTTP/1.1 404 "));
}

#[test]
fn b3_33_connections_and_rooms_are_listed_by_their_order_and_in_pages() {
    let monitor = Monitor::new();
    let mut sim = site(&monitor);
    let clients = ["a", "a,b", "b"].map(|rooms| open(&mut sim, &format!("/tea?rooms={rooms}")));
    let mut desk = desk(&mut sim);
    let watch = |sim: &mut Sim<Router>, desk: &mut Client, param: Value| {
        say(
            sim,
            desk,
            &json!({ "cmd": "watch", "param": param }).to_string(),
        );
        sim.run_for(ms(2500));
        params(desk, "snapshot").pop().expect("a snapshot")
    };
    let ids = |snapshot: &Value| {
        let of_tea = snapshot["connections"].as_array().expect("a list").iter();
        let of_tea = of_tea.filter(|one| one["path"] == "/tea");
        of_tea
            .map(|one| one["id"].as_str().expect("a string").to_owned())
            .collect::<Vec<_>>()
    };
    let all = watch(&mut sim, &mut desk, json!({}));
    let three = ids(&all);
    let numbers: Vec<u64> = three
        .iter()
        .map(|id| id.parse().expect("a number"))
        .collect();
    assert!(numbers.len() == 3 && numbers.is_sorted(), "{three:?}");
    let rooms: Vec<_> = all["rooms"].as_array().expect("a list").iter().collect();
    assert_eq!(rooms.len(), 2);
    assert_eq!(
        (&rooms[0]["name"], &rooms[0]["members"]),
        (&json!("a"), &json!(2))
    );
    assert_eq!(
        (&rooms[1]["name"], &rooms[1]["members"]),
        (&json!("b"), &json!(2))
    );
    let page = watch(
        &mut sim,
        &mut desk,
        json!({ "filter": "/tea", "offset": 1, "limit": 1 }),
    );
    assert_eq!(
        (ids(&page), &page["connections_total"]),
        (vec![three[1].clone()], &json!(3))
    );
    // By its id.
    let one = monitor.connection(numbers[1]).expect("it is there");
    assert_eq!(one.rooms, ["a", "b"]);
    kill(&mut sim, &clients[1]);
    sim.run_for(ms(2500));
    assert!(monitor.connection(numbers[1]).is_none());
}

#[test]
fn b3_34_the_admin_page_is_told_all_and_can_speak_and_close() {
    let mut sim = site(&Monitor::new());
    let mut ada = open(&mut sim, "/tea?name=ada&rooms=a");
    say(&mut sim, &ada, "four");
    heard(&mut ada);
    let mut desk = desk(&mut sim);
    say(&mut sim, &desk, r#"{"cmd":"watch","param":{}}"#);
    sim.run_for(ms(2500));
    let snapshot = params(&mut desk, "snapshot").pop().expect("a snapshot");
    let row = &snapshot["connections"][0];
    let id = row["id"].as_str().expect("a string");
    for (field, wanted) in [
        ("user", json!("ada")),
        ("path", json!("/tea")),
        ("messages_in", json!(1)),
        ("bytes_in", json!(4)),
        ("messages_out", json!(1)),
        ("queued", json!(0)),
        ("rtt", Value::Null),
        ("rooms", json!(["a"])),
    ] {
        assert_eq!(row[field], wanted, "{field}");
    }
    assert!(row["addr"].as_str().expect("text").starts_with("192.0.2.1"));
    assert!(row["bytes_out"].as_u64() >= Some(4));
    assert!(row["since"].as_u64().is_some());
    for (to, hears) in [
        (json!({ "id": id }), 1),
        (json!({ "room": "a", "path": "/tea" }), 1),
        (json!({ "room": "b", "path": "/tea" }), 0),
        (json!({ "all": true }), 1),
    ] {
        let order = json!({ "to": to, "cmd": "news", "from": "desk", "param": 1 });
        let reply = asked(&mut sim, &mut desk, "send", &order);
        assert_eq!(reply["message"], "sent message");
        assert_eq!(reply["queued"], hears, "{to}");
        let news = vec![r#"{"cmd":"news","from":"desk","param":1}"#; hears];
        let told = heard(&mut ada);
        assert_eq!(
            told.iter()
                .filter(|text| *text != "<ping>")
                .collect::<Vec<_>>(),
            news,
            "{to}"
        );
    }
    asked(
        &mut sim,
        &mut desk,
        "close",
        &json!({ "id": id, "code": 4000, "reason": "go" }),
    );
    assert_eq!(
        heard(&mut ada).first().map(|text| &**text),
        Some("<close 4000 go>")
    );
}

#[test]
fn b3_35_a_tap_shows_all_that_is_said_and_loses_rather_than_waits() {
    let monitor = Monitor::new();
    let mut sim = start(
        App::new()
            .watched_by(&monitor)
            .route("SOCKET /tea @text", |_| Members),
    );
    let mut tap = monitor.tap().expect("a place");
    let mut ada = open(&mut sim, "/tea?rooms=a");
    say(&mut sim, &ada, "hi");
    kill(&mut sim, &ada);
    let lines = tap.take(100).lines;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line.kind, line.direction, &*line.path, line.bytes))
        .collect();
    assert_eq!(
        seen,
        [
            (Kind::Open, Direction::In, "/tea", 0),
            (Kind::Text, Direction::In, "/tea", 2),
            (Kind::Text, Direction::Out, "/tea", 2),
            (Kind::Close, Direction::In, "/tea", 0),
        ]
    );
    assert_eq!(lines[1].text, "hi");
    // Nobody reads it: all are told all the same, and what is missing is counted.
    ada = open(&mut sim, "/tea?rooms=a");
    for _ in 0..3000 {
        say(&mut sim, &ada, "hi");
    }
    assert_eq!(heard(&mut ada).len(), 3000);
    let tapped = tap.take(10_000);
    assert!(
        tapped.lost > 0 && tapped.lines.len() <= 1000,
        "{}",
        tapped.lost
    );
}

/// What is logged where a client says this to commands that are none.
fn logged(said: &str) -> Vec<String> {
    let mut sim = start(App::new().everywhere(|_| Commands::<()>::new()));
    let mut client = open(&mut sim, "/");
    let (lines, guard) = Lines::of(&["::json::"]);
    say(&mut sim, &client, said);
    drop(guard);
    assert!(heard(&mut client).is_empty());
    client.assert_quiet();
    lines.read()
}

#[test]
fn b3_16_an_unknown_command_is_a_line_in_the_log() {
    let lines = logged(r#"{"cmd":"x"}"#);
    let warning = lines
        .iter()
        .find(|line| line.starts_with("WARN "))
        .expect("a warning");
    assert!(
        warning.contains("unhandled websocket command [x]"),
        "{warning}"
    );
}

#[test]
fn b3_24_what_is_logged_stays_one_line() {
    let lines = logged(r#"{"cmd":"x]\r\nWARN forged\u001b[2J"}"#);
    assert!(!lines.is_empty());
    for line in lines {
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.contains(r"x]\r\nWARN forged\u{1b}[2J"), "{line}");
    }
}

#[test]
fn b3_40_each_command_has_a_span() {
    let lines = logged(r#"{"cmd":"x"}"#);
    let span = lines.first().expect("a span");
    assert!(
        span.starts_with("message::cmd ") && span.contains("cmd=x"),
        "{span}"
    );
}

/// Takes 60 ms of the simulated clock.
struct Slow(crate::sim::Net);

impl sockeye::server::Handler<crate::sim::SimKernel> for Slow {
    type State = ();

    fn on_message(
        &mut self,
        _: &mut sockeye::server::Peer<'_, crate::sim::SimKernel>,
        (): &mut (),
        message: Message<'_>,
    ) {
        self.0.pass(ms(message.bytes().len() as u64));
    }
}

#[test]
fn b3_38_a_call_that_takes_long_is_told_of() {
    let net = crate::sim::Net::new();
    let settings = sockeye::server::Settings::default().watchdog(ms(50));
    let server = sockeye::server::EventLoop::new(net.kernel(), Slow(net.clone()), settings);
    let mut sim = Sim {
        net,
        server,
        goes_on: true,
    };
    let client = sim.open();
    let (lines, _guard) = Lines::of(&["::reactor::"]);
    for (millis, warnings) in [(40, 0), (60, 1)] {
        client.push(&crate::frames::binary(&vec![0; millis]));
        sim.settle();
        let lines = lines.read();
        assert_eq!(
            lines
                .iter()
                .filter(|line| line.contains("took long"))
                .count(),
            warnings
        );
    }
}

#[test]
fn b3_41_an_echo_and_a_log_are_ready_made() {
    let (lines, _guard) = Lines::collect();
    let mut sim = start(App::new().everywhere(|_| Logged(Echo)));
    let mut client = open(&mut sim, "/a%0Ab");
    say(&mut sim, &client, "secret");
    assert_eq!(heard(&mut client), ["secret"]);
    client.push(&crate::frames::close(CloseCode::GOING_AWAY.get()));
    sim.settle();
    let lines = lines.read();
    let [opened, message, closed] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(opened.starts_with("INFO opened id="), "{opened}");
    assert!(
        opened.contains(" addr=192.0.2.1:50000 path=/a%0Ab"),
        "{opened}"
    );
    assert!(
        message.starts_with("DEBUG message id=") && message.ends_with("bytes=6"),
        "{message}"
    );
    assert!(
        closed.starts_with("INFO closed id=") && closed.contains("code=1001"),
        "{closed}"
    );
}
