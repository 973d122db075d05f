//! Clients that are asked by the server, that are told of each other, and that ask to join rooms.

use crate::commands::{User, commands, sums, told};
use crate::harness::{ms, secs};
use crate::world::{Log, heard, kill, open, read, say};
use sockeye::app::json::{Commands, Failure, MAX_ASKED, NotAsked, Permit, Unanswered};
use sockeye::app::{Audience, Conn, Scope};
use std::sync::Arc;

/// Asks for a truth value at each `delete`, and writes down what came of it.
fn asking(log: &Log) -> impl Fn(Commands<User>) -> Commands<User> + Send + Sync + 'static {
    let log = Arc::clone(log);
    move |commands| {
        let (asks, log) = (commands.asks(), Arc::clone(&log));
        let delete = move |conn: &mut Conn<'_, User>, _: &mut User, (): ()| {
            let [outcome, refusal] = [Arc::clone(&log), Arc::clone(&log)];
            let note = move |what: String| outcome.lock().expect("no panic").push(what);
            let done = move |_: &mut Scope<'_, User>,
                             answer: Result<(&mut User, bool), Unanswered>| {
                match answer {
                    Ok((user, sure)) => {
                        user.sure = sure;
                        note(format!("{sure}"));
                    }
                    Err(why) => note(why.to_string()),
                }
            };
            if let Err(why) = asks.ask(conn.id(), conn, "sure?", &"all", secs(5), done) {
                assert_eq!(why, NotAsked::TooMany);
                refusal
                    .lock()
                    .expect("no panic")
                    .push(format!("not asked: {why}"));
            }
        };
        commands
            .on("delete", delete)
            .on("sure", |_, user, (): ()| Ok(user.sure))
    }
}

const DELETE: &str = r#"{"cmd":"delete"}"#;

