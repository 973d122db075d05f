//! Requests over HTTP/2 (RFC 8441).

use crate::wire::pipe;
use http::{Method, Request, Response, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sockeye::aio::{Error, Server};
use sockeye::proto::handshake::{HandshakeError, OriginPolicy};
use std::convert::Infallible;
use std::future::ready;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a server answers that keeps nothing between messages.
const COMPRESSED: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// A good request, as hyper would tell it.
fn good() -> Request<String> {
    let mut request = Request::new(String::new());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "https://example.com/chat?a=b".parse().unwrap();
    let version = "13".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-version", version);
    let protocol = Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    request
}

fn with(mut request: Request<String>, headers: &[(&'static str, &'static str)]) -> Request<String> {
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

fn at(uri: &'static str) -> Request<String> {
    let mut request = good();
    *request.uri_mut() = uri.parse().unwrap();
    request
}

/// What is wrong with it, and the status; of a good one, that it did not come by hyper.
fn judge(mut request: Request<String>) -> (u16, Option<HandshakeError>) {
    let server = Server::new().protocols(["chat"]);
    let refused = server.upgrade(&mut request).unwrap_err();
    let fields = refused.response().headers();
    for name in ["connection", "upgrade", "sec-websocket-accept"] {
        assert!(!fields.contains_key(name), "{name}");
    }
    let length = fields["content-length"].to_str().unwrap();
    assert_eq!(length, refused.response().body().len().to_string());
    (refused.response().status().as_u16(), refused.reason())
}

#[test]
fn what_is_wrong_with_a_request() {
    use HandshakeError::{
        Body, Expect, Extensions, HostMismatch, HostMissing, Origin, OriginRepeated, Protocols,
        Target, Version, VersionRepeated,
    };
    let (fine, broken) = ((500, None), (400, None));
    let crumbs: Vec<_> = (0..200).map(|_| ("cookie", "a=b")).collect();
    let of = |change: fn(&mut Request<String>)| {
        let mut request = good();
        change(&mut request);
        request
    };
    for (what, request, verdict) in [
        ("good", good(), fine),
        (
            "upper case",
            of(|request| {
                request
                    .extensions_mut()
                    .insert(Protocol::from_static("WebSocket"));
            }),
            fine,
        ),
        (
            "a key, which is for nothing",
            with(
                good(),
                &[("sec-websocket-key", "x"), ("sec-websocket-key", "y")],
            ),
            fine,
        ),
        ("many cookies", with(good(), &crumbs), fine),
        (
            "its own host",
            with(good(), &[("host", "example.com")]),
            fine,
        ),
        (
            "a page of its host",
            with(good(), &[("origin", "https://example.com")]),
            fine,
        ),
        ("no scheme", at("/chat"), (400, Some(HostMissing))),
        ("http", at("http://example.com/"), fine),
        ("ftp", at("ftp://example.com/"), (400, Some(Target))),
        ("a user", at("https://a@example.com/"), (400, Some(Target))),
        (
            "another host",
            with(good(), &[("host", "example.net")]),
            (400, Some(HostMismatch)),
        ),
        (
            "GET",
            of(|request| *request.method_mut() = Method::GET),
            (405, None),
        ),
        (
            "no protocol",
            of(|request| *request.extensions_mut() = http::Extensions::new()),
            (501, None),
        ),
        (
            "another protocol",
            of(|request| {
                request
                    .extensions_mut()
                    .insert(Protocol::from_static("connect-udp"));
            }),
            (501, None),
        ),
        (
            "connection",
            with(good(), &[("connection", "upgrade")]),
            broken,
        ),
        ("upgrade", with(good(), &[("upgrade", "websocket")]), broken),
        (
            "transfer-encoding",
            with(good(), &[("transfer-encoding", "chunked")]),
            broken,
        ),
        ("keep-alive", with(good(), &[("keep-alive", "1")]), broken),
        (
            "proxy-connection",
            with(good(), &[("proxy-connection", "close")]),
            broken,
        ),
        (
            "content-length",
            with(good(), &[("content-length", "0")]),
            (400, Some(Body)),
        ),
        (
            "expect",
            with(good(), &[("expect", "100-continue")]),
            (400, Some(Expect)),
        ),
        (
            "no version",
            of(|request| {
                request.headers_mut().remove("sec-websocket-version");
            }),
            (400, Some(Version)),
        ),
        (
            "two versions",
            with(good(), &[("sec-websocket-version", "13")]),
            (400, Some(VersionRepeated)),
        ),
        (
            "a foreign page",
            with(good(), &[("origin", "https://example.net")]),
            (403, Some(Origin)),
        ),
        (
            "two origins",
            with(good(), &[("origin", "null"), ("origin", "null")]),
            (400, Some(OriginRepeated)),
        ),
        (
            "protocols",
            with(good(), &[("sec-websocket-protocol", "a b")]),
            (400, Some(Protocols)),
        ),
        (
            "extensions",
            with(good(), &[("sec-websocket-extensions", ";")]),
            (400, Some(Extensions)),
        ),
    ] {
        assert_eq!(judge(request), verdict, "{what}");
    }
}

/// Without the feature or before HTTP/2 there is no such version, and after it neither.
#[test]
fn other_versions_are_refused() {
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_3] {
        let mut request = good();
        *request.version_mut() = version;
        let refused = Server::new().upgrade(&mut request).unwrap_err();
        assert_eq!(refused.reason(), Some(HandshakeError::HttpVersion));
    }
}

/// A client of a server that echoes whatever message it gets first.
async fn connected() -> SendRequest<String> {
    let (end, io) = pipe();
    let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let respond = service_fn(|mut request: Request<Incoming>| {
        let server = Server::new().origins(OriginPolicy::Any).protocols(["chat"]);
        let response = server.on_upgrade(&mut request, async |mut socket| {
            assert!(socket.is_compressed());
            while let Some(message) = socket.next().await.transpose().unwrap() {
                if message.is_data() {
                    socket.feed(&message).await.unwrap();
                }
            }
        });
        ready(Ok::<Response<String>, Infallible>(response))
    });
    let http = http.enable_connect_protocol();
    tokio::spawn(http.serve_connection(TokioIo::new(io), respond));
    let io = TokioIo::new(end);
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (client, connection) = client.await.unwrap();
    tokio::spawn(connection);
    client
}

async fn upgraded(client: &mut SendRequest<String>) -> TokioIo<Upgraded> {
    let offers = [
        ("sec-websocket-protocol", "mail, chat"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let response = client.send_request(with(good(), &offers)).await.unwrap();
    assert_eq!(response.status(), 200);
    let fields = response.headers();
    assert_eq!(fields["sec-websocket-protocol"], "chat");
    assert_eq!(fields["sec-websocket-extensions"], COMPRESSED);
    assert!(!fields.contains_key("sec-websocket-accept"));
    TokioIo::new(hyper::upgrade::on(response).await.unwrap())
}

#[tokio::test]
async fn sockets_and_refusals_share_a_connection() {
    let mut client = connected().await;
    // By its answer the client knows too that extended CONNECT is spoken here.
    let mut page = good();
    *page.method_mut() = Method::GET;
    page.extensions_mut().clear();
    let response = client.send_request(page).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"CONNECT".parse().unwrap())
    );

    let (mut one, mut other) = (upgraded(&mut client).await, upgraded(&mut client).await);
    let mut version = good();
    version
        .headers_mut()
        .insert("sec-websocket-version", "8".parse().unwrap());
    let response = client.send_request(version).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["sec-websocket-version"], "13");

    for byte in *b"123" {
        let socket = if byte == b'2' { &mut other } else { &mut one };
        socket
            .write_all(&[0x81, 0x81, 0, 0, 0, 0, byte])
            .await
            .unwrap();
        let mut heard = [0; 3];
        socket.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, [0x81, 1, byte]);
    }
    for mut socket in [one, other] {
        socket.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
        let mut heard = Vec::new();
        socket.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"\x88\x00");
    }
}

#[test]
fn a_refusal_over_http2_is_an_error_with_its_status() {
    let mut request = good();
    *request.method_mut() = Method::GET;
    let refused = Server::new().upgrade(&mut request).unwrap_err();
    assert!(matches!(Error::from(refused), Error::Refused(405)));
}
