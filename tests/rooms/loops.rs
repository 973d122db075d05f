//! Two loops that share rooms, on real sockets and one thread: their turns are taken by hand, so that what happens between
//! them happens in one order.
//!
//! Not here: compression there, which is `tests/workers_deflate.rs`; threads, which are `tests/loom`.

use crate::frames::{self, CLOSE, Frame, REQUEST};
use crate::stage::Script;
use sockeye::proto::{CloseCode, SendError};
use sockeye::server::{Builder, ConnectionId, Exchange, Hub, JoinError, Mio, Receipt, Server, To};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// However slow the machine: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Loop {
    server: Server<Script<Mio>>,
}

struct Remote {
    id: ConnectionId,
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// Two loops, and two members of the first and of the second.
struct Pair {
    here: Loop,
    there: Loop,
    ours: [Remote; 2],
    theirs: [Remote; 2],
}

impl Loop {
    fn start(exchange: &Exchange) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let builder = Builder::new().exchange(exchange);
        let server = builder.bind(any, Script::default()).expect("a free port");
        Self { server }
    }

    fn hub(&mut self) -> Hub<'_> {
        self.server.event_loop().hub()
    }

    fn turn(&mut self) {
        let at_most = Duration::from_millis(1);
        self.server.turn(Some(at_most)).expect("polling works");
    }

    fn member(&mut self) -> Remote {
        let stream = TcpStream::connect(self.server.local_addr()).expect("it listens");
        stream.set_nonblocking(true).expect("a socket");
        (&stream).write_all(REQUEST).expect("it is small");
        let before = self.server.event_loop().handler().opened.len();
        let id = wait_for(|| {
            self.turn();
            let opened = &self.server.event_loop().handler().opened;
            opened.get(before).copied()
        });
        let bytes = Vec::new();
        let mut remote = Remote { id, stream, bytes };
        wait_for(|| {
            remote.receive();
            frames::take_head(&mut remote.bytes)
        });
        remote
    }

    /// What each of them was told, up to a last message for all, or a Close.
    fn told(&mut self, remotes: &mut [Remote; 2]) -> [Vec<String>; 2] {
        remotes.each_mut().map(|remote| {
            wait_for(|| {
                self.turn();
                remote.receive();
                let frames = frames::take_frames(&mut remote.bytes.clone());
                let ends = |frame: &Frame| frame.opcode == CLOSE || frame.payload == b"end";
                frames.last().is_some_and(ends).then_some(())
            });
            let frames = frames::take_frames(&mut remote.bytes).into_iter();
            let words = frames.map(|frame| match frame.close_code() {
                Some(code) => code.to_string(),
                None => String::from_utf8(frame.payload).expect("text"),
            });
            words.filter(|word| word != "end").collect()
        })
    }
}

impl Remote {
    fn receive(&mut self) {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

fn wait_for<R>(mut look: impl FnMut() -> Option<R>) -> R {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "nothing happens");
    }
}

impl Pair {
    fn start() -> Self {
        let exchange = Exchange::new();
        let (mut here, mut there) = (Loop::start(&exchange), Loop::start(&exchange));
        let ours = [(); 2].map(|()| here.member());
        let theirs = [(); 2].map(|()| there.member());
        Self {
            here,
            there,
            ours,
            theirs,
        }
    }

    /// A last message ends what was said; what each of the four was told before.
    fn told(&mut self) -> [[Vec<String>; 2]; 2] {
        self.here.turn();
        self.here.hub().publish(To::all(), "end");
        self.here.turn();
        let ours = self.here.told(&mut self.ours);
        [ours, self.there.told(&mut self.theirs)]
    }
}

fn join(hub: &mut Hub<'_>, remote: &Remote, rooms: &[&str]) {
    for room in rooms {
        assert_eq!(hub.join(remote.id, room), Ok(true));
    }
}

#[test]
fn what_is_published_on_one_reaches_members_of_all() {
    let mut pair = Pair::start();
    join(&mut pair.here.hub(), &pair.ours[0], &["a"]);
    join(&mut pair.there.hub(), &pair.theirs[0], &["a", "b"]);
    let (our, their) = (pair.ours[0].id, pair.theirs[0].id);
    let mut hub = pair.here.hub();
    assert_eq!(hub.publish("a", "to a").queued, 1, "here");
    assert_eq!(hub.publish("b", "to b"), Receipt::default(), "there alone");
    hub.publish(To::rooms(&["a", "b"]), "to both");
    hub.publish(To::all().except(our), "to all but ours");
    hub.publish(To::room("a").except(their), "but theirs");
    hub.publish(To::rooms(&["b", "a"]).except(their), "but theirs again");
    hub.publish(To::those(move |id| id == our || id == their), "to two");
    hub.publish(To::those(move |id| id == their).except(their), "to none");
    let [[one, other], [two, last]] = pair.told();
    assert_eq!(
        one,
        [
            "to a",
            "to both",
            "but theirs",
            "but theirs again",
            "to two"
        ]
    );
    assert_eq!(other, ["to all but ours"]);
    assert_eq!(
        two,
        ["to a", "to b", "to both", "to all but ours", "to two"]
    );
    assert_eq!(last, ["to all but ours"]);
}

