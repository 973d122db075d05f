//! The mailbox with one thread, or with threads that panic. All interleavings of several are run in `tests/loom`.
#![allow(clippy::unwrap_used)]

use super::mailbox::{Address, Mailbox, PutError, Wake};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::iter;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a letter weighs by itself.
const PLACE: usize = size_of::<u64>();

/// A mailbox for so many letters, an address of it, and its wake-ups.
fn mailbox(letters: usize) -> (Mailbox<u64>, Address<u64>, Arc<Wakes>) {
    let wakes = Arc::<Wakes>::default();
    let mailbox = Mailbox::new(letters * PLACE, Arc::<Wakes>::clone(&wakes));
    let address = mailbox.address();
    (mailbox, address, wakes)
}

fn taken<T>(mailbox: &Mailbox<T>) -> (Vec<T>, usize) {
    let mut letters = Vec::new();
    let lost = mailbox.take(&mut letters);
    (letters, lost)
}

#[test]
fn a_burst_comes_out_in_its_order_and_wakes_once() {
    let (mailbox, one, wakes) = mailbox(9);
    let two = one.clone();
    for burst in 1..4 {
        one.put(1, 0).unwrap();
        two.put(2, 0).unwrap();
        one.put_or_give_up(3, 0);
        assert_eq!(wakes.0.load(Ordering::Relaxed), burst);
        assert_eq!(taken(&mailbox), (vec![1, 2, 3], 0));
        assert_eq!(taken(&mailbox), (vec![], 0));
    }
}

#[test]
fn the_bound_is_exact_and_the_letter_is_given_back() {
    // Letters' weights beside their places, for a mailbox of 100 bytes, and whether they find room.
    let rows: [(&[usize], &[bool]); 7] = [
        (&[100 - PLACE], &[true]),
        (&[101 - PLACE], &[false]),
        (&[usize::MAX, 0], &[false, true]),
        (&[50 - PLACE, 50 - PLACE, 0], &[true, true, false]),
        (&[51 - PLACE, 50 - PLACE, 0], &[true, false, true]),
        (&[0; 12], &[true; 12]),
        (
            &[0; 13],
            &[
                true, true, true, true, true, true, true, true, true, true, true, true, false,
            ],
        ),
    ];
    for (weights, fits) in rows {
        let mailbox = Mailbox::new(100, Arc::<Wakes>::default());
        for round in 0..2 {
            let answers = weights
                .iter()
                .map(|weight| mailbox.address().put(7, *weight));
            let expected = fits.iter().map(|fits| match fits {
                true => Ok(()),
                false => Err(PutError::Full(7_u64)),
            });
            assert!(answers.eq(expected), "{weights:?}, round {round}");
            // Once they are taken there is as much room as before.
            let (letters, lost) = taken(&mailbox);
            let fitted = fits.iter().filter(|fits| **fits).count();
            assert_eq!((letters.len(), lost), (fitted, 0), "{weights:?}");
        }
    }
}

#[test]
fn a_letter_without_room_wakes_nobody() {
    let (_mailbox, address, wakes) = mailbox(1);
    assert_eq!(address.put(1, 1), Err(PutError::Full(1)));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
}

#[test]
fn who_falls_behind_is_told_how_far_and_begins_anew() {
    let (mailbox, address, wakes) = mailbox(2);
    (0..3).for_each(|letter| drop(address.put_or_give_up(letter, 0)));
    // There is room again, but between what was before and what comes now there is a gap.
    address.put_or_give_up(3, 0);
    assert_eq!(address.put(4, 0), Err(PutError::Full(4)));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(taken(&mailbox), (vec![], 4));
    address.put_or_give_up(5, 0);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    assert_eq!(taken(&mailbox), (vec![5], 0));
    // One that never finds room wakes too: the reader has missed it.
    address.put_or_give_up(6, PLACE * 2);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 3);
    assert_eq!(taken(&mailbox), (vec![], 1));
}

#[test]
fn what_the_reader_still_has_stays_before_what_it_takes() {
    let (mailbox, address, _) = mailbox(9);
    let mut letters = vec![1];
    address.put(2, 0).unwrap();
    assert_eq!(mailbox.take(&mut letters), 0);
    address.put(3, 0).unwrap();
    assert_eq!(mailbox.take(&mut letters), 0);
    assert_eq!(letters, [1, 2, 3]);
}

