//! B4, WebSocket++ and its like: what is around the handlers of a server: streams, threads, proxies, who may come, logs.
//!
//! Not here: handlers, handles and channels; those are `websocketpp`.

use crate::frames;
use crate::harness::{ms, secs};
use crate::logged::Lines;
use crate::serve;
use crate::served::{Echo, Hearing, Running, hearing, hears, text};
use crate::world::{ask, heard, open, say, start, status};
use sockeye::app::{App, Audience, Conn, Decision, Route, Service, Upgrade};
use sockeye::proto::deflate::Policy;
use sockeye::server::{
    Handle, Limits, Message, RoomSettings, SlowPolicy, Timeouts, To, TrustedProxy,
};

/// A price is replaced by the next one of its symbol.
fn symbol(message: &[u8]) -> &[u8] {
    message
        .split(|byte| *byte == b' ')
        .next()
        .unwrap_or(message)
}

/// `join` joins the stream, and everything else is said in it.
fn prices() -> App {
    hearing("SOCKET /x @text", |conn, _, message| match text(message) {
        "join" => drop(conn.join("prices")),
        price => drop(conn.publish("prices", price)),
    })
}

#[test]
fn b4_18_of_a_stream_a_slow_client_gets_the_newest() {
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/ticker");
    sim.run_for(ms(1100));
    let words = heard(&mut client);
    assert!(
        words.len() == 3 && words[0].contains(r#""symbol":"CARP""#),
        "{words:?}"
    );

    let app = prices().rooms(RoomSettings::default().policy(|_| SlowPolicy::Conflate(symbol)));
    let mut sim = start(app);
    let [mut slow, source] = ["/x"; 2].map(|path| open(&mut sim, path));
    say(&mut sim, &slow, "join");
    slow.conn.set_window(0);
    for price in 0..100 {
        say(&mut sim, &source, &format!("A {price}"));
        say(&mut sim, &source, &format!("B {price}"));
    }
    slow.conn.set_window(usize::MAX);
    sim.settle();
    let words = heard(&mut slow);
    // What the kernel was given already comes before.
    assert!(words.len() <= 4, "{words:?}");
    assert!(
        words.ends_with(&["A 99".into(), "B 99".into()]),
        "{words:?}"
    );
}

#[test]
fn b4_19_anything_in_the_process_speaks_to_its_clients() {
    const fn goes_anywhere<T: Clone + Send + Sync + 'static>() {}
    const { goes_anywhere::<Handle>() };
    let serving = App::new()
        .route("SOCKET /x @text", |_| Echo)
        .stop_on_signals(false);
    let server = Running::start(serving);
    let mut socket = server.open("/x");
    socket.send("are you there?").expect("it is open");
    hears(&mut socket, "are you there?");
    let handle = server.handle.clone();
    std::thread::spawn(move || {
        let online = handle.online(crate::PATIENCE).expect("it runs");
        handle
            .publish(To::all(), &format!("{online} online"))
            .expect("it runs");
    });
    hears(&mut socket, "1 online");
}

#[test]
fn b4_20_behind_a_proxy_pings_come_in_time_and_addresses_from_who_is_trusted() {
    let docs = include_str!("../../docs/proxies.md");
    for name in ["## nginx", "## HAProxy", "## Caddy", "X-Forwarded-For"] {
        assert!(docs.contains(name), "{name}");
    }
    // Proxies end what is silent for 60 s.
    let mut sim = serve::start();
    let mut client = open(&mut sim, "/echo");
    sim.run_for(secs(25));
    assert_eq!(heard(&mut client), ["<ping>"]);
    assert!(Timeouts::default().ping < secs(60));
    let proxies = ["0.0.0.0/0", "::/0", "unix"].map(|proxy| proxy.parse().expect("a proxy"));
    for (trusted, is_told) in [
        (proxies.to_vec(), true),
        (Vec::<TrustedProxy>::new(), false),
    ] {
        let app = App::new()
            .route("SOCKET /x @text", |_| Whence)
            .trust_forwarded(trusted);
        let mut sim = start(app);
        let (_, mut client) = ask(&mut sim, "/x", "X-Forwarded-For: 192.0.2.7\r\n");
        assert_eq!(
            heard(&mut client).concat().starts_with("192.0.2.7"),
            is_told
        );
    }
}

/// Says where somebody comes from.
struct Whence;

impl Service for Whence {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        let _ = conn.send(&conn.addr().to_string());
    }

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}
}

