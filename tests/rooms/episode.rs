//! One episode: a server, peers that come, say something, stop reading, go on and end in every way, and what is looked at
//! when all of it has come to rest.
//!
//! Not here: what handlers do; that is `actor`.

use super::actor::{Actor, Tally, World};
use super::deflating::takeover;
use super::dice::Dice;
use super::frames::{close, frame, text};
use super::harness::{Sim, ms, secs};
use super::judge::{Slow, Told};
use super::model::{MAX_NAME, MAX_PER_CONNECTION, MAX_ROOMS, Model, key_of, policy_of};
use super::player::{OFFERS, Player};
use rustix::io::Errno;
use sockeye::proto::deflate::Policy;
use sockeye::server::{Limits, RoomSettings, Settings, SlowPolicy, Timeouts};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Longer than any deadline.
const ALL_DEADLINES: Duration = secs(60);

/// What the engine has dropped in a room.
type Dropped = BTreeMap<usize, u64>;

pub struct Episode {
    sim: Sim<Actor>,
    world: Rc<RefCell<World>>,
    players: Vec<Player>,
    /// How many there are at most.
    crowd: usize,
    dropped: Dropped,
}

/// Runs one. Says what was done, or what was not as it must be.
pub fn run(dice: Dice, operations: u64) -> Result<Tally, String> {
    let mut episode = Episode::start(dice);
    while episode.goes_on(operations) {
        episode.step()?;
    }
    episode.end()?;
    let mut tally = episode.world.borrow().tally;
    tally.rooms = episode.world.borrow().model.ledgers.len() as u64;
    Ok(tally)
}

fn settings(dice: &mut Dice, linger: Duration, patient: bool) -> Settings {
    let policy = |name: &str| match policy_of(name) {
        Slow::Close => SlowPolicy::Close,
        Slow::DropNewest => SlowPolicy::DropNewest,
        Slow::DropOldest => SlowPolicy::DropOldest,
        Slow::Conflate => SlowPolicy::Conflate(key_of),
    };
    let mut rooms = RoomSettings::default().policy(policy);
    rooms.max_queued = [700, 2000, 6000][dice.below(3)];
    rooms.max_name = MAX_NAME;
    rooms.max_per_connection = MAX_PER_CONNECTION;
    rooms.max_rooms = MAX_ROOMS;
    rooms.linger = linger;
    let limits = Limits {
        max_queued: if patient {
            1 << 20
        } else {
            [2000, 20_000][dice.below(2)]
        },
        ..Limits::default()
    };
    let timeouts = Timeouts {
        ping: secs(100_000),
        ..Timeouts::default()
    };
    let deflate = Policy {
        threshold: 100,
        level: 1,
        ..takeover()
    };
    let settings = Settings::new(limits, timeouts).rooms(rooms);
    settings.deflate(deflate)
}

impl Episode {
    fn start(mut dice: Dice) -> Self {
        let linger = [Duration::ZERO, ms(400)][dice.below(2)];
        let crowd = [3, 8, 20][dice.below(3)];
        let patient = dice.one_in(2);
        let settings = settings(&mut dice, linger, patient);
        let net = super::sim::Net::new();
        let world = World {
            model: Model::new(),
            patient,
            dice,
            net: net.clone(),
            linger,
            looked: Duration::ZERO,
            failure: None,
            busy: false,
            empty: None,
            silent: false,
            tally: Tally::default(),
        };
        let world = Rc::new(RefCell::new(world));
        let actor = Actor(Rc::clone(&world));
        let server = sockeye::server::EventLoop::new(net.kernel(), actor, settings);
        Self {
            sim: Sim {
                net,
                server,
                goes_on: true,
            },
            world,
            players: Vec::new(),
            crowd,
            dropped: BTreeMap::new(),
        }
    }

    fn goes_on(&self, operations: u64) -> bool {
        let world = self.world.borrow();
        world.tally.operations < operations && !world.dice.is_over()
    }

    fn below(&self, end: usize) -> usize {
        self.world.borrow_mut().dice.below(end)
    }

