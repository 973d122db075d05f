//! An application: routes with services, gates, pages, timers and rooms.

use crate::book::{DIRECT, Shared};
use crate::judge::{Played, judge};
use crate::stage::{Stage, ms};
use crate::sweep::Scenario;
use crate::witness::{LATER, serial_of};
use rustix::io::Errno;
use sockeye::app::{App, Conn, Decision, Route, Router, Scope, Service, Upgrade};
use sockeye::proto::handshake::Response;
use sockeye::server::{Closed, ConnectionId, Message};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "app",
        play: paths,
    },
    Scenario {
        name: "app gates",
        play: gates,
    },
    Scenario {
        name: "app stop",
        play: stop,
    },
];

/// A service that writes down what it is told; messages are those of `witness`.
struct Noting {
    book: Shared,
    path: String,
    waiting: Vec<(ConnectionId, String)>,
}

impl Service for Noting {
    type User = Option<u16>;

    fn open(&mut self, conn: &mut Conn<'_, Option<u16>>, user: &mut Option<u16>, _: &Upgrade<'_>) {
        *user = serial_of(conn.addr());
        self.book.open().on_open(conn.id(), *user, false);
        self.book.open().join(conn.id(), &self.path);
    }

    fn message(
        &mut self,
        conn: &mut Conn<'_, Option<u16>>,
        _: &mut Option<u16>,
        message: Message<'_>,
    ) {
        let Message::Text(text) = message else {
            return;
        };
        let mut book = self.book.open();
        book.hear(conn.id(), text.as_bytes());
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb {
            "echo" if conn.send(text).is_ok() => book.tell(conn.id(), DIRECT, text.as_bytes()),
            // Everybody at this path, whose name is one letter.
            "all" => {
                let what = format!("{}|{rest}", self.path);
                conn.publish(conn.all(), what.as_str());
                book.publish(&self.path, what.as_bytes());
            }
            "later" => {
                self.waiting.push((conn.id(), format!("@|{rest}")));
                conn.after(LATER, self.waiting.len() as u64 - 1);
            }
            _ => {}
        }
    }

    fn timer(&mut self, scope: &mut Scope<'_, Option<u16>>, key: u64) {
        let (id, what) = &self.waiting[key as usize];
        if scope.send_to(*id, what.as_str()).is_ok() {
            self.book.open().tell(*id, "@", what.as_bytes());
        }
    }

    fn close(
        &mut self,
        _: &mut Scope<'_, Option<u16>>,
        id: ConnectionId,
        _: Option<u16>,
        closed: &Closed<'_>,
    ) {
        self.book.open().on_close(id, closed);
    }
}

fn start() -> Stage<Router> {
    let book = Shared::default();
    let (one, two) = (book.clone(), book.clone());
    let noting = |book: &Shared, path: &str| Noting {
        book: book.clone(),
        path: path.to_owned(),
        waiting: Vec::new(),
    };
    let app = App::new()
        .deflate(None)
        .route(Route::new("/chat/{name}"), move |params| {
            noting(&one, params.get("name").unwrap_or("a"))
        })
        .route(
            Route::new("/gate").admit(|upgrade: &Upgrade<'_>| match upgrade.header("X-Name") {
                Some(_) => Decision::user(None),
                None => Decision::refuse(403, "not you"),
            }),
            move |_| noting(&two, "b"),
        )
        .get("/hello", |_| Response::text(200, "hello"));
    let workers = app.build().expect("nothing is wrong with it");
    let settings = workers.builder().settings().clone();
    Stage::new([(workers.router(), settings)], &book)
}

fn open(stage: &mut Stage<Router>, target: &str, headers: &str) -> usize {
    let peer = stage.connect_to(0);
    stage.peers[peer].ask(target, headers);
    stage.settle();
    peer
}

/// Two paths of one route, a page, and one that is nowhere.
fn paths() -> Played {
    let mut stage = start();
    let peers =
        ["/chat/c", "/chat/c", "/chat/d", "/nowhere"].map(|target| open(&mut stage, target, ""));
    let page = stage.connect_to(0);
    stage.push(page, b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    stage.say(peers[0], "echo one");
    stage.say(peers[0], "all two");
    stage.say(peers[2], "all three");
    stage.say(peers[1], "later four");
    stage.say(peers[2], "later five");
    stage.reset(peers[2], Errno::CONNRESET);
    stage.pass(ms(100));
    stage.say(peers[1], "all six");
    judge(stage)
}

fn gates() -> Played {
    let mut stage = start();
    let _ = open(&mut stage, "/gate", "");
    let good = open(&mut stage, "/gate", "X-Name: me\r\n");
    let other = open(
        &mut stage,
        "/gate",
        "X-Name: too\r\nOrigin: http://evil\r\n",
    );
    let _ = other;
    stage.say(good, "all one");
    stage.peers[good].ping(b"a ping");
    stage.say(good, "echo two");
    judge(stage)
}

fn stop() -> Played {
    let mut stage = start();
    stage.is_mixed = true;
    let peers = ["/chat/c", "/chat/d"].map(|target| open(&mut stage, target, ""));
    stage.say(peers[0], "later one");
    stage.peers[peers[1]].is_mute = true;
    stage.loops[0].events.stop();
    stage.pass(ms(12_000));
    judge(stage)
}
