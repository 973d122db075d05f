//! Who takes part. To add one: a source under `contestants/`, a `[[bin]]` for it, and an entry here.

use clap::ValueEnum;

/// One server, and how it is used.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) source: Source,
    pub(crate) reply: Reply,
    /// What it leaves out of a server's checks (RFC 6455), as its source of the pinned version has it.
    pub(crate) skips: &'static str,
}

/// What it is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The program of the repository, `sockeye echo`.
    Sockeye,
    /// A binary of this crate, and its arguments.
    Here(&'static str, &'static [&'static str]),
    /// The same, with the feature that it wants beside those of all others.
    Apart(&'static str, &'static str),
    /// `contestants/bun.mjs`, run by what npm has.
    Bun,
    /// `contestants/uwebsockets.cpp`.
    UWebSockets,
}

/// What comes back for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The message, in an unmasked frame.
    Unmasked,
    /// The very bytes that were sent.
    Verbatim,
}

/// The names as arguments take them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    Sockeye,
    SockeyeTokio,
    RawEt,
    #[value(alias = "raw")]
    RawLt,
    RawLarge,
    #[value(name = "uwebsockets")]
    UWebSockets,
    Bun,
    TokioWebsockets,
    TokioWebsocketsFeed,
    Fastwebsockets,
    Tungstenite,
    SockudoWs,
}

const SOCKEYE: Contestant = Contestant {
    name: "sockeye",
    about: "`sockeye echo` of this repository",
    source: Source::Sockeye,
    reply: Reply::Unmasked,
    skips: "nothing known",
};

const SOCKEYE_TOKIO: Contestant = Contestant {
    name: "sockeye-tokio",
    about: "the connections of this repository for tokio, as their own echo example: `feed` for each message",
    source: Source::Here("sockeye-tokio", &[]),
    ..SOCKEYE
};

const RAW_LT: Contestant = Contestant {
    name: "raw-lt",
    about: "a bare level-triggered epoll loop that sends back the bytes it reads",
    source: Source::Here("raw", &[]),
    reply: Reply::Verbatim,
    skips: "everything: it is the floor, and no WebSocket server; its replies are 4 bytes longer, for they have the \
            mask",
};

const RAW_ET: Contestant = Contestant {
    name: "raw-et",
    about: "a bare edge-triggered epoll loop that sends back the bytes it reads; each socket is registered once",
    source: Source::Here("raw", &["--edge"]),
    ..RAW_LT
};

const RAW_LARGE: Contestant = Contestant {
    name: "raw-large",
    about: "a bare edge-triggered epoll loop that receives a message into its place, unmasks it there and sends it from \
            there",
    source: Source::Here("raw-large", &[]),
    reply: Reply::Unmasked,
    skips: "everything but lengths and masks: it is the floor of large messages, and no WebSocket server; a connection \
            has one message at a time",
};

const UWEBSOCKETS: Contestant = Contestant {
    name: "uwebsockets",
    about: "uWebSockets as in the crate libuwebsockets-sys 0.0.10, `ws->send(message, opCode)`",
    source: Source::UWebSockets,
    reply: Reply::Unmasked,
    skips: "the MASK bit (it is never read), minimal lengths, a binary message or one after a ping inside a \
            fragmented one, UTF-8 before the last fragment; faults end the connection without a close frame, wrong \
            close codes get an empty one, as do 1012-1014 and 3000-3999, which are valid; of the request, Upgrade, \
            Connection and the version are not looked at, nor the key beyond its length",
};

const BUN: Contestant = Contestant {
    name: "bun",
    about: "Bun 1.4.5, as npm has it built: the newest uWebSockets, with a callback in JavaScript for each message",
    source: Source::Bun,
    reply: Reply::Unmasked,
    skips: "minimal lengths, and UTF-8 before the last fragment; of the request, the version of HTTP and Connection",
};

const TOKIO_WEBSOCKETS: Contestant = Contestant {
    name: "tokio-websockets",
    about: "tokio-websockets 0.13.3 as its own echo example: `send` for each message",
    source: Source::Here("tokio-websockets", &[]),
    reply: Reply::Unmasked,
    skips: "of frames nothing; of the request, the method, the version of HTTP, Host and the key, and Connection is \
            searched for a part of a word",
};

