//! Who may look: tokens, names of the host, origins, and how many.

use super::{ELSEWHERE, HERE, OURS, TOKEN, admin, app, ask_from, look, site, status_of, visit};
use crate::harness::{Sim, secs};
use crate::world::{kill, say, start};
use sockeye::app::admin::{BadToken, MIN_TOKEN};
use sockeye::app::{Admin, Monitor, Router};

fn status_from(sim: &mut Sim<Router>, from: &str, headers: &str) -> String {
    let (head, _) = ask_from(sim, from, "/admin/socket", headers);
    status_of(&head).to_owned()
}

#[test]
fn a_token_is_long_and_can_be_sent() {
    let monitor = Monitor::new();
    let new = |token: &str| Admin::new(token, &monitor).map(drop);
    assert_eq!(new(""), Err(BadToken::Short));
    assert_eq!(new(&"x".repeat(MIN_TOKEN - 1)), Err(BadToken::Short));
    assert_eq!(new(&"x".repeat(MIN_TOKEN)), Ok(()));
    assert_eq!(new("0123456789 abcdef"), Err(BadToken::Characters));
    assert_eq!(new("0123456789,abcdef"), Err(BadToken::Characters));
    assert_eq!(new("0123456789ébcdef"), Err(BadToken::Characters));
    let debug = format!("{:?}", Admin::new(TOKEN, &monitor));
    assert!(!debug.contains(TOKEN), "{debug}");
}

#[test]
fn the_token_is_needed_wherever_it_is() {
    let mut sim = site();
    for headers in [
        "Authorization: Bearer correct-horse-battery\r\n",
        OURS,
        "Cookie: token=correct-horse-battery\r\n",
    ] {
        let headers = format!("Host: localhost:8000\r\n{headers}");
        assert_eq!(status_from(&mut sim, HERE, &headers), "101", "{headers}");
    }
    let target = "/admin/socket?token=correct-horse-battery";
    let (head, _) = ask_from(&mut sim, HERE, target, "Host: localhost\r\n");
    assert_eq!(status_of(&head), "101");
    // Each from an address of its own, so that none is told to wait.
    for (number, headers) in [
        "",
        "Sec-WebSocket-Protocol: sockeye.admin\r\n",
        "Authorization: Bearer correct-horse-batterz\r\n",
        "Authorization: Bearer correct-horse-batter\r\n",
        "Authorization: Bearer correct-horse-batteryy\r\n",
        "Authorization: Bearer CORRECT-HORSE-BATTERY\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Basic correct-horse-battery\r\n",
        "Sec-WebSocket-Protocol: sockeye.admin, token.\r\n",
        "Sec-WebSocket-Protocol: sockeye.admin, token.x, token.correct-horse-battery\r\n",
        "Cookie: token=correct-horse-batter\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let headers = format!("Host: localhost\r\n{headers}");
        let from = format!("127.0.1.{number}:4000");
        let (head, mut client) = ask_from(&mut sim, &from, "/admin/socket", &headers);
        assert_eq!(status_of(&head), "401", "{headers}");
        // Y03: nothing of what was sent, and nothing about us.
        sim.settle();
        let body = String::from_utf8_lossy(&client.conn.take_sent()).into_owned()
            + &String::from_utf8_lossy(&client.bytes);
        for word in ["correct", "horse", "0.1.0", "src/", "Basic"] {
            assert!(!head.contains(word) && !body.contains(word), "{head}{body}");
        }
        client.bytes.clear();
    }
}

#[test]
fn the_right_subprotocol_is_chosen_and_the_token_is_never_said_back() {
    let mut sim = site();
    let headers = format!("Host: localhost\r\n{OURS}");
    let (head, _) = ask_from(&mut sim, HERE, "/admin/socket", &headers);
    assert!(
        head.contains("Sec-WebSocket-Protocol: sockeye.admin\r\n"),
        "{head}"
    );
    assert!(!head.contains("token"), "{head}");
}

#[test]
fn a_host_that_is_not_ours_is_refused_whatever_the_token() {
    // A01.
    let mut sim = site();
    for (from, host, wanted) in [
        (HERE, "localhost", "101"),
        (HERE, "127.0.0.1:8000", "101"),
        ("[::1]:4000", "[::1]:8000", "101"),
        ("unix", "localhost", "101"),
        (HERE, "evil.example", "403"),
        (HERE, "evil.example:8000", "403"),
        (HERE, "localhost.evil.example", "403"),
        (ELSEWHERE, "localhost", "403"),
        (ELSEWHERE, "127.0.0.1", "403"),
        (ELSEWHERE, "192.0.2.1", "403"),
        (ELSEWHERE, "admin.example", "101"),
        (ELSEWHERE, "Admin.Example:8001", "101"),
        (HERE, "admin.example", "101"),
    ] {
        // As a page that was led here by DNS would do it: of the same origin.
        let headers = format!("Host: {host}\r\nOrigin: http://{host}\r\n{OURS}");
        assert_eq!(
            status_from(&mut sim, from, &headers),
            wanted,
            "{host} from {from}"
        );
    }
}

