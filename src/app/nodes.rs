//! An application's place among nodes that share its rooms.
//!
//! Not here: what nodes do; that is [`backplane`](crate::backplane).

use super::Audience;
use super::audience::{everybody, room_in, user_in};
use super::home::Home;
use super::places::Places;
use crate::backplane::{Backplane, BackplaneEvent, Node, NodeBuilder};
use crate::server::Exchange;
use alloc::boxed::Box;
use alloc::string::String;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What was said on another node, and connections at this path have not heard.
#[derive(Clone, Debug)]
pub struct Gap<'g> {
    /// To whom it was said, of the connections of this worker: what is said to them is said [there](Audience::on_worker)
    /// alone, as other workers are told, too.
    pub to: Audience<'g>,
    /// How many messages; `None` where nobody can tell, or whether there were any.
    pub missed: Option<u64>,
    /// What was kept is not any more. Of what is kept nothing is missed else, for it is told later.
    pub kept: bool,
}

type Start = Box<dyn FnOnce(&Exchange) -> io::Result<Node> + Send>;

/// The node that an application is, if it is one: it starts with the first of its workers.
#[derive(Default)]
pub(super) struct Nodes {
    start: Mutex<Option<Start>>,
    node: OnceLock<Node>,
}

impl Nodes {
    pub(super) fn new(builder: NodeBuilder, backplane: impl Backplane) -> Self {
        let start: Start = Box::new(move |exchange| builder.start(exchange, backplane));
        Self {
            start: Mutex::new(Some(start)),
            node: OnceLock::new(),
        }
    }

    /// Starts it, unless it was started.
    pub(super) fn start(&self, exchange: &Exchange) -> io::Result<()> {
        let start = self
            .start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(start) = start {
            // Nobody else has started one.
            let _ = self.node.set(start(exchange)?);
        }
        Ok(())
    }

    pub(super) fn node(&self) -> Option<&Node> {
        self.node.get()
    }
}

impl Home {
    /// How many are in a room of this path on other nodes, by its key.
    pub(super) fn elsewhere(&self, key: &str) -> usize {
        let node = self.shared.nodes.node();
        node.map_or(0, |node| node.count_elsewhere(key))
    }

    /// How many are at this path on other nodes.
    pub(super) fn online_elsewhere(&self, key: &mut String) -> usize {
        match self.shared.nodes.node() {
            Some(node) => node.count_elsewhere(everybody(&self.path, key)),
            None => 0,
        }
    }
}

/// The places where something is missed, and to whom it was said there.
pub(super) fn missed_at<'e>(
    places: &Places,
    event: &'e BackplaneEvent,
) -> alloc::vec::Vec<(u32, Gap<'e>)> {
    let BackplaneEvent::Gap {
        room, missed, kept, ..
    } = event
    else {
        return alloc::vec::Vec::new();
    };
    let (missed, kept) = (*missed, *kept);
    let Some(key) = room.as_deref() else {
        let all = |place| {
            let to = Audience::all().on_worker();
            (place, Gap { to, missed, kept })
        };
        return places.all().map(all).collect();
    };
    let path = key.split(' ').next().unwrap_or_default();
    let to = match (room_in(key), user_in(key)) {
        (Some((_, name)), _) => Audience::room(name),
        (_, Some(name)) => Audience::user(name),
        _ => Audience::all(),
    };
    let to = to.on_worker();
    let place = places.find(path);
    place
        .map(|place| (place, Gap { to, missed, kept }))
        .into_iter()
        .collect()
}
