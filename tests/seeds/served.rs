//! Services for one test, and servers on real sockets.

use crate::PATIENCE;
use sockeye::app::{App, Conn, Service, Upgrade};
use sockeye::client::{Connector, Proxy, Received, WebSocket};
use sockeye::server::{Handle, Message};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

/// Sends back what comes.
pub struct Echo;

impl Service for Echo {
    type User = ();

    fn message(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), message: Message<'_>) {
        let _ = conn.send(message);
    }
}

/// Has a function hear what is said. Users have the name in `?name=`.
pub struct Hearing<F>(pub F);

impl<F> Service for Hearing<F>
where
    F: FnMut(&mut Conn<'_, String>, &mut String, Message<'_>) + Send + 'static,
{
    type User = String;

    fn open(&mut self, _: &mut Conn<'_, String>, name: &mut String, upgrade: &Upgrade<'_>) {
        *name = upgrade.query().get("name").unwrap_or_default().into_owned();
    }

    fn message(&mut self, conn: &mut Conn<'_, String>, name: &mut String, message: Message<'_>) {
        (self.0)(conn, name, message);
    }
}

/// What hears: the connection, the name, and what was said.
pub type Hear = fn(&mut Conn<'_, String>, &mut String, Message<'_>);

/// An application with that at one route.
pub fn hearing(route: &str, hear: Hear) -> App {
    App::new().route(route, move |_| Hearing(hear))
}

/// Text, where that is what came.
pub fn text(message: Message<'_>) -> &str {
    match message {
        Message::Text(text) => text,
        Message::Binary(_) => "<binary>",
    }
}

/// An application on a real socket, until it is dropped.
pub struct Running {
    pub addr: SocketAddr,
    pub handle: Handle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    pub fn start(app: App) -> Self {
        let serving = app.stop_on_signals(false).bind("127.0.0.1:0");
        let serving = serving.expect("a free port");
        Self {
            addr: serving.local_addr(),
            handle: serving.handle(),
            thread: Some(thread::spawn(move || serving.run())),
        }
    }

    pub fn open(&self, target: &str) -> WebSocket {
        connect(&format!("ws://{}{target}", self.addr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.handle.shutdown();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("no panic").expect("no error");
            }
        }
    }
}

/// An open connection that does not wait for ever.
pub fn connect(url: &str) -> WebSocket {
    let connector = Connector::new(url).expect("a URL").proxy(Proxy::none());
    let mut socket = connector.open().expect("it is let in");
    socket.set_timeout(Some(PATIENCE));
    socket
}

#[track_caller]
pub fn hears(socket: &mut WebSocket, text: &str) {
    let heard = socket.receive().expect("a message");
    assert_eq!(heard, Received::Text(text.to_owned()));
}
