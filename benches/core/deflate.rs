//! Compressing and inflating messages, by those who are in `compressed`.

use crate::compressed::{Library, Receiver, Sender};
use crate::json;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};

const SIZES: [usize; 4] = [64, 512, 4 << 10, 64 << 10];
/// Of messages that differ as those of servers do.
const SHORT: [usize; 6] = [100, 250, 500, 1_000, 2_000, 4_000];

pub fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("deflate");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let messages = messages(size);
        for (name, takeover) in [("no takeover", false), ("takeover", true)] {
            ours(&mut group, name, &messages, takeover);
        }
        flate2(&mut group, &messages);
    }
    for size in SHORT {
        group.throughput(Throughput::Bytes(size as u64));
        let messages = json::messages(size, 16);
        let id = |what: &str| BenchmarkId::new(format!("deflate short, {what}"), size);
        group.bench_function(id("no takeover"), |b| {
            let mut sender = Sender::new(false);
            let mut next = messages.iter().cycle();
            b.iter(|| sender.send(next.next().expect("there are some")).len());
        });
        group.bench_function(id("flate2 with reset"), |b| {
            let mut library = Library::new(size);
            let mut next = messages.iter().cycle();
            b.iter(|| library.compress(next.next().expect("there are some")).len());
        });
    }
}

fn ours(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, messages: &[String], takeover: bool) {
    let size = messages[0].len();
    let id = |what: &str| BenchmarkId::new(format!("{what}, {name}"), size);
    group.bench_function(id("deflate"), |b| {
        let mut sender = Sender::new(takeover);
        let mut next = messages.iter().cycle();
        b.iter(|| sender.send(next.next().expect("there are some")).len());
    });
    group.bench_function(id("inflate"), |b| {
        let mut sender = Sender::new(takeover);
        let mut frames: Vec<_> = messages
            .iter()
            .map(|text| sender.send(text).to_vec())
            .collect();
        let mut receiver = Receiver::new(takeover);
        let mut next = (0..frames.len()).cycle();
        b.iter(|| receiver.receive(&mut frames[next.next().expect("there are some")]));
    });
    group.bench_function(id("both"), |b| {
        let (mut sender, mut receiver) = (Sender::new(takeover), Receiver::new(takeover));
        let mut next = messages.iter().cycle();
        b.iter(|| receiver.receive(sender.send(next.next().expect("there are some"))));
    });
}

fn flate2(group: &mut BenchmarkGroup<'_, WallTime>, messages: &[String]) {
    let size = messages[0].len();
    let id = |what: &str| BenchmarkId::new(format!("{what}, flate2 with reset"), size);
    group.bench_function(id("deflate"), |b| {
        let mut library = Library::new(size);
        let mut next = messages.iter().cycle();
        b.iter(|| library.compress(next.next().expect("there are some")).len());
    });
    group.bench_function(id("inflate"), |b| {
        let mut library = Library::new(size);
        let payloads: Vec<_> = messages
            .iter()
            .map(|text| library.compress(text).to_vec())
            .collect();
        let mut next = payloads.iter().cycle();
        b.iter(|| library.inflate(next.next().expect("there are some")));
    });
    group.bench_function(id("both"), |b| {
        let mut library = Library::new(size);
        let mut next = messages.iter().cycle();
        b.iter(|| library.both(next.next().expect("there are some")));
    });
}

/// Quotes as a feed sends them: 64 different ones, or as many as 1 MiB holds.
fn messages(size: usize) -> Vec<String> {
    let mut seed = 12_345_u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let count = ((1 << 20) / size).clamp(8, 64);
    let message = |_| {
        let mut text = String::from("[");
        while text.len() < size {
            let symbol = ["ALFA", "BRVO", "CHRL", "DLTA"][random(4) as usize];
            let side = ["buy", "sell"][random(2) as usize];
            let (price, cents, volume) = (random(1000), random(100), random(100_000));
            let time = random(100_000_000);
            text += &format!(
                "{{\"symbol\":\"{symbol}\",\"price\":{price}.{cents:02},\"volume\":{volume},\
                \"side\":\"{side}\",\"time\":17{time:08}}},"
            );
        }
        text.truncate(size);
        text
    };
    (0..count).map(message).collect()
}
