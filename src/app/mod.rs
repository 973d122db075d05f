//! Applications on the server: routes, pages, commands.

mod forwarded;
mod limits;
mod page;
mod request;
mod route;

pub use forwarded::client_address;
pub use limits::{AddressLimits, Addresses, Bucket, Crowded, Rate};
pub use page::{Folder, FolderError, FolderLimits, Page, Skipped, SkippedBecause};
pub use request::{Params, Query, cookie};
pub use route::{Access, BadJson, Format, Route, RouteError, RouteFault, RouteTable, Subprotocols};
pub mod json;
pub mod log;
pub mod metrics;
