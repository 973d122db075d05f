//! A service that does what texts ask, so that a test can be a conversation: [`Hall`].
//!
//! | text | does | answers |
//! |---|---|---|
//! | `join a`, `leave a` | joins, leaves a room | what that said |
//! | `room a hi`, `others a hi` | says `hi` to a room; without the speaker | |
//! | `rooms a,b hi` | says it to both | |
//! | `all hi`, `path /b hi`, `server hi`, `user ada hi` | says it to those | |
//! | `one 7 hi` | says it to the connection with this number | |
//! | `id` | | the number of this connection |
//! | `online` | | who is online here, and in the server |
//! | `mine`, `count a`, `of ada` | | the rooms of the speaker, members of a room, connections of a user |
//! | anything else | nothing | |
//!
//! Not here: JSON; those are `Commands`.

use crate::harness::{Client, Sim};
use crate::world;
use sockeye::app::{App, Audience, Conn, Router, Service, Upgrade};
use sockeye::server::Message;

/// See the [module](self). Who comes with `?name=` is that user.
pub struct Hall;

/// A hall at any path.
pub fn open() -> Sim<Router> {
    world::start(App::new().everywhere(|_| Hall))
}

/// What a client is told when it says this.
pub fn told(sim: &mut Sim<Router>, client: &mut Client, text: &str) -> Vec<String> {
    world::say(sim, client, text);
    world::heard(client)
}

impl Service for Hall {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), upgrade: &Upgrade<'_>) {
        if let Some(name) = upgrade.query().get("name") {
            conn.identify(&name).expect("a name");
        }
    }

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let Message::Text(text) = message else { return };
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (name, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        let names: Vec<_> = name.split(',').collect();
        let (to, said) = match word {
            "room" => (Audience::room(name), behind),
            "others" => (Audience::room(name).except(conn.id()), behind),
            "rooms" => (Audience::rooms(&names), behind),
            "path" => (Audience::path(name), behind),
            "user" => (Audience::user(name), behind),
            "all" => (conn.all(), rest),
            "server" => (Audience::server(), rest),
            "one" => {
                let number: u64 = name.parse().expect("a number");
                let found = conn.connections().into_iter().find(|id| id.get() == number);
                (Audience::one(found.expect("it is here")), behind)
            }
            _ => return answer(conn, word, name),
        };
        conn.publish(to, said);
    }
}

fn answer(conn: &mut Conn<'_, ()>, word: &str, name: &str) {
    let answer = match word {
        "join" => format!("{:?}", conn.join(name)),
        "leave" => conn.leave(name).to_string(),
        "id" => conn.id().get().to_string(),
        "online" => format!("{} of {}", conn.online(), conn.server_online()),
        "mine" => conn.rooms().join(","),
        "count" => conn.count(name).to_string(),
        "of" => conn.connections_of(name).len().to_string(),
        _ => return,
    };
    conn.send(&answer).expect("it is open");
}
