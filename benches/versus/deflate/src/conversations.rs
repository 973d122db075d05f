//! Messages of 512 B through the whole core, sent, received and both, beside the library alone with a reset for each.

use crate::compressed::{Library, Receiver, Sender};
use crate::json::Results;
use crate::measure::{Job, compare};
use crate::{OF_EACH, head, line, messages};
use std::hint::black_box;

const SIZE: usize = 512;

/// Both twice, in turns, so that each comes after the other: how far the second is off the first is what a run cannot
/// tell.
const NAMES: [&str; 4] = ["sockeye", "zlib-rs", "sockeye again", "zlib-rs again"];

pub(crate) fn compare_all(rounds: usize, json: &mut Results) {
    head("A message of 512 B; sockeye, ns, and time ÷ that", &NAMES);
    let texts = messages::messages(SIZE, OF_EACH);
    for (kind, takeover) in [("no takeover", false), ("takeover", true)] {
        type Jobs = fn(&[String], bool) -> Vec<Job<'_>>;
        let ways: [(&str, Jobs); 3] = [("sent", sent), ("received", received), ("both", both)];
        for (way, jobs) in ways {
            let label = format!("{kind}, {way}");
            let results = compare(jobs(&texts, takeover), rounds);
            json.add(&format!("512 B: {label}"), &NAMES, &results, texts.len());
            line(&label, &results, texts.len());
        }
    }
}

fn sent(texts: &[String], takeover: bool) -> Vec<Job<'_>> {
    let ours = || -> Job<'_> {
        let mut sender = Sender::new(takeover);
        Box::new(move || {
            for text in texts {
                black_box(sender.send(text).len());
            }
        })
    };
    let theirs = || -> Job<'_> {
        let mut library = Library::new(SIZE);
        Box::new(move || {
            for text in texts {
                black_box(library.compress(text).len());
            }
        })
    };
    vec![ours(), theirs(), ours(), theirs()]
}

/// With takeover, what refers to earlier messages finds as much behind it in each turn.
fn received(texts: &[String], takeover: bool) -> Vec<Job<'_>> {
    let ours = || -> Job<'_> {
        let mut sender = Sender::new(takeover);
        let mut frames: Vec<_> = texts
            .iter()
            .map(|text| sender.send(text).to_vec())
            .collect();
        let mut receiver = Receiver::new(takeover);
        Box::new(move || {
            for frame in &mut frames {
                black_box(receiver.receive(frame));
            }
        })
    };
    let theirs = || -> Job<'_> {
        let mut library = Library::new(SIZE);
        let payloads: Vec<_> = texts
            .iter()
            .map(|text| library.compress(text).to_vec())
            .collect();
        Box::new(move || {
            for payload in &payloads {
                black_box(library.inflate(payload));
            }
        })
    };
    vec![ours(), theirs(), ours(), theirs()]
}

fn both(texts: &[String], takeover: bool) -> Vec<Job<'_>> {
    let ours = || -> Job<'_> {
        let (mut sender, mut receiver) = (Sender::new(takeover), Receiver::new(takeover));
        Box::new(move || {
            for text in texts {
                black_box(receiver.receive(sender.send(text)));
            }
        })
    };
    let theirs = || -> Job<'_> {
        let mut library = Library::new(SIZE);
        Box::new(move || {
            for text in texts {
                black_box(library.both(text));
            }
        })
    };
    vec![ours(), theirs(), ours(), theirs()]
}
