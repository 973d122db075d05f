//! Which proxy a connection goes through, if any.
//!
//! The environment is read as curl does: `http_proxy` for ws, `https_proxy` for wss, `all_proxy` where that is missing,
//! and `no_proxy` for exceptions; in capitals too, but for `HTTP_PROXY`, which a CGI program gets from the header
//! `Proxy` of any request (httpoxy, CVE-2016-5385). A variable that is empty is not there.
//!
//! Not here: speaking to the proxy, which is `tunnel`; proxies that are spoken to over TLS, and SOCKS4.

use alloc::string::String;
use alloc::sync::Arc;

use super::authority::{Authority, Credentials, OwnedHost};
use super::no_proxy;
use super::{ConfigError, Host, ProxyUrlError, Url, UrlError};

/// The choice of a proxy.
///
/// ```
/// use sockeye::client::{Proxy, ProxyKind, Url};
///
/// let url = Url::parse("wss://example.com/")?;
/// assert!(Proxy::none().for_url(&url)?.is_none());
/// let server = Proxy::parse("socks5://user:pw@10.0.0.1:1080")?.for_url(&url)?.unwrap();
/// assert_eq!((server.kind(), server.port()), (ProxyKind::Socks5, 1080));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Proxy {
    choice: Choice,
}

#[derive(Clone, Debug)]
enum Choice {
    None,
    Always(Arc<ProxyServer>),
    Environment(Arc<Environment>),
}

/// The variables, as they were found.
#[derive(Clone, Debug, Default)]
struct Environment {
    ws: Option<Variable>,
    wss: Option<Variable>,
    no_proxy: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Variable {
    name: &'static str,
    value: String,
}

impl core::fmt::Debug for Variable {
    /// Without the value, as a password may stand in it.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// What is spoken to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// HTTP CONNECT (RFC 9110 §9.3.6).
    Http,
    /// SOCKS5 (RFC 1928). Names go to the proxy, which resolves them, whether it was written `socks5` or `socks5h`: to
    /// ask our own resolver tells it what the proxy may be there to hide.
    Socks5,
}

/// One proxy. From [`Proxy::for_url`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyServer {
    pub(crate) kind: ProxyKind,
    pub(crate) host: OwnedHost,
    pub(crate) port: u16,
    pub(crate) credentials: Option<Credentials>,
}

impl ProxyServer {
    /// What is spoken to it.
    #[must_use]
    pub const fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        self.host.as_host()
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// [`Proxy::from_env`].
impl Default for Proxy {
    fn default() -> Self {
        Self::from_env()
    }
}

impl Proxy {
    /// What the environment of the process says at this moment.
    #[must_use]
    pub fn from_env() -> Self {
        // What is not Unicode is no URL, and is refused as one when it is needed.
        Self::from_variables(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// What an environment says in which `variable` looks up a name.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|&name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some(Variable { name, value })
            })
        };
        let all = ["all_proxy", "ALL_PROXY"];
        let environment = Environment {
            ws: first(&["http_proxy"]).or_else(|| first(&all)),
            wss: first(&["https_proxy", "HTTPS_PROXY"]).or_else(|| first(&all)),
            no_proxy: first(&["no_proxy", "NO_PROXY"]).map(|found| found.value),
        };
        Self {
            choice: Choice::Environment(Arc::new(environment)),
        }
    }

    /// None, whatever the environment says.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            choice: Choice::None,
        }
    }

    /// This one, for every host: `http://`, `socks5://` or `socks5h://`, then `user:password@` if it wants them, the
    /// host, and the port: without one it is 80 or 1080. What has no scheme is an HTTP proxy.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Proxy`] when it is not the URL of such a proxy.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let server = parse(url).map_err(|error| ConfigError::Proxy {
            variable: None,
            error,
        })?;
        Ok(Self {
            choice: Choice::Always(Arc::new(server)),
        })
    }

    /// The proxy for a connection to `url`. `None` means a direct one; a Unix socket always is.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Proxy`] when the environment names something that cannot be used. To go past it would show the
    /// connection to a network that it was to be kept from.
    pub fn for_url(&self, url: &Url) -> Result<Option<ProxyServer>, ConfigError> {
        if url.unix_path().is_some() {
            return Ok(None);
        }
        match &self.choice {
            Choice::None => Ok(None),
            Choice::Always(server) => Ok(Some(ProxyServer::clone(server))),
            Choice::Environment(environment) => environment.for_url(url),
        }
    }
}

impl Environment {
    fn for_url(&self, url: &Url) -> Result<Option<ProxyServer>, ConfigError> {
        let variable = if url.secure() { &self.wss } else { &self.ws };
        let Some(Variable { name, value }) = variable else {
            return Ok(None);
        };
        let exceptions = self.no_proxy.as_deref().unwrap_or_default();
        if no_proxy::lists(exceptions, url.host(), url.port()) {
            return Ok(None);
        }
        parse(value).map(Some).map_err(|error| ConfigError::Proxy {
            variable: Some(name),
            error,
        })
    }
}

fn parse(text: &str) -> Result<ProxyServer, ProxyUrlError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UrlError::Whitespace.into());
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "http" => ProxyKind::Http,
        "socks5" | "socks5h" => ProxyKind::Socks5,
        _ => return Err(ProxyUrlError::Scheme),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '\\']) {
        return Err(ProxyUrlError::Path);
    }
    let Authority {
        host,
        port,
        credentials,
    } = Authority::parse(authority)?;
    if let Some(credentials) = &credentials {
        check_credentials(kind, credentials)?;
    }
    let default = match kind {
        ProxyKind::Http => 80,
        ProxyKind::Socks5 => 1080,
    };
    Ok(ProxyServer {
        kind,
        host,
        port: port.unwrap_or(default),
        credentials,
    })
}

fn check_credentials(kind: ProxyKind, credentials: &Credentials) -> Result<(), ProxyUrlError> {
    let Credentials { user, password } = credentials;
    let fits = |text: &str| (1..=255).contains(&text.len());
    match kind {
        ProxyKind::Http if user.contains(':') => Err(ProxyUrlError::UserColon),
        ProxyKind::Socks5 if !fits(user) || !fits(password) => Err(ProxyUrlError::SocksCredentials),
        ProxyKind::Http | ProxyKind::Socks5 => Ok(()),
    }
}
