//! Pages: bytes that are known at start, and what HTTP needs to answer with them.
//!
//! | file | holds |
//! |---|---|
//! | `mod` | one page, and its answer |
//! | `conditions` | `If-None-Match` and `If-Match` |
//! | `folder` | many pages, from a directory |
//! | `types` | which type a file has |
//!
//! Not here: routes; what changes while the server runs, which a route answers with a [`Response`] of its own; ranges
//! and compression, which a proxy in front can add.

mod conditions;
mod folder;
mod types;

#[cfg(test)]
mod tests;

use crate::proto::handshake::server::PageRequest;
use crate::proto::handshake::{Body, Misuse, Response};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use conditions::Verdict;
pub use folder::{Folder, FolderError, FolderLimits, Skipped, SkippedBecause};
use sha1::{Digest as _, Sha1};

/// One page: its bytes and their type.
///
/// Its answers have a strong `ETag` made of the bytes, so a browser that has them already is told 304 and no more.
/// They have `Cache-Control: no-cache` (ask each time), unless the page has another.
///
/// ```
/// use sockeye::app::Page;
///
/// let page = Page::html("<!doctype html><title>hello</title>").header("Cache-Control", "max-age=60")?;
/// # let _ = page;
/// # Ok::<(), sockeye::proto::handshake::Misuse>(())
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    body: Body,
    content_type: Cow<'static, str>,
    etag: String,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Page {
    /// A page of this type. The type is written as it is; [`check`](Self::check) tells whether it can be.
    #[must_use]
    pub fn bytes(content_type: impl Into<Cow<'static, str>>, body: impl Into<Body>) -> Self {
        let body = body.into();
        Self {
            etag: etag_of(&body),
            body,
            content_type: content_type.into(),
            headers: Vec::new(),
        }
    }

    /// A document. Its default policy lets it load scripts, styles and images from this server alone, and run none that
    /// stand in the document itself; see [`Response`].
    #[must_use]
    pub fn html(text: impl Into<Body>) -> Self {
        Self::bytes(types::HTML, text)
    }

    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<Body>) -> Self {
        Self::bytes(types::TEXT, text)
    }

    /// A script or a module.
    #[must_use]
    pub fn javascript(text: impl Into<Body>) -> Self {
        Self::bytes(types::JAVASCRIPT, text)
    }

    /// The browser client, a module without dependencies: `import { connect } from "/sockeye.js"`. Its types are in the
    /// repository, as `web/dist/sockeye.d.ts`.
    #[must_use]
    pub fn client() -> Self {
        Self::javascript(include_bytes!("../../../web/dist/sockeye.js"))
    }

    /// A style sheet.
    #[must_use]
    pub fn css(text: impl Into<Body>) -> Self {
        Self::bytes(types::CSS, text)
    }

    /// A drawing.
    #[must_use]
    pub fn svg(text: impl Into<Body>) -> Self {
        Self::bytes(types::SVG, text)
    }

    /// JSON, which is not checked.
    #[must_use]
    pub fn json(text: impl Into<Body>) -> Self {
        Self::bytes(types::JSON, text)
    }

    /// Adds a header to all answers. `Cache-Control`, `Content-Security-Policy`, `Referrer-Policy` and
    /// `X-Content-Type-Options` replace the default of that name.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when it cannot be written, or is not the page's business: `ETag`, and the names that
    /// [`Response::header`] refuses.
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Self, Misuse> {
        let (name, value) = (name.into(), value.into());
        if name.eq_ignore_ascii_case("etag") {
            return Err(Misuse::HeaderReserved);
        }
        self.headers.push((name, value));
        self.check()?;
        Ok(self)
    }

    /// Whether answers with this page can be written.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when its type or a header holds what cannot stand in a line.
    pub fn check(&self) -> Result<(), Misuse> {
        self.with_status(200).check()
    }

    /// The strong entity tag, in its quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The answer to this request: the page, 304 when the peer has it already (RFC 9110 §13.1.2), or 412 when it wants
    /// another one (§13.1.1).
    #[must_use]
    pub fn answer(&self, request: &PageRequest<'_>) -> Response {
        match conditions::judge(request.headers(), &self.etag) {
            Verdict::Send => self.with_status(200),
            Verdict::NotModified => self.with_status(304),
            Verdict::Failed => Response::text(412, "the page is another one by now"),
        }
    }

    fn with_status(&self, status: u16) -> Response {
        let mut response = Response::new(status, self.content_type.clone(), self.body.clone())
            .header("ETag", self.etag.clone());
        let has_own = |wanted: &str| {
            let mut names = self.headers.iter().map(|(name, _)| name);
            names.any(|name| name.eq_ignore_ascii_case(wanted))
        };
        if !has_own("cache-control") {
            response = response.header("Cache-Control", "no-cache");
        }
        for (name, value) in &self.headers {
            if status != 304 || !is_about_the_content(name) {
                response = response.header(name.clone(), value.clone());
            }
        }
        response
    }
}

/// What describes bytes that a 304 does not send (RFC 9110 §15.4.5). A policy describes what may be done with them.
fn is_about_the_content(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("content-")
        && name != "content-location"
        && !name.starts_with("content-security-policy")
}

/// No two pages that differ have the same one, but by an attack on SHA-1 by who writes the pages.
fn etag_of(bytes: &[u8]) -> String {
    let digest = Sha1::digest(bytes);
    format!("\"{}\"", Base64Display::new(&digest, &STANDARD))
}
