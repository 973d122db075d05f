//! The laws of a line that two halves use in turns: each gets it, and each hears what it waits for.
//!
//! Not here: what the line does. Here it holds a list. That nobody is woken without end is in `tests/aio/turns.rs`.

use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use loom::future::block_on;
use loom::thread;
use shared::{Half, Hold};

#[allow(dead_code, reason = "a whole line is not shared")]
#[path = "../../../src/aio/shared.rs"]
mod shared;

/// In place of `src/aio/line.rs`.
mod line {
    pub(super) struct Line<T> {
        pub(super) io: T,
        pub(super) is_news: bool,
    }
}

/// In place of `src/aio/sync.rs`.
mod sync {
    use core::mem::replace;
    use core::task::Waker;
    use loom::future;
    use loom::sync::Mutex;
    pub(super) use loom::sync::atomic::AtomicBool;

    /// What is swapped in and out is swapped behind a lock, which orders as much as one atomic exchange does.
    pub(super) struct AtomicCell<T>(Mutex<T>);

    impl<T: Default> AtomicCell<T> {
        pub(super) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        pub(super) fn swap(&self, value: T) -> T {
            replace(&mut *self.0.lock().unwrap(), value)
        }

        pub(super) fn take(&self) -> T {
            self.swap(T::default())
        }
    }

    #[derive(Default)]
    pub(super) struct AtomicWaker(future::AtomicWaker);

    impl AtomicWaker {
        pub(super) fn register(&self, waker: &Waker) {
            self.0.register_by_ref(waker);
        }

        pub(super) fn wake(&self) {
            self.0.wake();
        }

        pub(super) fn take(&self) -> Option<Waker> {
            self.0.take_waker()
        }
    }
}

type Line = line::Line<Vec<u8>>;

fn pair() -> (Half<Vec<u8>>, Half<Vec<u8>>) {
    Half::pair(Line {
        io: Vec::new(),
        is_news: false,
    })
}

/// Uses the line once, and waits for it if it has to.
async fn note(half: &mut Half<Vec<u8>>, number: u8) {
    let write = |line: &mut Line, _: &mut Context<'_>| {
        line.io.push(number);
        Poll::Ready(())
    };
    poll_fn(|cx| half.with(cx, write)).await;
}

#[test]
fn each_half_gets_the_line() {
    loom::model(|| {
        let (mut one, mut other) = pair();
        let writing = thread::spawn(move || {
            block_on(note(&mut other, 1));
            other
        });
        block_on(note(&mut one, 2));
        let mut line = one.rejoin(writing.join().unwrap()).unwrap();
        line.io.sort_unstable();
        assert_eq!(line.io, [1, 2]);
    });
}

/// What is tried without waiting is done as a whole or not at all, and who waits is told that the line is free again.
#[test]
fn who_only_tries_takes_nothing_away() {
    loom::model(|| {
        let (mut one, mut other) = pair();
        let trying = thread::spawn(move || {
            let done = other.now(|line| {
                line.io.push(1);
                Some(true)
            });
            (other, done.is_some())
        });
        block_on(note(&mut one, 2));
        let (other, was_done) = trying.join().unwrap();
        let line = one.rejoin(other).unwrap();
        assert_eq!(line.io.len(), 1 + usize::from(was_done));
    });
}

/// Whoever waits for what the other half does hears of it.
#[test]
fn news_are_heard() {
    loom::model(|| {
        let (mut one, mut other) = pair();
        let telling = thread::spawn(move || {
            block_on(poll_fn(|cx| {
                other.with(cx, |line, _| {
                    line.io.push(7);
                    line.is_news = true;
                    Poll::Ready(())
                })
            }));
        });
        let heard = block_on(poll_fn(|cx| {
            one.with(cx, |line, _| match line.io.pop() {
                Some(number) => Poll::Ready(number),
                None => Poll::Pending,
            })
        }));
        assert_eq!(heard, 7);
        telling.join().unwrap();
    });
}

/// What the stream wakes wakes whoever waits, also when the other half has asked it last: it keeps one waker.
#[test]
fn the_stream_wakes_who_waits() {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicBool, Ordering};

    loom::model(|| {
        let (mut one, mut other) = pair();
        let stream = Arc::new((AtomicBool::new(false), loom::future::AtomicWaker::new()));
        let arriving = thread::spawn({
            let stream = Arc::clone(&stream);
            move || {
                stream.0.store(true, Ordering::Release);
                stream.1.wake();
            }
        });
        // Who is never polled again.
        let mut asked = Context::from_waker(Waker::noop());
        let mut has_asked = false;
        block_on(poll_fn(|cx| {
            let ask = |_: &mut Line, cx: &mut Context<'_>| {
                stream.1.register_by_ref(cx.waker());
                match stream.0.load(Ordering::Acquire) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            };
            let mine = one.with(cx, ask);
            if mine.is_pending() && !has_asked {
                has_asked = true;
                return other.with(&mut asked, ask);
            }
            mine
        }));
        arriving.join().unwrap();
    });
}
