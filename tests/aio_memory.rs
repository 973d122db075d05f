//! What connections hold, and what they allocate.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]

#[path = "support/counting.rs"]
mod counting;
#[allow(dead_code, reason = "it can do more than is asked here")]
#[path = "aio/script.rs"]
mod script;

use counting::{calls, held, most_held};
use script::{REQUEST, Script, finish, now};
use sockeye::aio::{Server, Terms};
use sockeye::proto::{Config, Event, Limits};

fn server() -> Server {
    let mut terms = Terms::default();
    terms.config = Config::default().into();
    Server::new().terms(terms)
}

/// Buffers, inflaters and compressors are the thread's.
#[test]
fn who_waits_holds_nothing() {
    let server = server();
    let deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let request = [&REQUEST[..REQUEST.len() - 2], deflate].concat();
    let mut sockets = Vec::new();
    let text = "always the same ".repeat(1000);
    // The first one makes what they share.
    let mut before = 0;
    for number in 0..20 {
        let script = Script::new(&request, []).stays_open();
        let mut socket = now(server.accept(script.clone())).unwrap();
        assert!(socket.is_compressed());
        script.written();
        // "Hello", compressed, as RFC 7692 has it.
        script.say(b"\xC1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00");
        assert_eq!(now(socket.receive()).unwrap(), Some(Event::Text("Hello")));
        now(socket.send(&text)).unwrap();
        assert!(finish(socket.receive()).is_none());
        script.written();
        drop(script);
        sockets.push(socket);
        if number == 0 {
            sockets.reserve(40);
            before = held();
        }
    }
    let each = (held() - before) / 19;
    // The script, and what it wrote down; nothing of it is a buffer of ours.
    assert!(each < 2000, "{each} bytes");
}

/// What a message was inflated in is for whoever is next: the message owns what it says.
#[test]
fn who_was_told_holds_no_inflater() {
    let server = server();
    let deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let request = [&REQUEST[..REQUEST.len() - 2], deflate].concat();
    let mut before = 0;
    let mut sockets: [_; 11] = core::array::from_fn(|number| {
        let script = Script::new(&request, []).stays_open();
        let mut socket = now(server.accept(script.clone())).unwrap();
        script.written();
        script.say(b"\xC1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00");
        let message = now(socket.next()).unwrap().unwrap();
        assert_eq!(message.as_text(), Some("Hello"));
        if number == 0 {
            assert!(finish(socket.receive()).is_none());
            before = held();
        }
        socket
    });
    let each = (held() - before) / 10;
    // What was read, what an answer would be written to, and the script.
    assert!(each < 36_000, "{each} bytes");
    // Nothing was written.
    for socket in &mut sockets {
        assert!(finish(socket.receive()).is_none());
    }
    let each = (held() - before) / 10;
    // Spare buffers of the thread among it.
    assert!(each < 12_000, "{each} bytes");
}

/// What was announced is not received: only what has come takes memory.
#[test]
fn what_is_announced_takes_nothing() {
    let script = Script::new(REQUEST, []).stays_open();
    let mut config = Config::default();
    config.limits = Limits::with_max_message(1 << 40);
    let mut terms = Terms::default();
    terms.config = config.into();
    let server = Server::new().terms(terms);
    let mut socket = now(server.accept(script.clone())).unwrap();
    script.written();
    script.say(b"\x82\xFF\0\0\0\x80\0\0\0\0\0\0\0\0only this");
    let before = held();
    assert!(finish(socket.receive()).is_none());
    assert!(held() - before < 70_000, "{}", held() - before);
    for bytes in [100 << 10, 1 << 20, 10 << 20] {
        script.say(&vec![0; bytes]);
        let _ = most_held();
        let before = held();
        assert!(finish(socket.receive()).is_none());
        // It grows by doubling at most, and what the script had is gone.
        let allowed = 2 * isize::try_from(bytes).unwrap() + 70_000;
        assert!(most_held() - before < allowed);
    }
}

#[test]
fn an_echo_allocates_nothing() {
    echo(REQUEST, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

/// The inflater is given back.
#[test]
fn nor_does_one_of_what_came_compressed() {
    let deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let request = [&REQUEST[..REQUEST.len() - 2], deflate].concat();
    echo(&request, b"\xC1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00");
}

fn echo(request: &[u8], hello: &[u8]) {
    let script = Script::new(request, []).stays_open();
    let socket = now(server().accept(script.clone())).unwrap();
    let (mut reader, mut writer) = socket.split();
    let mut echo = |wire: &[u8]| {
        script.say(wire);
        // What the script itself allocates does not count.
        let before = calls();
        let event = now(reader.receive()).unwrap().unwrap();
        now(writer.feed(event)).unwrap();
        let between = calls();
        assert!(finish(reader.receive()).is_none());
        script.written();
        between - before
    };
    echo(hello);
    for _ in 0..100 {
        assert_eq!(echo(hello), 0);
    }
}
