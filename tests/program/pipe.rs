//! `sockeye connect` in a pipe.

use crate::held::Held;
use crate::running::{Piped, Serving, run};
use crate::server::{Habit, Server};
use serde_json::Value;

#[test]
fn lines_are_messages_and_messages_are_lines() {
    let server = Server::start(Habit::Echo);
    let args = ["connect", &server.url, "--wait", "forever"];
    let said = run(&args, "hello\n\n/close\n//x\nlines\nclose");
    assert_eq!(said.stdout, "hello\n\n/close\n//x\none\ntwo\n");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn much_goes_through_a_pipe() {
    let server = Server::start(Habit::Echo);
    let lines: String = (0..50_000)
        .map(|line| format!("line {line} {}\n", "x".repeat(line % 300)))
        .collect();
    let args = ["connect", &server.url, "--wait", "forever"];
    let said = run(&args, lines.clone() + "close\n");
    assert!(
        said.stdout == lines,
        "{} of {} bytes",
        said.stdout.len(),
        lines.len()
    );
    assert_eq!(said.code, Some(0));
}

#[test]
fn events_are_json() {
    let server = Server::start(Habit::Echo);
    let script = "hello\nbytes\nping\n/ping abc\n/binary 00 fe\nclose\n";
    let said = run(
        &[
            "connect",
            &server.url,
            "--json",
            "--commands",
            "--wait",
            "forever",
            "--header",
            "X-Test: yes",
        ],
        script,
    );
    let events: Vec<Value> = said
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let brief: Vec<_> = events
        .iter()
        .map(|event| {
            assert!(
                event["time"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z')),
                "{event}"
            );
            let part = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            [part("event"), part("kind"), part("data")].join(" ")
        })
        .collect();
    assert_eq!(
        brief,
        [
            "open  ",
            "message text hello",
            "message binary 0001ff",
            "ping  61726520796f75207468657265",
            "pong  616263",
            "message binary 00fe",
            "close  "
        ]
    );
    assert_eq!(events[0]["url"], server.url.as_str());
    assert_eq!(events[1]["size"], 5);
    assert_eq!(
        (&events[6]["code"], &events[6]["reason"]),
        (&4001.into(), &"as you wish".into())
    );
    assert_eq!((&events[6]["clean"], said.code), (&true.into(), Some(0)));
}

#[test]
fn what_is_no_message_goes_to_stderr() {
    let server = Server::start(Habit::Echo);
    let said = run(
        &["connect", &server.url, "--wait", "forever"],
        "ping\nbytes\nclose\n",
    );
    assert_eq!((said.stdout.as_str(), said.code), ("0001ff\n", Some(0)));
    assert!(
        said.stderr
            .contains("closed: 4001 private use, \"as you wish\""),
        "{}",
        said.stderr
    );
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    let said = run(
        &["connect", &server.url, "-v", "--wait", "forever"],
        "ping\nclose\n",
    );
    for words in [
        "connected to ws://",
        "  Upgrade: websocket",
        "<< ping 13 B  are you there",
        ">> text 4 B  ping",
    ] {
        assert!(said.stderr.contains(words), "{words} in {}", said.stderr);
    }
}

#[test]
fn wrong_input_is_told_and_the_rest_is_sent() {
    let server = Server::start(Habit::Echo);
    let args = [
        "connect",
        &server.url,
        "--wait",
        "forever",
        "--commands",
        "--max-message",
        "20",
    ];
    let said = run(
        &args,
        b"one\n/frob\n\xFF\xFE\n123456789012345678901\n/binary x\n/file /no/such\ntwo\nclose\n",
    );
    assert_eq!((said.stdout.as_str(), said.code), ("one\ntwo\n", Some(0)));
    for words in [
        "no command /frob",
        "not UTF-8",
        "more than 20 bytes",
        "pairs of hexadecimal",
        "/no/such",
    ] {
        assert!(said.stderr.contains(words), "{words} in {}", said.stderr);
    }
    // And the server's goodbye.
    assert_eq!(said.stderr.lines().count(), 6, "{}", said.stderr);
}

#[test]
fn a_silence_ends_it() {
    let echo = Serving::echo();
    let said = run(&["connect", &echo.url, "--wait", "0"], "");
    assert_eq!(
        (said.code, said.stdout, said.stderr),
        (Some(0), String::new(), String::new())
    );
    let said = run(&["connect", &echo.url, "--wait", "3"], "hello\n");
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "hello\n"));
}

#[test]
fn no_connection_is_a_failure() {
    let nobody = Held::new();
    let url = format!("ws://{}", nobody.addr);
    let said = run(&["connect", &url], "hello\n");
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(
        said.stderr.contains("failed: cannot connect to 127.0.0.1:"),
        "{}",
        said.stderr
    );
    let said = run(&["connect", &url, "--json"], "");
    let event: Value = serde_json::from_str(&said.stdout).expect("one object");
    assert_eq!((&event["event"], said.code), (&"failed".into(), Some(1)));
}

