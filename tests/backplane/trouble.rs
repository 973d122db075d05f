//! The broker is killed and comes back, connections to it are cut, it stands still for five seconds: members of a room on
//! three nodes of two loops go on talking. Each hears what is said on its own node as if nothing had happened. Of what is
//! said on others, it hears each message once and in order, and before what comes behind those that are missing, how many
//! are.

use super::broker::{Broker, Carrier, Kind};
use super::cluster::Cluster;
use super::crowd::Client;
use super::nodes::{self, Place};
use super::{PATIENCE, until};
use sockeye::backplane::BackplaneEvent;
use std::fmt::Debug;
use std::time::{Duration, Instant};

/// From when the broker is there again, everything is as usual after so long at most, on a machine that does nothing else.
const RECOVERY: Duration = Duration::from_secs(10);
const ROOM: &str = "tea";

const LOOPS: usize = 2;
/// On each node there are so many members beside the one that speaks, enough for both loops.
const HEARERS: usize = 5;

/// Members on each of three nodes, of which one speaks.
struct Talk {
    places: Vec<Place>,
    /// First those who speak.
    members: Vec<Client>,
    /// How often each of those has spoken.
    spoken: Vec<u64>,
    /// So many of them speak now.
    speakers: usize,
    /// Words behind each message.
    ballast: String,
}

impl Talk {
    fn start(broker: &impl Carrier, max_queued: usize) -> Self {
        let places = nodes::start_with(broker, 3, LOOPS, max_queued);
        let connected = (0..=HEARERS).flat_map(|_| &places);
        let mut members: Vec<_> = connected.map(|place| Client::connect(place.addr)).collect();
        for member in &mut members {
            member.ask(&format!("join {ROOM}"));
        }
        for place in &places {
            until("all are counted", || {
                (place.node().count(ROOM) == members.len()).then_some(())
            });
            place.take_events();
        }
        Self {
            spoken: vec![0; places.len()],
            places,
            members,
            speakers: 3,
            ballast: String::new(),
        }
    }

    /// Everybody who speaks says so much.
    fn speak(&mut self, times: usize) {
        for _ in 0..times {
            for (author, spoken) in self.spoken[..self.speakers].iter_mut().enumerate() {
                let (member, number) = (&mut self.members[author], *spoken);
                *spoken += 1;
                let ballast = &self.ballast;
                member.say(&format!("say {ROOM} {author} {number} {ballast}"));
            }
            for member in &mut self.members {
                member.hear();
            }
        }
    }

    /// Speaks until that holds.
    fn speak_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            self.speak(1);
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
            // A thousand times in a second is enough.
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    fn each_node_has(&self, is_it: impl Fn(&BackplaneEvent) -> bool) -> bool {
        self.places.iter().all(|place| {
            let events = place.events.lock().expect("nobody panics");
            events.iter().any(&is_it)
        })
    }

    fn all_are_down(&self) -> bool {
        self.each_node_has(|event| matches!(event, BackplaneEvent::Down { .. }))
    }

    /// Waits until the last words of everybody are heard by all others, and says how long that took.
    fn recover(&mut self) -> Duration {
        let begin = Instant::now();
        self.speak_until("all are up", |talk| {
            talk.places.iter().all(|place| place.node().figures().is_up)
        });
        // Who was out of reach is back when it is heard.
        let (last, speakers) = (self.spoken.clone(), self.speakers);
        let is_silent = |author| u64::from(author >= speakers);
        self.speak_until("all hear each other", |talk| {
            talk.members.iter().enumerate().all(|(own, member)| {
                (0..3).filter(|author| *author != own).all(|author| {
                    let heard = member.heard.iter().rev().filter_map(|text| said(text));
                    let mut of_author = heard.filter(|(other, _)| *other == author);
                    of_author
                        .next()
                        .is_some_and(|(_, number)| number >= last[author] - is_silent(author))
                })
            })
        });
        let took = begin.elapsed();
        self.speak(10);
        took
    }

