//! The byte of a fault, by hand and beside two oracles: `serde_json`, for what JSON is, and a search for a completion, for
//! where a text can still become it.

use super::{MAX_DEPTH, NotJson, check};
use alloc::string::ToString;

#[test]
fn json_is_what_the_grammar_says() {
    for text in [
        "0",
        "-0",
        "-12.50e+10",
        "1E-2",
        "1e999",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n[ ] \n",
        r#"{"a":{"b":[1,2,[],{}]},"":null}"#,
        r#"[{"a":1},[[2]],"\"]"]"#,
        r#""\\\/\b\f\n\r\t\u00E9\ud83d\uDe00""#,
        r#""\ud800""#,
        "\"é 😀 \u{7f} \u{2028}\"",
        "[1,\n2]",
        "{\"a\" : 1 , \"a\" : 2}",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn the_first_byte_that_cannot_be_is_named() {
    for (text, at) in [
        ("", 0),
        ("  ", 2),
        ("x", 0),
        (" x", 1),
        ("hello", 0),
        ("'a'", 0),
        ("\u{feff}1", 0),
        ("é", 0),
        ("tru", 3),
        ("trux", 3),
        ("truer", 4),
        ("nul", 3),
        ("True", 0),
        ("NaN", 0),
        ("1 2", 2),
        ("{} {}", 3),
        ("1,", 1),
        ("-", 1),
        ("-x", 1),
        ("+1", 0),
        (".5", 0),
        ("01", 1),
        ("-01", 2),
        ("1.", 2),
        ("1.e3", 2),
        ("1e", 2),
        ("1e+", 3),
        ("1ex", 2),
        ("0x1F", 1),
        ("1_000", 1),
        ("\"", 1),
        ("\"abc", 4),
        ("\"a\nb\"", 2),
        ("\"a\0\"", 2),
        (r#""\x41""#, 2),
        (r#""\u12g4""#, 5),
        (r#""\u123"#, 6),
        (r#""\"#, 2),
        ("[", 1),
        ("[1", 2),
        ("[1,", 3),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("[1}", 2),
        ("]", 0),
        ("[]]", 2),
        ("{", 1),
        ("{]", 1),
        ("{,}", 1),
        ("{a:1}", 1),
        (r#"{"a"}"#, 4),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":1]"#, 6),
        (r#"{"a":1 "b":2}"#, 7),
        ("{1:2}", 1),
        ("/* */ 1", 0),
        ("[1] // a", 4),
        // Bytes are counted, not characters, and newlines are bytes.
        ("\"é\" x", 5),
        ("[\"李\",\"😀\" é", 14),
        ("\n\n\nx", 3),
        ("[1,\r\n\r\n2,\n]", 10),
        ("\n\"é\"\n", usize::MAX),
        ("[\n\"é\n\"]", 5),
    ] {
        let wanted = if at == usize::MAX {
            Ok(())
        } else {
            Err(NotJson { at })
        };
        assert_eq!(check(text), wanted, "{text:?}");
    }
}

#[test]
fn controls_have_to_be_escaped_in_strings_and_are_no_space_but_four() {
    for byte in 0..=0x20_u8 {
        let control = char::from(byte);
        let in_string = check(&alloc::format!("\"a{control}\""));
        let fault = Err(NotJson { at: 2 });
        assert_eq!(
            in_string,
            if byte < 0x20 { fault } else { Ok(()) },
            "{byte:x}"
        );
        let outside = check(&alloc::format!("1{control}"));
        let fault = Err(NotJson { at: 1 });
        assert_eq!(
            outside,
            if b" \t\r\n".contains(&byte) {
                Ok(())
            } else {
                fault
            },
            "{byte:x}"
        );
    }
}

#[test]
fn depth_has_a_bound_and_nothing_is_allocated_for_it() {
    let nested =
        |depth: usize, open: &str, close: &str| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"b":"#, "}]")] {
        let per_level = if open.len() == 6 { 2 } else { 1 };
        let depth = MAX_DEPTH / per_level;
        assert_eq!(check(&nested(depth, open, close)), Ok(()));
        let at = depth * open.len();
        assert_eq!(check(&nested(depth + 1, open, close)), Err(NotJson { at }));
        assert_eq!(check(&nested(100_000, open, close)), Err(NotJson { at }));
    }
    // Beside each other they may be as many as they like.
    let wide = alloc::format!("[{}[]]", "[],{},".repeat(10_000));
    assert_eq!(check(&wide), Ok(()));
}

#[test]
fn the_fault_is_a_reason_for_a_close_and_an_answer() {
    let fault = NotJson { at: usize::MAX };
    let reason = fault.to_string();
    assert_eq!(reason, "invalid JSON at byte 18446744073709551615");
    assert!(reason.len() <= 123);
    let answer = r#"{"cmd":"error","param":{"message":"invalid JSON at byte 7"}}"#;
    assert_eq!(NotJson { at: 7 }.answer(), answer);
    #[cfg(feature = "json")]
    assert_eq!(
        crate::app::json::error(None, "invalid JSON at byte 7"),
        answer
    );
}

#[cfg(feature = "json")]
mod oracles {
    use super::{NotJson, check};
    use alloc::borrow::ToOwned;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    /// Whether some text that begins so is JSON, found by trying. `serde_json` judges; here we only know which brackets are
    /// open, and what a value may be in the middle of.
    fn can_go_on(prefix: &str) -> bool {
        let rests = [
            "", "0", "\"", "0\"", "00\"", "000\"", "0000\"", "n\"", "rue", "ue", "e", "alse",
            "lse", "se", "ull", "ll", "l",
        ];
        let links = ["", "0", ":0", "\"\":0", "\":0", "0:0"];
        let closers = closers(prefix);
        rests.iter().any(|rest| {
            links
                .iter()
                .any(|link| is_json(&[prefix, rest, link, &closers].concat()))
        })
    }

    /// What closes the brackets that are open after `prefix`, the innermost first.
    fn closers(prefix: &str) -> String {
        let mut open = Vec::new();
        let (mut quoted, mut escaped) = (false, false);
        for char in prefix.chars() {
            match char {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '[' if !quoted => open.push(']'),
                '{' if !quoted => open.push('}'),
                ']' | '}' if !quoted => drop(open.pop()),
                _ => {}
            }
        }
        open.iter().rev().collect()
    }

    fn agrees(text: &str) -> Result<(), TestCaseError> {
        match check(text) {
            Ok(()) => prop_assert!(is_json(text), "{:?} is not JSON", text),
            Err(NotJson { at }) => {
                prop_assert!(!is_json(text), "{:?} is JSON", text);
                prop_assert!(text.is_char_boundary(at), "{:?} at {}", text, at);
                prop_assert!(can_go_on(&text[..at]), "{:?} fails before {}", text, at);
                let next = text[at..].chars().next().map_or(0, char::len_utf8);
                prop_assert!(
                    next == 0 || !can_go_on(&text[..at + next]),
                    "{:?} fails after {}",
                    text,
                    at
                );
            }
        }
        Ok(())
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("false".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?([eE][+-]?[0-9])?",
            "\"([a-zé李😀 ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,4}\"",
        ];
        let space = "[ \t\r\n]{0,2}";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let item = (space, inner, space).prop_map(|(a, value, b)| a + &value + &b);
            let member = ("\"[a-zé]{0,2}\"", space, item.clone())
                .prop_map(|(name, a, value)| name + &a + ":" + &value);
            prop_oneof![
                proptest::collection::vec(item, 0..4)
                    .prop_map(|items| "[".to_owned() + &items.join(",") + "]"),
                proptest::collection::vec(member, 0..4)
                    .prop_map(|members| "{".to_owned() + &members.join(",") + "}"),
            ]
        })
    }

    #[test]
    fn every_end_of_a_text_with_everything_in_it_is_where_it_says() {
        let text = "{\"a\" :[tru\u{65},-1.5e+3 ,\"é\\u00e9\\n\"],\n\"b\":{\"\":null,\"c\":false}}";
        assert_eq!(check(text), Ok(()));
        for (at, _) in text.char_indices() {
            assert_eq!(check(&text[..at]), Err(NotJson { at }));
            assert!(can_go_on(&text[..at]), "{}", &text[..at]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn anything_of_the_alphabet(text in "[\\[\\]{},:\"\\\\0-2.eE+\\-truefalsn u\n\té\u{1}]{0,12}") {
            agrees(&text)?;
        }

        #[test]
        fn json_with_one_fault(text in json(), at in any::<prop::sample::Index>(), put in "[\\[\\]{},:\"\\\\0.e+\\-tn é\u{1}]{0,2}", cut in 0..3usize) {
            agrees(&text)?;
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = at.index(places.len());
            let to = (from + cut).min(places.len() - 1);
            agrees(&[&text[..places[from]], &put, &text[places[to]..]].concat())?;
        }
    }
}
