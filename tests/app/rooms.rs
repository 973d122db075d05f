//! Who is told: rooms of a path, users, paths, the server, one; and who is there to be asked after.
//!
//! Not here: order, what waits and what is dropped, which are `tests/rooms`; commands, which are `company`.

use crate::frames;
use crate::harness::{Client, Sim, ms, secs};
use crate::world::{heard, kill, open, say, start};
use sockeye::app::{App, Audience, Conn, Route, Router, Scope, Service, Upgrade};
use sockeye::proto::CloseCode;
use sockeye::server::{Closed, ConnectionId, JoinError, Message};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Ids of all who ever came, by name.
type Ids = Arc<Mutex<HashMap<String, ConnectionId>>>;

/// Does what it is told, and says what came of it.
struct Puppet {
    ids: Ids,
}

impl Puppet {
    fn id(&self, name: &str) -> ConnectionId {
        self.ids.lock().expect("no panic")[name]
    }

    /// Whom words like `room:tea` mean.
    fn tell(&self, conn: &mut Conn<'_, String>, to: &str, text: &str) {
        let (to, own) = match to.strip_suffix("-me") {
            Some(to) => (to, Some(conn.id())),
            None => (to, None),
        };
        let (kind, name) = to.split_once(':').unwrap_or((to, ""));
        let names: Vec<_> = name.split('+').collect();
        let audience = match kind {
            "all" => Audience::all(),
            "others" => conn.others(),
            "room" => Audience::room(name),
            "rooms" => Audience::rooms(&names),
            "user" => Audience::user(name),
            "path" => Audience::path(name),
            "server" => Audience::server(),
            "one" => Audience::one(self.id(name)),
            "those" => {
                let ids: Vec<_> = names.iter().map(|name| self.id(name)).collect();
                Audience::those(move |id| ids.contains(&id))
            }
            _ => panic!("{to}?"),
        };
        let audience = match own {
            Some(id) => audience.except(id),
            None => audience,
        };
        conn.publish(audience, text);
    }

    fn names(&self, ids: impl IntoIterator<Item = ConnectionId>) -> String {
        let known = self.ids.lock().expect("no panic");
        let mut names: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let name = known.iter().find(|(_, known)| **known == id);
                name.map_or("?", |(name, _)| name.as_str())
            })
            .collect();
        names.sort_unstable();
        names.join(" ")
    }
}

impl Service for Puppet {
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, user: &mut String, upgrade: &Upgrade<'_>) {
        let name = upgrade.query().get("name").expect("a name").into_owned();
        let mut ids = self.ids.lock().expect("no panic");
        ids.insert(name.clone(), conn.id());
        *user = name;
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, user: &mut String, message: Message<'_>) {
        let Message::Text(text) = message else {
            return;
        };
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        let answer = match verb {
            "join" => format!("{:?}", conn.join(rest)),
            "leave" => conn.leave(rest).to_string(),
            "iam" => format!("{:?}", conn.identify(rest)),
            "called" => format!("{:?}", conn.introduce(rest)),
            "whoami" => format!("{:?}", conn.user_name()),
            "tell" => return self.tell(conn, first, second),
            "send" => format!("{:?}", conn.send_to(self.id(first), second)),
            "close" => format!(
                "{:?}",
                conn.close_other(self.id(first), CloseCode::NORMAL, second)
            ),
            "rooms" => conn.rooms().join(" "),
            "rooms-of" => conn.rooms_of(self.id(rest)).join(" "),
            "count" => conn.count(rest).to_string(),
            "members" => self.names(conn.members(rest)),
            "connections" => self.names(conn.connections()),
            "connections-of" => self.names(conn.connections_of(rest)),
            "users" => {
                let mut names: Vec<_> = conn.users().map(|(_, name)| name.as_str()).collect();
                names.sort_unstable();
                names.join(" ")
            }
            "find" => self.names(conn.find(|_, name| name == rest)),
            "mark" => {
                conn.users_mut().for_each(|(_, name)| name.push('!'));
                user.clone()
            }
            "me" => user.clone(),
            "after" => {
                let (millis, key) = (first.parse(), second.parse());
                conn.after(ms(millis.expect("ms")), key.expect("a key"));
                return;
            }
            _ => return,
        };
        let _ = conn.send(format!("= {answer}").as_str());
    }

    fn close(
        &mut self,
        scope: &mut Scope<'_, String>,
        id: ConnectionId,
        user: String,
        _: &Closed<'_>,
    ) {
        assert!(scope.users().all(|(other, _)| other != id));
        assert!(!scope.connections().contains(&id), "it is in no room");
        scope.publish(scope.all(), format!("{user} has left").as_str());
        scope.publish("tea", format!("{user} has left tea").as_str());
        assert!(scope.send_to(id, "goodbye").is_err());
        if let Some(name) = scope.gone_name() {
            scope.publish("names", format!("{name} is gone").as_str());
        }
    }

    fn timer(&mut self, scope: &mut Scope<'_, String>, key: u64) {
        assert_eq!(scope.gone_name(), None, "nobody is gone");
        scope.publish(scope.all(), format!("time {key}").as_str());
        scope.publish("tea", format!("tea time {key}").as_str());
    }
}

