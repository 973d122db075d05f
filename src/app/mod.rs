//! Applications on the server: routes, pages, commands.

mod forwarded;
mod limits;

pub use forwarded::client_address;
pub use limits::{AddressLimits, Addresses, Bucket, Crowded, Rate};
