//! A client on a system that has no randomness any more.

use super::Line;
use crate::aio::error::Error;
use crate::aio::incoming::Incoming;
use crate::aio::io::Io;
use crate::aio::message::Message;
use crate::aio::socket::{Agreement, WebSocket};
use crate::aio::terms::Terms;
use crate::aio::tools::Tools;
use crate::proto::{CloseCode, Connection, NoRandomness, SendError, Violation};
use crate::random::{Random, Source};
use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;

/// Nothing more comes, everything is taken, and the timer rings at once, or never.
#[derive(Default)]
struct Sink {
    written: Vec<u8>,
    is_patient: bool,
}

impl Io for Sink {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn arm(&mut self, _: Duration) {}

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match self.is_patient {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

/// What this thread draws from, until it is dropped.
struct Drawing;

impl Drawing {
    fn from(source: Source) -> Self {
        Tools::with(|tools| tools.sending.random = Random::new(source));
        Self
    }

    fn nothing() -> Self {
        Self::from(|_| Err(NoRandomness))
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        let source: Source = |bytes| getrandom::fill(bytes).map_err(|_| NoRandomness);
        Tools::with(|tools| tools.sending.random = Random::new(source));
    }
}

/// A client that has received this.
fn client(received: &[u8]) -> WebSocket<Sink> {
    let (conn, terms) = (Connection::client(Arc::default()), Arc::<Terms>::default());
    let line = Line::new(Sink::default(), conn.tx, terms);
    WebSocket::new(
        Incoming::new(conn.rx, received.to_vec()),
        line,
        Agreement::default(),
    )
}

/// What has come by now. Nothing here has to wait.
fn now<R>(future: impl Future<Output = R>) -> R {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn is_mute<R>(result: Option<Result<R, Error>>) -> bool {
    matches!(result, Some(Err(Error::Send(SendError::NoRandomness))))
}

#[test]
fn what_cannot_be_answered_ends_a_client() {
    let _nothing = Drawing::nothing();
    for unanswered in [&b"\x89\x01?"[..], b"\x88\x02\x03\xE8"] {
        let mut socket = client(&[b"\x81\x05Hello", unanswered, b"\x81\x04more"].concat());
        let first = now(socket.next());
        assert!(matches!(first, Some(Ok(Message::Text(text))) if text == "Hello"));
        assert!(is_mute(now(socket.next())));
        assert!(now(socket.next()).is_none());
        assert!(socket.get_ref().written.is_empty());
    }
}

#[test]
fn it_is_the_same_where_what_comes_is_lent() {
    let _nothing = Drawing::nothing();
    let mut socket = client(b"\x89\x01?\x81\x04more");
    assert!(is_mute(now(socket.receive()).transpose()));
    assert!(matches!(now(socket.receive()), Ok(None)));
}

#[test]
fn what_cannot_be_sent_is_told_there_and_to_who_receives() {
    let nothing = Drawing::nothing();
    let (mut reader, mut writer) = client(b"\x81\x05Hello").split();
    assert!(is_mute(Some(now(writer.send("hi")))));
    // Also when there is randomness again: the peer must not be told what follows a gap.
    drop(nothing);
    assert!(is_mute(Some(now(writer.send("ho")))));
    let goodbye = writer.close(CloseCode::NORMAL, "");
    assert!(is_mute(Some(now(goodbye))));
    assert!(is_mute(now(reader.next())));
    assert!(now(reader.next()).is_none());
    let whole = reader.unsplit(writer).map_err(drop).expect("both halves");
    assert_eq!(whole.get_ref().written, b"");
}

/// Whether anybody was woken.
#[derive(Default)]
struct Alarmed(AtomicBool);

impl Wake for Alarmed {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_hears_of_it() {
    let _nothing = Drawing::nothing();
    let mut socket = client(b"");
    socket.get_mut().is_patient = true;
    let (mut reader, mut writer) = socket.split();
    let alarmed = Arc::<Alarmed>::default();
    let waker = Waker::from(Arc::clone(&alarmed));
    let mut waiting = pin!(reader.next());
    let mut poll = || waiting.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    alarmed.0.store(false, Ordering::Relaxed);
    assert!(is_mute(Some(now(writer.send("hi")))));
    assert!(alarmed.0.load(Ordering::Relaxed));
    let Poll::Ready(ended) = poll() else {
        panic!("it waits on");
    };
    assert!(is_mute(ended));
}

#[test]
fn who_cannot_ask_does_not_wait_for_an_answer() {
    let _nothing = Drawing::nothing();
    assert!(is_mute(now(client(b"").next())));
}

#[test]
fn a_fault_is_told_all_the_same() {
    let _nothing = Drawing::nothing();
    let ended = now(client(b"\x83\0").next());
    assert!(matches!(
        ended,
        Some(Err(Error::Violation(Violation::ReservedOpcode)))
    ));
}

#[test]
fn no_other_connection_is_ended_for_it() {
    let mut socket = client(b"\x89\x01?\x81\x05Hello");
    let nothing = Drawing::nothing();
    assert!(is_mute(now(client(b"\x89\x01?").next())));
    drop(nothing);
    let _some = Drawing::from(|bytes| {
        bytes.fill(7);
        Ok(())
    });
    assert!(matches!(now(socket.next()), Some(Ok(Message::Ping(_)))));
    assert!(matches!(now(socket.next()), Some(Ok(Message::Text(_)))));
    now(socket.flush()).unwrap();
    assert_eq!(socket.get_ref().written, b"\x8A\x81\x07\x07\x07\x078");
}
