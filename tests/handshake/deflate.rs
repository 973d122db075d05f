//! permessage-deflate's parameters: the rows of `deflate.rows`, every policy against every other, and offers at random.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use sockeye::proto::deflate::{
    Agreed, AnswerError, ClientBits, Direction, Params, Policy, WindowBits,
};
use sockeye::proto::handshake::client::{self, ResponseParser};
use sockeye::proto::handshake::{Accept, HeadLimits, accept_of, key_of, server};

#[path = "../../src/bin/sockeye/attack/offers.rs"]
#[allow(dead_code, reason = "the tests have other judges")]
mod offers;

const ROWS: &str = include_str!("../rows/deflate.rows");
const NONCE: [u8; 16] = *b"the sample nonce";

/// One case and its policy.
struct Row {
    line: usize,
    kind: &'static str,
    policy: Policy,
    input: String,
    want: String,
}

fn load() -> Vec<Row> {
    let lines = offers::parse(ROWS).unwrap();
    let row = |line: offers::Line<'static>| Row {
        line: line.number,
        kind: line.kind,
        policy: read_policy(line.policy),
        input: line.input,
        want: line.want,
    };
    lines.into_iter().map(row).collect()
}

fn read_policy(text: &str) -> Policy {
    let words: Vec<&str> = text.split(' ').collect();
    let [_, keep, server, client] = words[..] else {
        panic!("{text}?")
    };
    let bits = |word: &str| word.parse().ok().and_then(WindowBits::new).expect("9..=15");
    Policy {
        server_context_takeover: keep.contains('s'),
        client_context_takeover: keep.contains('c'),
        server_max_window_bits: bits(server),
        client_max_window_bits: bits(client),
        ..Policy::default()
    }
}

/// A request with these header lines, `|` between them.
fn request(lines: &str) -> Vec<u8> {
    let mut head = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_owned();
    write_lines(lines, &mut head);
    head.into_bytes()
}

/// A 101 with these header lines.
fn response(lines: &str) -> Vec<u8> {
    let accept = String::from_utf8(accept_of(&key_of(NONCE)).to_vec()).unwrap();
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: {accept}\r\n"
    );
    write_lines(lines, &mut head);
    head.into_bytes()
}

fn write_lines(lines: &str, head: &mut String) {
    for line in lines.split('|') {
        write!(head, "Sec-WebSocket-Extensions: {line}\r\n").unwrap();
    }
    head.push_str("\r\n");
}

/// What a server answers to these lines. It goes out as a real 101, so it names only what was offered.
fn answer(policy: &Policy, lines: &str) -> String {
    let head = request(lines);
    let request = match server::parse(&head, HeadLimits::default()) {
        Ok(request) => request,
        Err(error) => return error.status().to_string(),
    };
    let Some(params) = policy.answer(request.extensions()) else {
        return "declined".to_owned();
    };
    let text = params.to_string();
    Accept::new(&request)
        .extensions(Some(&text))
        .write(&mut Vec::new())
        .unwrap();
    text
}

/// What a client makes of these lines, after its own offer.
fn confirm(policy: &Policy, lines: &str) -> String {
    let offer = format!("{}, x-other", policy.offer());
    let expected = client::Request::new("h", "/", NONCE)
        .extensions(Some(&offer))
        .write(&mut Vec::new())
        .unwrap();
    let head = response(lines);
    let mut parser = ResponseParser::new(HeadLimits::default());
    let response = parser.parse(&head).unwrap().unwrap();
    let verified = match response.verify(&expected) {
        Ok(verified) => verified,
        Err(error) => return format!("fail {error:?}"),
    };
    match policy.confirm(verified.extensions()) {
        Err(error) => format!("fail {error:?}"),
        Ok(None) => "declined".to_owned(),
        Ok(Some(agreed)) => format!("s{} c{}", short(agreed.server), short(agreed.client)),
    }
}

fn short(direction: Direction) -> String {
    let takeover = if direction.context_takeover() {
        "+"
    } else {
        ""
    };
    format!("{}{takeover}", direction.window_bits())
}

