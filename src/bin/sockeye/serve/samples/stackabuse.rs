//! `/stackabuse`: a newcomer is greeted, and all hear how many there are.

use serde_json::json;
use sockeye::app::Scope;
use sockeye::app::json::{Commands, Letter};

pub(super) fn service() -> Commands<()> {
    Commands::new()
        .open(|conn, (), _| {
            let greeting = json!({ "message": "A new user has joined!" });
            if let Ok(greeting) = Letter::new("announcements").param(&greeting) {
                let _ = conn.send(&greeting);
            }
            stats(conn);
        })
        .close(|scope, _, (), _| stats(scope))
}

/// Of this path alone: whoever is elsewhere hears nothing of it.
fn stats(scope: &mut Scope<'_, ()>) {
    let stats = json!({ "numClients": scope.online_everywhere() });
    let _ = scope.emit(scope.all(), "stats", &stats);
}
