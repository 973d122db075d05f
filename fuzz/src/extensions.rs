//! `Sec-WebSocket-Extensions`: any lines, as what a client offers and as what a server answers.

use super::choices::Choices;
use super::handshake_server::written;
use sockeye::proto::deflate::{Agreed, AnswerError, ClientBits, NAME, Params, Policy, WindowBits};
use sockeye::proto::handshake::client::{self, Response, ResponseParser};
use sockeye::proto::handshake::server::{Request, RequestParser};
use sockeye::proto::handshake::{Accept, Extension, HeadLimits};

/// The nonce of RFC 6455 section 1.3, and what answers it.
const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const LIMITS: HeadLimits = HeadLimits {
    max_head: usize::MAX,
    max_headers: usize::MAX,
};

/// A server takes the first offer that it can keep to, and its answer stands by that offer; a client takes what stands
/// by its own, and nothing else; and each server's answer to each client's offer is such.
pub fn extensions(data: &[u8]) {
    let mut choices = Choices::new(data);
    let server = policy(&mut choices);
    let client = policy(&mut choices);
    let lines = choices.all().split(|byte| *byte == b'\n');
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    offers_are_answered(&server, &lines);
    answers_are_judged(&client, &lines);
    our_two_ends_agree(&server, &client);
}

fn policy(choices: &mut Choices<'_>) -> Policy {
    let (takeover, server, client) = (choices.byte(), choices.byte(), choices.byte());
    let bits = |byte: u8| WindowBits::new(15 - byte % 7).expect("9 to 15");
    Policy {
        server_context_takeover: takeover & 1 == 1,
        client_context_takeover: takeover & 2 == 2,
        server_max_window_bits: bits(server),
        client_max_window_bits: bits(client),
        ..Policy::default()
    }
}

// --- the server ---

fn offers_are_answered(policy: &Policy, lines: &[&[u8]]) {
    let head = request(lines);
    let mut parser = RequestParser::new(LIMITS);
    let Ok(request) = parser.parse(&head) else {
        return;
    };
    let request = request.expect("the head is whole");
    let offers: Vec<Extension<'_>> = request.extensions().collect();
    // A window of 256 bytes is the one that cannot be kept to.
    let first = ours(&offers)
        .into_iter()
        .flatten()
        .find(|offer| offer.server_max_window_bits != Some(8));
    let answer = policy.answer(offers.iter().copied());
    assert_eq!(answer.is_some(), first.is_some(), "{offers:?}");
    if let (Some(answer), Some(offer)) = (answer, first) {
        stands_by(&answer, &offer);
        serves(&answer, &offer, policy);
        is_read_back(&answer, &request, &offers);
    }
}

/// RFC 7692 section 7.1: what an answer must have, and may have only then.
fn stands_by(answer: &Params, offer: &Params) {
    let about = format!("{answer:?} to {offer:?}");
    assert!(
        answer.server_no_context_takeover || !offer.server_no_context_takeover,
        "{about}"
    );
    if let Some(most) = offer.server_max_window_bits {
        let agreed = answer.server_max_window_bits;
        assert!(agreed.is_some_and(|bits| bits <= most), "{about}");
    }
    match (answer.client_max_window_bits, offer.client_max_window_bits) {
        (ClientBits::Absent, _) => {}
        (ClientBits::AtMost(bits), ClientBits::Bare) => assert!(bits < 15, "{about}"),
        (ClientBits::AtMost(bits), ClientBits::AtMost(most)) => assert!(bits <= most, "{about}"),
        (ClientBits::Bare, _) | (_, ClientBits::Absent) => panic!("{about}"),
    }
}

/// What the policy wants holds, as far as a server can see to it; and not less than both ends want.
fn serves(answer: &Params, offer: &Params, policy: &Policy) {
    let about = format!("{answer:?} to {offer:?} by {policy:?}");
    let Agreed { server, client } = answer.agreed();
    let want = policy.server_context_takeover && !offer.server_no_context_takeover;
    assert_eq!(server.context_takeover(), want, "{about}");
    let want = policy.client_context_takeover && !offer.client_no_context_takeover;
    assert_eq!(client.context_takeover(), want, "{about}");
    let most = offer.server_max_window_bits.unwrap_or(15);
    let want = policy.server_max_window_bits.get().min(most);
    assert_eq!(server.window_bits(), want, "{about}");
    let ours = policy.client_max_window_bits.get();
    let want = match offer.client_max_window_bits {
        // Nothing may be said, or 8, which nobody is asked to keep to.
        ClientBits::Absent | ClientBits::AtMost(8) => 15,
        ClientBits::Bare => ours,
        ClientBits::AtMost(most) => ours.min(most),
    };
    assert_eq!(client.window_bits(), want, "{about}");
}

/// A client that offered this reads the answer's text as what was meant.
fn is_read_back(answer: &Params, request: &Request<'_>, offers: &[Extension<'_>]) {
    let text = answer.to_string();
    let mut head = Vec::new();
    let accept = Accept::new(request).extensions(Some(&text));
    accept.write(&mut head).expect("it was offered");
    let offered: Vec<String> = offers.iter().map(written).collect();
    let offered = offered.join(", ");
    let anything = Policy {
        server_context_takeover: true,
        client_context_takeover: true,
        ..Policy::default()
    };
    judged(&head, &offered, |used| {
        assert_eq!(ours(&used), [Some(*answer)], "{text}");
        let agreed = anything.confirm(used);
        assert_eq!(agreed, Ok(Some(answer.agreed())), "{text}");
    })
    .expect("the answer names what was offered");
}

// --- the client ---

