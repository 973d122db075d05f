//! How much clients may do.

use crate::frames::close;
use crate::world::Program;

#[test]
fn who_speaks_too_often_is_closed() {
    let program = Program::start(&["--rate", "1", "--burst", "3"]);
    let mut client = program.open("/echo");
    for _ in 0..20 {
        client.say("x");
    }
    let heard: Vec<_> = std::iter::repeat_with(|| client.hear())
        .take_while(|text| text == "x")
        .collect();
    // One more for each second that a slow machine takes.
    assert!((3..15).contains(&heard.len()), "{heard:?}");
    client.send(&close(1008));
    // The routes of the samples and of one's own have the same limits.
    let mut chat = program.open("/chat/");
    for _ in 0..20 {
        chat.say("1");
    }
    assert_eq!(chat.hear(), "<close 1008 too many messages>");
}

#[test]
fn an_address_has_so_many_connections_and_proxies_say_whose() {
    let program = Program::start(&["--per-address", "2", "--forwarded-from", "127.0.0.1"]);
    let from = |addr: &str| program.try_open("/echo", &format!("X-Forwarded-For: {addr}\r\n"));
    let held = [from("192.0.2.1"), from("192.0.2.1")];
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(
        from("192.0.2.1").err().as_deref(),
        Some("HTTP/1.1 429 Too Many Requests")
    );
    assert!(from("192.0.2.2").is_ok());
    assert!(program.log("opened").contains("addr=192.0.2.1"));
    // From whoever is no proxy it is not read.
    let program = Program::start(&["--per-address", "1"]);
    let from = |addr: &str| program.try_open("/echo", &format!("X-Forwarded-For: {addr}\r\n"));
    let _held = from("192.0.2.1").expect("the first");
    assert_eq!(
        from("192.0.2.2").err().as_deref(),
        Some("HTTP/1.1 429 Too Many Requests")
    );
}

#[test]
fn pages_of_other_hosts_may_not_connect() {
    let origin = |program: &Program, origin: &str| {
        let more = format!("Origin: {origin}\r\n");
        program.try_open("/echo", &more).err()
    };
    let forbidden = Some("HTTP/1.1 403 Forbidden");
    let program = Program::start(&[]);
    assert_eq!(origin(&program, "http://x"), None);
    assert_eq!(
        origin(&program, "https://example.com").as_deref(),
        forbidden
    );
    let program = Program::start(&[
        "--origin",
        "https://example.com",
        "--origin",
        "http://b:3000",
    ]);
    assert_eq!(origin(&program, "https://example.com"), None);
    assert_eq!(origin(&program, "http://b:3000"), None);
    assert_eq!(origin(&program, "http://x").as_deref(), forbidden);
    let program = Program::start(&["--origin", "any"]);
    assert_eq!(origin(&program, "null"), None);
}
