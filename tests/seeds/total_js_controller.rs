//! B0, Total.js: what a controller knows of its clients, and how it tells them something.
//!
//! Not here: its routes, which are `total_js`; its samples, which are `total_js_chat`.

use crate::frames;
use crate::harness::{Client, Sim, ms, secs};
use crate::serve;
use crate::served::{Hearing, hearing, text};
use crate::world::{ask, heard, kill, open, say, start};
use sockeye::app::json::{Commands, Unanswered};
use sockeye::app::{App, Audience, Conn, Route, Router, Service, Upgrade};
use sockeye::server::{ConnectionId, Message, TrustedProxy};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn route(line: &str) -> Route {
    Route::parse(line).expect("a route")
}

/// Three clients at one path, called Ada, Bo and Cy.
fn three(sim: &mut Sim<Router>) -> [Client; 3] {
    ["/x?name=Ada", "/x?name=Bo", "/x?name=Cy"].map(|target| open(sim, target))
}

#[test]
fn b0_7_all_connections_are_known_by_their_ids() {
    let app = hearing("SOCKET /x @text", |conn, _, _| {
        let mut ids: Vec<_> = conn.connections().iter().map(|id| id.get()).collect();
        ids.sort_unstable();
        let _ = conn.send(&format!("{ids:?}"));
    });
    let mut sim = start(app);
    let [mut ada, bo, _cy] = three(&mut sim);
    say(&mut sim, &ada, "who?");
    let before: Vec<u64> = serde_json::from_str(&heard(&mut ada)[0]).expect("a list");
    assert_eq!(before.len(), 3);
    kill(&mut sim, &bo);
    let _dee = open(&mut sim, "/x");
    say(&mut sim, &ada, "who?");
    let after: Vec<u64> = serde_json::from_str(&heard(&mut ada)[0]).expect("a list");
    let new: Vec<_> = after.iter().filter(|id| !before.contains(id)).collect();
    // Bo's is not given to anybody else.
    assert_eq!((after.len(), new.len()), (3, 1), "{before:?} {after:?}");
}

#[test]
fn b0_8_each_client_has_an_id_and_is_told_it() {
    let mut sim = serve::start();
    let mut id = |target: &str| -> u64 {
        let mut client = open(&mut sim, target);
        let welcome: serde_json::Value = serde_json::from_str(&heard(&mut client)[0]).unwrap();
        assert_eq!(welcome["cmd"], "welcome");
        welcome["param"]["id"].as_str().unwrap().parse().unwrap()
    };
    let [one, other] = ["/chat/tea", "/chat/tea"].map(&mut id);
    assert_ne!(one, other);
    // Written as it is in the log.
    let app = hearing("SOCKET /x @text", |conn, _, _| {
        let id: ConnectionId = conn.id();
        assert_eq!(id.to_string(), format!("#{}", id.get()));
        let _ = conn.send(&id.get().to_string());
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    say(&mut sim, &client, "who am I?");
    assert!(heard(&mut client)[0].parse::<u64>().is_ok());
}

#[test]
fn b0_9_one_is_told_by_its_id_or_all_are_and_nobody_who_is_gone() {
    let app = App::new().route("SOCKET /x @text", |_| {
        let mut first = None;
        Hearing(
            move |conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>| match (
                text(message),
                first,
            ) {
                ("it is me", _) => first = Some(conn.id()),
                ("tell one", Some(id)) => {
                    let answer = match conn.send_to(id, "to you") {
                        Ok(()) => "told",
                        Err(_) => "gone",
                    };
                    let _ = conn.send(answer);
                }
                (words, _) => drop(conn.publish(conn.all(), words)),
            },
        )
    });
    let mut sim = start(app);
    let [mut ada, mut bo, mut cy] = three(&mut sim);
    say(&mut sim, &ada, "it is me");
    say(&mut sim, &bo, "tell one");
    assert_eq!(
        (heard(&mut ada), heard(&mut bo)),
        (vec!["to you".into()], vec!["told".into()])
    );
    assert!(heard(&mut cy).is_empty());
    say(&mut sim, &bo, "to all");
    for client in [&mut ada, &mut bo, &mut cy] {
        assert_eq!(heard(client), ["to all"]);
    }
    kill(&mut sim, &ada);
    say(&mut sim, &bo, "tell one");
    assert_eq!(heard(&mut bo), ["gone"]);
}

#[test]
fn b0_10_those_are_told_whom_a_function_picks_and_each_may_be_told_something_else() {
    let app = hearing("SOCKET /x @text", |conn, _, message| match text(message) {
        "pick" => {
            let me = conn.id();
            conn.publish(Audience::those(move |id| id.get() > me.get()), "picked");
        }
        words => {
            let each: Vec<_> = conn
                .users()
                .map(|(id, name)| (id, format!("{words}, {name}")))
                .collect();
            for (id, words) in each {
                let _ = conn.send_to(id, &words);
            }
        }
    });
    let mut sim = start(app);
    let mut clients = three(&mut sim);
    for (speaker, told) in [(0, [0, 1, 1]), (1, [0, 0, 1]), (2, [0, 0, 0])] {
        say(&mut sim, &clients[speaker], "pick");
        assert_eq!(clients.each_mut().map(|client| heard(client).len()), told);
    }
    say(&mut sim, &clients[0], "hello");
    let heard = clients.each_mut().map(heard).concat();
    assert_eq!(heard, ["hello, Bo", "hello, Cy"]);
}

#[test]
fn b0_11_one_is_found_by_what_is_known_of_it_and_all_are_counted() {
    let app = hearing("SOCKET /x @text", |conn, _, message| {
        let name = text(message);
        let found = conn.find(|_, user| user == name).is_some();
        let _ = conn.send(&format!("{found} {}", conn.online()));
    });
    let mut sim = start(app);
    let [mut ada, bo, _cy] = three(&mut sim);
    for (name, answer) in [("Bo", "true 3"), ("Cy", "true 3"), ("Di", "false 3")] {
        say(&mut sim, &ada, name);
        assert_eq!(heard(&mut ada), [answer], "{name}");
    }
    kill(&mut sim, &bo);
    say(&mut sim, &ada, "Bo");
    assert_eq!(heard(&mut ada), ["false 2"]);
}

/// Says how long a ping took.
struct Timed;

impl Service for Timed {
    type User = ();

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}

    fn heartbeat(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), took: Duration) {
        assert_eq!(conn.latency(), Some(took));
        let _ = conn.send(&took.as_millis().to_string());
    }
}

