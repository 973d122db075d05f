//! A check that takes time, a database's for instance: the gate hands out a ticket, and another thread answers it.
//!
//! `cargo run --example slow_login`, then `cargo run -- connect 'ws://127.0.0.1:9001/?token=ada-secret'`: the answer takes
//! a second, and meanwhile the server serves everybody else.

use sockeye::app::{App, Conn, Decision, Route, Service, Ticket, Upgrade, same};
use sockeye::server::Message;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{thread, time::Duration};

/// Checks that wait at most. Beyond that whoever comes is told to come again: memory is not theirs to fill.
const WAITING: usize = 64;

type Check = (String, Ticket<String>);

struct Greeter;

impl Service for Greeter {
    type User = String;

    fn open(&mut self, conn: &mut Conn<'_, String>, name: &mut String, _: &Upgrade<'_>) {
        let _ = conn.send(&format!("hello, {name}"));
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, _: &mut String, message: Message<'_>) {
        let _ = conn.send(message);
    }
}

/// Who this is, if anybody. It may wait: it is not on the server's loop.
fn ask_database(token: &str, takes: Duration) -> Option<String> {
    thread::sleep(takes);
    same(token, "ada-secret").then(|| "Ada".to_owned())
}

/// Answers one after the other. A ticket whose asker has gone meanwhile does nothing.
fn check_all(checks: &Receiver<Check>, takes: Duration) {
    for (token, ticket) in checks {
        // A user is let in, nobody is 401.
        if let Err(error) = ticket.answer(ask_database(&token, takes)) {
            eprintln!("{error}");
        }
    }
}

fn gate(checks: SyncSender<Check>) -> impl Fn(&Upgrade<'_>) -> Decision<String> + Send + Sync {
    move |upgrade| {
        let Some(token) = upgrade.token() else {
            return Decision::unauthorised();
        };
        match checks.try_send((token.into_owned(), upgrade.ticket())) {
            Ok(()) => Decision::Later,
            Err(_) => Decision::refuse(503, "too many are being checked"),
        }
    }
}

pub(crate) fn app(takes: Duration) -> App {
    let (put, checks) = sync_channel(WAITING);
    thread::spawn(move || check_all(&checks, takes));
    let route = Route::parse("+SOCKET / @text <4kB").expect("a route");
    App::new().route(route.admit(gate(put)), |_| Greeter)
}

fn main() -> std::io::Result<()> {
    println!("listening on ws://127.0.0.1:9001");
    app(Duration::from_secs(1)).bind("127.0.0.1:9001")?.run()
}
