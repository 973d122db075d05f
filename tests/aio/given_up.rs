//! Whatever is given up, and whenever: nothing is lost, repeated or torn.

use crate::pipe::{Dice, End, pipe};
use futures_util::SinkExt;
use sockeye::aio::{Client, Message, Server, WebSocket};
use sockeye::proto::CloseCode;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Messages in each direction.
const MESSAGES: usize = 60;

#[test]
fn at_any_await_and_under_any_schedule() {
    let seeds = match std::env::var("SOCKEYE_GIVEN_UP").as_deref() {
        Ok("long") => 20_000,
        _ => 200,
    };
    for seed in 0..seeds {
        run(seed);
    }
}

/// Polls a future so often, and then drops it.
fn few<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..=polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}

fn run(seed: u64) {
    let (client, server) = open(seed);
    let mut dice = Dice::new(seed ^ 0xABCD);
    let mut sides = [Side::new(client), Side::new(server)];
    for turn in 0..1_000_000 {
        // Nobody says goodbye while the other one still speaks: what comes behind that is dropped.
        let may_close = sides.iter().all(Side::has_all);
        let [client, server] = &mut sides;
        if client.is_over && server.is_over {
            break;
        }
        assert!(turn < 999_999, "seed {seed}: it does not end");
        let side = if dice.below(2) == 0 { client } else { server };
        side.turn(&mut dice, may_close);
    }
    let [client, server] = &sides;
    client.check(server, seed);
    server.check(client, seed);
}

/// The handshake is a future like any other, but given up it is over: here it is polled until it is there.
fn open(seed: u64) -> (WebSocket<End>, WebSocket<End>) {
    let (client_end, server_end) = pipe(seed);
    let (client, server) = (Client::new("x", "/"), Server::new());
    let mut client = pin!(client.connect(client_end));
    let mut server = pin!(server.accept(server_end));
    let mut cx = Context::from_waker(Waker::noop());
    let (mut one, mut other) = (None, None);
    while one.is_none() || other.is_none() {
        if one.is_none() {
            one = ready(client.as_mut().poll(&mut cx));
        }
        if other.is_none() {
            other = ready(server.as_mut().poll(&mut cx));
        }
    }
    (one.unwrap().unwrap(), other.unwrap().unwrap())
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

struct Side {
    socket: WebSocket<End>,
    /// The number of the next message.
    next: usize,
    /// Messages that were sent by what was given up while it waited: they were queued or not.
    doubtful: Vec<usize>,
    received: Vec<usize>,
    is_over: bool,
}

impl Side {
    fn new(socket: WebSocket<End>) -> Self {
        Self {
            socket,
            next: 0,
            doubtful: Vec::new(),
            received: Vec::new(),
            is_over: false,
        }
    }

    /// Whether it has the last message, behind which there is none.
    fn has_all(&self) -> bool {
        self.received.last() == Some(&(MESSAGES - 1))
    }

    fn turn(&mut self, dice: &mut Dice, may_close: bool) {
        let polls = dice.below(4);
        match dice.below(6) {
            0 => self.receive(polls, dice.below(2) == 0),
            1 => self.answer(polls, dice.below(4)),
            2 | 3 if self.next < MESSAGES => self.say(polls, dice.below(4)),
            4 if may_close => {
                if let Some(ended) = few(self.socket.close(CloseCode::NORMAL, ""), polls) {
                    ended.unwrap();
                    self.is_over = true;
                }
            }
            _ => {
                if let Some(flushed) = few(self.socket.flush(), polls) {
                    flushed.unwrap();
                }
            }
        }
    }

    fn receive(&mut self, polls: usize, lent: bool) {
        if lent {
            match few(self.socket.receive(), polls) {
                Some(Ok(Some(event))) => note(&mut self.received, &Message::from(event)),
                Some(Ok(None)) => self.is_over = true,
                Some(Err(error)) => panic!("{error}"),
                None => {}
            }
            return;
        }
        match few(self.socket.next(), polls) {
            Some(Some(message)) => note(&mut self.received, &message.unwrap()),
            Some(None) => self.is_over = true,
            None => {}
        }
    }

    /// Says the next one, if there is, while what has come is lent.
    fn answer(&mut self, polls: usize, feeding: usize) {
        match few(self.socket.receive_to_answer(), polls) {
            Some(Ok(Some((event, mut answer)))) => {
                if self.next < MESSAGES {
                    match few(answer.feed(&message(self.next)), feeding) {
                        Some(Ok(())) => self.next += 1,
                        Some(Err(error)) => panic!("{error}"),
                        None => {}
                    }
                }
                note(&mut self.received, &Message::from(event));
            }
            Some(Ok(None)) => self.is_over = true,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }

    fn say(&mut self, polls: usize, way: usize) {
        let number = self.next;
        let message = message(number);
        // Where this is given up, nothing was queued; so the last one will come.
        let is_plain = way < 2 || number + 1 == MESSAGES;
        let done = match way {
            _ if is_plain => few(self.socket.feed(&message), polls),
            2 => few(self.socket.send(&message), polls),
            _ => few(SinkExt::send(&mut self.socket, message), polls),
        };
        match done {
            Some(Ok(())) => self.next += 1,
            Some(Err(error)) => panic!("{error}"),
            None if is_plain => {}
            None => {
                self.doubtful.push(number);
                self.next += 1;
            }
        }
    }

    /// What it received is what the other one sent.
    fn check(&self, other: &Self, seed: u64) {
        let mut received = self.received.iter().copied().peekable();
        for number in 0..other.next {
            let came = received.next_if_eq(&number).is_some();
            assert!(
                came || other.doubtful.contains(&number),
                "seed {seed}: {number} is lost"
            );
        }
        assert_eq!(
            received.next(),
            None,
            "seed {seed}: repeated, or out of order"
        );
    }
}

/// A message that says which one it is, of a size of its own.
fn message(number: usize) -> Message {
    let size = Dice::new(number as u64 + 7).below(if number.is_multiple_of(8) {
        20_000
    } else {
        200
    });
    let mut text = format!("{number} ");
    text.push_str(&"x".repeat(size));
    match number % 3 {
        0 => Message::Binary(text.into_bytes()),
        _ => Message::Text(text),
    }
}

fn note(received: &mut Vec<usize>, found: &Message) {
    if !found.is_data() {
        return;
    }
    let text = std::str::from_utf8(found.bytes()).unwrap();
    let number = text.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(*found, message(number), "torn");
    received.push(number);
}
