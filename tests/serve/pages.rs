//! What is shown on the port of the WebSockets.

use crate::world::{Answer, Program};
use std::fs;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const TOKEN: &str = "correct-horse-battery";

/// Every page, its type, and how it begins.
const PAGES: [(&str, &str, &str); 7] = [
    ("/", HTML, "<!doctype html>"),
    ("/example", HTML, "<!doctype html>"),
    ("/chat.js", SCRIPT, ""),
    ("/sockeye.js", SCRIPT, ""),
    ("/sockeye.d.ts", "text/plain; charset=utf-8", ""),
    ("/sockeye.css", "text/css; charset=utf-8", ""),
    ("/favicon.svg", "image/svg+xml", "<svg"),
];

#[track_caller]
fn assert_page(answer: &Answer, content_type: &str, begins: &str) {
    assert_eq!(answer.status(), "200", "{}", answer.head);
    assert_eq!(answer.header("content-type"), Some(content_type));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let len = answer.body.len().to_string();
    assert_eq!(answer.header("content-length"), Some(&*len));
    assert!(!answer.body.is_empty() && answer.text().starts_with(begins));
}

#[test]
fn b0_28_b2_6_b2_7_b2_8_b3_9_pages_are_on_the_port_of_the_sockets() {
    let program = Program::start(&[]);
    for (path, content_type, begins) in PAGES {
        let answer = program.get(path, "");
        assert_page(&answer, content_type, begins);
        let tag = answer.header("etag").expect("a tag").to_owned();
        let known = program.get(path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((known.status(), known.body.len()), ("304", 0), "{path}");
        let head = program.ask(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!((head.status(), head.body.len()), ("200", 0), "{path}");
        assert_eq!(head.header("etag"), Some(&*tag));
    }
    let mut client = program.open("/example/socket");
    client.assert_heard_nothing();
}

#[test]
fn a_document_may_load_nothing_from_elsewhere_and_all_that_it_names_is_there() {
    let program = Program::start(&[]);
    let page = program.get("/", "");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text();
    for attribute in ["src=\"", "href=\""] {
        for rest in html.split(attribute).skip(1) {
            let target = rest.split('"').next().unwrap_or_default();
            if !target.starts_with('#') {
                assert_eq!(program.get(target, "").status(), "200", "{target}");
            }
        }
    }
    // What the row asks the page for.
    for part in [
        "id=\"chat-form\"",
        "id=\"chat-input\"",
        "id=\"messages\"",
        "type=\"submit\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn what_is_no_page_has_the_right_answer() {
    let program = Program::start(&["--metrics", "off"]);
    for (request, status, header) in [
        ("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "404", None),
        ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "404", None),
        ("GET /admin HTTP/1.1\r\nHost: x\r\n\r\n", "404", None),
        ("GET /admin.js HTTP/1.1\r\nHost: x\r\n\r\n", "404", None),
        (
            "GET /../Cargo.toml HTTP/1.1\r\nHost: x\r\n\r\n",
            "404",
            None,
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            "405",
            Some(("allow", "GET, HEAD")),
        ),
        (
            "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
            "426",
            Some(("upgrade", "websocket")),
        ),
        (
            "GET /chat/tea HTTP/1.1\r\nHost: x\r\n\r\n",
            "426",
            Some(("sec-websocket-version", "13")),
        ),
        ("GET / HTTP/1.1\r\n\r\n", "400", None),
    ] {
        let answer = program.ask(request);
        assert_eq!(answer.status(), status, "{request}{}", answer.head);
        if let Some((name, value)) = header {
            assert_eq!(answer.header(name), Some(value), "{request}");
        }
    }
}

#[test]
fn health_and_metrics_are_of_this_moment() {
    let program = Program::start(&[]);
    let health = program.get("/healthz", "");
    assert_eq!((health.status(), health.text()), ("200", "ok\n"));
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let mut client = program.open("/echo");
    client.say("counted");
    assert_eq!(client.hear(), "counted");
    let metrics = program.get("/metrics", "");
    assert_eq!(metrics.header("cache-control"), Some("no-store"));
    let text = metrics.text();
    assert!(text.contains("\nsockeye_connections_open 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn the_admin_page_is_there_for_who_has_a_token_to_give() {
    let program = Program::start(&["--admin-token", TOKEN]);
    let get = |path: &str| program.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let page = get("/admin");
    assert_page(&page, HTML, "<!doctype html>");
    assert_page(&get("/admin.js"), SCRIPT, "");
    // Whoever has no token may read it: there is nothing in it.
    assert!(!page.text().contains(TOKEN));
    // Under another name, a page from elsewhere could have led here.
    assert_eq!(program.get("/admin", "").status(), "403");
}

#[test]
fn b3_5_b3_34_the_admin_page_sees_the_others_by_its_socket_also_from_an_address_of_its_own() {
    for aside in [false, true] {
        let more = if aside {
            &["--admin-listen", "127.0.0.1:0"][..]
        } else {
            &[]
        };
        let args = [&["--admin-token", TOKEN][..], more].concat();
        let mut program = Program::start(&args);
        let mut client = program.open("/chat/tea?name=Jo");
        client.hear_until("numClients");
        if aside {
            let line = program.log("the admin page is at ");
            assert_eq!(program.get("/admin", "").status(), "404");
            let addr = line.rsplit(' ').next().expect("an address");
            program.addr = addr.parse().expect("an address");
        }
        let sockeye = program.ask("GET /sockeye.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_page(&sockeye, SCRIPT, "");
        let port = program.addr.port();
        let token = |token: &str| {
            let host = format!("localhost:{port}");
            let more = format!(
                "Origin: http://{host}\r\nSec-WebSocket-Protocol: sockeye.admin, token.{token}\r\n"
            );
            program.try_open_at(&host, "/admin/socket", &more)
        };
        assert_eq!(
            token("wrong").err().as_deref(),
            Some("HTTP/1.1 401 Unauthorized")
        );
        let mut admin = token(TOKEN).expect("it is let in");
        assert_eq!(
            admin.header("sec-websocket-protocol"),
            Some("sockeye.admin")
        );
        admin.say(r#"{"cmd":"watch"}"#);
        let snapshots = admin.hear_until("\"Jo\"");
        assert!(
            snapshots
                .last()
                .is_some_and(|one| one.contains("/chat/{room}"))
        );
        program.terminate();
        for client in [&mut admin, &mut client] {
            assert!(client.hear_close().starts_with("<close 1001 "));
            client.send(&crate::frames::close(1001));
        }
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[test]
fn a_folder_has_more_pages_and_may_have_its_own_in_the_place_of_ours() {
    let directory = std::env::temp_dir().join(format!("sockeye-serve-{}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(directory.join("more")).expect("a directory");
    for (name, text) in [
        ("index.html", "<!doctype html>mine"),
        ("more/a b.txt", "more"),
        (".secret", "hidden"),
    ] {
        fs::write(directory.join(name), text).expect("a file");
    }
    let folder = directory.to_str().expect("text");
    let program = Program::start(&["--folder", folder]);
    let (_, checked, _) = crate::world::run(&["serve", "--check-config", "--folder", folder]);
    // They are in memory by now.
    fs::remove_dir_all(&directory).expect("it is ours");
    assert!(
        checked.contains("\nGET the files of the folder\nnot .secret: hidden\n"),
        "{checked}"
    );
    assert_eq!(program.get("/", "").text(), "<!doctype html>mine");
    assert_eq!(program.get("/more/a%20b.txt", "").text(), "more");
    assert_page(&program.get("/chat.js", ""), SCRIPT, "");
    for target in ["/.secret", "/more/../.secret", "/%2e%2e/x", "/more"] {
        assert_eq!(program.get(target, "").status(), "404", "{target}");
    }
    // A socket at the same path is another thing.
    assert_eq!(program.open("/").hear(), "Hello world");
}
