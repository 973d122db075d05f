//! What callers may rely on and no signature shows: every error goes through `?` into any other and to any thread, and
//! handles go where their documentation says. Most of it is found by the compiler, or not.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

/// Errors that are not public: they never leave the crate.
const OWN: [&str; 1] = ["Malformed"];

fn error<E: Error + Send + Sync + 'static>() -> &'static str {
    std::any::type_name::<E>().rsplit("::").next().unwrap()
}

fn sends<T: Send>() {}
fn shared<T: Clone + Send + Sync + 'static>() {}

/// The public errors that there are with these features.
fn errors() -> Vec<&'static str> {
    use sockeye::proto::{self, handshake, utf8};
    let mut names = Vec::new();
    names.extend([
        error::<proto::Violation>(),
        error::<proto::SendError>(),
        error::<proto::Misuse>(),
        error::<proto::NoRandomness>(),
        error::<utf8::InvalidUtf8>(),
        error::<handshake::HeadError>(),
        error::<handshake::HandshakeError>(),
        error::<handshake::ResponseError>(),
        error::<handshake::Misuse>(),
    ]);
    #[cfg(feature = "deflate")]
    names.push(error::<proto::deflate::AnswerError>());
    #[cfg(feature = "server")]
    names.extend({
        use sockeye::server as s;
        [
            error::<s::NoPlace>(),
            error::<s::NotAToken>(),
            error::<s::Gone>(),
            error::<s::JoinError>(),
            error::<s::HandleError>(),
            error::<s::TrustedProxyError>(),
        ]
    });
    #[cfg(feature = "client")]
    names.extend({
        use sockeye::client as c;
        [
            error::<c::UrlError>(),
            error::<c::ProxyUrlError>(),
            error::<c::ConfigError>(),
            error::<c::ConnectError>(),
            error::<c::ProxyError>(),
            error::<c::RedirectError>(),
            error::<c::Error>(),
        ]
    });
    #[cfg(feature = "tls")]
    names.extend([
        error::<sockeye::tls::FileError>(),
        error::<sockeye::tls::TlsError>(),
    ]);
    #[cfg(feature = "app")]
    names.extend({
        use sockeye::app as a;
        [
            error::<a::RouteError>(),
            error::<a::FolderError>(),
            error::<a::Crowded>(),
        ]
    });
    #[cfg(feature = "json")]
    names.extend({
        use sockeye::app::json as j;
        [
            error::<j::BadEnvelope>(),
            error::<j::BadParam>(),
            error::<j::NotJson>(),
            error::<j::NotReplied>(),
            error::<j::NotAsked>(),
            error::<j::Unanswered>(),
            error::<j::Unwritable>(),
        ]
    });
    #[cfg(feature = "admin")]
    names.push(error::<sockeye::app::admin::BadToken>());
    #[cfg(feature = "aio")]
    names.push(error::<sockeye::aio::Error>());
    #[cfg(feature = "hyper")]
    names.push(error::<sockeye::aio::http::Refused>());
    names
}

/// The types below `dir` that implement `Error`, but for the program's own.
fn implemented(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("src/bin") {
                implemented(&path, found);
            }
            continue;
        }
        let file = fs::read_to_string(&path).unwrap();
        let after = file.split("core::error::Error for ").skip(1);
        let names = after.filter_map(|rest| rest.split([' ', '<']).next());
        found.extend(names.map(String::from));
    }
}

