//! `/example/socket` and `/channels`.

use crate::world::{Client, Program};
use serde_json::{Value, json};

#[track_caller]
fn hear(client: &mut Client) -> Value {
    let text = client.hear();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// The channel in which it began: that of an answer to its ping.
fn channel(client: &mut Client) -> String {
    client.say(r#"{"cmd":"ping"}"#);
    let pong = hear(client);
    assert_eq!(pong["cmd"], "pong");
    assert!(pong["param"]["timestamp"].is_u64(), "{pong}");
    pong["channel"].as_str().expect("a channel").to_owned()
}

#[test]
fn b3_10_b4_14_everybody_begins_in_a_channel() {
    let program = Program::start(&[]);
    for (target, wanted) in [
        ("/example/socket?ch=tea", Some("tea")),
        ("/example/socket?ch=", None),
        ("/example/socket", None),
        ("/channels?ch=caf%C3%A9", Some("café")),
        ("/channels?ch=", Some("general")),
        ("/channels", Some("general")),
    ] {
        let channel = channel(&mut program.open(target));
        match wanted {
            Some(wanted) => assert_eq!(channel, wanted, "{target}"),
            None => {
                let random = channel.strip_prefix("example-").expect("its beginning");
                assert_eq!(random.len(), 8);
            }
        }
    }
    let long = format!("/channels?ch={}", "x".repeat(65));
    for target in ["/channels?ch=%24prices", "/channels?ch=a%0Ab", &long] {
        let mut client = program.open(target);
        assert_eq!(client.hear(), "<close 1008 there is no such channel>");
    }
}

#[test]
fn b3_13_b3_14_a_channel_hears_pong_and_chat_and_no_other_does() {
    let program = Program::start(&[]);
    let mut one = program.open("/channels?ch=tea&name=One");
    let mut two = program.open("/channels?ch=tea");
    let mut other = program.open("/channels");
    // B2.19: the same name elsewhere is another channel.
    let mut elsewhere = program.open("/example/socket?ch=tea");
    assert_eq!(channel(&mut one), "tea");
    assert_eq!(hear(&mut two)["cmd"], "pong");
    one.say(r#"{"cmd":"chat","param":{"text":"hi"}}"#);
    for client in [&mut one, &mut two] {
        let mut line = hear(client);
        assert!(line["param"]["time"].take().is_u64());
        let param = json!({ "user": "One", "text": "hi", "time": null });
        assert_eq!(
            line,
            json!({ "channel": "tea", "cmd": "chat", "param": param })
        );
    }
    other.assert_heard_nothing();
    elsewhere.assert_heard_nothing();
}

#[test]
fn b2_20_to_b2_23_b3_15_channels_are_joined_and_left_by_command_alone() {
    let program = Program::start(&[]);
    let mut one = program.open("/channels");
    let mut two = program.open("/channels?ch=tea");
    let say =
        |id: u64| format!(r#"{{"channel":"tea","cmd":"chat","param":{{"text":"x"}},"id":{id}}}"#);
    let error =
        |re: u64, words: &str| json!({ "cmd": "error", "re": re, "param": { "message": words } });
    let reply = |re: u64, param: Value| json!({ "cmd": "reply", "re": re, "param": param });
    // A message to a channel joins nobody to it.
    one.say(&say(1));
    assert_eq!(hear(&mut one), error(1, "join the channel first"));
    two.assert_heard_nothing();
    for (id, created) in [(2, false), (3, false)] {
        one.say(&format!(
            r#"{{"cmd":"join-room","param":{{"room":"tea"}},"id":{id}}}"#
        ));
        let told = json!({ "room": "tea", "created": created });
        assert_eq!(hear(&mut one), reply(id, told));
    }
    one.say(&say(4));
    assert_eq!(hear(&mut one)["channel"], "tea");
    assert_eq!(hear(&mut one), json!({ "cmd": "reply", "re": 4 }));
    assert_eq!(hear(&mut two)["channel"], "tea");
    one.say(r#"{"cmd":"leave-room","param":{"room":"tea"},"id":5}"#);
    assert_eq!(
        hear(&mut one),
        reply(5, json!({ "room": "tea", "removed": false }))
    );
    two.say(&say(6));
    assert_eq!(hear(&mut two)["cmd"], "chat");
    one.assert_heard_nothing();
    one.say(r#"{"cmd":"join-room","param":{"room":"$prices"},"id":7}"#);
    assert_eq!(hear(&mut one), error(7, "this room may not be joined"));
}

/// Also for who has left that channel, was in others, and is back.
#[test]
fn without_a_channel_a_message_is_for_the_one_in_which_its_sender_began() {
    let program = Program::start(&[]);
    let mut one = program.open("/channels?ch=milk");
    let say = |client: &mut Client, what: &str| {
        client.say(what);
        hear(client)
    };
    let move_to =
        |cmd: &str, room: &str| format!(r#"{{"cmd":"{cmd}","param":{{"room":"{room}"}},"id":1}}"#);
    let line = r#"{"cmd":"chat","param":{"text":"x"}}"#;
    let error = "join the channel first";
    say(&mut one, &move_to("join-room", "tea"));
    assert_eq!(say(&mut one, line)["channel"], "milk");
    let left = say(&mut one, &move_to("leave-room", "milk"));
    assert_eq!(left["param"], json!({ "room": "milk", "removed": true }));
    assert_eq!(say(&mut one, line)["param"]["message"], error);
    say(&mut one, &move_to("leave-room", "tea"));
    say(&mut one, &move_to("join-room", "tea"));
    assert_eq!(say(&mut one, line)["param"]["message"], error);
    say(&mut one, &move_to("join-room", "milk"));
    assert_eq!(say(&mut one, line)["channel"], "milk");
    // What is no room is told, and who was not in one is not removed.
    let wrong = say(&mut one, r#"{"cmd":"leave-room","param":7,"id":2}"#);
    assert_eq!(wrong["cmd"], "error");
    let not_in = say(&mut one, &move_to("leave-room", "general"));
    assert_eq!(
        not_in["param"],
        json!({ "room": "general", "removed": false })
    );
    one.assert_heard_nothing();
}
