//! Counting on several loops, and the sums of it.

use super::{Counters, Registry, Totals};
use crate::server::RoomStats;
use crate::server::{Cause, Closed};
use core::time::Duration;
use std::thread;

fn closed(code: u16, cause: Cause) -> Closed<'static> {
    Closed {
        code,
        reason: "",
        clean: code != 1006,
        violation: None,
        cause,
    }
}

/// One of each thing, `times` over.
fn count(counters: &Counters, times: u64) {
    for _ in 0..times {
        counters.opened();
        counters.opened();
        counters.closed(&closed(1000, Cause::Peer));
        counters.refused(404);
        counters.received(10);
        counters.sent(3, 100);
        counters.rtt(Duration::from_millis(3));
        counters.turn(Duration::from_micros(70));
    }
    counters.queued(times);
    counters.slow(&RoomStats {
        closed: times,
        dropped: 2 * times,
        conflated: 4 * times,
        ..RoomStats::default()
    });
}

#[test]
fn loops_are_summed_and_stay_when_they_are_gone() {
    let registry = Registry::new();
    assert_eq!(registry.totals(), Totals::default());
    thread::scope(|scope| {
        for times in [1_000, 20] {
            let counters = registry.worker();
            scope.spawn(move || count(&counters, times));
        }
    });
    assert_eq!(
        registry.totals(),
        Totals {
            open: 1_020,
            opened: 2_040,
            closed: 1_020,
            refused: 1_020,
            messages_in: 1_020,
            messages_out: 3_060,
            bytes_in: 10_200,
            bytes_out: 102_000,
            dropped: 6_120,
            closed_slow: 1_020,
            queued_bytes: 1_020,
        }
    );
}

#[test]
fn open_is_never_below_none() {
    let registry = Registry::new();
    registry.worker().closed(&closed(1006, Cause::Lost));
    assert_eq!(registry.totals().open, 0);
}

#[cfg(feature = "metrics")]
mod text {
    use super::*;
    use crate::app::metrics::CONTENT_TYPE;
    use alloc::borrow::ToOwned;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::string::String;
    use alloc::vec::Vec;

    /// What a page says: families with their type, unit and help, and each sample with its value.
    #[derive(Default)]
    struct Page {
        families: BTreeMap<String, BTreeMap<String, String>>,
        samples: BTreeMap<String, f64>,
    }