    /// Everybody has heard everything, or was told how much is missing.
    fn verify(mut self, kind: impl Debug, what: &str, recovery: Duration) -> u64 {
        let mut all_missing = 0;
        for (own, member) in self.members.iter_mut().enumerate() {
            let spoken = &self.spoken;
            let expected: u64 = (0..3)
                .filter(|author| *author != own)
                .map(|author| spoken[author])
                .sum();
            let begin = Instant::now();
            loop {
                member.hear();
                let (heard, missing) = account(&member.heard);
                if heard + missing >= expected {
                    break;
                }
                let late = begin.elapsed() > PATIENCE;
                assert!(
                    !late,
                    "{what}: {heard} + {missing} of {expected}: {}",
                    runs(&member.heard)
                );
            }
            assert!(member.is_open);
            let (heard, missing) = account(&member.heard);
            assert_eq!(
                heard + missing,
                expected,
                "{what}: {:?}",
                gaps(&member.heard)
            );
            all_missing += missing;
            assert_told_in_time(&member.heard, what);
            for author in 0..3 {
                let numbers = member.heard.iter().filter_map(|text| said(text));
                let numbers = numbers.filter(|(other, _)| *other == author);
                let numbers: Vec<_> = numbers.map(|(_, number)| number).collect();
                assert!(numbers.is_sorted_by(|a, b| a < b), "{what}: {numbers:?}");
                assert_eq!(numbers.is_empty(), author == own);
            }
        }
        let spoken: u64 = self.spoken.iter().sum();
        println!(
            "{kind:?}, {what}: {spoken} said, {all_missing} missed and told so, normal after {recovery:?}"
        );
        if std::env::var("SOCKEYE_BACKPLANE").is_ok_and(|mode| mode == "long") {
            assert!(recovery < RECOVERY, "{what}: {recovery:?}");
        }
        all_missing
    }
}

/// Author and number.
fn said(text: &str) -> Option<(usize, u64)> {
    let mut words = text.split(' ');
    let author = words.next()?.parse().ok()?;
    Some((author, words.next()?.parse().ok()?))
}

fn gaps(texts: &[String]) -> Vec<&str> {
    let gaps = texts
        .iter()
        .filter_map(|text| text.strip_prefix("gap tea "));
    gaps.collect()
}

/// Whoever hears what comes behind a gap has been told of it.
fn assert_told_in_time(texts: &[String], what: &str) {
    let (mut next, mut missing, mut told) = ([0; 3], 0, 0);
    for text in texts {
        if let Some((author, number)) = said(text) {
            missing += number - next[author];
            next[author] = number + 1;
            assert!(missing <= told, "{what}: {}", runs(texts));
        } else {
            told += account(core::slice::from_ref(text)).1;
        }
    }
}

/// What was heard, in few words.
fn runs(texts: &[String]) -> String {
    let mut runs: Vec<String> = Vec::new();
    let mut last = [None; 3];
    for text in texts {
        match said(text) {
            Some((author, number)) => {
                if last[author].is_none_or(|last| last + 1 != number) {
                    runs.push(format!("{author}: {:?}..{number}", last[author]));
                }
                last[author] = Some(number);
            }
            None => runs.push(text.clone()),
        }
    }
    format!("{runs:?}, then {last:?}")
}

/// How many messages are there, and how many are missing.
fn account(texts: &[String]) -> (u64, u64) {
    let heard = texts.iter().filter(|text| said(text).is_some()).count() as u64;
    let missing = gaps(texts).into_iter().map(|gap| {
        gap.parse::<u64>()
            .unwrap_or_else(|_| panic!("a gap of {gap}"))
    });
    (heard, missing.sum())
}

const KINDS: [Kind; 2] = [Kind::Redis, Kind::Nats];
/// What may wait for the broker, as a rule.
const QUEUE: usize = 16 << 20;

