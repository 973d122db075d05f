//! The crate against the literal decoder: what is heard and in which piece, what is wrong and in which piece, what is
//! written, and how it ends.
//!
//! Not here: the decoder, which is `tests/support/reference`.

use crate::ours::{CLOSE, Ours, counting};
use crate::reference::{Receiver, Said, frame};
use crate::stream::Stream;
use sockeye::proto::Role;

/// The literal decoder on a stream. The time is the number of the byte.
pub(crate) fn read(stream: &Stream) -> Receiver {
    let mut receiver = Receiver::new(stream.setup);
    for (at, byte) in stream.bytes.iter().enumerate() {
        if stream.close_at == Some(at) {
            receiver.close(CLOSE.0, CLOSE.1);
        }
        receiver.now = at;
        receiver.arrive(*byte);
    }
    if stream.close_at == Some(stream.bytes.len()) {
        receiver.close(CLOSE.0, CLOSE.1);
    }
    receiver
}

/// Whether our Close would come too late.
pub(crate) fn is_over_before_we_close(stream: &Stream) -> bool {
    let closed = Said::Close(Some(CLOSE.0), CLOSE.1.into());
    stream.close_at.is_some() && !read(stream).said.contains(&closed)
}

/// How two readings compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    Whole,
    /// Two inflaters do not see at the same byte that a message is corrupt.
    ButForCorruption,
}

pub(crate) fn compare(stream: &Stream, ours: &Ours, read: &Receiver) -> Result<Agreement, String> {
    let mut expected = read.outcome.clone();
    let piece = |byte: usize| stream.cuts.partition_point(|end| *end <= byte);
    for (when, _) in &mut expected.heard {
        *when = piece(*when);
    }
    if let Some((when, _)) = &mut expected.error {
        *when = piece(*when);
    }
    if expected != ours.outcome {
        let delivery = stream.setup.delivery;
        if expected.differs_in_corruption_alone(&ours.outcome, delivery) {
            return Ok(Agreement::ButForCorruption);
        }
        return Err(format!("{:#?}\nshould be\n{expected:#?}", ours.outcome));
    }
    if ours.state != read.state {
        return Err(format!("{:?}, should be {:?}", ours.state, read.state));
    }
    let wrote = written(stream.setup.role, &read.said);
    if ours.wrote != wrote {
        return Err(format!("wrote {:02x?}, should be {wrote:02x?}", ours.wrote));
    }
    Ok(Agreement::Whole)
}

/// The bytes of what is said.
fn written(role: Role, said: &[Said]) -> Vec<u8> {
    let mut keys = counting();
    let mut wrote = Vec::new();
    for said in said {
        let (first, payload) = match said {
            Said::Pong(data) => (0x8A, data.clone()),
            Said::Close(code, reason) => {
                let code = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
                (0x88, [code, reason.clone()].concat())
            }
            other => panic!("nobody has us say {other:?}"),
        };
        let key = (role == Role::Client).then(&mut keys);
        wrote.extend(frame::written(first, &payload, key));
    }
    wrote
}
