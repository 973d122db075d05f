use super::{Listen, Listener, NoPlace};
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::iter;
use core::sync::atomic::{AtomicU32, Ordering};
use socket2::SockRef;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;

/// A directory that goes away with its test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sockeye-listener-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).expect("a new directory");
        Self(dir)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }

    fn listen(&self) -> Listen {
        Listen::Unix(self.socket())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn places_are_written_as_they_are_read() {
    for text in [
        "127.0.0.1:9001",
        "[::1]:0",
        "unix:/run/a b.sock",
        "unix:relative",
    ] {
        let place: Listen = text.parse().expect("a place");
        assert_eq!(place.to_string(), text);
    }
    for text in [
        "",
        "unix:",
        "9001",
        "localhost:9001",
        "127.0.0.1",
        "/run/a.sock",
    ] {
        assert_eq!(text.parse::<Listen>(), Err(NoPlace), "{text}");
    }
}

#[test]
fn a_dead_socket_is_replaced_and_ours_is_removed() {
    let place = Place::new();
    // A process that was killed leaves its file.
    drop(UnixListener::bind(place.socket()).expect("free"));
    assert!(place.socket().exists());
    let listener = Listener::bind(&place.listen()).expect("nobody answers there");
    UnixStream::connect(place.socket()).expect("we do");
    let other = listener.clone();
    drop(listener);
    assert!(place.socket().exists(), "somebody listens still");
    drop(other);
    assert!(!place.socket().exists());
}

#[test]
fn a_live_socket_is_an_error_and_stays() {
    let place = Place::new();
    let theirs = UnixListener::bind(place.socket()).expect("free");
    let error = Listener::bind(&place.listen()).expect_err("somebody answers there");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), "another program answers there");
    // Ours is as alive.
    drop(theirs);
    let ours = Listener::bind(&place.listen()).expect("nobody answers there");
    let error = Listener::bind(&place.listen()).expect_err("we answer there");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    UnixStream::connect(place.socket()).expect("it was left alone");
    drop(ours);
}

#[test]
fn what_is_no_socket_of_streams_is_never_removed() {
    let place = Place::new();
    fs::write(place.socket(), "precious").expect("it can be written");
    let error = Listener::bind(&place.listen()).expect_err("a file is there");
    assert_eq!(error.to_string(), "a file is there that is no socket");
    assert_eq!(fs::read(place.socket()).expect("it is there"), b"precious");
    fs::remove_file(place.socket()).expect("it is there");
    let _datagrams = UnixDatagram::bind(place.socket()).expect("free");
    Listener::bind(&place.listen()).expect_err("somebody has it");
    assert!(place.socket().exists());
}

#[test]
fn a_file_that_somebody_else_put_there_stays() {
    let place = Place::new();
    let ours = Listener::bind(&place.listen()).expect("free");
    fs::remove_file(place.socket()).expect("it is there");
    let _theirs = UnixListener::bind(place.socket()).expect("free");
    drop(ours);
    UnixStream::connect(place.socket()).expect("it was left alone");
}

#[test]
fn a_file_that_was_given_away_stays_and_its_new_owner_removes_it() {
    let place = Place::new();
    let ours = Listener::bind(&place.listen()).expect("free");
    let fd = ours
        .as_fd()
        .try_clone_to_owned()
        .expect("descriptors are free");
    let theirs = Listener::adopt_with_file(fd).expect("it listens");
    assert_eq!(theirs.place(), ours.place());
    // Not theirs before that is said, nor any more once it is.
    drop(theirs.clone());
    ours.held().give(true);
    theirs.held().give(false);
    drop(ours);
    UnixStream::connect(place.socket()).expect("they listen");
    drop(theirs);
    assert!(!place.socket().exists());
}

#[test]
fn an_adopted_socket_leaves_its_file() {
    let place = Place::new();
    let inherited = UnixListener::bind(place.socket()).expect("free");
    drop(Listener::adopt(inherited).expect("it listens"));
    assert!(place.socket().exists());
}

#[test]
fn only_what_listens_is_adopted() {
    let (one, _other) = UnixStream::pair().expect("descriptors are free");
    let error = Listener::adopt(one).expect_err("a connection");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").expect("free");
    Listener::adopt(datagrams).expect_err("datagrams");
}

#[test]
fn permissions_are_there_before_anybody_can_connect() {
    let place = Place::new();
    let _listener = Listener::bind_unix(&place.socket(), Some(0o600)).expect("free");
    let mode = fs::metadata(place.socket())
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn several_loops_share_an_address_that_was_nobodys() {
    let any = "127.0.0.1:0".parse().expect("a place");
    let group = Listener::bind_for(&any, 3).expect("a free port");
    assert_eq!(group.len(), 3);
    let taken = group[0].place().clone();
    assert!(group.iter().all(|one| *one.place() == taken));
    let error = Listener::bind_for(&taken, 2).expect_err("it is taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let place = Place::new();
    let group = Listener::bind_for(&place.listen(), 3).expect("free");
    assert_eq!(group.len(), 1);
}

/// Which loop has which socket.
fn dealt(listeners: &[Listener], loops: usize) -> Vec<Vec<usize>> {
    let number = |one: &Listener| {
        // The same socket, by its number in the kernel.
        let inode = |one: &Listener| {
            let fd = one.as_fd().try_clone_to_owned();
            let file = fs::File::from(fd.expect("descriptors are free"));
            file.metadata().expect("it is open").ino()
        };
        listeners
            .iter()
            .position(|other| inode(other) == inode(one))
    };
    let dealt = Listener::deal(listeners, loops);
    dealt
        .iter()
        .map(|share| share.iter().filter_map(number).collect())
        .collect()
}

#[test]
fn each_socket_has_a_loop_and_each_loop_a_socket_of_each_place() {
    let any = "127.0.0.1:0".parse().expect("a place");
    let place = Place::new();
    let mut all = Listener::bind_for(&any, 2).expect("a free port");
    assert_eq!(dealt(&all, 1), [[0, 1]]);
    assert_eq!(dealt(&all, 2), [[0], [1]]);
    assert_eq!(dealt(&all, 3), [[0], [1], [0]]);
    all.push(Listener::bind(&place.listen()).expect("free"));
    assert_eq!(dealt(&all, 2), [[0, 2], [1, 2]]);
    assert_eq!(dealt(&all, 1), [[0, 1, 2]]);
    assert_eq!(dealt(&[], 2), [[], []] as [[usize; 0]; 2]);
}

/// What is accepted inherits it, so that no connection costs a call for it: from a socket that we made, and from one that
/// we were given.
#[test]
fn what_is_accepted_sends_at_once() {
    let bound = Listener::bind(&"127.0.0.1:0".parse().expect("a place")).expect("a free port");
    let given = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    for listener in [bound, Listener::adopt(given).expect("it listens")] {
        let Listen::Ip(addr) = *listener.place() else {
            panic!("an address");
        };
        let _client = std::net::TcpStream::connect(addr).expect("somebody listens");
        let accepting = listener.accepting().expect("a descriptor");
        // Who has connected may be on its way to the queue.
        let accepted = iter::repeat_with(|| accepting.accept()).find_map(Result::ok);
        let accepted = accepted.expect("it waits");
        assert_eq!(SockRef::from(&accepted).tcp_nodelay().ok(), Some(true));
    }
}
