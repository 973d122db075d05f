//! What `sockeye serve` is to do: the flags, the file beneath them, and the defaults beneath both.
//!
//! Not here: doing it; that is `site`.

use super::flags::Flags;
use super::written::{Broker, Count, Origin, RouteLine, Size, Workers, Written};
use crate::args::Options;
use sockeye::app::{AddressLimits, Folder, Rate, Route};
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Listen, TrustedProxy};
use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tracing_subscriber::filter::LevelFilter;

const HERE: Listen = Listen::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000));
const MAX_MESSAGE: u64 = 1 << 20;
const TOKEN_VARIABLE: &str = "SOCKEYE_ADMIN_TOKEN";

/// All of it, with nothing left open.
#[derive(Debug)]
pub(crate) struct Config {
    /// What it has in common with the other servers of the program.
    pub(crate) options: Options,
    pub(super) routes: Vec<Route>,
    pub(super) folder: Option<Folder>,
    pub(super) origins: OriginPolicy,
    pub(super) addresses: AddressLimits,
    pub(super) rate: Option<Rate>,
    pub(super) forwarders: Vec<TrustedProxy>,
    /// `None`: where only this machine can connect.
    pub(super) metrics: Option<bool>,
    pub(super) admin_token: Option<String>,
    pub(super) admin_hosts: Vec<String>,
    pub(super) backplane: Option<Broker>,
    pub(super) node_name: Option<String>,
    pub(super) log: LevelFilter,
}

impl Config {
    /// Reads whatever the flags name. An error is one sentence that says where and what is wrong.
    pub(crate) fn load(flags: Flags) -> Result<Self, String> {
        let file = flags.config.as_deref().map(read).transpose()?;
        let token = env::var(TOKEN_VARIABLE).ok();
        Self::of(flags.or(file.unwrap_or_default()), token)
    }

    /// `variable` is the secret that the environment has.
    fn of(flags: Flags, variable: Option<String>) -> Result<Self, String> {
        if flags.tls_cert.is_some() != flags.tls_key.is_some() {
            return Err("TLS needs both, tls-cert and tls-key".to_owned());
        }
        let rate = rate(flags.rate, flags.burst)?;
        let token = token(flags.admin_token, flags.admin_token_file, variable)?;
        if token.is_none() && flags.admin_listen.is_some() {
            return Err("admin-listen needs an admin-token".to_owned());
        }
        let folder = flags.folder.as_deref().map(folder).transpose()?;
        let options = Options {
            listen: flags.listen.map_or(HERE, |Written(place)| place),
            no_deflate: flags.no_deflate,
            context_takeover: flags.context_takeover,
            workers: flags.workers.map_or(1, |Written(Workers(count))| count),
            max_message: flags
                .max_message
                .map_or(MAX_MESSAGE, |Written(Size(bytes))| bytes),
            send_buffer: flags.send_buffer.map(|Written(Size(bytes))| bytes),
            tls_cert: flags.tls_cert,
            tls_key: flags.tls_key,
            proxies: bare(flags.proxy_from),
            handover: flags.handover,
            aside: flags.admin_listen.map(|Written(place)| place),
        };
        let routes = flags.route.into_iter();
        Ok(Self {
            options,
            routes: routes.map(|Written(RouteLine(route))| route).collect(),
            folder,
            origins: origins(flags.origin),
            addresses: AddressLimits {
                connections: flags.per_address.map(|Written(Count(most))| most),
                ..AddressLimits::default()
            },
            rate,
            forwarders: bare(flags.forwarded_from),
            metrics: flags.metrics.map(|Written(switch)| switch.0),
            admin_token: token,
            admin_hosts: flags.admin_host,
            backplane: flags.backplane.map(|Written(broker)| broker),
            node_name: flags.node_name,
            log: flags.log.map_or(LevelFilter::INFO, |Written(level)| level),
        })
    }

    /// Whether `/metrics` is shown to whoever can connect here.
    pub(super) fn shows_metrics(&self, places: &[&Listen]) -> bool {
        let is_local = |place: &&Listen| match place {
            Listen::Ip(addr) => addr.ip().is_loopback(),
            Listen::Unix(_) => true,
        };
        self.metrics.unwrap_or_else(|| places.iter().all(is_local))
    }
}

/// A file's options.
fn read(path: &Path) -> Result<Flags, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|(place, what)| format!("{}{place}: {what}", path.display()))
}

/// The options in a text; or the place, as `, line 3, column 7`, and what is wrong there.
fn parse(text: &str) -> Result<Flags, (String, String)> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .chars()
            .rev()
            .take_while(|char| *char != '\n')
            .count()
            + 1;
        let what = error.message().trim().replace('\n', ", ");
        (format!(", line {line}, column {column}"), what)
    })
}

fn bare<T>(written: Vec<Written<T>>) -> Vec<T> {
    written.into_iter().map(|Written(value)| value).collect()
}

fn rate(
    rate: Option<Written<Count>>,
    burst: Option<Written<Count>>,
) -> Result<Option<Rate>, String> {
    match (rate, burst) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err("burst needs a rate".to_owned()),
        (Some(Written(Count(rate))), burst) => {
            let burst = burst.map_or(rate, |Written(Count(burst))| burst);
            Ok(Some(Rate::new(rate, burst)))
        }
    }
}

fn origins(written: Vec<Written<Origin>>) -> OriginPolicy {
    if written.is_empty() {
        return OriginPolicy::SameHost;
    }
    let one = |Written(origin)| match origin {
        Origin::Any => None,
        Origin::One(origin) => Some(origin),
    };
    let list: Option<Vec<_>> = written.into_iter().map(one).collect();
    list.map_or(OriginPolicy::Any, OriginPolicy::List)
}

fn folder(path: &Path) -> Result<Folder, String> {
    Folder::read(path).map_err(|error| match error {
        // It names the file itself.
        sockeye::app::FolderError::Read { .. } => error.to_string(),
        _ => format!("{}: {error}", path.display()),
    })
}

/// The secret for `/admin`, from where it is said: here, in a file, or in the environment.
fn token(
    here: Option<String>,
    file: Option<PathBuf>,
    variable: Option<String>,
) -> Result<Option<String>, String> {
    match (here, file) {
        (Some(_), Some(_)) => Err("write admin-token or admin-token-file, not both".to_owned()),
        (Some(token), None) => Ok(Some(token)),
        (None, Some(path)) => {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(Some(
                text.lines().next().unwrap_or_default().trim().to_owned(),
            ))
        }
        // Whoever empties it wants none.
        (None, None) => Ok(variable.filter(|token| !token.is_empty())),
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
