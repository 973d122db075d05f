//! Lines of the log, on their way to stderr: [`install`].
//!
//! Whoever reads stderr may stop: a terminal in which somebody has pressed Ctrl-S, a pipe that nobody empties. A thread of
//! its own waits for them. Loops only put lines into a queue; where that is full, lines are dropped, and counted.
//!
//! Not here: what is written, and that peers' bytes are escaped.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait; of 100 bytes each, that is half a megabyte.
const WAITING: usize = 4096;

/// How long the end of the program waits for what is still to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

enum Note {
    Line(Box<[u8]>),
    /// All that came before this was written.
    End(SyncSender<()>),
}

/// Where lines go in.
#[derive(Clone)]
struct Queue {
    notes: SyncSender<Note>,
    dropped: Arc<AtomicU64>,
}

/// Keeps the program until its last lines are written, or nobody takes them.
pub(super) struct Log(Option<Queue>);

/// Writes what is traced from now on, of this level or more urgent. To be called once.
pub(super) fn install(level: LevelFilter) -> Log {
    if level == LevelFilter::OFF {
        return Log(None);
    }
    let queue = Queue::to(io::stderr());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_writer(queue.clone())
        .finish();
    // Nobody else in this program has one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Log(Some(queue))
}

impl Queue {
    /// A queue, and a thread that empties it.
    fn to(out: impl Write + Send + 'static) -> Self {
        let (notes, waiting) = sync_channel(WAITING);
        let dropped = Arc::<AtomicU64>::default();
        let missed = Arc::clone(&dropped);
        // Without it, every line is one that was dropped.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_down(&waiting, &missed, out));
        Self { notes, dropped }
    }
}

fn write_down(waiting: &Receiver<Note>, missed: &AtomicU64, mut out: impl Write) {
    for note in waiting {
        match note {
            // A log that cannot be written is no reason to stop serving.
            Note::Line(line) => drop(out.write_all(&line)),
            Note::End(done) => drop(done.send(())),
        }
        let missed = missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            let _ = writeln!(out, "sockeye: {missed} lines of the log were dropped");
        }
    }
}

impl<'q> MakeWriter<'q> for Queue {
    type Writer = &'q Self;

    fn make_writer(&'q self) -> &'q Self {
        self
    }
}

/// Each call is a line: the formatter writes them whole.
impl Write for &Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.notes.try_send(Note::Line(line.into())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let Some(queue) = &self.0 else { return };
        let (done, written) = sync_channel(1);
        // Where not even this has room, nobody reads.
        if queue.notes.try_send(Note::End(done)).is_ok() {
            let _ = written.recv_timeout(LAST_WORDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Note, Queue, WAITING};
    use std::io::{self, Write};
    use std::sync::atomic::Ordering;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Writes nothing before it is let.
    struct Stopped {
        go: Receiver<()>,
        out: Sender<Vec<u8>>,
    }

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.go.recv();
            let _ = self.out.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_does_not_read_stops_nobody_and_is_told_how_much_was_dropped() {
        let ((go, waiting), (out, written)) = (channel(), channel());
        let queue = Queue::to(Stopped { go: waiting, out });
        let lines = WAITING + 1000;
        for _ in 0..lines {
            // That this comes back is the point.
            (&queue).write_all(b"line\n").expect("it never fails");
        }
        let dropped = queue.dropped.load(Ordering::Relaxed);
        // The thread may have taken one out.
        assert!((999..=1000).contains(&dropped), "{dropped}");
        drop(go);
        drop(Log(Some(queue)));
        let all = written.iter().collect::<Vec<_>>().concat();
        let all = String::from_utf8(all).expect("text");
        assert_eq!(all.matches("line\n").count() as u64, lines as u64 - dropped);
        let told = format!("sockeye: {dropped} lines of the log were dropped\n");
        assert!(all.contains(&told), "{all}");
    }

    #[test]
    fn the_end_does_not_wait_for_who_never_reads() {
        let ((_go, waiting), (out, _written)) = (channel(), channel());
        let queue = Queue::to(Stopped { go: waiting, out });
        while queue.notes.try_send(Note::Line(Box::default())).is_ok() {}
        drop(Log(Some(queue)));
    }
}
