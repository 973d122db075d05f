//! Redis and Valkey: [`Redis`].
//!
//! One connection for both ways, in RESP3. On a cluster, sharded pub/sub (Redis 7, Valkey): a subject is only where its
//! slot is. What is published at a time goes in one write, and its answers are awaited together.
//!
//! Not here: what is published; what is kept, which is `redis_history`.

use super::heard::Heard;
use super::redis_history::{self as history, Script};
use super::{Arrived, Backplane, History, Inlet, Outlet, Stored, Subject, Trouble};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use redis::aio::{MultiplexedConnection, SendError};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, IntoConnectionInfo as _, Pipeline};
use redis::{ProtocolVersion, PushInfo, PushKind, Value};

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

    /// A cluster, of which some nodes are at these URLs. Others are found through them.
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
        let heard = Arc::<Heard>::default();
        let ear = Arc::clone(&heard);
        let hear = move |push| {
            hear(&ear, push);
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
}

enum Line {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
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

    async fn send(&mut self, commands: impl Iterator<Item = Cmd>) -> Result<(), Trouble> {
        match &mut self.line {
            Line::One(line) => {
                let mut pipeline = Pipeline::new();
                for command in commands {
                    pipeline.add_command(command).ignore();
                }
                let sent = pipeline.exec_async(line).await;
                sent.map_err(Trouble::new)
            }
            Line::Cluster(line) => {
                // Each goes to where its slot is; one after the other, as their order is that of a room.
                for command in commands {
                    command.exec_async(line).await.map_err(Trouble::new)?;
                }
                Ok(())
            }
        }
    }

    /// A command with a channel, by its names alone and on a cluster.
    fn command(&self, [alone, sharded]: [&str; 2], subject: &Subject) -> Cmd {
        let name = match self.line {
            Line::One(_) => alone,
            Line::Cluster(_) => sharded,
        };
        let mut command = redis::cmd(name);
        command.arg(self.channel(subject));
        command
    }
}

impl Outlet for RedisOutlet {
    async fn subscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        // A cluster's connection keeps account of these itself.
        for subject in subjects {
            let channel = self.channel(subject);
            if let Line::Cluster(line) = &mut self.line {
                line.ssubscribe(channel).await.map_err(Trouble::new)?;
            }
        }
        if let Line::Cluster(_) = self.line {
            return Ok(());
        }
        let commands: Vec<_> = subjects
            .iter()
            .map(|subject| self.command(["SUBSCRIBE", "SSUBSCRIBE"], subject))
            .collect();
        self.send(commands.into_iter()).await
    }

    async fn unsubscribe(&mut self, subjects: &[Subject]) -> Result<(), Trouble> {
        for subject in subjects {
            let channel = self.channel(subject);
            if let Line::Cluster(line) = &mut self.line {
                line.sunsubscribe(channel).await.map_err(Trouble::new)?;
            }
        }
        if let Line::Cluster(_) = self.line {
            return Ok(());
        }
        let commands: Vec<_> = subjects
            .iter()
            .map(|subject| self.command(["UNSUBSCRIBE", "SUNSUBSCRIBE"], subject))
            .collect();
        self.send(commands.into_iter()).await
    }

    async fn publish(&mut self, bundles: Vec<(Subject, Vec<u8>)>) -> Result<(), Trouble> {
        let commands: Vec<_> = bundles
            .into_iter()
            .map(|(subject, bytes)| {
                let mut command = self.command(["PUBLISH", "SPUBLISH"], &subject);
                command.arg(bytes);
                command
            })
            .collect();
        self.send(commands.into_iter()).await
    }

    async fn append(&mut self, bundles: Vec<(Subject, History, Vec<u8>)>) -> Result<(), Trouble> {
        let (script, publish) = match self.line {
            Line::One(_) => (Script::Hash(&self.append), "PUBLISH"),
            Line::Cluster(_) => (Script::Text, "SPUBLISH"),
        };
        let commands: Vec<_> = bundles
            .into_iter()
            .map(|(subject, history, bytes)| {
                history::append(script, publish, &self.channel(&subject), history, &bytes)
            })
            .collect();
        self.send(commands.into_iter()).await
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

/// What is heard from Redis.
#[derive(Debug)]
pub struct RedisInlet {
    heard: Arc<Heard>,
}

/// Called where the connection is read, and must not wait.
fn hear(heard: &Heard, push: PushInfo) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            // Channel and payload.
            if let Some(Value::BulkString(bytes)) = push.data.into_iter().nth(1) {
                heard.push(history::read(bytes));
            }
        }
        PushKind::Disconnection => heard.end("the connection was lost"),
        _ => {}
    }
}

impl Inlet for RedisInlet {
    async fn next(&mut self) -> Result<Vec<Arrived>, Trouble> {
        self.heard.next().await
    }
}
