//! What a server is made of: routes, pages and limits, as [`App`] was told, ready to be worked with.
//!
//! Not here: connections; each worker has those in its `router`.

use super::decision::{Accepted, unauthorised};
use super::home::Shared;
use super::place::AnyPlace;
use super::request::Params;
use super::{Access, Decision, MAX_PATH, Route, RouteTable, Upgrade};
use crate::proto::handshake::server::PageRequest;
use crate::proto::handshake::{HandshakeError, OriginPolicy, Response};
use crate::server::{Admission, Profile, Rejection};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A route, with what makes its services and decides who may come.
pub(super) struct Definition {
    pub(super) route: Route,
    pub(super) admit: AnyAdmit,
    pub(super) make: Make,
    pub(super) profile: Profile,
    /// Connections, wherever on the route, and those who were told that they may come.
    pub(super) online: AtomicUsize,
}

/// Somebody who was let in, on the way to a seat.
pub(super) struct Admitted<U = Box<dyn Any + Send>> {
    pub(super) user: U,
    /// Whose connection it will be, where the gate has said so.
    pub(super) name: Option<String>,
    pub(super) on_route: OnRoute,
}

/// One of those on a route, from the decision to the end of the connection. Were only seats counted, all whom other
/// threads let in at the same time would find the same place free.
///
/// The definition is gone once it has come to a seat: from there on the router counts it out.
pub(super) struct OnRoute(Option<Arc<Definition>>);

/// Makes the service of a path.
pub(super) type Make = Box<dyn Fn(&Params) -> Box<dyn AnyPlace> + Send + Sync>;

pub(super) type AnyAdmit = Box<dyn Fn(&Upgrade<'_>) -> Decision<Box<dyn Any + Send>> + Send + Sync>;

pub(super) type Show = Box<dyn Fn(&PageRequest<'_>) -> Response + Send + Sync>;

/// All that a server does, for all its workers.
pub(super) struct Site {
    pub(super) table: RouteTable,
    pub(super) definitions: Vec<Arc<Definition>>,
    /// Of paths that no route has.
    pub(super) origins: OriginPolicy,
    pub(super) pages: std::collections::HashMap<String, Show>,
    /// What is at no page's path.
    pub(super) folder: Option<Show>,
    pub(super) shared: Arc<Shared>,
}

impl Definition {
    /// One is not on the route any more.
    pub(super) fn leave(&self) {
        self.online.fetch_sub(1, Ordering::Relaxed);
    }

    /// Carries a decision out as far as it does not need the connection: `None` is for later.
    pub(super) fn judge<U>(
        self: &Arc<Self>,
        decision: Decision<U>,
        chosen: Option<&str>,
    ) -> Option<Result<(Admission, Admitted<U>), Rejection>> {
        match decision {
            Decision::Later => None,
            Decision::Refuse(rejection) => Some(Err(rejection)),
            Decision::Accept(accepted) => Some(self.accept(accepted, chosen)),
        }
    }

    fn accept<U>(
        self: &Arc<Self>,
        accepted: Accepted<U>,
        chosen: Option<&str>,
    ) -> Result<(Admission, Admitted<U>), Rejection> {
        match (self.route.access, accepted.known) {
            (Access::Authorised, false) => return Err(unauthorised()),
            (Access::Unauthorised, true) => {
                return Err(Rejection::new(
                    403,
                    "this is for those who are not logged in",
                ));
            }
            _ => {}
        }
        let on_route = OnRoute::enter(self).ok_or(HandshakeError::Unavailable)?;
        let protocol = accepted
            .protocol
            .unwrap_or_else(|| chosen.map(String::from));
        let mut admission = Admission::new().profile(self.profile).protocol(protocol);
        for (name, value) in accepted.headers {
            admission = admission.header(name, value);
        }
        let admitted = Admitted {
            user: accepted.user,
            name: accepted.name,
            on_route,
        };
        Ok((admission, admitted))
    }
}

impl OnRoute {
    /// `None` where the route is full.
    fn enter(definition: &Arc<Definition>) -> Option<Self> {
        let most = definition.route.max_connections.unwrap_or(usize::MAX);
        let more = |count| (count < most).then_some(count + 1);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let entered = definition.online.fetch_update(set, get, more);
        entered.ok().map(|_| Self(Some(Arc::clone(definition))))
    }

    /// It has a seat, and stays on the route until [`Definition::leave`] is called for it.
    pub(super) fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for OnRoute {
    fn drop(&mut self) {
        if let Some(definition) = &self.0 {
            definition.leave();
        }
    }
}

impl fmt::Debug for OnRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definition = self.0.as_ref();
        f.debug_tuple("OnRoute")
            .field(&definition.map(|definition| definition.route.pattern()))
            .finish()
    }
}

impl Site {
    /// The route of a path.
    pub(super) fn find(&self, path: &str) -> Option<(usize, Params)> {
        if path.len() > MAX_PATH {
            return None;
        }
        self.table.find(path)
    }

    /// What is at a path for whoever asks for a page; `None` says that a WebSocket has to be asked for.
    pub(super) fn show(&self, request: &PageRequest<'_>) -> Option<Response> {
        if let Some(show) = self.pages.get(request.path()) {
            return Some(show(request));
        }
        if let Some(folder) = &self.folder {
            let response = folder(request);
            if response.status() != 404 {
                return Some(response);
            }
        }
        match self.find(request.path()) {
            Some(_) => None,
            None => Some(Response::not_found()),
        }
    }
}
