//! `--handover`: one program after the other serves, and nobody outside notices but those who were connected.

use crate::client::Client;
use crate::program::{Place, Program, fails, text};
use crate::storm::{Counts, Storm};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Hot restarts, connections a second meanwhile, and the time from one restart to the next.
fn plan() -> (usize, u32, Duration) {
    if std::env::var("SOCKEYE_RESTARTS").is_ok_and(|form| form == "long") {
        (10, 1000, Duration::from_secs(1))
    } else {
        (3, 200, Duration::from_millis(50))
    }
}

/// Lets time pass in which clients come.
fn pass(span: Duration) {
    let (_hold, never) = channel::<()>();
    let _ = never.recv_timeout(span);
}

/// Starts at a door, with so many workers.
fn start(door: &str, listen: &str, workers: usize) -> Program {
    let workers = workers.to_string();
    Program::start(&[
        "echo",
        "--listen",
        listen,
        "--workers",
        &workers,
        "--handover",
        door,
    ])
}

#[test]
fn under_a_steady_stream_nobody_is_refused_or_reset() {
    let (restarts, per_second, apart) = plan();
    let place = Place::new();
    let door = place.path("door");
    let mut program = start(text(&door), "127.0.0.1:0", 2);
    let addr = program.addr();
    let storm = Storm::start(addr, per_second);
    for _ in 0..restarts {
        pass(apart);
        let mut stays = Client::tcp(addr).expect("it listens");
        stays.assert_open();
        let next = start(text(&door), "127.0.0.1:0", 2);
        assert_eq!(next.addr(), addr);
        // Told to come back; which of the two let it in is left to chance once both accept, and it was before that.
        assert_eq!(stays.frame().close_code(), Some(1012));
        drop(stays);
        program.assert_ends();
        program = next;
    }
    pass(apart);
    let (counts, rate) = storm.end();
    println!("{restarts} restarts, {rate:.0} connections/s: {counts}");
    let expected = Counts {
        opened: counts.opened,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    assert!(counts.opened > restarts, "nobody came");
    program.terminate();
    program.assert_ends();
    assert!(!door.exists());
}

#[test]
fn no_queue_is_forgotten_when_the_number_of_workers_changes() {
    let place = Place::new();
    let door = place.path("door");
    let mut program = start(text(&door), "127.0.0.1:0", 3);
    let addr = program.addr();
    for workers in [1, 4, 2] {
        let next = start(text(&door), "127.0.0.1:0", workers);
        program.assert_ends();
        program = next;
        // The kernel deals them out to all queues.
        let mut clients: Vec<_> = (0..50)
            .map(|_| Client::tcp(addr).expect("it listens"))
            .collect();
        clients.iter_mut().for_each(Client::assert_open);
    }
}

#[test]
fn a_unix_socket_goes_over_with_its_file() {
    let place = Place::new();
    let (door, path) = (place.path("door"), place.path("a.sock"));
    let listen = format!("unix:{}", text(&path));
    let first = start(text(&door), &listen, 2);
    let mut client = Client::unix(&path).expect("it listens");
    client.assert_open();
    let second = start(text(&door), &listen, 2);
    assert_eq!(second.url, first.url);
    assert_eq!(client.frame().close_code(), Some(1012));
    drop(client);
    first.assert_ends();
    let mut client = Client::unix(&path).expect("it listens");
    client.assert_open();
    second.terminate();
    assert_eq!(client.frame().close_code(), Some(1001));
    drop(client);
    second.assert_ends();
    assert!(!path.exists() && !door.exists());
}

#[test]
fn after_a_crash_the_next_one_starts_afresh() {
    let place = Place::new();
    let door = place.path("door");
    start(text(&door), "127.0.0.1:0", 1).kill();
    assert!(door.exists());
    let program = start(text(&door), "127.0.0.1:0", 1);
    Client::tcp(program.addr())
        .expect("it listens")
        .assert_open();
    program.terminate();
    program.assert_ends();
    assert!(!door.exists());
}

#[test]
fn a_program_that_is_stopping_gives_nothing_and_holds_no_queue_open() {
    let place = Place::new();
    let door = place.path("door");
    let program = start(text(&door), "127.0.0.1:0", 1);
    let addr = program.addr();
    let mut stays = Client::tcp(addr).expect("it listens");
    stays.assert_open();
    program.terminate();
    // It waits for the answer to this, and has stopped listening before.
    assert_eq!(stays.frame().close_code(), Some(1001));
    let refused = Client::tcp(addr).map(drop).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
    let (code, said) = fails(&["echo", "--listen", "127.0.0.1:0", "--handover", text(&door)]);
    let expected = format!(
        "sockeye: cannot take over at {}: the program there is stopping",
        text(&door)
    );
    assert_eq!((code, said), (Some(1), expected));
    drop(stays);
    program.assert_ends();
    assert!(!door.exists());
}

#[test]
fn a_door_of_somebody_else_is_told() {
    let place = Place::new();
    let door = place.path("door");
    fs::write(&door, "precious").expect("it can be written");
    let args = ["echo", "--listen", "127.0.0.1:0", "--handover", text(&door)];
    let (code, said) = fails(&args);
    assert_eq!(code, Some(1));
    assert!(
        said.ends_with(": a file is there that is no socket"),
        "{said}"
    );
    fs::remove_file(&door).expect("it is there");
    let theirs = UnixListener::bind(&door).expect("free");
    let stranger = std::thread::spawn(move || {
        let (mut taker, _) = theirs.accept().expect("somebody comes");
        taker.read_exact(&mut [0; 8]).expect("it greets");
        taker.write_all(b"HTTP/1.1 200").expect("it is small");
    });
    let (code, said) = fails(&args);
    let expected = format!(
        "sockeye: cannot take over at {}: the program there is another one",
        text(&door)
    );
    assert_eq!((code, said), (Some(1), expected));
    stranger.join().expect("no panic");
}
