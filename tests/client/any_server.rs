//! Links and whatever their server does, at random: what is told is always whole, and they are open in the end.

use crate::frames::{PING, TEXT};
use crate::harness::{Server, Sim, Told, close, ms, secs, text, to};
use crate::sim::Reached;
use proptest::prelude::*;
use rustix::io::Errno;
use sockeye::client::{Delivery, LinkState, Reconnect};
use std::time::Duration;

/// What a server does with one attempt.
#[derive(Clone, Debug)]
struct Script {
    reached: Reached,
    /// How long it takes to answer.
    delay: Duration,
    answer: Answer,
    /// How long the connection lives.
    life: Duration,
    last: Last,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Good,
    GoodWithAMessage,
    WrongAccept,
    Refusal,
    EndlessRefusal,
    Garbage,
    End,
    Reset,
    Silence,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum Last {
    End,
    Reset,
    Close(u16),
    CloseAndHold,
    AskForClose,
    Violation,
    HalfAMessage,
    Silence,
}

fn some_time() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 1..30_u64, 30..3000_u64].prop_map(ms)
}

fn some_script() -> impl Strategy<Value = Script> {
    let reached = prop_oneof![
        4 => some_time().prop_map(Reached::After),
        1 => some_time().prop_map(|span| Reached::Refused(span, Errno::CONNREFUSED)),
        1 => Just(Reached::AtOnce(Errno::NETUNREACH)),
        1 => Just(Reached::Never),
    ];
    let answer = prop_oneof![
        5 => Just(Answer::Good),
        2 => Just(Answer::GoodWithAMessage),
        1 => Just(Answer::WrongAccept),
        1 => Just(Answer::Refusal),
        1 => Just(Answer::EndlessRefusal),
        1 => Just(Answer::Garbage),
        1 => Just(Answer::End),
        1 => Just(Answer::Reset),
        1 => Just(Answer::Silence),
    ];
    let last = prop_oneof![
        Just(Last::End),
        Just(Last::Reset),
        (1000..=1003_u16).prop_map(Last::Close),
        Just(Last::CloseAndHold),
        Just(Last::AskForClose),
        Just(Last::Violation),
        Just(Last::HalfAMessage),
        Just(Last::Silence),
    ];
    (reached, some_time(), answer, some_time(), last).prop_map(
        |(reached, delay, answer, life, last)| Script {
            reached,
            delay,
            answer,
            life,
            last,
        },
    )
}

/// Answers as the script has it. Says whether the connection is open then.
fn answer(server: &mut Server, how: Answer) -> bool {
    let request = server.request();
    let good = crate::harness::answer(&request);
    match how {
        Answer::Good => server.push(&good),
        Answer::GoodWithAMessage => server.push(&[good, text("hello")].concat()),
        Answer::WrongAccept => {
            let wrong = String::from_utf8(good)
                .unwrap()
                .replace("Accept: ", "Accept: x");
            server.push(wrong.as_bytes());
        }
        Answer::Refusal => server.push(b"HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\nno"),
        Answer::EndlessRefusal => server.push(b"HTTP/1.1 503 x\r\n\r\nno"),
        Answer::Garbage => server.push(b"\x16\x03\x01\x02\x00"),
        Answer::End => server.conn.end(),
        Answer::Reset => server.conn.reset(Errno::CONNRESET),
        Answer::Silence => {}
    }
    matches!(how, Answer::Good | Answer::GoodWithAMessage)
}

/// Ends as the script has it.
fn end(server: &Server, how: Last) {
    match how {
        Last::End => server.conn.end(),
        Last::Reset => server.conn.reset(Errno::CONNRESET),
        Last::Close(code) => {
            server.push(&close(code, "enough"));
            server.conn.end();
        }
        Last::CloseAndHold => server.push(&close(1001, "")),
        Last::AskForClose => server.push(&text("!close")),
        Last::Violation => server.push(b"\x83\x00"),
        Last::HalfAMessage => server.push(b"\x81\x05He"),
        Last::Silence => {}
    }
}

/// Where the server stands with one connection.
enum Stand {
    Asked,
    Answering(Duration),
    Living(Duration),
    Done,
}

