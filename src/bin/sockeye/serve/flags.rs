//! What `sockeye serve` can be told: one list, for the command line and for the file.
//!
//! Not here: which of them goes before the other, and what follows from them; that is `config`.

use super::written::{Broker, Count, Origin, RouteLine, Size, Switch, Workers, Written};
use clap::Args;
use serde::Deserialize;
use sockeye::server::{Listen, TrustedProxy};
use std::path::PathBuf;
use tracing_subscriber::filter::LevelFilter;

pub(crate) const EXAMPLES: &str = "Examples:\n  \
    sockeye serve                                          chat on http://127.0.0.1:8000\n  \
    sockeye serve --config serve.toml --check-config       what it would serve, or what is wrong\n  \
    sockeye serve --route \"SOCKET /mine @text <1MB\"        one more path that echoes\n  \
    SOCKEYE_ADMIN_TOKEN=a-long-secret sockeye serve        and /admin, for who has the token\n  \
    sockeye serve --backplane redis://10.0.0.5             one of several servers, with the same rooms\n\n\
    Pages of other hosts may not connect, unless --origin names them. A list that is given here takes the place of the\n\
    file's. SIGTERM or SIGINT says goodbye to all clients and ends. TLS, proxies, LISTEN_FDS and --handover are those of\n\
    echo.\n\n\
    In the file, options have the names that they have here: listen = \"127.0.0.1:8000\", no-deflate = true,\n\
    route = [\"SOCKET /mine @text <1MB\"].";

#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Flags {
    /// Read more options from this file, in TOML
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,
    /// Say what would be served, or what is wrong, and end
    #[arg(long)]
    #[serde(skip)]
    pub(crate) check_config: bool,
    /// Address and port, where port 0 picks a free one; or unix: and the path of a socket [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<Written<Listen>>,
    /// Threads, each with a loop of its own [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<Written<Workers>>,
    /// One more path that echoes, as "SOCKET /mine @text <1MB"; may be repeated
    #[arg(long, value_name = "ROUTE")]
    pub(crate) route: Vec<Written<RouteLine>>,
    /// Share all rooms with the servers that use the same broker: redis://HOST, rediss://HOST, nats://HOST, tls://HOST; or
    /// redis-cluster://HOST,HOST
    #[arg(long, value_name = "URL")]
    pub(crate) backplane: Option<Written<Broker>>,
    /// What this server calls itself among those [default: a number]
    #[arg(long, value_name = "NAME", requires = "backplane")]
    pub(crate) node_name: Option<String>,
    /// Show the files of this directory, too; they are read once, at the start
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Pages of this origin may connect, or of any with "any"; may be repeated [default: those of the same host]
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<Written<Origin>>,
    /// Connections from one IPv4 address, or one /64 of IPv6, at the same time [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) per_address: Option<Written<Count>>,
    /// Messages that each client may send in a second; more end it with 1008 [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<Written<Count>>,
    /// Messages that it may send at once, before --rate counts [default: as --rate]
    #[arg(long, value_name = "N")]
    pub(crate) burst: Option<Written<Count>>,
    /// Believe the X-Forwarded-For of this proxy: an address, a network as 10.0.0.0/8, or unix; may be repeated
    #[arg(long, value_name = "ADDR[/BITS]")]
    pub(crate) forwarded_from: Vec<Written<TrustedProxy>>,
    /// Read the PROXY protocol from here: an address, a network as 10.0.0.0/8, or unix; may be repeated
    #[arg(long, value_name = "ADDR[/BITS]")]
    pub(crate) proxy_from: Vec<Written<TrustedProxy>>,
    /// Show /metrics, or do not [default: where only this machine can connect]
    #[arg(long, value_name = "on|off")]
    pub(crate) metrics: Option<Written<Switch>>,
    /// Let who has this secret, of 16 characters or more, see and steer all at /admin. Other users of this machine can see
    /// it here: rather use the file, or the variable SOCKEYE_ADMIN_TOKEN
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: Option<String>,
    /// Read that secret from the first line of this file
    #[arg(long, value_name = "FILE", conflicts_with = "admin_token")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Have /admin on an address of its own, and not on the others
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) admin_listen: Option<Written<Listen>>,
    /// A name by which /admin is reached from elsewhere, as admin.example.com; may be repeated [default: those of this
    /// machine, from this machine]
    #[arg(long, value_name = "HOST")]
    pub(crate) admin_host: Vec<String>,
    /// The largest message accepted where a route has no size: bytes, or with KiB, MiB, GiB [default: 1MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_message: Option<Written<Size>>,
    /// What the kernel may hold for each client that does not read: bytes, or with KiB, MiB [default: up to 4 MB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) send_buffer: Option<Written<Size>>,
    /// Do not compress, even where a client offers permessage-deflate
    #[arg(long)]
    pub(crate) no_deflate: bool,
    /// Compress with a memory of earlier messages: fewer bytes, and up to 410 KiB for each connection
    #[arg(long, conflicts_with = "no_deflate")]
    pub(crate) context_takeover: bool,
    /// Speak TLS: certificate chain, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Take the listening sockets from the program that serves this Unix socket, if one does; then serve it, for the next
    #[arg(long, value_name = "PATH")]
    pub(crate) handover: Option<PathBuf>,
    /// What is written to stderr: off, error, warn, info, debug (each message), trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<Written<LevelFilter>>,
}

impl Flags {
    /// What is not said here is as the other says.
    pub(super) fn or(self, other: Self) -> Self {
        fn list<T>(one: Vec<T>, other: Vec<T>) -> Vec<T> {
            if one.is_empty() { other } else { one }
        }
        // Of two that exclude each other, a secret and a file with it, only one counts.
        let has_token = self.admin_token.is_some() || self.admin_token_file.is_some();
        let (token, token_file) = if has_token {
            (self.admin_token, self.admin_token_file)
        } else {
            (other.admin_token, other.admin_token_file)
        };
        Self {
            config: self.config,
            check_config: self.check_config,
            listen: self.listen.or(other.listen),
            workers: self.workers.or(other.workers),
            route: list(self.route, other.route),
            backplane: self.backplane.or(other.backplane),
            node_name: self.node_name.or(other.node_name),
            folder: self.folder.or(other.folder),
            origin: list(self.origin, other.origin),
            per_address: self.per_address.or(other.per_address),
            rate: self.rate.or(other.rate),
            burst: self.burst.or(other.burst),
            forwarded_from: list(self.forwarded_from, other.forwarded_from),
            proxy_from: list(self.proxy_from, other.proxy_from),
            metrics: self.metrics.or(other.metrics),
            admin_token: token,
            admin_token_file: token_file,
            admin_listen: self.admin_listen.or(other.admin_listen),
            admin_host: list(self.admin_host, other.admin_host),
            max_message: self.max_message.or(other.max_message),
            send_buffer: self.send_buffer.or(other.send_buffer),
            no_deflate: self.no_deflate || (other.no_deflate && !self.context_takeover),
            context_takeover: self.context_takeover || (other.context_takeover && !self.no_deflate),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            handover: self.handover.or(other.handover),
            log: self.log.or(other.log),
        }
    }
}
