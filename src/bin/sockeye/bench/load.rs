//! What one thread's connections have in flight, and what came of it. Knows no socket: it is told what opened, came and
//! ended, and gives what is to be sent.
//!
//! Not here: the loop that carries it; that is `worker`.

use super::payload::{Payloads, Place};
use super::report::Tally;
use super::schedule::{Nanos, Schedule, Window};
use sockeye::server::Message;
use std::collections::VecDeque;
use std::sync::Arc;

/// The load of one thread.
pub(crate) struct Load {
    payloads: Arc<Payloads>,
    lanes: Vec<Lane>,
    pace: Pace,
    window: Window,
    pub(crate) tally: Tally,
}

/// One connection.
struct Lane {
    open: bool,
    /// The next message to be sent, and the next reply.
    next: Place,
    expected: Place,
    /// When those in flight were due, the oldest first.
    in_flight: VecDeque<Nanos>,
    limit: usize,
}

enum Pace {
    /// Everybody always has as many in flight as there may be.
    FlatOut,
    /// Messages are due at a fixed rate, and take the place that has been free for longest.
    Fixed {
        schedule: Schedule,
        free: VecDeque<Free>,
    },
}

/// A place for one more message in flight.
struct Free {
    lane: usize,
    since: Nanos,
}

impl Load {
    /// For connections with these numbers, each with up to `limit` messages in flight.
    pub(crate) fn new(
        payloads: Arc<Payloads>,
        connections: impl IntoIterator<Item = usize>,
        limit: usize,
    ) -> Self {
        let lane = |connection| Lane {
            open: false,
            next: payloads.first(connection),
            expected: payloads.first(connection),
            in_flight: VecDeque::new(),
            limit,
        };
        let lanes = connections.into_iter().map(lane).collect();
        Self {
            payloads,
            lanes,
            pace: Pace::FlatOut,
            // Nothing counts yet.
            window: Window::new(0, 0, 0),
            tally: Tally::default(),
        }
    }

    /// Everybody is connected: from now on messages are sent, and counted in the window.
    pub(crate) fn start(&mut self, window: Window, schedule: Option<Schedule>, now: Nanos) {
        self.window = window;
        if let Some(schedule) = schedule {
            let open = |lane: &usize| self.lanes[*lane].open;
            let lanes: Vec<_> = (0..self.lanes.len()).filter(open).collect();
            let limit = self.lanes.first().map_or(0, |lane| lane.limit);
            let free = (0..limit)
                .flat_map(|_| &lanes)
                .map(|lane| Free {
                    lane: *lane,
                    since: now,
                })
                .collect();
            self.pace = Pace::Fixed { schedule, free };
        }
    }

    pub(crate) fn opened(&mut self, lane: usize) {
        self.lanes[lane].open = true;
    }

    pub(crate) fn failed(&mut self, why: &str) {
        self.tally.failed(why);
    }

    /// A connection has ended; before the end of the window that is an error.
    pub(crate) fn closed(&mut self, lane: usize, now: Nanos, why: &str) {
        let lane = &mut self.lanes[lane];
        lane.open = false;
        let lost = lane
            .in_flight
            .drain(..)
            .filter(|due| self.window.holds(*due))
            .count();
        self.tally.unanswered += lost as u64;
        if now < self.window.end {
            self.tally.closed(why);
        }
    }

    /// Flat out: the next message for a connection that has a place free for it.
    pub(crate) fn fill(&mut self, lane: usize, now: Nanos) -> Option<Place> {
        let flat_out = matches!(self.pace, Pace::FlatOut);
        let free =
            self.lanes[lane].open && self.lanes[lane].in_flight.len() < self.lanes[lane].limit;
        (flat_out && free && now < self.window.end).then(|| self.launch(lane, now))
    }

    /// At a fixed rate: the next message that is due, and the connection it goes to.
    pub(crate) fn due(&mut self, now: Nanos) -> Option<(usize, Place)> {
        let Pace::Fixed { schedule, free } = &mut self.pace else {
            return None;
        };
        while free.front().is_some_and(|free| !self.lanes[free.lane].open) {
            free.pop_front();
        }
        if now >= self.window.end {
            return None;
        }
        let lane = free.front()?;
        let (lane, since) = (lane.lane, lane.since);
        let due = schedule.take(now)?;
        free.pop_front();
        if self.window.holds(due) {
            // What it waited for a place is the server's time; the rest is our own.
            self.tally.late(now.saturating_sub(due.max(since)));
        }
        Some((lane, self.launch(lane, due)))
    }

    /// When `due` has to be asked next; never, where only replies make place.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        match &self.pace {
            Pace::Fixed { schedule, free } if !free.is_empty() => {
                Some(schedule.due()).filter(|due| *due < self.window.end)
            }
            Pace::Fixed { .. } | Pace::FlatOut => None,
        }
    }

    fn launch(&mut self, lane: usize, due: Nanos) -> Place {
        let lane = &mut self.lanes[lane];
        let place = lane.next;
        lane.next = self.payloads.after(place);
        lane.in_flight.push_back(due);
        if self.window.holds(due) {
            self.tally.sent += 1;
        }
        place
    }

    /// A reply has come. One that is wrong, or that nobody asked for, is counted, and what follows is judged by itself.
    pub(crate) fn reply(&mut self, number: usize, now: Nanos, reply: Message<'_>) {
        let lane = &mut self.lanes[number];
        let Some(due) = lane.in_flight.pop_front() else {
            self.tally
                .wrong(|| "a message came that answers nothing".to_owned());
            return;
        };
        let place = lane.expected;
        lane.expected = self.payloads.after(place);
        if self.payloads.is(place, reply) {
            let bytes = reply.bytes().len() as u64;
            self.tally.reply(
                self.window.holds(due),
                self.window.holds(now),
                now.saturating_sub(due),
                bytes,
            );
        } else {
            self.tally.wrong(|| self.payloads.difference(place, reply));
        }
        if let Pace::Fixed { free, .. } = &mut self.pace {
            let lane = number;
            free.push_back(Free { lane, since: now });
        }
    }

    /// Nothing is in flight any more, on any connection that is open.
    pub(crate) fn is_answered(&self) -> bool {
        self.lanes.iter().all(|lane| lane.in_flight.is_empty())
    }

    /// The numbers of connections that are open, among this thread's.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        let open = |(number, lane): (usize, &Lane)| lane.open.then_some(number);
        self.lanes.iter().enumerate().filter_map(open)
    }

    /// Everything that was not answered, or not even sent, is counted as that.
    pub(crate) fn finish(mut self) -> Tally {
        for lane in &self.lanes {
            let lost = lane.in_flight.iter().filter(|due| self.window.holds(**due));
            self.tally.unanswered += lost.count() as u64;
        }
        if let Pace::Fixed { schedule, .. } = &self.pace {
            let since = |time| schedule.left(time);
            self.tally.unsent += since(self.window.end) - since(self.window.start);
        }
        self.tally
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
