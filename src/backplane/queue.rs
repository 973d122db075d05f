//! What waits to be carried to other nodes: bounded by bytes, and what is oldest goes first when there is too much.
//!
//! What is dropped had its number, so whoever hears what comes later knows that something is missing, and how much.
//!
//! Not here: how it is carried.

use super::Subject;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    subject: Subject,
    bytes: Vec<u8>,
    messages: u32,
}

impl Waiting {
    /// What it holds, about.
    const fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }
}

impl Queue {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Puts something behind all the rest. Says how many messages were dropped for it.
    pub(super) fn push(&mut self, subject: Subject, bytes: Vec<u8>, messages: u32) -> u64 {
        let waiting = Waiting {
            subject,
            bytes,
            messages,
        };
        self.bytes = self.bytes.saturating_add(waiting.weight());
        self.waiting.push_back(waiting);
        let mut dropped = 0;
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            dropped += u64::from(oldest.messages);
        }
        dropped
    }

    /// Takes what is oldest, until it is so much.
    pub(super) fn take(&mut self, enough: usize, into: &mut Vec<(Subject, Vec<u8>)>) {
        let mut taken = 0;
        while taken < enough
            && let Some(oldest) = self.waiting.pop_front()
        {
            taken += oldest.weight();
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            into.push((oldest.subject, oldest.bytes));
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Subject, Waiting};
    use alloc::vec;
    use alloc::vec::Vec;

    const ROOM: usize = size_of::<Waiting>() + 100;

    #[test]
    fn what_is_oldest_goes_when_there_is_too_much_and_is_counted() {
        let mut queue = Queue::new(3 * ROOM);
        for number in 0..3 {
            assert_eq!(queue.push(Subject::Everybody, vec![number; 100], 2), 0);
        }
        assert_eq!(queue.push(Subject::Everybody, vec![3; 100], 1), 2);
        assert_eq!(queue.bytes(), 3 * ROOM);
        let mut taken = Vec::new();
        queue.take(2 * ROOM, &mut taken);
        let first = |taken: &[(Subject, Vec<u8>)]| -> Vec<u8> {
            taken.iter().map(|(_, bytes)| bytes[0]).collect()
        };
        assert_eq!(first(&taken), [1, 2]);
        // What is larger than all there may be takes everything along.
        assert_eq!(queue.push(Subject::Everybody, vec![4; 4 * ROOM], 5), 6);
        assert!(queue.is_empty() && queue.bytes() == 0);
    }
}
