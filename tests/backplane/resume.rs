//! Paths that keep what was said last: whoever comes back, to the same node or another, hears what it has missed, once and
//! in the order in which all the others hear it, or that it is too late.

use super::broker::{Broker, Kind};
use super::crowd::Client;
use super::{Dice, until};
use sockeye::app::{App, Conn, Format, Route, Service};
use sockeye::backplane::Node;
use sockeye::server::{History, Message, Stopper};
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

/// Says to everybody, or to everybody else, what it is sent.
struct Talk;

impl Service for Talk {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let is_for_all = conn.path().ends_with("all");
        let to = if is_for_all {
            conn.all()
        } else {
            conn.others()
        };
        conn.publish(to.kept(), message);
    }
}

/// A server that may be a node.
struct Place {
    addr: SocketAddr,
    node: Option<Node>,
    stoppers: Vec<Stopper>,
    thread: Option<JoinHandle<()>>,
}

impl Place {
    fn start(broker: Option<&Broker>, workers: usize, history: History) -> Self {
        // Who only listens is not looked at for long now and then, and answers no pings meanwhile.
        let hour = Duration::from_secs(3600);
        let route = Route::new("/talk/{room}").format(Format::Json).ping(hour);
        let mut app = App::new();
        app = app.route(route.history(history), |_| Talk).workers(workers);
        if let Some(broker) = broker {
            app = broker.app(app, Node::builder());
        }
        let serving = app.bind("127.0.0.1:0").expect("a server");
        Self {
            addr: serving.local_addr(),
            node: serving.node().cloned(),
            stoppers: serving.stoppers(),
            thread: Some(std::thread::spawn(move || {
                serving.run().expect("it runs");
            })),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.node = None;
        for stopper in &self.stoppers {
            let _ = stopper.stop();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Nodes that know each other.
fn start(broker: &Broker, count: usize, history: History) -> Vec<Place> {
    let places: Vec<_> = (0..count)
        .map(|_| Place::start(Some(broker), 2, history))
        .collect();
    for place in &places {
        until("all nodes know each other", || {
            let node = place.node.as_ref().expect("it is one");
            (node.others().len() == count - 1).then_some(())
        });
    }
    places
}

/// Somebody who comes back.
struct Guest {
    client: Client,
    path: String,
    at: Option<String>,
    author: Option<String>,
    /// How often it was told where it is; and how many messages it has missed, or that it was too late.
    resumed: usize,
    missed: Option<usize>,
    /// What it has heard, without where that is.
    heard: Vec<String>,
}

impl Guest {
    fn come(addr: SocketAddr, path: &str) -> Self {
        let mut guest = Self::new(Client::connect_to(addr, path), path);
        guest.wait_for_place();
        guest
    }

    fn new(client: Client, path: &str) -> Self {
        Self {
            client,
            path: path.to_owned(),
            at: None,
            author: None,
            resumed: 0,
            missed: None,
            heard: Vec::new(),
        }
    }

    /// The connection is cut, and it comes again, to that node.
    fn come_back(&mut self, addr: SocketAddr) {
        let (at, author) = (self.at.as_ref(), self.author.as_ref());
        let token = format!("{},{}", at.expect("told"), author.expect("told"));
        self.client = Client::connect_to(addr, &format!("{}?resume={token}", self.path));
    }

    fn wait_for_place(&mut self) {
        let before = self.resumed;
        until("it is told where it is", || {
            self.hear();
            (self.resumed > before).then_some(())
        });
    }

    fn say(&mut self, text: &str) {
        self.client.say(&format!(r#"{{"say":"{text}"}}"#));
    }

    fn hear(&mut self) {
        self.client.hear();
        for text in std::mem::take(&mut self.client.heard) {
            let message: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            self.at = Some(message["at"].as_str().expect("a place").to_owned());
            if message["cmd"] == "resumed" {
                let param = &message["param"];
                self.resumed += 1;
                self.author = Some(param["as"].as_str().expect("a name").to_owned());
                let missed = param["missed"].as_u64().expect("a number");
                let is_complete = param["complete"].as_bool().expect("a fact");
                self.missed = is_complete.then_some(missed as usize);
            } else {
                self.heard
                    .push(message["say"].as_str().expect("words").to_owned());
            }
        }
    }

    fn hears(&mut self, expected: &[String]) {
        until("it hears all", || {
            self.hear();
            (self.heard.len() >= expected.len()).then_some(())
        });
        let differs = self
            .heard
            .iter()
            .zip(expected)
            .position(|(is, was)| is != was);
        let at = differs.unwrap_or_else(|| expected.len().min(self.heard.len()));
        let around =
            |texts: &[String]| texts[at.saturating_sub(3)..texts.len().min(at + 3)].to_vec();
        assert_eq!(
            (around(&self.heard), self.heard.len()),
            (around(expected), expected.len()),
            "from the message {at} on",
        );
    }
}

const ROOMS: usize = 20;

/// Guests in rooms talk, and move all the time, by force.
fn move_under_load(places: &[Place], guests: usize, rounds: usize) {
    let mut dice = Dice::new(11);
    // In half of the rooms whoever speaks hears it, too.
    let path = |room: usize| match room % 2 {
        0 => format!("/talk/{room}-all"),
        _ => format!("/talk/{room}"),
    };
    let mut crowd: Vec<_> = (0..guests)
        .map(|number| {
            let place = &places[number % places.len()];
            Guest::come(place.addr, &path(number % ROOMS))
        })
        .collect();
    let mut said = [0; ROOMS];
    let mut own = vec![Vec::new(); guests];
    for _ in 0..rounds {
        for _ in 0..20 {
            // A third of them speak.
            let author = dice.below(guests / 3);
            let room = author % ROOMS;
            let text = format!("{room} {author} {}", own[author].len());
            crowd[author].say(&text);
            said[room] += 1;
            own[author].push(text);
            let mover = dice.below(guests);
            crowd[mover].hear();
            // What it has said and nobody has heard may be lost with a connection.
            let is_heard = |text: &String| crowd[mover].heard.contains(text);
            if own[mover].last().is_none_or(is_heard) {
                let to = dice.below(places.len());
                crowd[mover].come_back(places[to].addr);
            }
        }
        for _ in 0..10 {
            let listener = dice.below(guests);
            crowd[listener].hear();
        }
    }
    let mut moves = 0;
    for (room, &all) in said.iter().enumerate() {
        let members = || (0..guests).filter(|guest| guest % ROOMS == room);
        // Who has never spoken hears everything, in both kinds of rooms.
        let silent = members().find(|guest| own[*guest].is_empty());
        let silent = silent.expect("somebody is silent");
        until("the silent one has heard all", || {
            crowd[silent].hear();
            (crowd[silent].heard.len() >= all).then_some(())
        });
        let order = crowd[silent].heard.clone();
        assert_eq!(order.len(), all, "nothing came twice");
        for member in members() {
            let spoken = order.iter().filter(|text| own[member].contains(text));
            assert!(
                spoken.eq(own[member].iter()),
                "in the order in which it was said"
            );
            let hears: Vec<_> = match room % 2 {
                0 => order.clone(),
                _ => {
                    let others = order.iter().filter(|text| !own[member].contains(text));
                    others.cloned().collect()
                }
            };
            crowd[member].hears(&hears);
            moves += crowd[member].resumed - 1;
        }
    }
    let said: usize = said.iter().sum();
    println!("{guests} guests, {moves} moves, {said} messages: 0 lost, 0 repeated, 0 out of order");
}

#[test]
fn a_thousand_guests_that_are_moved_between_nodes_miss_nothing() {
    for kind in [Kind::Redis, Kind::RedisCluster] {
        let Some(broker) = Broker::start(kind) else {
            continue;
        };
        let places = start(&broker, 3, History::last(10_000));
        // Of so few, rooms are empty on a node now and then.
        move_under_load(&places, 80, 150);
        if kind == Kind::Redis {
            move_under_load(&places, 1000, 150);
        }
    }
}

#[test]
fn those_of_one_server_that_come_back_to_another_loop_miss_nothing() {
    let place = Place::start(None, 3, History::last(10_000));
    move_under_load(&[place], 200, 150);
}

/// Everything with one broker, and without any.
fn everywhere(history: History, test: impl Fn(&[Place])) {
    test(&[Place::start(None, 2, history)]);
    for kind in [Kind::Redis, Kind::RedisCluster] {
        if let Some(broker) = Broker::start(kind) {
            test(&start(&broker, 2, history));
        }
    }
}

fn words(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

#[test]
fn who_has_heard_nothing_yet_can_come_back() {
    everywhere(History::last(10), |places| {
        let mut guest = Guest::come(places[0].addr, "/talk/tea");
        assert_eq!(guest.missed, Some(0));
        let other = places.last().expect("there is one").addr;
        guest.come_back(other);
        guest.wait_for_place();
        assert_eq!(guest.missed, Some(0));
        let mut speaker = Guest::come(other, "/talk/tea");
        drop(std::mem::replace(
            &mut guest.client,
            Client::connect_to(other, "/talk/elsewhere"),
        ));
        for number in 0..3 {
            speaker.say(&number.to_string());
        }
        guest.come_back(places[0].addr);
        guest.hears(&words(0..3));
    });
}

#[test]
fn who_comes_back_is_not_told_what_it_has_said_to_the_others() {
    everywhere(History::last(10), |places| {
        let mut author = Guest::come(places[0].addr, "/talk/tea");
        let mut other = Guest::come(places[0].addr, "/talk/tea");
        author.say("0");
        other.hears(&words(0..1));
        author.come_back(places.last().expect("there is one").addr);
        author.wait_for_place();
        assert_eq!(author.missed, Some(0));
        other.say("1");
        author.hears(&words(1..2));
    });
}

#[test]
fn as_much_as_is_kept_is_told_and_beyond_that_that_it_is_too_late() {
    everywhere(History::last(10), |places| {
        for (count, missed) in [(10, Some(10)), (11, None)] {
            let path = format!("/talk/{count}-all");
            let mut guest = Guest::come(places[0].addr, &path);
            let mut speaker = Guest::come(places[0].addr, &path);
            guest.client = Client::connect_to(places[0].addr, "/talk/elsewhere");
            for number in 0..count {
                speaker.say(&number.to_string());
            }
            speaker.hears(&words(0..count));
            guest.come_back(places.last().expect("there is one").addr);
            guest.wait_for_place();
            assert_eq!(guest.missed, missed, "{count}");
            guest.hears(&words(0..missed.unwrap_or(0)));
            // What is said next is heard in any case.
            speaker.say("next");
            until("it hears what comes next", || {
                guest.hear();
                (guest.heard.last()? == "next").then_some(())
            });
        }
    });
}

#[test]
fn what_is_no_token_is_too_late() {
    everywhere(History::last(10), |places| {
        let mut speaker = Guest::come(places[0].addr, "/talk/all");
        speaker.say("0");
        speaker.hears(&words(0..1));
        for token in ["", "x", "9999999999999-0,1.1", "1-1,0.0", "0-0"] {
            let path = format!("/talk/all?resume={token}");
            let guest = Guest::come(places[0].addr, &path);
            assert_eq!(guest.missed, None, "{token:?}");
        }
    });
}

#[test]
fn what_is_said_while_the_broker_is_gone_is_told_there_at_once_and_elsewhere_later() {
    let Some(mut broker) = Broker::start(Kind::Redis) else {
        return;
    };
    let places = start(&broker, 2, History::last(100));
    let [mut here, mut elsewhere] =
        [0, 1].map(|place: usize| Guest::come(places[place].addr, "/talk/all"));
    here.say("0");
    here.hears(&words(0..1));
    elsewhere.hears(&words(0..1));
    broker.kill();
    until("the node knows", || {
        let node = places[0].node.as_ref().expect("it is one");
        (!node.figures().is_up).then_some(())
    });
    for number in 1..4 {
        here.say(&number.to_string());
    }
    // Also to who comes back meanwhile.
    here.hears(&words(0..4));
    here.come_back(places[0].addr);
    here.wait_for_place();
    assert_eq!(here.missed, Some(0));
    here.say("4");
    here.hears(&words(0..5));
    broker.run();
    // The broker has lost what it kept, and says so to nobody: they begin anew.
    elsewhere.hears(&words(0..5));
    // What was told before it was kept is not told again, on whatever node.
    elsewhere.say("5");
    here.hears(&words(0..6));
    for place in [1, 0] {
        here.come_back(places[place].addr);
        here.wait_for_place();
        assert_eq!(here.missed, Some(0));
    }
    elsewhere.say("6");
    here.hears(&words(0..7));
}

#[test]
fn a_broker_that_keeps_nothing_says_that_it_is_too_late() {
    let Some(broker) = Broker::start(Kind::Nats) else {
        return;
    };
    let places = start(&broker, 2, History::last(100));
    let mut guest = Guest::come(places[0].addr, "/talk/all");
    assert_eq!(guest.missed, Some(0));
    guest.come_back(places[1].addr);
    guest.wait_for_place();
    assert_eq!(guest.missed, None);
}

#[test]
fn who_speaks_before_it_knows_where_it_is_hears_itself() {
    everywhere(History::last(10), |places| {
        for (round, place) in places.iter().cycle().take(10).enumerate() {
            let path = format!("/talk/{round}-all");
            let client = Client::connect_to(place.addr, &path);
            let mut guest = Guest::new(client, &path);
            guest.say("0");
            guest.hears(&words(0..1));
            guest.say("1");
            guest.hears(&words(0..2));
            // It is told where it is nevertheless, and once.
            assert_eq!((guest.resumed, guest.missed), (1, Some(0)));
            guest.come_back(place.addr);
            guest.wait_for_place();
            assert_eq!(guest.missed, Some(0));
        }
    });
}
