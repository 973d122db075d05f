//! Rows B2.15 to B2.25: socket.io's namespaces and rooms. A namespace is a path here.
//!
//! Not here: socket.io's own wire protocol, which Sockeye does not speak; the rows before, which are `socket_io`.

use crate::hall::{self, told};
use crate::harness::Client;
use crate::serve;
use crate::world::{ask, heard, kill, open, say, start, status};
use sockeye::app::json::{Commands, Letter, Permit};
use sockeye::app::{App, Audience, Decision, Route};
use sockeye::server::{RoomSettings, SlowPolicy};

#[test]
fn b2_15_online_is_exact() {
    let mut sim = hall::open();
    let mut observer = open(&mut sim, "/a");
    let mut clients: Vec<(&str, Client)> = Vec::new();
    for step in 1..40_usize {
        // Two come for each that goes.
        if step % 3 == 0 {
            kill(&mut sim, &clients.remove(step % clients.len()).1);
        } else {
            let path = ["/a", "/b"][step % 2];
            clients.push((path, open(&mut sim, path)));
        }
        // Nobody counts who is not let in.
        assert_eq!(
            status(&mut sim, "/a", "Origin: http://evil.example\r\n"),
            403
        );
        let here = clients.iter().filter(|(path, _)| *path == "/a").count() + 1;
        let wanted = format!("{here} of {}", clients.len() + 1);
        assert_eq!(told(&mut sim, &mut observer, "online"), [wanted]);
    }
    for (_, client) in clients.drain(..) {
        kill(&mut sim, &client);
    }
    assert_eq!(told(&mut sim, &mut observer, "online"), ["1 of 1"]);
}

#[test]
fn b2_16_the_root_is_a_namespace_and_all_of_it_has_two_names() {
    let mut sim = hall::open();
    let [mut one, mut other, mut elsewhere] = ["/", "/", "/x"].map(|path| open(&mut sim, path));
    for said in ["all hi", "path / hi"] {
        say(&mut sim, &one, said);
        assert_eq!(
            [heard(&mut one), heard(&mut other)],
            [["hi"], ["hi"]],
            "{said}"
        );
        assert!(heard(&mut elsewhere).is_empty());
    }
}

#[test]
fn b2_17_a_namespace_has_its_own_service_limits_and_gate() {
    let gate = Route::new("/b").admit(|upgrade| {
        let known = upgrade.query().get("key").as_deref() == Some("right");
        if known {
            Decision::guest(())
        } else {
            Decision::unauthorised()
        }
    });
    let text = Route::parse("SOCKET /a @text <10b").expect("a route");
    let mut sim = start(
        App::new()
            .route(text, |_| {
                Commands::<()>::new().open(|conn, (), _| conn.send("a").expect("it can"))
            })
            .route(gate, |_| {
                Commands::<()>::new().open(|conn, (), _| conn.send("b").expect("it can"))
            }),
    );
    assert_eq!(status(&mut sim, "/b", ""), 401);
    let [mut a, mut b] = ["/a", "/b?key=right"].map(|path| open(&mut sim, path));
    assert_eq!([heard(&mut a), heard(&mut b)], [["a"], ["b"]]);
    let long = r#"{"cmd":"nothing"}"#;
    assert!(told(&mut sim, &mut b, long).is_empty());
    assert!(told(&mut sim, &mut a, long)[0].starts_with("<close 1009 "));
}

#[test]
fn b2_18_who_is_at_the_root_hears_nothing_of_a_namespace() {
    let mut sim = serve::start();
    let mut root = open(&mut sim, "/");
    assert_eq!(heard(&mut root), ["Hello world"]);
    let mut guest = open(&mut sim, "/stackabuse");
    kill(&mut sim, &guest);
    assert_eq!(heard(&mut guest).len(), 2);
    root.assert_quiet();
}

#[test]
fn b2_19_a_room_of_one_namespace_is_not_that_of_another() {
    let mut sim = hall::open();
    let [mut a, mut b] = ["/a", "/b"].map(|path| open(&mut sim, path));
    for client in [&mut a, &mut b] {
        assert_eq!(told(&mut sim, client, "join x"), ["Ok(true)"]);
    }
    assert_eq!(told(&mut sim, &mut a, "room x hi"), ["hi"]);
    assert!(heard(&mut b).is_empty());
    assert_eq!(told(&mut sim, &mut b, "count x"), ["1"]);
}