#[test]
fn two_buffers_go_to_and_fro_and_keep_little_of_a_burst() {
    let (mailbox, address, _) = mailbox(1 << 20);
    let mut letters = Vec::new();
    let mut buffers = Vec::new();
    for _ in 0..6 {
        (0..100).for_each(|letter| address.put(letter, 0).unwrap());
        mailbox.take(&mut letters);
        buffers.push((letters.as_ptr(), letters.capacity()));
        letters.clear();
    }
    assert_ne!(buffers[0].0, buffers[1].0);
    assert!(iter::zip(&buffers, &buffers[2..]).all(|(one, again)| one == again));
    (0..1 << 20).for_each(|letter| address.put(letter, 0).unwrap());
    mailbox.take(&mut letters);
    assert!(letters.capacity() >= 1 << 20);
    for _ in 0..3 {
        letters.clear();
        mailbox.take(&mut letters);
        assert!(letters.capacity() <= 1024, "{}", letters.capacity());
    }
}

#[test]
fn after_the_reader_nothing_is_accepted_and_nothing_kept() {
    let told = Arc::new(());
    let letter = || Arc::clone(&told);
    let mailbox = Mailbox::new(1000, Arc::<Wakes>::default());
    let address = mailbox.address();
    address.put(letter(), 0).unwrap();
    address.put(letter(), 0).unwrap();
    assert_eq!(mailbox.close(), 2);
    assert_eq!(Arc::strong_count(&told), 1);
    assert_eq!(address.put(letter(), 0), Err(PutError::Closed(letter())));
    // Closed comes before full.
    assert_eq!(address.put(letter(), 1000), Err(PutError::Closed(letter())));
    address.put_or_give_up(letter(), 0);
    address.put_or_give_up(letter(), 1000);
    assert_eq!(Arc::strong_count(&told), 1);
    assert_eq!(mailbox.close(), 0);
    assert_eq!(taken(&mailbox), (vec![], 0));
}

#[test]
fn dropping_the_reader_closes_and_what_was_given_up_is_counted() {
    let (mailbox, address, _) = mailbox(1);
    (0..3).for_each(|letter| drop(address.put_or_give_up(letter, 0)));
    assert_eq!(mailbox.close(), 3);
    drop(mailbox);
    let (mailbox, address, wakes) = self::mailbox(1);
    drop(mailbox);
    assert_eq!(address.put(1, 0), Err(PutError::Closed(1)));
    address.put_or_give_up(1, 0);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
}

#[test]
fn an_address_knows_its_mailbox() {
    let (here, address, _) = mailbox(1);
    let (there, ..) = mailbox(1);
    assert!(address.is_of(&here) && address.clone().is_of(&here));
    assert!(!address.is_of(&there));
}

/// A letter that cannot be dropped in peace.
#[derive(Debug)]
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0 || thread::panicking(), "a letter panics");
    }
}

#[test]
fn the_panic_of_a_senders_thread_is_its_own() {
    let wakes = Arc::<Wakes>::default();
    let mailbox = Mailbox::new(size_of::<Bomb>(), Arc::<Wakes>::clone(&wakes));
    let address = mailbox.address();
    // Neither finds room. The one panics while it waits, the other in the hand of its sender.
    for waiting in [Some(Bomb(true)), None] {
        let expected = 1 + usize::from(waiting.is_some());
        waiting
            .into_iter()
            .for_each(|bomb| address.put(bomb, 0).unwrap());
        let sender = address.clone();
        let panics = thread::spawn(move || drop(sender.put_or_give_up(Bomb(true), 1)));
        assert!(panics.join().is_err());
        let (letters, lost) = taken(&mailbox);
        assert_eq!((letters.len(), lost), (0, expected));
    }
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    address.put(Bomb(false), 0).unwrap();
    assert_eq!(taken(&mailbox).0.len(), 1);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 3);
}

/// A letter that writes another when nobody reads it.
struct Reply(Address<Self>, u8);

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(left) = self.1.checked_sub(1) {
            self.0.put_or_give_up(Self(self.0.clone(), left), 0);
        }
    }
}

#[test]
fn a_letter_may_put_another_when_it_is_dropped() {
    let mailbox = Mailbox::new(size_of::<Reply>(), Arc::<Wakes>::default());
    let address = mailbox.address();
    address.put_or_give_up(Reply(address.clone(), 1), 0);
    // The lock is free when this and the one that waits are dropped, and their replies come.
    address.put_or_give_up(Reply(address.clone(), 1), 0);
    assert_eq!(taken(&mailbox).1, 4);
    address.put_or_give_up(Reply(address.clone(), 1), 0);
    assert_eq!(mailbox.close(), 1);
}
