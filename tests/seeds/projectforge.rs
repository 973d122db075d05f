//! Rows B3: the WebSocket module of projectforge. Its channels are rooms here, and its messages are commands.
//!
//! Not here: its client in a page, B3.18 to B3.27, which is `web/tests`; more of its channels, which is
//! `projectforge_rooms`; looking into it, which is `projectforge_admin`.

use crate::frames;
use crate::hall::{self, told};
use crate::harness::{Client, Sim, ms, secs};
use crate::serve;
use crate::world::{heard, open, say, start};
use serde_json::Value;
use sockeye::app::json::Commands;
use sockeye::app::{App, BadJson, Conn, Route, Router, Service};
use sockeye::client::{self, Received};
use sockeye::proto::CloseCode;
use sockeye::server::Message;
use std::thread;

/// The one message that a client has heard, read.
#[track_caller]
fn only(client: &mut Client) -> Value {
    let [message] = heard(client).try_into().expect("one message");
    serde_json::from_str(&message).expect("JSON")
}

#[test]
fn b3_1_connections_are_counted_kept_alive_and_cleaned_up() {
    let mut sim = hall::open();
    let [mut one, mut dead] = ["/", "/"].map(|path| open(&mut sim, path));
    for room in ["a", "b"] {
        told(&mut sim, &mut dead, &format!("join {room}"));
    }
    assert_eq!(told(&mut sim, &mut one, "online"), ["2 of 2"]);
    // Who is silent for 20 s is pinged, and has 10 s to answer.
    sim.run_for(ms(20_500));
    let [ping, unanswered] = [one.frame(), dead.frame()];
    assert_eq!(
        (ping.opcode, unanswered.opcode),
        (frames::PING, frames::PING)
    );
    one.push(&frames::pong(&ping.payload));
    // Closed by then, and 3 s later let go of.
    sim.run_for(secs(18));
    assert!(dead.conn.is_closed() && !one.conn.is_closed());
    assert_eq!(told(&mut sim, &mut one, "online"), ["1 of 1"]);
    for room in ["a", "b"] {
        assert_eq!(told(&mut sim, &mut one, &format!("count {room}")), ["0"]);
    }
}

#[test]
fn b3_2_a_connection_may_be_in_many_channels() {
    let mut sim = hall::open();
    let mut client = open(&mut sim, "/");
    for room in ["a", "b", "c"] {
        told(&mut sim, &mut client, &format!("join {room}"));
    }
    assert_eq!(told(&mut sim, &mut client, "mine"), ["a,b,c"]);
    assert_eq!(told(&mut sim, &mut client, "room b hi"), ["hi"]);
    told(&mut sim, &mut client, "leave b");
    assert_eq!(told(&mut sim, &mut client, "mine"), ["a,c"]);
}

#[test]
fn b3_3_messages_have_a_channel_a_command_and_a_parameter_of_a_type() {
    let mut sim = start(App::new().everywhere(|_| {
        Commands::<()>::new()
            .on("sum", |_, (), (a, b): (i64, i64)| Ok(a + b))
            .on_envelope("where", |conn, (), envelope| {
                let said = (envelope.channel.as_deref(), envelope.from.as_deref());
                conn.reply(envelope.id.unwrap_or(0), &said)
                    .expect("it is open");
            })
    }));
    let mut client = open(&mut sim, "/");
    for (said, answer) in [
        (
            r#"{"cmd":"sum","param":[1,2],"id":1}"#,
            r#"{"cmd":"reply","re":1,"param":3}"#,
        ),
        (
            r#"{"from":"Ada","channel":"tea","cmd":"where","id":2}"#,
            r#"{"cmd":"reply","re":2,"param":["tea","Ada"]}"#,
        ),
        (
            r#"{"cmd":"sum","param":"much","id":3}"#,
            r#"{"cmd":"error","re":3,"param":{"message":"wrong param: invalid type: string \"much\", expected a tuple of size 2"}}"#,
        ),
    ] {
        assert_eq!(told(&mut sim, &mut client, said), [answer]);
    }
}

#[test]
fn b3_4_the_gate_says_who_it_is_and_what_is_said_has_that_name() {
    let route = Route::parse("+SOCKET /")
        .expect("a route")
        .admit(|upgrade| {
            let token = upgrade.token()?;
            (token == "ada-secret").then_some("Ada")
        });
    let mut sim = start(App::new().route(route, |_| {
        Commands::<&'static str>::new().on("chat", |conn, user, text: String| {
            drop(conn.emit(conn.all(), "chat", &(*user, text)));
        })
    }));
    let mut client = open(&mut sim, "/?token=ada-secret");
    // Whatever the message claims.
    let said = r#"{"cmd":"chat","from":"Bob","param":"hi"}"#;
    assert_eq!(
        told(&mut sim, &mut client, said),
        [r#"{"cmd":"chat","param":["Ada","hi"]}"#]
    );
}

