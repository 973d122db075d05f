use super::{Asked, Report, Tally, span, thousands};
use crate::bench::busy::Busy;
use crate::bench::schedule::SECOND;
use serde_json::Value;

const MICRO: u64 = 1000;

const fn busy(computed: f64) -> Busy {
    Busy {
        computed,
        waited: 0.0,
    }
}

fn asked(rate: Option<u64>) -> Asked {
    Asked {
        url: "ws://a/".to_owned(),
        connections: 2,
        threads: 2,
        size: 100,
        text: false,
        deflate: false,
        pipeline: 1,
        rate,
        window: 2 * SECOND,
    }
}

/// A thread whose replies took 1 µs, 2 µs, … `count` µs.
fn thread(count: u64) -> Tally {
    let mut tally = Tally {
        sent: count,
        ..Tally::default()
    };
    for reply in 1..=count {
        tally.reply(true, true, reply * MICRO, 100);
    }
    tally
}

#[test]
fn threads_are_added_up() {
    let report = Report::new(
        asked(None),
        [(thread(1000), busy(0.2)), (thread(1000), busy(0.31))],
    );
    assert!(report.is_fine());
    let table = report.table();
    let expected = "\
messages/s    1 000
MB/s          0.10
latency       p50 500 \u{b5}s   p90 900 \u{b5}s   p99 990 \u{b5}s   p99.9 999 \u{b5}s   max 1.00 ms
sent          2 000
received      2 000
errors        none
bench was not the bottleneck: its busiest thread computed for 31 % of the time.";
    assert_eq!(table, expected);
}

#[test]
fn latencies_are_right_to_three_digits() {
    let report = Report::new(asked(None), [(thread(100_000), busy(0.5))]);
    let json: Value = serde_json::from_str(&report.json()).expect("it is JSON");
    for (name, micros) in [
        ("p50", 50_000.0),
        ("p90", 90_000.0),
        ("p99", 99_000.0),
        ("p99.9", 99_900.0),
        ("max", 1e5),
    ] {
        let measured = json["latency_us"][name].as_f64().expect("a number");
        assert!(
            (measured / micros - 1.0).abs() < 0.001,
            "{name}: {measured}"
        );
    }
    assert_eq!(json["messages_per_second"], 50_000.0);
    assert_eq!(json["megabytes_per_second"], 5.0);
    assert_eq!(json["received"], 100_000);
    assert_eq!(json["rate"], Value::Null);
    assert_eq!(json["bench"]["bottleneck"], false);
}

#[test]
fn what_counts_for_the_rate_and_for_the_latencies_are_two_things() {
    let mut tally = Tally::default();
    // Due in the window and answered after it; and the other way round, after warming up.
    tally.reply(true, false, MICRO, 100);
    tally.reply(false, true, 9 * MICRO, 100);
    let report = Report::new(asked(None), [(tally, busy(0.0))]);
    let json: Value = serde_json::from_str(&report.json()).expect("it is JSON");
    assert_eq!(json["messages_per_second"], 0.5);
    assert_eq!(json["received"], 1);
    assert_eq!(
        json["latency_us"]["max"].as_f64().map(f64::round),
        Some(1.0)
    );
}

#[test]
fn errors_are_told_with_their_reasons() {
    let mut tally = thread(1);
    tally.failed("refused");
    tally.failed("refused");
    tally.failed("timeout");
    tally.closed("1011 internal error");
    tally.wrong(|| "first".to_owned());
    tally.wrong(|| "second".to_owned());
    tally.unanswered = 3;
    let mut other = Tally::default();
    other.failed("refused");
    other.wrong(|| "third".to_owned());
    let report = Report::new(asked(None), [(tally, busy(0.0)), (other, busy(0.0))]);
    assert!(!report.is_fine());
    let table = report.table();
    for line in [
        "not connected 3: refused",
        "not connected 1: timeout",
        "closed early  1: 1011 internal error",
        "wrong replies 3: first",
        "unanswered    3",
    ] {
        assert!(
            table.lines().any(|found| found == line),
            "{line} in {table}"
        );
    }
    let json: Value = serde_json::from_str(&report.json()).expect("it is JSON");
    assert_eq!(json["errors"]["failed"]["refused"], 3);
    assert_eq!(json["errors"]["closed"]["1011 internal error"], 1);
    assert_eq!(json["errors"]["wrong"], 3);
    assert_eq!(json["errors"]["first_wrong"], "first");
}

#[test]
fn bench_says_when_it_was_the_bottleneck() {
    let late = |nanos| {
        let mut tally = thread(1);
        tally.late(nanos);
        tally
    };
    let unsent = Tally {
        unsent: 7,
        ..thread(1)
    };
    let crowded = Busy {
        computed: 0.4,
        waited: 0.55,
    };
    for (rate, tally, part, bottleneck, says) in [
        (
            None,
            thread(1),
            busy(0.97),
            true,
            "itself the bottleneck: a thread of it computed for 97 %",
        ),
        (
            None,
            thread(1),
            crowded,
            true,
            "computed for 40 % of the time and waited for a core for 55 %",
        ),
        (
            None,
            thread(1),
            busy(0.5),
            false,
            "not the bottleneck: its busiest thread computed for 50 %",
        ),
        (
            Some(10),
            late(5 * 1000 * MICRO),
            busy(0.1),
            true,
            "fell behind its schedule, one message in 100 by 5.00 ms",
        ),
        // It watches the clock closely, so that it is always busy at a fixed rate.
        (
            Some(10),
            late(10 * MICRO),
            busy(1.0),
            false,
            "it kept its schedule",
        ),
        (
            Some(10),
            unsent,
            busy(0.1),
            false,
            "the server did not: 7 messages",
        ),
    ] {
        let report = Report::new(asked(rate), [(thread(1), busy(0.0)), (tally, part)]);
        let verdict = report.verdict();
        assert_eq!(verdict.bottleneck, bottleneck, "{}", verdict.sentence);
        assert!(verdict.sentence.contains(says), "{}", verdict.sentence);
        assert!(report.table().ends_with(&verdict.sentence));
    }
}

#[test]
fn where_nothing_was_measured_nothing_is_claimed() {
    let report = Report::new(asked(None), [(Tally::default(), busy(0.0))]);
    assert!(report.table().ends_with("\nnothing was measured."));
}

#[test]
fn numbers_are_written_for_people() {
    for (number, written) in [
        (0.4, "0"),
        (999.0, "999"),
        (1000.0, "1 000"),
        (1_234_567.0, "1 234 567"),
    ] {
        assert_eq!(thousands(number), written);
    }
    for (nanos, written) in [
        (0, "0.00 \u{b5}s"),
        (1_234, "1.23 \u{b5}s"),
        (51_300, "51.3 \u{b5}s"),
        (123_456, "123 \u{b5}s"),
        (1_234_567, "1.23 ms"),
        (12_345_678_900, "12.3 s"),
    ] {
        assert_eq!(span(nanos), written);
    }
}
