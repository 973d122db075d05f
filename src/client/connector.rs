//! What a connection is to be like, and the opening handshake that follows from it.
//!
//! A setting is never dropped without a word: what cannot be sent as it was given is an error, before anything is sent.
//!
//! Not here: sockets, TLS, the wait for the answer, and what each setting is worth to a server.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::authority::Credentials;
use super::headers::{Auth, Fields};
use super::resume::{Resume, is_token, resuming};
use super::{ConfigError, ConnectError, Proxy, ProxyServer, Reconnect, Refused, Url};
use crate::proto;
use crate::proto::deflate::{Agreed, Policy};
use crate::proto::handshake::Misuse;
use crate::proto::handshake::client::{Expected, Request, Response};
#[cfg(feature = "tls")]
use crate::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A description of a connection to be. It can be used for any number of connections, and clones share it.
///
/// ```
/// use sockeye::client::Connector;
///
/// let connector = Connector::new("wss://example.com/chat")?
///     .protocols(["chat.v2", "chat.v1"])
///     .bearer_auth("a.long.token")
///     .header("X-Client", "kitchen");
/// # #[cfg(feature = "tls")]
/// connector.check()?;
/// # Ok::<(), sockeye::client::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Connector {
    settings: Arc<Settings>,
}

#[derive(Clone)]
struct Settings {
    url: Url,
    protocols: Vec<String>,
    require_protocol: bool,
    origin: Option<String>,
    fields: Fields,
    proxy: Proxy,
    redirects: u8,
    config: Arc<proto::Config>,
    connect_timeout: Duration,
    reconnect: Option<Reconnect>,
    resume: Resume,
    #[cfg(feature = "tls")]
    tls: Option<tls::Client>,
}

/// What a good answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) protocol: Option<String>,
    pub(crate) deflate: Option<Agreed>,
}

