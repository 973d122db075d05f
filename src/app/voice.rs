//! Speaking to those at a path from any thread: [`Voice`].
//!
//! Not here: what a service says in a call, which is `scope`; the way to the loops, which is the server's `Handle`.

use super::Audience;
use crate::server::{Handle, HandleError, History, Message};
use alloc::boxed::Box;
use alloc::string::String;

/// Speaks to those at a path, from any thread and on all workers: a listener on a database, a timer, a handler of HTTP.
/// Nothing waits. Clones speak to the same.
///
/// Names of rooms and users are those of the path. They are not what a [`Handle`] takes: it knows no paths.
///
/// ```no_run
/// # use sockeye::app::{App, Audience, Conn, Service};
/// # struct News;
/// # impl Service for News {
/// #     type User = ();
/// #     fn message(&mut self, _: &mut Conn<'_, ()>, _: &mut (), _: sockeye::server::Message<'_>) {}
/// # }
/// # fn main() -> std::io::Result<()> {
/// let serving = App::new().route("SOCKET /news", |_| News).bind("127.0.0.1:8000")?;
/// let news = serving.voice("/news");
/// std::thread::spawn(move || {
///     news.publish(Audience::all(), r#"{"cmd":"hello"}"#)?;
///     news.publish("sport", r#"{"cmd":"goal"}"#)?; // a room
///     news.publish(Audience::user("ada"), r#"{"cmd":"mail"}"#)
/// });
/// serving.run()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Voice {
    handle: Handle,
    path: Box<str>,
    history: Option<History>,
}

impl Voice {
    pub(super) fn new(handle: Handle, path: &str, history: Option<History>) -> Self {
        let path = path.into();
        Self {
            handle,
            path,
            history,
        }
    }

    /// The path whose rooms and users are meant.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Says something to many; see [`Scope::publish`](super::Scope::publish). What one thread says comes in its order; between
    /// that and what services say there is none.
    ///
    /// # Errors
    ///
    /// [`HandleError`], and nobody is told.
    pub fn publish<'a, 'm>(
        &self,
        to: impl Into<Audience<'a>>,
        message: impl Into<Message<'m>>,
    ) -> Result<(), HandleError> {
        let (to, message) = (to.into(), message.into());
        to.with((&self.path, self.history), &mut String::new(), |to| {
            self.handle.publish(to, message)
        })
    }
}
