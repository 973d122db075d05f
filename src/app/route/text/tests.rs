use super::super::RouteFault as F;
use super::{Access, Format, MAX_MESSAGE, Route};
use crate::app::{BadJson, Rate, RouteTable};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

const MB: u64 = 1 << 20;

#[test]
fn routes_are_read() {
    let table: &[(&str, &str, Access, Format, Option<u64>)] = &[
        (
            "SOCKET /",
            "/",
            Access::Anyone,
            Format::Json,
            Some(MAX_MESSAGE),
        ),
        (
            "SOCKET / @text <1MB",
            "/",
            Access::Anyone,
            Format::Text,
            Some(MB),
        ),
        (
            "SOCKET / <1 @text",
            "/",
            Access::Anyone,
            Format::Text,
            Some(MB),
        ),
        (
            "+SOCKET /a @binary",
            "/a",
            Access::Authorised,
            Format::Binary,
            Some(MAX_MESSAGE),
        ),
        (
            "-SOCKET /a/* @any <max",
            "/a/*",
            Access::Unauthorised,
            Format::Any,
            None,
        ),
        (
            "  SOCKET\t/a/  @json   <64kb  ",
            "/a/",
            Access::Anyone,
            Format::Json,
            Some(65_536),
        ),
        (
            "SOCKET /{a}/{b:number}/x",
            "/{a}/{b:number}/x",
            Access::Anyone,
            Format::Json,
            Some(MAX_MESSAGE),
        ),
    ];
    for (text, pattern, access, format, most) in table {
        let route = Route::parse(text).expect(text);
        assert_eq!(route.pattern(), *pattern, "{text}");
        let read = (route.access, route.format, route.max_message);
        assert_eq!(read, (*access, *format, *most), "{text}");
    }
    assert_eq!(MAX_MESSAGE, 262_144);
}

#[test]
fn a_route_in_code_has_the_servers_limits() {
    let route = Route::new("/a");
    assert_eq!((route.format, route.max_message), (Format::Any, None));
    assert_eq!(
        (route.access, route.linger),
        (Access::Anyone, Duration::from_secs(5))
    );
    assert_eq!(
        (route.deflate.clone(), route.ping, route.rate),
        (None, None, None)
    );
    assert_eq!(route.to_string(), "SOCKET /a @any <max");
    let route = route
        .deflate(None)
        .rate(Rate::new(1, 2))
        .on_bad_json(BadJson::Drop);
    assert_eq!(
        (route.deflate, route.rate),
        (Some(None), Some(Rate::new(1, 2)))
    );
}

/// Each fault at the first byte of the word that has it, or at the byte itself in a path.
const FAULTS: &[(&str, usize, F)] = &[
    ("", 0, F::Method),
    ("   ", 0, F::Method),
    ("/chat", 0, F::Method),
    ("GET /", 0, F::Method),
    ("socket /", 0, F::Method),
    (" *SOCKET /", 1, F::Method),
    ("+ SOCKET /", 0, F::Method),
    ("SOCKET", 6, F::PathMissing),
    ("SOCKET ", 7, F::PathMissing),
    ("SOCKET @text /", 7, F::PathMissing),
    ("SOCKET <1MB", 7, F::PathMissing),
    ("SOCKET chat", 7, F::PathRelative),
    ("SOCKET *", 7, F::PathRelative),
    ("SOCKET http://a/", 7, F::PathRelative),
    ("SOCKET /a?b", 9, F::PathByte),
    ("SOCKET /a#b", 9, F::PathByte),
    ("SOCKET /a\\b", 9, F::PathByte),
    ("SOCKET /caf\u{e9}", 11, F::PathByte),
    ("SOCKET /a\u{7f}", 9, F::PathByte),
    ("SOCKET /a\n", 9, F::PathByte),
    ("SOCKET /a%", 9, F::Percent),
    ("SOCKET /a%2", 9, F::Percent),
    ("SOCKET /%2g", 8, F::Percent),
    ("SOCKET //", 8, F::EmptySegment),
    ("SOCKET /a//b", 10, F::EmptySegment),
    ("SOCKET /a//", 10, F::EmptySegment),
    ("SOCKET /./a", 8, F::DotSegment),
    ("SOCKET /a/..", 10, F::DotSegment),
    ("SOCKET /a/%2e", 10, F::DotSegment),
    ("SOCKET /a{b}", 9, F::Brace),
    ("SOCKET /{b}a", 8, F::Brace),
    ("SOCKET /{b", 8, F::Brace),
    ("SOCKET /b}", 9, F::Brace),
    ("SOCKET /{{b}}", 8, F::Brace),
    ("SOCKET /{a}{b}", 8, F::Brace),
    ("SOCKET /{}", 8, F::ParamName),
    ("SOCKET /{:number}", 8, F::ParamName),
    ("SOCKET /{a-b}", 8, F::ParamName),
    ("SOCKET /{*a}", 8, F::ParamName),
    ("SOCKET /{a}/{a}", 12, F::ParamTwice),
    ("SOCKET /{a}/{a:number}", 12, F::ParamTwice),
    ("SOCKET /{a:uid}", 8, F::ParamType),
    ("SOCKET /{a:}", 8, F::ParamType),
    ("SOCKET /{a:Number}", 8, F::ParamType),
    ("SOCKET /{a:string:x}", 8, F::ParamType),
    ("SOCKET /a*", 9, F::Wildcard),
    ("SOCKET /*/a", 8, F::Wildcard),
    ("SOCKET /*/", 8, F::Wildcard),
    ("SOCKET /**", 8, F::Wildcard),
    ("SOCKET / @jsno", 9, F::Format),
    ("SOCKET / @JSON", 9, F::Format),
    ("SOCKET / @", 9, F::Format),
    ("SOCKET / @text @text", 15, F::FormatTwice),
    ("SOCKET / @text @json", 15, F::FormatTwice),
    ("SOCKET / <", 9, F::Size),
    ("SOCKET / < 1MB", 9, F::Size),
    ("SOCKET / <1TB", 9, F::Size),
    ("SOCKET / <0", 9, F::Size),
    ("SOCKET / <MAX", 9, F::Size),
    ("SOCKET / <1MB <1MB", 14, F::SizeTwice),
    ("SOCKET / <max @text <1kB", 20, F::SizeTwice),
    ("SOCKET / #auth", 9, F::Middleware),
    ("SOCKET / text", 9, F::Word),
    ("SOCKET / /chat", 9, F::Word),
    ("SOCKET / 1MB", 9, F::Word),
    ("SOCKET /\u{a0}@text", 8, F::PathByte),
];

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let mut seen = BTreeSet::new();
    for (text, at, fault) in FAULTS {
        let error = Route::parse(text).expect_err(text);
        assert_eq!((error.position(), error.fault()), (*at, *fault), "{text}");
        assert_eq!(error.text(), *text);
        assert!(text.is_char_boundary(*at), "{text}");
        seen.insert(fault.to_string());
    }
    let params = |count| (0..count).map(|n| format!("/{{p{n}}}")).collect::<String>();
    assert!(Route::parse(&format!("SOCKET {}", params(16))).is_ok());
    let error = Route::parse(&format!("SOCKET {}", params(17))).expect_err("too many");
    assert_eq!(error.fault(), F::TooManyParams);
    seen.extend([F::TooManyParams, F::Conflict].map(|fault| fault.to_string()));
    // Every fault has a row here, and a sentence that no other has.
    assert_eq!(seen.len(), F::ALL.len());
    assert_eq!(
        Route::parse("SOCKET / @x")
            .expect_err("a fault")
            .to_string(),
        "route \"SOCKET / @x\", byte 9: a format is @json, @text, @binary or @any",
    );
}