#[test]
fn rows() {
    let rows = load();
    for row in &rows {
        let got = match row.kind {
            "offer" => answer(&row.policy, &row.input),
            "answer" => confirm(&row.policy, &row.input),
            _ => row.policy.offer().to_string(),
        };
        assert_eq!(got, row.want, "line {}: {}", row.line, row.input);
    }
    let count = |kind| rows.iter().filter(|row| row.kind == kind).count();
    assert!(count("offer") > 150 && count("answer") > 75, "too few rows");
}

#[test]
fn every_fault_of_an_answer_has_a_row() {
    let rows = load();
    for error in AnswerError::ALL {
        let want = format!("fail {error:?}");
        let found = rows.iter().any(|row| row.want == want);
        assert!(found, "no row wants {want}");
        let text = error.to_string();
        assert!(text.is_ascii() && text.len() <= 123 && !text.ends_with('.'));
        assert!(error.section().starts_with("RFC 7692 "), "{error:?}");
    }
    let texts: BTreeSet<String> = AnswerError::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), AnswerError::ALL.len());
}

/// The handshake refuses it before; whoever comes without one is told all the same.
#[test]
fn two_in_one_answer_are_a_fault_of_their_own() {
    for lines in [
        "permessage-deflate, x, permessage-deflate; foo",
        "permessage-deflate|x|permessage-deflate",
    ] {
        let head = request(lines);
        let parsed = server::parse(&head, HeadLimits::default()).unwrap();
        let got = Policy::default().confirm(parsed.extensions());
        assert_eq!(got, Err(AnswerError::ExtensionRepeated), "{lines}");
    }
}

#[test]
fn a_direction_is_one_byte() {
    assert_eq!(size_of::<Direction>(), 1);
    assert_eq!(size_of::<Option<Direction>>(), 1);
    assert_eq!(size_of::<Option<Agreed>>(), 2);
}

/// Every pair of bits and takeover is told from every other; what no wire can say becomes the nearest.
#[test]
fn a_direction_holds_what_was_agreed() {
    for bits in 0..=u8::MAX {
        for takeover in [false, true] {
            let params = Params {
                server_no_context_takeover: !takeover,
                client_no_context_takeover: takeover,
                server_max_window_bits: Some(bits),
                client_max_window_bits: ClientBits::AtMost(bits),
            };
            let Agreed { server, client } = params.agreed();
            assert_eq!(server.window_bits(), bits.clamp(8, 15));
            assert_eq!(client.window_bits(), bits.clamp(8, 15));
            assert_eq!(server.context_takeover(), takeover, "{bits}");
            assert_eq!(client.context_takeover(), !takeover, "{bits}");
        }
    }
    let agreed = Params::default().agreed();
    assert_eq!(
        format!("{:?}", agreed.client),
        "Direction { window_bits: 15, context_takeover: true }"
    );
    assert_eq!(agreed.client, agreed.server);
    let bare = Params {
        client_max_window_bits: ClientBits::Bare,
        ..Params::default()
    };
    assert_eq!(bare.agreed(), agreed);
}

/// Shows 7692-7.3-01.
#[test]
fn window_bits_are_nine_to_fifteen() {
    for bits in 0..=u8::MAX {
        let want = (9..=15).contains(&bits).then_some(bits);
        assert_eq!(WindowBits::new(bits).map(WindowBits::get), want);
    }
    assert_eq!(WindowBits::MIN.get(), 9);
    assert_eq!(WindowBits::MAX.get(), 15);
    assert_eq!(WindowBits::default(), WindowBits::MAX);
}

/// All that differ in what they negotiate.
fn policies() -> Vec<Policy> {
    let mut all = Vec::new();
    for keep in 0..4 {
        for server in 9..=15 {
            for client in 9..=15 {
                all.push(Policy {
                    server_context_takeover: keep & 1 != 0,
                    client_context_takeover: keep & 2 != 0,
                    server_max_window_bits: WindowBits::new(server).unwrap(),
                    client_max_window_bits: WindowBits::new(client).unwrap(),
                    ..Policy::default()
                });
            }
        }
    }
    all
}

