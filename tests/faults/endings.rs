//! Two thousand connections come, are used and end in every way, again and again: nothing of them is left.

use crate::client::{Client, address};
use crate::frames::{self, BINARY, FIN, Frame, binary, text};
use crate::serve::{Ends, Served};
use crate::ways::{Peers, Way};
use crate::{PATIENCE, allow_descriptors, alone, descriptors};
use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer, Timeouts};
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 2000;
const CYCLES: usize = 10;
/// Networks that they come from, one after the other: with a million connections each network comes again when the kernel
/// has forgotten most of the ports that were used there.
const NETS: usize = 100;

/// Longer than any deadline of the server: then its timers hold nothing of those who have gone.
const ALL_DEADLINES: Duration = Duration::from_secs(60);

/// What the loop's lists may grow by after the first cycle: two of them hold an entry of 16 B for each connection, and what
/// rooms know of it takes 48 B. Each may have doubled.
const LISTS: isize = 2 * (2 * 16 + 48) * CONNECTIONS as isize;

#[test]
fn connections_that_ended_leave_nothing_behind() {
    let _alone = alone();
    // Both ends are in this process, but for those that are killed.
    allow_descriptors(2 * CONNECTIONS as u64 + 200);
    let served = Served::start();
    let mut expected = Ends::default();
    let mut cycle = |net| {
        for (host, shares) in shares().iter().enumerate() {
            let from = address(net, host as u8);
            use_and_end(&served, shares, from, &mut expected);
        }
        // What its timers remember of them goes with time.
        let report = served.skip(ALL_DEADLINES);
        assert_eq!(report.connections, 0);
        assert_eq!(report.ends, expected, "how they ended");
        assert_eq!(report.opened, expected.sum(), "opened and closed");
        (descriptors(), report.held)
    };
    // The first cycle makes the loop's lists as long as they will be, or nearly.
    let (descriptors, held) = cycle(0);
    let mut heaps = vec![held];
    for number in 1..=cycles() {
        let (descriptors_now, held) = cycle((number % NETS) as u8);
        assert_eq!(descriptors_now, descriptors, "after cycle {number}");
        heaps.push(held);
        if number % 20 == 0 {
            println!("{} connections, {held} B", (number + 1) * CONNECTIONS);
        }
    }
    served.stop();
    let (first, last) = (heaps[0], heaps[heaps.len() - 1]);
    println!(
        "{} connections; {descriptors} descriptors, {first} B after the first {CONNECTIONS}, {last} B after all",
        expected.sum()
    );
    assert_steady(&heaps);
}

/// After the first.
fn cycles() -> usize {
    let asked = env::var("SOCKEYE_CHURN").ok();
    asked.map_or(CYCLES, |count| {
        let count: usize = count.parse().expect("SOCKEYE_CHURN is a number");
        count.div_ceil(CONNECTIONS).max(CYCLES)
    })
}

/// Of what is held after each cycle, next to nothing may be for those who have gone.
///
/// The loop keeps lists that double when more happens at once than ever before, and a bounded pool of buffers. So now
/// and then a cycle may end elsewhere than the one before; but a cycle that leaves behind a single byte of a single
/// session never ends where the one before did.
#[track_caller]
fn assert_steady(heaps: &[isize]) {
    let same = heaps.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(
        2 * same > heaps.len() - 1,
        "the heap after each cycle: {heaps:?}"
    );
    let grown = heaps[heaps.len() - 1] - heaps[0];
    assert!(
        grown <= LISTS,
        "{grown} B more than at first; after each cycle: {heaps:?}"
    );
}

/// Who takes which way: the ways share the connections, or have all of them, one after the other.
fn shares() -> Vec<Vec<(Way, usize)>> {
    if env::var("SOCKEYE_FAULTS").is_ok_and(|mode| mode == "long") {
        return Way::ALL.map(|way| vec![(way, CONNECTIONS)]).to_vec();
    }
    let each = CONNECTIONS / Way::ALL.len();
    let rest = CONNECTIONS % Way::ALL.len();
    let share = |number| each + usize::from(number < rest);
    let shares = Way::ALL.into_iter().enumerate();
    vec![shares.map(|(number, way)| (way, share(number))).collect()]
}

/// Opens all of them, uses all of them, ends them, and waits until the server has none.
fn use_and_end(served: &Served, shares: &[(Way, usize)], from: IpAddr, expected: &mut Ends) {
    let mut all: Vec<_> = shares
        .iter()
        .map(|&(way, count)| {
            way.count(count, expected);
            let peers = match way {
                Way::Kill => Peers::Elsewhere(Herd::start(from, served.addr, count)),
                _ => Peers::Here(open(from, served.addr, count)),
            };
            (way, peers)
        })
        .collect();
    for (_, peers) in &mut all {
        match peers {
            Peers::Here(clients) => enter_and_echo(clients),
            Peers::Elsewhere(herd) => herd.wait_for("open"),
        }
    }
    let count: usize = shares.iter().map(|(_, count)| count).sum();
    served.until(|report| report.connections == count);
    for (way, peers) in all {
        if way == Way::Timeout {
            let Peers::Here(clients) = &peers else {
                unreachable!("only those who are killed are elsewhere");
            };
            served.until(|report| report.connections == clients.len());
        }
        way.take(peers, served);
    }
    served.until(|report| report.connections == 0);
}

