//! Redis and Valkey: [`Redis`].
//!
//! One connection for both ways, in RESP3. What is published at a time goes in one write, and its answers are awaited
//! together. On a cluster, sharded pub/sub (Redis 7, Valkey): a subject is only where its slot is, and so is what is about
//! it. When a slot goes to another server, or a server of the cluster dies, everything is connected anew.
//!
//! Not here: what is published; what is kept, which is `redis_history`.

use super::heard::Heard;
use super::redis_history::{self as history, Script};
use super::{Arrived, Backplane, History, Inlet, Outlet, Stored, Subject, Trouble};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use redis::aio::{MultiplexedConnection, SendError};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _, Pipeline};
use redis::{ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// A broker that does not answer for so long is not there.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Redis or Valkey, from version 6 on; a cluster from version 7 on.
///
/// ```
/// use sockeye::backplane::{Backplane, Redis};
///
/// let redis = Redis::new("redis://:secret@10.0.0.5:6379")?.prefix("shop");
/// assert_eq!(redis.label(), "redis://10.0.0.5:6379");
/// # Ok::<(), sockeye::backplane::Trouble>(())
/// ```
#[derive(Debug)]
pub struct Redis {
    place: Place,
    prefix: String,
    label: String,
}

#[derive(Debug)]
enum Place {
    One(Box<Client>),
    Cluster(Vec<redis::ConnectionInfo>),
}

impl Redis {
    /// At a URL: `redis://[user:password@]host[:port]`, `rediss://` with TLS, `redis+unix:///path`. Nothing is connected
    /// yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL.
    pub fn new(url: &str) -> Result<Self, Trouble> {
        let (info, label) = read(url)?;
        Ok(Self {
            place: Place::One(Box::new(Client::open(info).map_err(Trouble::new)?)),
            prefix: "sockeye".into(),
            label,
        })
    }

    /// A cluster, of which some nodes are at these URLs. Others are found through them; where one dies, another URL is
    /// needed.
    ///
    /// # Errors
    ///
    /// What is wrong with a URL, or that there is none.
    pub fn cluster<'u>(urls: impl IntoIterator<Item = &'u str>) -> Result<Self, Trouble> {
        let mut places = Vec::new();
        let mut labels = Vec::new();
        for url in urls {
            let (info, label) = read(url)?;
            places.push(info);
            labels.push(label);
        }
        if places.is_empty() {
            return Err(Trouble::new("a cluster has at least one node"));
        }
        Ok(Self {
            place: Place::Cluster(places),
            prefix: "sockeye".into(),
            label: labels.join(","),
        })
    }

    /// What the names of its channels begin with; nodes with the same one share rooms. Default: `sockeye`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

/// Where a URL leads, and what of it may be shown.
fn read(url: &str) -> Result<(redis::ConnectionInfo, String), Trouble> {
    let info = url.into_connection_info().map_err(Trouble::new)?;
    let scheme = url.split("://").next().unwrap_or_default();
    let label = format!("{scheme}://{}", info.addr());
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    Ok((info.set_redis_settings(settings), label))
}

impl Backplane for Redis {
    type Outlet = RedisOutlet;
    type Inlet = RedisInlet;

    fn label(&self) -> String {
        self.label.clone()
    }

    async fn connect(&mut self) -> Result<(RedisOutlet, RedisInlet), Trouble> {
        let (heard, leaving) = (Arc::<Heard>::default(), Arc::<Leaving>::default());
        let ear = (Arc::clone(&heard), Arc::clone(&leaving));
        let hear = move |push| {
            hear(&ear.0, &ear.1, push);
            Ok::<(), SendError>(())
        };
        let line = match &self.place {
            Place::One(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_push_sender(hear)
                    .set_connection_timeout(Some(PATIENCE))
                    .set_response_timeout(Some(PATIENCE));
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Line::One(connection.await.map_err(Trouble::new)?)
            }
            Place::Cluster(places) => {
                let client = ClusterClientBuilder::new(places.iter().cloned())
                    .use_protocol(ProtocolVersion::RESP3)
                    .connection_timeout(PATIENCE)
                    .response_timeout(PATIENCE)
                    .retries(0)
                    .push_sender(hear)
                    .build()
                    .map_err(Trouble::new)?;
                let connection = client.get_async_connection();
                Line::Cluster(connection.await.map_err(Trouble::new)?)
            }
        };
        let mut outlet = RedisOutlet {
            line,
            prefix: self.prefix.clone(),
            append: String::new(),
            leaving,
        };
        outlet.load_scripts().await?;
        Ok((outlet, RedisInlet { heard }))
    }

    fn keeps(&self) -> bool {
        true
    }
}

/// What is said to Redis.
#[allow(missing_debug_implementations, reason = "nor has the connection one")]
pub struct RedisOutlet {
    line: Line,
    prefix: String,
    /// The hash of the script that appends, where the server has it.
    append: String,
    leaving: Arc<Leaving>,
}

/// Channels of a cluster whose subscription is being ended here. Where it ends otherwise, the channel has gone to another
/// server.
#[derive(Debug, Default)]
struct Leaving(Mutex<BTreeSet<String>>);

impl Leaving {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Line {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Line {
    /// How that is called there.
    const fn publish(&self) -> &'static str {
        match self {
            Self::One(_) => "PUBLISH",
            Self::Cluster(_) => "SPUBLISH",
        }
    }
}

impl RedisOutlet {
    /// A channel's name.
    fn channel(&self, subject: &Subject) -> String {
        let prefix = &self.prefix;
        match subject {
            Subject::Nodes => format!("{prefix}:nodes"),
            Subject::Everybody => format!("{prefix}:all"),
            Subject::Room(name) => format!("{prefix}:room:{name}"),
        }
    }

    /// Has a server keep the script, so that it need not be said with each message. On a cluster, each has its own.
    async fn load_scripts(&mut self) -> Result<(), Trouble> {
        if let Line::One(line) = &mut self.line {
            let mut load = redis::cmd("SCRIPT");
            load.arg("LOAD").arg(history::append_script());
            self.append = load.query_async(line).await.map_err(Trouble::new)?;
        }
        Ok(())
    }

    /// Commands, each with the subject that it is about.
    async fn send(&mut self, commands: Vec<(Subject, Cmd)>) -> Result<(), Trouble> {
        match &mut self.line {
            Line::One(line) => {
                let mut pipeline = Pipeline::new();
                for (_, command) in commands {
                    pipeline.add_command(command).ignore();
                }
                pipeline.exec_async(line).await.map_err(Trouble::new)
            }
            Line::Cluster(line) => send_to_slots(line, commands).await,
        }
    }

    fn command(&self, name: &str, subject: &Subject) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(self.channel(subject));
        command
    }

    fn for_each(&self, name: &str, subjects: &[Subject]) -> Vec<(Subject, Cmd)> {
        let commands = subjects
            .iter()
            .map(|subject| (subject.clone(), self.command(name, subject)));
        commands.collect()
    }
}

impl Outlet for RedisOutlet {
    async fn subscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        let channels = subjects.iter().map(|subject| self.channel(subject));
        match &self.line {
            Line::One(_) => self.send(self.for_each("SUBSCRIBE", subjects)).await,
            // A cluster's connection keeps account of these itself.
            Line::Cluster(line) => {
                let subscribe = |channel| {
                    let mut line = line.clone();
                    async move { line.ssubscribe(channel).await }
                };
                all(channels.map(subscribe)).await
            }
        }
    }

    async fn unsubscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        let channels = subjects.iter().map(|subject| self.channel(subject));
        match &self.line {
            Line::One(_) => self.send(self.for_each("UNSUBSCRIBE", subjects)).await,
            Line::Cluster(line) => {
                let unsubscribe = |channel: String| {
                    self.leaving.lock().insert(channel.clone());
                    let mut line = line.clone();
                    async move { line.sunsubscribe(channel).await }
                };
                all(channels.map(unsubscribe)).await
            }
        }
    }

    async fn publish(&mut self, bundles: Vec<(Subject, Vec<u8>)>) -> Result<(), Trouble> {
        let publish = self.line.publish();
        let commands: Vec<_> = bundles
            .into_iter()
            .map(|(subject, bytes)| {
                let mut command = self.command(publish, &subject);
                command.arg(bytes);
                (subject, command)
            })
            .collect();
        self.send(commands).await
    }

    async fn append(&mut self, bundles: Vec<(Subject, History, Vec<u8>)>) -> Result<(), Trouble> {
        let publish = self.line.publish();
        let script = match self.line {
            Line::One(_) => Script::Hash(&self.append),
            Line::Cluster(_) => Script::Text,
        };
        let commands: Vec<_> = bundles
            .into_iter()
            .map(|(subject, history, bytes)| {
                let channel = self.channel(&subject);
                let command = history::append(script, publish, &channel, history, &bytes);
                (subject, command)
            })
            .collect();
        self.send(commands).await
    }

    async fn fetch(&mut self, subject: &Subject, history: History) -> Result<Stored, Trouble> {
        let command = history::fetch(&self.channel(subject), history);
        let fetched = match &mut self.line {
            Line::One(line) => command.query_async(line).await,
            Line::Cluster(line) => command.query_async(line).await,
        };
        match fetched {
            Ok(fetched) => history::read_fetched(fetched),
            Err(error)
                if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() =>
            {
                Err(Trouble::new(error))
            }
            Err(error) => {
                // Something else is there under that name: one room's matter, and not that of all.
                tracing::warn!(%error, ?subject, "what is kept cannot be had");
                Ok(Stored::default())
            }
        }
    }
}

