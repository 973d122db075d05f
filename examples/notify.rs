//! Notifications from another thread, to one user and to all: a job, a queue, a listener on a database.
//!
//! `cargo run --example notify`, then `cargo run -- connect 'ws://127.0.0.1:9001/inbox?user=ada'`, once or more. Type in
//! the server's terminal: `ada: your order is ready` goes to all of Ada's connections, a line without a colon to everybody.

use sockeye::app::{App, Audience, Conn, Decision, Route, Service, Upgrade, Voice};
use sockeye::server::{HandleError, Message};
use std::{io, thread};

/// Where it lives, and what is told from outside.
pub(crate) const PATH: &str = "/inbox";

struct Inbox;

impl Service for Inbox {
    /// Whose connection it is.
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, name: &mut String, _: &Upgrade<'_>) {
        // From here on `Audience::user(name)` reaches it, with all others of that name at this path.
        if conn.identify(name).is_ok() {
            let devices = conn.connections_of(name).len();
            let _ = conn.send(&format!("hello, {name}, on {devices}"));
        }
    }

    fn message(&mut self, _: &mut Conn<'_, String>, _: &mut String, _: Message<'_>) {}
}

pub(crate) fn app() -> App {
    // A real one asks for a token: see examples/auth_token.rs.
    let gate = Route::parse("SOCKET /inbox @text <1kB").expect("a route");
    let gate = gate.admit(|upgrade| match upgrade.query().get("user") {
        Some(name) => Decision::user(name.into_owned()),
        None => Decision::refuse(403, "say who you are: ?user="),
    });
    App::new().route(gate, |_| Inbox)
}

/// Nothing waits here: what is said is handed to the loops, and a slow reader costs this thread nothing.
pub(crate) fn notify(inbox: &Voice, line: &str) -> Result<(), HandleError> {
    match line.split_once(": ") {
        Some((user, text)) => inbox.publish(Audience::user(user), text),
        None => inbox.publish(Audience::all(), line),
    }
}

fn main() -> io::Result<()> {
    let serving = app().bind("127.0.0.1:9001")?;
    println!("listening on ws://{}{PATH}", serving.local_addr());
    let inbox = serving.voice(PATH);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if let Err(error) = notify(&inbox, &line) {
                eprintln!("nobody was told: {error}");
            }
        }
    });
    serving.run()
}
