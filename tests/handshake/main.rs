//! The opening handshake, from tables and at random.

mod client;
mod outgoing;
mod random;
mod rows;
mod server;
