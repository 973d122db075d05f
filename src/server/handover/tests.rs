//! Both sides in one process, on threads: the giver waits on its own.

use super::{GREETING, Handover, Offer, STARTING, take};
use crate::server::{Listen, Listener};
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// A directory that goes away with its test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-handover-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).expect("a new directory");
        Self(dir)
    }

    fn door(&self) -> PathBuf {
        self.0.join("door")
    }

    fn socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits on a thread; says when somebody has taken over.
fn wait(offer: Offer) -> Receiver<std::io::Result<()>> {
    let (tell, told) = channel();
    thread::spawn(move || tell.send(offer.wait()));
    told
}

/// A group of two on one address, and a Unix socket.
fn sockets(place: &Place) -> Vec<Listener> {
    let any = "127.0.0.1:0".parse().expect("a place");
    let mut sockets = Listener::bind_for(&any, 2).expect("a free port");
    let unix = Listen::Unix(place.socket());
    sockets.push(Listener::bind(&unix).expect("free"));
    sockets
}

fn places(listeners: &[Listener]) -> Vec<Listen> {
    listeners.iter().map(|one| one.place().clone()).collect()
}

#[test]
fn every_socket_goes_over_and_the_door_too() {
    let place = Place::new();
    let ours = sockets(&place);
    let expected = places(&ours);
    let handover = Handover::bind(&place.door()).expect("free");
    let taken = wait(handover.offer(&ours).expect("descriptors are free"));
    let takeover = take(&place.door())
        .expect("it is given")
        .expect("it is there");
    let theirs = takeover.listeners().to_vec();
    assert_eq!(places(&theirs), expected);
    // As long as nobody says that he accepts, nothing has changed.
    assert!(taken.try_recv().is_err());
    let again = takeover.accepting().expect("it is there");
    taken
        .recv_timeout(STARTING)
        .expect("it is told")
        .expect("it is taken");
    // The first process ends, and its files stay.
    drop((ours, handover));
    let Listen::Ip(addr) = expected[0] else {
        unreachable!("an address comes first");
    };
    for _ in 0..10 {
        TcpStream::connect(addr).expect("somebody listens");
    }
    UnixStream::connect(place.socket()).expect("somebody listens");
    // And the next one takes over at the same door.
    let taken = wait(again.offer(&theirs).expect("descriptors are free"));
    let takeover = take(&place.door())
        .expect("it is given")
        .expect("it is there");
    let last = takeover.listeners().to_vec();
    let door = takeover.accepting().expect("it is there");
    taken
        .recv_timeout(STARTING)
        .expect("it is told")
        .expect("it is taken");
    drop((theirs, again));
    assert!(place.socket().exists() && place.door().exists());
    drop((last, door));
    assert!(!place.socket().exists() && !place.door().exists());
}

#[test]
fn where_nobody_is_there_is_nothing_to_take() {
    let place = Place::new();
    assert!(take(&place.door()).expect("nobody is there").is_none());
    // Nor where somebody was killed.
    drop(UnixListener::bind(place.door()).expect("free"));
    assert!(take(&place.door()).expect("nobody is there").is_none());
    Handover::bind(&place.door()).expect("nobody answers there");
}

#[test]
fn a_taker_that_fails_changes_nothing() {
    let place = Place::new();
    let ours = sockets(&place);
    let handover = Handover::bind(&place.door()).expect("free");
    let taken = wait(handover.offer(&ours).expect("descriptors are free"));
    // One that ends at each step, and two that say something else.
    for says in [
        &b""[..],
        b"SOCK",
        b"HTTP/1.1",
        b"SOCKEYE\x02",
        b"SOCKEYE\x01",
        b"SOCKEYE\x01B",
    ] {
        let mut taker = UnixStream::connect(place.door()).expect("it is open");
        taker.write_all(says).expect("it is small");
        taker.shutdown(std::net::Shutdown::Write).expect("a socket");
        let mut answer = Vec::new();
        // It may have gone without reading all.
        let _ = taker.read_to_end(&mut answer);
        assert!(answer.starts_with(GREETING), "{}", answer.escape_ascii());
    }
    // One that takes them and dies.
    drop(
        take(&place.door())
            .expect("it is given")
            .expect("it is there"),
    );
    // The next one waits until the giver is done with that, and is given them.
    let takeover = take(&place.door())
        .expect("it is given")
        .expect("it is there");
    assert!(place.socket().exists() && taken.try_recv().is_err());
    let _theirs = takeover.listeners().to_vec();
    let _door = takeover.accepting().expect("it is there");
    taken
        .recv_timeout(STARTING)
        .expect("it is told")
        .expect("it is taken");
}

#[test]
fn files_of_a_failed_takeover_are_the_givers_still() {
    let place = Place::new();
    let ours = sockets(&place);
    let handover = Handover::bind(&place.door()).expect("free");
    let _taken = wait(handover.offer(&ours).expect("descriptors are free"));
    drop(
        take(&place.door())
            .expect("it is given")
            .expect("it is there"),
    );
    // Once the next one is served, the giver has noticed.
    let mut taker = UnixStream::connect(place.door()).expect("it is open");
    taker.read_exact(&mut [0; 8]).expect("it greets");
    drop((ours, handover));
    assert!(!place.socket().exists() && !place.door().exists());
}

#[test]
fn a_server_that_is_stopping_gives_nothing() {
    let place = Place::new();
    let ours = sockets(&place);
    let handover = Handover::bind(&place.door()).expect("free");
    let _taken = wait(handover.offer(&ours).expect("descriptors are free"));
    // Its loops have let go of them: nobody holds their queues open.
    let Listen::Ip(addr) = *ours[0].place() else {
        unreachable!("an address comes first");
    };
    drop(ours);
    TcpStream::connect(addr).expect_err("nobody listens");
    let error = take(&place.door()).expect_err("there is nothing");
    assert_eq!(error.to_string(), "the program there is stopping");
}

#[test]
fn who_is_no_giver_is_told_from_one() {
    for (says, error) in [
        (&b"HTTP/1.1"[..], "the program there is another one"),
        (
            b"SOCKEYE\x02",
            "the program there hands its sockets over in another way",
        ),
        (b"SOCKEYE\x01\0\x01d", "a socket did not arrive"),
        (b"SOCKEYE\x01", "failed to fill whole buffer"),
    ] {
        let place = Place::new();
        let door = UnixListener::bind(place.door()).expect("free");
        let giver = thread::spawn(move || {
            let (mut taker, _) = door.accept().expect("somebody comes");
            taker.write_all(says).expect("it is small");
            taker.shutdown(std::net::Shutdown::Write).expect("a socket");
            let mut said = Vec::new();
            let _ = taker.read_to_end(&mut said);
            assert_eq!(said, GREETING);
        });
        let found = take(&place.door()).expect_err("it is no giver");
        assert_eq!(found.to_string(), error);
        giver.join().expect("no panic");
    }
}
