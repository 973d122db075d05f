//! Who may come: the request is judged, its gate is asked, and its address is counted.
//!
//! Not here: what becomes of a verdict, which the loop carries out; what gates decide.

use super::decision::Parcel;
use super::router::Router;
use super::site::{Admitted, Site};
use super::{Decision, Upgrade, client_address};
use crate::kernel::{Kernel, PeerAddr};
use crate::proto::handshake::HandshakeError;
use crate::proto::handshake::server::Request;
use crate::server::{Arrival, ConnectionId, Peer, Rejection, Verdict};
use alloc::string::ToString as _;
use alloc::sync::Arc;
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;

impl Router {
    /// Whether somebody may come, and as whom.
    pub(super) fn decide<K: Kernel>(
        &mut self,
        arrival: &mut Arrival<'_, '_, K>,
        request: &Request<'_>,
    ) -> Result<Verdict, Rejection> {
        let site = Arc::clone(&self.site);
        let found = site.find(request.path());
        let found = found.map(|(route, params)| (&site.definitions[route], params));
        // Before anything else is said, so that a page elsewhere learns nothing (RFC 6455 section 10.2).
        let origins = found
            .as_ref()
            .map_or(&site.origins, |(definition, _)| &definition.route.origins);
        origins.check(request)?;
        let addr = address(&site, arrival, request);
        let now = arrival.hub().now();
        self.now = site.shared.common_time(&mut self.ahead, now);
        if let Some(ip) = addr.ip() {
            let admitted = site.shared.addresses.admit(ip, self.now);
            admitted.map_err(|crowded| too_many(crowded.retry_after))?;
        }
        let decided = match &found {
            None => Err(HandshakeError::NotFound.into()),
            Some((definition, params)) => {
                let upgrade = Upgrade {
                    request,
                    params,
                    addr,
                    id: arrival.id(),
                    definition,
                    handle: site.shared.handle.get(),
                    now,
                };
                self.ask_gate(&upgrade)
            }
        };
        match (&decided, addr.ip()) {
            // Also who is let in: the answer may still come to nothing.
            (Ok(_), Some(ip)) => {
                self.waiting.insert(arrival.id(), ip);
            }
            (Err(_), Some(ip)) => site.shared.addresses.leave(ip, self.now),
            _ => {}
        }
        decided
    }

    fn ask_gate(&mut self, upgrade: &Upgrade<'_>) -> Result<Verdict, Rejection> {
        let definition = upgrade.definition;
        // A gate that panics counts nobody in.
        let asked = catch_unwind(AssertUnwindSafe(|| (definition.admit)(upgrade)));
        let decision = asked.unwrap_or_else(|_| {
            tracing::error!(id = %upgrade.id, "a gate panicked");
            Decision::refuse(500, "the server made a mistake")
        });
        match definition.judge(decision, upgrade.chosen_protocol()) {
            None => Ok(Verdict::Later),
            Some(judged) => judged.map(|(admission, admitted)| {
                self.admitted = Some(admitted);
                Verdict::Accept(admission)
            }),
        }
    }

    /// Who was counted in does not come to a seat.
    pub(super) fn forget_waiting(&mut self, id: ConnectionId) {
        if let Some(ip) = self.waiting.remove(&id) {
            self.site.shared.addresses.leave(ip, self.now);
        }
    }
}

/// Where a request comes from.
fn address<K: Kernel>(
    site: &Site,
    arrival: &mut Arrival<'_, '_, K>,
    request: &Request<'_>,
) -> PeerAddr {
    let forwarded = request.headers().all("x-forwarded-for");
    client_address(arrival.remote_addr(), &site.shared.forwarders, forwarded)
}

/// The user that a ticket has sent.
pub(super) fn parcel<K: Kernel>(peer: &mut Peer<'_, K>) -> Option<Admitted> {
    let note = peer.take_note()?;
    let parcel = note.downcast_ref::<Parcel>()?;
    let mut parcel = parcel.lock().ok()?;
    parcel.take()
}

fn too_many(retry_after: Option<Duration>) -> Rejection {
    let rejection = Rejection::new(429, "too many connections from your address");
    match retry_after {
        // Rounded up: whoever comes at that time is let in.
        Some(after) => {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            rejection.header("Retry-After", seconds.to_string())
        }
        None => rejection,
    }
}