fn world() -> Sim<Router> {
    let ids = Ids::default();
    let make = move |_: &_| Puppet {
        ids: Arc::clone(&ids),
    };
    let app = App::new()
        .route(Route::new("/{room}"), make.clone())
        .route(Route::new("/slash/"), make);
    start(app)
}

fn come(sim: &mut Sim<Router>, path: &str, name: &str) -> Client {
    open(sim, &format!("{path}?name={name}"))
}

/// Three at `/a`, and one at `/b`.
fn crowd(sim: &mut Sim<Router>) -> [Client; 4] {
    [("/a", "ann"), ("/a", "bob"), ("/a", "cid"), ("/b", "dan")]
        .map(|(path, name)| come(sim, path, name))
}

/// What came of a command.
fn did(sim: &mut Sim<Router>, client: &mut Client, command: &str) -> String {
    heard(client);
    say(sim, client, command);
    let told = heard(client);
    let [answer] = told.as_slice() else {
        panic!("{command}: {told:?}");
    };
    answer.strip_prefix("= ").expect("an answer").to_owned()
}

/// What each of them was told.
fn told<const N: usize>(clients: &mut [Client; N]) -> [String; N] {
    clients.each_mut().map(|client| heard(client).join("|"))
}

#[test]
fn a_room_of_one_path_is_not_that_of_another() {
    let mut sim = world();
    let mut all = crowd(&mut sim);
    for client in &mut all {
        assert_eq!(did(&mut sim, client, "join tea"), "Ok(true)");
        assert_eq!(did(&mut sim, client, "join tea"), "Ok(false)");
    }
    assert_eq!(did(&mut sim, &mut all[0], "leave tea"), "true");
    assert_eq!(did(&mut sim, &mut all[0], "leave tea"), "false");
    say(&mut sim, &all[0], "tell room:tea hello");
    assert_eq!(told(&mut all), ["", "hello", "hello", ""]);
    say(&mut sim, &all[3], "tell room:tea hello");
    assert_eq!(told(&mut all), ["", "", "", "hello"]);
    assert_eq!(did(&mut sim, &mut all[0], "count tea"), "2");
    assert_eq!(did(&mut sim, &mut all[3], "count tea"), "1");
    assert_eq!(did(&mut sim, &mut all[0], "members tea"), "bob cid");
    assert_eq!(did(&mut sim, &mut all[1], "rooms"), "tea");
    assert_eq!(did(&mut sim, &mut all[0], "rooms-of bob"), "tea");
    // Of somebody at another path nothing is known.
    assert_eq!(did(&mut sim, &mut all[0], "rooms-of dan"), "");
}

