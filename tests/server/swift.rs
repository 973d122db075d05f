//! A connection with which nothing else is going on is served in a shorter way than others. It is told the same: whatever
//! its handler does, in whatever order.

use crate::frames::{FIN, Frame, PING, TEXT, binary, close, frame, text};
use crate::harness::{Client, Sim};
use sockeye::proto::Prepared;

/// What comes, and what the handler does about it.
fn words() -> Vec<Vec<u8>> {
    let said = [
        "as it is",
        "!all to all",
        "!mixed x",
        "!plain by itself",
        "!prepared",
        "!ping now",
        "!bytes 300",
        "!bytes 70000",
        "!pause",
        "!close bye",
        "!after-close",
        "!panic",
        "!close-and-panic bye",
    ];
    let mut words: Vec<_> = said.iter().map(|said| text(said)).collect();
    words.push(binary(b"bytes"));
    words.push(frame(FIN | PING, b"there?"));
    words.push(frame(FIN | TEXT, b"no \xff text"));
    words.push(close(1001));
    words
}

/// What everybody was told.
#[derive(Debug, PartialEq)]
struct Told {
    speaker: Vec<Frame>,
    listener: Vec<Frame>,
    handler: String,
}

/// A connection that has sent a message before sends these bytes, so many of them alone.
fn told(bytes: &[u8], alone: usize) -> Told {
    let mut sim = Sim::new();
    sim.probe().prepared = Some(Prepared::text("beforehand"));
    let [mut listener, mut speaker]: [Client; 2] = [sim.open(), sim.open()];
    speaker.push(&text("at ease"));
    sim.settle();
    speaker.push(&bytes[..alone]);
    sim.settle();
    // Served first in the same turn, so what it says to all comes first.
    listener.push(&text("!all from the other"));
    speaker.push(&bytes[alone..]);
    sim.settle();
    let probe = sim.probe();
    let (messages, ends) = (&probe.messages, &probe.ends);
    // Ids differ from server to server.
    let lens = messages.iter().map(|(_, len)| len).collect::<Vec<_>>();
    let ends = ends
        .iter()
        .map(|end| (end.code, &end.reason, end.clean, end.violation));
    let handler = format!(
        "{lens:?} {:?} {:?} {} {}",
        ends.collect::<Vec<_>>(),
        probe.causes,
        probe.refused_sends,
        probe.refused_closes
    );
    Told {
        speaker: speaker.frames(),
        listener: listener.frames(),
        handler,
    }
}

#[test]
fn at_ease_or_not_everybody_is_told_the_same() {
    let words = words();
    for first in &words {
        for second in &words {
            for third in &words {
                let bytes = [first.as_slice(), second, third].concat();
                // A connection of which the beginning of a frame has come is not at ease.
                assert_eq!(told(&bytes, 0), told(&bytes, 1), "{}", bytes.escape_ascii());
            }
        }
    }
}
