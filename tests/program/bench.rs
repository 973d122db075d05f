//! `sockeye bench`: what it counts, with servers that are good and servers that are not.

use crate::running::{Said, Serving, Typing, run};
use crate::server::{Habit, Server};
use serde_json::Value;

fn bench(url: &str, args: &[&str]) -> (Said, Value) {
    let all = [
        &["bench", url, "--json", "--warmup", "0.05", "--seconds", "1"],
        args,
    ]
    .concat();
    let said = run(&all, "");
    let json = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    (said, json)
}

#[track_caller]
fn assert_fine(said: &Said, json: &Value) {
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{json}");
    assert_eq!(json["sent"], json["received"]);
    assert!(json["sent"].as_u64() > Some(0), "{json}");
    let latency = |name: &str| json["latency_us"][name].as_f64().expect("a number");
    assert!(
        latency("p50") > 0.0
            && latency("p50") <= latency("p99")
            && latency("p99") <= latency("max"),
        "{json}"
    );
    assert!(json["messages_per_second"].as_f64() > Some(0.0), "{json}");
}

#[test]
fn every_message_of_a_good_server_comes_back() {
    let echo = Serving::echo();
    for args in [
        &["--connections", "1"][..],
        &[
            "--connections",
            "5",
            "--pipeline",
            "16",
            "--threads",
            "2",
            "--size",
            "1",
        ],
        &["--connections", "3", "--size", "100KiB", "--pipeline", "3"],
        &["--connections", "2", "--size", "0"],
        &[
            "--connections",
            "2",
            "--text",
            "--deflate",
            "--size",
            "1000",
        ],
    ] {
        let (said, json) = bench(&echo.url, args);
        assert_fine(&said, &json);
        assert_eq!(json["connections"].to_string(), args[1]);
    }
}

#[test]
fn at_a_fixed_rate_all_that_was_due_is_accounted_for() {
    let echo = Serving::echo();
    let (said, json) = bench(
        &echo.url,
        &["--connections", "10", "--rate", "1000", "--threads", "2"],
    );
    assert_fine(&said, &json);
    let count = |name: &str| json[name].as_u64().expect("a number");
    // A slow machine may leave some unsent, and says so. Each thread may be one off.
    let due = count("sent") + count("unsent");
    assert!((998..=1002).contains(&due), "{json}");
}

#[test]
fn the_table_says_it_in_words() {
    let echo = Serving::echo();
    let said = run(
        &[
            "bench",
            &echo.url,
            "--warmup",
            "0",
            "--seconds",
            "0.2",
            "--connections",
            "2",
        ],
        "",
    );
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    for words in [
        "messages/s    ",
        "\nMB/s          ",
        "\nlatency       p50 ",
        "\nerrors        none\n",
        "bottleneck",
    ] {
        assert!(said.stdout.contains(words), "{words:?} in {}", said.stdout);
    }
}

#[test]
fn a_bad_server_is_found_out() {
    for (habit, error) in [(Habit::Damage, "wrong"), (Habit::Leave, "closed")] {
        let server = Server::start(habit);
        let (said, json) = bench(&server.url, &["--connections", "2"]);
        assert_eq!(said.code, Some(1), "{json}");
        let errors = &json["errors"][error];
        let found = match habit {
            Habit::Leave => errors["the server closed with 1011 \"enough\""] == 2,
            _ => errors.as_u64() > Some(0),
        };
        assert!(found, "{json}");
    }
    // Sooner or later nothing is in flight that could be answered.
    let broadcast = Serving::start(&["broadcast"]);
    let (said, json) = bench(&broadcast.url, &["--connections", "2"]);
    assert_eq!(said.code, Some(1), "{json}");
    assert!(json["errors"]["wrong"].as_u64() > Some(0), "{json}");
}

#[test]
fn no_server_is_an_error_with_its_reason() {
    let said = run(
        &[
            "bench",
            "ws://127.0.0.1:1",
            "--connections",
            "3",
            "--seconds",
            "100",
        ],
        "",
    );
    assert_eq!(said.code, Some(1));
    assert!(
        said.stdout
            .contains("not connected 3: cannot connect to 127.0.0.1:1"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.ends_with("nothing was measured.\n"),
        "{}",
        said.stdout
    );
}

#[test]
fn a_terminal_sees_how_far_it_is() {
    let echo = Serving::echo();
    let args = [
        "bench",
        &echo.url,
        "--warmup",
        "0",
        "--seconds",
        "3",
        "--connections",
        "2",
    ];
    let mut typing = Typing::start(&args, &[]);
    typing.until(" messages in ");
    typing.until("messages/s");
    typing.until("bottleneck");
    assert_eq!(typing.code(), Some(0));
}
