//! What servers answer.

use super::*;
use crate::proto::handshake::client::ResponseParser;
use crate::proto::handshake::{HeadLimits, ResponseError};

const ACCEPT: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fn answer(connector: &Connector, text: &str) -> Result<Agreement, ConnectError> {
    let mut parser = ResponseParser::new(HeadLimits::default());
    let response = parser.parse(text.as_bytes()).unwrap().unwrap();
    connector.verify(NONCE, &response)
}

/// Shows 6455-4.1-49 6455-4.1-51 6455-4.1-52 6455-4.1-57 6455-7.4.1-12 7692-5.1-01.
#[test]
fn answers_are_judged_by_what_was_asked() {
    let plain = to("ws://h");
    let offering = to("ws://h")
        .protocols(["a", "b"])
        .deflate(Policy::default());
    let requiring = offering.clone().require_protocol();
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
        client_no_context_takeover\r\n";
    let b = "Sec-WebSocket-Protocol: b\r\n";
    let good: [(&Connector, &[&str], Option<&str>, bool); 6] = [
        (&plain, &[], None, false),
        (&offering, &[], None, false),
        (&offering, &[b], Some("b"), false),
        (&offering, &[deflate], None, true),
        (&offering, &[b, deflate], Some("b"), true),
        (&requiring, &[b], Some("b"), false),
    ];
    for (connector, lines, protocol, compresses) in good {
        let text = format!("HTTP/1.1 101 S\r\n{ACCEPT}{}\r\n", lines.concat());
        let agreement = answer(connector, &text).unwrap();
        assert_eq!(agreement.protocol.as_deref(), protocol, "{text}");
        assert_eq!(agreement.deflate.is_some(), compresses, "{text}");
    }
    let bad = [
        (&plain, b, "Response(ProtocolNotOffered)"),
        (&plain, deflate, "Response(ExtensionNotOffered)"),
        (
            &offering,
            "Sec-WebSocket-Protocol: A\r\n",
            "Response(ProtocolNotOffered)",
        ),
        (
            &offering,
            "Sec-WebSocket-Extensions: x\r\n",
            "Response(ExtensionNotOffered)",
        ),
        (
            &offering,
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            "Deflate(ServerTakeover)",
        ),
        (
            &offering,
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n",
            "Deflate(ServerWindowValue)",
        ),
        (&requiring, "", "Protocol"),
        (&requiring, deflate, "Protocol"),
    ];
    for (connector, lines, error) in bad {
        let text = format!("HTTP/1.1 101 S\r\n{ACCEPT}{lines}\r\n");
        assert_eq!(
            format!("{:?}", answer(connector, &text).unwrap_err()),
            error,
            "{text}"
        );
    }
    let other_nonce = format!("HTTP/1.1 101 S\r\n{}\r\n", ACCEPT.replace("s3p", "S3p"));
    let error = answer(&plain, &other_nonce).unwrap_err();
    assert!(matches!(
        error,
        ConnectError::Response(ResponseError::AcceptMismatch)
    ));
}

/// Shows 6455-1.3-04 6455-4.1-46 6455-4.1-58 9110-7.8-02.
#[test]
fn what_is_no_101_is_kept() {
    let text = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nset-cookie: a\r\nSet-Cookie: b\r\n\r\nbody";
    let ConnectError::Refused(refused) = answer(&to("ws://h"), text).unwrap_err() else {
        panic!("it is a refusal");
    };
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some(&b"Basic"[..]));
    assert_eq!(refused.headers.len(), 3);
    assert_eq!(refused.headers[2], ("Set-Cookie".into(), b"b".to_vec()));
    let text = ConnectError::Refused(refused).to_string();
    assert_eq!(
        text,
        "the server refused the WebSocket handshake with status 401; it asks for authentication"
    );
}