#[test]
fn b4_23_extensions_and_subprotocols_are_agreed_on_apart() {
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let protocols = "Sec-WebSocket-Protocol: v1, permessage-deflate\r\n";
    for (route, offers, extension, protocol) in [
        (
            Route::new("/x").protocols(["v1"]),
            [deflate, protocols],
            true,
            true,
        ),
        (Route::new("/x"), [deflate, protocols], true, false),
        (
            Route::new("/x").protocols(["v1"]).deflate(None),
            [deflate, protocols],
            false,
            true,
        ),
        // Neither is taken from the other's header.
        (Route::new("/x"), [protocols, ""], false, false),
        (
            Route::new("/x").deflate(Policy::default()),
            [deflate, ""],
            true,
            false,
        ),
    ] {
        let what = format!("{route:?}");
        let mut sim = start(App::new().route(route, |_| Echo));
        let (head, _) = ask(&mut sim, "/x", &offers.concat());
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(
            head.contains("Sec-WebSocket-Extensions: permessage-deflate"),
            extension,
            "{what}"
        );
        assert_eq!(
            head.contains("Sec-WebSocket-Protocol: v1\r\n"),
            protocol,
            "{what}"
        );
    }
}

#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/auth_token.rs"]
mod auth_token;

#[test]
fn b4_24_who_comes_is_decided_before_they_are_let_in() {
    let mut sim = start(auth_token::app());
    let now = auth_token::now();
    let good = auth_token::issue("Ada", now + 600);
    for (token, expected) in [
        (&*good, 101),
        (&good[1..], 401),
        (&auth_token::issue("Ada", now - 1), 401),
    ] {
        for (target, headers) in [
            ("/".to_owned(), format!("Authorization: Bearer {token}\r\n")),
            ("/".to_owned(), format!("Cookie: token={token}\r\n")),
            (
                "/".to_owned(),
                format!("Sec-WebSocket-Protocol: chat, token.{token}\r\n"),
            ),
            (format!("/?token={token}"), String::new()),
        ] {
            assert_eq!(
                status(&mut sim, &target, &headers),
                expected,
                "{target} {headers}"
            );
        }
    }
    assert_eq!(status(&mut sim, "/", ""), 401);
    // And by name, for each.
    let route = Route::new("/x").admit(|upgrade| match upgrade.query().get("who") {
        Some(who) => Decision::user(who.into_owned()),
        None => Decision::refuse(403, "who are you?"),
    });
    let app = App::new().route(route, |_| {
        Hearing(
            |conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>| {
                conn.publish(Audience::all(), message);
            },
        )
    });
    assert_eq!(status(&mut start(app), "/x", ""), 403);
}

#[test]
fn b4_25_comings_and_goings_are_told_and_logged() {
    let (lines, _guard) = Lines::collect();
    let mut sim = serve::start();
    let mut stays = open(&mut sim, "/chat/tea?name=Bo");
    let goes = open(&mut sim, "/chat/tea?name=Ada");
    goes.push(&frames::close(4000));
    sim.settle();
    let words = heard(&mut stays).concat();
    assert!(
        words.contains(r#""cmd":"user-joined""#) && words.contains(r#""cmd":"user-left""#),
        "{words}"
    );
    let logged = lines.read();
    assert_eq!(logged.len(), 3, "{logged:?}");
    assert!(logged[1].starts_with("INFO opened id="), "{logged:?}");
    assert!(
        logged[2].starts_with("INFO closed id=") && logged[2].contains("code=4000"),
        "{logged:?}"
    );
}

#[test]
fn b4_26_what_nobody_sets_is_safe_and_mistakes_say_what_to_do() {
    let limits = Limits::default();
    for (bytes, most) in [
        (limits.connection.max_message, 16 << 20),
        (limits.max_queued as u64, 16 << 20),
        (limits.max_memory as u64, 4 << 30),
        (limits.max_connections as u64, 1 << 20),
    ] {
        assert!(bytes <= most);
    }
    let error = |app: App| app.build().expect_err("a mistake").to_string();
    let closed = error(App::new().route("+SOCKET /x", |_| Echo));
    assert!(closed.contains("Route::admit"), "{closed}");
    let word = error(App::new().route("SOCKET /x @jsno", |_| Echo));
    assert!(word.contains("@json, @text, @binary or @any"), "{word}");
    // Pages of other hosts are kept out unless somebody lets them in.
    let mut sim = serve::start();
    assert_eq!(
        status(&mut sim, "/echo", "Origin: https://evil.example\r\n"),
        403
    );
}
