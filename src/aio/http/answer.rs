//! What is answered, as a response that hyper writes: the one to a good request, and [`Refused`].
//!
//! Both are written by the core and read here, so that what they say is said in one place.
//!
//! Not here: the choice between the two.

use super::super::error::Error;
use super::head::Over;
use crate::proto::handshake::{HandshakeError, Refusal};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// Headers that a head of ours has at the most: none are the application's.
const MAX_HEADERS: usize = 8;

/// The response that these bytes say.
pub(super) fn response(bytes: &[u8], over: Over) -> Response<String> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    let mut response = Response::new(String::new());
    let Ok(httparse::Status::Complete(head_len)) = parsed.parse(bytes) else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
            response.headers_mut().append(name, value);
        }
    }
    let body = bytes.get(head_len..).unwrap_or_default();
    *response.body_mut() = String::from_utf8_lossy(body).into_owned();
    match over {
        Over::Http1 => {}
        #[cfg(feature = "http2")]
        Over::Http2 => for_http2(&mut response),
    }
    response
}

/// The same over HTTP/2: there is nothing to be upgraded and no key that is answered (RFC 8441 section 5), and no field
/// is about one connection (RFC 9113 section 8.2.2).
#[cfg(feature = "http2")]
fn for_http2(response: &mut Response<String>) {
    use http::header;
    for name in [
        header::CONNECTION,
        header::UPGRADE,
        header::SEC_WEBSOCKET_ACCEPT,
    ] {
        response.headers_mut().remove(name);
    }
    *response.status_mut() = match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => StatusCode::OK,
        // It promises `Upgrade` (RFC 9110 section 15.5.22). The version that would do is told all the same.
        StatusCode::UPGRADE_REQUIRED => StatusCode::BAD_REQUEST,
        status => status,
    };
}

/// A request that is not accepted, and the response that says so.
///
/// ```
/// use hyper::{Request, Response};
/// use sockeye::aio::Server;
/// use sockeye::proto::handshake::HandshakeError;
///
/// let mut request = Request::new(());
/// let refused = Server::new().upgrade(&mut request).unwrap_err();
/// assert_eq!(refused.reason(), Some(HandshakeError::HostMissing));
/// let response = Response::<String>::from(refused);
/// assert_eq!(response.status(), 400);
/// assert_eq!(response.body(), "the Host header is missing\n");
/// ```
#[derive(Debug)]
pub struct Refused {
    reason: Option<HandshakeError>,
    response: Box<Response<String>>,
}

impl Refused {
    pub(super) fn new(refusal: &Refusal<'_>, over: Over) -> Self {
        let mut bytes = Vec::new();
        // Ours can be written. Else nothing is, which is read as 500.
        let _ = refusal.write(&mut bytes);
        Self {
            reason: None,
            response: Box::new(response(&bytes, over)),
        }
    }

    pub(super) fn because(error: HandshakeError, over: Over) -> Self {
        Self {
            reason: Some(error),
            ..Self::new(&Refusal::from(error), over)
        }
    }

    /// Nobody could hand the connection over, which is not the client's fault.
    pub(super) fn not_upgradable(over: Over) -> Self {
        Self::new(
            &Refusal::new(500, "this server cannot upgrade the connection"),
            over,
        )
    }

    /// The rule that it breaks. `None` where that is one of HTTP/2, or where the server is at fault: it was served without
    /// upgrades.
    #[must_use]
    pub const fn reason(&self) -> Option<HandshakeError> {
        self.reason
    }

    /// The response.
    #[must_use]
    pub const fn response(&self) -> &Response<String> {
        &self.response
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.response.body().trim_end())
    }
}

impl core::error::Error for Refused {}

impl From<Refused> for Response<String> {
    fn from(refused: Refused) -> Self {
        *refused.response
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused.reason {
            Some(error) => Self::Handshake(error),
            None => Self::Refused(refused.response.status().as_u16()),
        }
    }
}
