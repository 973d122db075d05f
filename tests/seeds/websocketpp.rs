//! B4, WebSocket++ and its like: endpoints, handles, handlers, channels, and who may come.
//!
//! Not here: clients, and the program that holds several connections; that is `websocketpp_client`.

use crate::harness::{Client, Sim, ms};
use crate::serve;
use crate::served::{Echo, Hearing, hearing, text};
use crate::world::{Log, heard, kill, open, read, request, say, start};
use serde::{Deserialize, Serialize};
use sockeye::app::json::Commands;
use sockeye::app::{App, Conn, Route, Router, Service, Upgrade};
use sockeye::proto::{CloseCode, SendError};
use sockeye::server::{ConnectionId, Gone, Message};
use std::sync::Arc;

#[test]
fn b4_3_one_route_answers_a_request_and_two_for_the_same_path_do_not_start() {
    let mut sim = serve::start();
    let client = sim.connect();
    client.push(&request("/chat/tea", ""));
    sim.settle();
    let sent = String::from_utf8_lossy(&client.conn.take_sent()).into_owned();
    assert_eq!(sent.matches("HTTP/1.1 101 ").count(), 1, "{sent}");
    for (one, other) in [
        ("/chat", "/chat"),
        ("/{a}", "/{b}"),
        ("/chat", "/chat/"),
        ("/*", "/*"),
    ] {
        let route = |path: &str| Route::new(path);
        let app = App::new()
            .route(route(one), |_| Echo)
            .route(route(other), |_| Echo);
        assert!(app.build().is_err(), "{one} {other}");
    }
}

/// Joins what it is told to join, and tells it what it is told to tell.
fn rooms() -> App {
    hearing("SOCKET /x @text", |conn, _, message| {
        match text(message).split_once(' ').unwrap_or_default() {
            ("join", room) => drop(conn.join(room)),
            ("leave", room) => drop(conn.leave(room)),
            (room, words) => drop(conn.publish(room, words)),
        }
    })
}

#[test]
fn b4_4_what_is_said_to_a_room_is_heard_by_its_members() {
    let mut sim = start(rooms());
    let mut clients = ["/x"; 3].map(|path| open(&mut sim, path));
    say(&mut sim, &clients[0], "join tea");
    say(&mut sim, &clients[1], "join tea");
    say(&mut sim, &clients[1], "join milk");
    say(&mut sim, &clients[2], "tea one");
    say(&mut sim, &clients[2], "milk two");
    say(&mut sim, &clients[0], "leave tea");
    say(&mut sim, &clients[2], "tea three");
    let [first, second, third] = clients.each_mut().map(heard);
    assert_eq!(
        (first.join(" "), second.join(" "), third.join(" ")),
        ("one".into(), "one two three".into(), String::new())
    );
}

#[derive(Deserialize, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

