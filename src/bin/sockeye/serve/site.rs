//! The application that a configuration comes to: [`build`].
//!
//! Not here: what lives at its paths, which is `samples`; its pages, which are `pages`.

use super::config::Config;
use super::pages::{self, Health, Pages};
use super::samples;
use super::written::Connects;
use crate::run;
use crate::sockets::Sockets;
use sockeye::app::metrics::Registry;
use sockeye::app::{
    Admin, App, Echo, Logged, Monitor, Params, Route, RouteError, Router, Service, Workers,
};
use sockeye::backplane::{Backplane as _, Node};
use sockeye::proto;
use sockeye::server::{Limits, Listen, RoomSettings, Server};
use std::io;

/// An application, ready to be served.
pub(super) struct Site {
    workers: Workers,
    aside: Option<Workers>,
    health: Health,
    /// What it has, for whoever wants to know before it starts.
    pub(super) lines: Vec<String>,
}

/// An application in the making, and the list of what is in it.
pub(super) struct Draft<'c> {
    config: &'c Config,
    app: App,
    lines: Vec<String>,
}

/// What is served at these places.
///
/// An error of [`io::ErrorKind::InvalidInput`] is a mistake in the configuration.
pub(super) fn build(config: &Config, places: &[&Listen]) -> io::Result<Site> {
    let registry = Registry::new();
    let mut draft = Draft {
        config,
        app: base(config, &registry)?,
        lines: Vec::new(),
    };
    for place in places {
        draft.lines.push(format!("listen {place}"));
    }
    draft = samples::add(draft);
    for route in &config.routes {
        draft = draft.route(Ok(route.clone()), |_| Echo);
    }
    let mut draft = draft.on_backplane()?;
    let health = Health::default();
    let mut pages = Pages::new(config.folder.as_ref(), &health);
    if config.shows_metrics(places) {
        pages.metrics(&registry);
    }
    let app = pages.show_in(draft.app, &mut draft.lines);
    let (app, aside) = with_admin(app, config, &mut draft.lines)?;
    Ok(Site {
        workers: app.build()?,
        aside: aside.map(App::build).transpose()?,
        lines: draft.lines,
        health,
    })
}

/// Adds the admin page, if somebody has a token for it: here, or as an application for an address of its own.
fn with_admin(
    app: App,
    config: &Config,
    lines: &mut Vec<String>,
) -> io::Result<(App, Option<App>)> {
    let Some(token) = &config.admin_token else {
        return Ok((app, None));
    };
    let monitor = Monitor::new();
    let (path, script) = pages::admin_script();
    let admin = Admin::new(token.clone(), &monitor)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?
        .hosts(config.admin_hosts.iter().cloned())
        .page(pages::admin())
        .file(path, script);
    let Some(place) = &config.options.aside else {
        lines.push("GET /admin".to_owned());
        return Ok((app.admin(admin), None));
    };
    lines.push(format!("listen {place} for /admin"));
    let files = pages::shared().into_iter();
    let admin = files.fold(admin, |admin, (path, page)| admin.file(path, page));
    let tls = run::tls(&config.options)?;
    let aside = admin
        .app()
        .trust_forwarded(config.forwarders.iter().copied())
        // It ends when all of the program does.
        .stop_on_signals(true)
        .server(|builder| match tls {
            Some(tls) => builder.tls(tls),
            None => builder,
        });
    Ok((app.watched_by(&monitor), Some(aside)))
}

impl Site {
    /// One server for each worker, and one for what has an address of its own.
    pub(super) fn start(
        &self,
        sockets: &Sockets,
        workers: usize,
    ) -> io::Result<Vec<Server<Router>>> {
        let mut servers = run::deal(sockets, workers, |share| self.workers.serve(share))?;
        if let (Some(aside), Some(listener)) = (&self.aside, &sockets.aside) {
            tracing::info!("the admin page is at {}", listener.place());
            servers.push(aside.serve([listener.clone()].into())?);
        }
        if let Some(node) = self.workers.node() {
            tracing::info!(broker = node.broker(), node = %node.id(), "shares rooms");
            let _ = self.health.set(node.clone());
        }
        Ok(servers)
    }
}

/// What has nothing to do with any path.
fn base(config: &Config, registry: &Registry) -> io::Result<App> {
    let options = &config.options;
    let limits = Limits {
        connection: proto::Limits::with_max_message(options.max_message),
        ..Limits::default()
    };
    let mut tls = run::tls(options)?;
    Ok(App::new()
        .limits(limits)
        .deflate(run::deflate(options))
        .origins(config.origins.clone())
        .per_address(config.addresses)
        .trust_forwarded(config.forwarders.iter().copied())
        .rooms(RoomSettings::default().policy(samples::policy))
        .metrics(registry)
        .workers(options.workers)
        .server(|mut builder| {
            builder = builder.trusted_proxies(options.proxies.iter().copied());
            if let Some(bytes) = options.send_buffer {
                builder = builder.send_buffer(usize::try_from(bytes).unwrap_or(usize::MAX));
            }
            if let Some(tls) = tls.take() {
                builder = builder.tls(tls);
            }
            builder
        }))
}

impl Draft<'_> {
    /// Makes it one of the nodes of a broker, if there is one.
    fn on_backplane(mut self) -> io::Result<Self> {
        let Some(broker) = &self.config.backplane else {
            return Ok(self);
        };
        let node = match &self.config.node_name {
            Some(name) => Node::builder().name(name),
            None => Node::builder(),
        };
        let connects = broker.connects();
        let connects =
            connects.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        // What is secret in the URL stays there.
        let (app, label) = match connects {
            Connects::Redis(redis) => {
                let label = redis.label();
                (self.app.backplane(node, redis), label)
            }
            Connects::Nats(nats) => {
                let label = nats.label();
                (self.app.backplane(node, nats), label)
            }
        };
        self.app = app;
        self.lines.push(format!("backplane {label}"));
        Ok(self)
    }

    /// Adds a route, with the limits that hold for all of them.
    pub(super) fn route<S: Service<User: Default>>(
        mut self,
        route: Result<Route, RouteError>,
        make: impl Fn(&Params) -> S + Send + Sync + 'static,
    ) -> Self {
        let route = route.map(|route| {
            self.lines.push(route.to_string());
            let route = route.origins(self.config.origins.clone());
            match self.config.rate {
                Some(rate) => route.rate(rate),
                None => route,
            }
        });
        self.app = self.app.route(route, move |params| Logged(make(params)));
        self
    }
}
