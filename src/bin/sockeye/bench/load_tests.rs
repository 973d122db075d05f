use super::Load;
use crate::bench::busy::Busy;
use crate::bench::payload::{Content, Payloads, Place};
use crate::bench::report::{Asked, Report};
use crate::bench::schedule::{SECOND, Schedule, Window};
use serde_json::Value;
use sockeye::server::Message;
use std::collections::VecDeque;
use std::sync::Arc;

const MILLI: u64 = SECOND / 1000;

fn load(connections: usize, limit: usize) -> Load {
    let payloads = Arc::new(Payloads::new(32, Content::Noise));
    let mut load = Load::new(payloads, 0..connections, limit);
    (0..connections).for_each(|lane| load.opened(lane));
    load
}

fn json(load: Load, rate: Option<u64>) -> Value {
    let asked = Asked {
        url: "ws://a/".to_owned(),
        connections: 1,
        threads: 1,
        size: 32,
        text: false,
        deflate: false,
        pipeline: 1,
        rate,
        window: SECOND,
    };
    let report = Report::new(asked, [(load.finish(), Busy::default())]);
    serde_json::from_str(&report.json()).expect("it is JSON")
}

fn bytes(load: &Load, place: Place) -> Vec<u8> {
    load.payloads.message(place).bytes().to_vec()
}

fn fill(load: &mut Load, lane: usize, now: u64) -> Vec<Vec<u8>> {
    let places: Vec<_> = std::iter::from_fn(|| load.fill(lane, now)).collect();
    places.into_iter().map(|place| bytes(load, place)).collect()
}

#[test]
fn flat_out_everybody_always_has_as_many_in_flight() {
    let mut load = load(2, 3);
    load.start(Window::new(0, 0, SECOND), None, 0);
    let mut first = fill(&mut load, 0, 1);
    let second = fill(&mut load, 1, 1);
    assert_eq!((first.len(), second.len()), (3, 3));
    assert!(load.fill(0, 1).is_none() && load.next_due().is_none());
    load.reply(0, 5, Message::Binary(&first[0]));
    let more = fill(&mut load, 0, 5);
    assert_eq!(more.len(), 1);
    first.extend(more);
    for reply in &first[1..] {
        load.reply(0, 9, Message::Binary(reply));
    }
    assert!(!load.is_answered());
    for reply in &second {
        load.reply(1, 9, Message::Binary(reply));
    }
    assert!(load.is_answered());
    // After the end nothing is sent.
    assert!(load.fill(0, SECOND).is_none());
    let json = json(load, None);
    assert_eq!(
        (&json["sent"], &json["received"], &json["errors"]["wrong"]),
        (&7.into(), &7.into(), &0.into())
    );
}

#[test]
fn replies_are_checked_in_order() {
    let mut load = load(2, 4);
    load.start(Window::new(0, 0, SECOND), None, 0);
    let sent = fill(&mut load, 0, 0);
    let other = fill(&mut load, 1, 0);
    let mut damaged = sent[0].clone();
    damaged[31] ^= 1;
    load.reply(0, 1, Message::Binary(&damaged));
    // One is skipped, one is another's; then all is well again.
    load.reply(0, 1, Message::Binary(&sent[2]));
    load.reply(0, 1, Message::Binary(&other[0]));
    load.reply(0, 1, Message::Binary(&sent[3]));
    load.reply(0, 1, Message::Binary(&sent[3]));
    let json = json(load, None);
    assert_eq!(json["errors"]["wrong"], 4);
    assert_eq!(
        json["errors"]["first_wrong"],
        "the byte at 31 of 32 is another"
    );
    assert_eq!(json["received"], 1);
    assert_eq!(json["errors"]["unanswered"], 4);
}

/// A server that answers everything after a millisecond, but stands still from 200 ms to 700 ms. Gives the report.
fn stalling(rate: u64, limit: usize) -> Value {
    let mut load = load(2, limit);
    let window = Window::new(0, 0, SECOND);
    load.start(window, Some(Schedule::new(0, rate, 0, 1)), 0);
    let mut server: VecDeque<(u64, usize, Vec<u8>)> = VecDeque::new();
    for now in (0..2 * SECOND).step_by(100_000) {
        let stalls = (200 * MILLI..700 * MILLI).contains(&now);
        while let Some((at, lane, reply)) = server.front()
            && *at + MILLI <= now
            && !stalls
        {
            load.reply(*lane, now, Message::Binary(reply));
            server.pop_front();
        }
        while let Some((lane, place)) = load.due(now) {
            server.push_back((now, lane, load.payloads.message(place).bytes().to_vec()));
        }
    }
    assert!(load.is_answered());
    json(load, Some(rate))
}

