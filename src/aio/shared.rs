//! A line that two halves use in turns: [`Hold`], and [`Half`].
//!
//! Whoever wants to use it takes it out of its place, and puts it back before its task goes on to anything else: no half
//! has it while it waits. One that finds the place empty leaves word there and is woken. So nobody ever blocks, and
//! nothing is locked.
//!
//! Not here: what is done with it.

use super::line::Line;
use super::sync::{AtomicBool, AtomicCell, AtomicWaker};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::mem::take;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll, Waker};

/// Whoever can have the line for the length of a call.
pub(super) trait Hold {
    /// The stream.
    type Io;

    /// Runs this on the line, if nobody else has it. It must not wait.
    fn now<R>(&mut self, run: impl FnOnce(&mut Line<Self::Io>) -> Option<R>) -> Option<R>;

    /// Runs this on the line; later, if somebody else has it.
    fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        run: impl FnOnce(&mut Line<Self::Io>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R>;
}

/// A line that is not shared.
impl<T> Hold for Line<T> {
    type Io = T;

    #[inline]
    fn now<R>(&mut self, run: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        run(self)
    }

    #[inline]
    fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        run: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        run(self, cx)
    }
}

/// One of two that share a line.
pub(super) struct Half<T> {
    shared: Arc<Shared<T>>,
    /// Of everything that the line does. It wakes both: what one of them began, the other may have to end.
    waker: Waker,
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Reader,
    Writer,
}

struct Shared<T> {
    place: AtomicCell<Option<Box<Line<T>>>>,
    waiting: Arc<Waiting>,
}

/// Who waits, and for the line itself.
#[derive(Default)]
struct Waiting {
    wakers: [AtomicWaker; 2],
    wants: [AtomicBool; 2],
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let [reader, writer] = &self.wakers;
        reader.wake();
        writer.wake();
    }
}

impl Waiting {
    const fn waker(&self, side: Side) -> &AtomicWaker {
        let [reader, writer] = &self.wakers;
        match side {
            Side::Reader => reader,
            Side::Writer => writer,
        }
    }

    const fn wants(&self, side: Side) -> &AtomicBool {
        let [reader, writer] = &self.wants;
        match side {
            Side::Reader => reader,
            Side::Writer => writer,
        }
    }
}

impl<T> Half<T> {
    /// The half that reads, and the one that writes.
    pub(super) fn pair(line: Line<T>) -> (Self, Self) {
        let waiting = Arc::new(Waiting::default());
        let waker = Waker::from(Arc::clone(&waiting));
        let shared = Arc::new(Shared {
            place: AtomicCell::new(Some(Box::new(line))),
            waiting,
        });
        let half = |side| Self {
            shared: Arc::clone(&shared),
            waker: waker.clone(),
            side,
        };
        (half(Side::Reader), half(Side::Writer))
    }

    /// Whether both are halves of the same.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The line again, which is in its place as long as no half is in use: here are both.
    pub(super) fn rejoin(self, other: Self) -> Option<Line<T>> {
        drop(other);
        self.shared.place.take().map(|line| *line)
    }
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

impl<T> Hold for Half<T> {
    type Io = T;

    // Where a message is here already, or there is room for one, nobody has to be known who could be woken.
    #[inline]
    fn now<R>(&mut self, run: impl FnOnce(&mut Line<T>) -> Option<R>) -> Option<R> {
        run(Taken::take(self)?.line.as_mut()?)
    }

    fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        run: impl FnOnce(&mut Line<T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let side = self.side;
        let waiting = &self.shared.waiting;
        // Before anything is asked for: it may come at any moment, and by then it has to be known who waits.
        waiting.waker(side).register(cx.waker());
        let taken = Taken::take(self).or_else(|| {
            // An exchange, as is the other one: a store would do, but loom lets it be lost between two of those.
            waiting.wants(side).swap(true, Ordering::AcqRel);
            Taken::take(self)
        });
        let Some(mut taken) = taken else {
            return Poll::Pending;
        };
        let Some(line) = &mut taken.line else {
            return Poll::Pending;
        };
        let end = run(line, &mut Context::from_waker(&self.waker));
        if end.is_ready() {
            // Who does not wait is not to be woken.
            waiting.waker(side).take();
        }
        end
    }
}

/// A line that was taken, and is put back also where the stream panics: the other half is not to wait for ever.
struct Taken<'h, T> {
    line: Option<Box<Line<T>>>,
    half: &'h Half<T>,
}

impl<'h, T> Taken<'h, T> {
    fn take(half: &'h Half<T>) -> Option<Self> {
        let line = Some(half.shared.place.take()?);
        Some(Self { line, half })
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        let Shared { place, waiting } = &*self.half.shared;
        let is_news = |line: &mut Box<Line<T>>| take(&mut line.is_news);
        let is_news = self.line.as_mut().is_some_and(is_news);
        // Not a store. A half that found nothing has written that before this, so this reads what it has written, and
        // that it wants the line stands before that.
        place.swap(self.line.take());
        let other = self.half.side.other();
        if waiting.wants(other).swap(false, Ordering::AcqRel) || is_news {
            waiting.waker(other).wake();
        }
    }
}
