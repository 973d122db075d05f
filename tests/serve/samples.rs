//! The samples that are no chats: greetings, echoes, prices.

use crate::frames::{self, Frame, close};
use crate::world::Program;
use serde_json::Value;

#[test]
fn b0_12_b0_13_b1_3_the_first_thing_said_is_hello_world_and_then_all_comes_back() {
    let program = Program::start(&[]);
    let mut client = program.open("/");
    assert_eq!(client.header("sec-websocket-protocol"), None);
    assert_eq!(client.hear(), "Hello world");
    for text in ["hello", "", "Zoë 李 😀"] {
        client.say(text);
        assert_eq!(client.hear(), text);
    }
    // B0.4: it is a route of text.
    client.send(&frames::binary(b"x"));
    assert_eq!(client.hear(), "<close 1003 text is expected here>");
}

#[test]
fn b0_27_any_client_is_welcome() {
    let program = Program::start(&["--origin", "https://websocketking.com"]);
    for more in [
        "",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9; client_max_window_bits=9\r\n",
        "Origin: https://websocketking.com\r\n",
    ] {
        let client = program.try_open("/chat/", more);
        assert!(client.is_ok(), "{more}");
    }
    let foreign = program
        .try_open("/chat/", "Origin: https://evil.example\r\n")
        .err();
    assert_eq!(foreign.as_deref(), Some("HTTP/1.1 403 Forbidden"));
}

#[test]
fn echo_sends_back_both_kinds_up_to_the_servers_limit() {
    let program = Program::start(&["--max-message", "1KiB"]);
    let mut client = program.open("/echo");
    client.say("text");
    assert_eq!(client.frame(), Frame::text("text"));
    client.send(&frames::binary(&[7; 1024]));
    assert_eq!(client.frame(), Frame::binary(&[7; 1024]));
    client.send(&frames::binary(&[7; 1025]));
    assert_eq!(client.frame().close_code(), Some(1009));
}

#[test]
fn b4_12_john_is_greeted_and_after_5_seconds_the_server_closes() {
    let program = Program::start(&[]);
    let begun = std::time::Instant::now();
    let mut client = program.open("/demo");
    let mut gone = program.open("/demo");
    client.say("John");
    assert_eq!(client.hear(), "Hello from server, John");
    // Whoever goes before is not missed.
    gone.say("Jane");
    assert_eq!(gone.hear(), "Hello from server, Jane");
    gone.leave();
    // Whoever is greeted twice is to go once.
    client.say("John again");
    assert_eq!(client.hear(), "Hello from server, John again");
    assert_eq!(client.hear(), "<close 1000 >");
    let took = begun.elapsed().as_secs_f64();
    assert!(took >= 5.0, "{took} s");
    client.send(&close(1000));
}

#[test]
fn b4_18_the_ticker_says_each_price_every_second_once_for_all_workers() {
    let program = Program::start(&["--workers", "2"]);
    let mut clients: Vec<_> = (0..6).map(|_| program.open("/ticker")).collect();
    for client in &mut clients {
        let mut told = Vec::new();
        for _ in 0..6 {
            let tick: Value = serde_json::from_str(&client.hear()).expect("JSON");
            assert_eq!(tick["cmd"], "tick");
            let second = tick["param"]["time"].as_u64().expect("a time") / 1000;
            let symbol = tick["param"]["symbol"].as_str().expect("a name").to_owned();
            assert!(tick["param"]["price"].is_f64(), "{tick}");
            told.push((symbol, second));
        }
        let all = told.len();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), all, "{told:?}");
    }
}

#[test]
fn b0_2_routes_by_text_echo() {
    let program = Program::start(&[
        "--route",
        "SOCKET /mine/{id:number} @text <5b",
        "--route",
        "SOCKET /bytes/* @binary",
    ]);
    let mut client = program.open("/mine/7");
    client.say("12345");
    assert_eq!(client.hear(), "12345");
    client.say("123456");
    assert_eq!(client.frame().close_code(), Some(1009));
    let refused = program.try_open("/mine/seven", "").err();
    assert_eq!(refused.as_deref(), Some("HTTP/1.1 404 Not Found"));
    let mut client = program.open("/bytes/a/b");
    client.send(&frames::binary(b"x"));
    assert_eq!(client.frame(), Frame::binary(b"x"));
    client.say("x");
    assert_eq!(client.hear(), "<close 1003 binary data is expected here>");
}