#[test]
fn clients_are_asked_and_their_answers_are_heard() {
    let log = Log::default();
    let mut sim = commands(asking(&log));
    let [mut client, mut other] = ["/x", "/x"].map(|path| open(&mut sim, path));
    assert_eq!(
        told(&mut sim, &mut client, DELETE),
        [r#"{"cmd":"sure?","id":1,"param":"all"}"#]
    );
    // Nobody answers for another.
    say(&mut sim, &other, r#"{"cmd":"reply","re":1,"param":true}"#);
    assert!(read(&log).is_empty() && heard(&mut other).is_empty());
    say(&mut sim, &client, r#"{"cmd":"reply","re":1,"param":true}"#);
    assert_eq!(read(&log), ["true"]);
    assert_eq!(
        told(&mut sim, &mut client, r#"{"cmd":"sure","id":1}"#),
        [r#"{"cmd":"reply","re":1,"param":true}"#]
    );
    // Once, and no time after it.
    say(&mut sim, &client, r#"{"cmd":"reply","re":1,"param":false}"#);
    sim.run_for(secs(10));
    assert!(read(&log).is_empty());
    for (answer, outcome) in [
        (
            r#"{"cmd":"reply","re":2,"param":7}"#,
            "wrong param: invalid type: integer `7`, expected a boolean",
        ),
        (
            r#"{"cmd":"reply","re":3}"#,
            "wrong param: invalid type: null, expected a boolean",
        ),
        (
            r#"{"cmd":"error","re":4,"param":{"message":"no\n"}}"#,
            r"the client says: no\n",
        ),
        (r#"{"cmd":"error","re":5}"#, "the client says: "),
    ] {
        say(&mut sim, &client, DELETE);
        say(&mut sim, &client, answer);
        assert_eq!(read(&log), [outcome]);
    }
}

#[test]
fn who_does_not_answer_is_waited_for_so_long() {
    let log = Log::default();
    let mut sim = commands(asking(&log));
    let mut client = open(&mut sim, "/x");
    say(&mut sim, &client, DELETE);
    sim.run_for(ms(4900));
    assert!(read(&log).is_empty());
    sim.run_for(ms(200));
    assert_eq!(read(&log), ["no reply in time"]);
    say(&mut sim, &client, r#"{"cmd":"reply","re":1,"param":true}"#);
    assert!(read(&log).is_empty());
    // So many at once, and more when some are answered.
    heard(&mut client);
    for _ in 0..=MAX_ASKED {
        say(&mut sim, &client, DELETE);
    }
    assert_eq!(read(&log), ["not asked: 64 requests are unanswered"]);
    assert_eq!(heard(&mut client).len(), MAX_ASKED);
    say(&mut sim, &client, r#"{"cmd":"reply","re":2,"param":true}"#);
    say(&mut sim, &client, DELETE);
    assert_eq!(read(&log), ["true"]);
    kill(&mut sim, &client);
    assert_eq!(read(&log), vec!["the connection has ended"; MAX_ASKED]);
    sim.run_for(secs(10));
    assert!(read(&log).is_empty());
}

#[test]
fn others_hear_who_comes_and_goes() {
    let mut sim = commands(|commands| sums(commands).presence(|user| user.name.clone()));
    let mut ann = open(&mut sim, "/x?name=Ann");
    let mut john = open(&mut sim, "/x?name=John");
    say(&mut sim, &john, r#"{"cmd":"say","param":{"text":"hi"}}"#);
    assert!(heard(&mut john).is_empty());
    kill(&mut sim, &john);
    let told = heard(&mut ann);
    assert!(
        told[0].starts_with(r#"{"cmd":"user-joined","param":{"id":""#),
        "{told:?}"
    );
    assert!(told[0].ends_with(r#"","user":"John"}}"#), "{told:?}");
    assert_eq!(told[1], r#"{"cmd":"say","param":["John","hi"]}"#);
    assert_eq!(told[2], told[0].replace("joined", "left"));
    assert_eq!(told.len(), 3);
}

fn join(room: &str, id: u32) -> String {
    format!(r#"{{"cmd":"join-room","param":{{"room":"{room}"}},"id":{id}}}"#)
}

fn leave(room: &str, id: u32) -> String {
    join(room, id).replace("join", "leave")
}

/// Whoever has a name may join the rooms that begin with it.
fn with_rooms(commands: Commands<User>) -> Commands<User> {
    commands
        .rooms(|_, user, room| {
            if room.starts_with(&user.name) {
                Permit::Allow
            } else {
                Permit::Deny
            }
        })
        .on("tell", |conn, _, (room, text): (String, String)| {
            let to = Audience::room(&room).except(conn.id());
            conn.emit(to, "tell", &text).map(drop).map_err(Failure::new)
        })
}

#[test]
fn rooms_are_joined_where_that_is_allowed() {
    let mut sim = commands(with_rooms);
    let [mut first, mut second] = ["/x?name=a", "/x?name=a"].map(|path| open(&mut sim, path));
    for (text, answer) in [
        (
            join("b", 1),
            r#"{"cmd":"error","re":1,"param":{"message":"this room may not be joined"}}"#,
        ),
        (
            join("ab", 2),
            r#"{"cmd":"reply","re":2,"param":{"room":"ab","created":true}}"#,
        ),
        (
            r#"{"cmd":"join-room","param":{},"id":3}"#.to_owned(),
            r#"{"cmd":"error","re":3,"param":{"message":"wrong param: missing field `room`"}}"#,
        ),
    ] {
        assert_eq!(told(&mut sim, &mut first, &text), [answer]);
    }
    let answer = told(
        &mut sim,
        &mut first,
        &join(&format!("a{}", "b".repeat(200)), 4),
    );
    assert!(
        answer[0].starts_with(r#"{"cmd":"error","re":4,"#),
        "{answer:?}"
    );
    assert_eq!(
        told(&mut sim, &mut second, &join("ab", 5)),
        [r#"{"cmd":"reply","re":5,"param":{"room":"ab","created":false}}"#]
    );
    say(&mut sim, &second, r#"{"cmd":"tell","param":["ab","hi"]}"#);
    assert_eq!(heard(&mut first), [r#"{"cmd":"tell","param":"hi"}"#]);
    for (client, removed) in [(&mut second, false), (&mut first, true)] {
        let reply =
            format!(r#"{{"cmd":"reply","re":6,"param":{{"room":"ab","removed":{removed}}}}}"#);
        assert_eq!(told(&mut sim, client, &leave("ab", 6)), [reply]);
    }
    // Who was not there removes nothing.
    assert_eq!(
        told(&mut sim, &mut first, &leave("ab", 7)),
        [r#"{"cmd":"reply","re":7,"param":{"room":"ab","removed":false}}"#]
    );
}

#[test]
fn members_of_rooms_hear_who_joins_and_leaves() {
    let mut sim = commands(|commands| with_rooms(commands).presence(|user| user.name.clone()));
    let [mut first, mut second] = ["/x?name=a", "/x?name=a"].map(|path| open(&mut sim, path));
    say(&mut sim, &first, &join("ab", 1));
    heard(&mut first);
    say(&mut sim, &second, &join("ab", 2));
    let update = heard(&mut first);
    let begin = r#"{"channel":"ab","cmd":"online-update","param":{"userID":""#;
    assert!(
        update[0].starts_with(begin) && update.len() == 1,
        "{update:?}"
    );
    assert!(update[0].ends_with(r#"","connected":true}}"#), "{update:?}");
    let gone = update[0].replace("true", "false");
    // Twice is once.
    say(&mut sim, &second, &join("ab", 3));
    assert!(heard(&mut first).is_empty());
    say(&mut sim, &second, &leave("ab", 4));
    assert_eq!(heard(&mut first), [gone.as_str()]);
    assert_eq!(heard(&mut second).len(), 3, "replies alone");
    // Whoever goes without a word leaves, too.
    say(&mut sim, &second, &join("ab", 5));
    heard(&mut first);
    kill(&mut sim, &second);
    let told = heard(&mut first);
    assert_eq!(told[0], gone);
    assert!(
        told[1].starts_with(r#"{"cmd":"user-left","#) && told.len() == 2,
        "{told:?}"
    );
}