fn open(from: IpAddr, to: SocketAddr, count: usize) -> Vec<Client> {
    (0..count).map(|_| Client::ask(from, to)).collect()
}

fn enter_and_echo(clients: &mut [Client]) {
    for client in &mut *clients {
        client.enter();
        client.send(&text("hello"));
    }
    for client in clients {
        assert_eq!(client.frame(), Frame::text("hello"));
    }
}

// --- time that really passes ---

/// Says how each connection ended.
struct Silent(mpsc::Sender<(u16, bool)>);

impl Handler for Silent {
    type State = ();

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), _: Message<'_>) {}

    fn on_close(&mut self, _: &mut Hub<'_>, _: ConnectionId, (): (), closed: &Closed<'_>) {
        self.0
            .send((closed.code, closed.clean))
            .expect("the test counts");
    }
}

#[test]
fn short_timeouts_end_those_who_are_silent() {
    let _alone = alone();
    let before = descriptors();
    let short = Duration::from_millis(50);
    let timeouts = Timeouts {
        ping: short,
        pong: short,
        close: short,
        ..Timeouts::default()
    };
    let (tell, told) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    // Not scoped: a test that fails must not wait for a server that was never stopped.
    let serving = thread::spawn(move || {
        let builder = Builder::new().timeouts(timeouts);
        let any = "127.0.0.1:0".parse().expect("an address");
        let mut server = builder.bind(any, Silent(end)).expect("a free port");
        tell.send((server.local_addr(), server.stopper()))
            .expect("the test waits");
        server.run()
    });
    let (addr, stopper) = told.recv().expect("it starts");
    let begin = Instant::now();
    let mut clients = open(address(0, 99), addr, 200);
    for client in &mut clients {
        client.enter();
        assert_eq!(client.frame().opcode, frames::PING);
        assert_eq!(client.frame(), Frame::close(1001, "ping timeout"));
        client.assert_ended();
    }
    assert!(begin.elapsed() >= 3 * short, "nothing fires early");
    for _ in &clients {
        assert_eq!(ends.recv_timeout(PATIENCE), Ok((1006, false)));
    }
    drop(clients);
    stopper.stop().expect("it can be woken");
    serving.join().expect("no panic").expect("no error");
    drop(stopper);
    assert_eq!(ends.try_recv().ok(), None, "one end each");
    assert_eq!(descriptors(), before);
}

// --- those who are killed ---

/// Connections that a process of their own holds.
pub struct Herd {
    process: Child,
    words: BufReader<ChildStdout>,
    count: usize,
}

/// What tells a process that it is a herd: its address, the server's, and how many.
const HERD: &str = "SOCKEYE_FAULTS_HERD";

/// A whole message, and half of one that is larger.
const WHOLE: usize = 1000;
const HALF: usize = 3000;

impl Herd {
    fn start(from: IpAddr, to: SocketAddr, count: usize) -> Self {
        let mut process = Command::new(env::current_exe().expect("it runs"))
            .args(["--exact", "endings::herd", "--ignored", "--nocapture"])
            .env(HERD, format!("{from} {to} {count}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let words = BufReader::new(process.stdout.take().expect("piped"));
        Self {
            process,
            words,
            count,
        }
    }

    fn wait_for(&mut self, word: &str) {
        // The test harness of the other process speaks as well.
        let mut line = String::new();
        while !line.trim_end().ends_with(word) {
            line.clear();
            let read = self.words.read_line(&mut line).expect("it speaks");
            assert!(read > 0, "it ended before it said {word:?}");
        }
    }

    /// Kills it in the middle of a word.
    pub fn kill(mut self, served: &Served) {
        let before = served.until(|_| true).received;
        let mut stdin = self.process.stdin.take().expect("piped");
        stdin.write_all(b"talk\n").expect("it listens");
        // Something of most of them has arrived, and more is under way.
        let some = self.count * WHOLE;
        served.until(|report| report.received >= before + some);
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }
}

impl Drop for Herd {
    fn drop(&mut self) {
        // After a failed test nobody else would end it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "a part of another test, in a process of its own"]
fn herd() {
    let Ok(told) = env::var(HERD) else { return };
    let told: Vec<_> = told.split(' ').collect();
    let (from, to) = (told[0].parse(), told[1].parse());
    let count = told[2].parse().expect("a number");
    allow_descriptors(count as u64 + 50);
    let mut clients = open(from.expect("an address"), to.expect("an address"), count);
    enter_and_echo(&mut clients);
    println!("\nopen");
    io::stdout().flush().expect("the test listens");
    let mut word = String::new();
    let mut stdin = io::stdin().lock();
    stdin.read_line(&mut word).expect("the test speaks");
    assert_eq!(word, "talk\n");
    talk(&mut clients);
    // Until the end, which comes from outside.
    let _ = stdin.read_to_string(&mut word);
}

/// Every second one stops in the middle of a message; the others go on for a while, and do not read the answers.
fn talk(clients: &mut [Client]) {
    let whole = binary(&[7; WHOLE]);
    let half = &frames::frame(FIN | BINARY, &[7; 2 * HALF])[..HALF];
    for client in clients.iter_mut().step_by(2) {
        client.send(half);
    }
    for _ in 0..32 {
        for client in clients.iter_mut().skip(1).step_by(2) {
            client.send(&whole);
        }
    }
}
