//! How messages end, whose names are taken, and where that leads to.
#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps a fault fails, as it should"
)]

use super::*;
use alloc::format;

/// A name that is as long as one can be.
fn longest() -> String {
    "x".repeat(MAX_NAME)
}

#[test]
fn only_the_last_member_of_a_whole_message_is_a_place() {
    let (long, longer) = (longest(), longest() + "x");
    let rows = [
        (r#"{"cmd":"say","param":{},"at":"17-8"}"#, Some("17-8")),
        (r#"{"cmd":"é","at":"Az09.-"}"#, Some("Az09.-")),
        (r#"{"cmd":"say","at":"1","at":"2"}"#, Some("2")),
        (&format!(r#"{{"cmd":"say","at":"{long}"}}"#), Some(&long)),
        (&format!(r#"{{"cmd":"say","at":"{longer}"}}"#), None),
        // Not the last, not a string, not in the outermost object.
        (r#"{"cmd":"say","at":"17-8","re":1}"#, None),
        (r#"{"cmd":"say","at":17}"#, None),
        (r#"{"cmd":"say","at":null}"#, None),
        (r#"{"cmd":"say","param":{"x":1,"at":"17-8"}}"#, None),
        (r#"[{"cmd":"say","at":"17-8"}]"#, None),
        // A string that would like to be one.
        (r#"{"cmd":"say","param":",\"at\":\"17-8"}"#, None),
        (r#"{"cmd":"say","param":"x","eat":"17-8"}"#, None),
        (r#"{"cmd":"say","param":"x","\"at":"17-8"}"#, None),
        // Other characters.
        (r#"{"cmd":"say","at":""}"#, None),
        (r#"{"cmd":"say","at":"17,8"}"#, None),
        (r#"{"cmd":"say","at":"17&x=8"}"#, None),
        (r#"{"cmd":"say","at":"17 8"}"#, None),
        (r#"{"cmd":"say","at":"17\"8"}"#, None),
        (r#"{"cmd":"say","at":"é"}"#, None),
        (r#"{"cmd":"say","at":"é8"}"#, None),
        // Not compact, or cut off.
        (r#"{"cmd":"say", "at":"17-8"}"#, None),
        (r#"{"cmd":"say","at": "17-8"}"#, None),
        (r#"{"cmd":"say","at":"17-8" }"#, None),
        ("{\"cmd\":\"say\",\"at\":\"17-8\"}\n", None),
        (r#"{"at":"17-8"}"#, None),
        (r#"17-8"}"#, None),
        (r#""}"#, None),
        ("}", None),
        ("", None),
    ];
    for (text, expected) in rows {
        let at = split_at_member(text).map(|(_, at)| at);
        assert_eq!(at, expected, "{text}");
    }
}

#[test]
fn a_connection_is_called_what_the_server_says_at_first() {
    let long = longest();
    let param = r#""param":{"missed":3,"complete":true,"as":"#;
    let rows = [
        (
            format!(r#"{{"cmd":"resumed",{param}"1f.2a"}}"#),
            Some("1f.2a"),
        ),
        (
            format!(r#"{{"cmd":"resumed",{param}"{long}"}}"#),
            Some(long.as_str()),
        ),
        (
            format!(r#"{{"cmd":"resumed",{param}"1","more":{{}}}},"x":[]"#),
            Some("1"),
        ),
        (format!(r#"{{"cmd":"resumed",{param}"{long}x"}}"#), None),
        (format!(r#"{{"cmd":"resumed",{param}""}}"#), None),
        (format!(r#"{{"cmd":"resumed",{param}"1,2"}}"#), None),
        (format!(r#"{{"cmd":"resumed",{param}7}}"#), None),
        (format!(r#"{{"cmd":"resumed",{param}"7"#), None),
        (format!(r#"{{"cmd":"resumed!",{param}"7"}}"#), None),
        (format!(r#"{{"cmd": "resumed",{param}"7"}}"#), None),
        (format!(r#"{{{param}"7"}},"cmd":"resumed""#), None),
        (format!(r#"{{"cmd":"say",{param}"7"}}"#), None),
        (r#"{"cmd":"resumed","param":"\"as\":\"7"#.into(), None),
        (r#"{"cmd":"resumed""#.into(), None),
    ];
    for (text, expected) in rows {
        assert_eq!(name_in(&text), expected, "{text}");
    }
}

#[test]
fn a_token_is_a_place_and_a_connection() {
    let long = longest();
    for (token, expected) in [
        ("17-8,1f.2a", true),
        (&format!("{long},{long}"), true),
        (&format!("{long}x,1"), false),
        (&format!("1,{long}x"), false),
        ("17-8", false),
        ("17-8,", false),
        (",1f", false),
        ("17-8,1f,2a", false),
        ("17-8, 1f", false),
        ("17-8,1f&x=1", false),
        ("17-8,1f\r\n", false),
        ("", false),
    ] {
        assert_eq!(is_token(token), expected, "{token}");
    }
}

#[test]
fn the_query_has_one_resume_and_is_otherwise_as_it_was() {
    for (target, expected) in [
        ("/", "/?resume=1,a"),
        ("/chat?", "/chat?resume=1,a"),
        ("/chat?x=%20+é&&y", "/chat?x=%20+é&&y&resume=1,a"),
        ("/chat?resume=0,b&x=1", "/chat?x=1&resume=1,a"),
        ("/chat?resume=0,b", "/chat?resume=1,a"),
        (
            "/chat?resume&resumed=1&presume=2&resume=",
            "/chat?resumed=1&presume=2&resume=1,a",
        ),
        (
            "/a?b?resume=1&x=resume=2",
            "/a?b?resume=1&x=resume=2&resume=1,a",
        ),
    ] {
        let written = resuming(target, "1,a");
        assert_eq!(written, expected, "{target}");
        assert_eq!(resuming(&written, "1,a"), expected, "{target}, again");
    }
}

/// What each turn brings, and the token behind it; "" is a new connection.
#[test]
fn a_link_is_where_its_last_message_was() {
    fn resumed(at: &str, name: &str) -> String {
        format!(
            r#"{{"cmd":"resumed","param":{{"missed":0,"complete":true,"as":"{name}"}},"at":"{at}"}}"#
        )
    }
    fn said(at: &str) -> String {
        format!(r#"{{"cmd":"say","at":"{at}"}}"#)
    }
    let turns: [(&[String], Option<&str>); 12] = [
        (&[], None),
        (&[said("1")], None),
        (&[said("2"), resumed("3", "a")], Some("3,a")),
        (&[said("4"), said("5")], Some("5,a")),
        (&["{}".into()], Some("5,a")),
        // Another peer may say so.
        (&[resumed("6", "b")], Some("6,a")),
        (&[String::new()], Some("6,a")),
        (&[said("7")], Some("6,a")),
        (&[String::new()], Some("6,a")),
        (&[resumed("8", "c"), resumed("9", "d")], Some("9,c")),
        (&[String::new(), resumed("8", "e"), said("9")], Some("9,e")),
        (&[said("10")], Some("10,e")),
    ];
    let mut place = Place::of(&Resume::Next).unwrap();
    for (turn, token) in turns {
        let mut heard = Heard::default();
        for text in turn {
            if text.is_empty() {
                place.begin();
            }
            heard.hear(Message::Text(text));
            heard.hear(Message::Binary(said("99").as_bytes()));
        }
        place.go_on(&heard);
        heard.clear();
        assert!(heard.is_empty());
        assert_eq!(place.token(), token, "{turn:?}");
    }
    assert!(Place::of(&Resume::Never).is_none());
    let kept = Place::of(&Resume::From("1,a".into())).unwrap();
    assert_eq!(kept.token(), Some("1,a"));
}