    /// One operation from outside.
    fn step(&mut self) -> Result<(), String> {
        self.world.borrow_mut().tally.operations += 1;
        match self.below(100) {
            0..8 => self.connect(),
            8..11 => self.end_one(),
            11..45 => self.speak(),
            45..55 => self.between(),
            55..66 => self.limit(),
            66..90 => self.turn()?,
            90..93 => self.pass()?,
            93..99 => self.read_one()?,
            _ => self.rest()?,
        }
        self.verdict()
    }

    /// What handlers have found.
    fn verdict(&self) -> Result<(), String> {
        let world = self.world.borrow();
        match &world.failure {
            Some(failure) => Err(failure.clone()),
            None if world.busy => Err("a handler panicked".to_owned()),
            None => Ok(()),
        }
    }

    fn connect(&mut self) {
        let here = self.players.iter().filter(|player| !player.settled);
        if here.count() >= self.crowd {
            return;
        }
        let number = self.players.len();
        let offer = OFFERS.get(self.below(2 * OFFERS.len())).copied();
        let player = Player::connect(&self.sim.net, number, offer);
        self.players.push(player);
        self.world.borrow_mut().model.told.push(Told::default());
    }

    /// One that has not ended.
    fn somebody(&self) -> Option<usize> {
        let players = self.players.iter();
        let alive = players.filter(|player| !player.ended && player.closed.is_none());
        let alive: Vec<_> = alive.map(|player| player.number).collect();
        self.world.borrow_mut().dice.pick(&alive)
    }

    fn end_one(&mut self) {
        let how = self.below(4);
        if let Some(number) = self.somebody() {
            self.world.borrow_mut().model.told[number].may_end = true;
            let player = &mut self.players[number];
            player.ended = true;
            let conn = &player.client().conn;
            match how {
                0 => conn.reset(Errno::CONNRESET),
                1 => conn.end(),
                2 => conn.push(&close(3000)),
                _ => conn.push(&frame(0xF1, b"a reserved bit")),
            }
        }
    }

    /// A few messages, in reaction to which its handler does something.
    fn speak(&self) {
        let times = 1 + self.below(3);
        if let Some(number) = self.somebody() {
            for _ in 0..times {
                self.players[number].client().push(&text("go on"));
            }
        }
    }

    /// Something is done between two turns.
    fn between(&mut self) {
        let hub = &mut self.sim.server.hub();
        let mut world = self.world.borrow_mut();
        // There is nobody to speak of before the first has come.
        if !world.model.here.is_empty() {
            world.act_between(hub, 6);
        }
    }

