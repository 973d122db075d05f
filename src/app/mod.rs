//! Applications on the server: routes, pages, commands.

mod limits;

pub use limits::{AddressLimits, Addresses, Bucket, Crowded, Rate};