#[test]
fn a_server_that_stands_still_is_not_spared() {
    // Eight in flight are all that a stall holds up; but 500 messages were due in it, half of the run.
    for limit in [4, 1000] {
        let json = stalling(1000, limit);
        assert_eq!(
            (&json["sent"], &json["received"]),
            (&1000.into(), &1000.into()),
            "{limit}"
        );
        let latency = |name| json["latency_us"][name].as_f64().expect("a number") / 1000.0;
        assert!(
            (450.0..501.0).contains(&latency("p99")),
            "{limit}: {}",
            latency("p99")
        );
        assert!(
            (490.0..505.0).contains(&latency("max")),
            "{limit}: {}",
            latency("max")
        );
        // The server's time is not taken for bench's.
        assert!(
            json["bench"]["late_p99_us"].as_f64() < Some(200.0),
            "{json}"
        );
        assert_eq!(json["bench"]["bottleneck"], false);
    }
}

#[test]
fn what_found_no_place_is_counted() {
    // One place each, answers after 1 ms: no more than 2000 per second are possible, and 500 ms are lost.
    let json = stalling(4000, 1);
    let (sent, unsent) = (
        json["sent"].as_u64().expect("a number"),
        json["unsent"].as_u64().expect("a number"),
    );
    assert_eq!(sent + unsent, 4000);
    assert!((900..=1010).contains(&sent), "{sent}");
    assert_eq!(json["bench"]["bottleneck"], false);
}

#[test]
fn a_loop_that_is_late_itself_says_so() {
    let mut load = load(1, 10);
    load.start(
        Window::new(0, 0, SECOND),
        Some(Schedule::new(0, 1000, 0, 1)),
        0,
    );
    // It looks at the clock every 5 ms only.
    for now in (0..SECOND).step_by(5_000_000) {
        let sent: Vec<_> = std::iter::from_fn(|| load.due(now)).collect();
        for (_, place) in sent {
            let reply = bytes(&load, place);
            load.reply(0, now, Message::Binary(&reply));
        }
    }
    let json = json(load, Some(1000));
    assert_eq!(json["bench"]["bottleneck"], true, "{json}");
}

#[test]
fn connections_that_end_are_errors_and_get_nothing_more() {
    let mut load = load(2, 2);
    load.failed("refused");
    load.start(
        Window::new(0, 0, SECOND),
        Some(Schedule::new(0, 10, 0, 1)),
        0,
    );
    assert_eq!(load.next_due(), Some(0));
    assert_eq!(load.due(0).map(|(lane, _)| lane), Some(0));
    load.closed(0, 1, "1011 internal error");
    for due in 1..=2 {
        assert_eq!(load.due(due * 100 * MILLI).map(|(lane, _)| lane), Some(1));
    }
    // Both places of the one that is left are taken.
    assert!(load.due(SECOND - 1).is_none());
    assert_eq!(load.next_due(), None);
    // An end after the end is none.
    load.closed(1, SECOND, "1000 normal");
    assert_eq!(load.open().count(), 0);
    let json = json(load, Some(10));
    assert_eq!(json["errors"]["closed"]["1011 internal error"], 1);
    assert_eq!(
        json["errors"]["closed"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(json["errors"]["failed"]["refused"], 1);
    assert_eq!(json["errors"]["unanswered"], 3);
    assert_eq!(json["unsent"], 7);
}

#[test]
fn warming_up_does_not_count() {
    let mut load = load(1, 1);
    load.start(Window::new(0, SECOND, SECOND), None, 0);
    for now in [0, SECOND - 1, SECOND, 2 * SECOND - 1] {
        let sent = fill(&mut load, 0, now);
        assert_eq!(sent.len(), 1);
        load.reply(0, now, Message::Binary(&sent[0]));
    }
    assert!(load.fill(0, 2 * SECOND).is_none());
    let json = json(load, None);
    assert_eq!((&json["sent"], &json["received"]), (&2.into(), &2.into()));
}
