//! Links that go on where the last connection was, with a server that keeps what it says.

use crate::frames;
use crate::harness::{Server, Sim, Told, answer, close, frame, secs, text, to};
use crate::links::{accept_last, next_attempt, open_link, states, status};
use sockeye::client::{ConfigError, Connector, LinkState, Reconnect};
use sockeye::proto::CloseCode;

fn link_to(url: &str) -> Connector {
    to(url).reconnect(Reconnect::default()).resume()
}

/// What the server says once on each connection.
fn resumed(at: &str, name: &str) -> String {
    format!(
        r#"{{"cmd":"resumed","param":{{"missed":0,"complete":true,"as":"{name}"}},"at":"{at}"}}"#
    )
}

fn said(at: &str) -> String {
    format!(r#"{{"cmd":"say","param":{{}},"at":"{at}"}}"#)
}

fn tell(sim: &mut Sim, server: &Server, message: &str) {
    server.push(&text(message));
    sim.settle();
}

/// Loses the connection and waits for the next one. Gives what that asks for, and the server's end, which has not answered.
fn comes_back(sim: &mut Sim, server: &Server) -> (String, Server) {
    server.conn.end();
    sim.settle();
    next_attempt(sim);
    sim.settle();
    let mut server = sim.server();
    server.bytes.append(&mut server.conn.take_sent());
    let head = frames::take_head(&mut server.bytes.clone()).expect("a request");
    let target = head.split(' ').nth(1).expect("a target").to_owned();
    (target, server)
}

/// The same, and the server accepts it.
fn is_back(sim: &mut Sim, server: &Server) -> (String, Server) {
    let (target, mut server) = comes_back(sim, server);
    server.accept();
    sim.settle();
    (target, server)
}

#[test]
fn a_link_goes_on_behind_the_last_message_it_was_told() {
    let mut sim = Sim::new();
    let server = open_link(&mut sim, &link_to("ws://10.0.0.1/chat"));
    // Nothing is known of the server yet, whatever its messages say.
    tell(&mut sim, &server, &said("12.30"));
    assert_eq!(sim.client.resume_token(7), None);
    let (target, server) = is_back(&mut sim, &server);
    assert_eq!(target, "/chat");

    // Zero messages.
    tell(&mut sim, &server, &resumed("5-7", "1f.2a"));
    assert_eq!(sim.client.resume_token(7), Some("5-7,1f.2a"));
    let (target, server) = is_back(&mut sim, &server);
    assert_eq!(target, "/chat?resume=5-7,1f.2a");

    // Lost before the server has said anything, and then before it has answered: the same again.
    tell(&mut sim, &server, &said("5-8"));
    let (target, server) = comes_back(&mut sim, &server);
    assert_eq!(target, "/chat?resume=5-7,1f.2a");
    let (target, server) = is_back(&mut sim, &server);
    assert_eq!(target, "/chat?resume=5-7,1f.2a");

    for message in [
        &resumed("5-7", "30.1"),
        &said("5-8"),
        &said("5-9"),
        r#"{"cmd":"stats"}"#,
    ] {
        tell(&mut sim, &server, message);
    }
    // What a peer says is the server's word about the place alone.
    tell(&mut sim, &server, &resumed("6-0", "of.another"));
    server.push(&frame(0x82, said("7").as_bytes()));
    sim.settle();
    assert_eq!(sim.client.resume_token(7), Some("6-0,30.1"));
    let (target, _) = is_back(&mut sim, &server);
    assert_eq!(target, "/chat?resume=6-0,30.1");
}

#[test]
fn the_rest_of_the_query_stays() {
    for (url, first, next) in [
        ("ws://10.0.0.1", "/", "/?resume=1,a"),
        (
            "ws://10.0.0.1/c?name=A%20B&x",
            "/c?name=A%20B&x",
            "/c?name=A%20B&x&resume=1,a",
        ),
        // Of an earlier life, say: good until there is another.
        (
            "ws://10.0.0.1/c?resume=0,z&x=1",
            "/c?resume=0,z&x=1",
            "/c?x=1&resume=1,a",
        ),
    ] {
        let mut sim = Sim::new();
        let server = open_link(&mut sim, &link_to(url));
        let (target, server) = is_back(&mut sim, &server);
        assert_eq!(target, first);
        tell(&mut sim, &server, &resumed("1", "a"));
        let (target, server) = is_back(&mut sim, &server);
        assert_eq!(target, next);
        assert_eq!(is_back(&mut sim, &server).0, next);
    }
}

#[test]
fn who_does_not_resume_asks_for_nothing() {
    let mut sim = Sim::new();
    let link = to("ws://10.0.0.1/").reconnect(Reconnect::default());
    let server = open_link(&mut sim, &link);
    tell(&mut sim, &server, &resumed("1", "a"));
    tell(&mut sim, &server, &said("2"));
    assert_eq!(sim.client.resume_token(7), None);
    assert_eq!(is_back(&mut sim, &server).0, "/");
    assert_eq!(sim.client.resume_token(8), None, "there is no such link");
}

/// However the bytes come: with the answer in one piece, byte by byte, in fragments.
#[test]
fn chunks_make_no_difference() {
    let (head, tail) = (resumed("1", "a"), said("2"));
    let (begin, end) = tail.split_at(30);
    let fragments = [
        text(&head),
        frame(0x01, begin.as_bytes()),
        frame(0x89, b"ping"),
        frame(0x80, end.as_bytes()),
    ];
    let whole = [text(&head), text(&tail)].concat();
    for (bytes, size) in [
        (whole.clone(), usize::MAX),
        (whole, 1),
        (fragments.concat(), usize::MAX),
        (fragments.concat(), 1),
    ] {
        for with_answer in [true, false] {
            let mut sim = Sim::new();
            sim.dial(&link_to("ws://10.0.0.1/"));
            sim.settle();
            let mut server = sim.server();
            let mut all = answer(&server.request());
            if !with_answer {
                server.push(&all);
                sim.settle();
                all.clear();
            }
            all.extend(&bytes);
            for chunk in all.chunks(size) {
                server.push(chunk);
                sim.settle();
            }
            assert_eq!(sim.client.resume_token(7), Some("2,a"));
            assert_eq!(is_back(&mut sim, &server).0, "/?resume=2,a");
        }
    }
}

/// The last message counts, although the end stands right behind it: a Close frame, or only the stream's.
#[test]
fn what_comes_with_the_end_counts() {
    for end in [close(1012, "restart"), Vec::new()] {
        let mut sim = Sim::new();
        let server = open_link(&mut sim, &link_to("ws://10.0.0.1/"));
        server.push(&[text(&resumed("1", "a")), text(&said("2")), end].concat());
        let (target, _) = is_back(&mut sim, &server);
        assert_eq!(target, "/?resume=2,a");
    }
}

#[test]
fn a_handler_that_panics_was_told() {
    let mut sim = Sim::new();
    let server = open_link(&mut sim, &link_to("ws://10.0.0.1/"));
    tell(&mut sim, &server, &resumed("1", "a"));
    sim.probe().panic_on_message = true;
    // The one behind it is never told.
    server.push(&[text(&said("2")), text(&said("3"))].concat());
    sim.settle();
    assert_eq!(sim.client.resume_token(7), Some("2,a"));
    assert_eq!(is_back(&mut sim, &server).0, "/?resume=2,a");
}

#[test]
fn links_keep_their_places_apart() {
    let mut sim = Sim::new();
    let connector = link_to("ws://10.0.0.1/");
    let first = open_link(&mut sim, &connector);
    sim.client.connect(&connector, 8).expect("right settings");
    sim.settle();
    let second = accept_last(&mut sim);
    first.push(&text(&resumed("1", "a")));
    second.push(&text(&resumed("2", "b")));
    sim.settle();
    first.push(&text(&said("3")));
    sim.settle();
    assert_eq!(sim.client.resume_token(7), Some("3,a"));
    assert_eq!(sim.client.resume_token(8), Some("2,b"));
    assert_eq!(is_back(&mut sim, &second).0, "/?resume=2,b");
    assert_eq!(is_back(&mut sim, &first).0, "/?resume=3,a");
}

#[test]
fn a_token_that_was_kept_is_where_another_begins() {
    let mut sim = Sim::new();
    let kept = to("ws://10.0.0.1/?x=1")
        .resume_from("5-7,1f")
        .reconnect(Reconnect::default())
        .resume();
    sim.dial(&kept);
    sim.settle();
    let mut server = sim.server();
    let head = server.request();
    assert!(
        head.starts_with("GET /?x=1&resume=5-7,1f HTTP/1.1\r\n"),
        "{head}"
    );
    server.push(&answer(&head));
    sim.settle();
    assert_eq!(sim.client.resume_token(7), Some("5-7,1f"));
    let (target, server) = is_back(&mut sim, &server);
    assert_eq!(target, "/?x=1&resume=5-7,1f");
    tell(&mut sim, &server, &resumed("5-7", "30"));
    tell(&mut sim, &server, &said("5-8"));
    assert_eq!(is_back(&mut sim, &server).0, "/?x=1&resume=5-8,30");

    // Who connects once begins there, too.
    let mut sim = Sim::new();
    sim.dial(&to("ws://10.0.0.1/").resume_from("1,a"));
    sim.settle();
    let head = sim.server().request();
    assert!(head.starts_with("GET /?resume=1,a HTTP/1.1\r\n"), "{head}");

    for wrong in ["", "1", "1,a b", "1,a\r\nX: y", "1,a&x=1"] {
        let connector = to("ws://10.0.0.1/").resume_from(wrong);
        assert_eq!(connector.check(), Err(ConfigError::ResumeToken));
        let refused = sim.client.connect(&connector, 9);
        assert_eq!(refused, Err(ConfigError::ResumeToken), "{wrong:?}");
    }
}

#[test]
fn a_redirect_leads_to_where_it_goes_on() {
    let mut sim = Sim::new();
    let connector = link_to("ws://10.0.0.1/chat").redirects(1);
    let server = open_link(&mut sim, &connector);
    tell(&mut sim, &server, &resumed("1", "a"));
    let (target, server) = comes_back(&mut sim, &server);
    assert_eq!(target, "/chat?resume=1,a");
    let to_another = "HTTP/1.1 307 x\r\nLocation: http://10.0.0.2/other?x=1&resume=0,z\r\n\
                      Content-Length: 0\r\n\r\n";
    server.push(to_another.as_bytes());
    sim.settle();
    let mut other = sim.server();
    let head = other.request();
    assert!(
        head.starts_with("GET /other?x=1&resume=1,a HTTP/1.1\r\n"),
        "{head}"
    );
    other.push(&answer(&head));
    sim.settle();
    assert_eq!(status(&mut sim).state, LinkState::Open);
}

#[test]
fn with_its_link_a_token_ends() {
    let mut sim = Sim::new();
    let server = open_link(&mut sim, &link_to("ws://10.0.0.1/"));
    tell(&mut sim, &server, &resumed("1", "a"));
    sim.client.unlink(7, CloseCode::NORMAL, "").expect("a link");
    assert_eq!(sim.client.resume_token(7), None);
    server.conn.end();
    sim.run_for(secs(20));
    // Another of that name is another.
    sim.take_told();
    let server = open_link(&mut sim, &link_to("ws://10.0.0.1/"));
    assert_eq!(is_back(&mut sim, &server).0, "/");
    let told = sim.take_told();
    assert_eq!(states(&told).last(), Some(&LinkState::Open), "{told:?}");
    assert!(matches!(told.last(), Some(Told::Link(7, LinkState::Open))));
}
