//! B0, Total.js: the echo and the chat of the samples, and the life of what serves them.
//!
//! Not here: routes and their limits, which are `total_js`.

use crate::frames;
use crate::harness::{ms, secs};
use crate::logged::Lines;
use crate::serve;
use crate::served::Echo;
use crate::world::{Log, Noting, ask, heard, kill, open, read, say, start};
use sockeye::app::{App, Conn, Route, Scope, Service};
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Cause, Closed, ConnectionId, Message};
use std::sync::{Arc, Mutex};

#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/notify.rs"]
mod notify;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/rooms_and_commands.rs"]
mod rooms_and_commands;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/shared_counter.rs"]
mod shared_counter;

#[test]
fn b0_12_the_sample_greets_hello_world() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/");
    let first = client.frame();
    assert_eq!(
        (first.opcode, &*first.payload),
        (frames::TEXT, &b"Hello world"[..])
    );
}

#[test]
fn b0_13_a_message_is_logged_with_its_size_and_sent_back_as_it_was() {
    let (lines, _guard) = Lines::collect();
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/echo");
    let opened = lines.read().concat();
    let id = opened
        .split(" id=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let id = id.expect("the connection's id");
    client.push(&frames::text("grüß dich"));
    client.push(&frames::binary(b"\0\xFF\x80"));
    sim.settle();
    let echoes: Vec<_> = client
        .frames()
        .into_iter()
        .map(|frame| (frame.opcode, frame.payload))
        .collect();
    assert_eq!(
        echoes,
        [
            (frames::TEXT, "grüß dich".into()),
            (frames::BINARY, vec![0, 0xFF, 0x80])
        ]
    );
    let logged = lines.read();
    assert_eq!(logged.len(), 2, "{logged:?}");
    for (line, bytes) in logged.iter().zip([11, 3]) {
        assert!(line.contains(&format!("id={id}")), "{line}");
        assert!(line.contains(&format!("bytes={bytes}")), "{line}");
        // Never what was said.
        assert!(!line.contains("dich"), "{line}");
    }
}

fn noting(log: &Log, route: &str) -> App {
    let log = Arc::clone(log);
    App::new().route(Route::new(route), move |params| {
        Noting::new(params.get("room").unwrap_or("-"), &log)
    })
}

#[test]
fn b0_14_whoever_came_is_told_gone_once_however_it_ends() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/x"));
    for end in ["in order", "cut off", "reset", "wrong", "silent"] {
        let client = open(&mut sim, "/x");
        match end {
            "in order" => {
                client.push(&frames::close(4000));
                sim.settle();
                client.conn.end();
            }
            "cut off" => client.conn.end(),
            "reset" => kill(&mut sim, &client),
            "wrong" => client.push(b"\xFF\xFF"),
            _ => {}
        }
        sim.run_for(secs(40));
        let code = if end == "in order" { "4000" } else { "1006" };
        let told = read(&log);
        let told: Vec<_> = told
            .iter()
            .filter(|line| !line.ends_with("made") && !line.ends_with("dropped"))
            .collect();
        assert_eq!(
            told,
            ["- open, 1 online", &format!("- close {code}, 0 online")],
            "{end}"
        );
    }
}

/// Notes why connections ended, and its own end.
struct Ends(Arc<Mutex<Vec<String>>>);

impl Service for Ends {
    type User = ();

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}

    fn close(&mut self, _: &mut Scope<'_, ()>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        let violation = closed.violation.map(|violation| violation.to_string());
        let cause = match closed.cause {
            Cause::Violation => violation.expect("what was wrong"),
            cause => format!("{cause:?}"),
        };
        self.0.lock().unwrap().push(cause);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().unwrap().push("destroyed".into());
    }
}

#[test]
fn b0_15_an_end_has_its_cause_and_the_service_an_end_of_its_own() {
    let log = Arc::<Mutex<Vec<_>>>::default();
    let notes = Arc::clone(&log);
    let app = App::new().route("SOCKET /x @text", move |_| Ends(Arc::clone(&notes)));
    let mut sim = start(app);
    let client = open(&mut sim, "/x");
    kill(&mut sim, &client);
    let client = open(&mut sim, "/x");
    // A reserved opcode.
    client.push(&frames::frame(frames::FIN | 0x3, b""));
    sim.run_for(secs(5));
    let told = log.lock().unwrap().clone();
    assert_eq!((told.len(), &*told[0]), (2, "Lost"), "{told:?}");
    assert!(told[1].contains("opcode"), "{told:?}");
    sim.run_for(secs(6));
    assert_eq!(log.lock().unwrap().last().unwrap(), "destroyed");
}