#[test]
fn b3_6_the_client_is_served_with_its_types() {
    let mut sim = serve::start();
    for (path, part) in [
        ("/sockeye.js", "beforeunload"),
        ("/sockeye.d.ts", "export declare class Socket"),
    ] {
        let mut client = sim.connect();
        client.push(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        sim.settle();
        assert!(client.head().starts_with("HTTP/1.1 200 "), "{path}");
        let text = String::from_utf8(client.bytes).expect("text");
        assert!(text.contains(part), "{path}");
    }
}

#[test]
fn b3_7_broadcasts_to_channels_users_and_all() {
    let mut sim = hall::open();
    let [mut ada, mut also_ada, mut bob, mut away] =
        ["/?name=ada", "/?name=ada", "/?name=bob", "/away"].map(|path| open(&mut sim, path));
    for client in [&mut also_ada, &mut bob] {
        told(&mut sim, client, "join tea");
    }
    for (said, wanted) in [
        ("room tea hi", [0, 1, 1, 0]),
        ("user ada hi", [1, 1, 0, 0]),
        ("all hi", [1, 1, 1, 0]),
        ("server hi", [1, 1, 1, 1]),
    ] {
        say(&mut sim, &bob, said);
        let counts =
            [&mut ada, &mut also_ada, &mut bob, &mut away].map(|client| heard(client).len());
        assert_eq!(counts, wanted, "{said}");
    }
}

#[test]
fn b3_9_the_example_has_a_page_and_a_socket() {
    let mut sim = serve::start();
    let mut client = sim.connect();
    client.push(b"GET /example HTTP/1.1\r\nHost: x\r\n\r\n");
    sim.settle();
    let head = client.head();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("text/html"),
        "{head}"
    );
    open(&mut sim, "/example/socket").assert_quiet();
}

const CHAT: &str = r#"{"cmd":"chat","param":{"text":"hi"}}"#;

/// The channel in which somebody begins who comes by this target.
fn channel_of(sim: &mut Sim<Router>, target: &str) -> String {
    let mut client = open(sim, target);
    say(sim, &client, CHAT);
    let message = only(&mut client);
    message["channel"].as_str().expect("a name").to_owned()
}