fn answers_are_judged(policy: &Policy, lines: &[&[u8]]) {
    let offered = format!("{}, x", policy.offer());
    // What the header alone is refused for is `handshake_client`'s.
    let _ = judged(&answer(lines), &offered, |used| {
        let expected = agreed(policy, &ours(&used));
        let confirmed = policy.confirm(used);
        assert_eq!(confirmed.ok(), expected, "{policy:?}");
        if let Err(error) = confirmed {
            assert!(AnswerError::ALL.contains(&error));
        }
    });
}

/// What an answer to our offer agrees to; nothing where it is to be refused.
fn agreed(policy: &Policy, answers: &[Option<Params>]) -> Option<Option<Agreed>> {
    let answer = match answers {
        [] => return Some(None),
        [Some(answer)] => *answer,
        _ => return None,
    };
    let server_bits = answer.server_max_window_bits;
    let most = policy.server_max_window_bits.get();
    if most < 15 && server_bits.is_none_or(|bits| bits > most)
        || answer.client_max_window_bits == ClientBits::Bare
        || !(policy.server_context_takeover || answer.server_no_context_takeover)
    {
        return None;
    }
    // What we send may be held to less than was agreed on, so that is what we hold it to.
    let ours = policy.client_max_window_bits.get();
    let client_bits = match answer.client_max_window_bits {
        ClientBits::AtMost(bits) => bits.min(ours),
        ClientBits::Bare | ClientBits::Absent => ours,
    };
    let meant = Params {
        client_no_context_takeover: answer.client_no_context_takeover
            || !policy.client_context_takeover,
        client_max_window_bits: ClientBits::AtMost(client_bits),
        ..answer
    };
    Some(Some(meant.agreed()))
}

// --- both ---

/// What each end may send, the other can read.
fn our_two_ends_agree(server: &Policy, client: &Policy) {
    let offered = client.offer().to_string();
    let head = request(&[offered.as_bytes()]);
    let mut parser = RequestParser::new(LIMITS);
    let request = parser.parse(&head).expect("it is right");
    let request = request.expect("the head is whole");
    let answer = server.answer(request.extensions());
    let answer = answer.unwrap_or_else(|| panic!("{server:?} declines {offered}"));
    let text = answer.to_string();
    let mut head = Vec::new();
    let accept = Accept::new(&request).extensions(Some(&text));
    accept.write(&mut head).expect("it was offered");
    judged(&head, &offered, |used| {
        let confirmed = client.confirm(used).expect("our own answer").expect("one");
        let there = answer.agreed();
        assert_eq!(confirmed.server, there.server);
        let (sent, read) = (confirmed.client, there.client);
        assert!(sent.window_bits() <= read.window_bits());
        assert!(sent.context_takeover() <= read.context_takeover());
        assert!(sent.window_bits() >= 9 && confirmed.server.window_bits() >= 9);
    })
    .expect("the answer names what was offered");
}

/// Has our client look at an answer, and then at the extensions in it.
fn judged(head: &[u8], offered: &str, look: impl FnOnce(Vec<Extension<'_>>)) -> Option<()> {
    let asked = client::Request::new("h", "/", NONCE).extensions(Some(offered));
    let mut request = Vec::new();
    let expected = asked.write(&mut request);
    let expected = expected.expect("what was offered can be offered again");
    let mut parser = ResponseParser::new(LIMITS);
    let response: Response<'_> = parser.parse(head).ok()?.expect("the head is whole");
    let agreed = response.verify(&expected).ok()?;
    look(agreed.extensions().collect());
    Some(())
}

fn request(lines: &[&[u8]]) -> Vec<u8> {
    let head = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    with_lines(head.into(), lines)
}

fn answer(lines: &[&[u8]]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: {ACCEPT}\r\n"
    );
    with_lines(head.into(), lines)
}

fn with_lines(mut head: Vec<u8>, lines: &[&[u8]]) -> Vec<u8> {
    for line in lines {
        head.extend_from_slice(b"Sec-WebSocket-Extensions: ");
        head.extend_from_slice(line);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

// --- read literally ---

/// Each element that has our name, as far as it means something.
fn ours(elements: &[Extension<'_>]) -> Vec<Option<Params>> {
    elements
        .iter()
        .filter(|element| element.name() == NAME)
        .map(|element| {
            let pairs = element.params().map(|param| {
                let value = param.value.map(|value| value.into_owned());
                (param.name.to_owned(), value)
            });
            params(pairs.collect())
        })
        .collect()
}

/// RFC 7692 section 7.1, from names and values: the four there are, each at most once, each as its section has it.
fn params(mut pairs: Vec<(String, Option<String>)>) -> Option<Params> {
    let mut take = |name: &str| {
        let at = pairs.iter().position(|(other, _)| other == name)?;
        Some(pairs.remove(at).1)
    };
    let flag = |taken: Option<Option<String>>| match taken {
        None => Some(false),
        Some(None) => Some(true),
        Some(Some(_)) => None,
    };
    let bits = |value: String| (8..=15_u8).find(|bits| bits.to_string() == value);
    let params = Params {
        server_no_context_takeover: flag(take("server_no_context_takeover"))?,
        client_no_context_takeover: flag(take("client_no_context_takeover"))?,
        server_max_window_bits: match take("server_max_window_bits") {
            None => None,
            Some(value) => Some(bits(value?)?),
        },
        client_max_window_bits: match take("client_max_window_bits") {
            None => ClientBits::Absent,
            Some(None) => ClientBits::Bare,
            Some(Some(value)) => ClientBits::AtMost(bits(value)?),
        },
    };
    pairs.is_empty().then_some(params)
}
