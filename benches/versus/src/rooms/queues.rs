//! When a connection's way out became full, as the kernel shows it: the server's queues in `/proc/net/tcp`.
//!
//! From outside one does not see a short write. But what a server sends is in its queue until the peer takes it; and a
//! queue that does not grow while more is sent is full.

use crate::Result;
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Bytes that the connections of a server on this port have in their queues, by the port of the peer.
pub(crate) fn queued(server: u16) -> Result<HashMap<u16, u64>> {
    Ok(parse(&fs::read_to_string("/proc/net/tcp")?, server))
}

/// Lines as `0: 0100007F:2329 0100007F:8C4A 01 000000FF:00000000 …`: local, remote, state, to send and to read.
fn parse(table: &str, server: u16) -> HashMap<u16, u64> {
    let line = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().take(5).collect();
        let port = |field: &str| u16::from_str_radix(field.split_once(':')?.1, 16).ok();
        let to_send = fields.get(4)?.split_once(':')?.0;
        let found = (port(fields[2])?, u64::from_str_radix(to_send, 16).ok()?);
        (port(fields[1])? == server).then_some(found)
    };
    table.lines().skip(1).filter_map(line).collect()
}

/// One queue, looked at now and then while more and more is sent to its peer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filling {
    /// The last look: when, and how much was in it.
    last: Option<(Duration, u64)>,
    before: Option<Duration>,
    full: Option<Duration>,
}

impl Filling {
    /// The times count from anywhere.
    pub(crate) fn look(&mut self, now: Duration, queued: u64) {
        if self.full.is_some() {
            return;
        }
        match self.last {
            Some((last, was)) if was > 0 && queued <= was => {
                self.full = Some(self.before.unwrap_or(last));
            }
            _ => {
                self.before = self.last.map(|(last, _)| last);
                self.last = Some((now, queued));
            }
        }
    }

    /// A moment that the first short write was not before: of the look after which the queue grew for the last time.
    pub(crate) const fn full_not_before(&self) -> Option<Duration> {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::{Filling, parse};
    use std::time::Duration;

    #[test]
    fn the_kernels_table_is_understood() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:2329 0100007F:8C4A 01 0001A2B0:00000000 04:00000012 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:8C4A 0100007F:2329 01 00000000:00000C00 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
";
        let found = parse(table, 0x2329);
        assert_eq!(found[&0x8c4a], 0x1a2b0);
        assert_eq!(found.len(), 2, "and the listener, which has no peer");
        assert!(parse("", 1).is_empty());
    }

    #[test]
    fn a_queue_is_full_when_it_no_longer_grows() {
        let full = |looks: &[u64]| {
            let mut filling = Filling::default();
            for (at, queued) in (0..).zip(looks) {
                filling.look(Duration::from_secs(at), *queued);
            }
            filling.full_not_before().map(|at| at.as_secs())
        };
        // It grew for the last time between the looks at 2 and 3.
        assert_eq!(full(&[0, 10, 20, 25, 25, 25]), Some(2));
        // At first everything goes into the peer's own buffer.
        assert_eq!(full(&[0, 0, 0, 5, 9, 9]), Some(3));
        // The peer's kernel took a little more.
        assert_eq!(full(&[0, 10, 20, 19]), Some(1));
        assert_eq!(full(&[5, 5]), Some(0));
        assert_eq!(full(&[0, 10, 20]), None);
        assert_eq!(full(&[]), None);
    }
}
