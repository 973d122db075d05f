//! How often something may happen, and how much of it at once: [`Rate`], and [`Addresses`] for those who connect.
//!
//! Not here: a clock, which is an argument; what becomes of those who want more.

mod addresses;
mod rate;

pub use addresses::{AddressLimits, Addresses, Crowded};
pub use rate::{Bucket, Rate};
