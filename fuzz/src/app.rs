//! An application on the simulated kernel: routes, gates, pages, rooms, commands and limits, and peers who ask for any
//! of it in any words.
//!
//! Not here: what the application does (`lobby`); what a peer knows (`guest`); the loop below, which is `server`'s.

mod guest;
mod lobby;

use super::choices::Choices;
use super::frames;
use super::sim::{Net, SimKernel};
use guest::Guest;
use lobby::{Book, User, admit, commands};
use rustix::io::Errno;
use sockeye::app::{AddressLimits, App, Page, Rate, Route, Router};
use sockeye::kernel::{PeerAddr, Ready};
use sockeye::proto::handshake::Response;
use sockeye::server::EventLoop;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MAX_OPS: usize = 48;
const MAX_GUESTS: usize = 6;
const MAX_TURNS: usize = 200;

const TARGETS: [&str; 16] = [
    "/lobby",
    "/lobby/",
    "/lobby?token=ada",
    "/lobby?token=banned",
    "/rooms/a",
    "/rooms/%61",
    "/rooms/..%2f",
    "/rooms/",
    "/json",
    "/json?name=Ann&name=Bob",
    "/members?token=ada",
    "/members",
    "/page",
    "/deep/page",
    "//",
    "/slow",
];
const HEADERS: [&str; 12] = [
    "",
    "Origin: http://x\r\n",
    "Origin: http://elsewhere\r\n",
    "Sec-WebSocket-Protocol: b, a\r\n",
    "Sec-WebSocket-Protocol: token.ada\r\n",
    "Authorization: Bearer ada\r\n",
    "Authorization: Bearer banned\r\n",
    "Cookie: a=b; token=ada; c\r\n",
    "X-Forwarded-For: 198.51.100.7, 192.0.2.1\r\n",
    "Forwarded: for=198.51.100.7\r\n",
    "If-None-Match: *\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
];
const ADDRESSES: [&str; 3] = ["192.0.2.1:1000", "192.0.2.2:1000", "[2001:db8::1]:1000"];

/// Whatever is asked for and said: nothing panics, each answer is a whole response, and frames are right behind a 101;
/// who comes and goes is counted right; what is to be echoed or replied is, in order; and in the end nobody is there.
pub fn app(data: &[u8]) {
    let mut world = World::new(Choices::new(data));
    for _ in 0..MAX_OPS {
        if world.choices.is_empty() || !world.goes_on {
            break;
        }
        world.next_op();
        world.look();
    }
    world.calm_down();
    world.time_ends_all();
}

struct World<'a> {
    choices: Choices<'a>,
    net: Net,
    server: EventLoop<Router, SimKernel>,
    book: Arc<Mutex<Book>>,
    guests: Vec<Guest>,
    goes_on: bool,
    next_id: u64,
}

/// A service at each kind of route.
fn application(how: u8, book: &Arc<Mutex<Book>>) -> App {
    let lobby = |book: &Arc<Mutex<Book>>| {
        let book = Arc::clone(book);
        move |_: &sockeye::app::Params| lobby::Lobby::new(&book)
    };
    let mut lobby_route = Route::new("/lobby")
        .protocols(["a", "b"])
        .max_message(2_000);
    if how & 1 != 0 {
        lobby_route = lobby_route.rate(Rate::new(5, 10));
    }
    if how & 2 != 0 {
        lobby_route = lobby_route.max_connections(2);
    }
    let rooms = Route::parse("SOCKET /rooms/{name} @text").expect("a route");
    let members = Route::parse("AUTHORISED SOCKET /members");
    let members = members.unwrap_or_else(|_| Route::new("/members"));
    let json = Route::parse("SOCKET /json").expect("a route");
    let talk = Arc::clone(book);
    let app = App::new()
        .route(lobby_route.admit(admit), lobby(book))
        .route(rooms.admit(admit), lobby(book))
        .route(members.admit(admit), lobby(book))
        .route(json, move |_| commands(&talk))
        .page("/page", Page::html("<!doctype html><title>x</title>"))
        .page("/lobby", Page::text("come in"))
        .get_rest(|request| Response::text(404, request.path()))
        .deflate(None);
    if how & 4 == 0 {
        return app;
    }
    let limits = AddressLimits {
        connections: Some(2),
        ..AddressLimits::default()
    };
    app.per_address(limits)
        .trust_forwarded(["192.0.2.0/24".parse().expect("a network")])
}

impl<'a> World<'a> {
    fn new(mut choices: Choices<'a>) -> Self {
        let net = Net::new();
        let book = Arc::default();
        let workers = application(choices.byte(), &book).build();
        let workers = workers.expect("nothing is wrong with it");
        let settings = workers.builder().settings().clone();
        Self {
            server: EventLoop::new(net.kernel(), workers.router(), settings),
            choices,
            net,
            book,
            guests: Vec::new(),
            goes_on: true,
            next_id: 1_000,
        }
    }

    // --- what may happen ---

