//! The application: does what messages ask of it, and writes down who comes and goes.
//!
//! Not here: judgement. It is called from within the loop, which survives its panics, so it complains on paper.

use super::Decision;
use sockeye::app::json::{Commands, Permit};
use sockeye::app::{Audience, Conn, Scope, Service, Upgrade};
use sockeye::proto::CloseCode;
use sockeye::server::{Closed, ConnectionId, Message};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What the application knows of itself.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Connections at each path.
    pub(super) open: BTreeMap<String, usize>,
    pub(super) complaints: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct User {
    id: Option<ConnectionId>,
    timers: u64,
}

/// Who says that they are Ada is believed.
pub(super) fn admit(upgrade: &Upgrade<'_>) -> Decision {
    match upgrade.token().as_deref() {
        Some("ada") => Decision::user(User::default()).named("Ada"),
        Some("banned") => Decision::refuse(403, "not you"),
        Some(_) => Decision::unauthorised(),
        None => Decision::guest(User::default()),
    }
}

/// A message that asks for something: what, which, its number, and letters up to a size.
pub(super) fn command(command: u8, argument: u8, number: u64, size: usize) -> String {
    let (what, which) = (
        char::from(b'a' + command % 16),
        char::from(b'a' + argument % 4),
    );
    let mut text = format!("{what}{which}{number}:");
    text.extend((text.len()..size).map(|at| char::from(b'a' + (at % 23) as u8)));
    text
}

/// Whether a message is one that comes back.
pub(super) fn is_echoed(text: &str) -> bool {
    text.starts_with('a')
}

/// Whether a message is one that is sent to everybody on the server, whatever route they are on.
pub(super) fn is_for_all(text: &str) -> bool {
    text.starts_with('k')
}

pub(super) struct Lobby {
    book: Arc<Mutex<Book>>,
}

impl Lobby {
    pub(super) fn new(book: &Arc<Mutex<Book>>) -> Self {
        Self {
            book: Arc::clone(book),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic")
    }
}

/// One more or less at a path; what the engine counts must be the same.
fn count(book: &mut Book, path: &str, more: bool, online: usize) {
    let open = book.open.entry(path.to_owned()).or_default();
    *open = if more {
        *open + 1
    } else {
        open.wrapping_sub(1)
    };
    if *open != online {
        let open = *open;
        book.complaints
            .push(format!("{online} online at {path}, and not {open}"));
    }
}

impl Service for Lobby {
    type User = User;

    fn open(&mut self, conn: &mut Conn<'_, User>, user: &mut User, _: &Upgrade<'_>) {
        user.id = Some(conn.id());
        let (path, online) = (conn.path().to_owned(), conn.online());
        count(&mut self.book(), &path, true, online);
    }

    fn message(&mut self, conn: &mut Conn<'_, User>, user: &mut User, message: Message<'_>) {
        if user.id != Some(conn.id()) {
            self.book()
                .complaints
                .push(format!("{} has the user of {:?}", conn.id(), user.id));
        }
        let bytes = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(data) => data,
        };
        let [what, which, ..] = *bytes else {
            return;
        };
        let room = ["a", "b", "c", ""][usize::from(which % 4)];
        match what {
            b'a' => drop(conn.send(message)),
            b'b' => drop(conn.publish(conn.others(), message)),
            b'c' => drop(conn.publish(Audience::room(room), message)),
            b'd' => drop(conn.publish(Audience::rooms(&["a", "b"]), message)),
            b'e' => drop(conn.join(room)),
            b'f' => drop(conn.leave(room)),
            b'g' => drop(conn.identify(room)),
            b'h' => drop(conn.publish(Audience::user("Ada"), message)),
            b'i' => drop(conn.close(CloseCode::NORMAL, "as you wish")),
            b'j' => {
                user.timers += 1;
                conn.after(Duration::from_millis(u64::from(which) * 7), user.timers);
            }
            b'k' => drop(conn.publish(Audience::server(), message)),
            b'l' => {
                conn.pause();
                conn.resume();
            }
            b'm' => {
                let others = conn.connections();
                let other = others[usize::from(which) % others.len()];
                let _ = conn.send_to(other, message);
                let _ = conn.join_other(other, room);
            }
            b'n' => {
                let _ = (0..20).all(|_| conn.send(message).is_ok());
            }
            b'o' => drop(conn.ping(b"there?")),
            _ => {
                let (rooms, id) = (conn.rooms(), conn.id());
                let wrong = rooms.iter().find(|name| !conn.members(name).contains(&id));
                if let Some(wrong) = wrong {
                    self.book()
                        .complaints
                        .push(format!("{id} is not in {wrong}"));
                }
            }
        }
    }

    fn close(&mut self, scope: &mut Scope<'_, User>, id: ConnectionId, user: User, _: &Closed<'_>) {
        let (path, online) = (scope.path().to_owned(), scope.online());
        let mut book = self.book();
        if user.id != Some(id) {
            book.complaints
                .push(format!("{id} ends with the user of {:?}", user.id));
        }
        count(&mut book, &path, false, online);
    }

    fn timer(&mut self, scope: &mut Scope<'_, User>, key: u64) {
        scope.publish(Audience::all(), format!("timer {key}").as_str());
    }
}

/// Sums, rooms and presence.
pub(super) fn commands(book: &Arc<Mutex<Book>>) -> Commands<User> {
    let (opened, closed) = (Arc::clone(book), Arc::clone(book));
    Commands::new()
        .open(move |conn, user: &mut User, _| {
            user.id = Some(conn.id());
            let (path, online) = (conn.path().to_owned(), conn.online());
            count(&mut opened.lock().expect("no panic"), &path, true, online);
        })
        .close(move |scope, _, _, _| {
            let (path, online) = (scope.path().to_owned(), scope.online());
            count(&mut closed.lock().expect("no panic"), &path, false, online);
        })
        .on("sum", |_, _, (a, b): (i64, i64)| {
            a.checked_add(b).ok_or_else(|| "too much".into())
        })
        .on("say", |conn, _, what: Option<String>| {
            let _ = conn.emit(conn.others(), "say", &what);
        })
        .presence(|user| format!("{:?}", user.id))
        .rooms(|_, _, room| {
            if room.len() < 4 {
                Permit::Allow
            } else {
                Permit::Deny
            }
        })
}
