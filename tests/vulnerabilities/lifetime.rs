//! How connections end, and what is left of them (V81 to V87 and V89).

use crate::counting;
use crate::frames::{Frame, REQUEST, TEXT, binary, close, frame, head, ping, text};
use crate::harness::{Probe, Sim, ms, secs};
use crate::sim::SimKernel;
use rustix::io::Errno;
use sockeye::kernel::{Ready, Token};
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::server::Request;
use sockeye::server::{
    Closed, ConnectionId, Gone, Handler, Hub, Message, Peer, Settings, Timeouts, To,
};
use std::sync::Arc;

/// CVE-2024-23672: who never answered a Close frame kept its connection. Here it has three seconds, and three
/// more where it answers and does not end.
#[test]
fn v81_who_does_not_answer_a_close_frame_stays() {
    let half = &close(1000)[..3];
    for drip in [
        &b""[..],
        b"\x8A",
        half,
        &ping(b"?"),
        &text("more"),
        &head(0x82, 900_000),
    ] {
        let mut sim = Sim::new();
        let mut client = sim.open();
        client.push(&text("!close bye"));
        sim.settle();
        assert_eq!(client.frame(), Frame::close(1000, "bye"));
        let begin = sim.net.now();
        // Where the pieces come to an answer, the end of the stream has as much.
        let most = if drip == half { ms(6010) } else { ms(3005) };
        while !client.conn.is_closed() {
            client.push(drip);
            sim.run_for(ms(5));
            assert!(sim.net.now() <= begin + most, "{drip:02x?}");
        }
        assert_eq!(sim.probe().ends.len(), 1);
        assert_eq!(sim.server.connections(), 0);
    }
}

/// Joins a room, and holds something that is counted.
struct Holder(Arc<()>);

impl Handler<SimKernel> for Holder {
    type State = Arc<()>;

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) -> Arc<()> {
        peer.join("hall").expect("there is room");
        Arc::clone(&self.0)
    }

    fn on_message(&mut self, _: &mut Peer<'_, SimKernel>, _: &mut Arc<()>, _: Message<'_>) {}
}

/// CVE-2021-42340: an object for each connection that ended was kept, for numbers nobody asked for. Here a thousand end,
/// each in one of five ways, and nothing of them is left.
#[test]
fn v82_something_of_each_connection_is_kept() {
    let mut sim = Sim::of(Holder(Arc::default()), Settings::default().deflate(None));
    let mut wave = || {
        let clients: Vec<_> = (0..100).map(|_| sim.open()).collect();
        for (at, client) in clients.iter().enumerate() {
            client.push(&text("remember me"));
            match at % 5 {
                0 => client.push(&close(1000)),
                1 => client.conn.reset(Errno::CONNRESET),
                2 => client.push(b"\x81\x05Hello"),
                3 => client.push(&frame(TEXT, b"half")),
                _ => {}
            }
            client.conn.end();
        }
        sim.settle();
        sim.run_for(secs(4));
        assert!(clients.iter().all(|client| client.conn.is_closed()));
        assert_eq!(Arc::strong_count(&sim.server.handler().0), 1);
        assert_eq!(sim.server.connections(), 0);
        let hub = sim.server.hub();
        assert_eq!(
            (hub.online(), hub.rooms().count(), hub.count("hall")),
            (0, 0, 0)
        );
        assert_eq!(hub.total_queued_bytes(), 0);
        drop(clients);
        counting::held()
    };
    wave();
    let before = wave();
    let held = (0..8).map(|_| wave()).last().unwrap() - before;
    // The simulation keeps what it knows of each.
    let each = held / 800;
    assert!(each < 2500, "{each} B for each");
}

/// CVE-2022-25762: something was sent while its connection was closed, and went to the next one in its place. Here an
/// id is one connection's for ever: what is said to it is refused, or goes with it.
#[test]
fn v83_what_was_meant_for_one_is_sent_to_its_heir() {
    for at_once in [false, true] {
        let mut sim = Sim::new();
        let gone = sim.open();
        let place = gone.conn.token().unwrap();
        let id = sim.probe().opened[0];
        if at_once {
            let mut hub = sim.server.hub();
            hub.send(id, "secret").unwrap();
            hub.close(id, CloseCode::NORMAL, "secret").unwrap();
            assert!(hub.send(id, "secret").is_err());
        }
        gone.conn.reset(Errno::CONNRESET);
        if !at_once {
            sim.settle();
        }
        let mut heir = sim.open();
        let heirs = heir.conn.token().unwrap();
        assert!(at_once || heirs.0 & 0xFFFF_FFFF == place.0 & 0xFFFF_FFFF);
        let mut hub = sim.server.hub();
        assert_eq!(hub.send(id, "secret"), Err(Gone));
        assert!(hub.close(id, CloseCode::NORMAL, "secret").is_err());
        assert_eq!(hub.publish(To::one(id), "secret").closed, 1);
        assert!(!hub.is_open(id) && hub.join(id, "room").is_err());
        sim.settle();
        heir.assert_quiet();
        heir.assert_echoes(&mut sim);
    }
}