#[test]
fn b0_16_five_seconds_after_the_last_has_left_it_is_cleared_away_unless_somebody_comes() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/x"));
    for _ in 0..3 {
        let client = open(&mut sim, "/x");
        kill(&mut sim, &client);
        sim.run_for(ms(4900));
    }
    assert!(!read(&log).contains(&"- dropped".to_owned()));
    sim.run_for(ms(200));
    assert_eq!(read(&log), ["- dropped"]);
    sim.run_for(secs(20));
    assert!(read(&log).is_empty());
    // Or as long as the route says.
    let notes = Arc::clone(&log);
    let route = Route::new("/x").linger(ms(100));
    let mut sim = start(App::new().route(route, move |_| Noting::new("-", &notes)));
    let client = open(&mut sim, "/x");
    kill(&mut sim, &client);
    sim.run_for(ms(150));
    assert_eq!(read(&log).last().unwrap(), "- dropped");
}

#[test]
fn b0_17_each_address_has_a_service_of_its_own_made_before_the_first_is_told_open() {
    let log = Log::default();
    let mut sim = start(noting(&log, "/chat/{room}"));
    assert!(read(&log).is_empty());
    let _clients = ["/chat/tea", "/chat/milk", "/chat/tea?again"].map(|path| open(&mut sim, path));
    assert_eq!(
        read(&log),
        [
            "tea made",
            "tea open, 1 online",
            "milk made",
            "milk open, 1 online",
            "tea open, 2 online"
        ]
    );
}