#[test]
fn b0_19_each_route_has_its_pings_and_how_long_they_may_take() {
    let route = route("SOCKET /x @text")
        .ping(secs(15))
        .pong(secs(5))
        .max_latency(ms(2000));
    let mut sim = start(App::new().route(route, |_| Timed));
    for (answered, is_kept) in [(120, true), (1900, true), (2500, false), (6000, false)] {
        let mut client = open(&mut sim, "/x");
        sim.run_for(ms(14_900));
        client.assert_quiet();
        sim.run_for(ms(110));
        let ping = client.frame();
        assert_eq!(ping.opcode, frames::PING);
        sim.run_for(ms(answered));
        client.push(&frames::pong(&ping.payload));
        sim.settle();
        let words = heard(&mut client);
        if is_kept {
            // From the ping, which came some ms before it was looked at.
            let took: u64 = words[0].parse().expect("milliseconds");
            assert!((answered..answered + 20).contains(&took), "{words:?}");
        } else {
            assert!(words[0].starts_with("<close "), "{words:?}");
        }
    }
}

/// Says what it knows of whoever comes.
struct Curious;

impl Service for Curious {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        assert_eq!(conn.addr(), upgrade.addr());
        let or = Option::unwrap_or_default;
        let protocols: Vec<_> = upgrade.request().protocols().collect();
        let _ = conn.send(&format!(
            "{} {} {} {} {} {} {protocols:?}",
            upgrade.params().get("id").unwrap_or_default(),
            upgrade.query().get("q").unwrap_or_default(),
            or(upgrade.header("user-agent")),
            or(upgrade.header("host")),
            or(upgrade.cookie("c")),
            upgrade.addr(),
        ));
    }

    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}
}

#[test]
fn b0_29_what_a_request_says_is_known_and_an_address_only_from_who_is_trusted() {
    let headers = "User-Agent: Browser/1\r\nCookie: a=b; c=d\r\nSec-WebSocket-Protocol: v1\r\n\
        X-Forwarded-For: 192.0.2.7\r\n";
    let told = |proxies: Vec<TrustedProxy>| {
        let route = route("SOCKET /x/{id} @text").protocols(["v1"]);
        let app = App::new().route(route, |_| Curious);
        let mut sim = start(app.trust_forwarded(proxies));
        let (head, mut client) = ask(&mut sim, "/x/7?q=%C3%A9", headers);
        assert!(
            head.contains("\r\nSec-WebSocket-Protocol: v1\r\n"),
            "{head}"
        );
        heard(&mut client).concat()
    };
    let trusted = ["0.0.0.0/0", "::/0", "unix"].map(|proxy| proxy.parse().expect("a proxy"));
    let told_of = "7 é Browser/1 x d ";
    assert_eq!(
        told(trusted.into()),
        format!("{told_of}192.0.2.7:0 [\"v1\"]")
    );
    let untrusted = told(Vec::new());
    assert!(untrusted.starts_with(told_of), "{untrusted}");
    assert!(!untrusted.contains("192.0.2.7"), "{untrusted}");
}

#[test]
fn b0_30_either_side_asks_and_waits_for_an_answer_so_long() {
    let outcome = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&outcome);
    let app = App::new().route("SOCKET /x", move |_| {
        let commands = Commands::<()>::new();
        let (asks, log) = (commands.asks(), Arc::clone(&log));
        commands
            .on("double", |_, (), number: u32| Ok(number * 2))
            .on("ask me", move |conn, (), (): ()| {
                let log = Arc::clone(&log);
                let asked = asks.ask(conn.id(), conn, "age?", &(), secs(5), move |_, answer| {
                    let answer: Result<u32, Unanswered> = answer.map(|(_, age)| age);
                    log.lock().unwrap().push(answer);
                });
                asked.expect("it is there");
            })
    });
    let mut sim = start(app);
    let mut client = open(&mut sim, "/x");
    say(&mut sim, &client, r#"{"cmd":"double","id":1,"param":21}"#);
    assert_eq!(heard(&mut client), [r#"{"cmd":"reply","re":1,"param":42}"#]);
    for answer in [true, false] {
        say(&mut sim, &client, r#"{"cmd":"ask me"}"#);
        assert!(heard(&mut client)[0].contains(r#""cmd":"age?""#));
        sim.run_for(ms(4900));
        assert!(outcome.lock().unwrap().is_empty());
        if answer {
            say(&mut sim, &client, r#"{"cmd":"reply","re":1,"param":36}"#);
            assert_eq!(*outcome.lock().unwrap(), [Ok(36)]);
            outcome.lock().unwrap().clear();
        }
    }
    sim.run_for(ms(200));
    assert_eq!(*outcome.lock().unwrap(), [Err(Unanswered::TimedOut)]);
}
