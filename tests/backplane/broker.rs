//! A broker of a test's own.

use super::until;
#[cfg(feature = "json")]
use sockeye::app::App;
use sockeye::backplane::{Backplane, Nats, Node, NodeBuilder, Redis};
use sockeye::server::Exchange;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Redis,
    /// A cluster of one, which has all slots.
    RedisCluster,
    Nats,
}

/// What nodes can be started on.
pub trait Carrier {
    /// Starts a node that uses it.
    fn node(&self, builder: NodeBuilder, exchange: &Exchange) -> Node;
}

pub struct Broker {
    pub kind: Kind,
    pub port: u16,
    process: Option<Child>,
    folder: PathBuf,
}

impl Broker {
    /// Starts one; `None` where it is not installed.
    pub fn start(kind: Kind) -> Option<Self> {
        let broker = Self::start_empty(kind)?;
        if kind == Kind::RedisCluster {
            broker.redis_cli(&["cluster", "addslotsrange", "0", "16383"]);
            broker.wait_for_cluster();
        }
        Some(broker)
    }

    /// The same, without slots where it is one of a cluster.
    pub fn start_empty(kind: Kind) -> Option<Self> {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("sockeye-broker-{port}"));
        // What one that was killed has left is not to be found by another.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut broker = Self {
            kind,
            port,
            process: None,
            folder,
        };
        if !broker.run() {
            let required = std::env::var("SOCKEYE_BROKERS").is_ok_and(|which| which == "all");
            assert!(!required, "{kind:?} is not installed");
            println!("{kind:?} is not installed: skipped");
            return None;
        }
        Some(broker)
    }

    /// Until it finds that its cluster is whole.
    pub fn wait_for_cluster(&self) {
        until("the cluster is whole", || {
            let info = self.redis_cli(&["cluster", "info"]);
            info.contains("cluster_state:ok").then_some(())
        });
    }

    /// Runs it at its port. Says whether there is such a program.
    pub fn run(&mut self) -> bool {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Redis | Kind::RedisCluster => {
                let mut command = Command::new("redis-server");
                command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "no", "--daemonize", "no"]);
                if self.kind == Kind::RedisCluster {
                    // Whoever dies is missed soon, and whoever stands in is ready at once.
                    command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]);
                    command.args(["--repl-diskless-sync-delay", "0"]);
                }
                command
            }
            Kind::Nats => {
                let mut command = Command::new("nats-server");
                command.args(["-a", "127.0.0.1", "-p", &port]);
                command
            }
        };
        let command = command.current_dir(&self.folder);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Ok(process) => self.process = Some(process),
            Err(error) if error.kind() == ErrorKind::NotFound => return false,
            Err(error) => panic!("{command:?}: {error}"),
        }
        until("the broker listens", || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        true
    }

    pub fn redis_cli(&self, what: &[&str]) -> String {
        let port = self.port.to_string();
        let mut command = Command::new("redis-cli");
        let done = command.args(["-p", &port]).args(what).output();
        let done = done.expect("it comes with redis-server");
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it was ours");
        }
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.process.as_ref().expect("it runs").id().to_string();
        let done = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(done.expect("there is kill").success());
    }

    /// Cuts every connection that it has.
    pub fn cut_connections(&self) {
        self.redis_cli(&["client", "kill", "type", "normal"]);
        self.redis_cli(&["client", "kill", "type", "pubsub"]);
    }

    /// An application that uses it.
    #[cfg(feature = "json")]
    pub fn app(&self, app: App, builder: NodeBuilder) -> App {
        let port = self.port;
        let url = format!("redis://127.0.0.1:{port}");
        match self.kind {
            Kind::Redis => app.backplane(builder, Redis::new(&url).expect("a URL")),
            Kind::RedisCluster => {
                let redis = Redis::cluster([url.as_str()]);
                app.backplane(builder, redis.expect("a URL"))
            }
            Kind::Nats => {
                let nats = Nats::new(&format!("nats://127.0.0.1:{port}"));
                app.backplane(builder, nats.expect("a URL"))
            }
        }
    }
}

/// One at which nobody listens, nor at the one 10 000 above, where a Redis of a cluster speaks to the others. They are
/// below those of which the system gives one to whoever asks for any, as it would until the broker has it, or while the
/// broker is dead.
fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    // What other processes try begins elsewhere.
    let begin = std::process::id() % 100 * 100;
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    until("a port is free", || {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (begin as u16 + tried) % 10_000;
        (is_free(port) && is_free(port + 10_000)).then_some(port)
    })
}

impl Carrier for Broker {
    fn node(&self, builder: NodeBuilder, exchange: &Exchange) -> Node {
        let port = self.port;
        match self.kind {
            Kind::Redis => {
                let redis = Redis::new(&format!("redis://127.0.0.1:{port}"));
                start(builder, exchange, redis.expect("a URL"))
            }
            Kind::RedisCluster => {
                let url = format!("redis://127.0.0.1:{port}");
                let redis = Redis::cluster([url.as_str()]);
                start(builder, exchange, redis.expect("a URL"))
            }
            Kind::Nats => {
                let nats = Nats::new(&format!("nats://127.0.0.1:{port}"));
                start(builder, exchange, nats.expect("a URL"))
            }
        }
    }
}

pub fn start(builder: NodeBuilder, exchange: &Exchange, broker: impl Backplane) -> Node {
    builder.start(exchange, broker).expect("a node")
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
