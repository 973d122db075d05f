//! The services of a worker that are at work, by the paths that they are at.
//!
//! Not here: who is there, which is `place`; which route a path has, which is `site`.

use super::home::Home;
use super::info::Info;
use super::line::Line;
use super::names::Names;
use super::place::AnyPlace;
use super::request::Params;
use super::scope::Desk;
use super::site::Definition;
use crate::server::Hub;
use alloc::boxed::Box;
use alloc::string::String;
use slab::Slab;
use std::collections::HashMap;

/// The services of a worker that are at work.
#[derive(Default)]
pub(super) struct Places {
    running: Slab<Running>,
    /// By the one name of each path.
    by_path: HashMap<Box<str>, u32>,
    timers: Slab<Due>,
    /// What those are called who are there.
    pub(super) names: Names,
    /// Where keys are written.
    pub(super) key: String,
    generations: u32,
}

/// A service at work at its path.
pub(super) struct Running {
    pub(super) home: Home,
    pub(super) place: Box<dyn AnyPlace>,
    generation: u32,
    /// How often somebody has come: whoever waits for nobody to be there sees by it whether somebody was.
    comings: u32,
}

/// Which of a worker's places, in a way that a later one at the same spot is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u32,
    generation: u32,
}

/// What time brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// A service has asked to be called.
    Service(Place, u64),
    /// Whether anybody has come to a place since there had been so many.
    Idle(Place, u32),
}

impl Places {
    /// A service at work.
    pub(super) fn running(&mut self, number: u32) -> &mut Running {
        &mut self.running[number as usize]
    }

    /// What is the same for all who are at a place.
    pub(super) fn home(&self, number: u32) -> &Home {
        &self.running[number as usize].home
    }

    /// The same, and the service.
    pub(super) fn of(&self, number: u32) -> (&Home, &dyn AnyPlace) {
        let Running { home, place, .. } = &self.running[number as usize];
        (home, &**place)
    }

    /// What a connection is called, if that was said.
    pub(super) fn called(&self, info: &Info) -> Option<&str> {
        info.name.as_ref().map(|name| self.names.get(name))
    }

    /// What is the same for all, and where keys are written.
    pub(super) fn home_and_key(&mut self, number: u32) -> (&Home, &mut String) {
        (&self.running[number as usize].home, &mut self.key)
    }

    /// The service at a path, if there is one.
    #[cfg(feature = "backplane")]
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        self.by_path.get(path).copied()
    }

    /// All of them.
    #[cfg(feature = "backplane")]
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        self.by_path.values().copied()
    }

    /// A place's name for good.
    pub(super) fn name(&self, number: u32) -> Place {
        Place {
            number,
            generation: self.running[number as usize].generation,
        }
    }

    /// A service, and what a call of it may touch.
    pub(super) fn at<'r>(
        &'r mut self,
        number: u32,
        line: &'r mut (dyn Line + 'r),
    ) -> (&'r mut dyn AnyPlace, Desk<'r>) {
        let running = &mut self.running[number as usize];
        let place = Place {
            number,
            generation: running.generation,
        };
        let desk = Desk {
            line,
            home: &running.home,
            place,
            timers: &mut self.timers,
            names: &mut self.names,
            key: &mut self.key,
            gone: None,
        };
        (&mut *running.place, desk)
    }

    /// Somebody comes to a path. Its service is made where there is none.
    pub(super) fn enter(
        &mut self,
        definition: &Definition,
        path: &str,
        params: &Params,
        home: impl FnOnce() -> Home,
    ) -> u32 {
        if let Some(number) = self.by_path.get(path).copied() {
            let running = self.running(number);
            running.comings = running.comings.wrapping_add(1);
            return number;
        }
        // First, for it is the application's, and may panic.
        let place = (definition.make)(params);
        self.generations = self.generations.wrapping_add(1);
        let number = self.running.insert(Running {
            home: home(),
            place,
            generation: self.generations,
            comings: 0,
        });
        let number = u32::try_from(number).expect("there are not more places than connections");
        self.by_path.insert(path.into(), number);
        number
    }

    /// Somebody has left. Where nobody is left, the service goes, but not at once: whoever loads a page anew is back in a
    /// moment.
    pub(super) fn leave(&mut self, number: u32, hub: &mut Hub<'_>) {
        let place = self.name(number);
        let running = &self.running[number as usize];
        if running.place.is_empty() {
            let due = self.timers.insert(Due::Idle(place, running.comings));
            hub.after(running.home.definition.route.linger, due as u64);
        }
    }

    /// A timer is due. Where it is a service's, and that is still there, the service is to be called with the key.
    pub(super) fn due(&mut self, key: u64) -> Option<(u32, u64)> {
        let due = self.timers.try_remove(usize::try_from(key).ok()?)?;
        match due {
            Due::Idle(place, comings) => {
                self.end(place, comings);
                None
            }
            Due::Service(place, key) => self.is_there(place).then_some((place.number, key)),
        }
    }

    /// Ends a service where nobody has come since.
    fn end(&mut self, place: Place, comings: u32) {
        if !self.is_there(place) {
            return;
        }
        let running = self.running(place.number);
        if running.comings != comings || !running.place.is_empty() {
            return;
        }
        let Running { home, place, .. } = self.running.remove(place.number as usize);
        self.by_path.remove(&home.path);
        let Home {
            path,
            online,
            shared,
            ..
        } = home;
        drop(online);
        shared.forget(&path);
        // Last, for it is the application's.
        drop(place);
    }

    fn is_there(&self, place: Place) -> bool {
        let running = self.running.get(place.number as usize);
        running.is_some_and(|running| running.generation == place.generation)
    }

    /// How many services are at work.
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }
}