#[test]
fn a_page_elsewhere_is_refused_whatever_it_sends() {
    // A04: a browser adds the cookie by itself.
    let mut sim = site();
    for (origin, wanted) in [
        ("http://localhost:8000", "101"),
        ("http://evil.example", "403"),
        ("https://localhost.evil.example", "403"),
        ("http://localhost:9000", "403"),
        ("null", "403"),
    ] {
        let headers = format!(
            "Host: localhost:8000\r\nOrigin: {origin}\r\nCookie: token=correct-horse-battery\r\n"
        );
        assert_eq!(status_from(&mut sim, HERE, &headers), wanted, "{origin}");
    }
}

#[test]
fn who_is_wrong_too_often_has_to_wait() {
    let mut sim = site();
    let wrong = "Host: localhost\r\nAuthorization: Bearer wrong-horse-battery\r\n";
    let right = format!("Host: localhost\r\n{OURS}");
    // Who sends none has not been wrong.
    for _ in 0..10 {
        assert_eq!(status_from(&mut sim, HERE, "Host: localhost\r\n"), "401");
    }
    for _ in 0..5 {
        assert_eq!(status_from(&mut sim, HERE, wrong), "401");
    }
    for headers in [wrong, &right] {
        let (head, _) = ask_from(&mut sim, HERE, "/admin/socket", headers);
        assert_eq!(status_of(&head), "429", "{head}");
        assert!(head.contains("Retry-After: "), "{head}");
    }
    assert_eq!(status_from(&mut sim, "127.0.0.2:1", &right), "101");
    sim.run_for(secs(60));
    assert_eq!(status_from(&mut sim, HERE, &right), "101");
}

#[test]
fn get_shows_no_data_and_nothing_is_changed_by_a_request() {
    let mut sim = site();
    let mut client = visit(&mut sim, "/chat/tea?name=ada");
    let get = |sim: &mut Sim<Router>, method: &str, target: &str, host: &str| {
        let mut asking = sim.connect();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n\
            Cookie: token=correct-horse-battery\r\n\r\n"
        );
        asking.push(head.as_bytes());
        sim.settle();
        let head = asking.head();
        (
            status_of(&head).to_owned(),
            String::from_utf8(asking.bytes).expect("text"),
        )
    };
    let page = "<!doctype html><title>nothing to see</title>";
    for (method, target, host, status, body) in [
        ("GET", "/admin", "localhost", "200", Some(page)),
        ("GET", "/admin", "admin.example:1", "200", Some(page)),
        ("GET", "/admin.js", "localhost", "200", Some("'no data'")),
        ("HEAD", "/admin", "localhost", "200", Some("")),
        ("GET", "/admin", "evil.example", "403", None),
        ("GET", "/admin.js", "evil.example", "403", None),
        ("GET", "/admin/", "localhost", "404", None),
        ("GET", "/admin/close?id=1", "localhost", "404", None),
        ("POST", "/admin", "localhost", "405", None),
        ("POST", "/admin/socket", "localhost", "405", None),
        ("DELETE", "/admin/socket", "localhost", "405", None),
    ] {
        let (answer, said) = get(&mut sim, method, target, host);
        assert_eq!(answer, status, "{method} {target} {host}");
        assert!(
            body.is_none_or(|body| body == said),
            "{method} {target}: {said}"
        );
        assert!(!said.contains("ada"), "{said}");
    }
    client.assert_quiet();
}

#[test]
fn it_takes_few_connections_and_others_none_the_less() {
    // A02: where it shares a port, its connections are counted apart.
    let mut sim = site();
    let looking: Vec<_> = (0..16).map(|_| look(&mut sim)).collect();
    let headers = format!("Host: localhost\r\n{OURS}");
    assert_eq!(status_from(&mut sim, HERE, &headers), "503");
    visit(&mut sim, "/chat/tea").assert_quiet();
    kill(&mut sim, &looking[0]);
    assert_eq!(status_from(&mut sim, HERE, &headers), "101");
}

#[test]
fn on_a_port_of_its_own_its_budget_is_its_own() {
    // A02: whoever holds all its connections holds none of the application's.
    let monitor = Monitor::new();
    let mut application = start(app(&monitor));
    let mut port = start(admin(&monitor).app());
    let held: Vec<_> = (0..10_000).map(|_| port.connect()).collect();
    port.settle();
    assert!(port.net.open_streams() < 200, "{}", port.net.open_streams());
    let client = visit(&mut application, "/chat/tea");
    say(&mut application, &client, "echo");
    // They are gone when the time for a handshake is over, and then there is room again.
    for _ in 0..200 {
        port.run_for(secs(5));
    }
    drop(held);
    look(&mut port);
}

#[test]
fn it_can_be_elsewhere() {
    let monitor = Monitor::new();
    let admin = Admin::new(TOKEN, &monitor)
        .expect("a token")
        .at("/ops/look/");
    let mut sim = start(app(&monitor).admin(admin));
    let headers = format!("Host: localhost\r\n{OURS}");
    for (target, wanted) in [("/ops/look/socket", "101"), ("/admin/socket", "404")] {
        let (head, _) = ask_from(&mut sim, HERE, target, &headers);
        assert_eq!(status_of(&head), wanted, "{target}");
    }
}