#[test]
fn everybody_is_told_whom_the_audience_names_and_nobody_twice() {
    let mut sim = world();
    let mut all = crowd(&mut sim);
    for (who, room) in [(0, "x"), (0, "y"), (1, "x"), (1, "y"), (2, "y"), (3, "x")] {
        did(&mut sim, &mut all[who], &format!("join {room}"));
    }
    for (who, name) in [(0, "eve"), (1, "eve"), (2, "fay"), (3, "eve")] {
        assert_eq!(
            did(&mut sim, &mut all[who], &format!("iam {name}")),
            "Ok(())"
        );
    }
    for (to, expected) in [
        ("all", ["t", "t", "t", ""]),
        ("all-me", ["", "t", "t", ""]),
        ("others", ["", "t", "t", ""]),
        ("room:x", ["t", "t", "", ""]),
        ("room:x-me", ["", "t", "", ""]),
        ("room:none", ["", "", "", ""]),
        ("rooms:x+y", ["t", "t", "t", ""]),
        ("rooms:x+y+x+none", ["t", "t", "t", ""]),
        ("rooms:x+y-me", ["", "t", "t", ""]),
        ("user:eve", ["t", "t", "", ""]),
        ("user:eve-me", ["", "t", "", ""]),
        // A user is no room, and a room no user.
        ("room:eve", ["", "", "", ""]),
        ("user:x", ["", "", "", ""]),
        ("path:/b", ["", "", "", "t"]),
        ("path:/a", ["t", "t", "t", ""]),
        ("path:/a-me", ["", "t", "t", ""]),
        ("path:/none", ["", "", "", ""]),
        ("server", ["t", "t", "t", "t"]),
        ("server-me", ["", "t", "t", "t"]),
        ("one:dan", ["", "", "", "t"]),
        ("one:ann", ["t", "", "", ""]),
        ("one:ann-me", ["", "", "", ""]),
        ("those:bob+dan", ["", "t", "", "t"]),
        ("those:ann+dan-me", ["", "", "", "t"]),
    ] {
        say(&mut sim, &all[0], &format!("tell {to} t"));
        assert_eq!(told(&mut all), expected, "{to}");
    }
}

#[test]
fn a_user_has_one_name_and_all_his_connections() {
    let mut sim = world();
    let [mut ann, mut bob, ..] = crowd(&mut sim);
    assert_eq!(did(&mut sim, &mut ann, "whoami"), "None");
    assert!(did(&mut sim, &mut ann, "iam ").starts_with("Err("));
    // What somebody is only called is no user, and is over when they are one.
    assert_eq!(did(&mut sim, &mut ann, "called ann"), "Ok(())");
    assert_eq!(did(&mut sim, &mut ann, "called zed u"), "Ok(())");
    assert_eq!(did(&mut sim, &mut ann, "called \n"), "Err(Name)");
    assert_eq!(did(&mut sim, &mut ann, "whoami"), "Some(\"zed u\")");
    assert_eq!(did(&mut sim, &mut ann, "connections-of zed u"), "");
    assert_eq!(did(&mut sim, &mut ann, "iam eve"), "Ok(())");
    assert_eq!(did(&mut sim, &mut ann, "called zed"), "Ok(())");
    assert_eq!(did(&mut sim, &mut ann, "whoami"), "Some(\"eve\")");
    assert_eq!(did(&mut sim, &mut bob, "iam eve"), "Ok(())");
    // It stays so.
    assert_eq!(did(&mut sim, &mut bob, "iam other"), "Ok(())");
    assert_eq!(did(&mut sim, &mut bob, "whoami"), "Some(\"eve\")");
    assert_eq!(did(&mut sim, &mut ann, "connections-of eve"), "ann bob");
    assert_eq!(did(&mut sim, &mut ann, "connections-of other"), "");
    // And is no room of theirs.
    assert_eq!(did(&mut sim, &mut ann, "rooms"), "");
    kill(&mut sim, &bob);
    assert_eq!(did(&mut sim, &mut ann, "connections-of eve"), "ann");
}

