//! Masking keys and nonces as a stranger sees them on the wire: a million keys, ten thousand nonces.
//!
//! What is tested are numbers that nobody chose, so a sound generator can fail, too: each statistic would fail it once in
//! a thousand runs. One that fails three times in a row is not sound.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

#[path = "support/recorder.rs"]
mod recorder;

use recorder::{Recorder, keys_of};
use sockeye::client::{Answer, Client, ConnectError, ConnectionId, Connector, Handler};
use sockeye::client::{Message, Peer};
use std::collections::HashSet;
use std::time::Duration;

const KEYS: usize = 1_000_000;
const COUNT: u32 = 1_000_000;
const NONCES: usize = 10_000;
const ATTEMPTS: usize = 3;

/// Says who is connected, and counts who is not.
#[derive(Default)]
struct Quiet {
    open: Vec<ConnectionId>,
    failed: usize,
}

impl Handler for Quiet {
    type State = ();

    fn on_connect(&mut self, peer: &mut Peer<'_>, _tag: u64, _answer: &Answer<'_>) {
        self.open.push(peer.id());
    }

    fn on_failed(&mut self, _tag: u64, _error: ConnectError) {
        self.failed += 1;
    }

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}
}

/// A million empty messages; what masked them.
fn sample() -> Vec<[u8; 4]> {
    let recorder = Recorder::start();
    let mut client = Client::new(Quiet::default()).unwrap();
    client.connect(&recorder.connector(), 0).unwrap();
    while client.handler().open.is_empty() {
        client.turn(None).unwrap();
    }
    let id = client.handler().open[0];
    for _ in 0..KEYS / 1000 {
        let say = |peer: &mut Peer<'_>, (): &mut ()| {
            (0..1000).for_each(|_| peer.send(b"").unwrap());
        };
        client.with_peer(id, say).unwrap();
        while client
            .with_peer(id, |peer, ()| peer.queued_bytes())
            .unwrap()
            > 0
        {
            client.turn(None).unwrap();
        }
    }
    drop(client);
    let keys = keys_of(&recorder.end()[0]);
    assert_eq!(keys.len(), KEYS);
    keys
}

/// Pairs of keys that are equal. Of a million among 2^32, 116 are expected, give or take 11.
fn repeats(keys: &[[u8; 4]]) -> usize {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// How far the values of one byte of the keys are from being even: by chi squared with 255 degrees of freedom.
fn unevenness(keys: &[[u8; 4]], byte: usize) -> f64 {
    let mut counts = [0_u32; 256];
    keys.iter()
        .for_each(|key| counts[usize::from(key[byte])] += 1);
    let expected = KEYS as f64 / 256.0;
    counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum()
}

/// How much one byte of a key says about the next one.
fn serial_correlation(keys: &[[u8; 4]]) -> f64 {
    let bytes: Vec<f64> = keys
        .as_flattened()
        .iter()
        .map(|byte| f64::from(*byte))
        .collect();
    let mean = bytes.iter().sum::<f64>() / bytes.len() as f64;
    let variance: f64 = bytes.iter().map(|byte| (byte - mean).powi(2)).sum();
    let covariance: f64 = bytes
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    covariance / variance
}

/// What is wrong with a sample.
fn faults(keys: &[[u8; 4]]) -> Vec<String> {
    /// Above it lies one sound sample of a thousand.
    const CHI_SQUARED: f64 = 330.52;
    let mut faults = Vec::new();
    let repeats = repeats(keys);
    if !(66..=166).contains(&repeats) {
        faults.push(format!("{repeats} repeats"));
    }
    for byte in 0..4 {
        let found = unevenness(keys, byte);
        if found > CHI_SQUARED {
            faults.push(format!("chi squared of byte {byte} is {found}"));
        }
    }
    let correlation = serial_correlation(keys);
    if correlation.abs() > 0.002 {
        faults.push(format!("bytes correlate by {correlation}"));
    }
    faults
}

/// K14.
/// Shows 6455-5.3-03 6455-5.3-05 6455-10.3-01.
#[test]
fn a_million_keys_are_as_chance_would_have_them() {
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        let faults = faults(&sample());
        if faults.is_empty() {
            return;
        }
        found.push(faults);
    }
    panic!("{found:?}");
}

#[test]
fn statistics_find_generators_that_are_none() {
    let counter: Vec<_> = (0..COUNT).map(u32::to_le_bytes).collect();
    assert!(!faults(&counter).is_empty());
    assert!(!faults(&vec![[1, 2, 3, 4]; KEYS]).is_empty());
    // One that has no repeats, as a permutation of all numbers has none.
    let permutation = (0..COUNT).map(|n| n.wrapping_mul(0x9E37_79B1).rotate_left(7));
    let permutation: Vec<_> = permutation.map(u32::to_le_bytes).collect();
    assert!(!faults(&permutation).is_empty());
}

/// K15.
/// Shows 6455-4.1-33.
#[test]
fn ten_thousand_nonces_are_all_different() {
    let recorder = Recorder::refusing();
    let mut client = Client::new(Quiet::default()).unwrap();
    let connector = recorder.connector();
    let mut begun = 0;
    while client.handler().failed < NONCES {
        // So many at a time that no backlog is full.
        while begun < NONCES && client.connections() < 64 {
            client.connect(&connector, begun as u64).unwrap();
            begun += 1;
        }
        client.turn(Some(Duration::from_secs(1))).unwrap();
    }
    drop(client);
    let heads = recorder.end();
    let nonces: HashSet<_> = heads.iter().map(|head| nonce_of(head)).collect();
    assert_eq!((heads.len(), nonces.len()), (NONCES, NONCES));
    for nonce in nonces {
        let (letters, padding) = nonce.split_at(22);
        assert_eq!(padding, "==");
        // 16 bytes are 21 letters and two bits.
        assert!("AQgw".contains(&letters[21..]), "{nonce}");
    }
}

fn nonce_of(head: &[u8]) -> String {
    let head = std::str::from_utf8(head).unwrap();
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    line.unwrap().to_owned()
}

#[test]
fn a_connector_is_what_connects() {
    // What the recorder answers is right: a client that it does not refuse is open.
    let recorder = Recorder::start();
    let mut socket = Connector::open(&recorder.connector()).unwrap();
    socket.send("x").unwrap();
    drop(socket);
    assert_eq!(keys_of(&recorder.end()[0]).len(), 1);
}
