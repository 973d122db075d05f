//! Pausing: who is not read is not heard, not judged, and loses nothing.

use crate::frames::{self, CLOSE, Frame, PING, PONG, binary, close, ping, pong, text};
use crate::harness::{Client, Sim, ms, secs};
use crate::sim::SimKernel;
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Cause, Closed, ConnectionId, Handler, Hub, Limits, Message, Peer, Settings, Timeouts,
};

/// Where it is to pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Nowhere,
    Open,
    Ping,
    Pong,
    Drain,
}

/// Says what it is told, echoes, and pauses where it was set to or where a text asks for it.
#[derive(Default)]
struct Valve {
    id: Option<ConnectionId>,
    heard: Vec<String>,
    place: Place,
    resume_on_drain: bool,
    causes: Vec<(Cause, bool)>,
}

impl Valve {
    fn at(&self, place: Place, peer: &mut Peer<'_, SimKernel>) {
        if self.place == place {
            peer.pause();
            assert!(peer.is_paused());
        }
    }
}

impl Handler<SimKernel> for Valve {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        self.id = Some(peer.id());
        self.at(Place::Open, peer);
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let text = match message {
            Message::Text(text) => text.to_owned(),
            Message::Binary(data) => format!("{} bytes", data.len()),
        };
        match text.as_str() {
            "!pause" => peer.pause(),
            "!twice" => {
                peer.pause();
                peer.resume();
                assert!(!peer.is_paused());
            }
            "!pause and close" => {
                peer.pause();
                peer.close(CloseCode::NORMAL, "").expect("open until now");
            }
            "!pause and panic" => {
                peer.pause();
                panic!("asked to");
            }
            _ => drop(peer.send(message)),
        }
        self.heard.push(text);
    }

    fn on_ping(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: &[u8]) {
        self.heard.push("ping".to_owned());
        self.at(Place::Ping, peer);
    }

    fn on_pong(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: &[u8]) {
        self.heard.push("pong".to_owned());
        self.at(Place::Pong, peer);
    }

    fn on_drain(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut ()) {
        self.at(Place::Drain, peer);
        if self.resume_on_drain {
            peer.resume();
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        self.causes.push((closed.cause, closed.clean));
    }
}

fn sim(valve: Valve, timeouts: Timeouts) -> Sim<Valve> {
    Sim::of(
        valve,
        Settings::new(Limits::default(), timeouts).deflate(None),
    )
}

/// A peer that is not read.
fn paused() -> (Sim<Valve>, Client) {
    paused_with(Timeouts::default())
}

fn paused_with(timeouts: Timeouts) -> (Sim<Valve>, Client) {
    let mut sim = sim(Valve::default(), timeouts);
    let client = sim.open();
    with_peer(&mut sim, |peer| peer.pause());
    (sim, client)
}