#[test]
fn no_error_is_forgotten() {
    let mut found = BTreeSet::new();
    implemented(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let mut named: BTreeSet<_> = errors().into_iter().map(String::from).collect();
    named.extend(OWN.map(String::from));
    // The program does without.
    if !cfg!(feature = "hyper") {
        named.insert("Refused".to_owned());
    }
    if cfg!(feature = "cli") {
        assert_eq!(named, found);
    } else {
        assert!(named.is_subset(&found), "{named:?}");
    }
}

/// The number of the system's error is to be had from whatever has it inside.
#[cfg(all(feature = "client", feature = "tls"))]
#[test]
fn errors_of_the_system_are_sources() {
    let io = || std::io::Error::from_raw_os_error(2);
    let errors: [Box<dyn Error>; 2] = [
        Box::new(sockeye::client::Error::Io(io())),
        Box::new(sockeye::tls::FileError::Read("key.pem".into(), io())),
    ];
    for error in errors {
        let source = error.source().unwrap().downcast_ref::<std::io::Error>();
        assert_eq!(source.unwrap().raw_os_error(), Some(2), "{error}");
    }
}

/// A misuse is inside of other errors, and comes with each result.
#[test]
fn errors_of_the_core_are_small() {
    use sockeye::proto::{self, handshake};
    assert!(size_of::<proto::Violation>() == 1 && size_of::<proto::SendError>() == 1);
    assert!(size_of::<handshake::HandshakeError>() <= 2);
    assert!(size_of::<handshake::ResponseError>() <= 4);
    assert!(size_of::<handshake::Misuse>() == 1);
}

#[test]
fn the_core_goes_to_any_thread() {
    use sockeye::proto::{Config, Connection, Inbound, Outbound, Prepared, Receiver, Sender};
    use sockeye::proto::{SharedFrame, handshake};
    sends::<Connection>();
    sends::<Receiver>();
    sends::<Sender>();
    sends::<Inbound>();
    sends::<Outbound<'_, Vec<u8>>>();
    sends::<handshake::server::RequestParser>();
    sends::<handshake::client::ResponseParser>();
    shared::<Prepared>();
    shared::<SharedFrame>();
    shared::<Config>();
    #[cfg(feature = "deflate")]
    sends::<sockeye::proto::deflate::Compressor>();
}

#[cfg(feature = "hyper")]
#[test]
fn what_hyper_upgrades_goes_to_any_thread() {
    use sockeye::aio::{self, http};
    shared::<aio::Server>();
    sends::<http::Upgrade>();
    sends::<http::Socket>();
    #[cfg(feature = "axum")]
    sends::<http::WebSocketUpgrade>();
}

#[cfg(feature = "server")]
#[test]
fn what_speaks_to_a_loop_is_shared_and_a_server_moves() {
    use sockeye::server as s;
    shared::<s::Handle>();
    shared::<s::Stopper>();
    shared::<s::Exchange>();
    shared::<s::ConnectionId>();
    shared::<s::Settings>();
    sends::<s::Builder>();
    sends::<s::Listener>();
    fn server<H: s::Handler + Send>()
    where
        H::State: Send,
    {
        sends::<s::Server<H>>();
    }
    struct Nothing;
    impl s::Handler for Nothing {
        type State = ();

        fn on_message(&mut self, _: &mut s::Peer<'_>, (): &mut (), _: s::Message<'_>) {}
    }
    server::<Nothing>();
}

#[cfg(feature = "client")]
#[test]
fn clients_move() {
    use sockeye::client as c;
    shared::<c::Connector>();
    shared::<c::Proxy>();
    shared::<c::Url>();
    shared::<c::Reconnect>();
    sends::<c::WebSocket>();
}

#[cfg(feature = "tls")]
#[test]
fn certificates_are_shared() {
    shared::<sockeye::tls::Client>();
    shared::<sockeye::tls::Server>();
}

#[cfg(feature = "app")]
#[test]
fn an_application_moves_and_its_voice_is_shared() {
    use sockeye::app as a;
    shared::<a::Voice>();
    shared::<a::Monitor>();
    shared::<a::Page>();
    shared::<a::Folder>();
    shared::<a::Params>();
    sends::<a::App>();
    sends::<a::Workers>();
    sends::<a::Ticket<String>>();
    #[cfg(feature = "metrics")]
    shared::<a::metrics::Registry>();
    #[cfg(feature = "json")]
    shared::<a::json::Failure>();
}
