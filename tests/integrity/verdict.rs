//! The sums, and whether they come out even.

use crate::member::{Part, Stage};
use crate::rounds::Run;
use crate::said::{CLOSE, ROOMS, rooms_in};
use crate::servers::Stats;
use std::fmt;
use std::time::Duration;

/// What came of one room.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    published: u64,
    /// Each message counts for each of those who were members and were not closed.
    due: u64,
    delivered: u64,
    dropped: u64,
    conflated: u64,
    closed: u64,
}

pub struct Verdict {
    rooms: [Sums; ROOMS.len()],
    deliveries: u64,
    rounds: u64,
    naps: u64,
    /// Members that were closed for reading too slowly.
    pub closed: u64,
    took: Duration,
}

impl Verdict {
    /// Checks what the rooms of both loops say against what their members have seen.
    pub fn of(run: &Run, loops: &[Stats]) -> Self {
        let rooms = std::array::from_fn(|room| {
            let sums = sums_of(run, loops, room);
            let told = sums.delivered + sums.dropped + sums.conflated;
            assert_eq!(sums.due, told, "{}: {sums:?}", ROOMS[room]);
            let may_close = CLOSE >> room & 1 == 1;
            assert!(may_close || sums.closed == 0, "{}: {sums:?}", ROOMS[room]);
            sums
        });
        let closed = rooms.iter().map(|sums| sums.closed).sum();
        assert_eq!(closed, run.closed);
        Self {
            rooms,
            deliveries: run.deliveries(),
            rounds: run.rounds,
            naps: run.naps,
            closed,
            took: run.begin.elapsed(),
        }
    }

    /// Everything happened that was to be survived.
    pub fn is_worth_something(&self) -> bool {
        let dropped = |room: usize| self.rooms[room].dropped > 0;
        let conflated = |room: usize| self.rooms[room].conflated > 0;
        self.closed > 0 && (2..6).all(dropped) && (6..8).all(conflated)
    }
}

fn sums_of(run: &Run, loops: &[Stats], room: usize) -> Sums {
    let published: u64 = run.said.iter().map(|rooms| u64::from(rooms[room])).sum();
    let mut sums = Sums {
        published,
        ..Sums::default()
    };
    for stats in loops.iter().map(|rooms| rooms[room]) {
        // Each loop has heard everything once.
        assert_eq!(stats.published, published, "{}", ROOMS[room]);
        sums.dropped += stats.dropped;
        sums.conflated += stats.conflated;
        sums.closed += stats.closed;
    }
    for member in &run.members {
        // Of those who may come and go others have checked that nothing is missing in what they were told.
        let stayed = member.stage == Stage::Answered
            && (member.kind.part == Part::Steady || !member.may_be_closed());
        if stayed && rooms_in(member.kind.rooms).any(|other| other == room) {
            sums.due += member.due_in(room, &run.said);
            sums.delivered += member.received[room];
        }
    }
    sums
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        writeln!(
            f,
            "{} deliveries in {} rounds and {seconds:.1} s; {} naps; {} closed for reading too slowly",
            self.deliveries, self.rounds, self.naps, self.closed
        )?;
        writeln!(
            f,
            "{:<12}{:>12}{:>14}{:>14}{:>12}{:>12}{:>8}",
            "room", "published", "due", "delivered", "dropped", "conflated", "closed"
        )?;
        for (name, sums) in ROOMS.iter().zip(&self.rooms) {
            writeln!(
                f,
                "{name:<12}{:>12}{:>14}{:>14}{:>12}{:>12}{:>8}",
                sums.published, sums.due, sums.delivered, sums.dropped, sums.conflated, sums.closed
            )?;
        }
        Ok(())
    }
}
