//! What a connection and its halves have in common, one step after the other.
//!
//! Not here: the steps themselves, which are `incoming`'s and the `line`'s.

use super::error::Error;
use super::incoming::{Incoming, Next};
use super::io::Io;
use super::line::Line;
use super::message::{Message, Outgoing};
use super::shared::Hold;
use crate::proto::{CloseCode, Event, State};
use core::future::poll_fn;
use core::task::{Context, Poll, ready};

pub(super) async fn receive<'i, H>(
    incoming: &'i mut Incoming,
    hold: &mut H,
) -> Result<Option<Event<'i>>, Error>
where
    H: Hold<Io: Io>,
{
    let is_here =
        incoming.has_more() && hold.now(|line| Some(incoming.next_now(line))) == Some(true);
    let next = match is_here {
        true => Next::Event,
        false => poll_fn(|cx| hold.with(cx, |line, cx| incoming.poll_next(line, cx))).await?,
    };
    match next {
        Next::End => Ok(None),
        Next::Goodbye => Ok(Some(Event::Close(incoming.goodbye()))),
        Next::Event => match incoming.lend() {
            Some(event) => Ok(Some(event)),
            None => Err(break_off(hold).await),
        },
    }
}

/// Tells the peer that its text is none.
async fn break_off<H: Hold<Io: Io>>(hold: &mut H) -> Error {
    let ended = poll_fn(|cx| hold.with(cx, |line, cx| line.poll_break_off(cx)));
    Error::Violation(ended.await)
}

pub(super) async fn feed<H: Hold<Io: Io>>(
    hold: &mut H,
    waiting: &mut Option<Message>,
    message: Outgoing<'_>,
) -> Result<(), Error> {
    let is_next = waiting.is_none();
    if let Some(said) = hold.now(|line| (is_next && line.is_ready()).then(|| line.say(&message))) {
        return said.map_err(Error::Send);
    }
    let mut queue = |line: &mut Line<H::Io>, cx: &mut Context<'_>| {
        ready!(poll_queue(line, waiting, cx))?;
        Poll::Ready(line.say(&message).map_err(Error::Send))
    };
    poll_fn(|cx| hold.with(cx, &mut queue)).await
}

/// Queues a goodbye behind all else, unless it was said. That does not wait for room: there is always some for the end.
pub(super) fn poll_goodbye<H: Hold<Io: Io>>(
    hold: &mut H,
    waiting: &mut Option<Message>,
    (code, reason): (CloseCode, &str),
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    let mut say = |line: &mut Line<H::Io>| {
        if line.tx.state() != State::Open {
            return Ok(());
        }
        if let Some(message) = waiting.take() {
            line.say(&Outgoing::from(&message))?;
        }
        line.say_goodbye(code, reason)
    };
    hold.with(cx, |line, _| Poll::Ready(say(line).map_err(Error::Send)))
}

/// Waits for room, and queues what came from the sink.
fn poll_queue<T: Io>(
    line: &mut Line<T>,
    waiting: &mut Option<Message>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    ready!(line.poll_ready(cx))?;
    if let Some(message) = waiting.take() {
        line.say(&Outgoing::from(&message))?;
        ready!(line.poll_ready(cx))?;
    }
    Poll::Ready(Ok(()))
}

/// Waits until the sink can take a message.
pub(super) fn poll_ready<H: Hold<Io: Io>>(
    hold: &mut H,
    waiting: &mut Option<Message>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    hold.with(cx, |line, cx| poll_queue(line, waiting, cx))
}

/// Queues what the sink was given. Only where the other half has the line at this very moment it has to wait.
pub(super) fn start_send<H: Hold<Io: Io>>(
    hold: &mut H,
    waiting: &mut Option<Message>,
    message: Message,
) -> Result<(), Error> {
    match hold.now(|line| Some(line.say(&Outgoing::from(&message)))) {
        Some(said) => said.map_err(Error::Send),
        None => {
            *waiting = Some(message);
            Ok(())
        }
    }
}

pub(super) fn poll_flush<H: Hold<Io: Io>>(
    hold: &mut H,
    waiting: &mut Option<Message>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    hold.with(cx, |line, cx| {
        ready!(poll_queue(line, waiting, cx))?;
        line.poll_flush(cx)
    })
}

pub(super) fn poll_next<H: Hold<Io: Io>>(
    incoming: &mut Incoming,
    hold: &mut H,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Message, Error>>> {
    let message = |incoming: &mut Incoming, line: &mut Line<H::Io>, cx: &mut Context<'_>| {
        loop {
            return Poll::Ready(match ready!(incoming.poll_next(line, cx))? {
                Next::End => Ok(None),
                Next::Goodbye => Ok(Some(Message::from(Event::Close(incoming.goodbye())))),
                Next::Event => match incoming.lend() {
                    Some(event) => {
                        let message = Message::from(event);
                        // It owns what it says: what it was lent from is for whoever is next.
                        incoming.take_back();
                        Ok(Some(message))
                    }
                    // It ends like any other violation.
                    None => continue,
                },
            });
        }
    };
    hold.with(cx, |line, cx| message(incoming, line, cx))
        .map(Result::transpose)
}
