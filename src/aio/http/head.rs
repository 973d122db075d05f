//! A request as the bytes that it would have been, for the parser that judges all others: [`Head`].
//!
//! A request over HTTP/2 (RFC 8441) becomes the request over HTTP/1.1 that says the same. What it must be to be that is
//! judged here; the rest is the same for both.
//!
//! Not here: the rules of a handshake.

use super::answer::Refused;
use crate::proto::handshake::server::{self, Request};
use crate::proto::handshake::{HandshakeError, HeadLimits};
use alloc::vec::Vec;
use core::fmt::Display;
use http::{Extensions, HeaderMap, Method, Uri, Version};
use std::io::Write as _;

/// The head of a request that may be a good one.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    pub(super) over: Over,
}

/// How requests and answers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Http1,
    #[cfg(feature = "http2")]
    Http2,
}

/// What there is of a request beside its body.
pub(super) struct Asked<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) version: Version,
    pub(super) headers: &'r HeaderMap,
    #[cfg_attr(not(feature = "http2"), allow(dead_code, reason = "for HTTP/2 alone"))]
    pub(super) extensions: &'r Extensions,
}

impl Head {
    pub(super) fn of(asked: &Asked<'_>) -> Result<Self, Refused> {
        #[cfg(feature = "http2")]
        if asked.version == Version::HTTP_2 {
            return super::connect::head(asked);
        }
        let mut head = Self::begin(asked.method, asked.uri, asked.version, Over::Http1);
        for (name, value) in asked.headers {
            head.header(name.as_str(), value.as_bytes());
        }
        Ok(head.end())
    }

    /// With this request line.
    pub(super) fn begin(
        method: &Method,
        target: impl Display,
        version: Version,
        over: Over,
    ) -> Self {
        let version = match version {
            Version::HTTP_11 => "HTTP/1.1",
            Version::HTTP_10 => "HTTP/1.0",
            // Whichever it is, it is refused.
            _ => "HTTP/2.0",
        };
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        let _ = write!(bytes, "{method} {target} {version}\r\n");
        Self { bytes, over }
    }

    pub(super) fn header(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
    }

    pub(super) fn end(mut self) -> Self {
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// The request, if it is a good one.
    pub(super) fn request(&self, limits: HeadLimits) -> Result<Request<'_>, HandshakeError> {
        server::parse(&self.bytes, limits)
    }
}