#[test]
fn b2_20_nothing_that_is_sent_joins_a_room_by_itself() {
    let join = r#"{"cmd":"join-room","param":{"room":"x"},"id":1}"#;
    let mut sim = start(App::new().everywhere(|params| {
        let commands = Commands::<()>::new().on("mine", |conn, (), (): ()| Ok(conn.rooms()));
        if params.get("*") == Some("open") {
            commands.rooms(|_, (), _| Permit::Allow)
        } else {
            commands
        }
    }));
    let mut client = open(&mut sim, "/closed");
    assert_eq!(
        told(&mut sim, &mut client, join),
        [r#"{"cmd":"error","re":1,"param":{"message":"unknown command"}}"#]
    );
    assert_eq!(
        told(&mut sim, &mut client, r#"{"cmd":"mine","id":2}"#),
        [r#"{"cmd":"reply","re":2,"param":[]}"#]
    );
}

#[test]
fn b2_21_joining_says_whether_that_is_new() {
    let mut sim = hall::open();
    let mut client = open(&mut sim, "/");
    let join = "join private-message-room";
    assert_eq!(told(&mut sim, &mut client, join), ["Ok(true)"]);
    assert_eq!(told(&mut sim, &mut client, join), ["Ok(false)"]);
    assert_eq!(
        told(&mut sim, &mut client, "mine"),
        ["private-message-room"]
    );
    assert_eq!(
        told(&mut sim, &mut client, "room private-message-room hi"),
        ["hi"]
    );
}

#[test]
fn b2_22_to_a_room_to_several_and_not_to_one() {
    let mut sim = hall::open();
    let [mut a, mut b, mut both, mut none] = [(); 4].map(|()| open(&mut sim, "/"));
    for (client, rooms) in [
        (&mut a, &["a"][..]),
        (&mut b, &["b"]),
        (&mut both, &["a", "b"]),
    ] {
        for room in rooms {
            assert_eq!(
                told(&mut sim, client, &format!("join {room}")),
                ["Ok(true)"]
            );
        }
    }
    for (said, wanted) in [
        ("room a hi", [1, 0, 1, 0]),
        ("room b hi", [0, 1, 1, 0]),
        // Whoever is in both hears it once.
        ("rooms a,b hi", [1, 1, 1, 0]),
        ("others a hi", [1, 0, 0, 0]),
        ("all hi", [1, 1, 1, 1]),
        ("room nowhere hi", [0, 0, 0, 0]),
    ] {
        say(&mut sim, &both, said);
        let counts = [&mut a, &mut b, &mut both, &mut none].map(|client| heard(client).len());
        assert_eq!(counts, wanted, "{said}");
    }
}

#[test]
fn b2_23_who_has_left_hears_nothing_more() {
    let mut sim = hall::open();
    let [mut one, mut other] = ["/", "/"].map(|path| open(&mut sim, path));
    for client in [&mut one, &mut other] {
        told(&mut sim, client, "join a");
    }
    say(&mut sim, &one, "room a before");
    assert_eq!(heard(&mut other), ["before"]);
    assert_eq!(told(&mut sim, &mut other, "leave a"), ["true"]);
    say(&mut sim, &one, "room a behind");
    assert!(heard(&mut other).is_empty());
    assert_eq!(told(&mut sim, &mut other, "leave a"), ["false"]);
}

#[test]
fn b2_24_who_is_gone_is_in_no_room_and_each_can_be_spoken_to() {
    let mut sim = hall::open();
    let [mut one, mut other] = ["/", "/"].map(|path| open(&mut sim, path));
    for room in ["a", "b"] {
        told(&mut sim, &mut other, &format!("join {room}"));
    }
    assert_eq!(told(&mut sim, &mut one, "count a"), ["1"]);
    // As in a room of one's own.
    let ids = [&mut one, &mut other].map(|client| told(&mut sim, client, "id").remove(0));
    for id in &ids {
        say(&mut sim, &one, &format!("one {id} {id}"));
    }
    let heard = [heard(&mut one), heard(&mut other)];
    assert_eq!(heard, ids.map(|id| vec![id]));
    kill(&mut sim, &other);
    for room in ["a", "b"] {
        assert_eq!(told(&mut sim, &mut one, &format!("count {room}")), ["0"]);
    }
}

#[test]
fn b2_25_newest_alone_answers_and_what_is_kept_for_each() {
    // Volatile: a room whose slow members get the newest alone.
    let rooms = RoomSettings {
        max_queued: 1000,
        ..RoomSettings::default().policy(|_| SlowPolicy::Conflate(|_| b"one"))
    };
    let app = App::new().rooms(rooms).everywhere(|_| {
        Commands::<u32>::new()
            .open(|conn, count: &mut u32, _| {
                *count = 40;
                conn.join("prices").expect("a room");
            })
            // Acknowledged, from what is kept for this connection.
            .on("count", |_, count, by: u32| {
                *count += by;
                Ok(*count)
            })
            .on("flood", |conn, _, (): ()| {
                for price in 0..1000 {
                    let price = Letter::new("price").param(&price).expect("JSON");
                    conn.publish(Audience::room("prices").except(conn.id()), &price);
                }
            })
    });
    let mut sim = start(app);
    let [mut one, mut slow] = ["/", "/"].map(|path| open(&mut sim, path));
    for (by, sum) in [(1, 41), (1, 42)] {
        let answer = told(
            &mut sim,
            &mut one,
            &format!(r#"{{"cmd":"count","param":{by},"id":7}}"#),
        );
        assert_eq!(
            answer,
            [format!(r#"{{"cmd":"reply","re":7,"param":{sum}}}"#)]
        );
    }
    slow.conn.set_window(0);
    say(&mut sim, &one, r#"{"cmd":"flood"}"#);
    slow.conn.set_window(1 << 20);
    sim.settle();
    let prices = heard(&mut slow);
    assert!(prices.len() < 1000, "{}", prices.len());
    assert_eq!(
        prices.last().map(|price| &**price),
        Some(r#"{"cmd":"price","param":999}"#)
    );
}

#[test]
fn b2_25_its_wire_protocol_is_refused() {
    let mut sim = serve::start();
    for transport in ["polling", "websocket"] {
        let target = format!("/socket.io/?EIO=4&transport={transport}");
        let (head, _) = ask(&mut sim, &target, "");
        assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
        let mut client = sim.connect();
        client.push(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        sim.settle();
        assert!(client.head().starts_with("HTTP/1.1 404 "));
    }
}
