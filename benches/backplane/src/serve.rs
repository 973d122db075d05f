//! `serve`: the server that is measured, as a process of its own; a node of a broker, or none.
//!
//! `join R` is answered with itself, any other text is echoed, and of a binary message the first four bytes are the number
//! of the room that it is published to. It ends when its standard input does.

use crate::Result;
use clap::Args;
#[cfg(feature = "backplane")]
use sockeye::backplane::{BackplaneEvent, History};
use sockeye::server::{Builder, Exchange, Handler, Message, Peer, RoomSettings, To};
use std::io::{self, Read};
use std::thread;

/// The server that is measured: what the others start
#[derive(Args, Clone, Debug)]
#[command(hide = true)]
pub(crate) struct Options {
    /// Port of the Redis that it is a node of
    #[arg(long, value_name = "PORT")]
    broker: Option<u16>,
    /// Rooms that may be published to
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    rooms: usize,
    /// Messages that each room keeps
    #[arg(long, value_name = "NUMBER")]
    kept: Option<usize>,
}

/// What a room is called.
pub(crate) fn room(number: usize) -> String {
    format!("room-{number}")
}

struct Rooms {
    names: Vec<String>,
    #[cfg(feature = "backplane")]
    history: Option<History>,
}

impl Rooms {
    fn new(options: &Options) -> Self {
        Self {
            names: (0..options.rooms).map(room).collect(),
            #[cfg(feature = "backplane")]
            history: options.kept.map(History::last),
        }
    }

    fn to(&self, number: usize) -> Option<To<'_>> {
        let to = To::room(self.names.get(number)?);
        #[cfg(feature = "backplane")]
        if let Some(history) = self.history {
            return Some(to.kept(history));
        }
        Some(to)
    }

    fn join(&self, peer: &mut Peer<'_>, room: &str) {
        #[cfg(feature = "backplane")]
        if let Some(history) = self.history {
            let id = peer.id();
            let joined = peer.hub().resume(id, room, history, None);
            joined.expect("a room");
            return;
        }
        peer.join(room).expect("a room");
    }
}

impl Handler for Rooms {
    type State = ();

    #[inline]
    fn on_message(&mut self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        match message {
            Message::Text(text) => {
                if let Some(room) = text.strip_prefix("join ") {
                    self.join(peer, room);
                }
                let _ = peer.send(text);
            }
            Message::Binary(bytes) => {
                let number = bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
                let to = number.and_then(|number| self.to(number as usize));
                peer.publish(to.expect("a room's number"), bytes);
            }
        }
    }

    #[cfg(feature = "backplane")]
    fn on_backplane(&mut self, _: &mut sockeye::server::Hub<'_>, event: &BackplaneEvent) {
        if let BackplaneEvent::Gap { .. } | BackplaneEvent::Down { .. } = event {
            eprintln!("{event:?}");
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let exchange = Exchange::new();
    let rooms = Rooms::new(options);
    let settings = RoomSettings {
        // The window of the load is the bound here.
        max_queued: 4 << 20,
        max_per_connection: options.rooms,
        ..RoomSettings::default()
    };
    let builder = Builder::new().rooms(settings).deflate(None);
    let builder = builder.exchange(&exchange);
    let mut server = builder.bind("127.0.0.1:0".parse()?, rooms)?;
    // It is a node for as long as this is held.
    let _node = node(options, &exchange)?;
    println!("{}", server.local_addr());
    let stopper = server.stopper();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = stopper.stop();
    });
    server.run()?;
    Ok(())
}

#[cfg(feature = "backplane")]
fn node(options: &Options, exchange: &Exchange) -> Result<Option<sockeye::backplane::Node>> {
    use sockeye::backplane::{Node, Redis};
    let Some(port) = options.broker else {
        return Ok(None);
    };
    let redis = Redis::new(&format!("redis://127.0.0.1:{port}"))?;
    Ok(Some(Node::builder().start(exchange, redis)?))
}

#[cfg(not(feature = "backplane"))]
fn node(options: &Options, _: &Exchange) -> Result<Option<std::convert::Infallible>> {
    match options.broker {
        Some(_) => Err("it is built without the backplane".into()),
        None => Ok(None),
    }
}