const TOKIO_WEBSOCKETS_FEED: Contestant = Contestant {
    name: "tokio-websockets-feed",
    about: "tokio-websockets, where it takes all messages that are ready, `feed`s the answers and flushes once",
    source: Source::Here("tokio-websockets", &["--feed"]),
    ..TOKIO_WEBSOCKETS
};

const FASTWEBSOCKETS: Contestant = Contestant {
    name: "fastwebsockets",
    about: "fastwebsockets 0.10.0 as its own echo example: hyper, `FragmentCollector`, `write_frame`",
    source: Source::Here("fastwebsockets", &[]),
    reply: Reply::Unmasked,
    skips: "that a frame is masked, minimal lengths, the length of pongs and closes, an unfinished message inside \
            another; most faults end the connection without a close frame; it refuses 1014, which is valid; of the \
            request, the method, the version of HTTP, Host, Upgrade, Connection and the key",
};

const TUNGSTENITE: Contestant = Contestant {
    name: "tungstenite",
    about: "tungstenite as in tokio-tungstenite 0.30.0, as its own echo example: `send` for each message",
    source: Source::Here("tungstenite", &[]),
    reply: Reply::Unmasked,
    skips: "minimal lengths; faults end the connection without a close frame; of the request, Host and the key",
};

const SOCKUDO_WS: Contestant = Contestant {
    name: "sockudo-ws",
    about: "sockudo-ws 3.1.0 on tokio, as its own example of an echo: `send` for each message",
    source: Source::Apart("sockudo-ws", "sockudo"),
    reply: Reply::Unmasked,
    skips: "of frames and requests nothing that `checks` asks; faults end the connection without a close frame or an \
            answer",
};

impl Name {
    pub(crate) const fn contestant(self) -> &'static Contestant {
        match self {
            Self::Sockeye => &SOCKEYE,
            Self::SockeyeTokio => &SOCKEYE_TOKIO,
            Self::RawEt => &RAW_ET,
            Self::RawLt => &RAW_LT,
            Self::RawLarge => &RAW_LARGE,
            Self::UWebSockets => &UWEBSOCKETS,
            Self::Bun => &BUN,
            Self::TokioWebsockets => &TOKIO_WEBSOCKETS,
            Self::TokioWebsocketsFeed => &TOKIO_WEBSOCKETS_FEED,
            Self::Fastwebsockets => &FASTWEBSOCKETS,
            Self::Tungstenite => &TUNGSTENITE,
            Self::SockudoWs => &SOCKUDO_WS,
        }
    }
}

/// Those asked for, or all, in the order of the table. Who can do one kind of message only is asked for by name.
pub(crate) fn chosen(only: &[Name]) -> Vec<&'static Contestant> {
    let by_default = |name: &Name| only.is_empty() && *name != Name::RawLarge;
    Name::value_variants()
        .iter()
        .filter(|name| by_default(name) || only.contains(name))
        .map(|name| name.contestant())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Name, Source, chosen};
    use clap::ValueEnum;

    #[test]
    fn arguments_name_the_contestants_as_the_tables_do() {
        for name in Name::value_variants() {
            let argument = name.to_possible_value().unwrap();
            assert_eq!(argument.get_name(), name.contestant().name);
        }
        assert_eq!(chosen(&[]).len(), Name::value_variants().len() - 1);
        assert_eq!(chosen(&[Name::RawLarge])[0].name, "raw-large");
    }

    #[test]
    fn the_manifest_has_the_versions_and_programs_that_the_table_names() {
        let manifest = include_str!("../Cargo.toml");
        for contestant in chosen(Name::value_variants()) {
            if let Source::Here(program, _) | Source::Apart(program, _) = contestant.source {
                assert!(manifest.contains(&format!("name = \"{program}\"")));
            }
        }
        for (package, name) in [
            ("libuwebsockets-sys", Name::UWebSockets),
            ("tokio-websockets", Name::TokioWebsockets),
            ("fastwebsockets", Name::Fastwebsockets),
            ("tokio-tungstenite", Name::Tungstenite),
            ("sockudo-ws", Name::SockudoWs),
        ] {
            let line = manifest
                .lines()
                .find(|line| line.starts_with(&format!("{package} = ")));
            let version = line.unwrap().split_once("\"=").unwrap().1;
            let version = version.split_once('"').unwrap().0;
            let about = name.contestant().about;
            assert!(
                about.contains(&format!("{package} {version}")),
                "{package} {version}"
            );
        }
    }
}
