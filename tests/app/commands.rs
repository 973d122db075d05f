//! Commands: what messages lead to, and what becomes of those that are none.

use crate::frames;
use crate::harness::{Client, Sim, ms, secs};
use crate::world::{Log, heard, kill, open, read, say, start};
use serde::Deserialize;
use sockeye::app::json::{Commands, Failure};
use sockeye::app::{App, BadJson, Route, Router};
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct User {
    pub name: String,
    pub sure: bool,
}

#[derive(Deserialize)]
struct Say {
    text: String,
}

/// An application with these commands at `/x`, for JSON. Users have the name in `?name=`.
pub fn commands(
    add: impl Fn(Commands<User>) -> Commands<User> + Send + Sync + 'static,
) -> Sim<Router> {
    commands_at(Route::parse("SOCKET /x").expect("a route"), add)
}

fn commands_at(
    route: Route,
    add: impl Fn(Commands<User>) -> Commands<User> + Send + Sync + 'static,
) -> Sim<Router> {
    start(App::new().route(route, move |_| {
        add(Commands::new().open(|_, user: &mut User, upgrade| {
            user.name = upgrade.query().get("name").unwrap_or_default().to_string();
        }))
    }))
}

/// What a client is told when it says this.
pub fn told(sim: &mut Sim<Router>, client: &mut Client, text: &str) -> Vec<String> {
    say(sim, client, text);
    heard(client)
}

pub fn sums(commands: Commands<User>) -> Commands<User> {
    commands
        .on("sum", |_, _, (a, b): (i64, i64)| {
            a.checked_add(b).ok_or_else(|| "too \"much\"".into())
        })
        .on("nothing", |_, _, (): ()| ())
        .on("say", |conn, user, line: Say| {
            let said = conn.emit(conn.others(), "say", &(&user.name, line.text));
            said.map(drop).map_err(Failure::new)
        })
}

