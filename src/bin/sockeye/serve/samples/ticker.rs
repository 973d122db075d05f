//! `/ticker`: prices, every second. Of each, whoever reads too slowly gets the newest alone.
//!
//! Not here: real ones.

use super::millis;
use serde::Serialize;
use sockeye::app::json::Letter;
use sockeye::app::{Audience, Conn, Scope, Service, Upgrade};
use sockeye::server::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Its room. Clients cannot join rooms whose names begin like this.
pub(super) const ROOM: &str = "$prices";

const SYMBOLS: [(&str, u64); 3] = [("CARP", 10_000), ("SALMON", 12_500), ("TROUT", 15_000)];

/// The last second for which prices were published: each worker has a ticker, and one of them says it.
#[derive(Clone, Default)]
pub(super) struct Prices(Arc<AtomicU64>);

pub(super) struct Ticker {
    prices: Prices,
    is_running: bool,
}

#[derive(Serialize)]
struct Price {
    symbol: &'static str,
    price: f64,
    time: u64,
}

impl Ticker {
    pub(super) fn new(prices: &Prices) -> Self {
        Self {
            prices: prices.clone(),
            is_running: false,
        }
    }

    /// Again at the next full second.
    fn wait(&mut self, scope: &mut Scope<'_, ()>) {
        self.is_running = true;
        scope.after(Duration::from_millis(1000 - millis() % 1000), 0);
    }
}

impl Service for Ticker {
    type User = ();

    fn open(&mut self, conn: &mut Conn<'_, ()>, (): &mut (), _: &Upgrade<'_>) {
        // It is new here, so there is no reason to refuse it.
        let _ = conn.join(ROOM);
        if !self.is_running {
            self.wait(conn);
        }
    }

    /// Nobody is asked anything here.
    fn message(&mut self, _: &mut Conn<'_, ()>, (): &mut (), _: Message<'_>) {}

    fn timer(&mut self, scope: &mut Scope<'_, ()>, _: u64) {
        if scope.connections().is_empty() {
            self.is_running = false;
            return;
        }
        let now = millis();
        let second = now / 1000;
        if self.prices.0.fetch_max(second, Ordering::Relaxed) < second {
            for price in prices(now) {
                // Such numbers can always be written.
                if let Ok(message) = Letter::new("tick").param(&price) {
                    // Every node has these prices.
                    scope.publish(Audience::room(ROOM).here(), &message);
                }
            }
        }
        self.wait(scope);
    }
}

fn prices(time: u64) -> impl Iterator<Item = Price> {
    SYMBOLS.into_iter().map(move |(symbol, cents)| {
        let cents = cents + time / 1000 * 37 % 200;
        let cents = u32::try_from(cents).unwrap_or(u32::MAX);
        let price = f64::from(cents) / 100.0;
        Price {
            symbol,
            price,
            time,
        }
    })
}

/// What makes a price replace an earlier one.
pub(super) fn symbol(message: &[u8]) -> &[u8] {
    const BEFORE: &[u8] = b"\"symbol\":\"";
    let start = message.windows(BEFORE.len()).position(|at| at == BEFORE);
    let rest = start.and_then(|start| message.get(start + BEFORE.len()..));
    rest.and_then(|rest| rest.split(|byte| *byte == b'"').next())
        .unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::{Letter, prices, symbol};

    #[test]
    fn a_price_is_replaced_by_the_next_one_of_its_symbol() {
        let messages = |time| {
            prices(time).map(|price| {
                Letter::new("tick")
                    .param(&price)
                    .expect("it can be written")
            })
        };
        for (one, next) in messages(0).zip(messages(1000)) {
            assert_ne!(one, next);
            assert_eq!(symbol(one.as_bytes()), symbol(next.as_bytes()));
        }
        let first = messages(0).next().expect("there are prices");
        assert_eq!(
            first,
            r#"{"cmd":"tick","param":{"symbol":"CARP","price":100.0,"time":0}}"#
        );
        assert_eq!(symbol(first.as_bytes()), b"CARP");
        assert_eq!(symbol(b"something else"), b"something else");
    }
}
