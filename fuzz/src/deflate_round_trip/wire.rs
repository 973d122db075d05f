//! What we put on the wire, frame by frame: where RSV1 stands, and what another's inflater makes of the payloads.
//!
//! Not here: our own receiver.

use super::super::blocks::TAIL;
use super::super::reference::frame::{self as literal, Head, Literal};
use super::super::reference::inflate::{self, Stream};
use super::{Packed, Said, Sender};
use sockeye::proto::frame::Rules;

/// The frames of one message, or a ping.
struct Sent {
    opcode: u8,
    compressed: bool,
    payload: Vec<u8>,
    frames: usize,
}

/// What was said is there in order, compressed where it may be, smaller for it, and each payload is whole.
pub(super) fn is_right(sender: &Sender) {
    let mut history = Vec::new();
    let sent = read(sender);
    assert_eq!(sent.len(), sender.said.len());
    for (sent, (said, packed)) in sent.iter().zip(&sender.said) {
        let message = match said {
            Said::Ping(data) => {
                assert_eq!((sent.opcode, &sent.payload), (9, data));
                continue;
            }
            Said::Message(message) => message,
        };
        assert_eq!(sent.opcode, message.kind.opcode().bits());
        let plain = &message.data;
        match packed {
            Packed::Never => assert!(!sent.compressed),
            Packed::Always => assert!(sent.compressed),
            Packed::IfItPays => {
                let pays = sent.payload.len() < plain.len();
                assert!(pays || !sent.compressed, "it got larger");
                assert!(sent.compressed || !is_monotonous(plain), "it would pay");
            }
        }
        if sent.compressed {
            is_whole(sent, &history, plain);
            if sender.direction.context_takeover() {
                let bits = sender.direction.window_bits();
                inflate::keep(&mut history, plain, bits);
            }
        } else {
            assert_eq!(sent.payload, *plain);
        }
    }
}

/// Another's inflater makes the same of it, and has nothing left.
fn is_whole(sent: &Sent, history: &[u8], plain: &[u8]) {
    assert!(
        !sent.payload.is_empty(),
        "not even an empty message is sent so"
    );
    let mut stream = Stream::new(history, plain.len());
    assert_eq!(stream.feed(&sent.payload), Ok(()));
    assert!(stream.may_end(), "it ends in the middle of a block");
    assert_eq!(stream.out(), plain);
    // More than one block would be needed to say nothing, so there is no tail before the tail.
    assert!(sent.frames > 1 || !sent.payload.ends_with(&TAIL));
}

/// The same byte so often that anybody could compress it.
fn is_monotonous(plain: &[u8]) -> bool {
    plain.len() >= 64 && plain.iter().all(|byte| *byte == plain[0])
}

/// Reads the frames; pings between fragments come before their message.
fn read(sender: &Sender) -> Vec<Sent> {
    let (mut sent, mut open): (Vec<Sent>, Option<Sent>) = (Vec::new(), None);
    let mut wire = &sender.wire[..];
    while !wire.is_empty() {
        let rules = Rules {
            role: sender.role.peer(),
            compression: true,
            in_message: open.is_some(),
        };
        let Literal::Whole(head) = literal::header(wire, &rules) else {
            panic!("{:02x?} begins no frame", &wire[..wire.len().min(14)]);
        };
        let end = head.size + usize::try_from(head.len).expect("it is there");
        let payload = &wire[head.size..end];
        let payload = match head.mask {
            Some(key) => literal::mask(key, 0, payload),
            None => payload.to_vec(),
        };
        wire = &wire[end..];
        let Head { opcode, rsv1, .. } = head;
        if head.is_control() {
            sent.push(Sent {
                opcode,
                compressed: rsv1,
                payload,
                frames: 1,
            });
            continue;
        }
        let message = open.get_or_insert(Sent {
            opcode,
            compressed: rsv1,
            payload: Vec::new(),
            frames: 0,
        });
        message.payload.extend(payload);
        message.frames += 1;
        if head.fin {
            sent.extend(open.take());
        }
    }
    assert!(open.is_none(), "a message without an end");
    sent
}
