//! What a handler reaches beside the connection it is called for: [`Hub`].
//!
//! Not here: how it gets there; that is `rooms` and `deliver`.

use super::rooms::Rooms;
use crate::proto::deflate::Compressor;

/// The connections of a loop and their rooms, lent to a handler for one call.
#[derive(Debug)]
pub struct Hub<'h> {
    pub(super) rooms: &'h mut Rooms,
    pub(super) compressor: &'h mut Compressor,
}