#[test]
fn whoever_is_gone_has_had_a_name() {
    let mut sim = world();
    let [mut ann, mut bob, cid, dan] = crowd(&mut sim);
    assert_eq!(did(&mut sim, &mut ann, "join names"), "Ok(true)");
    // What was not said, nobody knows.
    kill(&mut sim, &cid);
    assert_eq!(heard(&mut ann), ["cid has left"]);
    assert_eq!(did(&mut sim, &mut bob, "called bobby"), "Ok(())");
    let mut eve = come(&mut sim, "/a", "eve");
    assert_eq!(did(&mut sim, &mut eve, "iam evelyn"), "Ok(())");
    for (client, name, called) in [(bob, "bob", "bobby"), (eve, "eve", "evelyn")] {
        kill(&mut sim, &client);
        let told = [format!("{name} has left"), format!("{called} is gone")];
        assert_eq!(heard(&mut ann), told);
    }
    drop(dan);
}

#[test]
fn names_of_rooms_are_checked() {
    let mut sim = world();
    let mut client = come(&mut sim, "/a", "ann");
    let refused = format!("{:?}", Err::<bool, _>(JoinError::Name));
    let longest = "x".repeat(128);
    let too_long = "x".repeat(129);
    for (name, expected) in [
        ("", refused.as_str()),
        ("a\tb", &refused),
        ("a\nb", &refused),
        ("a\u{7f}", &refused),
        ("a\u{85}", &refused),
        (&too_long, &refused),
        (&longest, "Ok(true)"),
        (" ", "Ok(true)"),
        ("r", "Ok(true)"),
        ("/b r", "Ok(true)"),
        ("\u{1F980}", "Ok(true)"),
    ] {
        let told = did(&mut sim, &mut client, &format!("join {name}"));
        assert_eq!(told, expected, "{name:?}");
    }
    let rooms = did(&mut sim, &mut client, "rooms");
    assert_eq!(rooms, format!("{longest}   r /b r \u{1F980}"));
}

/// Whatever a client says, it is a member where the service made it one.
#[test]
fn nobody_joins_by_himself() {
    let mut sim = world();
    let [mut ann, bob, ..] = crowd(&mut sim);
    did(&mut sim, &mut ann, "join tea");
    for text in [
        "JOIN tea",
        r#"{"cmd":"join-room","param":{"room":"tea"}}"#,
        r#"{"type":"subscribe","channel":"tea"}"#,
    ] {
        say(&mut sim, &bob, text);
    }
    bob.push(&frames::binary(b"join tea"));
    sim.settle();
    assert_eq!(did(&mut sim, &mut ann, "members tea"), "ann");
}

#[test]
fn the_others_are_those_beside_oneself() {
    let mut sim = world();
    let [mut ann, mut bob, mut cid, mut dan] = crowd(&mut sim);
    for (client, others) in [
        (&mut ann, "bob cid"),
        (&mut bob, "ann cid"),
        (&mut cid, "ann bob"),
        (&mut dan, ""),
    ] {
        assert_eq!(did(&mut sim, client, "users"), others);
    }
    assert_eq!(did(&mut sim, &mut ann, "connections"), "ann bob cid");
    assert_eq!(did(&mut sim, &mut ann, "find bob"), "bob");
    assert_eq!(did(&mut sim, &mut ann, "find ann"), "");
    assert_eq!(did(&mut sim, &mut ann, "find dan"), "");
    assert_eq!(did(&mut sim, &mut bob, "mark"), "bob");
    assert_eq!(did(&mut sim, &mut ann, "me"), "ann!");
    assert_eq!(did(&mut sim, &mut cid, "me"), "cid!");
    assert_eq!(did(&mut sim, &mut dan, "me"), "dan");
    // Whoever comes takes the seat of whoever went, and nothing else of him.
    kill(&mut sim, &ann);
    let mut eve = come(&mut sim, "/a", "eve");
    assert_eq!(did(&mut sim, &mut eve, "me"), "eve");
    assert_eq!(did(&mut sim, &mut eve, "users"), "bob cid!");
    assert_eq!(did(&mut sim, &mut bob, "users"), "cid! eve");
}

