//! What a half finds when the other one has the line at this very moment: the stream itself has it do something then.

use crate::script::{REQUEST, Script, now};
use futures_util::{Sink, future::poll_fn};
use sockeye::aio::{Io, Message, Server, Writer};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A script that does something before it is read from.
struct Meddler {
    script: Script,
    deed: Arc<Mutex<Option<Deed>>>,
}

type Deed = Box<dyn FnOnce() + Send>;

impl Io for Meddler {
    fn poll_read(&mut self, cx: &mut Context<'_>, input: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let deed = self.deed.lock().unwrap().take();
        if let Some(deed) = deed {
            deed();
        }
        self.script.poll_read(cx, input)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.script.poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.script.poll_shutdown(cx)
    }

    fn arm(&mut self, after: Duration) {
        self.script.arm(after);
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.script.poll_timer(cx)
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Shared<T> = Arc<Mutex<Option<T>>>;

/// Has the writer do this while the reader has the line. Returns the writer, and how often it was woken by then.
fn meanwhile(
    script: &Script,
    deed: impl FnOnce(&mut Writer<Meddler>, &mut Context<'_>) + Send + 'static,
) -> (Writer<Meddler>, usize) {
    script.say(REQUEST);
    let slot = Arc::new(Mutex::new(None));
    let stream = Meddler {
        script: script.clone().stays_open(),
        deed: Arc::clone(&slot),
    };
    let (mut reader, writer) = now(Server::new().accept(stream)).unwrap().split();
    script.written();
    let woken = Arc::new(Woken::default());
    let writer: Shared<Writer<Meddler>> = Arc::new(Mutex::new(Some(writer)));
    *slot.lock().unwrap() = Some(Box::new({
        let (writer, waker) = (Arc::clone(&writer), Waker::from(Arc::clone(&woken)));
        move || {
            let mut writer = writer.lock().unwrap();
            deed(writer.as_mut().unwrap(), &mut Context::from_waker(&waker));
        }
    }));
    let mut cx = Context::from_waker(Waker::noop());
    let mut receiving = Box::pin(reader.receive());
    assert!(receiving.as_mut().poll(&mut cx).is_pending());
    assert!(slot.lock().unwrap().is_none(), "it was done");
    drop(receiving);
    let writer = writer.lock().unwrap().take().unwrap();
    (writer, woken.0.load(Ordering::Relaxed))
}

#[test]
fn who_comes_too_early_is_woken_when_it_is_its_turn() {
    let script = Script::default();
    let (mut writer, woken) = meanwhile(&script, |writer, cx| {
        let mut feeding = Box::pin(writer.feed("late"));
        assert!(
            feeding.as_mut().poll(cx).is_pending(),
            "the reader has the line"
        );
    });
    assert_eq!(woken, 1);
    now(writer.send("soon")).unwrap();
    assert_eq!(
        script.written(),
        b"\x81\x04soon",
        "given up before it was queued"
    );
}

#[test]
fn who_does_not_want_it_is_not_woken() {
    let (_, woken) = meanwhile(&Script::default(), |_, _| {});
    assert_eq!(woken, 0);
}

#[test]
fn what_a_sink_was_given_meanwhile_comes_first() {
    let script = Script::default();
    let (mut writer, _) = meanwhile(&script, |writer, _| {
        Pin::new(writer).start_send(Message::text("first")).unwrap();
    });
    now(writer.feed("second")).unwrap();
    now(poll_fn(|cx| Pin::new(&mut writer).poll_flush(cx))).unwrap();
    assert_eq!(script.written(), b"\x81\x05first\x81\x06second");
}
