//! The laws of the mailbox, each with two senders, one reader and few letters.
//!
//! Not here: how long it takes, and how much it holds.

use crate::mailbox::{Address, Mailbox, PutError, Wake};
use crate::sync::Arc;
use loom::sync::Notify;
use loom::sync::atomic::AtomicBool;
use loom::thread;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who sent it, and how many letters that sender had sent before.
type Letter = (u8, u8);

/// What a kernel is to its loop: a wait that a wake-up ends, also one that came before it.
struct Bell {
    notify: Notify,
    /// Not loom's: only counted, so that it adds no interleavings.
    rings: AtomicUsize,
}

struct Rope(Arc<Bell>);

impl Wake for Rope {
    fn wake(&self) {
        self.0.rings.fetch_add(1, Ordering::Relaxed);
        self.0.notify.notify();
    }
}

impl Bell {
    fn rings(&self) -> usize {
        self.rings.load(Ordering::Relaxed)
    }
}

/// The reader: a mailbox, the bell that wakes, and what it found.
struct Reader {
    mailbox: Mailbox<Letter>,
    bell: Arc<Bell>,
    read: Vec<Letter>,
    lost: usize,
    /// How often it found something.
    finds: usize,
    buffer: Vec<Letter>,
}

impl Reader {
    /// With room for so many letters.
    fn new(letters: usize) -> Self {
        let bell = Arc::new(Bell {
            notify: Notify::new(),
            rings: AtomicUsize::new(0),
        });
        let wake: std::sync::Arc<dyn Wake> = std::sync::Arc::new(Rope(Arc::clone(&bell)));
        Self {
            mailbox: Mailbox::new(letters * size_of::<Letter>(), Arc::from_std(wake)),
            bell,
            read: Vec::new(),
            lost: 0,
            finds: 0,
            buffer: Vec::new(),
        }
    }

    /// Says how many letters it took.
    fn take(&mut self) -> usize {
        let lost = self.mailbox.take(&mut self.buffer);
        let taken = self.buffer.len();
        assert!(lost == 0 || taken == 0, "a gap that nobody sees");
        self.finds += usize::from(lost + taken > 0);
        self.lost += lost;
        self.read.append(&mut self.buffer);
        taken
    }

    /// Waits and takes until it has heard of so many letters. One that nobody wakes never returns, which loom reports.
    fn hear_of(&mut self, letters: usize) {
        while self.read.len() + self.lost < letters {
            self.bell.notify.wait();
            self.take();
        }
    }

    /// What is read of a sender is in its order.
    fn assert_in_order(&self) {
        for who in [1, 2] {
            let said = self.read.iter().filter(|letter| letter.0 == who);
            assert!(said.is_sorted(), "{:?}", self.read);
        }
    }
}

/// A thread that does something at the reader's address.
fn sender<T: 'static>(
    reader: &Reader,
    act: impl FnOnce(Address<Letter>) -> T + 'static,
) -> thread::JoinHandle<T> {
    let address = reader.mailbox.address();
    thread::spawn(move || act(address))
}

/// Two senders: one of two letters, one of one. With two of each, a reader that waits takes minutes.
fn senders(
    reader: &Reader,
    put: fn(&Address<Letter>, Letter),
) -> impl Iterator<Item = thread::JoinHandle<()>> + use<> {
    let start = |(who, letters)| {
        sender(reader, move |address| {
            (0..letters).for_each(|number| put(&address, (who, number)));
        })
    };
    [(1, 2), (2, 1)].map(start).into_iter()
}

fn put(address: &Address<Letter>, letter: Letter) {
    address.put(letter, 0).unwrap();
}

fn put_or_give_up(address: &Address<Letter>, letter: Letter) {
    address.put_or_give_up(letter, 0);
}

fn join<T>(senders: impl IntoIterator<Item = thread::JoinHandle<T>>) -> Vec<T> {
    let joined = senders.into_iter().map(|sender| sender.join().unwrap());
    joined.collect()
}

