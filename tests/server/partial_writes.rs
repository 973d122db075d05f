//! Whatever the peer's window does, every byte arrives once and in order.

use crate::frames::{Frame, binary, ping, text};
use crate::harness::{Client, Sim};
use rustix::io::Errno;

/// Bytes that differ from their neighbours near and far, so that none can be lost or doubled unseen.
fn payload(len: usize, seed: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i * 31 + (i >> 8) * 7 + (i >> 16) + seed) as u8)
        .collect()
}

/// Opens the window by so many bytes at a time, until nothing more comes.
fn read_in_steps(sim: &mut Sim, client: &mut Client, mut step: impl FnMut() -> usize) {
    loop {
        let step = step();
        client.conn.set_window(step);
        sim.settle();
        let sent = client.conn.take_sent();
        assert!(sent.len() <= step, "more than the window");
        if sent.is_empty() {
            return;
        }
        client.bytes.extend(sent);
    }
}

fn small_messages() -> (Vec<u8>, Vec<Frame>) {
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for (seed, len) in [0, 1, 2, 7, 124, 125, 126, 127, 0, 200, 3]
        .into_iter()
        .enumerate()
    {
        let payload = payload(len, seed);
        bytes.extend(binary(&payload));
        expected.push(Frame::binary(&payload));
        bytes.extend(text(&format!("№ {seed}")));
        expected.push(Frame::text(&format!("№ {seed}")));
    }
    (bytes, expected)
}

/// Shows 6455-6.1-10.
#[test]
fn small_messages_one_byte_at_a_time() {
    let (bytes, expected) = small_messages();
    for step in [1, 2, 3, 5, 13, 64] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(0);
        client.push(&bytes);
        read_in_steps(&mut sim, &mut client, || step);
        assert_eq!(client.frames(), expected, "step {step}");
        assert!(client.bytes.is_empty());
    }
}

#[test]
fn small_messages_that_arrive_while_others_wait() {
    let (bytes, expected) = small_messages();
    for piece in [1, 7, 50] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(0);
        client.conn.push_in_pieces(&bytes, piece);
        // The window opens between any two pieces, so that output stops and goes on everywhere.
        let mut received = Vec::new();
        for turn in 0..4 * bytes.len() {
            client.conn.set_window(turn % 3);
            sim.turn();
            received.extend(client.conn.take_sent());
        }
        client.bytes = received;
        read_in_steps(&mut sim, &mut client, || 1);
        assert_eq!(client.frames(), expected, "pieces of {piece}");
    }
}

#[test]
fn every_first_cut_of_a_small_answer() {
    let (bytes, expected) = small_messages();
    let total = 1500;
    for cut in 0..total {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_max_send(cut.max(1));
        client.conn.set_window(cut);
        client.push(&bytes);
        sim.settle();
        client.conn.set_max_send(usize::MAX);
        client.conn.set_window(usize::MAX);
        sim.settle();
        assert_eq!(client.frames(), expected, "cut at {cut}");
    }
}

const LARGE: usize = 300 << 10;

/// Small and large messages and a ping, in an order that makes every kind of neighbours.
fn large_messages() -> (Vec<u8>, Vec<Frame>) {
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    // 16 KiB is where payloads are no longer copied, 64 KiB what one read brings.
    let sizes = [
        5, LARGE, 20_000, 17_000, 16_383, 9, 16_384, LARGE, 65_522, 65_536, 1,
    ];
    for (seed, len) in sizes.into_iter().enumerate() {
        let payload = payload(len, seed);
        bytes.extend(binary(&payload));
        expected.push(Frame::binary(&payload));
    }
    bytes.extend(ping(b"last"));
    expected.push(Frame {
        opcode: crate::frames::PONG,
        payload: b"last".to_vec(),
    });
    (bytes, expected)
}

#[test]
fn large_messages_in_odd_steps() {
    let (bytes, expected) = large_messages();
    for step in [509, 4093, 16_385, 65_535, 299_993, 1 << 20] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(0);
        client.push(&bytes);
        read_in_steps(&mut sim, &mut client, || step);
        assert!(client.frames() == expected, "step {step}");
        assert!(client.bytes.is_empty());
    }
}

#[test]
fn large_messages_in_steps_of_every_size() {
    let (bytes, expected) = large_messages();
    let mut sim = Sim::new();
    let mut client = sim.open();
    client.conn.set_window(0);
    client.push(&bytes);
    let mut state = 1_u32;
    read_in_steps(&mut sim, &mut client, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 20) as usize
    });
    assert!(client.frames() == expected);
}