    /// A peer stops reading, or reads a little, or goes on.
    fn limit(&self) {
        let window = match self.below(5) {
            0..2 => 0,
            2 => 1 + self.below(40),
            3 => 100 + self.below(3000),
            _ => usize::MAX,
        };
        if let Some(number) = self.somebody() {
            self.world.borrow_mut().model.told[number].slow = true;
            self.players[number].client().conn.set_window(window);
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        self.world.borrow_mut().model.turn += 1;
        match self.below(4) {
            0 => self.sim.settle(),
            _ => self.sim.turn(),
        }
        self.look()
    }

    fn pass(&mut self) -> Result<(), String> {
        self.world.borrow_mut().model.turn += 1;
        let span = [ms(3), ms(300), secs(1), secs(4)][self.below(4)];
        self.sim.run_for(span);
        self.look()
    }

    /// What cannot be seen when a room has vanished is looked at after each turn.
    fn look(&mut self) -> Result<(), String> {
        self.verdict()?;
        let hub = self.sim.server.hub();
        for (name, room) in &self.world.borrow().model.rooms {
            if let Some(stats) = hub.stats(name) {
                let dropped = stats.dropped + stats.conflated;
                let known = self.dropped.insert(room.key, dropped);
                if known.is_some_and(|known| known > dropped) {
                    return Err(format!("{name} counts backwards: {stats:?}"));
                }
            }
        }
        Ok(())
    }

    fn read_one(&mut self) -> Result<(), String> {
        if let Some(number) = self.somebody() {
            self.read(number)?;
        }
        Ok(())
    }

    /// A peer reads, and answers a Close as it must, at times.
    fn read(&mut self, number: usize) -> Result<(), String> {
        let player = &mut self.players[number];
        player.read(&mut self.world.borrow_mut())?;
        if player.closed.is_some() && !player.ended {
            player.ended = true;
            player.client().push(&close(3000));
            if self.world.borrow_mut().dice.one_in(2) {
                player.client().conn.end();
            }
        }
        Ok(())
    }

    /// Everybody reads everything; then each list is told from its first to its last.
    fn rest(&mut self) -> Result<(), String> {
        self.world.borrow_mut().model.turn += 1;
        for player in &self.players {
            player.client().conn.set_window(usize::MAX);
        }
        self.sim.settle();
        // What a handler said when something had gone waits for nobody, but what it closed may have come to its end.
        self.sim.settle();
        self.world
            .borrow_mut()
            .act_between(&mut self.sim.server.hub(), 1);
        self.look()?;
        for number in 0..self.players.len() {
            if !self.players[number].settled {
                self.read(number)?;
                self.settle(number)?;
            }
        }
        self.sim.settle();
        self.look()?;
        self.balance()
    }

    /// Judges a peer's list.
    fn settle(&mut self, number: usize) -> Result<(), String> {
        let mut world = self.world.borrow_mut();
        let model = &mut world.model;
        let player = &mut self.players[number];
        let mut here = model.here.values();
        let is_here = here.any(|present| present.number == number && !present.closing);
        let ledgers = &mut model.ledgers;
        let policy = |room: usize| ledgers[room].policy;
        let told = &mut model.told[number];
        let what = |what| format!("peer {number} {what}");
        if is_here || player.is_closed_in_order() {
            let dropped = told.dropped(policy).map_err(what)?;
            dropped.iter().for_each(|room| ledgers[*room].missing += 1);
            told.slow = false;
        } else {
            let lost = told.lost(policy).map_err(what)?;
            lost.iter().for_each(|room| ledgers[*room].maybe += 1);
        }
        told.clear();
        // One whose request was not answered yet is still to come.
        let conn = &player.client().conn;
        player.settled = !is_here && (player.ended || conn.is_closed());
        Ok(())
    }

    /// What rooms say they have dropped is what members have not been told.
    fn balance(&self) -> Result<(), String> {
        let mut exact = 0;
        let world = self.world.borrow();
        for (name, room) in &world.model.rooms {
            let ledger = &world.model.ledgers[room.key];
            let counted = self.dropped.get(&room.key).copied().unwrap_or_default();
            let range = ledger.missing..=ledger.missing + ledger.maybe;
            if !range.contains(&counted) {
                return Err(format!("{name} counts {counted} dropped, and {ledger:?}"));
            }
            exact += u64::from(ledger.missing > 0 && ledger.maybe == 0);
        }
        let now = self.sim.net.now();
        for (name, room) in &world.model.rooms {
            let overdue = |(_, then)| then + world.linger + ms(50) < now;
            if room.emptied.is_some_and(overdue) {
                return Err(format!("{name} does not vanish: {room:?} at {now:?}"));
            }
        }
        drop(world);
        self.world.borrow_mut().tally.balanced += exact;
        Ok(())
    }

    /// Everybody goes, and nothing is left.
    fn end(&mut self) -> Result<(), String> {
        self.rest()?;
        self.verdict()?;
        self.world.borrow_mut().silent = true;
        match self.below(4) {
            0 => self.sim.server.stop(),
            1 => self
                .players
                .iter()
                .for_each(|player| player.client().conn.end()),
            _ => {
                let reset = |player: &Player| player.client().conn.reset(Errno::CONNRESET);
                self.players.iter().for_each(reset);
            }
        }
        let mut world = self.world.borrow_mut();
        world
            .model
            .told
            .iter_mut()
            .for_each(|told| told.may_end = true);
        drop(world);
        self.sim.run_for(ALL_DEADLINES);
        self.verdict()?;
        // A loop that has ended waits for no room.
        let waits = self.sim.goes_on || self.world.borrow().linger.is_zero();
        let left = (
            self.sim.server.connections(),
            self.sim.net.open_streams(),
            if waits {
                self.sim.server.hub().rooms().count()
            } else {
                0
            },
            self.sim.server.hub().online(),
        );
        if left != (0, 0, 0, 0) {
            return Err(format!(
                "connections, streams, rooms, members left: {left:?}"
            ));
        }
        let mut world = self.world.borrow_mut();
        let dropped: u64 = self.dropped.values().sum();
        world.tally.dropped += dropped;
        Ok(())
    }
}