/// Every server with every client: both believe the same of both directions, and neither is asked for more than it
/// wants.
/// Shows 6455-9-02 7692-5-04 7692-5-07 7692-5-10 7692-7.1.2.1-02 7692-7.1.2.2-02.
#[test]
#[cfg_attr(miri, ignore = "tens of thousands of handshakes")]
fn both_ends_agree() {
    let all = policies();
    for client in &all {
        let offer = request(&client.offer().to_string());
        let offer = server::parse(&offer, HeadLimits::default()).unwrap();
        for server in &all {
            let answer = server.answer(offer.extensions()).unwrap();
            let head = request(&answer.to_string());
            let parsed = server::parse(&head, HeadLimits::default()).unwrap();
            let confirmed = client.confirm(parsed.extensions()).unwrap().unwrap();
            assert_eq!(confirmed, answer.agreed(), "{client:?} {server:?}");
            let least = |bits: fn(&Policy) -> WindowBits| bits(client).min(bits(server)).get();
            let both = |keeps: fn(&Policy) -> bool| keeps(client) && keeps(server);
            let Agreed {
                server: s,
                client: c,
            } = confirmed;
            assert_eq!(
                s.window_bits(),
                least(|policy| policy.server_max_window_bits)
            );
            assert_eq!(
                c.window_bits(),
                least(|policy| policy.client_max_window_bits)
            );
            assert_eq!(
                s.context_takeover(),
                both(|policy| policy.server_context_takeover)
            );
            assert_eq!(
                c.context_takeover(),
                both(|policy| policy.client_context_takeover)
            );
        }
    }
}

/// A policy that asks for nothing answers an offer of what an answer may hold with that very offer.
/// Shows 7692-4-02 7692-7-02.
#[test]
fn what_is_written_is_read() {
    let open = Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        ..Policy::default()
    };
    for server in [None, Some(9), Some(10), Some(12), Some(15)] {
        for client in [
            ClientBits::Absent,
            ClientBits::AtMost(9),
            ClientBits::AtMost(14),
        ] {
            for flags in 0..4 {
                let params = Params {
                    server_no_context_takeover: flags & 1 != 0,
                    client_no_context_takeover: flags & 2 != 0,
                    server_max_window_bits: server,
                    client_max_window_bits: client,
                };
                let head = request(&params.to_string());
                let parsed = server::parse(&head, HeadLimits::default()).unwrap();
                assert_eq!(open.answer(parsed.extensions()), Some(params));
            }
        }
    }
}

/// The parameters of one offer: mostly good ones, each at most once.
fn params() -> impl Strategy<Value = Vec<(&'static str, Option<String>)>> {
    let name = prop_oneof![
        9 => prop::sample::select(vec![
            "server_no_context_takeover",
            "client_no_context_takeover",
            "server_max_window_bits",
            "client_max_window_bits",
        ]),
        1 => prop::sample::select(vec!["server_max_window_bit", "x", "Client_Max_Window_Bits"]),
    ];
    let value = prop_oneof![
        4 => Just(None),
        4 => (7..=16u8).prop_map(|bits| Some(bits.to_string())),
        1 => "[0-9+.x-]{1,3}".prop_map(Some),
    ];
    prop::collection::vec((name, value), 0..4)
}

/// The value of a parameter in a list, `Some(None)` where it stands without one.
fn find<'p>(params: &'p [(&str, Option<String>)], wanted: &str) -> Option<Option<&'p str>> {
    let mut found = params.iter().filter(|(name, _)| *name == wanted);
    found.next().map(|(_, value)| value.as_deref())
}