#[test]
fn b4_5_types_are_read_from_json_and_written_as_it() {
    let mut sim = start(App::new().route("SOCKET /x", |_| {
        Commands::<()>::new().on("turn", |_, (), Point { x, y }: Point| {
            Ok(Point { x: -y, y: x })
        })
    }));
    let mut client = open(&mut sim, "/x");
    say(
        &mut sim,
        &client,
        r#"{"cmd":"turn","id":1,"param":{"x":3,"y":4}}"#,
    );
    assert_eq!(
        heard(&mut client),
        [r#"{"cmd":"reply","re":1,"param":{"x":-4,"y":3}}"#]
    );
    say(
        &mut sim,
        &client,
        r#"{"cmd":"turn","id":2,"param":{"x":3}}"#,
    );
    let words = heard(&mut client).concat();
    assert!(
        words.contains(r#""cmd":"error","re":2"#) && words.contains("`y`"),
        "{words}"
    );
}

#[test]
fn b4_6_what_a_handler_sends_is_written_when_it_returns_at_once() {
    let app = hearing("SOCKET /x @text", |conn, _, _| {
        let before = conn.queued_bytes();
        for _ in 0..10 {
            conn.send("0123456789").expect("it is open");
        }
        // Nothing of it has gone.
        assert_eq!(conn.queued_bytes() - before, 10 * 12);
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    let sends = client.conn.sends();
    say(&mut sim, &client, "go");
    assert_eq!(
        (heard(&mut client).len(), client.conn.sends() - sends),
        (10, 1)
    );
}

#[test]
fn b4_7_one_is_told_or_all_who_are_connected() {
    let app = hearing("SOCKET /x @text", |conn, _, message| match text(message) {
        "one" => drop(conn.send("to one")),
        _ => drop(conn.publish(conn.all(), "to all")),
    });
    let mut sim = start(app);
    let mut clients = ["/x"; 3].map(|path| open(&mut sim, path));
    for (word, told) in [("one", [1, 0, 0]), ("all", [1, 1, 1])] {
        say(&mut sim, &clients[0], word);
        assert_eq!(
            clients.each_mut().map(|client| heard(client).len()),
            told,
            "{word}"
        );
    }
}

#[test]
fn b4_8_a_handler_is_told_who_and_what() {
    let app = hearing("SOCKET /x @text", |conn, name, message| {
        let _ = conn.send(&format!("{} {name} {}", conn.id().get(), text(message)));
    });
    let mut sim = start(app);
    let mut ids = Vec::new();
    for name in ["Ada", "Bo"] {
        let mut client = open(&mut sim, &format!("/x?name={name}"));
        say(&mut sim, &client, "hello");
        let words = heard(&mut client).concat();
        let (id, rest) = words.split_once(' ').expect("three words");
        assert_eq!(rest, format!("{name} hello"));
        ids.push(id.to_owned());
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn b4_9_a_handle_names_a_connection_for_good_also_when_it_is_gone() {
    const fn is_copy<T: Copy + Send + Sync + 'static>() {}
    const { is_copy::<ConnectionId>() };
    let app = App::new().route("SOCKET /x @text", |_| {
        let mut kept = None;
        Hearing(
            move |conn: &mut Conn<'_, String>, _: &mut String, _: Message<'_>| {
                let id = *kept.get_or_insert_with(|| conn.id());
                let sent = conn.send_to(id, "still there");
                let closed = match sent {
                    Ok(()) => Ok(()),
                    Err(Gone) => conn.close_other(id, CloseCode::NORMAL, ""),
                };
                assert_eq!(conn.join_other(id, "room").is_ok(), sent.is_ok());
                let _ = conn.send(&format!(
                    "{} {}",
                    sent.is_ok(),
                    closed == Err(SendError::Closed)
                ));
            },
        )
    });
    let mut sim = start(app);
    let mut first = open(&mut sim, "/x");
    say(&mut sim, &first, "keep");
    assert_eq!(heard(&mut first), ["still there", "true false"]);
    kill(&mut sim, &first);
    let mut other = open(&mut sim, "/x");
    say(&mut sim, &other, "try");
    assert_eq!(heard(&mut other), ["false true"]);
}

#[test]
fn b4_11_what_can_fail_says_so_and_does_not_panic() {
    let app = hearing("SOCKET /x @text", |conn, _, _| {
        let long = "x".repeat(200);
        let faults = [
            conn.close(CloseCode::NORMAL, &long).is_err(),
            conn.ping(long.as_bytes()).is_err(),
            conn.join("").is_err(),
            conn.join(&long).is_err(),
            CloseCode::new(1006).is_none(),
            conn.close(CloseCode::NORMAL, "enough").is_ok(),
            conn.send("too late") == Err(SendError::Closed),
            conn.close(CloseCode::NORMAL, "again") == Err(SendError::Closed),
        ];
        assert_eq!(faults, [true; 8]);
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    say(&mut sim, &client, "go");
    // With a panic it would be 1011.
    assert_eq!(heard(&mut client), ["<close 1000 enough>"]);
}

#[test]
fn b4_12_the_demo_greets_john_and_closes_after_five_seconds() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/demo");
    assert!(heard(&mut client).is_empty());
    say(&mut sim, &client, "John");
    assert_eq!(heard(&mut client), ["Hello from server, John"]);
    sim.run_for(ms(4900));
    client.assert_quiet();
    sim.run_for(ms(200));
    assert_eq!(heard(&mut client), ["<close 1000 >"]);
}

/// Counts what is opened, and holds what one connection alone may have.
struct Counting(Log);

impl Service for Counting {
    type User = u32;

    fn open(&mut self, _: &mut Conn<'_, u32>, count: &mut u32, _: &Upgrade<'_>) {
        self.0.lock().unwrap().push("open".into());
        *count += 1;
    }

    fn message(&mut self, conn: &mut Conn<'_, u32>, count: &mut u32, _: Message<'_>) {
        *count += 1;
        let _ = conn.send(&count.to_string());
    }
}

#[test]
fn b4_13_each_connection_is_opened_once_and_has_what_is_its_own() {
    let log = Log::default();
    let notes = Arc::clone(&log);
    let mut sim = start(App::new().route("SOCKET /x @text", move |_| Counting(Arc::clone(&notes))));
    let [mut one, mut other] = ["/x"; 2].map(|path| open(&mut sim, path));
    for (client, told) in [(&mut one, "2"), (&mut other, "2")] {
        say(&mut sim, client, "count");
        assert_eq!(heard(client), [told]);
    }
    say(&mut sim, &one, "count");
    assert_eq!(heard(&mut one), ["3"]);
    assert_eq!(read(&log), ["open", "open"]);
}

#[test]
fn b4_14_clients_begin_in_general_unless_they_name_a_channel() {
    let mut sim = serve::start();
    let [mut one, mut two, mut tea] =
        ["/channels", "/channels?ch=general", "/channels?ch=tea"].map(|path| open(&mut sim, path));
    let line = |client: &Client, sim: &mut Sim<Router>, channel: &str| {
        say(
            sim,
            client,
            &format!(r#"{{"cmd":"chat",{channel}"param":{{"text":"hi"}}}}"#),
        );
    };
    line(&one, &mut sim, "");
    for client in [&mut one, &mut two] {
        let words = heard(client);
        assert!(
            words.len() == 1 && words[0].contains(r#""channel":"general""#),
            "{words:?}"
        );
    }
    assert!(heard(&mut tea).is_empty());
    // Or by a message, later.
    say(
        &mut sim,
        &one,
        r#"{"cmd":"join-room","id":1,"param":{"room":"tea"}}"#,
    );
    assert!(heard(&mut one)[0].contains(r#""room":"tea""#));
    line(&tea, &mut sim, "");
    line(&one, &mut sim, r#""channel":"tea","#);
    assert_eq!(
        (
            heard(&mut one).len(),
            heard(&mut tea).len(),
            heard(&mut two).len()
        ),
        (2, 2, 0)
    );
}
