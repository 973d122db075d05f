//! A client that the Autobahn|Testsuite judges: it echoes what the suite's server says, case by case.
//!
//! `autobahn/run client` builds and runs it. By hand: `cargo run --example autobahn_client -- ws://127.0.0.1:9002`.

use sockeye::client::{
    Answer, Client, Closed, ConnectError, ConnectionId, Connector, Handler, Hub,
};
use sockeye::client::{Message, Peer, Settings};
use sockeye::proto::Limits;
use std::error::Error;

/// The largest message that the suite sends.
const LARGEST: u64 = 16 << 20;

/// How many cases there are, and echoing.
#[derive(Default)]
struct Testee {
    cases: Option<usize>,
    failed: Option<ConnectError>,
}

/// What a connection is for.
#[derive(Default)]
enum Part {
    #[default]
    Count,
    Echo,
}

const COUNT: u64 = 0;

impl Handler for Testee {
    type State = Part;

    fn on_connect(&mut self, _peer: &mut Peer<'_>, tag: u64, _answer: &Answer<'_>) -> Part {
        if tag == COUNT {
            Part::Count
        } else {
            Part::Echo
        }
    }

    fn on_failed(&mut self, _tag: u64, error: ConnectError) {
        self.failed = Some(error);
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, part: &mut Part, message: Message<'_>) {
        match (part, message) {
            (Part::Count, Message::Text(count)) => self.cases = count.parse().ok(),
            // The suite may close at any time; then there is nobody to answer.
            (_, message) => drop(peer.send(message)),
        }
    }

    fn on_close(&mut self, _: &mut Hub<'_>, _id: ConnectionId, _part: Part, closed: &Closed<'_>) {
        if let Some(violation) = closed.violation {
            eprintln!("the server broke the protocol: {violation}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1);
    let server = server.ok_or("usage: autobahn_client ws://HOST:PORT")?;
    let mut client = Client::with_settings(Testee::default(), Settings::default())?;
    visit(&mut client, &format!("{server}/getCaseCount"), COUNT)?;
    let cases = client
        .handler()
        .cases
        .ok_or("the server did not say how many cases it has")?;
    for case in 1..=cases {
        let url = format!("{server}/runCase?case={case}&agent=Sockeye");
        visit(&mut client, &url, case as u64)?;
    }
    visit(
        &mut client,
        &format!("{server}/updateReports?agent=Sockeye"),
        COUNT,
    )
}

/// Opens a connection and runs it to its end.
fn visit(client: &mut Client<Testee>, url: &str, tag: u64) -> Result<(), Box<dyn Error>> {
    let connector = Connector::new(url)?.limits(Limits::with_max_message(LARGEST));
    client.connect(&connector, tag)?;
    client.run()?;
    match client.handler().failed.take() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
