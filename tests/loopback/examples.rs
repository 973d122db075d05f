//! The examples that have rooms, as they are: what their first lines promise.

use crate::PATIENCE;
use crate::client::Client;
use crate::frames::{Frame, text};
use sockeye::server::{Builder, Handle, Handler, Server};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;

#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/chat_room.rs"]
mod chat_room;
#[allow(dead_code, reason = "its `main` is not run")]
#[path = "../../examples/ticker.rs"]
mod ticker;

/// Runs a server beside `test`, and stops it.
fn serving<H: Handler + 'static>(
    server: fn(SocketAddr) -> io::Result<Server<H>>,
    test: impl FnOnce(SocketAddr, &Handle),
) {
    let (tell, told) = channel();
    let (end, ended) = channel();
    thread::spawn(move || {
        let any = "127.0.0.1:0".parse().expect("an address");
        let mut server = server(any).expect("a free port");
        tell.send((server.local_addr(), server.handle()))
            .expect("the test waits");
        end.send(server.run())
    });
    let (addr, handle) = told.recv_timeout(PATIENCE).expect("it starts");
    test(addr, &handle);
    handle.shutdown().expect("it runs");
    let result = ended.recv_timeout(PATIENCE).expect("it ends");
    result.expect("no error");
}

/// The next message, which is a text.
fn line(client: &mut Client) -> String {
    let Frame { payload, .. } = client.frame();
    String::from_utf8(payload).expect("a text")
}

/// Somebody in the chat's lobby, with the name that they were given.
fn guest(addr: SocketAddr) -> (Client, String) {
    let mut client = Client::open(addr);
    let (name, here) = joined(&mut client, "lobby");
    assert!(here.contains(&name), "{here:?}");
    (client, name)
}

/// What somebody is told who joins a room: their own name, and who is there, in order.
fn joined(client: &mut Client, room: &str) -> (String, Vec<String>) {
    let told = line(client);
    let (name, here) = told
        .split_once(&format!(" joined {room}; here: "))
        .expect(&told);
    let mut here: Vec<_> = here.split(' ').map(str::to_owned).collect();
    here.sort_unstable();
    (name.to_owned(), here)
}

#[test]
fn chatting_in_rooms() {
    let server = |addr| Builder::new().bind(addr, chat_room::Chat);
    serving(server, |addr, _| {
        let (mut one, first) = guest(addr);
        let (mut two, second) = guest(addr);
        assert_eq!(line(&mut one), format!("{second} joined lobby"));
        two.send(&text("hello"));
        assert_eq!(line(&mut one), format!("{second} says hello"));
        two.send(&text("/join tea"));
        let alone = (second.clone(), vec![second.clone()]);
        assert_eq!(joined(&mut two, "tea"), alone);
        assert_eq!(line(&mut one), format!("{second} left lobby"));
        one.send(&text("nobody hears this"));
        one.send(&text("/join "));
        assert_eq!(line(&mut one), ": not a name for a room");
        one.send(&text("/join tea"));
        let mut both = vec![first.clone(), second];
        both.sort_unstable();
        assert_eq!(joined(&mut one, "tea"), (first.clone(), both));
        assert_eq!(line(&mut two), format!("{first} joined tea"));
        drop(one);
        assert_eq!(line(&mut two), format!("{first} left tea"));
    });
}

#[test]
fn prices_from_another_thread() {
    serving(ticker::server, |addr, handle| {
        let mut client = Client::open(addr);
        ticker::publish(handle, 0).expect("it keeps up");
        ticker::publish(handle, 1).expect("it keeps up");
        let prices: Vec<_> = (0..6).map(|_| line(&mut client)).collect();
        let expected = [
            "CARP 100.00",
            "PIKE 125.00",
            "TENCH 150.00",
            "CARP 100.37",
            "PIKE 125.37",
            "TENCH 150.37",
        ];
        assert_eq!(prices, expected);
    });
}
