//! Files and flags, and what comes of them.

use super::{Config, Flags, Listen, OriginPolicy, Rate, parse};
use crate::serve::written::Written;
use tracing_subscriber::filter::LevelFilter;

/// The file that the documentation shows.
const EXAMPLE: &str = include_str!("../../../../examples/serve.toml");

fn of(text: &str) -> Config {
    let flags = parse(text).expect("it can be read");
    Config::of(flags, None).expect("it can be meant")
}

#[test]
fn nothing_said_is_the_default() {
    let config = of("");
    assert_eq!(config.options.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(
        (config.options.workers, config.options.max_message),
        (1, 1 << 20)
    );
    assert_eq!(config.origins, OriginPolicy::SameHost);
    assert_eq!(
        (config.rate, config.metrics, config.log),
        (None, None, LevelFilter::INFO)
    );
    assert!(config.admin_token.is_none() && config.routes.is_empty());
}

#[test]
fn the_example_is_read_also_where_its_lines_are_no_comments() {
    parse(EXAMPLE).expect("it can be read");
    let lines = EXAMPLE.lines();
    // What it shows and leaves out, stands behind a #, without a blank.
    let all: Vec<_> = lines
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .collect();
    let shown = all.iter().filter(|line| line.contains(" = ")).count();
    let flags = parse(&all.join("\n")).expect("it can be read");
    let known = format!("{:?}", Flags::default());
    // Each option, but for the two that are about the file.
    assert_eq!(shown, known.matches(": ").count() - 2, "{known}");
    assert_eq!(flags.route.len(), 2);
}

#[test]
fn a_file_says_what_flags_can_say() {
    let config = of(
        "listen = 'unix:/run/x'\nworkers = 2\nroute = ['SOCKET /x @text <1MB']\norigin = ['https://a.com']\n\
        rate = 50\nburst = '100'\nmetrics = false\nlog = 'debug'\nmax-message = '64KiB'\nforwarded-from = ['10.0.0.0/8']",
    );
    assert_eq!(config.options.listen, Listen::Unix("/run/x".into()));
    assert_eq!(
        (config.options.workers, config.options.max_message),
        (2, 64 << 10)
    );
    assert_eq!(
        config.routes.first().map(ToString::to_string).as_deref(),
        Some("SOCKET /x @text <1MB")
    );
    assert_eq!(
        config.origins,
        OriginPolicy::List(["https://a.com".to_owned()].into())
    );
    assert_eq!(
        (config.rate, config.metrics),
        (Some(Rate::new(50, 100)), Some(false))
    );
    assert_eq!(
        (config.forwarders.len(), config.log),
        (1, LevelFilter::DEBUG)
    );
}

#[test]
fn what_is_wrong_has_a_place_and_says_what_to_write() {
    for (text, place, words) in [
        (
            "listen = '127.0.0.1:80'\nlisten2 = 1",
            (2, 1),
            "unknown field `listen2`",
        ),
        (
            "\n  listen = 'localhost'",
            (2, 12),
            "write an address and a port",
        ),
        ("workers = 0", (1, 11), "write a number from 1 to 1024"),
        ("workers = 1.5", (1, 11), "expected one value"),
        (
            "route = ['SOCKET /x',\n 'SOCKET /y @jsno']",
            (2, 2),
            "byte 10",
        ),
        ("origin = ['example.com']", (1, 11), "write an origin as"),
        ("metrics = 'maybe'", (1, 11), "write on or off"),
        ("no-deflate = 'é", (1, 16), ""),
        ("rate = 5\nrate = 6", (2, 1), "duplicate key"),
        ("check-config = true", (1, 1), "unknown field"),
    ] {
        let (found, what) = parse(text).expect_err(text);
        let (line, column) = place;
        assert_eq!(
            found,
            format!(", line {line}, column {column}"),
            "{text:?}: {what}"
        );
        assert!(
            what.contains(words) && !what.contains('\n'),
            "{text:?}: {what:?}"
        );
    }
}

#[test]
fn what_does_not_go_together_is_told() {
    for (text, words) in [
        ("tls-cert = 'x'", "both"),
        ("burst = 5", "rate"),
        ("admin-listen = '127.0.0.1:1'", "needs an admin-token"),
        ("admin-token = 'x'\nadmin-token-file = '/x'", "not both"),
        ("admin-token-file = '/nowhere/at/all'", "/nowhere/at/all"),
        ("folder = '/nowhere/at/all'", "/nowhere/at/all"),
    ] {
        let flags = parse(text).expect("it can be read");
        let what = Config::of(flags, None).expect_err(text);
        assert!(what.contains(words), "{text}: {what}");
    }
}

#[test]
fn flags_go_before_the_file_and_both_before_the_environment() {
    let file = "listen = '127.0.0.1:1'\nworkers = 3\nroute = ['SOCKET /a']\nadmin-token-file = '/nowhere'\nno-deflate = true";
    let file = parse(file).expect("it can be read");
    let flags = Flags {
        listen: Some(Written("127.0.0.1:2".parse().expect("a place"))),
        admin_token: Some("mine".to_owned()),
        context_takeover: true,
        ..Flags::default()
    };
    let config = Config::of(flags.or(file), Some("variable".to_owned())).expect("fine");
    assert_eq!(config.options.listen.to_string(), "127.0.0.1:2");
    assert_eq!((config.options.workers, config.routes.len()), (3, 1));
    assert!(config.options.context_takeover && !config.options.no_deflate);
    assert_eq!(config.admin_token.as_deref(), Some("mine"));
    for (variable, token) in [("variable", Some("variable")), ("", None)] {
        let config = Config::of(Flags::default(), Some(variable.to_owned())).expect("fine");
        assert_eq!(config.admin_token.as_deref(), token);
    }
}

#[test]
fn metrics_are_shown_where_only_this_machine_can_connect() {
    let shown = |text: &str, places: &[&str]| {
        let places: Vec<Listen> = places
            .iter()
            .map(|place| place.parse().expect("a place"))
            .collect();
        of(text).shows_metrics(&places.iter().collect::<Vec<_>>())
    };
    for places in [&["127.0.0.1:1"][..], &["[::1]:1", "unix:/x"]] {
        assert!(shown("", places) && !shown("metrics = false", places));
    }
    for places in [&["0.0.0.0:1"][..], &["127.0.0.1:1", "192.0.2.1:1"]] {
        assert!(!shown("", places) && shown("metrics = true", places));
    }
}
