//! The opening handshake of both roles, as pure functions over bytes.
