//! A server dies under a thousand clients and comes back: so do they, in their own time, with what they had to say.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]
#![allow(unreachable_pub, reason = "what is shared between tests is all `pub`")]

#[path = "support/held.rs"]
mod held;

use held::Held;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sockeye::client::{
    Answer, Cause, Client, Closed, ConnectError, ConnectionId, Connector, Delivery, Handler, Hub,
    LinkState, Message, Peer, Proxy, Reconnect,
};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CLIENTS: usize = 1000;
/// Messages that each client sends while there is no server.
const MESSAGES: usize = 5;
/// More than wait by default.
const TOO_MANY: usize = 107;
/// Attempts of each client that fail before the server comes back.
const FAILURES: usize = 3;
/// By default.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
const PATIENCE: Duration = Duration::from_secs(60);

/// What one client has lived through.
#[derive(Clone, Default)]
struct Life {
    opened: usize,
    failed: usize,
    closed: usize,
    heard: Vec<String>,
    states: Vec<LinkState>,
}

struct Lives(Vec<Life>);

impl Lives {
    fn of(&mut self, tag: u64) -> &mut Life {
        &mut self.0[usize::try_from(tag).unwrap()]
    }

    fn all(&self, done: impl Fn(&Life) -> bool) -> bool {
        self.0.iter().all(done)
    }
}

impl Handler for Lives {
    /// The tag.
    type State = u64;

    fn on_connect(&mut self, peer: &mut Peer<'_>, tag: u64, _answer: &Answer<'_>) -> u64 {
        // Who is there is told first, whatever waits.
        peer.send("preamble").unwrap();
        let life = self.of(tag);
        life.opened += 1;
        tag
    }

    fn on_failed(&mut self, tag: u64, error: ConnectError) {
        assert!(
            matches!(error, ConnectError::Connect(_) | ConnectError::Ended(_)),
            "{error}"
        );
        self.of(tag).failed += 1;
    }

    fn on_message(&mut self, _peer: &mut Peer<'_>, tag: &mut u64, message: Message<'_>) {
        if let Message::Text(text) = message {
            self.of(*tag).heard.push(text.to_owned());
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _id: ConnectionId, tag: u64, closed: &Closed<'_>) {
        assert_eq!((closed.code, closed.clean), (1006, false));
        assert!(
            matches!(closed.cause, Cause::Ended | Cause::Lost),
            "{closed:?}"
        );
        self.of(tag).closed += 1;
    }

    fn on_link(&mut self, tag: u64, state: LinkState) {
        self.of(tag).states.push(state);
    }
}

/// A program that does not outlive the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program and gives where it listens.
fn start(listen: &str) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["echo", "--listen", listen])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line
        .trim()
        .strip_prefix("listening on ")
        .unwrap()
        .to_owned();
    (Server(child), url)
}

fn turn_until(client: &mut Client<Lives>, done: impl Fn(&Life) -> bool) {
    let begun = Instant::now();
    while !client.handler().all(&done) {
        client.turn(Some(Duration::from_millis(100))).unwrap();
        assert!(begun.elapsed() < PATIENCE, "it takes too long");
    }
}

fn allow_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = Some(CLIENTS as u64 + 100);
    if current < wanted {
        let current = wanted.min(maximum.or(wanted));
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    }
}

/// What a client is to hear, after so many messages were dropped of `count`.
fn expected(count: usize, dropped: usize) -> Vec<String> {
    let said = (dropped..count).map(|number| format!("message {number}"));
    ["preamble".to_owned()].into_iter().chain(said).collect()
}

#[test]
fn a_thousand_clients_come_back_in_their_own_time_with_what_they_had_to_say() {
    allow_descriptors();
    let held = Held::new();
    let (server, url) = start(&held.addr.to_string());
    let mut client = Client::new(Lives(vec![Life::default(); CLIENTS])).unwrap();
    let connector = Connector::new(&url)
        .unwrap()
        .proxy(Proxy::none())
        .reconnect(Reconnect::default());
    for tag in 0..CLIENTS as u64 {
        client.connect(&connector, tag).unwrap();
    }
    turn_until(&mut client, |life| life.heard.len() == 1);

    drop(server);
    turn_until(&mut client, |life| life.closed == 1);
    client
        .handler()
        .0
        .iter_mut()
        .for_each(|life| life.heard.clear());
    for tag in 0..CLIENTS {
        let count = if tag == 0 { TOO_MANY } else { MESSAGES };
        let dropped: usize = (0..count)
            .map(|number| {
                let sent = client.send(tag as u64, &format!("message {number}"));
                let Some(Delivery::Queued { dropped }) = sent else {
                    panic!("{sent:?}");
                };
                dropped
            })
            .sum();
        let status = client.status(tag as u64).unwrap();
        assert_eq!(status.dropped, dropped as u64);
        assert_eq!(status.queued, count - dropped);
        assert_eq!(status.connection, None);
    }
    turn_until(&mut client, |life| life.failed >= FAILURES);

    let (server, _) = start(url.strip_prefix("ws://").unwrap());
    turn_until(&mut client, |life| life.opened == 2);
    // When they come depends on the machine, too; what they waited for last does not.
    let last_wait = |life: &Life| {
        let waits = life.states.iter().rev();
        let mut waits = waits.filter_map(|state| match state {
            LinkState::Waiting { wait, .. } => Some(*wait),
            _ => None,
        });
        waits.next().unwrap()
    };
    let mut back: Vec<_> = client.handler().0.iter().map(last_wait).collect();
    back.sort_unstable();
    assert!(back[CLIENTS - 1] <= LONGEST_WAIT, "{back:?}");
    // In no quarter of a second do more than half of them come: that would be a herd.
    let herd = |window: &[Duration]| window[CLIENTS / 2] - window[0] < Duration::from_millis(250);
    assert!(!back.windows(CLIENTS / 2 + 1).any(herd), "{back:?}");

    let dropped = TOO_MANY - 100;
    turn_until(&mut client, |life| life.heard.len() > MESSAGES);
    turn_until(&mut client, |life| {
        life.heard.len() == 1 + MESSAGES || life.heard.len() == 1 + TOO_MANY - dropped
    });
    for (tag, life) in client.handler().0.iter().enumerate() {
        let heard = if tag == 0 {
            expected(TOO_MANY, dropped)
        } else {
            expected(MESSAGES, 0)
        };
        assert_eq!(life.heard, heard, "client {tag}");
        assert_eq!((life.opened, life.closed), (2, 1));
        assert_eq!(life.states.first(), Some(&LinkState::Connecting));
        assert_eq!(life.states.last(), Some(&LinkState::Open));
        // Each failure is followed by a wait, as is the loss.
        let waits = life
            .states
            .iter()
            .filter(|state| matches!(state, LinkState::Waiting { .. }));
        assert_eq!(waits.count(), life.failed + 1);
    }
    drop(client);
    drop(server);
}
