//! The shortest way to a connection: [`accept`].

use super::{Error, Server, Tokio, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

/// Accepts a connection on a stream of tokio's, by the default terms. [`Server`] has all others.
///
/// # Errors
///
/// As for [`Server::accept`].
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
) -> Result<WebSocket<Tokio<S>>, Error> {
    Server::new().accept(Tokio::new(stream)).await
}