/// What is about one subject goes to where its slot is, in one write and in this order; to several at the same time.
async fn send_to_slots(
    line: &ClusterConnection,
    commands: Vec<(Subject, Cmd)>,
) -> Result<(), Trouble> {
    let mut pipelines = HashMap::<Subject, Pipeline>::new();
    for (subject, command) in commands {
        let pipeline = pipelines.entry(subject).or_default();
        pipeline.add_command(command).ignore();
    }
    let send = |pipeline: Pipeline| {
        let mut line = line.clone();
        async move { pipeline.exec_async(&mut line).await }
    };
    all(pipelines.into_values().map(send)).await
}

/// Does all of it at the same time.
async fn all(
    calls: impl Iterator<Item = impl Future<Output = Result<(), RedisError>> + Send + 'static>,
) -> Result<(), Trouble> {
    let mut calls: JoinSet<_> = calls.collect();
    while let Some(done) = calls.join_next().await {
        done.map_err(Trouble::new)?.map_err(Trouble::new)?;
    }
    Ok(())
}

/// What is heard from Redis.
#[derive(Debug)]
pub struct RedisInlet {
    heard: Arc<Heard>,
}

/// Called where the connection is read, and must not wait.
fn hear(heard: &Heard, leaving: &Leaving, push: PushInfo) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            // Channel and payload.
            if let Some(Value::BulkString(bytes)) = push.data.into_iter().nth(1) {
                heard.push(history::read(bytes));
            }
        }
        PushKind::SUnsubscribe => {
            let channel = push.data.first().and_then(text);
            if channel.is_some_and(|channel| !leaving.lock().remove(channel)) {
                heard.end("a channel has gone to another server of the cluster");
            }
        }
        PushKind::Disconnection => heard.end("the connection was lost"),
        _ => {}
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => core::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

impl Inlet for RedisInlet {
    async fn next(&mut self) -> Result<Vec<Arrived>, Trouble> {
        self.heard.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Leaving, PushInfo, PushKind, Value, hear};
    use alloc::string::String;
    use alloc::vec;

    #[test]
    fn a_subscription_that_ends_by_itself_ends_the_connection() {
        let (heard, leaving) = (Heard::default(), Leaving::default());
        let ended = || PushInfo {
            kind: PushKind::SUnsubscribe,
            data: vec![Value::BulkString(b"sockeye:room:tea".into()), Value::Int(0)],
        };
        leaving.lock().insert(String::from("sockeye:room:tea"));
        hear(&heard, &leaving, ended());
        assert!(!heard.has_ended(), "it was asked for");
        hear(&heard, &leaving, ended());
        assert!(heard.has_ended(), "it was asked for once");
    }
}
