//! The time of the day, for people to read. Whoever sets that clock changes what they read, and nothing else.
//!
//! Not here: deadlines and rates, which go by the loop's own time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(super) fn millis_since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
