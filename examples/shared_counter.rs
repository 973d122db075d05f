//! What many look at and change together: the state is the service's, and who comes late gets it first.
//!
//! `cargo run --example shared_counter`, then in two terminals `cargo run -- connect ws://127.0.0.1:9001/counter/tea`, and
//! say `{"cmd":"add","param":2}`. Another path has another counter.

use serde::Serialize;
use sockeye::app::App;
use sockeye::app::json::{Commands, Failure};
use std::sync::{Arc, Mutex, PoisonError};

/// What everybody sees. `version` grows by one with each change, so that who missed one knows it.
#[derive(Clone, Copy, Default, Serialize)]
struct Counter {
    value: i64,
    version: u64,
}

/// Handlers are several closures, and share what is the service's by this. Nothing else waits for the lock: a service is
/// called for one thing at a time. A type of your own that is a `Service` needs none.
type Shared = Arc<Mutex<Counter>>;

fn with<R>(shared: &Shared, call: impl FnOnce(&mut Counter) -> R) -> R {
    call(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

fn counter() -> Commands<()> {
    let shared = Shared::default();
    let opened = Arc::clone(&shared);
    Commands::new()
        .open(move |conn, (), _| {
            // Before any change that comes later: to one connection all comes in the order of the calls.
            let now = with(&opened, |counter| *counter);
            let _ = conn.emit(conn.id(), "counter", &now);
        })
        .on("add", move |conn, (), by: i64| {
            let changed = with(&shared, |counter| {
                counter.value = counter.value.checked_add(by)?;
                counter.version += 1;
                Some(*counter)
            });
            let counter = changed.ok_or_else(|| Failure::from("that is too much"))?;
            // To all, and to who changed it: everybody sees the changes in the same order.
            conn.emit(conn.all(), "counter", &counter)
                .map_err(Failure::new)?;
            Ok(counter)
        })
}

pub(crate) fn app() -> App {
    App::new().route("SOCKET /counter/{name} @json <1kB", |_| counter())
}

fn main() -> std::io::Result<()> {
    println!("listening on ws://127.0.0.1:9001/counter/tea");
    app().bind("127.0.0.1:9001")?.run()
}