    fn next_op(&mut self) {
        match self.choices.byte() % 16 {
            0 | 1 => self.connect(),
            2..=5 => self.say(),
            6 => self.ask(),
            7 => self.say_json(),
            8 => self.with_guest(|guest, choices| {
                let len = usize::from(choices.byte() % 64);
                guest.say_anything(choices.take(len));
            }),
            9 => self.with_guest(|guest, choices| match choices.byte() % 4 {
                0 => guest.end(),
                1 => guest.say_anything(&frames::close(1000)),
                2 => guest.say_anything(&frames::ping(b"?")),
                _ => guest.reset(choices.pick(&[
                    Errno::CONNRESET,
                    Errno::PIPE,
                    Errno::TIMEDOUT,
                    Errno::IO,
                ])),
            }),
            10 => self.with_guest(|guest, choices| {
                let window = choices.pick(&[usize::MAX, 0, 1, 130, 5_000]);
                guest.conn.set_window(window);
            }),
            11 => self.with_guest(|guest, choices| {
                let error =
                    choices.pick(&[Errno::AGAIN, Errno::INTR, Errno::NOBUFS, Errno::CONNRESET]);
                if choices.flag() {
                    guest.conn.queue_send_fault(error);
                } else {
                    guest.conn.queue_receive_fault(error);
                }
                guest.is_broken |= ![Errno::AGAIN, Errno::INTR].contains(&error);
            }),
            12 => {
                let span = self.choices.pick(&[1, 50, 400, 1_000, 6_000, 31_000]);
                self.run_for(Duration::from_millis(span));
            }
            13 if self.choices.byte() % 8 == 7 => {
                self.net.forge(
                    self.choices
                        .pick(&[Ready::Stop, Ready::Restart, Ready::Reload]),
                );
            }
            _ => self.settle(),
        }
    }

    /// A request for a page or a WebSocket, or anything.
    fn connect(&mut self) {
        if self.guests.len() == MAX_GUESTS {
            return;
        }
        let address = self.choices.pick(&ADDRESSES).parse().expect("an address");
        let conn = self.net.connect_from(PeerAddr::Ip(address));
        let how = self.choices.byte();
        let target = if how & 0x20 == 0 {
            self.choices.pick(&TARGETS).to_owned()
        } else {
            format!("/{}", self.word())
        };
        let mut headers = String::new();
        for _ in 0..how % 4 {
            headers += self.choices.pick(&HEADERS);
        }
        if how & 0x10 != 0 {
            let name = self.choices.pick(&[
                "Origin",
                "Authorization",
                "Cookie",
                "X-Forwarded-For",
                "Range",
            ]);
            headers += &format!("{name}: {}\r\n", self.word());
        }
        let is_json = target.starts_with("/json");
        let head = match how >> 6 {
            0 | 1 => {
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
            _ => "",
        };
        let method = if how >> 6 == 3 { "HEAD" } else { "GET" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{head}{headers}\r\n");
        let guest = Guest::new(conn, method == "HEAD", is_json);
        guest.conn.push(request.as_bytes());
        self.guests.push(guest);
        self.settle();
    }

    /// Bytes of the input that may stand within a line.
    fn word(&mut self) -> String {
        let len = usize::from(self.choices.byte() % 32);
        let bytes = self.choices.take(len).iter();
        let graphic = bytes.filter(|byte| (0x21..0x7F).contains(*byte));
        graphic.map(|byte| char::from(*byte)).collect()
    }

    fn say(&mut self) {
        let (command, argument) = (self.choices.byte(), self.choices.byte());
        let size = [0, 4, 100, 1_990, 3_000][usize::from(argument % 5)];
        self.next_id += 1;
        let text = lobby::command(command, argument, self.next_id, size);
        self.with_guest(|guest, choices| guest.say(choices.flag(), &text));
    }

    /// A request in JSON whose reply is known.
    fn ask(&mut self) {
        self.next_id += 1;
        let (id, a, b) = (
            self.next_id,
            i32::from(self.choices.byte()),
            i32::from(self.choices.number()),
        );
        self.with_guest(|guest, _| guest.ask(id, a, b));
    }

    fn say_json(&mut self) {
        let len = usize::from(self.choices.byte());
        self.with_guest(|guest, choices| {
            let text = String::from_utf8_lossy(choices.take(len)).into_owned();
            guest.say_json(&text);
        });
    }

    fn with_guest(&mut self, act: impl FnOnce(&mut Guest, &mut Choices<'_>)) {
        let which = usize::from(self.choices.byte());
        if self.guests.is_empty() {
            self.connect();
        }
        let count = self.guests.len();
        act(&mut self.guests[which % count], &mut self.choices);
    }

    // --- turns ---

    fn turn(&mut self, wait: Duration) {
        if self.goes_on {
            self.goes_on = self.server.turn(Some(wait)).expect("polling works");
        }
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..MAX_TURNS {
            let before = self.net.calls().work();
            self.turn(Duration::ZERO);
            quiet = if self.net.calls().work() == before {
                quiet + 1
            } else {
                0
            };
            if quiet == 3 || !self.goes_on {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn run_for(&mut self, span: Duration) {
        let until = self.net.now() + span;
        let mut turns = 0;
        while self.goes_on && self.net.now() < until {
            self.turn(until - self.net.now());
            self.look();
            turns += 1;
            assert!(
                turns < 20 * MAX_TURNS,
                "the server spins at {:?} before {until:?}",
                self.net.now()
            );
        }
    }

    // --- what must hold ---

    fn look(&mut self) {
        for guest in &mut self.guests {
            guest.read();
        }
        let book = self.book.lock().expect("no panic");
        assert_eq!(book.complaints, [""; 0]);
    }

    fn calm_down(&mut self) {
        for guest in &self.guests {
            guest.conn.set_window(usize::MAX);
        }
        for _ in 0..4 {
            self.settle();
            self.look();
        }
        if self.goes_on {
            self.guests.iter().for_each(Guest::has_everything);
        }
    }

    fn time_ends_all(&mut self) {
        for guest in &mut self.guests {
            guest.falls_silent();
        }
        self.run_for(Duration::from_secs(150));
        assert_eq!(self.server.connections(), 0, "sessions outlive their peers");
        assert_eq!(self.net.open_streams(), 0);
        let book = self.book.lock().expect("no panic");
        assert!(
            book.open.values().all(|count| *count == 0),
            "{:?}",
            book.open
        );
        assert_eq!(book.complaints, [""; 0]);
    }
}

/// Where a gate leads to.
type Decision = sockeye::app::Decision<User>;
