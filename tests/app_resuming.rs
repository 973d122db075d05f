//! The clients of this crate come back to a path that keeps what is said: each message is heard once and in order.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests have std"
)]

use sockeye::app::{App, Conn, Format, Route, Service};
use sockeye::client::{Client, Connector, Handler, LinkState, Message, Peer, Received, Reconnect};
use sockeye::proto::CloseCode;
use sockeye::server::{History, Stopper};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const LINK: u64 = 1;

/// Says to everybody what it is sent, and ends the connections of whoever asks for that.
struct Talk;

impl Service for Talk {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        if message.bytes().starts_with(b"{\"end\"") {
            for id in conn.connections() {
                if id != conn.id() {
                    let _ = conn.close_other(id, CloseCode::SERVICE_RESTART, "");
                }
            }
        } else {
            conn.publish(conn.all().kept(), message);
        }
    }
}

struct Place {
    url: String,
    stoppers: Vec<Stopper>,
    thread: Option<JoinHandle<()>>,
}

impl Place {
    fn start() -> Self {
        let route = Route::new("/talk").format(Format::Json);
        let app = App::new().route(route.history(History::last(100)), |_| Talk);
        let serving = app.workers(1).bind("127.0.0.1:0").expect("a server");
        Self {
            url: format!("ws://{}/talk", serving.local_addr()),
            stoppers: serving.stoppers(),
            thread: Some(std::thread::spawn(move || serving.run().expect("it runs"))),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for stopper in &self.stoppers {
            let _ = stopper.stop();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn say(number: usize) -> String {
    format!(r#"{{"say":{number}}}"#)
}

/// The next text.
fn next(socket: &mut sockeye::client::WebSocket) -> String {
    match socket.receive() {
        Ok(Received::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Default)]
struct Heard {
    texts: Arc<Mutex<Vec<String>>>,
    opened: Arc<Mutex<usize>>,
}

impl Handler for Heard {
    type State = ();

    fn on_link(&mut self, _tag: u64, state: LinkState) {
        if matches!(state, LinkState::Open) {
            *self.opened.lock().expect("nobody panics") += 1;
        }
    }

    fn on_message(&mut self, _: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let text = String::from_utf8_lossy(message.bytes()).into_owned();
        self.texts.lock().expect("nobody panics").push(text);
    }
}

impl Heard {
    fn said(&self) -> Vec<String> {
        let texts = self.texts.lock().expect("nobody panics");
        let said = texts.iter().filter(|text| text.starts_with("{\"say\""));
        said.map(|text| text.split(",\"at\"").next().unwrap_or_default().to_owned() + "}")
            .collect()
    }

    fn opened(&self) -> usize {
        *self.opened.lock().expect("nobody panics")
    }
}

#[test]
fn a_link_that_is_cut_off_again_and_again_hears_each_message_once_and_in_order() {
    let place = Place::start();
    let heard = Heard::default();
    let mut client = Client::new(heard.clone()).expect("a client");
    let reconnect = Reconnect {
        initial: Duration::from_millis(1),
        cap: Duration::from_millis(2),
        ..Reconnect::default()
    };
    let connector = Connector::new(&place.url).expect("a URL");
    let connector = connector.reconnect(reconnect).resume();
    client.connect(&connector, LINK).expect("it begins");
    let mut turn_until = |what: &str, holds: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !holds() {
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
            client
                .turn(Some(Duration::from_millis(10)))
                .expect("it runs");
        }
    };
    turn_until("it is told where it is", &|| {
        !heard.texts.lock().expect("nobody panics").is_empty()
    });
    let mut speaker = sockeye::client::connect(&place.url).expect("it listens");
    assert!(next(&mut speaker).starts_with("{\"cmd\":\"resumed\""));
    let mut expected = Vec::new();
    for round in 0..5 {
        let opened = heard.opened();
        speaker.send("{\"end\":true}").expect("it is open");
        for number in 0..10 {
            let text = say(10 * round + number);
            speaker.send(text.as_str()).expect("it is open");
            expected.push(text);
        }
        // The speaker hears the last: so it was said while the link was away, or just came.
        while !next(&mut speaker).starts_with(expected.last().expect("one").trim_end_matches('}')) {
        }
        turn_until("it is back", &|| heard.opened() > opened);
        turn_until("it hears all", &|| heard.said().len() >= expected.len());
        assert_eq!(heard.said(), expected);
    }
}

#[test]
fn a_socket_of_another_run_goes_on_from_a_token() {
    let place = Place::start();
    let connector = Connector::new(&place.url).expect("a URL");
    let mut first = connector.open().expect("it listens");
    let resumed: serde_json::Value = serde_json::from_str(&next(&mut first)).expect("JSON");
    let part = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let token = format!("{},{}", part(&resumed["at"]), part(&resumed["param"]["as"]));
    first.send(say(1).as_str()).expect("it is open");
    assert!(next(&mut first).starts_with(r#"{"say":1,"at":"#));
    drop(first);
    let connector = connector.resume_from(token.as_str());
    let mut second = connector.open().expect("it listens");
    let resumed = next(&mut second);
    assert!(
        resumed.contains(r#""missed":1,"complete":true"#),
        "{resumed}"
    );
    assert!(next(&mut second).starts_with(r#"{"say":1,"at":"#));
}