    /// Reads OpenMetrics as far as we write it, and takes nothing else.
    fn parse(text: &str) -> Page {
        let mut page = Page::default();
        let mut family = String::new();
        let lines = text.strip_suffix("# EOF\n").expect("an end");
        for line in lines.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<_> = comment.splitn(3, ' ').collect();
                let [kind, name, rest] = words[..] else {
                    panic!("{line}");
                };
                assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
                if kind == "HELP" {
                    assert!(!page.families.contains_key(name), "{name} comes twice");
                    family = name.to_owned();
                }
                assert_eq!(name, family);
                let about = page.families.entry(name.to_owned()).or_default();
                assert_eq!(
                    about.insert(kind.to_owned(), rest.to_owned()),
                    None,
                    "{line}"
                );
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            let name = sample.split('{').next().unwrap();
            let suffix = name
                .strip_prefix(&family)
                .unwrap_or_else(|| panic!("{line} in {family}"));
            let wanted: &[&str] = match page.families[&family]["TYPE"].as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_sum", "_count", "_bucket"],
                other => panic!("{other}"),
            };
            assert!(wanted.contains(&suffix), "{line}");
            labels(sample);
            let value = value.parse().expect("a number");
            assert_eq!(
                page.samples.insert(sample.to_owned(), value),
                None,
                "{line} comes twice"
            );
        }
        page
    }

    /// Whether labels are `{name="value",...}`, with nothing in a value that would have to be escaped.
    fn labels(sample: &str) {
        let Some((_, labels)) = sample.split_once('{') else {
            return;
        };
        let labels = labels.strip_suffix('}').expect("an end");
        let names: Vec<_> = labels
            .split(',')
            .map(|label| {
                let (name, value) = label.split_once('=').expect("a value");
                let value = value
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'));
                assert!(
                    !value.expect("quotes").contains(['"', '\\', '\n']),
                    "{sample}"
                );
                name
            })
            .collect();
        assert_eq!(
            names.iter().collect::<BTreeSet<_>>().len(),
            names.len(),
            "{sample}"
        );
    }

    #[test]
    fn the_page_says_what_was_counted() {
        let registry = Registry::new();
        let (one, other) = (registry.worker(), registry.worker());
        count(&one, 2);
        count(&other, 1);
        other.closed(&closed(4321, Cause::Here));
        other.rtt(Duration::from_secs(60));
        other.rtt(Duration::from_millis(5));
        other.rtt(Duration::from_nanos(5_000_001));
        let page = parse(&registry.text());
        for (sample, value) in [
            ("sockeye_connections_open", 2.0),
            ("sockeye_connections_opened_total", 6.0),
            (
                r#"sockeye_connections_closed_total{code="1000",cause="peer"}"#,
                3.0,
            ),
            (
                r#"sockeye_connections_closed_total{code="4000-4999",cause="here"}"#,
                1.0,
            ),
            (r#"sockeye_handshakes_refused_total{status="404"}"#, 3.0),
            (r#"sockeye_messages_total{direction="in"}"#, 3.0),
            (r#"sockeye_messages_total{direction="out"}"#, 9.0),
            (r#"sockeye_message_bytes_total{direction="in"}"#, 30.0),
            (r#"sockeye_message_bytes_total{direction="out"}"#, 300.0),
            (r#"sockeye_slow_members_total{outcome="closed"}"#, 3.0),
            (r#"sockeye_slow_members_total{outcome="dropped"}"#, 6.0),
            (r#"sockeye_slow_members_total{outcome="conflated"}"#, 12.0),
            ("sockeye_queued_bytes", 3.0),
            ("sockeye_ping_rtt_seconds_count", 6.0),
            ("sockeye_ping_rtt_seconds_sum", 60.019_000_001),
            (r#"sockeye_ping_rtt_seconds_bucket{le="0.0025"}"#, 0.0),
            (r#"sockeye_ping_rtt_seconds_bucket{le="0.005"}"#, 4.0),
            (r#"sockeye_ping_rtt_seconds_bucket{le="0.01"}"#, 5.0),
            (r#"sockeye_ping_rtt_seconds_bucket{le="10.0"}"#, 5.0),
            (r#"sockeye_ping_rtt_seconds_bucket{le="+Inf"}"#, 6.0),
            ("sockeye_loop_turn_seconds_count", 3.0),
            (r#"sockeye_loop_turn_seconds_bucket{le="0.00005"}"#, 0.0),
            (r#"sockeye_loop_turn_seconds_bucket{le="0.0001"}"#, 3.0),
        ] {
            let said = page
                .samples
                .get(sample)
                .unwrap_or_else(|| panic!("no {sample}"));
            assert!((said - value).abs() < 1e-9, "{sample} is {said}");
        }
        let units = [
            ("sockeye_message_bytes", "bytes"),
            ("sockeye_queued_bytes", "bytes"),
            ("sockeye_ping_rtt_seconds", "seconds"),
        ];
        for (name, unit) in units {
            assert_eq!(page.families[name]["UNIT"], unit);
        }
        assert!(page.families.values().all(|about| about["HELP"].len() > 10));
        assert!(CONTENT_TYPE.contains("openmetrics"));
    }

    #[test]
    fn peers_cannot_make_the_page_longer() {
        let registry = Registry::new();
        let counters = registry.worker();
        let causes = [Cause::Peer, Cause::Violation, Cause::Lost];
        for number in 0..=u16::MAX {
            counters.refused(number);
            for cause in causes {
                counters.closed(&closed(number, cause));
            }
        }
        let page = parse(&registry.text());
        let of = |name: &str| {
            page.samples
                .keys()
                .filter(|sample| sample.starts_with(name))
                .count()
        };
        assert_eq!(of("sockeye_connections_closed_total{"), 18 * causes.len());
        assert_eq!(of("sockeye_handshakes_refused_total{"), 20);
        assert!(page.samples.len() < 150, "{}", page.samples.len());
        // All were counted somewhere.
        let refused: f64 = page
            .samples
            .iter()
            .filter(|(sample, _)| sample.starts_with("sockeye_handshakes_refused_total{"))
            .map(|(_, value)| value)
            .sum();
        assert!((refused - 65_536.0).abs() < 1e-9);
    }
}
