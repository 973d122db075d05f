//! What is to be sent once there is a connection again.
//!
//! Not here: what has been given to a connection that was then lost. Nobody knows whether it arrived.

use alloc::borrow::ToOwned as _;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::Reconnect;
use crate::reactor::Message;

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Text(String),
    Binary(Vec<u8>),
}

impl Waiting {
    /// What is to be sent.
    pub(crate) fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(data) => Message::Binary(data),
        }
    }

    fn len(&self) -> usize {
        self.message().bytes().len()
    }
}

impl From<Message<'_>> for Waiting {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(data) => Self::Binary(data.to_owned()),
        }
    }
}

/// Messages in the order they were sent, bounded in number and in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    messages: VecDeque<Waiting>,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
    dropped: u64,
}

impl Queue {
    /// An empty one, with the bounds of the policy. It allocates nothing yet.
    pub(crate) const fn new(policy: &Reconnect) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            max_messages: policy.queue_messages,
            max_bytes: policy.queue_bytes,
            dropped: 0,
        }
    }

    /// Adds a message and says how many were dropped for it: the oldest, until it fits; or that one itself, and no
    /// other, where it can never fit.
    pub(crate) fn push(&mut self, message: Message<'_>) -> usize {
        let len = message.bytes().len();
        if len > self.max_bytes || self.max_messages == 0 {
            self.dropped = self.dropped.saturating_add(1);
            return 1;
        }
        let mut dropped: usize = 0;
        while self.messages.len() >= self.max_messages
            || self.bytes.saturating_add(len) > self.max_bytes
        {
            if self.pop().is_none() {
                break;
            }
            dropped = dropped.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(len);
        self.messages.push_back(message.into());
        self.dropped = self.dropped.saturating_add(dropped as u64);
        dropped
    }

    /// Takes the oldest message.
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        let message = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(message.len());
        Some(message)
    }

    /// Puts back what was taken last and not sent.
    pub(crate) fn put_back(&mut self, message: Waiting) {
        self.bytes = self.bytes.saturating_add(message.len());
        self.messages.push_front(message);
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// How many bytes they hold.
    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages were dropped since the beginning.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(messages: usize, bytes: usize) -> Queue {
        Queue::new(&Reconnect {
            queue_messages: messages,
            queue_bytes: bytes,
            ..Reconnect::default()
        })
    }

    /// What waits, oldest first.
    fn all(mut queue: Queue) -> Vec<Waiting> {
        core::iter::from_fn(move || queue.pop()).collect()
    }

    #[test]
    fn kinds_and_order_are_kept() {
        let mut queue = queue(9, 99);
        for message in [
            Message::Text("é"),
            Message::Binary(b"\xff"),
            Message::Text(""),
        ] {
            assert_eq!(queue.push(message), 0);
        }
        assert_eq!((queue.len(), queue.bytes(), queue.dropped()), (3, 3, 0));
        let all = all(queue);
        let messages: Vec<_> = all.iter().map(Waiting::message).collect();
        assert_eq!(
            messages,
            [
                Message::Text("é"),
                Message::Binary(b"\xff"),
                Message::Text("")
            ]
        );
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        // Bounds, lengths that are pushed, drops of each, lengths that are left.
        type Row<'a> = (usize, usize, &'a [usize], &'a [usize], &'a [usize]);
        let rows: [Row<'_>; 9] = [
            (2, 99, &[1, 2, 3], &[0, 0, 1], &[2, 3]),
            (1, 99, &[1, 2, 3], &[0, 1, 1], &[3]),
            (9, 10, &[4, 4, 4], &[0, 0, 1], &[4, 4]),
            (9, 10, &[4, 4, 10], &[0, 0, 2], &[10]),
            (9, 10, &[10, 0], &[0, 0], &[10, 0]),
            // What can never fit goes alone.
            (9, 10, &[4, 11, 4], &[0, 1, 0], &[4, 4]),
            (0, 10, &[1, 0], &[1, 1], &[]),
            (9, 0, &[0, 1, 0], &[0, 1, 0], &[0, 0]),
            (3, 10, &[1, 1, 1, 9], &[0, 0, 0, 2], &[1, 9]),
        ];
        for row @ (messages, bytes, pushed, dropped, left) in rows {
            let mut queue = queue(messages, bytes);
            let data = [7; 11];
            let drops: Vec<_> = pushed
                .iter()
                .map(|&len| queue.push(Message::Binary(&data[..len])))
                .collect();
            assert_eq!(drops, dropped, "{row:?}");
            assert_eq!(
                queue.dropped(),
                dropped.iter().sum::<usize>() as u64,
                "{row:?}"
            );
            assert_eq!(queue.bytes(), left.iter().sum::<usize>(), "{row:?}");
            let lens: Vec<_> = all(queue).iter().map(Waiting::len).collect();
            assert_eq!(lens, left, "{row:?}");
        }
    }
}
