//! What waits to be carried to other nodes: bounded by bytes, and what is oldest goes first when there is too much.
//!
//! What is dropped had its number, so whoever hears what comes later knows that something is missing, and how much.
//!
//! Not here: how it is carried.

use super::Subject;
use crate::reactor::History;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) subject: Subject,
    pub(super) bytes: Vec<u8>,
    pub(super) messages: u32,
    /// The broker is to keep so much of it; and which message it is, among those.
    pub(super) kept: Option<(History, u64)>,
}

impl Waiting {
    pub(super) const fn new(subject: Subject, bytes: Vec<u8>, messages: u32) -> Self {
        Self {
            subject,
            bytes,
            messages,
            kept: None,
        }
    }

    pub(super) const fn kept(mut self, history: History, number: u64) -> Self {
        self.kept = Some((history, number));
        self
    }

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

    /// Puts something behind all the rest. Gives what is dropped for it.
    pub(super) fn push(&mut self, waiting: Waiting) -> Vec<Waiting> {
        self.bytes = self.bytes.saturating_add(waiting.weight());
        self.waiting.push_back(waiting);
        let mut dropped = Vec::new();
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            dropped.push(oldest);
        }
        dropped
    }

    /// Takes what is oldest, until it is so much.
    pub(super) fn take(&mut self, enough: usize) -> Vec<Waiting> {
        let (mut taken, mut all) = (0, Vec::new());
        while taken < enough
            && let Some(oldest) = self.waiting.pop_front()
        {
            taken += oldest.weight();
            self.bytes = self.bytes.saturating_sub(oldest.weight());
            all.push(oldest);
        }
        all
    }

    /// The first that the broker is to keep.
    pub(super) fn first_kept(&self) -> Option<u64> {
        let mut waiting = self.waiting.iter();
        waiting.find_map(|waiting| waiting.kept.map(|(_, number)| number))
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
        let waiting = |number, bytes, messages| {
            Waiting::new(Subject::Everybody, vec![number; bytes], messages)
        };
        let messages =
            |dropped: Vec<Waiting>| -> u32 { dropped.iter().map(|dropped| dropped.messages).sum() };
        for number in 0..3 {
            assert_eq!(messages(queue.push(waiting(number, 100, 2))), 0);
        }
        assert_eq!(messages(queue.push(waiting(3, 100, 1))), 2);
        assert_eq!(queue.bytes(), 3 * ROOM);
        let taken = queue.take(2 * ROOM);
        let first: Vec<u8> = taken.iter().map(|waiting| waiting.bytes[0]).collect();
        assert_eq!(first, [1, 2]);
        // What is larger than all there may be takes everything along.
        assert_eq!(messages(queue.push(waiting(4, 4 * ROOM, 5))), 6);
        assert!(queue.is_empty() && queue.bytes() == 0);
    }
}
