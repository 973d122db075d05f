//! A server that does what messages ask for, also what no good server does.

use sockeye::proto::CloseCode;
use sockeye::server::{Builder, Handler, Message, Peer, Stopper};
use std::thread::{self, JoinHandle};

/// What a server does with messages that are no wishes.
#[derive(Clone, Copy, PartialEq)]
pub enum Habit {
    /// It sends them back.
    Echo,
    /// It damages one in ten.
    Damage,
    /// It forgets one in ten.
    Forget,
    /// It closes after ten.
    Leave,
}

/// What says to the terminal: be called "pwned".
pub const TITLE: &str = "\x1b]0;pwned\x07";

struct Obedient {
    habit: Habit,
}

impl Handler for Obedient {
    /// Messages so far.
    type State = u32;

    /// No test is so slow that the loop's own pings are answered here.
    fn on_pong(&mut self, peer: &mut Peer<'_>, _: &mut u32, payload: &[u8]) {
        let _ = peer.send(&format!("a pong came: {}", payload.escape_ascii()));
    }

    fn on_message(&mut self, peer: &mut Peer<'_>, count: &mut u32, message: Message<'_>) {
        *count += 1;
        let tenth = count.is_multiple_of(10);
        let _ = match message {
            Message::Text("evil") => peer.send(TITLE),
            Message::Text("ping") => peer.ping(b"are you there"),
            Message::Text("close") => {
                peer.close(CloseCode::new(4001).expect("it may be sent"), "as you wish")
            }
            Message::Text("bytes") => peer.send(&[0, 1, 0xFF]),
            Message::Text("lines") => peer.send("one\ntwo"),
            message if tenth && self.habit == Habit::Damage => {
                let mut bytes = message.bytes().to_vec();
                bytes[0] ^= 1;
                peer.send(&bytes)
            }
            _ if tenth && self.habit == Habit::Forget => Ok(()),
            _ if tenth && self.habit == Habit::Leave => {
                peer.close(CloseCode::INTERNAL_ERROR, "enough")
            }
            message => peer.send(message),
        };
    }
}

/// A server on a thread of its own.
pub struct Server {
    pub url: String,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(habit: Habit) -> Self {
        let addr = "127.0.0.1:0".parse().expect("an address");
        let mut server = Builder::new()
            .bind(addr, Obedient { habit })
            .expect("a free port");
        Self {
            url: format!("ws://{}", server.local_addr()),
            stopper: server.stopper(),
            thread: Some(thread::spawn(move || server.run().expect("it runs"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
