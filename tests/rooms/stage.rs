//! A server whose handler does what a test has written down, and members by their ids.
//!
//! Not here: anything random; that is `actor`.

use crate::frames::{Frame, REQUEST, text};
use crate::harness::{Client, Sim};
use crate::sim::SimKernel;
use sockeye::kernel::Kernel;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Cause, Closed, ConnectionId, Handler, Hub, Limits, Message, Peer, RoomSettings, Settings,
    Timeouts,
};
use std::collections::VecDeque;

type Act<K> = Box<dyn FnOnce(&mut Peer<'_, K>)>;
type LastAct = Box<dyn FnOnce(&mut Hub<'_>, ConnectionId)>;

/// What is done when something happens, in turn; and then nothing.
pub struct Script<K: Kernel = SimKernel> {
    pub opened: Vec<ConnectionId>,
    pub ended: Vec<(ConnectionId, Cause)>,
    pub on_open: VecDeque<Act<K>>,
    pub on_message: VecDeque<Act<K>>,
    pub on_drain: VecDeque<Act<K>>,
    pub on_close: VecDeque<LastAct>,
    /// Something that was to be done has not come to its end: what it asserts is not so, and the loop took that for a
    /// panic of a handler.
    pub unfinished: bool,
}

impl<K: Kernel> Drop for Script<K> {
    fn drop(&mut self) {
        assert!(
            !self.unfinished || std::thread::panicking(),
            "what a handler asserted is not so"
        );
    }
}

impl<K: Kernel> Default for Script<K> {
    fn default() -> Self {
        Self {
            opened: Vec::new(),
            ended: Vec::new(),
            on_open: VecDeque::new(),
            on_message: VecDeque::new(),
            on_drain: VecDeque::new(),
            on_close: VecDeque::new(),
            unfinished: false,
        }
    }
}

impl<K: Kernel> Handler<K> for Script<K> {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, K>, _: &Request<'_>) {
        self.opened.push(peer.id());
        if let Some(act) = self.on_open.pop_front() {
            self.unfinished = true;
            act(peer);
            self.unfinished = false;
        }
    }

    fn on_message(&mut self, peer: &mut Peer<'_, K>, (): &mut (), _: Message<'_>) {
        if let Some(act) = self.on_message.pop_front() {
            self.unfinished = true;
            act(peer);
            self.unfinished = false;
        }
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, K>, (): &mut ()) {
        if let Some(act) = self.on_drain.pop_front() {
            self.unfinished = true;
            act(peer);
            self.unfinished = false;
        }
    }

    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, (): (), closed: &Closed<'_>) {
        self.ended.push((id, closed.cause));
        if let Some(act) = self.on_close.pop_front() {
            self.unfinished = true;
            act(hub, id);
            self.unfinished = false;
        }
    }
}

/// A peer, and the id under which the server has it.
pub struct Member {
    pub id: ConnectionId,
    pub client: Client,
}

pub type Stage = Sim<Script>;

pub fn stage() -> Stage {
    stage_with(RoomSettings::default())
}

pub fn stage_with(rooms: RoomSettings) -> Stage {
    let settings = Settings::new(Limits::default(), Timeouts::default()).rooms(rooms);
    Sim::of(Script::default(), settings.deflate(None))
}

impl Stage {
    pub fn member(&mut self) -> Member {
        let client = self.open();
        let id = *self.server.handler().opened.last().expect("it is open");
        Member { id, client }
    }

    /// Members of a room.
    pub fn members<const N: usize>(&mut self, room: &str) -> [Member; N] {
        [(); N].map(|()| {
            let member = self.member();
            self.hub().join(member.id, room).expect("there is room");
            member
        })
    }

    /// So many at once, in the order of their ids.
    pub fn crowd(&mut self, count: usize) -> Vec<Member> {
        let clients: Vec<_> = (0..count).map(|_| self.connect()).collect();
        clients.iter().for_each(|client| client.push(REQUEST));
        let before = self.server.handler().opened.len();
        self.settle();
        let ids = self.server.handler().opened.split_off(before);
        assert_eq!(ids.len(), count);
        let members = clients.into_iter().zip(ids);
        let mut members: Vec<_> = members.map(|(client, id)| Member { id, client }).collect();
        members
            .iter_mut()
            .for_each(|member| drop(member.client.head()));
        members
    }

    pub fn hub(&mut self) -> Hub<'_> {
        self.server.hub()
    }

    /// Has this member's handler do something, with the others' in the next turn.
    pub fn have(&mut self, member: &Member, act: impl FnOnce(&mut Peer<'_, SimKernel>) + 'static) {
        self.server.handler().on_message.push_back(Box::new(act));
        member.client.push(&text("go on"));
    }
}

impl Member {
    /// What it was told since this was asked last.
    #[track_caller]
    pub fn told(&mut self) -> Vec<String> {
        let frames = self.client.frames();
        frames.into_iter().map(said).collect()
    }
}

/// A text, or the code of a Close.
fn said(frame: Frame) -> String {
    match frame.close_code() {
        Some(code) => code.to_string(),
        None => String::from_utf8(frame.payload).expect("text"),
    }
}