#[test]
fn patterns_of_code_are_read_when_they_are_used() {
    for (pattern, at, fault) in [
        ("", 0, F::PathMissing),
        ("chat", 0, F::PathRelative),
        ("/a b", 2, F::PathByte),
        ("/a/{b", 3, F::Brace),
    ] {
        let error = RouteTable::default()
            .insert(&Route::new(pattern))
            .expect_err(pattern);
        assert_eq!((error.position(), error.fault()), (at, fault), "{pattern}");
        assert_eq!(error.text(), pattern);
    }
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_~!$&'()+,;=:@-][a-zA-Z0-9._~!$&'()+,;=:@-]{0,6}",
        "%[0-9a-fA-F]{2}[a-z]",
        "\\{[a-z_]{1,8}\\}",
        "\\{[a-z]{1,4}:(number|string)\\}",
    ]
}

fn route() -> impl Strategy<Value = Route> {
    let pattern = (
        proptest::collection::vec(segment(), 0..4),
        prop_oneof![Just("/"), Just("/*"), Just("")],
    )
        .prop_map(|(segments, end)| {
            let base: String = segments.iter().map(|one| format!("/{one}")).collect();
            if base.is_empty() && end.is_empty() {
                String::from("/")
            } else {
                base + end
            }
        });
    let access = prop_oneof![
        Just(Access::Anyone),
        Just(Access::Authorised),
        Just(Access::Unauthorised)
    ];
    let format = prop_oneof![
        Just(Format::Json),
        Just(Format::Text),
        Just(Format::Binary),
        Just(Format::Any)
    ];
    let unit = prop_oneof![Just(0), Just(10), Just(20), Just(30)];
    let most = proptest::option::of((1..=u64::from(u32::MAX), unit).prop_map(|(n, s)| n << s));
    (pattern, access, format, most).prop_map(|(pattern, access, format, most)| {
        Route::new(pattern)
            .access(access)
            .format(format)
            .max_message(most)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_the_same(route in route()) {
        let text = route.to_string();
        match Route::parse(&text) {
            Ok(read) => assert_eq!(read, route, "{text}"),
            // Two parameters may have got one name.
            Err(error) => assert_eq!(error.fault(), F::ParamTwice, "{text}"),
        }
    }

    #[test]
    fn whatever_is_read_has_a_place_for_its_fault(
        text in "([+-]?SOCKET)?[ \\t]?[ /a-c*{}:%.@<#é0-9numberMBkjson-]{0,30}", noise in any::<String>()
    ) {
        for text in [text, noise] {
            if let Err(error) = Route::parse(&text) {
                assert!(error.position() <= text.len() && text.is_char_boundary(error.position()), "{text:?}");
            }
        }
    }
}
