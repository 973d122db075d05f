//! NATS: [`Nats`].
//!
//! One connection for both ways. What is published is not answered by the server; that a subscription holds is known when
//! something that was published behind it has come back.
//!
//! The library gives each subscription a queue of its own, and so loses the order between them. What lies in all queues
//! at one moment is nevertheless a beginning of what has come, if it is looked at in one go on the only thread there is: so
//! all of it is one batch.
//!
//! Not here: what is published. Streams of `JetStream`.

use super::{Arrived, Backplane, Inlet, Outlet, Subject, Trouble};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use async_nats::{Client, ConnectOptions, Event, ServerAddr, Subscriber};
use core::cell::RefCell;
use core::fmt::{self, Write as _};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use futures_util::stream::{AbortHandle, Abortable, SelectAll, StreamExt as _, abortable};
use sha1::{Digest as _, Sha1};
use std::sync::OnceLock;
use tokio::sync::Notify;
use tokio::task::unconstrained;
use tokio::time::timeout;

/// A broker that does not answer for so long is not there.
const PATIENCE: Duration = Duration::from_millis(2500);
/// Names that are longer do not fit into a line of its protocol as they are.
const MAX_TOKEN: usize = 1000;
/// How often it is asked whether it is there.
const PING: Duration = Duration::from_secs(1);
/// Messages that may wait in one subscription for their task.
const WAITING: usize = 64 << 10;

/// NATS, from version 2.9 on; a server or a cluster.
///
/// ```
/// use sockeye::backplane::{Backplane, Nats};
///
/// let nats = Nats::new("nats://me:secret@10.0.0.5:4222")?.prefix("shop");
/// assert_eq!(nats.label(), "nats://10.0.0.5:4222");
/// # Ok::<(), sockeye::backplane::Trouble>(())
/// ```
#[derive(Debug)]
pub struct Nats {
    servers: Vec<ServerAddr>,
    options: Option<Options>,
    prefix: String,
}

/// How to connect, which has no `Debug` of its own that is short.
struct Options(Box<ConnectOptions>);

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Options")
    }
}

impl Nats {
    /// At a URL: `nats://[user:password@]host[:port]`, `tls://` with TLS; several servers of a cluster with commas between
    /// them. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL.
    pub fn new(urls: &str) -> Result<Self, Trouble> {
        let servers = urls.split(',').map(|url| url.trim().parse());
        let servers = servers.collect::<Result<Vec<ServerAddr>, _>>();
        Ok(Self {
            servers: servers.map_err(Trouble::new)?,
            options: None,
            prefix: "sockeye".into(),
        })
    }

    /// Tells how to connect: credentials, certificates. How it connects again is this crate's business.
    #[must_use]
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = Some(Options(Box::new(options)));
        self
    }

    /// What its subjects begin with, without spaces and wildcards; nodes with the same one share rooms. Default: `sockeye`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

impl Backplane for Nats {
    type Outlet = NatsOutlet;
    type Inlet = NatsInlet;

    fn label(&self) -> String {
        let label = |server: &ServerAddr| {
            let scheme = if server.tls_required() { "tls" } else { "nats" };
            format!("{scheme}://{}:{}", server.host(), server.port())
        };
        let labels: Vec<_> = self.servers.iter().map(label).collect();
        labels.join(",")
    }

    async fn connect(&mut self) -> Result<(NatsOutlet, NatsInlet), Trouble> {
        let end = Arc::<End>::default();
        let note_in = Arc::clone(&end);
        let options = self.options.as_ref();
        let options = options.map_or_else(ConnectOptions::new, |options| (*options.0).clone());
        let client = options
            .name("sockeye")
            .ping_interval(PING)
            .connection_timeout(PATIENCE)
            .subscription_capacity(WAITING)
            // What was subscribed to is a matter of the engine, which is told that the connection is gone.
            .max_reconnects(self.servers.len())
            .event_callback(move |event| {
                let end = Arc::clone(&note_in);
                async move { note(&end, &event) }
            })
            .connect(self.servers.clone())
            .await
            .map_err(Trouble::new)?;
        let echo = format!("{}.echo.{}", self.prefix, nonce()?);
        let echoes = client.subscribe(echo.clone()).await.map_err(Trouble::new)?;
        let outlet = NatsOutlet {
            client,
            prefix: self.prefix.clone(),
            queues: Rc::default(),
            ends: BTreeMap::new(),
            end: Arc::clone(&end),
            echo,
            echoes,
        };
        let queues = Rc::clone(&outlet.queues);
        Ok((outlet, NatsInlet { queues, end }))
    }
}

/// What nobody else has.
fn nonce() -> Result<String, Trouble> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| Trouble::new(format!("{error}")))?;
    Ok(format!("{:016x}", u64::from_le_bytes(nonce)))
}

/// What has become of the connection, once that is known.
#[derive(Debug, Default)]
struct End {
    why: OnceLock<&'static str>,
    /// That it is known, or that there is one more queue.
    bell: Notify,
}

fn note(end: &End, event: &Event) {
    let why = match event {
        Event::Disconnected | Event::Closed => "the connection was lost",
        Event::LameDuckMode => "the server is about to stop",
        Event::SlowConsumer(_) => "this node does not keep up with the others",
        _ => return,
    };
    // The first one.
    let _ = end.why.set(why);
    end.bell.notify_one();
}

/// What has come, by subscription.
type Queues = SelectAll<Abortable<Subscriber>>;

