//! Sending what was said to many: a run is lent to the stream, and waits, where it has to, without being copied.
//!
//! Not here: which of what waits is dropped, which is `backlog`; the queue, which is `outbox`.

use super::cork::Cork;
use super::outbox::{Entry, Exit, Outbox, PIECES, Piece, WORTH_SHARING, append};
use super::rooms::Run;
use super::timer::Tick;
use crate::kernel::Kernel;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;
use std::io::{self, IoSlice};

impl<S> Exit<S> {
    /// Sends runs behind everything that waits, as a rule in one call. What the kernel does not take waits too, and is
    /// not copied for that; it is counted with what many share.
    pub(super) fn send_runs<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        runs: &mut Vec<Run>,
        scratch: &mut Cork,
        counter: &Arc<AtomicUsize>,
        now: Tick,
    ) -> io::Result<()> {
        let mut sent = 0;
        if self.outbox.is_none() {
            sent = self.send_all(kernel, runs, scratch)?;
        }
        let total: usize = runs.iter().map(|run| run.bytes().len()).sum();
        if sent == total && !self.transport.holds() {
            runs.clear();
            return Ok(());
        }
        self.queue([], 0, now);
        if let Some(outbox) = &mut self.outbox {
            for mut run in runs.drain(..) {
                let skip = sent.min(run.bytes().len());
                sent -= skip;
                run.skip(skip);
                outbox.push_run(run, counter);
            }
        }
        Ok(())
    }

    fn send_all<K: Kernel<Stream = S>>(
        &mut self,
        kernel: &mut K,
        runs: &[Run],
        scratch: &mut Cork,
    ) -> io::Result<usize> {
        if let [run] = runs {
            return self.transport.send(kernel, &[IoSlice::new(run.bytes())]);
        }
        if runs.len() > PIECES {
            let fits = runs.iter().all(|run| scratch.put(run.bytes()));
            let gathered = IoSlice::new(scratch.bytes());
            let sent = fits.then(|| self.transport.send(kernel, &[gathered]));
            scratch.clear();
            if let Some(sent) = sent {
                return sent;
            }
        }
        let mut sent = 0;
        for some in runs.chunks(PIECES) {
            let mut parts = [IoSlice::new(&[]); PIECES];
            let mut offered = 0;
            for (part, run) in parts.iter_mut().zip(some) {
                offered += run.bytes().len();
                *part = IoSlice::new(run.bytes());
            }
            let taken = self.transport.send(kernel, &parts[..some.len()])?;
            sent += taken;
            if taken < offered {
                break;
            }
        }
        Ok(sent)
    }
}

impl Outbox {
    fn push_run(&mut self, run: Run, counter: &Arc<AtomicUsize>) {
        let bytes = run.bytes();
        if bytes.is_empty() {
            return;
        }
        if bytes.len() >= WORTH_SHARING || !run.is_loose() {
            run.charge(counter);
            let entry = Entry::Run(run);
            self.count_in(&entry);
            self.entries.push_back(entry);
            return;
        }
        if !run.is_of_room() {
            return self.push(Piece::Bytes(bytes));
        }
        self.bytes += bytes.len();
        self.of_rooms += bytes.len();
        if let Some(Entry::Copied(last, sent)) = self.entries.back_mut() {
            append(last, sent, bytes);
        } else {
            self.entries.push_back(Entry::Copied(bytes.to_vec(), 0));
        }
    }
}
