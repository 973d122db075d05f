//! Clients: on the loop, thousands of connections per thread; or blocking, one at a time.
//!
//! Not here: the loop, which is `reactor`.