#[test]
fn commands_reach_their_handlers_and_requests_are_answered() {
    let mut sim = commands(sums);
    let [mut john, mut ann] = ["/x?name=John", "/x?name=Ann"].map(|path| open(&mut sim, path));
    for (said, answer) in [
        (
            r#"{"cmd":"sum","param":[1,2],"id":7}"#,
            Some(r#"{"cmd":"reply","re":7,"param":3}"#),
        ),
        (r#"{"cmd":"sum","param":[1,2]}"#, None),
        (
            r#"{"cmd":"nothing","id":9007199254740992}"#,
            Some(r#"{"cmd":"reply","re":9007199254740992}"#),
        ),
        (r#"{"cmd":"nothing","param":null}"#, None),
        (
            r#"{"cmd":"sum","param":[9223372036854775807,1],"id":0}"#,
            Some(r#"{"cmd":"error","re":0,"param":{"message":"too \"much\""}}"#),
        ),
        (
            r#"{"cmd":"sum","param":[9223372036854775807,1]}"#,
            Some(r#"{"cmd":"error","param":{"message":"too \"much\""}}"#),
        ),
        (
            r#"{"cmd":"sum","param":"one","id":8}"#,
            Some(
                r#"{"cmd":"error","re":8,"param":{"message":"wrong param: invalid type: string \"one\", expected a tuple of size 2"}}"#,
            ),
        ),
        (
            r#"{"cmd":"say","param":{"txt":"hi"}}"#,
            Some(r#"{"cmd":"error","param":{"message":"wrong param: missing field `text`"}}"#),
        ),
    ] {
        let answers = told(&mut sim, &mut john, said);
        assert_eq!(answers.first().map(String::as_str), answer, "{said}");
        assert!(answers.len() <= 1);
    }
    assert!(
        told(
            &mut sim,
            &mut john,
            r#"{"cmd":"say","param":{"text":"hi"}}"#
        )
        .is_empty()
    );
    assert_eq!(heard(&mut ann), [r#"{"cmd":"say","param":["John","hi"]}"#]);
}

#[test]
fn what_nobody_knows_is_no_reason_to_go() {
    let mut sim = commands(sums);
    let mut client = open(&mut sim, "/x");
    assert!(told(&mut sim, &mut client, r#"{"cmd":"what"}"#).is_empty());
    assert_eq!(
        told(&mut sim, &mut client, r#"{"cmd":"what","id":1}"#),
        [r#"{"cmd":"error","re":1,"param":{"message":"unknown command"}}"#]
    );
    // Nothing a client sends joins a room where nobody allows it.
    let join = r#"{"cmd":"join-room","param":{"room":"tea"},"id":2}"#;
    assert_eq!(
        told(&mut sim, &mut client, join),
        [r#"{"cmd":"error","re":2,"param":{"message":"unknown command"}}"#]
    );
    // Replies to questions that were not put.
    for answer in [r#"{"cmd":"reply","re":1}"#, r#"{"cmd":"error","re":1}"#] {
        assert!(told(&mut sim, &mut client, answer).is_empty());
    }
    let still = told(
        &mut sim,
        &mut client,
        r#"{"cmd":"sum","param":[1,2],"id":3}"#,
    );
    assert_eq!(still.len(), 1);
}

#[test]
fn the_application_may_take_what_nobody_knows() {
    let mut sim = commands(|commands| {
        commands.unknown(|conn, _, envelope| {
            let _ = conn.reply(envelope.id.unwrap_or(0), &envelope.cmd);
        })
    });
    let mut client = open(&mut sim, "/x");
    assert_eq!(
        told(&mut sim, &mut client, r#"{"cmd":"what","id":4}"#),
        [r#"{"cmd":"reply","re":4,"param":"what"}"#]
    );
}

#[test]
fn what_is_no_command_is_answered_as_the_route_says() {
    let bad = [
        ("{", "invalid JSON at byte 1"),
        ("{}", "not a command: missing field `cmd`"),
        ("[]", "not a command: it is no object"),
        (
            r#"{"cmd":"x","id":-1}"#,
            "not a command: invalid value: integer `-1`, expected u64",
        ),
    ];
    for (format, (text, reason)) in ["@json", "@text"]
        .iter()
        .flat_map(|one| bad.map(|bad| (one, bad)))
    {
        let ask = |bad_json| {
            let route = Route::parse(&format!("SOCKET /x {format}")).expect("a route");
            let mut sim = commands_at(route.on_bad_json(bad_json), sums);
            let mut client = open(&mut sim, "/x");
            let told_first = told(&mut sim, &mut client, text);
            (
                told_first,
                told(&mut sim, &mut client, r#"{"cmd":"nothing","id":1}"#).len(),
            )
        };
        let close = format!("<close 1007 {reason}>");
        assert_eq!(ask(BadJson::Close), (vec![close], 0));
        let error = format!(r#"{{"cmd":"error","param":{{"message":"{reason}"}}}}"#);
        assert_eq!(ask(BadJson::Reply), (vec![error], 1));
        assert_eq!(ask(BadJson::Drop), (vec![], 1));
    }
    let mut sim = commands_at(Route::new("/x"), sums);
    let mut client = open(&mut sim, "/x");
    client.push(&frames::binary(b"{}"));
    sim.settle();
    assert_eq!(heard(&mut client), ["<close 1003 commands are text>"]);
}

#[test]
fn timers_and_ends_are_the_applications() {
    let log = Log::default();
    let notes = Arc::clone(&log);
    let mut sim = commands(move |commands| {
        let [timers, ends] = [Arc::clone(&notes), Arc::clone(&notes)];
        commands
            .on("later", |conn, _, key: u64| conn.after(secs(1), key))
            .timer(move |_, key| {
                timers
                    .lock()
                    .expect("no panic")
                    .push(format!("timer {key}"))
            })
            .close(move |scope, _, user, closed| {
                let (name, code) = (&user.name, closed.code);
                let what = format!("{name} ended with {code}, {} online", scope.online());
                ends.lock().expect("no panic").push(what);
            })
    });
    let client = open(&mut sim, "/x?name=Ann");
    say(&mut sim, &client, r#"{"cmd":"later","param":7}"#);
    sim.run_for(ms(1100));
    assert_eq!(read(&log), ["timer 7"]);
    kill(&mut sim, &client);
    assert_eq!(read(&log), ["Ann ended with 1006, 0 online"]);
}

#[test]
fn a_panic_of_a_handler_costs_its_connection_alone() {
    let calls = Arc::new(Mutex::new(0));
    let mut sim = commands(move |commands| {
        let calls = Arc::clone(&calls);
        sums(commands).on("panic", move |_, _, (): ()| {
            let mut calls = calls.lock().expect("no panic while it is held");
            *calls += 1;
            let first = *calls == 1;
            drop(calls);
            assert!(!first, "asked to");
        })
    });
    let [mut client, mut other] = ["/x", "/x"].map(|path| open(&mut sim, path));
    assert_eq!(
        told(&mut sim, &mut client, r#"{"cmd":"panic"}"#),
        ["<close 1011 >"]
    );
    assert_eq!(
        told(&mut sim, &mut other, r#"{"cmd":"panic","id":1}"#),
        [r#"{"cmd":"reply","re":1}"#]
    );
}