#[test]
fn b3_10_the_query_says_the_channel_or_chance_does() {
    let mut sim = serve::start();
    assert_eq!(channel_of(&mut sim, "/example/socket?ch=tea"), "tea");
    assert_eq!(channel_of(&mut sim, "/channels?ch=tea"), "tea");
    assert_eq!(channel_of(&mut sim, "/channels"), "general");
    let [one, other] = ["", "?ch="].map(|end| {
        let channel = channel_of(&mut sim, &format!("/example/socket{end}"));
        let random = channel.strip_prefix("example-").expect("its beginning");
        assert!(random.len() == 8 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        channel
    });
    assert_ne!(one, other);
}

#[test]
fn b3_11_who_is_let_in_has_an_id_and_is_in_its_channel_before_it_speaks() {
    let mut sim = start(App::new().everywhere(|_| {
        Commands::<()>::new().open(|conn, (), _| {
            conn.join("tea").expect("a room");
            let (id, rooms) = (conn.id().get(), conn.rooms());
            conn.send(&format!("{id} {rooms:?}")).expect("it is open");
        })
    }));
    let mut first = open(&mut sim, "/");
    let mut second = open(&mut sim, "/");
    let [first, second] = [&mut first, &mut second].map(|client| heard(client).remove(0));
    assert!(
        first.ends_with(r#" ["tea"]"#) && second.ends_with(r#" ["tea"]"#),
        "{first}"
    );
    assert_ne!(first, second);
    let mut sim = serve::start();
    let [one, mut other] = [(); 2].map(|()| open(&mut sim, "/channels?ch=tea"));
    say(&mut sim, &one, CHAT);
    assert_eq!(only(&mut other)["channel"], "tea");
}

/// Closes whoever says anything, and stops the server.
struct Last;

impl Service for Last {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {
        conn.send("and now goodbye").expect("it is open");
        conn.close(CloseCode::GOING_AWAY, "bye")
            .expect("it is open");
    }
}

#[test]
fn b3_12_serving_and_reading_block_until_the_end() {
    let app = App::new().stop_on_signals(false).everywhere(|_| Last);
    let serving = app.bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", serving.local_addr());
    let stoppers = serving.stoppers();
    let server = thread::spawn(|| serving.run());
    let mut socket = client::connect(&url).expect("it answers");
    socket.send("hi").expect("it is open");
    let Received::Text(text) = socket.receive().expect("a message") else {
        panic!("not a text");
    };
    assert_eq!(text, "and now goodbye");
    let Received::Closed(end) = socket.receive().expect("the end") else {
        panic!("not the end");
    };
    assert_eq!((end.code, &*end.reason), (1001, "bye"));
    assert!(socket.receive().is_err());
    assert!(!server.is_finished());
    for stopper in stoppers {
        stopper.stop().expect("it runs");
    }
    server.join().expect("no panic").expect("it polls");
}

#[test]
fn b3_13_a_ping_is_answered_to_the_channel() {
    let mut sim = serve::start();
    let [mut one, mut other] = [(); 2].map(|()| open(&mut sim, "/channels"));
    say(&mut sim, &one, r#"{"channel":"general","cmd":"ping"}"#);
    for client in [&mut one, &mut other] {
        let pong = only(client);
        assert_eq!(
            (&pong["channel"], &pong["cmd"]),
            (&"general".into(), &"pong".into())
        );
        // Milliseconds, since 2020.
        assert!(pong["param"]["timestamp"].as_u64().expect("a time") > 1_577_836_800_000);
    }
}

#[test]
fn b3_14_a_line_of_chat_says_who_what_and_when() {
    let mut sim = serve::start();
    let [mut ada, mut bob] =
        ["ada", "bob"].map(|name| open(&mut sim, &format!("/channels?name={name}")));
    say(&mut sim, &ada, CHAT);
    for client in [&mut ada, &mut bob] {
        let line = only(client);
        assert_eq!(line["cmd"], "chat");
        let param = line["param"].as_object().expect("fields");
        assert_eq!(param.keys().collect::<Vec<_>>(), ["user", "text", "time"]);
        assert_eq!(
            (&param["user"], &param["text"]),
            (&"ada".into(), &"hi".into())
        );
        assert!(param["time"].as_u64().expect("a time") > 1_577_836_800_000);
    }
    // It is for members alone.
    let said = r#"{"channel":"elsewhere","cmd":"chat","param":{"text":"hi"}}"#;
    assert_eq!(
        told(&mut sim, &mut ada, said),
        [r#"{"cmd":"error","param":{"message":"join the channel first"}}"#]
    );
}

#[test]
fn b3_15_rooms_are_joined_and_left_by_command() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/channels");
    let in_tea = r#"{"channel":"tea","cmd":"chat","param":{"text":"hi"}}"#;
    assert!(told(&mut sim, &mut client, in_tea)[0].contains("\"error\""));
    say(
        &mut sim,
        &client,
        r#"{"cmd":"join-room","param":{"room":"tea"}}"#,
    );
    assert!(heard(&mut client).is_empty());
    say(&mut sim, &client, in_tea);
    assert_eq!(only(&mut client)["channel"], "tea");
    say(
        &mut sim,
        &client,
        r#"{"cmd":"leave-room","param":{"room":"tea"}}"#,
    );
    assert!(told(&mut sim, &mut client, in_tea)[0].contains("\"error\""));
}

#[test]
fn b3_17_bad_json_is_answered_or_ends_it_and_is_never_passed_over() {
    let route = || Route::parse("SOCKET /").expect("a route");
    let answer = |route: Route, said: &str| {
        let mut sim = start(App::new().route(route, |_| Commands::<()>::new()));
        let mut client = open(&mut sim, "/");
        let [answer] = told(&mut sim, &mut client, said).try_into().expect("one");
        answer
    };
    // What is not JSON, and what is no command.
    for (said, names) in [(r#"{"cmd":"#, "7"), ("[1]", ""), (r#"{"cmd":7}"#, "")] {
        let closed = answer(route(), said);
        let part = closed.strip_prefix("<close 1007 ");
        assert!(part.is_some_and(|part| part.contains(names)), "{closed}");
        let replied = answer(route().on_bad_json(BadJson::Reply), said);
        let part = replied.strip_prefix(r#"{"cmd":"error","param":{"message":""#);
        assert!(part.is_some_and(|part| part.contains(names)), "{replied}");
    }
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/channels");
    assert!(told(&mut sim, &mut client, "nonsense")[0].starts_with(r#"{"cmd":"error","#));
    say(&mut sim, &client, CHAT);
    assert_eq!(only(&mut client)["cmd"], "chat");
}
