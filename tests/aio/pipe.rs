//! Two streams, each the other's peer, which take and give as much as chance has it, and often nothing.

use sockeye::aio::Io;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

/// What throws the dice: the same throws for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Bytes on their way in one direction.
#[derive(Debug, Default)]
struct Way {
    bytes: VecDeque<u8>,
    ended: bool,
}

/// Bytes that are on their way in one direction at most.
const CAPACITY: usize = 3000;

/// One end. Nobody is woken: who waits is polled again.
#[derive(Debug)]
pub(crate) struct End {
    from: Arc<Mutex<Way>>,
    to: Arc<Mutex<Way>>,
    dice: Dice,
}

/// Both ends.
pub(crate) fn pipe(seed: u64) -> (End, End) {
    let (there, back) = (Arc::<Mutex<Way>>::default(), Arc::<Mutex<Way>>::default());
    let end = |from: &Arc<_>, to: &Arc<_>, seed| End {
        from: Arc::clone(from),
        to: Arc::clone(to),
        dice: Dice::new(seed),
    };
    (end(&there, &back, seed), end(&back, &there, seed + 1))
}

impl End {
    /// How much may be done now: mostly a little, sometimes nothing or all.
    fn allowance(&mut self) -> usize {
        match self.dice.below(4) {
            0 => 0,
            1 => usize::MAX,
            2 => 1 + self.dice.below(8),
            _ => 1 + self.dice.below(2000),
        }
    }
}

impl Io for End {
    fn poll_read(&mut self, _: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let allowance = self.allowance();
        let mut way = self.from.lock().unwrap();
        if way.bytes.is_empty() && way.ended {
            return Poll::Ready(Ok(0));
        }
        let room = input.capacity() - input.len();
        assert_ne!(room, 0);
        let count = allowance.min(room).min(way.bytes.len());
        if count == 0 {
            return Poll::Pending;
        }
        input.extend(way.bytes.drain(..count));
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let allowance = self.allowance();
        let mut way = self.to.lock().unwrap();
        let room = CAPACITY - way.bytes.len();
        let count = allowance.min(room).min(bytes.len());
        if count == 0 {
            return Poll::Pending;
        }
        way.bytes.extend(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.allowance() == 0 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.to.lock().unwrap().ended = true;
        Poll::Ready(Ok(()))
    }

    fn arm(&mut self, _: Duration) {}

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