/// RFC 7692 §7 word for word: whether an offer must be declined, 8 bits for the server aside.
fn must_decline(params: &[(&str, Option<String>)]) -> bool {
    let is_bits = |value: &str| {
        let number: Option<u32> = value.parse().ok();
        number.is_some_and(|bits| (8..=15).contains(&bits) && bits.to_string() == value)
    };
    let names: BTreeSet<&str> = params.iter().map(|(name, _)| *name).collect();
    let bad = params.iter().any(|(name, value)| match *name {
        "server_no_context_takeover" | "client_no_context_takeover" => value.is_some(),
        "server_max_window_bits" => !value.as_deref().is_some_and(is_bits),
        "client_max_window_bits" => value.as_deref().is_some_and(|value| !is_bits(value)),
        _ => true,
    });
    bad || names.len() < params.len()
}

fn element(params: &[(&str, Option<String>)], quoted: bool) -> String {
    let mut text = "permessage-deflate".to_owned();
    for (name, value) in params {
        match value {
            None => write!(text, "; {name}").unwrap(),
            Some(value) if quoted => write!(text, "; {name}=\"{value}\"").unwrap(),
            Some(value) => write!(text, ";{name} = {value}").unwrap(),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 4000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// An answer to any offer keeps to what §7.1 lets it say.
    /// Shows 6455-4.2.2-17 6455-9-04 6455-9.1-06 7692-3-02 7692-5-09 7692-5-10 7692-7.1.2.1-06 7692-7.1.2.2-04.
    /// Shows 7692-7.1.2.1-03 7692-7.1.2.2-06.
    #[test]
    fn answers_keep_to_the_offer(
        offered in params(), quoted in any::<bool>(), policy in prop::sample::select(policies()),
    ) {
        let head = request(&element(&offered, quoted));
        let parsed = server::parse(&head, HeadLimits::default()).unwrap();
        let answer = policy.answer(parsed.extensions());
        let server_bits = find(&offered, "server_max_window_bits").flatten();
        let declined = must_decline(&offered) || server_bits == Some("8");
        prop_assert_eq!(answer.is_none(), declined);
        let Some(answer) = answer else { return Ok(()) };
        // Asked for, so promised.
        prop_assert!(find(&offered, "server_no_context_takeover").is_none() || answer.server_no_context_takeover);
        let server_bits: Option<u8> = server_bits.map(|bits| bits.parse().unwrap());
        if let Some(most) = server_bits {
            prop_assert!(answer.server_max_window_bits.is_some_and(|bits| bits <= most));
        }
        // Not more than we want of ourselves, either.
        let server = answer.agreed().server;
        prop_assert!(server.window_bits() <= policy.server_max_window_bits.get());
        prop_assert!(server.window_bits() >= 9);
        prop_assert!(policy.server_context_takeover || !server.context_takeover());
        prop_assert!(policy.client_context_takeover || answer.client_no_context_takeover);
        match (find(&offered, "client_max_window_bits"), answer.client_max_window_bits) {
            (_, ClientBits::Bare) => prop_assert!(false, "an answer has a value"),
            (None, bits) => prop_assert_eq!(bits, ClientBits::Absent),
            (Some(_), ClientBits::Absent) => {}
            (Some(hint), ClientBits::AtMost(bits)) => {
                let hint = hint.map_or(15, |hint| hint.parse().unwrap());
                prop_assert!(bits <= hint.min(policy.client_max_window_bits.get()) && bits >= 9);
            }
        }
    }

    /// The first offer that would be accepted alone is the one that is, however the offers are spread over lines.
    /// Shows 6455-9.1-08 7692-5-02 7692-5-03.
    #[test]
    fn the_first_acceptable_offer_wins(
        offers in prop::collection::vec(params(), 1..5), lines in any::<bool>(),
        policy in prop::sample::select(policies()),
    ) {
        let texts: Vec<String> = offers.iter().map(|offer| element(offer, false)).collect();
        let alone = texts.iter().map(|text| answer(&policy, text)).find(|answer| answer != "declined");
        let together = answer(&policy, &texts.join(if lines { "|" } else { ", x-other," }));
        prop_assert_eq!(together, alone.unwrap_or_else(|| "declined".to_owned()));
    }
}
