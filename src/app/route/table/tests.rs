use super::super::RouteFault;
use super::RouteTable;
use crate::app::Route;
use alloc::string::ToString as _;
use alloc::vec::Vec;

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
    assert_eq!(one.find("/a/"), None);
}

#[test]
fn routes_for_different_paths_stand_together() {
    table(&[
        "/", "/a", "/a/{b}", "/a/{b}/c", "/a/{x}/d", "/a/b", "/{a}", "/{b}/c", "/*", "/a/*",
        "/a/b/*", "/A", "/%61", "/ab/",
    ]);
}
