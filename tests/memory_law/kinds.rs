//! Those who make a server hold something, each with what the formula says of it.
//!
//! Not here: the formula's terms.

use crate::deflate_attacks::bomb;
use crate::formula::{Formula, buffer};
use crate::frames::{self, BINARY, CONTINUATION, FIN, TEXT, binary, frame, text};
use crate::hall::{Hall, Offer};

const RSV1: u8 = 0x40;
/// What is smaller is copied for each member.
const WORTH_SHARING: usize = 256;
const MIB: usize = 1 << 20;

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// So many connections that say nothing.
    Idle(usize),
    /// So many, each in a room.
    InRooms(usize),
    /// F15: so many announce a message of 1 MiB and send so much of it.
    Announcing(usize, usize),
    /// G06: so many send so many fragments of a size, and never the last.
    Fragmenting(usize, usize, usize),
    /// Z01: so many send 64 KiB that inflate to 64 MiB.
    Bombing(usize),
    /// The same in fragments of which the last does not come.
    Smouldering(usize),
    /// So many ask for an echo of a size and do not read it.
    NotReading(usize, usize),
    /// So many members of a room do not read so many messages of a size.
    NotListening(usize, usize, usize),
    /// So many that compress messages of a size, and keep nothing of it.
    Chatting(usize, usize),
    /// So many with a compressor each.
    Compressing(usize),
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Idle(500),
        Self::Announcing(1000, 0),
        Self::Announcing(300, 300),
        Self::Announcing(100, 100_000),
        Self::Announcing(20, 900_000),
        Self::Fragmenting(500, 1000, 1),
        Self::Fragmenting(50, 9, 30_000),
        Self::Bombing(50),
        Self::Smouldering(50),
        Self::NotReading(200, 100_000),
        Self::NotListening(200, 20, 10_000),
        Self::NotListening(200, 500, 100),
        Self::Chatting(100, 2000),
        Self::Chatting(10, 5000),
        Self::Compressing(16),
    ];

    pub fn act(self, hall: &mut Hall, formula: &mut Formula) {
        match self {
            Self::Idle(count) => {
                // All at once, so that the lists of who has something to say are as long as they will be.
                for conn in hall.open(count, Offer::Nothing) {
                    conn.push(&text("hello"));
                }
                hall.settle();
                formula.sessions(count);
            }
            Self::InRooms(count) => {
                for conn in hall.open(count, Offer::Nothing) {
                    conn.push(&text("+hall"));
                }
                hall.settle();
                formula.sessions(count);
                formula.members(count);
            }
            Self::Announcing(count, arrived) => announcing(count, arrived, hall, formula),
            Self::Fragmenting(count, fragments, size) => {
                fragmenting((count, fragments, size), hall, formula);
            }
            Self::Bombing(count) => bombing(count, hall, formula),
            Self::Smouldering(count) => smouldering(count, hall, formula),
            Self::NotReading(count, size) => not_reading(count, size, hall, formula),
            Self::NotListening(count, messages, size) => {
                not_listening((count, messages, size), hall, formula);
            }
            Self::Chatting(count, size) => chatting(count, size, hall, formula),
            Self::Compressing(count) => compressing(count, hall, formula),
        }
    }
}

fn announcing(count: usize, arrived: usize, hall: &mut Hall, formula: &mut Formula) {
    let mut bytes = frames::head(FIN | BINARY, MIB);
    bytes.extend(vec![7; arrived]);
    for conn in hall.open(count, Offer::Nothing) {
        conn.push(&bytes);
        formula.buffer(bytes.len(), frames::head(FIN | BINARY, MIB).len() + MIB);
    }
    hall.settle();
    formula.sessions(count);
}

fn fragmenting(
    (count, fragments, size): (usize, usize, usize),
    hall: &mut Hall,
    formula: &mut Formula,
) {
    let payload = vec![b'x'; size];
    let bytes: Vec<u8> = (0..fragments)
        .flat_map(|number| frame(if number == 0 { TEXT } else { CONTINUATION }, &payload))
        .collect();
    for conn in hall.open(count, Offer::Nothing) {
        conn.push(&bytes);
        formula.fragments(fragments, size);
    }
    hall.settle();
    formula.sessions(count);
}

/// They are told that it is too much, and nothing is held of it; a place is kept until they have ended.
fn bombing(count: usize, hall: &mut Hall, formula: &mut Formula) {
    let bytes = frame(FIN | RSV1 | BINARY, &bomb(64 * MIB));
    let conns = hall.open(count, Offer::WithoutTakeover);
    for conn in &conns {
        conn.push(&bytes);
    }
    hall.settle();
    for conn in &conns {
        let told = frames::take_frames(&mut conn.take_sent());
        assert_eq!(told[0].close_code(), Some(1009));
    }
    formula.sessions(count);
    formula.inflater();
}

fn smouldering(count: usize, hall: &mut Hall, formula: &mut Formula) {
    let bomb = bomb(64 * MIB);
    let bytes = frame(RSV1 | BINARY, &bomb);
    for conn in hall.open(count, Offer::WithoutTakeover) {
        conn.push(&bytes);
        formula.fragments(1, bomb.len());
    }
    hall.settle();
    formula.sessions(count);
}

/// What waits is the very buffer in which it came.
fn not_reading(count: usize, size: usize, hall: &mut Hall, formula: &mut Formula) {
    let bytes = binary(&vec![7; size]);
    for conn in hall.open(count, Offer::Nothing) {
        conn.set_window(0);
        conn.push(&bytes);
        let header = bytes.len() - size - 4;
        formula.outbox(&[header, buffer(bytes.len(), bytes.len())]);
    }
    hall.settle();
    formula.sessions(count);
}

fn not_listening(
    (count, messages, size): (usize, usize, usize),
    hall: &mut Hall,
    formula: &mut Formula,
) {
    let members = hall.open(count + 1, Offer::Nothing);
    let room = format!("room{size}");
    for member in &members {
        member.push(&text(&format!("+{room}")));
    }
    hall.settle();
    let (talker, deaf) = members.split_last().expect("there is one");
    deaf.iter().for_each(|member| member.set_window(0));
    let mut news = format!("={room} ");
    news.extend(core::iter::repeat_n('x', size - news.len()));
    for _ in 0..messages {
        talker.push(&text(&news));
        hall.settle();
    }
    formula.sessions(count + 1);
    formula.members(count + 1);
    if size < WORTH_SHARING {
        for _ in deaf {
            formula.gathered(messages, size + 2);
        }
        return;
    }
    formula.said(messages, size + 4);
    for _ in deaf {
        formula.shared(messages);
    }
}

fn chatting(count: usize, size: usize, hall: &mut Hall, formula: &mut Formula) {
    let message = frame(FIN | RSV1 | BINARY, &bomb(size));
    let conns = hall.open(count, Offer::WithoutTakeover);
    for conn in &conns {
        conn.push(&message);
    }
    hall.settle();
    for conn in &conns {
        assert!(conn.read_sent(|sent| sent[0] & RSV1 != 0), "compressed");
    }
    formula.sessions(count);
    formula.inflater();
    formula.inflated();
    formula.compressor(size);
}

fn compressing(count: usize, hall: &mut Hall, formula: &mut Formula) {
    let said = b"all of it is said again and again; ".repeat(30);
    let message = binary(&said);
    let conns = hall.open(count, Offer::Takeover);
    for conn in &conns {
        conn.push(&message);
    }
    hall.settle();
    for conn in &conns {
        assert!(conn.read_sent(|sent| sent[0] & RSV1 != 0), "compressed");
    }
    formula.sessions(count);
    formula.takeover(count);
}