impl Connector {
    /// A connection to this URL; [`Url::parse`] says what it may look like. A user and a password in it are sent as
    /// basic authentication, unless another one is set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`].
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            settings: Arc::new(Settings {
                url: Url::parse(url)?,
                protocols: Vec::new(),
                require_protocol: false,
                origin: None,
                fields: Fields::default(),
                proxy: Proxy::default(),
                redirects: 0,
                config: Arc::default(),
                connect_timeout: CONNECT_TIMEOUT,
                reconnect: None,
                resume: Resume::default(),
                #[cfg(feature = "tls")]
                tls: None,
            }),
        })
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Subprotocols to offer, the favourite first: different tokens, at most 64. Default: none.
    #[must_use]
    pub fn protocols<P: Into<String>>(self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.set(|set| set.protocols = protocols.into_iter().map(Into::into).collect())
    }

    /// Fails the connection where the server chooses none of the subprotocols. Default: that is fine (RFC 6455 §4.1).
    #[must_use]
    pub fn require_protocol(self) -> Self {
        self.set(|set| set.require_protocol = true)
    }

    /// Adds a header. Those of the handshake itself, those of a body, and `Host`, `Origin` and `Expect` are refused; so
    /// is a second `Authorization`, `Cookie` or `User-Agent`.
    #[must_use]
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(|set| set.fields.headers.push((name.into(), value.into())))
    }

    /// The `Origin` to send, as `https://example.com`. Default: none; only what acts for a web page has one.
    #[must_use]
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.set(|set| set.origin = Some(origin.into()))
    }

    /// The `User-Agent` to send; an empty one leaves the header out. Default: `sockeye/` and the version.
    #[must_use]
    pub fn user_agent(self, agent: impl Into<String>) -> Self {
        self.set(|set| set.fields.user_agent = Some(agent.into()))
    }

    /// Sends this user and password as basic authentication (RFC 7617), in place of any that were set before or stand
    /// in the URL.
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let credentials = Credentials {
            user: user.to_string(),
            password: password.to_string(),
        };
        self.set(|set| set.fields.auth = Some(Auth::Basic(credentials)))
    }

    /// Sends this token as authentication (RFC 6750), in place of any that was set before or stands in the URL.
    #[must_use]
    pub fn bearer_auth(self, token: &str) -> Self {
        self.set(|set| set.fields.auth = Some(Auth::Bearer(token.to_string())))
    }

    /// Adds a cookie. All of them are sent in one header, in this order (RFC 6265 §5.4).
    #[must_use]
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.set(|set| {
            set.fields
                .cookies
                .push((name.to_string(), value.to_string()))
        })
    }

    /// Which proxy to go through. Default: [`Proxy::from_env`], as the environment was in [`new`](Self::new).
    #[must_use]
    pub fn proxy(self, proxy: Proxy) -> Self {
        self.set(|set| set.proxy = proxy)
    }

    /// How many redirects (301, 302, 303, 307, 308) are followed. Default: 0, so that one is a
    /// [refusal](ConnectError::Refused).
    ///
    /// Never from wss to ws. Where one leads to another scheme, host or port, no authentication and no cookies are sent
    /// there, however they were set; other headers are, so do not have secrets in them.
    #[must_use]
    pub fn redirects(self, most: u8) -> Self {
        self.set(|set| set.redirects = most)
    }

    /// How messages are compressed where the server agrees to permessage-deflate (RFC 7692), or `None`: it is not
    /// offered. Default: the [policy](Policy)'s defaults, which keep nothing between messages.
    #[must_use]
    pub fn deflate(self, policy: impl Into<Option<Policy>>) -> Self {
        self.set(|set| Arc::make_mut(&mut set.config).deflate = policy.into())
    }

    /// What the server may make us hold: frame, message, fragments.
    #[must_use]
    pub fn limits(self, limits: proto::Limits) -> Self {
        self.set(|set| Arc::make_mut(&mut set.config).limits = limits)
    }

    /// How long opening the connection may take, from resolving the host's name to the server's answer, with every
    /// redirect on the way. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.set(|set| set.connect_timeout = timeout)
    }

    /// Whom to trust where the URL is `wss://`. Default: whom the platform trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(self, tls: tls::Client) -> Self {
        self.set(|set| set.tls = Some(tls))
    }

    /// Connects again when a connection is lost or could not be opened. Default: no.
    #[must_use]
    pub fn reconnect(self, policy: Reconnect) -> Self {
        self.set(|set| set.reconnect = Some(policy))
    }

    /// Goes on where the last connection was, each time that it [connects again](Self::reconnect), if the server keeps what
    /// it says: then that comes first which was said meanwhile. Default: no, as it is looked for in each message.
    ///
    /// On each connection such a server says once how that went:
    ///
    /// ```json
    /// {"cmd":"resumed","param":{"missed":3,"complete":true,"as":"1f.2a"},"at":"1795400000000-7"}
    /// ```
    ///
    /// `missed` messages follow; where it is not `complete`, it was too late, and what was missed is not known any more. Each
    /// message that is kept ends with where it is, `,"at":"1795400000000-8"}`. A message counts as heard when the handler is
    /// called with it, also if that panics. Of servers that say nothing of this kind, nothing is asked.
    #[must_use]
    pub fn resume(self) -> Self {
        self.set(|set| {
            if set.resume == Resume::Never {
                set.resume = Resume::Next;
            }
        })
    }

    /// Goes on where another connection was, of this program or an earlier one: with its
    /// [token](super::Client::resume_token), as the parameter `resume` of the URL, in the place of one that is there. Where
    /// this one [connects again](Self::reconnect), it [resumes](Self::resume), too.
    ///
    /// What is no token is refused, as [`ConfigError::ResumeToken`].
    #[must_use]
    pub fn resume_from(self, token: impl Into<String>) -> Self {
        self.set(|set| set.resume = Resume::From(token.into()))
    }

    /// How it resumes.
    pub(crate) fn own_resume(&self) -> &Resume {
        &self.settings.resume
    }

    /// The same, opened once.
    pub(super) fn once(&self) -> Self {
        self.clone().set(|set| set.reconnect = None)
    }

    /// Where to.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.settings.url
    }

    /// Checks everything that can be checked before a byte is sent. To connect does so, too.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: the first setting that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.proxy_server()?;
        if self.url().secure() {
            #[cfg(feature = "tls")]
            self.own_tls()?;
            #[cfg(not(feature = "tls"))]
            return Err(ConfigError::NoTls);
        }
        self.request([0; 16], &mut Vec::new())
    }

    /// The proxy to go through.
    pub(crate) fn proxy_server(&self) -> Result<Option<ProxyServer>, ConfigError> {
        self.settings.proxy.for_url(&self.settings.url)
    }

    pub(crate) fn max_redirects(&self) -> u8 {
        self.settings.redirects
    }

    pub(crate) fn deflate_policy(&self) -> Option<&Policy> {
        self.settings.config.deflate.as_ref()
    }

    /// What its connections are told.
    pub(crate) fn config(&self) -> Arc<proto::Config> {
        Arc::clone(&self.settings.config)
    }

    pub(crate) fn own_connect_timeout(&self) -> Duration {
        self.settings.connect_timeout
    }

    /// Whom to trust.
    #[cfg(feature = "tls")]
    pub(crate) fn own_tls(&self) -> Result<tls::Client, ConfigError> {
        match &self.settings.tls {
            Some(tls) => Ok(tls.clone()),
            None => Ok(tls::Client::platform_once()?),
        }
    }

    pub(crate) fn reconnect_policy(&self) -> Option<&Reconnect> {
        self.settings.reconnect.as_ref()
    }

    /// The same connection to where a redirect leads. What is meant for one origin alone stays behind
    /// (CVE-2026-42498).
    pub(super) fn redirected(&self, mut url: Url) -> Self {
        let stays = url.same_origin(self.url());
        if stays {
            url.keep_credentials(self.url());
        }
        self.clone().set(|set| {
            set.url = url;
            if !stays {
                set.fields.forget_secrets();
            }
        })
    }

    /// Appends the opening request to `out`, or nothing. `nonce` is random and used once.
    pub(crate) fn request(&self, nonce: [u8; 16], out: &mut Vec<u8>) -> Result<(), ConfigError> {
        self.write(nonce, out, |_| ())
    }

    /// Judges the answer to the request with this nonce. For what is no 101, the body has to be added to the error.
    pub(crate) fn verify(
        &self,
        nonce: [u8; 16],
        response: &Response<'_>,
    ) -> Result<Agreement, ConnectError> {
        if response.status() != 101 {
            return Err(ConnectError::Refused(Refused::of(response).into()));
        }
        let mut again = Vec::new();
        self.write(nonce, &mut again, |expected| self.agree(expected, response))?
    }

    fn agree(
        &self,
        expected: &Expected<'_>,
        response: &Response<'_>,
    ) -> Result<Agreement, ConnectError> {
        let agreed = response.verify(expected)?;
        let deflate = match self.deflate_policy() {
            Some(policy) => policy.confirm(agreed.extensions())?,
            None => None,
        };
        let protocol = agreed.protocol().map(str::to_string);
        if self.settings.require_protocol && protocol.is_none() {
            return Err(ConnectError::Protocol);
        }
        Ok(Agreement { protocol, deflate })
    }

    /// What is asked for. A redirect leads to another node of the service: there it goes on, too.
    fn target(&self) -> Result<Cow<'_, str>, ConfigError> {
        let target = self.url().target();
        match &self.settings.resume {
            Resume::From(token) if is_token(token) => Ok(resuming(target, token).into()),
            Resume::From(_) => Err(ConfigError::ResumeToken),
            Resume::Never | Resume::Next => Ok(target.into()),
        }
    }

    /// Writes the request and gives what its answer must match to `then`.
    fn write<T>(
        &self,
        nonce: [u8; 16],
        out: &mut Vec<u8>,
        then: impl FnOnce(&Expected<'_>) -> T,
    ) -> Result<T, ConfigError> {
        let Settings {
            url,
            protocols,
            origin,
            fields,
            ..
        } = self.settings.as_ref();
        if self.settings.require_protocol && protocols.is_empty() {
            return Err(ConfigError::ProtocolsMissing);
        }
        let protocols: Vec<_> = protocols.iter().map(String::as_str).collect();
        let extensions = self
            .deflate_policy()
            .map(|policy| policy.offer().to_string());
        let target = self.target()?;
        let lines = fields.lines(url)?;
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, value)| (*name, value.as_ref()))
            .collect();
        let request = Request::new(url.authority(), &target, nonce)
            .protocols(&protocols)
            .extensions(extensions.as_deref())
            .origin(origin.as_deref())
            .headers(&lines);
        let expected = request
            .write(out)
            .map_err(|misuse| blame(misuse, &protocols, &lines))?;
        Ok(then(&expected))
    }
}

/// Which setting the core did not like: the first that it does not like alone either.
fn blame(misuse: Misuse, protocols: &[&str], lines: &[(&str, &str)]) -> ConfigError {
    let plain = Request::new("host", "/", [0; 16]);
    let refused = |request: Request<'_>| request.write(&mut Vec::new()).is_err();
    match misuse {
        Misuse::HeaderName | Misuse::HeaderReserved | Misuse::HeaderValue => lines
            .iter()
            .find(|&&line| refused(plain.headers(&[line])))
            .map(|&(name, _)| ConfigError::Header {
                name: name.to_string(),
                misuse,
            }),
        Misuse::Protocol | Misuse::ProtocolRepeated => (1..=protocols.len())
            .find_map(|count| {
                let first = protocols.get(..count)?;
                refused(plain.protocols(first)).then(|| first.last())?
            })
            .map(|name| ConfigError::Protocol {
                name: name.to_string(),
                misuse,
            }),
        Misuse::Origin => Some(ConfigError::Origin),
        _ => None,
    }
    .unwrap_or(ConfigError::Request(misuse))
}

/// Without values, which may be secrets.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("url", &self.settings.url)
            .field("protocols", &self.settings.protocols)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
