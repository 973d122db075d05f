//! What a request says beside its path: parameters, the query, cookies.
//!
//! Not here: the head itself, which is [`proto::handshake`](crate::proto::handshake); what any of it means.

mod cookie;
mod params;
mod percent;
mod query;

pub use cookie::cookie;
pub use params::Params;
pub(super) use percent::has_dot_segment;
pub use query::Query;
