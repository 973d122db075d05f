use super::super::RouteFault;
use super::RouteTable;
use crate::app::{Route, RouteError};
use crate::proto::handshake::{HeadLimits, server};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};

fn table(patterns: &[&str]) -> RouteTable {
    let mut table = RouteTable::default();
    for (index, pattern) in patterns.iter().enumerate() {
        assert_eq!(table.insert(&Route::new(*pattern)), Ok(index), "{pattern}");
    }
    table
}

/// A path, and the pattern and the parameters that it has.
type Row<'r> = (&'r str, Option<(&'r str, &'r [(&'r str, &'r str)])>);

fn check(patterns: &[&str], rows: &[Row<'_>]) {
    let table = table(patterns);
    for (path, expected) in rows {
        let found = table.find(path);
        let found = found
            .as_ref()
            .map(|(index, params)| (patterns[*index], params.iter().collect::<Vec<_>>()));
        let expected = expected.map(|(pattern, params)| (pattern, params.to_vec()));
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn a_route_has_one_name() {
    check(
        &["/ws"],
        &[
            ("/ws", Some(("/ws", &[]))),
            ("/ws/", None),
            ("/WS", None),
            ("/ws;x=1", None),
            ("/ws;", None),
            ("/./ws", None),
            ("/x/../ws", None),
            ("/%77s", None),
            ("/w%73", None),
            ("//ws", None),
            ("/ws//", None),
            ("/ws%2f", None),
            ("/ws%00", None),
            ("/ws.", None),
            ("/w", None),
            ("/wss", None),
            ("/", None),
            ("", None),
            ("ws", None),
            ("*", None),
        ],
    );
}

#[test]
fn the_query_of_a_request_is_no_part_of_its_path() {
    let table = table(&["/ws"]);
    for (target, is_found) in [
        ("/ws", true),
        ("/ws?x", true),
        ("/ws?", true),
        ("/ws?/../ws", true),
        ("http://a/ws?x", true),
        ("/ws/?x", false),
        ("/ws%3Fx", false),
        ("/?/ws", false),
        ("http://a?/ws", false),
    ] {
        let head = alloc::format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        let request = server::parse(head.as_bytes(), HeadLimits::default()).expect(target);
        assert_eq!(table.find(request.path()).is_some(), is_found, "{target}");
    }
}

#[test]
fn a_closing_slash_stands_for_both_forms() {
    check(
        &["/chat/", "/{room}/log/", "/"],
        &[
            ("/chat", Some(("/chat/", &[]))),
            ("/chat/", Some(("/chat/", &[]))),
            ("/chat//", None),
            ("/chat/a", None),
            ("/tea/log", Some(("/{room}/log/", &[("room", "tea")]))),
            ("/tea/log/", Some(("/{room}/log/", &[("room", "tea")]))),
            ("/", Some(("/", &[]))),
            ("//", None),
            ("", None),
        ],
    );
    let table = table(&["/chat/", "/a", "/b/*"]);
    for (index, path, place) in [
        (0, "/chat", "/chat/"),
        (0, "/chat/", "/chat/"),
        (1, "/a", "/a"),
        (2, "/b/c", "/b/c"),
    ] {
        assert_eq!(table.place(index, path), place);
    }
}

#[test]
fn a_parameter_is_one_segment_and_not_empty() {
    check(
        &[
            "/chat/{room}",
            "/chat/lobby",
            "/chat/{room}/{user}",
            "/n/{id:number}",
            "/s/{name:string}/x",
        ],
        &[
            ("/chat/tea", Some(("/chat/{room}", &[("room", "tea")]))),
            ("/chat/lobby", Some(("/chat/lobby", &[]))),
            ("/chat/lobb", Some(("/chat/{room}", &[("room", "lobb")]))),
            (
                "/chat/lobbyist",
                Some(("/chat/{room}", &[("room", "lobbyist")])),
            ),
            (
                "/chat/lobby/me",
                Some(("/chat/{room}/{user}", &[("room", "lobby"), ("user", "me")])),
            ),
            ("/chat/a%2Fb", Some(("/chat/{room}", &[("room", "a%2Fb")]))),
            (
                "/chat/{room}",
                Some(("/chat/{room}", &[("room", "{room}")])),
            ),
            ("/chat/*", Some(("/chat/{room}", &[("room", "*")]))),
            ("/chat/...", Some(("/chat/{room}", &[("room", "...")]))),
            ("/chat", None),
            ("/chat/", None),
            ("/chat//", None),
            ("/chat/tea/", None),
            ("/chat//me", None),
            ("/chat/tea/me/", None),
            ("/chat/.", None),
            ("/chat/..", None),
            ("/chat/%2e%2E", None),
            ("/chat/tea%2f..%2flobby", None),
            ("/n/007", Some(("/n/{id:number}", &[("id", "007")]))),
            (
                "/n/18446744073709551616",
                Some(("/n/{id:number}", &[("id", "18446744073709551616")])),
            ),
            ("/n/1a", None),
            ("/n/-1", None),
            ("/n/%31", None),
            ("/n/", None),
            ("/s/1/x", Some(("/s/{name:string}/x", &[("name", "1")]))),
            ("/s//x", None),
        ],
    );
}

#[test]
fn a_star_stands_for_everything_below() {
    check(
        &["/*", "/a/*", "/a/b", "/a/b/{c:number}", "/x/{y}/*"],
        &[
            ("/", Some(("/*", &[("*", "")]))),
            ("/q", Some(("/*", &[("*", "q")]))),
            ("/a", Some(("/*", &[("*", "a")]))),
            ("/ab/c", Some(("/*", &[("*", "ab/c")]))),
            ("/a/", Some(("/a/*", &[("*", "")]))),
            ("/a/c", Some(("/a/*", &[("*", "c")]))),
            ("/a//c/", Some(("/a/*", &[("*", "/c/")]))),
            ("/a/b", Some(("/a/b", &[]))),
            ("/a/b/", Some(("/a/*", &[("*", "b/")]))),
            ("/a/b/1", Some(("/a/b/{c:number}", &[("c", "1")]))),
            // A type does not choose between routes.
            ("/a/b/x", None),
            ("/x/y", Some(("/*", &[("*", "x/y")]))),
            ("/x/y/", Some(("/x/{y}/*", &[("y", "y"), ("*", "")]))),
            ("/x/y/z/0", Some(("/x/{y}/*", &[("y", "y"), ("*", "z/0")]))),
            ("/x//z", Some(("/*", &[("*", "x//z")]))),
            // What a proxy might have taken for another path.
            ("/a/..%2fpublic", None),
            ("/a/../q", None),
            ("/a/%2e%2e/q", None),
            ("/a/..;/q", None),
            ("", None),
            ("q", None),
        ],
    );
}

#[test]
fn two_routes_for_the_same_paths_are_an_error() {
    for (first, second) in [
        ("/a", "/a"),
        ("/", "/"),
        ("/chat/{a}", "/chat/{b}"),
        ("/chat/{a}", "/chat/{a:number}"),
        ("/{a}/x/{b}", "/{c}/x/{d}"),
        ("/a/", "/a"),
        ("/a", "/a/"),
        ("/a/", "/a/"),
        ("/{a}/", "/{b}"),
        ("/*", "/*"),
        ("/a/*", "/a/*"),
        ("/a/*", "/a/{b}/*"),
        ("/{a}/*", "/{b}/*"),
    ] {
        let mut table = table(&["/other", "/other/*", first]);
        let error = table.insert(&Route::new(second)).expect_err(second);
        assert_eq!(error.fault(), RouteFault::Conflict);
        assert_eq!(
            error.to_string(),
            alloc::format!(
                "route {second:?}, byte 0: another route is for the same paths: {first:?}"
            ),
        );
        // It has left nothing behind.
        assert_eq!(table.insert(&Route::new("/new/{a}/")), Ok(3));
    }
    let mut one = table(&["/a"]);
    assert!(one.insert(&Route::new("/a/")).is_err());
    assert_eq!(one.insert(&Route::new("/b")), Ok(1));
    assert_eq!(one.find("/a/"), None);
}

#[test]
fn routes_for_different_paths_stand_together() {
    table(&[
        "/", "/a", "/a/{b}", "/a/{b}/c", "/a/{x}/d", "/a/b", "/{a}", "/{b}/c", "/*", "/a/*",
        "/a/b/*", "/A", "/%61", "/ab/",
    ]);
}

#[test]
fn routes_are_given_as_text_or_made_in_code() {
    fn add<R: TryInto<Route>>(table: &mut RouteTable, route: R) -> Result<usize, RouteError>
    where
        R::Error: Into<RouteError>,
    {
        table.insert(&route.try_into().map_err(Into::into)?)
    }
    let mut table = RouteTable::default();
    assert_eq!(add(&mut table, "SOCKET /a @text"), Ok(0));
    assert_eq!(add(&mut table, Route::new("/b")), Ok(1));
    let error = add(&mut table, "/c").expect_err("no method");
    assert_eq!(error.fault(), RouteFault::Method);
}

/// How a pattern fits a path, if it does, segment by segment: 0 literally, 1 by a parameter, 2 by `*`.
fn fit(pattern: &str, path: &str) -> Option<Vec<u8>> {
    let mut pattern: Vec<_> = pattern.strip_prefix('/')?.split('/').collect();
    let mut path: Vec<_> = path.strip_prefix('/')?.split('/').collect();
    let is_rest = pattern.last() == Some(&"*");
    if is_rest {
        pattern.pop();
        if path.len() <= pattern.len() {
            return None;
        }
        path.truncate(pattern.len());
    } else if pattern.len() > 1 && pattern.last() == Some(&"") {
        pattern.pop();
        if path.len() > pattern.len() && path.last() == Some(&"") {
            path.pop();
        }
    }
    if pattern.len() != path.len() {
        return None;
    }
    let ranks = pattern.iter().zip(path).map(|(pattern, segment)| {
        if pattern.starts_with('{') {
            (!segment.is_empty()).then_some(1)
        } else {
            (*pattern == segment).then_some(0)
        }
    });
    let mut ranks: Vec<u8> = ranks.collect::<Option<_>>()?;
    ranks.extend(is_rest.then_some(2));
    Some(ranks)
}

fn path_of(segment: &'static str) -> impl Strategy<Value = String> {
    let segments = proptest::collection::vec(segment, 0..4);
    (segments, prop_oneof!["/", "", "/\\*"]).prop_map(|(segments, end)| {
        let path: String = segments
            .iter()
            .map(|one| alloc::format!("/{one}"))
            .collect();
        if path.is_empty() && end.is_empty() {
            "/".into()
        } else {
            path + &end
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_route_that_fits_best_is_found(
        patterns in proptest::collection::vec(path_of("(a|b|ab|\\{[xy]\\})"), 1..8),
        paths in proptest::collection::vec(path_of("(a|b|ab|c|)"), 1..30),
    ) {
        let mut table = RouteTable::default();
        let mut routes = Vec::new();
        for pattern in patterns {
            if let Ok(index) = table.insert(&Route::new(pattern.as_str())) {
                assert_eq!(index, routes.len());
                routes.push(pattern);
            }
        }
        for path in paths {
            let fits = routes.iter().enumerate().filter_map(|(index, route)| {
                let ranks = fit(route, &path)?;
                Some(((ranks.contains(&2), ranks), index))
            });
            let best = fits.min().map(|(_, index)| index);
            let found = table.find(&path).map(|(index, _)| index);
            assert_eq!(found, best, "{path} of {routes:?}");
        }
    }
}