#[test]
fn what_is_said_on_one_loop_stays_there_and_in_order() {
    let mut pair = Pair::start();
    join(&mut pair.here.hub(), &pair.ours[0], &["a"]);
    join(&mut pair.there.hub(), &pair.theirs[0], &["a", "b"]);
    let (our, their) = (pair.ours[0].id, pair.theirs[0].id);
    let mut hub = pair.here.hub();
    hub.publish("a", "first");
    assert_eq!(hub.publish(To::room("a").on_loop(), "to a").queued, 1);
    hub.publish("a", "then");
    let nobody = Receipt::default();
    assert_eq!(hub.publish(To::room("b").on_loop(), "to b"), nobody);
    hub.publish(To::rooms(&["a", "b"]).on_loop(), "to both");
    assert_eq!(hub.publish(To::all().on_loop(), "to all").queued, 2);
    hub.publish(To::all().on_loop().except(our), "to all but ours");
    hub.publish(To::one(our).on_loop(), "to one");
    assert_eq!(hub.publish(To::one(their).on_loop(), "to one"), nobody);
    hub.publish(To::those(|_| true).on_loop(), "to two");
    pair.here.turn();
    // A handle is on no loop.
    let handle = pair.here.server.handle();
    let said = handle.publish(To::room("a").on_loop(), "by a handle");
    assert_eq!(said, Ok(()));
    let [[one, other], [two, last]] = pair.told();
    assert_eq!(
        one,
        [
            "first",
            "to a",
            "then",
            "to both",
            "to all",
            "to one",
            "to two",
            "by a handle"
        ]
    );
    assert_eq!(other, ["to all", "to all but ours", "to two"]);
    assert_eq!(two, ["first", "then", "by a handle"]);
    assert_eq!(last, [] as [&str; 0]);
}

#[test]
fn one_on_another_loop_can_be_told_and_closed_but_not_moved() {
    let mut pair = Pair::start();
    let their = pair.theirs[0].id;
    let mut hub = pair.here.hub();
    assert_eq!(hub.send(their, "before"), Ok(()));
    assert_eq!(hub.join(their, "a"), Err(JoinError::Gone));
    assert!(!hub.leave(their, "a") && !hub.is_open(their));
    assert_eq!(hub.close(their, CloseCode::NORMAL, ""), Ok(()));
    assert_eq!(hub.send(their, "after"), Ok(()), "nobody knows in time");
    let [ours, [closed, open]] = pair.told();
    assert_eq!(closed, ["before", "1000"]);
    assert_eq!([&ours[0], &ours[1], &open], [&[] as &[String]; 3]);
    let mut hub = pair.there.hub();
    let again = hub.close(their, CloseCode::NORMAL, "");
    assert_eq!(again, Err(SendError::Closed), "it knows");
}

#[test]
fn what_one_publisher_says_is_in_order_everywhere() {
    let mut pair = Pair::start();
    join(&mut pair.here.hub(), &pair.ours[1], &["a", "b"]);
    join(&mut pair.there.hub(), &pair.theirs[1], &["a", "b"]);
    let (our, their) = (pair.ours[1].id, pair.theirs[1].id);
    let mut expected = Vec::new();
    for round in 0..20 {
        let mut hub = pair.here.hub();
        // One room, and what crosses it.
        let words = [1, 2, 3, 4, 5, 6].map(|number| format!("{round}.{number}"));
        hub.publish("a", words[0].as_str());
        hub.publish(To::one(our), words[1].as_str());
        hub.publish(To::one(their), words[1].as_str());
        hub.publish("a", words[2].as_str());
        hub.publish(To::rooms(&["b", "a"]), words[3].as_str());
        hub.publish("a", words[4].as_str());
        hub.publish(
            To::those(move |id| id == our || id == their),
            words[5].as_str(),
        );
        expected.extend(words);
        if round % 3 == 0 {
            pair.here.turn();
        }
        if round % 4 == 0 {
            pair.there.turn();
        }
    }
    let [[_, one], [_, other]] = pair.told();
    assert_eq!(one, expected);
    assert_eq!(other, expected);
}

#[test]
fn both_may_talk_at_once() {
    let mut pair = Pair::start();
    join(&mut pair.here.hub(), &pair.ours[0], &["a"]);
    join(&mut pair.there.hub(), &pair.theirs[0], &["a"]);
    for number in 0..50 {
        pair.here
            .hub()
            .publish("a", format!("here {number}").as_str());
        pair.there
            .hub()
            .publish("a", format!("there {number}").as_str());
        if number % 7 == 0 {
            pair.here.turn();
        }
        if number % 5 == 0 {
            pair.there.turn();
        }
    }
    pair.there.turn();
    let [[one, _], [other, _]] = pair.told();
    for told in [one, other] {
        for loop_name in ["here", "there"] {
            let of = told.iter().filter_map(|word| word.strip_prefix(loop_name));
            let expected = (0..50).map(|number| format!(" {number}"));
            assert!(of.eq(expected), "{loop_name}: {told:?}");
        }
    }
}

#[test]
fn whoever_joins_is_told_what_other_loops_say_from_then_on() {
    let mut pair = Pair::start();
    join(&mut pair.there.hub(), &pair.theirs[0], &["a"]);
    pair.here.hub().publish("a", "from here");
    pair.here.turn();
    // It was said, and is not heard there yet.
    pair.there.hub().publish("a", "from there");
    join(&mut pair.there.hub(), &pair.theirs[1], &["a"]);
    let [_, [before, after]] = pair.told();
    assert_eq!(before, ["from there", "from here"]);
    assert_eq!(after, ["from here"]);
}
