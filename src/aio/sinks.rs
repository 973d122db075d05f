//! The habit: `Stream` and `Sink`.

use super::error::Error;
use super::halves::{Reader, Writer};
use super::io::Io;
use super::message::Message;
use super::socket::WebSocket;
use super::steps;
use crate::proto::CloseCode;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use futures_core::Stream;
use futures_sink::Sink;

/// What a sink says that is closed.
const DONE: (CloseCode, &str) = (CloseCode::NORMAL, "");

impl<T: Io> Stream for WebSocket<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        steps::poll_next(&mut this.incoming, &mut this.line, cx)
    }
}

impl<T: Io> Stream for Reader<T> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        steps::poll_next(&mut this.incoming, &mut this.line, cx)
    }
}

impl<T: Io> Sink<Message> for WebSocket<T> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        steps::poll_ready(&mut this.line, &mut this.waiting, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        steps::start_send(&mut this.line, &mut this.waiting, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        steps::poll_flush(&mut this.line, &mut this.waiting, cx)
    }

    /// Says goodbye with 1000, and waits for the peer's.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = &mut *self;
        let goodbye = steps::poll_goodbye(&mut this.line, &mut this.waiting, DONE, cx);
        ready!(goodbye)?;
        // That is written before the wait.
        while let Some(message) = ready!(self.as_mut().poll_next(cx)) {
            message?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Io> Sink<Message> for Writer<T> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        steps::poll_ready(&mut this.line, &mut this.waiting, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        steps::start_send(&mut this.line, &mut this.waiting, message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        steps::poll_flush(&mut this.line, &mut this.waiting, cx)
    }

    /// Says goodbye with 1000. The peer's comes to the other half.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        let goodbye = steps::poll_goodbye(&mut this.line, &mut this.waiting, DONE, cx);
        ready!(goodbye)?;
        steps::poll_flush(&mut this.line, &mut this.waiting, cx)
    }
}