/// Calls with the only peer.
fn with_peer(sim: &mut Sim<Valve>, call: impl FnOnce(&mut Peer<'_, SimKernel>)) {
    let id = sim.server.handler().id.expect("one that was opened");
    sim.server
        .with_peer(id, |peer, ()| call(peer))
        .expect("it is open");
}

fn resume(sim: &mut Sim<Valve>) {
    with_peer(sim, |peer| peer.resume());
    sim.settle();
}

fn heard(sim: &mut Sim<Valve>) -> Vec<String> {
    std::mem::take(&mut sim.server.handler().heard)
}

#[test]
fn what_stands_behind_the_message_stays_unread_and_comes_in_order() {
    let mut sim = sim(Valve::default(), Timeouts::default());
    let mut client = sim.open();
    let behind = [
        text("b"),
        ping(b"?"),
        text("!pause"),
        text("c"),
        binary(&[1; 200_000]),
    ]
    .concat();
    client.push(&[text("a"), text("!pause"), behind].concat());
    sim.settle();
    assert_eq!(heard(&mut sim), ["a", "!pause"]);
    assert_eq!(client.frame(), Frame::text("a"));
    // Nothing is reported between.
    resume(&mut sim);
    assert_eq!(heard(&mut sim), ["b", "ping", "!pause"]);
    let opcodes: Vec<_> = client.frames().iter().map(|frame| frame.opcode).collect();
    assert_eq!(opcodes, [frames::TEXT, PONG]);
    client.push(&text("d"));
    sim.settle();
    assert_eq!(heard(&mut sim), [""; 0]);
    resume(&mut sim);
    assert_eq!(heard(&mut sim), ["c", "200000 bytes", "d"]);
}

#[test]
fn it_may_pause_in_each_call() {
    for place in [Place::Open, Place::Ping, Place::Pong, Place::Drain] {
        let valve = Valve {
            place,
            ..Valve::default()
        };
        let mut sim = sim(valve, Timeouts::default());
        let mut client = sim.connect();
        // The request and the frames come in one read.
        let first = match place {
            Place::Ping => ping(b"?"),
            Place::Pong => pong(b"!"),
            _ => Vec::new(),
        };
        let request = frames::REQUEST.to_vec();
        if place == Place::Drain {
            client.push(&request);
            sim.settle();
            client.conn.set_window(0);
            client.push(&text("echo"));
            sim.settle();
            client.conn.set_window(usize::MAX);
            sim.settle();
            client.push(&text("behind"));
        } else {
            client.push(&[request, first, text("behind")].concat());
        }
        sim.settle();
        assert!(!heard(&mut sim).contains(&"behind".to_owned()), "{place:?}");
        assert!(client.head().starts_with("HTTP/1.1 101 "));
        sim.server.handler().place = Place::Nowhere;
        resume(&mut sim);
        assert_eq!(heard(&mut sim), ["behind"], "{place:?}");
        assert_eq!(client.frames().pop(), Some(Frame::text("behind")));
    }
}

#[test]
fn whoever_is_paused_is_not_received_from() {
    let (mut sim, client) = paused();
    let receives = client.conn.receives();
    client.push(&binary(&[1; 50]).repeat(40_000));
    let bytes = client.conn.unreceived();
    sim.run_for(secs(100));
    client.push(&text("another edge"));
    sim.settle();
    assert_eq!(client.conn.receives(), receives);
    assert!(client.conn.unreceived() > bytes);
    resume(&mut sim);
    assert_eq!(client.conn.unreceived(), 0);
    assert_eq!(heard(&mut sim).len(), 40_001);
}

#[test]
fn what_waits_costs_no_turns() {
    let (mut sim, client) = paused();
    client.push(&text("waits"));
    sim.settle();
    let before = sim.net.calls();
    sim.run_for(secs(600));
    let after = sim.net.calls();
    assert_eq!(after.work(), before.work(), "not even a ping");
    let polls = after.polls - before.polls;
    assert!(polls < 300, "{polls} polls");
}

#[test]
fn pausing_and_resuming_in_one_call_is_nothing() {
    let mut sim = sim(Valve::default(), Timeouts::default());
    let mut client = sim.open();
    client.push(&[text("!twice"), text("next")].concat());
    sim.settle();
    assert_eq!(heard(&mut sim), ["!twice", "next"]);
    assert_eq!(client.frame(), Frame::text("next"));
}

/// Its time stands still: what had not run out before runs out so much later.
#[test]
fn no_deadline_strikes_and_none_is_forgotten() {
    let timeouts = Timeouts {
        idle: Some(secs(50)),
        ..Timeouts::default()
    };
    // What the peer did before, when it is paused, and when it is closed, counted in the time that it is read.
    for (before, pause_at, closed_at, code, reason) in [
        // A ping after 20 s without a frame, and 10 s for the pong: both begin anew with reading.
        (Vec::new(), 25, 25 + 10, 1001, "ping timeout"),
        (Vec::new(), 5, 5 + 30, 1001, "ping timeout"),
        (vec![0x81], 5, 30, 1008, "message was not completed in time"),
    ] {
        let mut sim = sim(Valve::default(), timeouts);
        let mut client = sim.open();
        client.push(&before);
        sim.run_for(secs(pause_at));
        with_peer(&mut sim, |peer| peer.pause());
        sim.run_for(secs(1000));
        assert!(!client.frames().iter().any(|frame| frame.opcode == CLOSE));
        resume(&mut sim);
        let left = closed_at - pause_at;
        sim.run_for(secs(left) - ms(100));
        assert!(!client.frames().iter().any(|frame| frame.opcode == CLOSE));
        sim.run_for(ms(200));
        let told = client.frames();
        assert_eq!(told, [Frame::close(code, reason)], "{before:?}");
    }
}

#[test]
fn silence_while_it_is_not_read_is_not_idleness() {
    let idle = Some(secs(50));
    let (mut sim, mut client) = paused_with(Timeouts {
        idle,
        ..Timeouts::default()
    });
    sim.run_for(secs(1000));
    resume(&mut sim);
    for second in 0..49 {
        client.push(&ping(b""));
        sim.run_for(secs(1));
        let told = client.frames();
        assert!(
            told.iter().all(|frame| frame.opcode == PONG),
            "{second}: {told:?}"
        );
    }
    client.push(&ping(b""));
    sim.run_for(ms(1100));
    assert_eq!(client.frames().pop(), Some(Frame::close(1001, "idle")));
}

#[test]
fn a_pong_that_waits_unread_is_good_enough() {
    let mut sim = sim(Valve::default(), Timeouts::default());
    let mut client = sim.open();
    sim.run_for(ms(20_100));
    let asked = client.frame();
    assert_eq!(asked.opcode, PING);
    with_peer(&mut sim, |peer| peer.pause());
    client.push(&pong(&asked.payload));
    sim.run_for(secs(100));
    resume(&mut sim);
    sim.run_for(secs(19));
    client.assert_quiet();
    assert_eq!(heard(&mut sim), ["pong"]);
}

#[test]
fn sending_goes_on_and_so_does_its_deadline() {
    let (mut sim, mut client) = paused();
    with_peer(&mut sim, |peer| peer.send("news").expect("open"));
    assert_eq!(client.frame(), Frame::text("news"));
    client.conn.set_window(0);
    with_peer(&mut sim, |peer| peer.send("more").expect("open"));
    sim.run_for(ms(10_100));
    assert!(client.conn.is_aborted() && client.conn.is_closed());
    assert_eq!(sim.server.handler().causes, [(Cause::WriteStall, false)]);
}

#[test]
fn room_does_not_begin_the_reading() {
    let (mut sim, mut client) = paused();
    client.conn.set_window(0);
    with_peer(&mut sim, |peer| peer.send("news").expect("open"));
    client.push(&text("later"));
    client.conn.set_window(usize::MAX);
    sim.run_for(secs(30));
    assert_eq!(client.frame(), Frame::text("news"));
    assert_eq!(heard(&mut sim), [""; 0]);
    resume(&mut sim);
    assert_eq!(heard(&mut sim), ["later"]);
}

/// As one does that passes on what it reads: not faster than it can be sent.
#[test]
fn it_may_resume_when_there_is_room() {
    let (mut sim, client) = paused();
    sim.server.handler().resume_on_drain = true;
    client.push(&text("later"));
    client.conn.set_window(0);
    with_peer(&mut sim, |peer| peer.send("news").expect("open"));
    sim.settle();
    client.conn.set_window(usize::MAX);
    sim.settle();
    assert_eq!(heard(&mut sim), ["later"]);
}

#[test]
fn the_end_of_the_stream_is_found_with_the_next_read() {
    let (mut sim, client) = paused();
    client.push(&text("last words"));
    client.conn.end();
    sim.run_for(secs(100));
    assert!(!client.conn.is_closed());
    resume(&mut sim);
    assert_eq!(heard(&mut sim), ["last words"]);
    assert!(client.conn.is_closed());
    assert_eq!(sim.server.handler().causes, [(Cause::Ended, false)]);
}

#[test]
fn closing_reads_on() {
    type Close = fn(&mut Sim<Valve>);
    let closes: [(&str, Close); 3] = [
        ("", |sim| {
            with_peer(sim, |peer| peer.close(CloseCode::NORMAL, "").expect("open"));
        }),
        ("", |sim| sim.server.stop()),
        ("!pause and close", |_| {}),
    ];
    for (at, (message, close_it)) in closes.into_iter().enumerate() {
        let mut sim = sim(Valve::default(), Timeouts::default());
        let mut client = sim.open();
        if message.is_empty() {
            with_peer(&mut sim, |peer| peer.pause());
        } else {
            client.push(&text(message));
        }
        // The answer is there before the question; nothing is reported after it.
        client.push(&[text("too late"), close(1000)].concat());
        sim.run_for(secs(5));
        close_it(&mut sim);
        sim.settle();
        assert_eq!(client.frame().opcode, CLOSE, "{at}");
        assert!(!heard(&mut sim).contains(&"too late".to_owned()), "{at}");
        let causes = &sim.server.handler().causes;
        assert!(matches!(causes.as_slice(), [(_, true)]), "{at}: {causes:?}");
        assert!(client.conn.is_finished());
    }
}

#[test]
fn whoever_is_closed_while_paused_has_3_s_to_answer() {
    let (mut sim, mut client) = paused();
    sim.run_for(secs(100));
    with_peer(&mut sim, |peer| {
        peer.close(CloseCode::NORMAL, "").expect("open")
    });
    sim.run_for(ms(2900));
    assert_eq!(client.frame(), Frame::close(1000, ""));
    assert!(!client.conn.is_closed());
    sim.run_for(ms(200));
    assert!(client.conn.is_closed());
}

#[test]
fn a_panic_behind_a_pause_closes() {
    let mut sim = sim(Valve::default(), Timeouts::default());
    let mut client = sim.open();
    client.push(&[text("!pause and panic"), close(1011)].concat());
    sim.settle();
    assert_eq!(client.frame(), Frame::close(1011, ""));
    assert!(client.conn.is_finished());
}
