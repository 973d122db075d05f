//! Short messages without a past, compressed: the time, and how small they get.

use crate::compressed::{Library, Sender};
use crate::json::Results;
use crate::libraries::{Miniz, Zlib};
use crate::measure::{Job, compare};
use crate::{OF_EACH, head, line, messages};
use std::hint::black_box;

const SIZES: [usize; 6] = [100, 250, 500, 1_000, 2_000, 4_000];

/// Ours is first, and once more, which shows what a run cannot tell. Not side by side: each then comes after a library,
/// which has left little of the caches.
const NAMES: [&str; 6] = [
    "sockeye",
    "zlib-rs",
    "zlib-rs, level 6",
    "sockeye again",
    "zlib-rs, level 1",
    "miniz_oxide, level 1",
];
/// Who has sizes of their own.
const SIZED: [&str; 5] = [
    "sockeye",
    "zlib-rs",
    "zlib-rs, level 6",
    "zlib-rs, level 1",
    "miniz_oxide, level 1",
];

pub(crate) fn compare_all(rounds: usize, json: &mut Results) {
    head(
        "Compressing a message; sockeye, ns, and time ÷ that",
        &NAMES,
    );
    for size in SIZES {
        let texts = messages::messages(size, OF_EACH);
        let results = compare(jobs(size, &texts), rounds);
        json.add(
            &format!("time: {}", label(size)),
            &NAMES,
            &results,
            texts.len(),
        );
        line(&label(size), &results, texts.len());
    }
    head("What all messages become, bytes", &SIZED);
    for size in SIZES {
        let sizes = sizes(size, &messages::messages(size, OF_EACH));
        let cell = format!("bytes: {}", label(size));
        json.values(&cell, &SIZED, sizes.iter().map(|bytes| *bytes as f64));
        let cells = sizes.map(|bytes| format!(" {bytes} |"));
        println!("| {} |{}", label(size), cells.concat());
    }
}

fn label(size: usize) -> String {
    match size {
        1_000.. => format!("{} {:03} B", size / 1_000, size % 1_000),
        _ => format!("{size} B"),
    }
}

/// Each compresses all messages.
fn jobs(size: usize, texts: &[String]) -> Vec<Job<'_>> {
    fn all<'t>(texts: &'t [String], mut one: impl FnMut(&str) -> usize + 't) -> Job<'t> {
        Box::new(move || {
            for text in texts {
                black_box(one(text));
            }
        })
    }
    let ours = || {
        let mut sender = Sender::new(false);
        all(texts, move |text| sender.send(text).len())
    };
    let mut library = Library::new(size);
    let (mut six, mut one, mut miniz) = (Zlib::new(6), Zlib::new(1), Miniz::new(1));
    vec![
        ours(),
        all(texts, move |text| library.compress(text).len()),
        all(texts, move |text| six.compress(text)),
        ours(),
        all(texts, move |text| one.compress(text)),
        all(texts, move |text| miniz.compress(text)),
    ]
}

/// In the order of their names. A message that gets no smaller is sent as it is, by whomever.
fn sizes(size: usize, texts: &[String]) -> [usize; SIZED.len()] {
    let sum = |one: &mut dyn FnMut(&str) -> usize| -> usize {
        texts.iter().map(|text| one(text).min(text.len())).sum()
    };
    let (mut sender, mut library) = (Sender::new(false), Library::new(size));
    let (mut six, mut one, mut miniz) = (Zlib::new(6), Zlib::new(1), Miniz::new(1));
    [
        sum(&mut |text| payload_len(sender.send(text))),
        sum(&mut |text| library.compress(text).len()),
        sum(&mut |text| six.compress(text)),
        sum(&mut |text| one.compress(text)),
        sum(&mut |text| miniz.compress(text)),
    ]
}

/// Of a frame that a server sent, without its header.
fn payload_len(frame: &[u8]) -> usize {
    frame.len() - if frame[1] < 126 { 2 } else { 4 }
}
