//! Where to connect and as whom: the flags that `connect` and `bench` share.
//!
//! Not here: what is done with the connection.

use crate::values::{header, pair, seconds};
use clap::Args;
use core::time::Duration;
use sockeye::client::{Connector, Proxy};
use sockeye::tls;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "The opening handshake")]
pub(crate) struct Target {
    /// Add a header to the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Offer a subprotocol; may be repeated, the favourite first
    #[arg(short = 's', long = "subprotocol", value_name = "NAME")]
    pub(crate) subprotocols: Vec<String>,
    /// Act for a page of this origin, as https://example.com
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
    /// Say which program this is
    #[arg(long, value_name = "NAME")]
    pub(crate) user_agent: Option<String>,
    /// Basic authentication; other users of this machine may see it in the list of processes
    #[arg(long, value_name = "USER:PASSWORD", value_parser = |text: &str| pair(text, ':'), conflicts_with = "bearer")]
    pub(crate) auth: Option<(String, String)>,
    /// A token as authentication; other users of this machine may see it in the list of processes
    #[arg(long, value_name = "TOKEN")]
    pub(crate) bearer: Option<String>,
    /// Send a cookie; may be repeated
    #[arg(long = "cookie", value_name = "NAME=VALUE", value_parser = |text: &str| pair(text, '='))]
    pub(crate) cookies: Vec<(String, String)>,
    /// Follow up to this many redirects
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) redirects: u8,
    /// Time from resolving the name to the server's answer
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Go through this proxy: http://… or socks5://…
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    pub(crate) proxy: Option<String>,
    /// Go through no proxy, whatever the environment says
    #[arg(long)]
    pub(crate) no_proxy: bool,
    #[command(flatten)]
    pub(crate) trust: Trust,
}

/// Who a server of `wss://` must be.
#[derive(Args, Clone, Debug)]
pub(crate) struct Trust {
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Do not check who the server is: anybody in between can read and change everything
    #[arg(long, conflicts_with = "ca")]
    pub(crate) danger_accept_any_certificate: bool,
}

impl Target {
    /// What is to be connected, checked.
    ///
    /// # Errors
    ///
    /// Which of the arguments is wrong.
    pub(crate) fn connector(&self, url: &str) -> Result<Connector, String> {
        let mut connector = Connector::new(url)
            .map_err(|error| error.to_string())?
            .protocols(self.subprotocols.iter().cloned())
            .redirects(self.redirects)
            .connect_timeout(self.timeout);
        for (name, value) in &self.headers {
            connector = connector.header(name, value);
        }
        for (name, value) in &self.cookies {
            connector = connector.cookie(name, value);
        }
        if let Some(origin) = &self.origin {
            connector = connector.origin(origin);
        }
        if let Some(agent) = &self.user_agent {
            connector = connector.user_agent(agent);
        }
        if let Some((user, password)) = &self.auth {
            connector = connector.basic_auth(user, password);
        }
        if let Some(token) = &self.bearer {
            connector = connector.bearer_auth(token);
        }
        if let Some(proxy) = self.proxy()? {
            connector = connector.proxy(proxy);
        }
        if let Some(tls) = self.trust.tls()? {
            connector = connector.tls(tls);
        }
        connector.check().map_err(|error| error.to_string())?;
        Ok(connector)
    }

    fn proxy(&self) -> Result<Option<Proxy>, String> {
        match &self.proxy {
            Some(url) => Proxy::parse(url)
                .map(Some)
                .map_err(|error| error.to_string()),
            None if self.no_proxy => Ok(Some(Proxy::none())),
            None => Ok(None),
        }
    }
}

impl Trust {
    /// Whom to trust, where that is not the system's choice.
    /// # Errors
    ///
    /// When the file holds no certificates.
    pub(crate) fn tls(&self) -> Result<Option<tls::Client>, String> {
        match &self.ca {
            Some(file) => tls::Client::from_ca_file(file)
                .map(Some)
                .map_err(|error| error.to_string()),
            None if self.danger_accept_any_certificate => {
                Ok(Some(tls::Client::danger_accept_any_certificate()))
            }
            None => Ok(None),
        }
    }
}