#[test]
fn a_reader_that_only_looks_when_it_is_woken_hears_everything_in_order() {
    loom::model(|| {
        let mut reader = Reader::new(3);
        let senders = senders(&reader, put);
        reader.hear_of(3);
        join(senders);
        assert_eq!(reader.read.len(), 3);
        reader.assert_in_order();
        assert_eq!(reader.bell.rings(), reader.finds);
    });
}

#[test]
fn a_reader_that_looks_by_itself_is_woken_once_for_each_time_that_it_found_something() {
    loom::model(|| {
        let mut reader = Reader::new(3);
        let senders = senders(&reader, put);
        reader.take();
        reader.take();
        join(senders);
        reader.take();
        assert_eq!(reader.read.len(), 3);
        reader.assert_in_order();
        assert_eq!(reader.bell.rings(), reader.finds);
    });
}

#[test]
fn an_answer_comes_behind_what_it_answers() {
    loom::model(|| {
        let mut reader = Reader::new(2);
        let asked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&asked);
        let asks = sender(&reader, move |address| {
            address.put((1, 0), 0).unwrap();
            asked.store(true, Ordering::Release);
        });
        let answers = sender(&reader, move |address| {
            let answers = seen.load(Ordering::Acquire);
            if answers {
                address.put((2, 0), 0).unwrap();
            }
            answers
        });
        reader.take();
        asks.join().unwrap();
        let answered = answers.join().unwrap();
        reader.take();
        let expected: &[Letter] = if answered {
            &[(1, 0), (2, 0)]
        } else {
            &[(1, 0)]
        };
        assert_eq!(reader.read, expected);
    });
}

#[test]
fn no_more_waits_than_there_is_room_for_and_what_is_accepted_is_read() {
    loom::model(|| {
        let mut reader = Reader::new(2);
        let senders = [1, 2].map(|who| {
            sender(&reader, move |address| {
                let mut accepted = Vec::new();
                for number in 0..2 {
                    let letter = (who, number);
                    match address.put(letter, 0) {
                        Ok(()) => accepted.push(letter),
                        Err(refused) => assert_eq!(refused, PutError::Full(letter)),
                    }
                }
                accepted
            })
        });
        assert!(reader.take() <= 2);
        let mut accepted = join(senders).concat();
        assert!(reader.take() <= 2);
        // Nobody is refused for nothing.
        assert!(accepted.len() >= 2);
        reader.assert_in_order();
        reader.read.sort_unstable();
        accepted.sort_unstable();
        assert_eq!(reader.read, accepted);
    });
}

#[test]
fn what_is_accepted_is_read_or_counted_when_the_reader_closes() {
    loom::model(|| {
        let mut reader = Reader::new(4);
        let senders = [1, 2].map(|who| {
            sender(&reader, move |address| {
                let put = |number| address.put((who, number), 0);
                match [put(0), put(1)] {
                    [Ok(()), Ok(())] => 2,
                    [Ok(()), Err(PutError::Closed(_))] => 1,
                    [Err(PutError::Closed(_)), Err(PutError::Closed(_))] => 0,
                    others => panic!("{others:?}"),
                }
            })
        });
        reader.take();
        let unread = reader.mailbox.close();
        let accepted: usize = join(senders).iter().sum();
        assert_eq!(reader.read.len() + unread, accepted);
        assert_eq!(reader.mailbox.close(), 0);
        assert_eq!(reader.take(), 0);
    });
}

#[test]
fn a_reader_that_falls_behind_is_woken_and_told_of_every_letter() {
    loom::model(|| {
        let mut reader = Reader::new(1);
        let senders = senders(&reader, put_or_give_up);
        reader.hear_of(3);
        join(senders);
        assert_eq!(reader.read.len() + reader.lost, 3);
        reader.assert_in_order();
        assert_eq!(reader.bell.rings(), reader.finds);
    });
}

#[test]
fn what_is_given_up_is_counted_when_the_reader_closes() {
    loom::model(|| {
        let mut reader = Reader::new(1);
        let senders = senders(&reader, put_or_give_up);
        reader.take();
        join(senders);
        let unread = reader.mailbox.close();
        assert_eq!(reader.read.len() + reader.lost + unread, 3);
    });
}