#[test]
fn b0_22_the_chat_is_at_its_path_with_and_without_the_slash() {
    let mut sim = serve::start();
    let [mut one, mut other] = ["/chat/", "/chat"].map(|path| open(&mut sim, path));
    let _ = (heard(&mut one), heard(&mut other));
    say(&mut sim, &one, r#"{"text":"hi"}"#);
    assert_eq!(heard(&mut other), [r#"{"text":"hi"}"#]);
    // It is JSON that is said there.
    say(&mut sim, &one, "hi");
    assert!(heard(&mut one)[0].starts_with("<close 1007 "));
}

#[test]
fn b0_23_all_hear_it_but_who_said_it() {
    let mut sim = serve::start();
    let mut clients = ["/chat/", "/chat/", "/chat/"].map(|path| open(&mut sim, path));
    let _ = clients.each_mut().map(heard);
    say(&mut sim, &clients[1], r#"{"text":"hi"}"#);
    let heard = clients.each_mut().map(|client| heard(client).len());
    assert_eq!(heard, [1, 0, 1]);
}

#[test]
fn b0_24_the_others_hear_of_a_newcomer_before_anything_that_it_says() {
    let mut sim = serve::start();
    let mut first = open(&mut sim, "/chat/");
    assert!(heard(&mut first).is_empty());
    // It speaks in the same packet as it comes.
    let mut second = sim.connect();
    let mut bytes = crate::world::request("/chat/", "");
    bytes.extend(frames::text(r#"{"text":"early"}"#));
    second.push(&bytes);
    sim.settle();
    let words = heard(&mut first);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words[0].starts_with(r#"{"type":"join","user":""#),
        "{words:?}"
    );
    assert_eq!(words[1], r#"{"text":"early"}"#);
    second.head();
    assert!(heard(&mut second).is_empty());
}

#[test]
fn b0_25_what_is_said_is_relayed_at_once_and_in_one_order() {
    let mut sim = serve::start();
    let mut clients = ["/chat/"; 4].map(|path| open(&mut sim, path));
    let _ = clients.each_mut().map(heard);
    let [mut three, mut four] = [const { Vec::new() }; 2];
    for number in 0..20 {
        for (name, client) in ["a", "b"].iter().zip(&clients) {
            client.push(&frames::text(&format!(
                r#"{{"from":"{name}","number":{number}}}"#
            )));
        }
        // One turn reads it, and the same one tells it.
        sim.turn();
        let [_, _, now_three, now_four] = clients.each_mut().map(heard);
        assert_eq!(now_three.len(), 2, "after turn {number}");
        three.extend(now_three);
        four.extend(now_four);
    }
    assert_eq!(three, four);
    for name in ["a", "b"] {
        let from: Vec<_> = three
            .iter()
            .filter(|text| text.contains(&format!("\"{name}\"")))
            .collect();
        assert!(
            from.iter()
                .enumerate()
                .all(|(at, text)| text.contains(&format!(":{at}}}"))),
            "{from:?}"
        );
    }
}

#[test]
fn b0_26_the_others_hear_that_one_has_gone_after_the_last_that_it_said() {
    let mut sim = serve::start();
    let mut stays = open(&mut sim, "/chat/");
    for clean in [true, false] {
        let mut goes = open(&mut sim, "/chat/");
        let join = heard(&mut stays).concat();
        goes.push(&frames::text(r#"{"text":"last"}"#));
        if clean {
            goes.push(&frames::close(1000));
        } else {
            goes.conn.end();
        }
        sim.settle();
        goes.conn.end();
        sim.settle();
        let words = heard(&mut stays);
        assert_eq!(
            words,
            [
                r#"{"text":"last"}"#.to_owned(),
                join.replace("join", "leave")
            ],
            "{clean}"
        );
        // Who has gone does not hear of it.
        assert!(
            heard(&mut goes)
                .iter()
                .all(|word| word.starts_with("<close "))
        );
    }
}

#[test]
fn b0_27_clients_of_all_sorts_are_let_in() {
    let routes = Route::parse("SOCKET /any @text")
        .expect("a route")
        .origins(OriginPolicy::Any);
    let mut sim = start(
        App::new()
            .route(routes, |_| Echo)
            .route("SOCKET /own @text", |_| Echo),
    );
    for (target, headers, is_let_in) in [
        // Postman has no Origin; a page opened from a file has "null".
        ("/own", "User-Agent: PostmanRuntime/7\r\n", true),
        ("/any", "Origin: null\r\n", true),
        ("/any", "Origin: https://websocketking.com\r\n", true),
        ("/own", "Origin: https://websocketking.com\r\n", false),
        (
            "/own",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            true,
        ),
        (
            "/own",
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9\r\n",
            true,
        ),
        (
            "/own",
            "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; what=else\r\n",
            true,
        ),
    ] {
        let (head, mut client) = ask(&mut sim, target, headers);
        assert_eq!(
            head.starts_with("HTTP/1.1 101 "),
            is_let_in,
            "{headers}: {head}"
        );
        assert!(!head.contains("Sec-WebSocket-Protocol"), "{head}");
        if is_let_in {
            say(&mut sim, &client, "hello");
            assert_eq!(heard(&mut client), ["hello"], "{headers}");
        }
    }
}

/// What the page does with them is tested in a browser.
#[test]
fn b0_28_the_page_is_on_the_same_port_with_a_field_a_button_and_a_list() {
    let mut sim = serve::start();
    let mut client = sim.connect();
    client.push(b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n");
    sim.settle();
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("Content-Type: text/html; charset=utf-8\r\n"),
        "{head}"
    );
    let policy = head
        .lines()
        .find(|line| line.starts_with("Content-Security-Policy: "));
    assert!(
        policy.is_some_and(|policy| !policy.contains("unsafe")),
        "{head}"
    );
    let page = String::from_utf8_lossy(&client.bytes).into_owned();
    for part in ["<input", "<button", "id=\"messages\"", "src=\"/chat.js\""] {
        assert!(page.contains(part), "{part}");
    }
    // Nothing that is said there becomes markup.
    let script = include_str!("../../web/dist/chat.js");
    assert!(script.contains("textContent") && !script.contains("innerHTML"));
}

/// Chat, notifications, working together on something: each an example.
#[test]
fn b0_32_each_use_has_an_example() {
    let mut sim = start(rooms_and_commands::app());
    let [one, mut other] =
        ["/chat/tea?name=Ada", "/chat/tea?name=Bo"].map(|path| open(&mut sim, path));
    let _ = heard(&mut other);
    say(&mut sim, &one, r#"{"cmd":"say","param":{"text":"hi"}}"#);
    assert!(heard(&mut other).concat().contains("hi"));
    let mut sim = start(notify::app());
    let mut ada = open(&mut sim, "/inbox?user=ada");
    assert_eq!(heard(&mut ada), ["hello, ada, on 1"]);
    let mut sim = start(shared_counter::app());
    let [mut one, mut other] = ["/counter/tea"; 2].map(|path| open(&mut sim, path));
    let _ = (heard(&mut one), heard(&mut other));
    say(&mut sim, &one, r#"{"cmd":"add","param":2}"#);
    let change = r#"{"cmd":"counter","param":{"value":2,"version":1}}"#;
    assert_eq!(
        (heard(&mut one), heard(&mut other)),
        (vec![change.to_owned()], vec![change.to_owned()])
    );
}
