//! What ends a connection that compresses, and what that does to others: nothing.
//!
//! Not here: faults of DEFLATE in all their detail, which are the core's.

use crate::deflate_attacks::{bomb, reaching_across};
use crate::deflate_bits::{Bits, Symbol};
use crate::deflating::{Member, OFFER, RSV1, json, serving, takeover};
use crate::frames::{self, BINARY, CONTINUATION, FIN, Frame, PING, PONG, TEXT, frame};
use crate::harness::Sim;
use sockeye::proto::Violation;
use sockeye::proto::deflate::Policy;

/// A peer that breaks a rule is told so and nobody else is.
#[track_caller]
fn assert_refused(sim: &mut Sim, offer: Option<&str>, bytes: &[u8], why: Violation) {
    let open = |sim: &mut Sim| match offer {
        Some(offer) => Member::open(sim, offer),
        None => Member::plain(sim),
    };
    let (mut before, mut bad, mut after) = (open(sim), open(sim), open(sim));
    let message = Frame::text(&json(2000, 1));
    let ends = sim.probe().ends.len();
    // All in one turn.
    before.push(&message);
    bad.client.push(bytes);
    after.push(&message);
    sim.settle();
    assert_eq!(before.frame(), message);
    assert_eq!(bad.frame().close_code(), Some(why.close_code().get()));
    assert_eq!(after.frame(), message);
    let [end] = &sim.probe().ends[ends..] else {
        panic!("one end");
    };
    assert_eq!(end.violation, Some(why));
    bad.client.conn.end();
    sim.settle();
    assert!(bad.client.conn.is_closed());
    for member in [&mut before, &mut after] {
        member.assert_echoes(sim);
        member.client.conn.end();
    }
    sim.settle();
}

#[test]
fn a_bomb_ends_its_own_connection_and_no_other() {
    let limit = 1 << 20;
    let mut sim = Sim::new();
    let allowed = Frame::binary(&vec![0; limit]);
    let mut member = Member::open(&mut sim, OFFER);
    member
        .client
        .push(&frame(FIN | RSV1 | BINARY, &bomb(limit)));
    sim.settle();
    assert_eq!(member.frame(), allowed);
    for zeros in [limit + 1, limit + 2, 2 * limit, 64 * limit] {
        let whole = frame(FIN | RSV1 | BINARY, &bomb(zeros));
        assert_refused(&mut sim, Some(OFFER), &whole, Violation::MessageTooBig);
        let payload = bomb(zeros);
        let (front, back) = payload.split_at(payload.len() / 2);
        let halves = [frame(RSV1 | BINARY, front), frame(FIN | CONTINUATION, back)].concat();
        assert_refused(&mut sim, Some(OFFER), &halves, Violation::MessageTooBig);
    }
    member.assert_echoes(&mut sim);
}

#[test]
fn what_cannot_be_inflated_is_refused() {
    let far = |distance| Symbol::Match {
        length: 3,
        distance,
    };
    let whole = Bits::new()
        .fixed(false, &[Symbol::Literal(b'a'); 9])
        .finish();
    let rows = [
        ("a block of type 3", vec![0x06]),
        (
            "nothing to refer to",
            Bits::new().fixed(false, &[far(1)]).finish(),
        ),
        ("cut short", whole[..whole.len() - 1].to_vec()),
        (
            "a stored block cut short",
            b"\x00\x05\x00\xfa\xffHell".to_vec(),
        ),
        (
            "a complement that is none",
            b"\x00\x05\x00\xfa\xfeHello\x00".to_vec(),
        ),
    ];
    for (what, payload) in rows {
        let mut sim = Sim::new();
        println!("{what}");
        let bytes = frame(FIN | RSV1 | BINARY, &payload);
        assert_refused(&mut sim, Some(OFFER), &bytes, Violation::InvalidDeflate);
    }
}

#[test]
fn a_message_may_refer_to_another_only_with_takeover() {
    let [first, second] = reaching_across(1000).map(|payload| frame(FIN | RSV1 | BINARY, &payload));
    let both = [first, second].concat();
    let mut sim = serving(takeover());
    let mut member = Member::open(&mut sim, OFFER);
    member.client.push(&both);
    sim.settle();
    let heard = member.frames();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].payload, heard[0].payload[..3]);

    let mut sim = Sim::new();
    let mut member = Member::open(&mut sim, OFFER);
    member.client.push(&both);
    sim.settle();
    assert_eq!(member.frames()[1].close_code(), Some(1007));
    assert_eq!(sim.only_end().violation, Some(Violation::InvalidDeflate));
}

#[test]
fn text_that_inflates_to_something_else_is_refused() {
    let payload = Bits::new().stored(false, b"\xff").finish();
    let bytes = frame(FIN | RSV1 | TEXT, &payload);
    assert_refused(&mut Sim::new(), Some(OFFER), &bytes, Violation::InvalidUtf8);
}

#[test]
fn the_bit_is_refused_wherever_it_means_nothing() {
    let hello = Bits::new().stored(false, b"hello").finish();
    let message = frame(FIN | RSV1 | TEXT, &hello);
    let (refused, plain) = (Violation::ReservedBits, None);
    for policy in [None, Some(Policy::default())] {
        assert_refused(&mut serving(policy), plain, &message, refused);
    }
    assert_refused(&mut serving(None), Some(OFFER), &message, refused);
    let continued = [
        frame(RSV1 | TEXT, &hello),
        frame(FIN | RSV1 | CONTINUATION, b""),
    ]
    .concat();
    for bytes in [
        continued,
        frame(FIN | RSV1 | PING, b""),
        frame(FIN | RSV1 | PONG, b""),
        frame(FIN | RSV1 | frames::CLOSE, &[]),
        frame(FIN | 0x20 | TEXT, b""),
        frame(FIN | RSV1 | 0x10 | TEXT, &hello),
    ] {
        assert_refused(&mut Sim::new(), Some(OFFER), &bytes, refused);
    }
}

/// What a peer sends in a turn is bounded, so that others have theirs. What that inflates to must be as well.
#[test]
fn a_peer_of_small_bombs_does_not_keep_others_waiting() {
    let mut sim = Sim::new();
    let mut member = Member::open(&mut sim, OFFER);
    let bomb = frame(FIN | RSV1 | BINARY, &bomb(1 << 20));
    let count = (256 << 10) / bomb.len();
    member.client.push(&bomb.repeat(count));
    sim.turn();
    let inflated: usize = sim.probe().messages.iter().map(|(_, len)| len).sum();
    assert!(inflated <= 8 << 20, "{} MiB in one turn", inflated >> 20);
    sim.settle();
    assert_eq!(member.frames().len(), count);
}
