//! Which route a path has: [`RouteTable`].
//!
//! A path is compared as it was sent. A route that is protected must have one name: where `/ws` has a guard and
//! `/%77s` reaches the same place, somebody reaches it without (CVE-2026-76183 was that).
//!
//! Not here: the query, which is no part of a path; who may come.

use super::pattern::{End, Pattern};
use super::{Route, RouteError, RouteFault};
use crate::app::request::{Params, has_dot_segment};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use matchit::Router;

/// Routes, and which of them a path has.
///
/// A literal segment goes before a parameter, and every route without `*` before those with it.
///
/// ```
/// use sockeye::app::{Route, RouteTable};
///
/// let mut table = RouteTable::default();
/// let rooms = table.insert(&Route::new("/chat/{room}"))?;
/// let lobby = table.insert(&Route::new("/chat/lobby"))?;
///
/// let (found, params) = table.find("/chat/tea").unwrap();
/// assert_eq!((found, params.get("room")), (rooms, Some("tea")));
/// assert_eq!(table.find("/chat/lobby").unwrap().0, lobby);
/// assert_eq!(table.find("/chat/"), None);
/// # Ok::<(), sockeye::app::RouteError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    routes: Vec<(Box<str>, Pattern)>,
    exact: Router<usize>,
    /// Those with `*`. matchit would not have them beside parameters.
    rest: Router<usize>,
}

impl RouteTable {
    /// Adds a route, and says its number: they are counted from 0.
    ///
    /// # Errors
    ///
    /// When the route's pattern is none, or another route is for the same paths, whatever its parameters are called.
    pub fn insert(&mut self, route: &Route) -> Result<usize, RouteError> {
        let text = route.pattern();
        let pattern = Pattern::parse(text).map_err(|(at, fault)| {
            let fault = if text.is_empty() {
                RouteFault::PathMissing
            } else {
                fault
            };
            RouteError::new(text, at, fault)
        })?;
        let index = self.routes.len();
        if add(self.router(&pattern), &pattern, index).is_err() {
            return Err(RouteError::conflict(text, self.rival(&pattern)));
        }
        self.routes.push((text.into(), pattern));
        Ok(index)
    }

    /// The number of a path's route, and the path's parameters. The path is given without its query.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(usize, Params)> {
        if has_dot_segment(path) {
            return None;
        }
        let at = |router: &Router<usize>| {
            let found = router.at(path).ok()?;
            let values = found.params.iter().map(|(_, value)| value);
            let (_, pattern) = self.routes.get(*found.value)?;
            Some((*found.value, pattern.params(values)))
        };
        let (index, params) = at(&self.exact).or_else(|| at(&self.rest))?;
        Some((index, params?))
    }

    /// The one name of the place at this path of this route: `/chat` and `/chat/` are one place for a route `/chat/`,
    /// which is its name. Otherwise it is the path.
    #[must_use]
    pub fn place<'p>(&self, index: usize, path: &'p str) -> Cow<'p, str> {
        let end = self.routes.get(index).map(|(_, pattern)| pattern.end());
        if end == Some(End::Slash) && !path.ends_with('/') {
            [path, "/"].concat().into()
        } else {
            path.into()
        }
    }

    fn router(&mut self, pattern: &Pattern) -> &mut Router<usize> {
        match pattern.end() {
            End::Exact | End::Slash => &mut self.exact,
            End::Rest => &mut self.rest,
        }
    }

    /// The route that this one cannot stand beside.
    fn rival(&self, pattern: &Pattern) -> &str {
        let is_rival = |other: &Pattern| {
            let (mut exact, mut rest) = (Router::new(), Router::new());
            let both = [other, pattern].map(|one| {
                let router = if one.end() == End::Rest {
                    &mut rest
                } else {
                    &mut exact
                };
                add(router, one, 0)
            });
            both.iter().any(Result::is_err)
        };
        let rival = self.routes.iter().find(|(_, other)| is_rival(other));
        rival.map_or("", |(text, _)| text)
    }
}

/// Adds every form of a pattern, or none.
fn add(router: &mut Router<usize>, pattern: &Pattern, index: usize) -> Result<(), ()> {
    let forms = pattern.forms();
    for (count, form) in forms.iter().enumerate() {
        if router.insert(form.as_str(), index).is_err() {
            for form in forms.iter().take(count) {
                router.remove(form.as_str());
            }
            return Err(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