#[test]
fn a_broker_that_is_killed_and_comes_back_costs_no_more_than_was_on_its_way() {
    for kind in KINDS {
        let Some(mut broker) = Broker::start(kind) else {
            continue;
        };
        let mut talk = Talk::start(&broker, QUEUE);
        talk.speak(100);
        broker.kill();
        talk.speak_until("all know that it is gone", Talk::all_are_down);
        let before: u64 = talk.spoken.iter().sum();
        talk.speak(300);
        assert!(broker.run());
        let recovery = talk.recover();
        let missing = talk.verify(kind, "killed", recovery);
        assert!(
            missing <= 2 * (1 + HEARERS as u64) * before,
            "what was said while it was gone has waited"
        );
    }
}

#[test]
fn what_waits_for_a_broker_is_bounded_and_what_is_dropped_is_told() {
    for kind in KINDS {
        let bound = 200 << 10;
        let Some(mut broker) = Broker::start(kind) else {
            continue;
        };
        let mut talk = Talk::start(&broker, bound);
        talk.speak(10);
        broker.kill();
        talk.speak_until("all know that it is gone", Talk::all_are_down);
        talk.ballast = "x".repeat(1000);
        for _ in 0..1000 {
            talk.speak(1);
            for place in &talk.places {
                assert!(place.node().figures().queued_bytes <= bound);
            }
        }
        talk.ballast.clear();
        assert!(broker.run());
        let recovery = talk.recover();
        let dropped = talk
            .places
            .iter()
            .map(|place| place.node().figures().dropped);
        let dropped: u64 = dropped.sum();
        assert!(dropped > 1500, "{dropped}");
        // All on two other nodes miss each of them.
        let missing = talk.verify(kind, "more than may wait", recovery);
        let each = 2 * (1 + HEARERS as u64);
        assert!(missing >= each * dropped, "{missing} of {dropped}");
    }
}

#[test]
fn connections_that_are_cut_are_opened_again() {
    let kind = Kind::Redis;
    let Some(broker) = Broker::start(kind) else {
        return;
    };
    let mut talk = Talk::start(&broker, QUEUE);
    for _ in 0..5 {
        talk.speak(100);
        for place in &talk.places {
            place.take_events();
        }
        broker.cut_connections();
        talk.speak_until("all know that it is gone", Talk::all_are_down);
        talk.recover();
    }
    let recovery = talk.recover();
    talk.verify(kind, "cut five times", recovery);
}

#[test]
fn a_broker_that_stands_still_is_waited_for() {
    for kind in KINDS {
        let Some(broker) = Broker::start(kind) else {
            continue;
        };
        let mut talk = Talk::start(&broker, QUEUE);
        talk.speak(100);
        broker.signal("STOP");
        let begin = Instant::now();
        talk.speak_until("five seconds", |_| begin.elapsed() > Duration::from_secs(5));
        broker.signal("CONT");
        let recovery = talk.recover();
        talk.verify(kind, "stopped for five seconds", recovery);
    }
}

/// What is said in the room goes there.
const CHANNEL: &str = "sockeye:room:tea";
/// And what nodes say of themselves.
const NODES: &str = "sockeye:nodes";

#[test]
fn a_server_of_a_cluster_dies_and_another_takes_its_place() {
    for channel in [CHANNEL, NODES] {
        let Some(mut cluster) = Cluster::start() else {
            return;
        };
        let mut talk = Talk::start(&cluster, QUEUE);
        talk.speak(100);
        cluster.kill_holder(channel);
        talk.speak_until("all know that it is gone", Talk::all_are_down);
        let recovery = talk.recover();
        talk.verify(
            "a cluster",
            &format!("killed one that had {channel}"),
            recovery,
        );
    }
}

#[test]
fn what_a_cluster_moves_to_another_server_is_heard_from_there() {
    // Whoever speaks there is told where it is now; who only listens has to notice.
    for (channel, speakers) in [(CHANNEL, 3), (CHANNEL, 1), (NODES, 1)] {
        let Some(cluster) = Cluster::start() else {
            return;
        };
        let mut talk = Talk::start(&cluster, QUEUE);
        talk.speak(100);
        talk.recover();
        talk.speakers = speakers;
        cluster.move_away(channel);
        let recovery = talk.recover();
        talk.verify("a cluster", &format!("moved {channel}"), recovery);
    }
}