#[test]
fn who_is_gone_is_told_nothing_and_cannot_be_closed() {
    let mut sim = world();
    let [mut ann, bob, mut cid, mut dan] = crowd(&mut sim);
    assert_eq!(did(&mut sim, &mut ann, "send dan hello"), "Ok(())");
    assert_eq!(heard(&mut dan), ["hello"]);
    kill(&mut sim, &bob);
    assert_eq!(did(&mut sim, &mut ann, "send bob hello"), "Err(Gone)");
    assert_eq!(did(&mut sim, &mut ann, "close bob"), "Err(Closed)");
    assert_eq!(did(&mut sim, &mut ann, "close dan enough"), "Ok(())");
    assert_eq!(heard(&mut dan), ["<close 1000 enough>"]);
    assert_eq!(did(&mut sim, &mut ann, "close dan again"), "Err(Closed)");
    assert_eq!(did(&mut sim, &mut ann, "send dan hello"), "Err(Gone)");
    heard(&mut cid);
    let long = format!("close cid {}", "x".repeat(124));
    assert!(did(&mut sim, &mut ann, &long).starts_with("Err(Misuse("));
    cid.assert_quiet();
}

#[test]
fn who_closes_is_spoken_of_to_those_who_stay() {
    let mut sim = world();
    let [mut ann, bob, mut cid, mut dan] = crowd(&mut sim);
    did(&mut sim, &mut ann, "join tea");
    kill(&mut sim, &bob);
    assert_eq!(heard(&mut ann), ["bob has left", "bob has left tea"]);
    assert_eq!(heard(&mut cid), ["bob has left"]);
    assert!(heard(&mut dan).is_empty());
}

#[test]
fn time_comes_for_who_is_there_then() {
    let mut sim = world();
    let [mut ann, bob, mut cid, mut dan] = crowd(&mut sim);
    did(&mut sim, &mut cid, "join tea");
    say(&mut sim, &bob, "after 2000 7");
    say(&mut sim, &bob, "after 1000 18446744073709551615");
    // It is the path's timer, not that of who asked.
    kill(&mut sim, &bob);
    for client in [&mut ann, &mut cid] {
        heard(client);
    }
    sim.run_for(ms(990));
    assert!(heard(&mut ann).is_empty());
    sim.run_for(ms(20));
    assert_eq!(heard(&mut ann), ["time 18446744073709551615"]);
    sim.run_for(ms(1000));
    assert_eq!(heard(&mut ann), ["time 7"]);
    assert_eq!(
        heard(&mut cid),
        [
            "time 18446744073709551615",
            "tea time 18446744073709551615",
            "time 7",
            "tea time 7"
        ]
    );
    assert!(heard(&mut dan).is_empty());
}

/// Nor for the one who is at its path by then.
#[test]
fn time_does_not_come_for_a_service_that_is_gone() {
    let mut sim = world();
    let ann = come(&mut sim, "/a", "ann");
    say(&mut sim, &ann, "after 20000 1");
    say(&mut sim, &ann, "after 3000 2");
    kill(&mut sim, &ann);
    // One that comes back in time hears of it.
    sim.run_for(secs(2));
    let mut bob = come(&mut sim, "/a", "bob");
    sim.run_for(secs(2));
    assert_eq!(heard(&mut bob), ["time 2"]);
    kill(&mut sim, &bob);
    sim.run_for(secs(6));
    let mut cid = come(&mut sim, "/a", "cid");
    let mut dan = come(&mut sim, "/b", "dan");
    sim.run_for(secs(15));
    assert!(heard(&mut cid).is_empty() && heard(&mut dan).is_empty());
}

/// Both forms of its path are one place, which has one name.
#[test]
fn a_path_with_an_optional_slash_is_one_place() {
    let mut sim = world();
    let mut ann = come(&mut sim, "/slash", "ann");
    let mut bob = come(&mut sim, "/slash/", "bob");
    let mut cid = come(&mut sim, "/a", "cid");
    say(&mut sim, &ann, "tell all t");
    assert_eq!(heard(&mut ann), ["t"]);
    assert_eq!(heard(&mut bob), ["t"]);
    say(&mut sim, &cid, "tell path:/slash/ t");
    assert_eq!(
        (heard(&mut ann), heard(&mut bob)),
        (vec!["t".into()], vec!["t".into()])
    );
    assert_eq!(heard(&mut cid), [""; 0]);
}
