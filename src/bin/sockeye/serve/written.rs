//! Values as they are written, on the command line and in the file: one reader for both.
//!
//! Not here: which options there are.

use crate::{args, values};
use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use sockeye::app::Route;
use sockeye::backplane::{Nats, Redis};
use sockeye::proto::handshake::{HeadLimits, OriginPolicy, server};

/// A value that can be read from text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written<T>(pub(crate) T);

impl<T: FromStr> FromStr for Written<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

/// From a string, a number or a truth value: whatever one would write in TOML.
impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Text(PhantomData))
    }
}

/// Reads where the value is visited: there an error gets its place, also within a list.
struct Text<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = Written<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written<T>, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Written<T>, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Written<T>, E> {
        self.visit_str(if yes { "on" } else { "off" })
    }
}

/// A number of bytes, with a unit where one likes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        args::size(text).map(Self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Workers(pub(crate) usize);

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        args::workers(text).map(Self)
    }
}

/// How many, and not none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Count(pub(crate) u32);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = values::count(text, 1_000_000)?;
        Ok(Self(u32::try_from(count).unwrap_or(u32::MAX)))
    }
}

/// The URL of a broker, which is right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Broker(String);

/// A broker, ready to be connected to.
pub(crate) enum Connects {
    Redis(Redis),
    Nats(Nats),
}

impl Broker {
    pub(crate) fn connects(&self) -> Result<Connects, String> {
        let url = &self.0;
        let (scheme, place) = url.split_once("://").unwrap_or_default();
        let connects = match scheme {
            "redis" | "rediss" | "redis+unix" | "valkey" | "valkeys" => {
                Redis::new(url).map(Connects::Redis)
            }
            "redis-cluster" | "rediss-cluster" => {
                let scheme = scheme.trim_end_matches("-cluster");
                let urls: Vec<_> = place
                    .split(',')
                    .map(|at| format!("{scheme}://{at}"))
                    .collect();
                Redis::cluster(urls.iter().map(String::as_str)).map(Connects::Redis)
            }
            "nats" | "tls" => Nats::new(url).map(Connects::Nats),
            _ => {
                return Err(
                    "a broker's URL begins with redis://, redis-cluster:// or nats://".to_owned(),
                );
            }
        };
        connects.map_err(|error| format!("not a broker's URL: {error}"))
    }
}

impl FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let broker = Self(text.to_owned());
        broker.connects().map(|_| broker)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Switch(pub(crate) bool);

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "on" => Ok(Self(true)),
            "off" => Ok(Self(false)),
            _ => Err("write on or off"),
        }
    }
}

/// A route in one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RouteLine(pub(crate) Route);

impl FromStr for RouteLine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Route::parse(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// What pages may connect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    Any,
    One(String),
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "any" | "*" => Ok(Self::Any),
            _ if is_origin(text) => Ok(Self::One(text.to_owned())),
            _ => Err("write an origin as https://example.com, without a path, or any"),
        }
    }
}

/// Whether it is one: then a list that names it alone lets its own pages in.
fn is_origin(text: &str) -> bool {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nOrigin: {text}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let policy = OriginPolicy::List([text.to_owned()].into());
    let request = server::parse(head.as_bytes(), HeadLimits::default());
    request.is_ok_and(|request| {
        request.origin() == Some(text.as_bytes()) && policy.check(&request).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::{Count, Origin, RouteLine, Size, Switch};

    #[test]
    fn values_are_read() {
        assert_eq!("64KiB".parse(), Ok(Size(64 << 10)));
        assert_eq!("7".parse(), Ok(Count(7)));
        assert_eq!("on".parse(), Ok(Switch(true)));
        let one = |text: &str| Ok(Origin::One(text.to_owned()));
        assert_eq!("https://example.com".parse(), one("https://example.com"));
        assert_eq!("http://[::1]:8080".parse(), one("http://[::1]:8080"));
        assert_eq!(
            ("any".parse(), "*".parse()),
            (Ok(Origin::Any), Ok(Origin::Any))
        );
    }

    #[test]
    fn what_cannot_be_meant_is_not_read() {
        for text in [
            "",
            "example.com",
            "https://example.com/",
            "https://a\r\nX: y",
            "null",
            " https://a.com",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
        assert!("0".parse::<Count>().is_err() && "yes".parse::<Switch>().is_err());
        let wrong = "SOCKET /x @jsno".parse::<RouteLine>();
        assert!(wrong.is_err_and(|what| what.contains("byte 10")));
    }
}
