//! What a route can have wrong: one variant for each rule, with its sentence.
//!
//! Not here: what a request has wrong.

use alloc::boxed::Box;
use core::convert::Infallible;
use core::fmt;

/// A route that cannot be used: which one, where in it, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct RouteError {
    text: Box<str>,
    at: usize,
    fault: RouteFault,
    /// The route that was there before.
    other: Option<Box<str>>,
}

/// Which rule a route breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteFault {
    /// The first word is none of `SOCKET`, `+SOCKET`, `-SOCKET`.
    Method,
    /// There is no path.
    PathMissing,
    /// The path does not begin with a slash.
    PathRelative,
    /// A byte that no request has in its path.
    PathByte,
    /// `%` without two hexadecimal digits.
    Percent,
    /// Two slashes in a row.
    EmptySegment,
    /// A segment of one or two dots.
    DotSegment,
    /// A brace that is not that of a segment `{name}`.
    Brace,
    /// A parameter without a good name.
    ParamName,
    /// Two parameters of one name.
    ParamTwice,
    /// A type of parameter that is not known.
    ParamType,
    /// More parameters than anybody has.
    TooManyParams,
    /// `*` elsewhere than alone at the end.
    Wildcard,
    /// A format that is not known.
    Format,
    /// A second format.
    FormatTwice,
    /// Something else than a size behind `<`.
    Size,
    /// A second size.
    SizeTwice,
    /// `#name`, a middleware.
    Middleware,
    /// A word that is not known.
    Word,
    /// Another route is for the same paths.
    Conflict,
}

impl RouteFault {
    /// Every variant, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::Method,
        Self::PathMissing,
        Self::PathRelative,
        Self::PathByte,
        Self::Percent,
        Self::EmptySegment,
        Self::DotSegment,
        Self::Brace,
        Self::ParamName,
        Self::ParamTwice,
        Self::ParamType,
        Self::TooManyParams,
        Self::Wildcard,
        Self::Format,
        Self::FormatTwice,
        Self::Size,
        Self::SizeTwice,
        Self::Middleware,
        Self::Word,
        Self::Conflict,
    ];
}

impl RouteError {
    pub(super) fn new(text: &str, at: usize, fault: RouteFault) -> Self {
        Self {
            text: text.into(),
            at,
            fault,
            other: None,
        }
    }

    /// A pattern that is there already.
    pub(super) fn conflict(text: &str, other: &str) -> Self {
        Self {
            other: Some(other.into()),
            ..Self::new(text, 0, RouteFault::Conflict)
        }
    }

    /// The route's text, or its pattern where it was made in code.
    #[must_use]
    pub const fn text(&self) -> &str {
        &self.text
    }

    /// The byte of [`text`](Self::text) where the fault is, from 0.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Which rule it breaks.
    #[must_use]
    pub const fn fault(&self) -> RouteFault {
        self.fault
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route {:?}, byte {}: {}", self.text, self.at, self.fault)?;
        match &self.other {
            Some(other) => write!(f, ": {other:?}"),
            None => Ok(()),
        }
    }
}

/// The sentence: it is what a program says that returns it from `main`.
impl fmt::Debug for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => {
                "a route begins with SOCKET, with +SOCKET for the authorised only, or with -SOCKET for the others only"
            }
            Self::PathMissing => "write a path behind SOCKET, as /chat",
            Self::PathRelative => "a path begins with /",
            Self::PathByte => {
                "write a path as clients send it, without its query: letters, digits and signs of ASCII, others as %C3%A9"
            }
            Self::Percent => "two hexadecimal digits follow a %; write % itself as %25",
            Self::EmptySegment => "write one slash between two segments",
            Self::DotSegment => {
                "clients resolve . and .. before they send a path; write what is left of it"
            }
            Self::Brace => "a parameter is a whole segment: write /{name}",
            Self::ParamName => {
                "a parameter has a name of ASCII letters, digits and _: write {name}"
            }
            Self::ParamTwice => "give each parameter a name of its own",
            Self::ParamType => "the type of a parameter is number or string: write {name:number}",
            Self::TooManyParams => "a path has at most 16 parameters",
            Self::Wildcard => "* stands alone at the end of a path: write /files/*",
            Self::Format => "a format is @json, @text, @binary or @any",
            Self::FormatTwice => "write one format",
            Self::Size => {
                "write the largest message as <64kB, with b, kB, MB or GB, or as <max for the server's own limit"
            }
            Self::SizeTwice => "write one size",
            Self::Middleware => {
                "there are no middlewares by name; in code, give the route what admits its clients"
            }
            Self::Word => "only a format, as @text, and a size, as <64kB, follow the path",
            Self::Conflict => "another route is for the same paths",
        })
    }
}

impl core::error::Error for RouteError {}

/// So that a route in code and one in text are taken in the same way.
impl From<Infallible> for RouteError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
