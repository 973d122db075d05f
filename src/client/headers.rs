//! The headers of a request that are not the handshake's own: who asks, as whom, and whatever was added.
//!
//! Not here: the rules for names and values of headers, which the handshake has.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::authority::Credentials;
use super::basic::basic;
use super::{ConfigError, Url};

const USER_AGENT: &str = concat!("sockeye/", env!("CARGO_PKG_VERSION"));

/// Headers that may stand once, and that a setting can set, too.
const SINGLE: [&str; 3] = [AUTHORIZATION, COOKIE, AGENT];
const AUTHORIZATION: &str = "Authorization";
const COOKIE: &str = "Cookie";
const AGENT: &str = "User-Agent";

/// What is meant for the server that was named, and for no other.
const SECRET: [&str; 3] = [AUTHORIZATION, COOKIE, "Proxy-Authorization"];

/// What the settings say.
#[derive(Clone, Default)]
pub(super) struct Fields {
    pub(super) headers: Vec<(String, String)>,
    /// `None` is ours, and an empty one none at all.
    pub(super) user_agent: Option<String>,
    pub(super) auth: Option<Auth>,
    pub(super) cookies: Vec<(String, String)>,
}

#[derive(Clone)]
pub(super) enum Auth {
    Basic(Credentials),
    Bearer(String),
}

impl Fields {
    /// The lines to send. Their names and values have still to pass the handshake's rules.
    pub(super) fn lines(&self, url: &Url) -> Result<Vec<(&str, Cow<'_, str>)>, ConfigError> {
        let mut lines = Vec::new();
        self.check_user_agent()?;
        match &self.user_agent {
            Some(agent) if agent.is_empty() => {}
            Some(agent) => lines.push((AGENT, Cow::from(agent))),
            None if self.has(AGENT) => {}
            None => lines.push((AGENT, Cow::from(USER_AGENT))),
        }
        if let Some(value) = self.authorization(url)? {
            lines.push((AUTHORIZATION, Cow::from(value)));
        }
        if !self.cookies.is_empty() {
            lines.push((COOKIE, Cow::from(self.cookie_line()?)));
        }
        let added = self.headers.iter();
        lines.extend(added.map(|(name, value)| (name.as_str(), Cow::from(value))));
        for single in SINGLE {
            let is_it = |(name, _): &&(&str, Cow<'_, str>)| name.eq_ignore_ascii_case(single);
            if lines.iter().filter(is_it).count() > 1 {
                return Err(ConfigError::HeaderRepeated(single));
            }
        }
        Ok(lines)
    }

    /// Forgets what must not reach another origin.
    pub(super) fn forget_secrets(&mut self) {
        self.auth = None;
        self.cookies.clear();
        self.headers.retain(|(name, _)| {
            !SECRET
                .iter()
                .any(|secret| secret.eq_ignore_ascii_case(name))
        });
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    fn check_user_agent(&self) -> Result<(), ConfigError> {
        let agent = self.user_agent.as_deref().unwrap_or_default();
        if has_control(agent) {
            Err(ConfigError::UserAgent)
        } else {
            Ok(())
        }
    }

    fn authorization(&self, url: &Url) -> Result<Option<String>, ConfigError> {
        match &self.auth {
            Some(Auth::Basic(credentials)) => basic_line(credentials).map(Some),
            Some(Auth::Bearer(token)) if is_bearer(token) => Ok(Some(format!("Bearer {token}"))),
            Some(Auth::Bearer(_)) => Err(ConfigError::BearerToken),
            None => url
                .credentials()
                .map(|(user, password)| {
                    basic_line(&Credentials {
                        user: user.into(),
                        password: password.into(),
                    })
                })
                .transpose(),
        }
    }

    fn cookie_line(&self) -> Result<String, ConfigError> {
        let mut line = String::new();
        for (name, value) in &self.cookies {
            if !is_cookie_name(name) {
                return Err(ConfigError::CookieName(name.clone()));
            }
            if !is_cookie_value(value) {
                return Err(ConfigError::CookieValue(name.clone()));
            }
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.push_str(name);
            line.push('=');
            line.push_str(value);
        }
        Ok(line)
    }
}

/// RFC 7617 §2.
fn basic_line(credentials: &Credentials) -> Result<String, ConfigError> {
    if credentials.user.contains(':') {
        return Err(ConfigError::UserColon);
    }
    if has_control(&credentials.user) || has_control(&credentials.password) {
        return Err(ConfigError::UserControl);
    }
    Ok(basic(credentials))
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// `b64token` (RFC 6750 §2.1).
fn is_bearer(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// A token (RFC 9110 §5.6.2).
fn is_cookie_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// `cookie-value` (RFC 6265 §4.1.1), in quotes or not.
fn is_cookie_value(value: &str) -> bool {
    let inside = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    inside
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}
