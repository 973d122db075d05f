//! The paths that a route is for: literal segments, `{name}`, and what stands at the end.
//!
//! A parameter is a whole segment. So a segment of a path can be tried in two ways at most, and finding its route takes
//! no longer than the routes are.
//!
//! Not here: finding it; that is `table`.

use super::RouteFault;
use crate::app::request::{Params, has_dot_segment};
use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// matchit names parameters by letters, and panics when it has used them up.
const MAX_PARAMS: usize = 16;

/// The name of what `*` stands for.
const REST: &str = "*";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    segments: Vec<Segment>,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Param { name: Arc<str>, number: bool },
}

/// What follows the last segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Exact,
    /// A slash or nothing.
    Slash,
    /// A slash, and whatever follows it.
    Rest,
}

impl Pattern {
    /// Reads a pattern; a fault comes with its place.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, RouteFault)> {
        let Some(mut rest) = text.strip_prefix('/') else {
            return Err((0, RouteFault::PathRelative));
        };
        let mut pattern = Self {
            segments: Vec::new(),
            end: End::Exact,
        };
        while !rest.is_empty() {
            let at = text.len().saturating_sub(rest.len());
            if rest == "*" {
                pattern.end = End::Rest;
                break;
            }
            let (segment, after) = match rest.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (rest, None),
            };
            let parsed = pattern.segment(segment);
            let parsed = parsed.map_err(|(inner, fault)| (at.saturating_add(inner), fault))?;
            pattern.segments.push(parsed);
            if after == Some("") {
                pattern.end = End::Slash;
            }
            rest = after.unwrap_or_default();
        }
        Ok(pattern)
    }

    /// Reads the next segment.
    fn segment(&self, text: &str) -> Result<Segment, (usize, RouteFault)> {
        let inside = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        match inside {
            Some(inside) => self.param(inside).map_err(|fault| (0, fault)),
            None => literal(text),
        }
    }

    fn param(&self, inside: &str) -> Result<Segment, RouteFault> {
        let (name, kind) = inside.split_once(':').unwrap_or((inside, "string"));
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if inside.contains(['{', '}']) {
            return Err(RouteFault::Brace);
        }
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(RouteFault::ParamName);
        }
        let number = match kind {
            "number" => true,
            "string" => false,
            _ => return Err(RouteFault::ParamType),
        };
        let names = || self.segments.iter().filter_map(Segment::name);
        if names().any(|other| **other == *name) {
            return Err(RouteFault::ParamTwice);
        }
        if names().count() >= MAX_PARAMS {
            return Err(RouteFault::TooManyParams);
        }
        Ok(Segment::Param {
            name: name.into(),
            number,
        })
    }

    pub(super) const fn end(&self) -> End {
        self.end
    }

    /// What matchit is told: one or two texts, for the paths without what is at the end and with it.
    pub(super) fn forms(&self) -> Vec<String> {
        let mut base = String::new();
        for segment in &self.segments {
            base.push('/');
            match segment {
                Segment::Literal(text) => base.push_str(text),
                Segment::Param { name, .. } => {
                    base.push('{');
                    base.push_str(name);
                    base.push('}');
                }
            }
        }
        let with = |end: &str| base.clone() + end;
        match self.end {
            End::Exact if base.is_empty() => ["/".to_owned()].into(),
            End::Exact => [base].into(),
            End::Slash => [with("/"), base].into(),
            // What `*` stands for may be empty, which matchit's does not.
            End::Rest => [with("/"), with("/{*rest}")].into(),
        }
    }

    /// The parameters of a path with these values, or `None` where one is not of its type.
    pub(super) fn params<'v>(&self, mut values: impl Iterator<Item = &'v str>) -> Option<Params> {
        let mut found = Vec::new();
        for segment in &self.segments {
            if let Segment::Param { name, number } = segment {
                let value = values.next()?;
                if *number && !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                found.push((Arc::clone(name), value.into()));
            }
        }
        if self.end == End::Rest {
            found.push((REST.into(), values.next().unwrap_or_default().into()));
        }
        Some(Params::new(found))
    }
}

impl Segment {
    const fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Param { name, .. } => Some(name),
            Self::Literal(_) => None,
        }
    }
}

/// A segment that stands for itself. What no request can hold would never be found, so it is a mistake.
fn literal(text: &str) -> Result<Segment, (usize, RouteFault)> {
    if text.is_empty() {
        return Err((0, RouteFault::EmptySegment));
    }
    if has_dot_segment(text) {
        return Err((0, RouteFault::DotSegment));
    }
    for (at, byte) in text.bytes().enumerate() {
        let fault = match byte {
            b'{' | b'}' => RouteFault::Brace,
            b'*' => RouteFault::Wildcard,
            b'%' if !is_escape(text, at) => RouteFault::Percent,
            b'?' | b'#' | b'"' | b'<' | b'>' | b'\\' => RouteFault::PathByte,
            _ if byte.is_ascii_graphic() => continue,
            _ => RouteFault::PathByte,
        };
        return Err((at, fault));
    }
    Ok(Segment::Literal(text.into()))
}

/// Whether two hexadecimal digits follow.
fn is_escape(text: &str, at: usize) -> bool {
    let digits = text.bytes().skip(at.saturating_add(1)).take(2);
    digits.filter(u8::is_ascii_hexdigit).count() == 2
}
