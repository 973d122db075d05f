//! Chats: the plain one at `/chat/`, the page's at `/chat/{room}`, and the counting one at `/stackabuse`.

use crate::world::{Client, Program};
use serde_json::{Value, json};

#[track_caller]
fn hear(client: &mut Client) -> Value {
    let text = client.hear();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The newcomer at a room; its id.
fn join(program: &Program, target: &str, clients: u64) -> (Client, String) {
    let mut client = program.open(target);
    let welcome = hear(&mut client);
    assert_eq!(welcome["cmd"], "welcome");
    assert_eq!(welcome["param"]["numClients"], clients);
    assert_eq!(hear(&mut client), stats(clients));
    // Where it is in what the room keeps.
    let resumed = hear(&mut client);
    assert_eq!(resumed["cmd"], "resumed");
    assert_eq!(resumed["param"]["complete"], true);
    assert!(resumed["at"].is_string(), "{resumed}");
    let id = welcome["param"]["id"].as_str().expect("a text").to_owned();
    (client, id)
}

fn stats(clients: u64) -> Value {
    json!({ "cmd": "stats", "param": { "numClients": clients } })
}

#[test]
fn b0_22_to_b0_26_the_plain_chat_relays_to_all_others_and_says_who_comes_and_goes() {
    let program = Program::start(&[]);
    // B0.22: both forms, and the same place.
    let mut one = program.open("/chat");
    one.assert_heard_nothing();
    let mut two = program.open("/chat/");
    let joined = hear(&mut one);
    assert_eq!(joined["type"], "join");
    let two_id = joined["user"].clone();
    two.say(r#"{"text":"first"}"#);
    two.say(r#"{"text":"second"}"#);
    assert_eq!(one.hear(), r#"{"text":"first"}"#);
    assert_eq!(one.hear(), r#"{"text":"second"}"#);
    // B0.23: not to who said it, and B0.24: nobody hears of themselves.
    two.assert_heard_nothing();
    // B0.26: also when it breaks, and after its last message.
    two.say(r#""last""#);
    drop(two);
    assert_eq!(one.hear(), r#""last""#);
    assert_eq!(hear(&mut one), json!({ "type": "leave", "user": two_id }));
    one.say("{");
    assert_eq!(one.hear(), "<close 1007 invalid JSON at byte 1>");
}

#[test]
fn b0_25_all_hear_the_same_order() {
    let program = Program::start(&[]);
    let mut hearers: Vec<_> = (0..3).map(|_| program.open("/chat/")).collect();
    let mut talkers: Vec<_> = (0..4).map(|_| program.open("/chat/")).collect();
    for number in 0..50 {
        for (talker, client) in talkers.iter_mut().enumerate() {
            client.say(&format!("[{talker},{number}]"));
        }
    }
    let heard: Vec<Vec<_>> = hearers
        .iter_mut()
        .map(|client| {
            let all = std::iter::repeat_with(|| client.hear());
            all.filter(|text| text.starts_with('[')).take(200).collect()
        })
        .collect();
    assert!(heard.iter().all(|one| *one == heard[0]));
    for talker in 0..4 {
        let own = heard[0]
            .iter()
            .filter(|text| text.starts_with(&format!("[{talker},")));
        let order = (0..50).map(|number| format!("[{talker},{number}]"));
        assert!(own.cloned().eq(order));
    }
}

#[test]
fn the_pages_chat_welcomes_tells_and_says_goodbye() {
    let program = Program::start(&[]);
    let (mut jo, jo_id) = join(&program, "/chat/tea%20room?name=Jo", 1);
    let (mut zoe, zoe_id) = join(&program, "/chat/tea%20room?name=Zo%C3%AB", 2);
    assert_ne!(jo_id, zoe_id);
    let who = json!({ "id": zoe_id, "user": "Zoë" });
    assert_eq!(hear(&mut jo), json!({ "cmd": "user-joined", "param": who }));
    assert_eq!(hear(&mut jo), stats(2));
    // Everybody hears a line, and whoever said it with a number is told that it was taken.
    zoe.say(r#"{"cmd":"chat","param":{"text":"<b>hi</b>"},"id":7}"#);
    assert_eq!(hear(&mut zoe), json!({ "cmd": "reply", "re": 7 }));
    let mut places = Vec::new();
    for client in [&mut jo, &mut zoe] {
        let mut line = hear(client);
        let line_at = line.as_object_mut().and_then(|line| line.remove("at"));
        places.push(line_at.expect("a place"));
        let time = line["param"]["time"].take().as_u64().expect("a time");
        assert!(time > 1_700_000_000_000, "{time}");
        let param = json!({ "user": "Zoë", "text": "<b>hi</b>", "time": null });
        assert_eq!(line, json!({ "cmd": "chat", "param": param }));
    }
    assert_eq!(places[0], places[1]);
    jo.say(r#"{"cmd":"ping"}"#);
    for client in [&mut jo, &mut zoe] {
        let pong = hear(client);
        assert_eq!(pong["cmd"], "pong");
        assert!(pong["param"]["timestamp"].is_u64(), "{pong}");
    }
    drop(zoe);
    assert_eq!(hear(&mut jo), json!({ "cmd": "user-left", "param": who }));
    assert_eq!(hear(&mut jo), stats(1));
    // Another room is another place, under its own name.
    let mut other = program.open("/chat/coffee?name=%20%0A");
    let welcome = hear(&mut other);
    assert_eq!(
        (&welcome["param"]["room"], &welcome["param"]["numClients"]),
        (&json!("coffee"), &json!(1))
    );
    let guest = welcome["param"]["user"].as_str().expect("a text");
    assert_eq!(
        guest,
        format!("guest-{}", welcome["param"]["id"].as_str().expect("a text"))
    );
    jo.assert_heard_nothing();
}

#[test]
fn a_room_has_a_name_that_can_be_shown() {
    let program = Program::start(&[]);
    let long = format!("/chat/{}", "x".repeat(200));
    let heard = program.open(&long).hear();
    assert_eq!(heard, "<close 1008 no room has such a name>");
    // What hides a line's end stays as it was sent.
    let welcome = hear(&mut program.open("/chat/a%0Ab"));
    assert_eq!(welcome["param"]["room"], "a%0Ab");
}

#[test]
fn b3_16_b3_17_what_is_no_command_is_told_and_the_connection_stays() {
    let program = Program::start(&[]);
    let (mut client, _) = join(&program, "/chat/tea", 1);
    let error = |re: Option<u64>, words: &str| match re {
        Some(re) => json!({ "cmd": "error", "re": re, "param": { "message": words } }),
        None => json!({ "cmd": "error", "param": { "message": words } }),
    };
    client.say(r#"{"cmd":"no\u000asuch"}"#);
    assert!(
        program
            .log("unhandled")
            .contains(r"unhandled websocket command [no\nsuch]")
    );
    client.assert_heard_nothing();
    client.say(r#"{"cmd":"nix","id":1}"#);
    assert_eq!(hear(&mut client), error(Some(1), "unknown command"));
    client.say("{]");
    assert_eq!(hear(&mut client), error(None, "invalid JSON at byte 1"));
    client.say(r#"{"cmd":"chat","param":{"text":" \n"},"id":2}"#);
    assert_eq!(hear(&mut client), error(Some(2), "write something"));
    client.say(r#"{"cmd":"chat","param":{"txt":"x"},"id":3}"#);
    assert_eq!(
        hear(&mut client)["param"]["message"],
        "wrong param: missing field `text`"
    );
}

#[test]
fn b2_11_b2_14_b2_18_a_newcomer_is_greeted_and_all_are_counted_also_after_100_joins_and_50_kills() {
    let program = Program::start(&["--log", "warn"]);
    let mut elsewhere = program.open("/");
    assert_eq!(elsewhere.hear(), "Hello world");
    let mut clients = Vec::new();
    for count in 1..=100 {
        let mut client = program.open("/stackabuse");
        let greeting = r#"{"cmd":"announcements","param":{"message":"A new user has joined!"}}"#;
        assert_eq!(client.hear(), greeting);
        assert_eq!(hear(&mut client), stats(count));
        clients.push(client);
    }
    clients.truncate(50);
    for client in &mut clients {
        // Of all who came after it, and then of each that went.
        client.hear_until(r#""numClients":100}"#);
        for count in (50..100).rev() {
            assert_eq!(hear(client), stats(count));
        }
        client.assert_heard_nothing();
    }
    elsewhere.assert_heard_nothing();
}

#[test]
fn a_room_reaches_over_all_workers() {
    let program = Program::start(&["--workers", "2"]);
    let mut clients: Vec<_> = (1..=8)
        .map(|count| join_somewhere(&program, count))
        .collect();
    clients[0].say(r#"{"cmd":"chat","param":{"text":"to all"}}"#);
    for client in &mut clients {
        client.hear_until("to all");
    }
}

/// As [`join`], where others may be told of it late.
fn join_somewhere(program: &Program, count: u64) -> Client {
    let mut client = program.open("/chat/tea");
    let welcome = hear(&mut client);
    assert_eq!(welcome["param"]["numClients"], count);
    client
}
