//! Descriptors run out: those who are connected notice nothing, the processor rests, and whoever waits is let in as
//! soon as a descriptor is free, although the kernel reports neither the one nor the other again.

use crate::client::{Client, address, socket};
use crate::frames::{Frame, text};
use crate::program::Program;
use crate::{PATIENCE, alone, descriptors};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::Socket;
use sockeye::server::{Builder, Handler, Message, Peer, Stopper};
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How soon a free descriptor is to be used.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How long silence shows that nobody accepts.
const SILENCE: Duration = Duration::from_millis(200);

/// Of so many measured times all but a few are within the limit. A machine with other work may hold up either side for
/// longer now and then; a server that looks too seldom is late half of the time or more.
#[track_caller]
fn assert_at_once(times: &[Duration]) {
    let late = times.iter().filter(|time| **time > AT_ONCE).count();
    assert!(3 * late <= times.len(), "{times:?}");
}

fn from() -> IpAddr {
    address(0, 100)
}

/// Nobody answers, for as long as silence takes to be believed.
#[track_caller]
fn assert_waits(client: &mut Client, silence: Duration) {
    let stream = |client: &Client, time| client.stream.set_read_timeout(Some(time));
    stream(client, silence).expect("not zero");
    assert!(!client.hears(), "it is accepted");
    stream(client, PATIENCE).expect("not zero");
}

fn assert_echoes(client: &mut Client) -> Duration {
    let begin = Instant::now();
    client.send(&text("hello"));
    assert_eq!(client.frame(), Frame::text("hello"));
    begin.elapsed()
}

// --- a connection's descriptor ---

const DESCRIPTORS: usize = 64;

/// The program, with few descriptors.
fn with_few_descriptors() -> Program {
    Program::start(
        Command::new("sh")
            .args(["-c", &format!("ulimit -n {DESCRIPTORS} && exec \"$@\"")])
            .args(["sh", env!("CARGO_BIN_EXE_sockeye")])
            .args(["echo", "--listen", "127.0.0.1:0"]),
    )
}

impl Program {
    /// How many descriptors below the limit are in use. Whoever started this test may have left it some above.
    fn descriptors(&self) -> usize {
        let list = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs");
        let number = |name: &str| name.parse::<usize>().expect("a number");
        list.map(|file| file.expect("it stays").file_name())
            .filter(|name| number(&name.to_string_lossy()) < DESCRIPTORS)
            .count()
    }

    /// Processor time used so far, in the kernel as well.
    fn used(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("it runs");
        // The name, in parentheses, may have spaces; what follows has none.
        let (_, rest) = stat.rsplit_once(") ").expect("a name");
        let fields: Vec<_> = rest.split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<u64>().expect("a number");
        // proc(5): utime and stime are fields 14 and 15, of which two are cut off; a tick is 10 ms on Linux.
        Duration::from_millis(10 * (ticks(11) + ticks(12)))
    }
}

#[test]
fn with_no_descriptor_left_the_program_rests_and_goes_on_when_one_is_free() {
    let _alone = alone();
    let program = with_few_descriptors();
    let (mut inside, first) = fill(&program);
    let mut outside = vec![first];
    outside.extend((0..20).map(|_| Client::ask(from(), program.addr)));

    // Those inside are served, those outside wait, and the processor has next to nothing to do.
    let (begin, before) = (Instant::now(), program.used());
    let mut slowest = Duration::ZERO;
    while begin.elapsed() < Duration::from_secs(2) {
        for client in &mut inside {
            slowest = slowest.max(assert_echoes(client));
        }
        assert_waits(&mut outside[0], SILENCE);
    }
    let (used, time) = (program.used() - before, begin.elapsed());
    assert!(5 * used < time, "{used:?} of {time:?}");
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");

    // One leaves, one that has been waiting all the time comes in.
    let times: Vec<_> = outside
        .drain(..12)
        .map(|mut next| {
            let begin = Instant::now();
            drop(inside.remove(0));
            next.enter();
            let time = begin.elapsed();
            inside.push(next);
            time
        })
        .collect();
    assert_at_once(&times);
    for client in &mut inside {
        assert_echoes(client);
    }
    assert_eq!(program.descriptors(), DESCRIPTORS);
    for next in &mut outside {
        assert_waits(next, Duration::from_millis(1));
    }
}

/// Opens connections until one is not accepted, which waits.
fn fill(program: &Program) -> (Vec<Client>, Client) {
    let mut inside = Vec::new();
    while program.descriptors() < DESCRIPTORS {
        let mut next = Client::ask(from(), program.addr);
        next.enter();
        inside.push(next);
    }
    assert!(inside.len() > DESCRIPTORS / 2, "{} are in", inside.len());
    let mut next = Client::ask(from(), program.addr);
    assert_waits(&mut next, SILENCE);
    (inside, next)
}

// --- a descriptor of something else ---

const ROUNDS: usize = 12;

#[test]
fn a_descriptor_that_something_else_gives_back_is_used_at_once() {
    let _alone = alone();
    let before = descriptors();
    let (addr, stopper, serving) = start();
    let mut inside: Vec<_> = (0..5).map(|_| Client::ask(from(), addr)).collect();
    inside.iter_mut().for_each(Client::enter);
    // They have their descriptors before there are no more.
    let sockets: Vec<_> = (0..ROUNDS).map(|_| socket()).collect();
    let mut taken = Taken::all();
    let enter = |(round, socket): (u64, Socket)| {
        let mut next = Client::ask_on(socket, addr);
        // However the server's looks fall, they do not always fall in with ours.
        assert_waits(&mut next, Duration::from_millis(100 + 11 * round));
        let begin = Instant::now();
        taken.give_one_back();
        next.enter();
        let time = begin.elapsed();
        inside.push(next);
        for client in &mut inside {
            assert_echoes(client);
        }
        time
    };
    let times: Vec<_> = (0..).zip(sockets).map(enter).collect();
    assert_at_once(&times);
    drop((inside, taken));
    stopper.stop().expect("it can be woken");
    serving.join().expect("no panic").expect("no error");
    drop(stopper);
    assert_eq!(descriptors(), before);
}

struct Echo;

impl Handler for Echo {
    type State = ();

    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let _ = peer.send(message);
    }
}

/// A server of this process.
fn start() -> (SocketAddr, Stopper, JoinHandle<io::Result<()>>) {
    let (tell, told) = mpsc::channel();
    let serving = thread::spawn(move || {
        let any = "127.0.0.1:0".parse().expect("an address");
        let mut server = Builder::new().bind(any, Echo).expect("a free port");
        tell.send((server.local_addr(), server.stopper()))
            .expect("the test waits");
        server.run()
    });
    let (addr, stopper) = told.recv().expect("it starts");
    (addr, stopper, serving)
}

/// All descriptors that this process may have, until it is dropped.
struct Taken {
    files: Vec<File>,
    limit: Rlimit,
}

impl Taken {
    fn all() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let current = Some((descriptors() + 2 * ROUNDS) as u64);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit }).expect("it is lower");
        let mut files = vec![File::open("/dev/null").expect("a descriptor is free")];
        while let Ok(file) = files[0].try_clone() {
            files.push(file);
        }
        assert!(files.len() > ROUNDS, "{} files", files.len());
        Self { files, limit }
    }

    fn give_one_back(&mut self) {
        drop(self.files.pop());
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.limit).expect("what it was before");
    }
}