#[test]
fn every_first_cut_at_the_boundaries_of_a_large_answer() {
    // Two small answers gather, then the large one leaves with them in one vectored write of three parts.
    let large = payload(LARGE, 3);
    let bytes = [text("one"), text("two"), binary(&large), text("three")].concat();
    let expected = [
        Frame::text("one"),
        Frame::text("two"),
        Frame::binary(&large),
        Frame::text("three"),
    ];
    let total = 5 + 5 + 10 + LARGE + 7;
    let cuts = (0..40)
        .chain(16_380..16_410)
        .chain(65_530..65_560)
        .chain(total - 30..=total);
    for cut in cuts {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(cut);
        client.push(&bytes);
        sim.settle();
        client.bytes.append(&mut client.conn.take_sent());
        assert_eq!(client.bytes.len(), cut);
        client.conn.set_window(usize::MAX);
        sim.settle();
        assert!(client.frames() == expected, "cut at {cut}");
        assert!(client.bytes.is_empty());
    }
}

#[test]
fn large_fragmented_messages_come_back_whole() {
    use crate::frames::{BINARY, CONTINUATION, FIN, frame};
    let large = payload(LARGE, 5);
    let (first, rest) = large.split_at(100_000);
    let (second, third) = rest.split_at(70_000);
    let bytes = [
        frame(BINARY, first),
        ping(b"between"),
        frame(CONTINUATION, second),
        frame(FIN | CONTINUATION, third),
        text("after"),
    ]
    .concat();
    for step in [4093, 65_537] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.conn.set_window(0);
        client.push(&bytes);
        read_in_steps(&mut sim, &mut client, || step);
        let frames = client.frames();
        assert_eq!(frames[0].payload, b"between");
        assert!(frames[1..] == [Frame::binary(&large), Frame::text("after")]);
    }
}

#[test]
fn faults_that_pass_lose_nothing() {
    use rustix::io::Errno;
    let (bytes, expected) = large_messages();
    let mut sim = Sim::new();
    let mut client = sim.open();
    for fault in [
        Errno::INTR,
        Errno::AGAIN,
        Errno::INTR,
        Errno::INTR,
        Errno::AGAIN,
    ] {
        client.conn.queue_send_fault(fault);
        client.conn.queue_receive_fault(fault);
    }
    client.push(&bytes);
    sim.settle();
    assert!(client.frames() == expected);
}

#[test]
fn direct_messages_and_broadcasts_keep_their_order() {
    for step in [1, 3, 11] {
        let mut sim = Sim::new();
        let mut talker = sim.open();
        let mut listener = sim.open();
        let mut expected = (Vec::new(), Vec::new());
        talker.conn.set_window(0);
        listener.conn.set_window(0);
        for round in 0..20 {
            talker.push(&text(&format!("!mixed {round}")));
            talker.push(&text(&format!("{round}")));
            expected
                .0
                .extend(["1", "2", "3", "4"].map(|n| Frame::text(&format!("{n} {round}"))));
            expected.0.push(Frame::text(&format!("{round}")));
            expected
                .1
                .extend(["2", "4"].map(|n| Frame::text(&format!("{n} {round}"))));
            talker.conn.set_window(step);
            listener.conn.set_window(2 * step);
            sim.settle();
        }
        // A talker that does not read is not heard, so there is more to come for both.
        loop {
            let before = talker.bytes.len() + listener.bytes.len();
            for member in [&mut talker, &mut listener] {
                member.bytes.append(&mut member.conn.take_sent());
                member.conn.set_window(step);
            }
            sim.settle();
            for member in [&mut talker, &mut listener] {
                member.bytes.append(&mut member.conn.take_sent());
            }
            if talker.bytes.len() + listener.bytes.len() == before {
                break;
            }
        }
        assert_eq!(talker.frames(), expected.0, "step {step}");
        assert_eq!(listener.frames(), expected.1, "step {step}");
    }
}

#[test]
fn nothing_follows_what_a_failed_send_lost() {
    let mut sim = Sim::new();
    let client = sim.open();
    client.conn.queue_send_fault(Errno::PIPE);
    // Small frames, but more than are gathered for one send: the first send is made before the last frame is there.
    client.push(&text("!many 15000"));
    sim.settle();
    assert!(client.conn.take_sent().is_empty());
    assert!(client.conn.is_closed());
    assert_eq!(sim.only_end().code, 1006);
}
