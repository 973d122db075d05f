//! Many frames in flight, cut wherever a read happens to end: what a stream costs in calls grows with its bytes, not
//! with its frames or its cuts.

use crate::frames::{binary, ping};
use crate::harness::{Client, Sim};

/// Bytes that one receive brings at most, and that gather before they are sent.
const READ: usize = 64 << 10;

/// Sends everything at once; gives the bytes that came back, and the receives and sends that it took.
fn cost(sim: &mut Sim, client: &Client, stream: &[u8]) -> (usize, usize, usize) {
    let (receives, sends) = (client.conn.receives(), client.conn.sends());
    client.push(stream);
    sim.settle();
    assert_eq!(client.conn.unreceived(), 0);
    (
        client.conn.take_sent().len(),
        client.conn.receives() - receives,
        client.conn.sends() - sends,
    )
}

#[test]
fn a_stream_of_small_frames_costs_a_call_per_full_buffer() {
    // Neither size divides what one read brings, so nearly every read ends within a frame.
    for payload in [20, 1024] {
        let mut sim = Sim::new();
        let client = sim.open();
        let frame = binary(&vec![7; payload]);
        let answer = frame.len() - 4;
        let count = (4 << 20) / frame.len();
        let stream = frame.repeat(count);
        let (answered, receives, sends) = cost(&mut sim, &client, &stream);
        assert_eq!(answered, count * answer);
        // What is left of a frame stays in front, so a read has room for a buffer less one frame.
        let full = stream.len().div_ceil(READ - frame.len());
        // Where a budget ends, after four reads, the frame that was cut is ended by one or two small ones.
        let most = full + full / 2;
        assert!(
            receives <= most,
            "{receives} receives of {full}, {payload} B"
        );
        assert!(sends <= most, "{sends} sends of {full}, {payload} B");
        assert_eq!(sim.probe().messages.len(), count);
    }
}

#[test]
fn wherever_the_stream_is_cut_the_frames_behind_the_cut_come_in_one_read() {
    for payload in [20, 1024] {
        let frame = binary(&vec![7; payload]);
        let stream = frame.repeat(64);
        // A beginning is kept in a buffer that doubles, from 64 B to its frame's size; the read that ends the frame
        // is followed by a large one.
        let doublings = frame.len().ilog2().saturating_sub(5) as usize;
        for cut in 1..frame.len() {
            let mut sim = Sim::new();
            let client = sim.open();
            // The rest of the first frame comes with all the others.
            let (answered, receives, sends) = cost(&mut sim, &client, &stream[..cut]);
            assert_eq!((answered, receives, sends), (0, 1, 0), "cut at {cut}");
            let (answered, receives, sends) = cost(&mut sim, &client, &stream[cut..]);
            assert_eq!(answered, 64 * (frame.len() - 4), "cut at {cut}");
            assert!(
                receives <= doublings + 2,
                "{receives} receives, cut at {cut}"
            );
            assert!(sends <= receives, "{sends} sends, cut at {cut}");
        }
    }
}

#[test]
fn a_stream_that_keeps_coming_in_odd_pieces_stays_cheap() {
    let frame = binary(&[7; 20]);
    let stream = frame.repeat(20_000);
    for piece in [1000, 4093, 65_537] {
        let mut sim = Sim::new();
        let client = sim.open();
        let (receives, sends) = (client.conn.receives(), client.conn.sends());
        client.conn.push_in_pieces(&stream, piece);
        sim.settle();
        assert_eq!(client.conn.take_sent().len(), 20_000 * 22);
        let pieces = stream.len().div_ceil(piece);
        let receives = client.conn.receives() - receives;
        let sends = client.conn.sends() - sends;
        assert!(
            receives <= 3 * pieces,
            "{receives} receives of {pieces} pieces"
        );
        assert!(sends <= 2 * pieces, "{sends} sends of {pieces} pieces");
    }
}

#[test]
fn a_frame_that_drips_costs_a_receive_per_byte_and_one_send() {
    for frame in [
        binary(&[1; 20]),
        ping(&[1; 125]),
        binary(&[1; 1024]),
        binary(&[1; 5000]),
    ] {
        let mut sim = Sim::new();
        let client = sim.open();
        let (receives, sends) = (client.conn.receives(), client.conn.sends());
        client.conn.push_in_pieces(&frame, 1);
        sim.settle();
        assert_eq!(client.conn.take_sent().len(), frame.len() - 4);
        let receives = client.conn.receives() - receives;
        // A buffer that is exactly full does not say whether more is there; it doubles, so that is seldom.
        let full = frame.len().ilog2() as usize;
        assert!(
            (frame.len()..=frame.len() + full).contains(&receives),
            "{receives} receives for {} bytes",
            frame.len()
        );
        assert_eq!(client.conn.sends() - sends, 1);
    }
}