/// What is said to NATS.
#[derive(Debug)]
pub struct NatsOutlet {
    client: Client,
    prefix: String,
    queues: Rc<RefCell<Queues>>,
    /// What ends each subscription.
    ends: BTreeMap<String, AbortHandle>,
    end: Arc<End>,
    /// Where something is published to see it come back.
    echo: String,
    echoes: Subscriber,
}

impl NatsOutlet {
    /// What NATS knows a subject as. A name becomes one token: it keeps letters, digits and a few others.
    fn name(&self, subject: &Subject) -> String {
        let prefix = &self.prefix;
        match subject {
            Subject::Nodes => format!("{prefix}.nodes"),
            Subject::Everybody => format!("{prefix}.all"),
            Subject::Room(name) => format!("{prefix}.room.{}", token(name)),
        }
    }

    /// Everything that was said before is with the server when this returns.
    async fn round_trip(&mut self) -> Result<(), Trouble> {
        let sent = self.client.publish(self.echo.clone(), Vec::new().into());
        sent.await.map_err(Trouble::new)?;
        self.client.flush().await.map_err(Trouble::new)?;
        self.echoes
            .next()
            .await
            .ok_or_else(|| Trouble::new("the connection was lost"))?;
        Ok(())
    }
}

/// A name as one token of a subject.
fn token(name: &str) -> String {
    if name.len() > MAX_TOKEN {
        // Whoever else has this number hears it too, and knows that it is not for them: names go with what is said.
        let digest = Sha1::digest(name.as_bytes());
        return digest
            .iter()
            .fold("%".into(), |token, byte| format!("{token}{byte:02x}"));
    }
    let mut token = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_:~@".contains(&byte) {
            token.push(char::from(byte));
        } else {
            // It cannot fail.
            let _ = write!(token, "%{byte:02X}");
        }
    }
    token
}

/// Not longer than a broker has to answer.
async fn in_time<R>(other: impl Future<Output = Result<R, Trouble>>) -> Result<R, Trouble> {
    let result = timeout(PATIENCE, other).await;
    result.unwrap_or_else(|_| Err(Trouble::new("it does not answer")))
}

impl Outlet for NatsOutlet {
    async fn subscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        let subscribed = async {
            for subject in subjects {
                let name = self.name(subject);
                let subscriber = self.client.subscribe(name.clone()).await;
                let (queue, end) = abortable(subscriber.map_err(Trouble::new)?);
                self.queues.borrow_mut().push(queue);
                if let Some(before) = self.ends.insert(name, end) {
                    before.abort();
                }
            }
            self.end.bell.notify_one();
            self.round_trip().await
        };
        in_time(subscribed).await
    }

    async fn unsubscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        for subject in subjects {
            if let Some(end) = self.ends.remove(&self.name(subject)) {
                end.abort();
            }
        }
        Ok(())
    }

    async fn publish(&mut self, bundles: Vec<(Subject, Vec<u8>)>) -> Result<(), Trouble> {
        let published = async {
            let most = self.client.server_info().max_payload;
            for (subject, bytes) in bundles {
                if bytes.len() > most {
                    // Its number is missed elsewhere; to insist would end the connection.
                    tracing::warn!(bytes = bytes.len(), most, "more than NATS takes at a time");
                    continue;
                }
                let sent = self.client.publish(self.name(&subject), bytes.into());
                sent.await.map_err(Trouble::new)?;
            }
            // Nor is more taken from the engine before the server has all this: what it has not is what a lost connection
            // may cost.
            self.round_trip().await
        };
        in_time(published).await
    }
}

/// What is heard from NATS.
#[derive(Debug)]
pub struct NatsInlet {
    queues: Rc<RefCell<Queues>>,
    end: Arc<End>,
}

impl NatsInlet {
    /// All that has come.
    fn take(&self, context: &mut Context<'_>) -> Vec<Arrived> {
        let (mut queues, mut batch) = (self.queues.borrow_mut(), Vec::new());
        while let Poll::Ready(Some(message)) = queues.poll_next_unpin(context) {
            let bytes = message.payload.into();
            batch.push(Arrived { bytes, kept: None });
        }
        batch
    }
}

impl Inlet for NatsInlet {
    async fn next(&mut self) -> Result<Vec<Arrived>, Trouble> {
        let mut bell = pin!(self.end.bell.notified());
        let next = poll_fn(|context| {
            loop {
                let batch = self.take(context);
                if !batch.is_empty() {
                    return Poll::Ready(Ok(batch));
                }
                if let Some(why) = self.end.why.get() {
                    return Poll::Ready(Err(Trouble::new(*why)));
                }
                if bell.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                bell.set(self.end.bell.notified());
            }
        });
        // Nothing cuts it short, or a batch would not be a beginning.
        unconstrained(next).await
    }
}

#[cfg(test)]
mod tests {
    use super::token;
    use alloc::collections::BTreeSet;

    #[test]
    fn names_are_one_token_each_and_no_two_are_the_same() {
        let names = [
            "/chat/tea rx",
            "/chat/tea%20rx",
            "a.b",
            "a*",
            ">",
            "\u{e9}",
            "a",
            "A",
            "%",
            "",
        ];
        let tokens: BTreeSet<_> = names.iter().map(|name| token(name)).collect();
        assert_eq!(tokens.len(), names.len());
        let forbidden = |c: char| c.is_whitespace() || ".*>".contains(c) || !c.is_ascii();
        assert!(!tokens.iter().any(|token| token.contains(forbidden)));
    }
}