/// CVE-2024-22201: an idle peer that did not read was to be told goodbye first, which never left, and so it stayed. Here
/// the end of it needs nobody who reads: after a stall, behind our Close frame, and behind the peer's.
#[test]
fn v84_an_end_waits_for_something_that_cannot_be_sent() {
    for (deed, most) in [
        (binary(&[7; 1000]), secs(10)),
        (text("!last-bytes 100000"), secs(10)),
        (close(1000), secs(3)),
        (text("!panic"), secs(3)),
        (b"\x81\x05Hello".to_vec(), secs(3)),
    ] {
        for timeouts in [
            Timeouts::default(),
            Timeouts {
                idle: Some(secs(5)),
                ..Timeouts::default()
            },
        ] {
            let mut sim = Sim::with(sockeye::server::Limits::default(), timeouts);
            let client = sim.open();
            client.conn.set_window(0);
            client.push(&deed);
            sim.settle();
            let begin = sim.net.now();
            sim.run_until(begin + most + ms(5));
            assert!(
                client.conn.is_closed() && client.conn.is_aborted(),
                "{deed:02x?}"
            );
            assert_eq!(sim.probe().ends.len(), 1);
            assert_eq!(sim.net.open_streams(), 0);
        }
    }
}

/// CVE-2026-45536, CVE-2026-48043, GHSA-8mpp-f3f7-xc28: descriptors and buffers were kept where something failed. Here
/// each call fails once, with each of some errors, and no stream and no byte is left.
#[test]
fn v85_a_call_that_fails_leaves_a_descriptor_or_a_buffer() {
    let life = |strike: Option<(usize, Errno)>| {
        let mut sim = Sim::new();
        if let Some((calls, error)) = strike {
            sim.net.strike_after(calls, error);
        }
        let clients: Vec<_> = (0..3).map(|_| sim.connect()).collect();
        for client in &clients {
            client.push(REQUEST);
        }
        sim.settle();
        clients[0].conn.set_window(10);
        clients[0].push(&text("!all-bytes 5000"));
        clients[1].push(&frame(TEXT, b"half"));
        clients[2].push(&ping(b"?"));
        sim.settle();
        clients[0].conn.set_window(usize::MAX);
        sim.settle();
        for client in &clients {
            client.push(&close(1000));
            client.conn.end();
        }
        sim.run_for(secs(6));
        assert_eq!(sim.net.held_streams(), 0, "{strike:?}");
        assert_eq!(sim.server.connections(), 0, "{strike:?}");
        sim.net.strikable_calls()
    };
    let calls = life(None);
    assert!(calls > 15, "{calls}");
    let before = counting::held();
    for error in [Errno::CONNRESET, Errno::PIPE, Errno::NOBUFS, Errno::IO] {
        for call in 0..calls {
            life(Some((call, error)));
            assert_eq!(counting::held(), before, "call {call}, {error}");
        }
    }
}

/// Ends everybody, itself first or last, whenever it is called.
#[derive(Default)]
struct Ender {
    itself_first: bool,
    ends: Vec<ConnectionId>,
}

impl Ender {
    fn end_all(hub: &mut Hub<'_>, me: ConnectionId, itself_first: bool) {
        let mut ids: Vec<_> = hub.connections().collect();
        ids.retain(|id| *id != me);
        ids.insert(if itself_first { 0 } else { ids.len() }, me);
        for id in ids {
            hub.publish(To::all(), "news");
            let _ = hub.close(id, CloseCode::NORMAL, "all of you");
            let _ = hub.send(id, "more");
            let _ = hub.close(id, CloseCode::NORMAL, "again");
        }
    }
}

impl Handler<SimKernel> for Ender {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), _: Message<'_>) {
        let me = peer.id();
        Self::end_all(&mut peer.hub(), me, self.itself_first);
    }

    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, (): (), _: &Closed<'_>) {
        self.ends.push(id);
        Self::end_all(hub, id, self.itself_first);
    }
}