/// Plays the scripts, one for each attempt, and behaves after that.
fn play(sim: &mut Sim, scripts: &[Script], until: Duration) -> Said {
    let mut servers: Vec<(Option<Server>, Stand)> = Vec::new();
    let mut said = Said::default();
    while sim.net.now() < until {
        sim.run_for(ms(10));
        let now = sim.net.now();
        said.say_one_more(sim);
        let new = sim.dialed_from(servers.len());
        servers.extend(
            new.into_iter()
                .map(|dialed| (dialed.conn.map(Server::new), Stand::Asked)),
        );
        for (number, (server, stand)) in servers.iter_mut().enumerate() {
            let Some(server) = server.as_mut().filter(|server| !server.conn.is_closed()) else {
                continue;
            };
            let script = scripts.get(number);
            match stand {
                Stand::Asked if server.conn.untaken() > 0 => {
                    *stand = Stand::Answering(now + script.map_or(ms(0), |script| script.delay));
                }
                Stand::Answering(at) if *at <= now => {
                    let how = script.map_or(Answer::Good, |script| script.answer);
                    *stand = match script {
                        _ if !answer(server, how) => Stand::Done,
                        Some(script) => Stand::Living(now + script.life),
                        None => Stand::Living(Duration::MAX),
                    };
                }
                Stand::Living(at) if *at <= now => {
                    end(server, scripts[number].last);
                    *stand = Stand::Done;
                }
                Stand::Living(_) => said.hear(server, script.is_none()),
                _ => {}
            }
        }
    }
    said
}

/// What the application says meanwhile, as numbers, and what the servers hear of it.
#[derive(Default)]
struct Said {
    next: u64,
    dropped: u64,
    heard: Vec<u64>,
}

impl Said {
    fn say_one_more(&mut self, sim: &mut Sim) {
        self.next += 1;
        let delivery = sim.client.send(7, self.next.to_string().as_str());
        if let Delivery::Queued { dropped } = delivery.expect("a link") {
            self.dropped += dropped as u64;
        }
    }

    fn hear(&mut self, server: &mut Server, answers: bool) {
        for frame in server.frames() {
            match frame.opcode {
                TEXT => self
                    .heard
                    .push(String::from_utf8(frame.payload).unwrap().parse().unwrap()),
                PING if answers => server.push(&crate::harness::frame(0x8A, &frame.payload)),
                _ => {}
            }
        }
    }

    /// Nothing was said twice, or in another order, and what waited at the end came to the last server.
    fn check(&self, sim: &mut Sim) {
        assert!(self.heard.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(self.heard.last(), Some(&self.next));
        let status = sim.client.status(7).unwrap();
        assert_eq!((status.queued, status.dropped), (0, self.dropped));
    }
}

/// What is told is whole: for each attempt one of open and failed, for each open one close, and states that follow on each
/// other.
fn check(told: &[Told], attempts: usize) {
    let mut state = None;
    let (mut opens, mut fails, mut alive) = (0, 0, false);
    for told in told {
        match told {
            Told::Link(7, next) => {
                use LinkState::{Connecting, Open, Waiting};
                let follows = matches!(
                    (state, next),
                    (None | Some(Waiting { .. }), Connecting)
                        | (Some(Connecting), Open | Waiting { .. })
                        | (Some(Open), Waiting { .. })
                );
                assert!(follows, "{state:?} {next:?}");
                assert!(
                    !alive || *next == Open,
                    "{next:?} before the close was told"
                );
                state = Some(*next);
            }
            Told::Open { tag: 7, .. } => {
                assert!(!alive && state == Some(LinkState::Connecting));
                (opens, alive) = (opens + 1, true);
            }
            Told::Failed(7, error) => {
                assert!(!alive && state == Some(LinkState::Connecting), "{error}");
                fails += 1;
            }
            Told::Close(7, _) => {
                assert!(alive, "a close without an open, or a second one");
                alive = false;
            }
            Told::Text(7, _) | Told::Pong(7, _) => assert!(alive),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opens + fails, attempts);
    assert!(alive && state == Some(LinkState::Open), "{state:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_link_is_open_in_the_end_and_what_is_told_is_whole(
        scripts in prop::collection::vec(some_script(), 0..7),
        seed: u64,
    ) {
        let mut sim = Sim::new();
        crate::sim::random::set_seed(seed);
        let reached = scripts.iter().map(|script| script.reached);
        sim.net.reach("10.0.0.1:80", reached.chain([Reached::After(ms(0))]));
        let policy = Reconnect { cap: secs(1), ..Reconnect::default() };
        let connector = to("ws://10.0.0.1/").connect_timeout(secs(2)).reconnect(policy);
        sim.dial(&connector);
        // The longest life is that of a server that says nothing: 20 s to the ping, 10 s to the pong, 3 s to the close.
        let most = secs(45) * (1 + scripts.len() as u32);
        let said = play(&mut sim, &scripts, most);
        said.check(&mut sim);
        let attempts = sim.net.dialed().len();
        assert!(attempts > scripts.len());
        let told = sim.take_told();
        check(&told, attempts);
        assert_eq!((sim.client.connections(), sim.client.dialing()), (1, 0));
        assert_eq!(sim.net.held_streams(), 1);
        // And asked to, it ends.
        sim.client.stop();
        sim.run_for(secs(4));
        sim.assert_idle();
    }
}
