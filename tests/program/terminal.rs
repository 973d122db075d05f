//! `sockeye connect` in a terminal: what a person types, and sees.

use crate::running::{Serving, Typing, run};
use crate::server::{Habit, Server, TITLE};

const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const NO_COLOURS: &[(&str, &str)] = &[("NO_COLOR", "1")];

#[test]
fn lines_and_commands_are_answered() {
    let server = Server::start(Habit::Echo);
    let mut typing = Typing::start(&["connect", &server.url], NO_COLOURS);
    typing.until("connected to ws://127.0.0.1:");
    for (line, answer) in [
        ("hello", "<< text 5 B  hello"),
        ("//hello", "<< text 6 B  /hello"),
        ("/binary 00 ff", "<< binary 2 B  00 ff"),
        ("/ping abc", "<< pong 3 B  abc"),
        ("/pong abc", "<< text 16 B  a pong came: abc"),
        ("/frob", "there is no command /frob; /help lists them"),
        ("/close what", "3000-4999"),
        ("/help", "/quit"),
        ("ping", "<< ping 13 B  are you there"),
        ("/file /no/such/file", "cannot read /no/such/file"),
        ("still here", "<< text 10 B  still here"),
    ] {
        typing.press(&format!("{line}\r"));
        typing.until(answer);
    }
    typing.press("/close 4001 bye\r");
    typing.until("closed: 4001 private use");
    assert_eq!(typing.code(), Some(0));
}

#[test]
fn lines_can_be_edited_and_come_back() {
    let echo = Serving::echo();
    let mut typing = Typing::start(&["connect", &echo.url], NO_COLOURS);
    typing.until("connected");
    typing.press(&format!("helo{LEFT}l\r"));
    typing.until("<< text 5 B  hello");
    typing.press(&format!("{UP} again\r"));
    typing.until("<< text 11 B  hello again");
}

#[test]
fn what_arrives_does_not_tear_the_line_that_is_typed() {
    let broadcast = Serving::start(&["broadcast"]);
    let mut typing = Typing::start(&["connect", &broadcast.url], NO_COLOURS);
    typing.until("connected");
    typing.press("hel");
    typing.until("hel");
    let other = run(&["connect", &broadcast.url, "--wait", "3"], "news\n");
    assert_eq!(other.stdout, "news\n");
    typing.until("<< text 4 B  news");
    // The line stands below it again, as far as it was typed.
    typing.until("> hel");
    typing.press("lo\r");
    typing.until("<< text 5 B  hello");
}

#[test]
fn a_server_cannot_reach_the_terminal() {
    let server = Server::start(Habit::Echo);
    let mut typing = Typing::start(&["connect", &server.url], &[]);
    typing.until("connected");
    typing.press("evil\r");
    typing.until("\\u{1b}]0;pwned\\u{7}");
    assert!(
        !typing.seen.contains(TITLE) && !typing.seen.contains("\x1b]0"),
        "{:?}",
        typing.seen
    );
}

#[test]
fn colours_are_for_those_who_want_them() {
    let echo = Serving::echo();
    for (env, coloured) in [
        (&[][..], true),
        (NO_COLOURS, false),
        (&[("NO_COLOR", "")], true),
    ] {
        let mut typing = Typing::start(&["connect", &echo.url], env);
        typing.until("connected");
        typing.press("hello\r");
        typing.until("<< text 5 B");
        typing.press("bye\r");
        typing.until("<< text 3 B");
        assert_eq!(
            typing.seen.contains("\x1b[32m<<"),
            coloured,
            "{:?}",
            typing.seen
        );
    }
}

#[test]
fn it_ends_when_asked_to_and_leaves_the_terminal_as_it_was() {
    let echo = Serving::echo();
    for end in ["/quit\r", CTRL_C, CTRL_D] {
        let mut typing = Typing::start(&["connect", &echo.url], NO_COLOURS);
        typing.until("connected");
        typing.until("> ");
        typing.press(end);
        typing.until("closed: 1000 normal");
        assert_eq!(typing.code(), Some(0), "{end:?}");
        assert_same_modes(&typing);
    }
}

/// The program ends while a line is being edited.
#[test]
fn a_server_that_leaves_ends_it_and_the_terminal_is_as_it_was() {
    let server = Server::start(Habit::Leave);
    let mut typing = Typing::start(&["connect", &server.url], NO_COLOURS);
    typing.until("connected");
    for _ in 0..10 {
        typing.press("x\r");
    }
    typing.until("closed: 1011 internal error, \"enough\"");
    assert_eq!(typing.code(), Some(0));
    assert_same_modes(&typing);
}

#[track_caller]
fn assert_same_modes(typing: &Typing) {
    let before = &typing.before;
    let after = typing.modes();
    assert_eq!(after.local_modes, before.local_modes);
    assert_eq!(after.input_modes, before.input_modes);
    assert_eq!(after.output_modes, before.output_modes);
}

#[test]
fn nobody_waits_for_a_server_that_does_not_answer() {
    // It is never accepted from.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("it is bound"));
    let mut typing = Typing::start(&["connect", &url, "--timeout", "1000"], NO_COLOURS);
    typing.until("> ");
    typing.press(CTRL_C);
    assert_eq!(typing.code(), Some(1));
}

#[test]
fn several_connections_are_held() {
    let server = Server::start(Habit::Echo);
    let mut typing = Typing::start(&["connect"], NO_COLOURS);
    typing.until("> ");
    for (line, answer) in [
        (
            &*format!("connect {}", server.url),
            "> Created connection with id 0",
        ),
        ("", "#0 connected to ws://"),
        ("send 0 hello", "#0 << text 5 B  hello"),
        ("show 0", "<< hello"),
        ("send 1 hello", "> No connection found with id 1"),
        ("show 1", "> Unknown connection id 1"),
        ("hello", "> Unrecognized Command"),
        ("help", "close <id> [code:1000] [reason]"),
        ("connect ws://127.0.0.1:1", "#1 failed: cannot connect"),
        ("show 1", "> Status: Failed"),
        ("send 1 hello", "the connection is not open"),
        (&format!("connect {}", server.url), "#2 connected"),
        ("close 0 4000 enough", "#0 closed: 4000 private use"),
        ("show 0", "> Error/close reason: 4000 private use"),
        ("quit", "#2 closed: 1001 going away"),
    ] {
        typing.press(&format!("{line}\r"));
        typing.until(answer);
    }
    assert_eq!(typing.code(), Some(0));
}