/// OSV-2021-414, OSV-2021-437, OSV-2021-401 and others: a callback closed the socket that the loop was about to use.
/// Here one ends all, in the middle of what they are saying, and each has one end.
#[test]
fn v86_a_callback_closes_what_the_loop_is_about_to_use() {
    for itself_first in [false, true] {
        for begin in [&text("now")[..], &close(1000), b"\x81\x05Hello"] {
            let ender = Ender {
                itself_first,
                ends: Vec::new(),
            };
            let mut sim = Sim::of(ender, Settings::default());
            let mut clients: Vec<_> = (0..10).map(|_| sim.open()).collect();
            for client in &clients {
                client.push(&[begin, &text("and"), &text("then")].concat());
            }
            sim.settle();
            for client in &mut clients {
                let frames = client.frames();
                let closes = frames.iter().filter(|frame| frame.close_code().is_some());
                assert_eq!(closes.count(), 1, "{frames:?}");
                assert!(frames.last().unwrap().close_code().is_some());
                client.push(&close(1000));
                client.conn.end();
            }
            sim.run_for(secs(4));
            let ends = &mut sim.server.handler().ends;
            ends.sort_unstable();
            ends.dedup();
            assert_eq!(ends.len(), 10);
            assert_eq!(sim.net.open_streams(), 0);
        }
    }
}

/// Leaves and comes back while it speaks to the room.
struct Leaver;

impl Handler<SimKernel> for Leaver {
    type State = ();

    fn on_open(&mut self, peer: &mut Peer<'_, SimKernel>, _: &Request<'_>) {
        peer.join("hall").expect("there is room");
    }

    fn on_message(&mut self, peer: &mut Peer<'_, SimKernel>, (): &mut (), message: Message<'_>) {
        let Message::Text(text) = message else { return };
        let me = peer.id();
        let mut hub = peer.hub();
        let members: Vec<_> = hub.members("hall").collect();
        for id in members {
            hub.publish("hall", text);
            assert!(hub.leave(id, "hall"));
        }
        // The last one has left, and with it the room.
        assert_eq!(hub.publish("hall", "to nobody").queued, 0);
        hub.join(me, "hall").expect("there is room");
        hub.publish("hall", "to myself");
    }
}

/// CVE-2020-36406 (OSV-2020-1695), OSV-2020-1694: leaving a topic while it was being told something, and topics below
/// topics until the stack was full. Here each hears what was said while it was there, and rooms lie side by side.
#[test]
fn v87_somebody_leaves_while_the_room_is_told() {
    let mut sim = Sim::of(Leaver, Settings::default());
    let mut clients: Vec<_> = (0..5).map(|_| sim.open()).collect();
    clients[0].push(&text("news"));
    sim.settle();
    let mut heard: Vec<_> = clients
        .iter_mut()
        .map(|client| client.frames().len())
        .collect();
    // Who spoke is back.
    let speaker = heard.remove(0);
    heard.sort_unstable();
    let left = heard.iter().sum::<usize>() + speaker;
    assert_eq!(left, 1 + 2 + 3 + 4 + 5 + 1);
    assert!(heard.windows(2).all(|two| two[0] < two[1]), "{heard:?}");
    assert_eq!(sim.server.hub().count("hall"), 1);

    let deep: Vec<_> = (1..60).map(|depth| "a/".repeat(depth)).collect();
    let mut sim = Sim::of(Probe::default(), Settings::default());
    let _client = sim.open();
    let id = sim.probe().opened[0];
    let mut hub = sim.server.hub();
    for _ in 0..20 {
        let joined: Vec<_> = deep
            .iter()
            .filter(|name| hub.join(id, name).is_ok())
            .collect();
        assert!(!joined.is_empty());
        for name in joined.into_iter().rev() {
            assert!(hub.leave(id, name));
        }
    }
    sim.settle();
    assert_eq!(sim.server.hub().rooms_of(id).count(), 0);
}

/// RUSTSEC-2024-0019, RUSTSEC-2024-0373, RUSTSEC-2025-0047: a report, or a key, of something that had gone was taken for
/// one of what came after it. Here it costs nothing and is nobody's.
#[test]
fn v89_a_report_of_one_that_is_gone_is_its_heirs() {
    let mut sim = Sim::new();
    let old = sim.open();
    let stale = old.conn.token().unwrap();
    old.conn.reset(Errno::CONNRESET);
    sim.settle();
    let mut heir = sim.open();
    let token = heir.conn.token().unwrap();
    assert_eq!(
        token.0 & 0xFFFF_FFFF,
        stale.0 & 0xFFFF_FFFF,
        "the same place"
    );
    let work = sim.net.calls().work();
    for number in [stale.0, stale.0 ^ 1 << 20, usize::MAX >> 1, usize::MAX, 0] {
        for hangup in [false, true] {
            let report = |token| Ready::Stream {
                token,
                readable: true,
                writable: true,
                hangup,
            };
            if number != token.0 {
                sim.net.forge(report(Token(number)));
                sim.net.forge_last(report(Token(number)));
            }
        }
    }
    sim.turn();
    assert_eq!(sim.net.calls().work(), work);
    heir.assert_quiet();
    heir.assert_echoes(&mut sim);
}
