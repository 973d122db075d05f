//! Who may come: [`Keys`].
//!
//! Not here: the page's origin, which was checked before.

use super::desk::Seat;
use super::failures::Failures;
use super::hosts::Hosts;
use crate::app::{Decision, Upgrade, same};
use crate::server::Rejection;
use alloc::string::{String, ToString as _};
use core::time::Duration;

/// What somebody is told who has another name for this server than it has.
pub(super) const STRANGE_HOST: &str = "this is not the name of this server";

/// What it takes to come in.
pub(super) struct Keys {
    token: String,
    hosts: Hosts,
    failures: Failures,
}

impl Keys {
    pub(super) fn new(token: String) -> Self {
        Self {
            token,
            hosts: Hosts::default(),
            failures: Failures::default(),
        }
    }

    pub(super) fn allow_hosts(&mut self, names: impl Iterator<Item = String>) {
        self.hosts.add(names);
    }

    pub(super) const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    pub(super) fn admit(&self, upgrade: &Upgrade<'_>) -> Decision<Seat> {
        let (addr, now) = (upgrade.addr(), upgrade.now());
        if !self.hosts.admit(upgrade.request().host(), addr) {
            return Decision::refuse(403, STRANGE_HOST);
        }
        // Before the token is looked at: who tries on is told nothing more.
        if let Some(wait) = self.failures.wait_of(addr.ip(), now) {
            return Decision::Refuse(too_often(wait));
        }
        match upgrade.token() {
            Some(token) if same(&token, &self.token) => Decision::user(Seat::default()),
            Some(_) => {
                self.failures.note(addr.ip(), now);
                tracing::warn!(%addr, "a wrong token for the admin page");
                Decision::unauthorised()
            }
            None => Decision::unauthorised(),
        }
    }
}

fn too_often(wait: Duration) -> Rejection {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Rejection::new(429, "too many wrong tokens from your address")
        .header("Retry-After", seconds.to_string())
}