#[test]
fn a_lost_connection_is_a_failure() {
    let mut echo = Serving::echo();
    let mut piped = Piped::start(&["connect", &echo.url]);
    piped.write(b"hello\n");
    assert_eq!(piped.line(), "hello");
    echo.kill();
    let said = piped.wait();
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.contains("closed: 1006 no close frame"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_lost_connection_comes_back_where_it_is_asked_for() {
    let held = Held::new();
    let addr = held.addr.to_string();
    let mut echo = Serving::start(&["echo", "--listen", &addr]);
    let mut piped = Piped::start(&["connect", &echo.url, "--reconnect", "--json"]);
    let until = |piped: &mut Piped, event: &str| {
        loop {
            let line: Value = serde_json::from_str(&piped.line()).expect("JSON");
            if line["event"] == event {
                return line;
            }
        }
    };
    until(&mut piped, "open");
    echo.kill();
    until(&mut piped, "close");
    until(&mut piped, "waiting");
    let _again = Serving::start(&["echo", "--listen", &addr]);
    until(&mut piped, "open");
    piped.write(b"hello again\n");
    assert_eq!(until(&mut piped, "message")["data"], "hello again");
    assert_eq!(piped.end().code, Some(0));
}

#[test]
fn compression_is_offered_as_the_flags_say() {
    let echo = Serving::start(&["echo", "--context-takeover"]);
    let forgetful = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (flag, answer) in [
        (None, Some(forgetful)),
        (Some("--context-takeover"), Some("permessage-deflate")),
        (Some("--no-deflate"), None),
    ] {
        let args = ["connect", &echo.url, "--json", "--wait", "0"];
        let args: Vec<_> = args.into_iter().chain(flag).collect();
        let said = run(&args, "");
        let open: Value = serde_json::from_str(said.lines()[0]).expect("JSON");
        let answered = open["headers"].as_array().and_then(|headers| {
            let ours = |header: &&Value| header[0] == "Sec-WebSocket-Extensions";
            headers.iter().find(ours)?[1].as_str()
        });
        assert_eq!(answered, answer, "{flag:?}");
        assert_eq!(open["deflate"], answer.is_some(), "{flag:?}");
    }
}

#[test]
fn whoever_stops_reading_ends_it() {
    let echo = Serving::echo();
    let mut shell = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_sockeye");
    let script = format!(
        "(yes | '{program}' connect {}; echo $? >&2) | head -n 1",
        echo.url
    );
    let output = shell.args(["-c", &script]).output().expect("there is sh");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "y\n");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr, "0\n");
}

#[test]
fn several_connections_are_scripted() {
    let server = Server::start(Habit::Echo);
    let url = &server.url;
    let script = format!(
        "connect {url}\nconnect {url}\nsend 0 hello zero\nsend 1 hello one\nclose 1 4002 enough\nsend 7 x\nclose 7\n\
         show 7\nfrob\nconnect http://x\nhelp\n\nshow 0\n"
    );
    let said = run(&["connect", "--wait", "3"], script);
    for words in [
        "> Created connection with id 0\n",
        "> Created connection with id 1\n",
        " #0 >> text 10 B  hello zero\n",
        " #0 << text 10 B  hello zero\n",
        " #1 closed: 4002 private use\n",
        "> No connection found with id 7\n",
        "> Unknown connection id 7\n",
        "> Unrecognized Command\n",
        "> the URL cannot be used: ",
        "> Status: Open\n",
        " #0 closed: 1001 going away\n",
    ] {
        assert!(said.stdout.contains(words), "{words:?} in {}", said.stdout);
    }
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    // The URL on the command line is the first.
    let said = run(&["connect", "--multi", url, "--wait", "0"], "show 0\n");
    assert!(
        said.stdout.contains(&format!("> URI: {url}\n")),
        "{}",
        said.stdout
    );
}

#[test]
fn wrong_arguments_are_told_in_one_line() {
    for (args, about) in [
        (&["connect", "http://x"][..], "scheme"),
        (
            &["connect", "ws://x", "--header", "nonsense"],
            "Name: value",
        ),
        (&["connect", "ws://x", "--header", "Host: y"], "Host"),
        (&["connect", "ws://x", "--wait", "long"], "forever"),
        (
            &["connect", "ws://x", "--ca", "/no/such.pem"],
            "/no/such.pem",
        ),
        (&["connect", "ws://x", "--proxy", "ftp://y"], "proxy"),
        (&["connect", "--reconnect"], "--reconnect"),
        (&["bench"], "URL"),
        (&["bench", "ws://x", "--connections", "0"], "from 1"),
        (&["bench", "ws://x", "--seconds", "0"], "above 0"),
        (&["bench", "x"], "URL"),
    ] {
        let said = run(args, "");
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{args:?}");
        let told = said.stderr.lines().count() == 1 && said.stderr.starts_with("sockeye: ");
        assert!(
            told && said.stderr.contains(about),
            "{args:?}: {}",
            said.stderr
        );
    }
}

#[test]
fn help_shows_examples() {
    for command in ["connect", "bench"] {
        let said = run(&[command, "--help"], "");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(
            said.stdout
                .contains(&format!("Examples:\n  sockeye {command} ")),
            "{}",
            said.stdout
        );
    }
}
