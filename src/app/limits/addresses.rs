//! Who connects from where, how often, and how many of them there are: [`Addresses`].
//!
//! An IPv4 address is one; of an IPv6 address the first 64 bits count, for a customer has all the others.
//!
//! # What it holds
//!
//! Addresses with connections are as many as there are connections, and those the server limits. The others are kept
//! only while their buckets are not full, and at most [`AddressLimits::remembered`] of them. They lie in two halves: a
//! new one goes into the younger half; when that is full, or as old as a bucket takes to refill, it becomes the older
//! one, and what was older is forgotten. So whoever is forgotten for its age had a full bucket, nobody is looked for,
//! and each call costs the same however many there are.
//!
//! An attacker with more addresses than that makes us forget some early, with few tokens left, once half as many others
//! have come: they get a new bucket. It takes more addresses than it forgives, and each of those has a bucket of its own
//! anyway. Nobody is refused for it, and the number of connections of an address is never forgotten.
//!
//! Not here: who is behind an address. Behind one IPv4 address may be a whole company, or all the customers of a
//! provider; a cap has to leave room for them.

use super::{Bucket, Rate};
use core::fmt;
use core::mem::swap;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What those of one address may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLimits {
    /// Connections at once. Default: no limit, for behind a proxy that tells nothing all have one address.
    pub connections: Option<u32>,
    /// How often they may connect. Default: as often as they like.
    pub handshakes: Option<Rate>,
    /// Addresses without connections that are remembered. Default: 65 536, which take 3 MB.
    pub remembered: usize,
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self {
            connections: None,
            handshakes: None,
            remembered: 1 << 16,
        }
    }
}

/// An address wants more than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded {
    /// When it may try again; `None` where nobody knows, as with too many connections: one of them has to leave.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many connections from this address")
    }
}

impl core::error::Error for Crowded {}

/// A count of the connections of each address, for all loops of a server.
#[derive(Debug)]
pub struct Addresses {
    limits: AddressLimits,
    table: Mutex<Table>,
}

/// What belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    V4(u32),
    /// A /64.
    V6(u64),
}

#[derive(Debug, Default)]
struct Table {
    connected: HashMap<Source, Entry>,
    younger: HashMap<Source, Bucket>,
    older: HashMap<Source, Bucket>,
    /// When the younger half was begun.
    since: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    connections: u32,
    bucket: Bucket,
}

impl Addresses {
    /// Nobody yet.
    #[must_use]
    pub fn new(limits: AddressLimits) -> Self {
        let table = Mutex::default();
        Self { limits, table }
    }

    /// Counts a connection, at a time since some fixed moment that is the same for all loops. [`leave`](Self::leave)
    /// belongs to each one that was admitted.
    ///
    /// # Errors
    ///
    /// When the address has too many connections, or comes too often. A try costs a token also where it fails for the
    /// number of connections, and none where there is none.
    pub fn admit(&self, address: IpAddr, now: Duration) -> Result<(), Crowded> {
        let source = Source::of(address);
        let mut table = self.table();
        let mut entry = table.take(source);
        let admitted = self.limits.judge(&mut entry, now);
        if admitted.is_ok() {
            entry.connections = entry.connections.saturating_add(1);
        }
        table.put(source, entry, &self.limits, now);
        admitted
    }

    /// One connection that was admitted from this address has ended.
    pub fn leave(&self, address: IpAddr, now: Duration) {
        let source = Source::of(address);
        let mut table = self.table();
        let mut entry = table.take(source);
        entry.connections = entry.connections.saturating_sub(1);
        table.put(source, entry, &self.limits, now);
    }

    /// Connections of this address.
    #[must_use]
    pub fn connections(&self, address: IpAddr) -> u32 {
        let table = self.table();
        let entry = table.connected.get(&Source::of(address));
        entry.map_or(0, |entry| entry.connections)
    }

    /// Addresses that are held, with connections or without.
    #[must_use]
    pub fn held(&self) -> usize {
        let table = self.table();
        let without = table.younger.len().saturating_add(table.older.len());
        table.connected.len().saturating_add(without)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // What is done under the lock leaves the table whole at each step.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddressLimits {
    fn judge(&self, entry: &mut Entry, now: Duration) -> Result<(), Crowded> {
        if let Some(rate) = self.handshakes {
            let taken = entry.bucket.take(rate, now);
            taken.map_err(|retry_after| Crowded { retry_after })?;
        }
        if self
            .connections
            .is_some_and(|most| entry.connections >= most)
        {
            return Err(Crowded { retry_after: None });
        }
        Ok(())
    }
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
        }
    }
}

impl Table {
    /// What is known of an address, which is then nowhere.
    fn take(&mut self, source: Source) -> Entry {
        if let Some(entry) = self.connected.remove(&source) {
            return entry;
        }
        let younger = self.younger.remove(&source);
        let bucket = younger.or_else(|| self.older.remove(&source));
        Entry {
            connections: 0,
            bucket: bucket.unwrap_or_default(),
        }
    }

    /// Keeps what has to be known of an address.
    fn put(&mut self, source: Source, entry: Entry, limits: &AddressLimits, now: Duration) {
        if entry.connections > 0 {
            self.connected.insert(source, entry);
            return;
        }
        let Some(rate) = limits.handshakes else {
            return;
        };
        if entry.bucket.is_full(rate, now) {
            return;
        }
        self.age(rate, limits.remembered / 2, now);
        if limits.remembered > 1 {
            self.younger.insert(source, entry.bucket);
        }
    }

    /// Begins a new half where it is time to.
    fn age(&mut self, rate: Rate, half: usize, now: Duration) {
        let age = now.saturating_sub(self.since);
        let is_old = rate.refill().is_some_and(|refill| age >= refill);
        if is_old || self.younger.len() >= half {
            // Their memory is kept: under attack it would be needed again at once.
            self.older.clear();
            swap(&mut self.younger, &mut self.older);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests;
