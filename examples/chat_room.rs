//! A chat with rooms: what somebody says goes to the others of the same room, and `/join NAME` goes to another one.
//!
//! `cargo run --example chat_room`, then in two terminals `cargo run -- connect ws://127.0.0.1:9001`. Type `hello`, and
//! `//join tea`: a single slash would be for `connect` itself. A browser says `ws.send("/join tea")`.

use sockeye::proto::handshake::server::Request;
use sockeye::server::{Builder, Closed, ConnectionId, Handler, Hub, Message, Peer, To};

pub(crate) struct Chat;

impl Handler for Chat {
    /// The room that somebody is in.
    type State = String;

    fn on_open(&mut self, peer: &mut Peer<'_>, _request: &Request<'_>) -> String {
        enter(peer, "", "lobby")
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, room: &mut String, message: Message<'_>) {
        let Message::Text(text) = message else { return };
        match text.strip_prefix("/join ") {
            Some(name) => *room = enter(peer, room, name),
            None => tell(peer.id(), "says", text, room, &mut peer.hub()),
        }
    }

    /// Whoever closes has left the room already.
    fn on_close(&mut self, hub: &mut Hub<'_>, id: ConnectionId, room: String, _: &Closed<'_>) {
        tell(id, "left", &room, &room, hub);
    }
}

/// Tells the others of a room about somebody. It goes out when all who have spoken meanwhile were heard.
fn tell(id: ConnectionId, does: &str, what: &str, room: &str, hub: &mut Hub<'_>) {
    hub.publish(To::room(room).except(id), &format!("{id} {does} {what}"));
}

/// From one room to another; says where that leaves them. A name is whatever the client sent, so it may be refused.
fn enter(peer: &mut Peer<'_>, old: &str, new: &str) -> String {
    let id = peer.id();
    if let Err(why) = peer.join(new) {
        let _ = peer.send(&format!("{new}: {why}"));
        return old.to_owned();
    }
    if new != old {
        peer.leave(old);
        tell(id, "left", old, old, &mut peer.hub());
        tell(id, "joined", new, new, &mut peer.hub());
    }
    let here: Vec<_> = peer.hub().members(new).map(|id| id.to_string()).collect();
    let _ = peer.send(&format!("{id} joined {new}; here: {}", here.join(" ")));
    new.to_owned()
}

fn main() -> std::io::Result<()> {
    let addr = "127.0.0.1:9001".parse().expect("an address");
    println!("listening on ws://{addr}");
    Builder::new().stop_on_signals().bind(addr, Chat)?.run()
}
