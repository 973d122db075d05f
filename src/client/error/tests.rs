//! What errors say.

use super::*;
use alloc::borrow::ToOwned as _;
use alloc::vec;

#[test]
fn every_error_is_one_plain_sentence() {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let attempt = |to: &str| Attempt {
        to: to.to_owned(),
        error: refused(),
    };
    let rows = [
        (
            ConfigError::ProtocolsMissing.into(),
            "a subprotocol is required and none is offered; offer one",
        ),
        (
            ConnectError::Resolve {
                host: "h".into(),
                error: refused(),
            },
            "cannot resolve h: connection refused",
        ),
        (
            ConnectError::Connect(vec![]),
            "cannot connect: the host has no address",
        ),
        (
            ConnectError::Connect(vec![attempt("1.2.3.4:5"), attempt("[::1]:5")]),
            "cannot connect to 1.2.3.4:5: connection refused; to [::1]:5: connection refused",
        ),
        (
            ProxyError::Status(502).into(),
            "the proxy refused with status 502: it cannot reach the server",
        ),
        (
            ProxyError::CredentialsMissing.into(),
            "the proxy asks for a user and a password; write them into its URL",
        ),
        (
            ResponseError::AcceptMismatch.into(),
            "the Sec-WebSocket-Accept does not answer the key (RFC 6455 4.1)",
        ),
        (
            AnswerError::ServerTakeover.into(),
            "the server does not agree to server_no_context_takeover (RFC 7692 7.1.1.1)",
        ),
        (
            ConnectError::Protocol,
            "the server chose none of the subprotocols that were offered",
        ),
        (
            RedirectError::Downgrade.into(),
            "the server redirects from wss to ws, without TLS",
        ),
        (
            ConnectError::Timeout(Stage::Tls),
            "the time was over during the TLS handshake",
        ),
        (
            ConnectError::Ended(Stage::Handshake),
            "the connection ended before the server had answered the opening handshake",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
    }
}
