//! Where a client can put a secret that says who it is.
//!
//! Not here: whether it is right. Compare secrets with [`same`], or by a signature.

use super::Upgrade;
use alloc::borrow::Cow;
use subtle::ConstantTimeEq as _;

/// Before a token that is offered as a subprotocol.
const PROTOCOL: &str = "token.";

pub(super) fn of<'u>(upgrade: &Upgrade<'u>) -> Option<Cow<'u, str>> {
    let header = upgrade.header("authorization").and_then(bearer);
    header
        .or_else(|| offered(upgrade))
        .or_else(|| upgrade.cookie("token"))
        .map(Cow::Borrowed)
        .or_else(|| upgrade.query().get("token"))
        .filter(|token| !token.is_empty())
}

/// The scheme's name may be in any case (RFC 9110 section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

fn offered<'u>(upgrade: &Upgrade<'u>) -> Option<&'u str> {
    let mut offered = upgrade.request.protocols();
    offered.find_map(|name| name.strip_prefix(PROTOCOL))
}

/// Whether a subprotocol is a token in disguise.
pub(super) fn is_token(protocol: &str) -> bool {
    protocol.starts_with(PROTOCOL)
}

/// Whether two secrets are the same, in a time that tells nothing of how much of them is.
///
/// Their lengths are no secret.
///
/// ```
/// assert!(sockeye::app::same("secret", "secret"));
/// assert!(!sockeye::app::same("secret", "secrex"));
/// ```
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
