//! Connections that hyper has upgraded, and those that it has not.

use crate::wire::{ask, pipe, serve, within_an_hour};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sockeye::aio::http::{Refused, Socket, UpgradeService, WebSocketUpgrade};
use sockeye::aio::{Client, Error, Server, Terms, Tokio};
use sockeye::proto::CloseCode;
use sockeye::proto::handshake::{HandshakeError, OriginPolicy};
use std::future::ready;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tower_service::Service;

const GOOD: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// The good request with these lines.
fn asking(lines: &str) -> Vec<u8> {
    format!("{GOOD}{lines}\r\n").into_bytes()
}

async fn echo(mut socket: Socket) {
    while let Some(message) = socket.next().await.transpose().unwrap() {
        if message.is_data() {
            socket.feed(&message).await.unwrap();
        }
    }
}

fn router(io: DuplexStream, router: Router) {
    serve(io, move |request| router.clone().call(request));
}

/// Everything that the handshake agrees on is done, on whichever way the request has come.
async fn converse(end: DuplexStream, protocol: Option<&str>, is_compressed: bool) {
    let client = Client::new("server.example.com", "/chat").protocols(["a", "b"]);
    let mut socket = client.connect(Tokio::new(end)).await.unwrap();
    assert_eq!(socket.protocol(), protocol);
    assert_eq!(socket.is_compressed(), is_compressed);
    for text in ["", "hello", &"abc".repeat(100_000)] {
        socket.send(text).await.unwrap();
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(text));
    }
    let goodbye = socket.close(CloseCode::NORMAL, "bye").await.unwrap();
    assert_eq!(goodbye.unwrap().code, Some(CloseCode::NORMAL));
}

fn uncompressed() -> Terms {
    let mut config = sockeye::proto::Config::default();
    config.deflate = None;
    let mut terms = Terms::default();
    terms.config = config.into();
    terms
}

#[tokio::test(start_paused = true)]
async fn what_is_agreed_on_is_done() {
    for (terms, is_compressed) in [(Terms::default(), true), (uncompressed(), false)] {
        let server = Server::new().terms(terms).protocols(["b", "a"]);

        let (end, io) = pipe();
        let by_hyper = server.clone();
        serve(io, move |mut request| {
            ready(Ok(by_hyper.on_upgrade(&mut request, echo)))
        });
        converse(end, Some("b"), is_compressed).await;

        let (end, io) = pipe();
        let service = UpgradeService::new(server.clone(), |socket, _| echo(socket));
        serve(io, move |request| service.clone().call(request));
        converse(end, Some("b"), is_compressed).await;

        let (end, io) = pipe();
        let handler = async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo);
        let routes = Router::new().route("/chat", any(handler));
        router(io, routes.layer(Extension(server)));
        converse(end, Some("b"), is_compressed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_request_at_once_is_its_first_frame() {
    let (mut end, io) = pipe();
    let (told, mut said) = mpsc::unbounded_channel();
    serve(io, move |mut request| {
        let told = told.clone();
        let hear = async move |mut socket: Socket| {
            while let Some(message) = socket.next().await.transpose().unwrap() {
                told.send(message).unwrap();
            }
        };
        ready(Ok(Server::new().on_upgrade(&mut request, hear)))
    });
    let frames = b"\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0";
    end.write_all(&[&asking("")[..], frames].concat())
        .await
        .unwrap();
    assert_eq!(said.recv().await.unwrap().as_text(), Some("hi"));
    let mut heard = Vec::new();
    end.read_to_end(&mut heard).await.unwrap();
    assert!(heard.ends_with(b"\r\n\r\n\x88\x00"), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_dropped_ends_the_connection() {
    let (mut end, io) = pipe();
    serve(io, |mut request| {
        let (response, upgrade) = Server::new().upgrade(&mut request).unwrap();
        assert_eq!(upgrade.protocol(), None);
        drop(upgrade);
        ready(Ok(response))
    });
    assert_eq!(ask(&mut end, &asking("")).await.status, 101);
    assert_eq!(end.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_does_not_come_about_is_an_error() {
    // A client that has gone, and a connection that is served without upgrades.
    for with_upgrades in [true, false] {
        let (mut end, io) = pipe();
        let (told, mut upgrades) = mpsc::unbounded_channel();
        let respond = service_fn(move |mut request| {
            let (response, upgrade) = Server::new().upgrade(&mut request).unwrap();
            told.send(upgrade).unwrap();
            ready(Ok::<_, Error>(response))
        });
        let http = http1::Builder::new().serve_connection(TokioIo::new(io), respond);
        end.write_all(&asking("")).await.unwrap();
        if with_upgrades {
            drop(end);
            tokio::spawn(http.with_upgrades());
        } else {
            tokio::spawn(http);
        }
        let upgrade = within_an_hour(upgrades.recv()).await.unwrap();
        let upgrade = within_an_hour(upgrade).await;
        assert!(matches!(upgrade, Err(Error::Io(_))), "{with_upgrades}");
    }
}

#[test]
fn a_request_that_nobody_can_upgrade_is_not_the_clients_fault() {
    let mut request = http::Request::get("/chat")
        .header("host", "server.example.com")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13")
        .body(())
        .unwrap();
    let refused = Server::new().upgrade(&mut request).unwrap_err();
    assert_eq!(
        (refused.reason(), refused.response().status().as_u16()),
        (None, 500)
    );
    assert!(matches!(Error::from(refused), Error::Refused(500)));
    // What is wrong with it all the same is.
    request.headers_mut().remove("upgrade");
    let refused = Server::new().upgrade(&mut request).unwrap_err();
    assert_eq!(refused.reason(), Some(HandshakeError::Upgrade));
    assert_eq!(refused.to_string() + "\n", *refused.response().body());
    assert!(matches!(
        Error::from(refused),
        Error::Handshake(HandshakeError::Upgrade)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_axum_has_the_last_word_and_its_layer_the_first() {
    async fn strict(upgrade: WebSocketUpgrade) -> Response {
        let origins = OriginPolicy::List(vec!["https://example.com".to_owned()]);
        let upgrade = upgrade.origins(origins).protocols(["c"]);
        upgrade.terms(uncompressed()).on_upgrade(async |_| {})
    }
    async fn of_the_layer(upgrade: WebSocketUpgrade) -> Response {
        upgrade.on_upgrade(async |_| {})
    }
    let mut few = Terms::default();
    few.head.max_headers = 6;
    let layer = Server::new()
        .origins(OriginPolicy::Any)
        .terms(few)
        .protocols(["b"]);
    let routes = Router::new().route("/chat", any(of_the_layer));
    let routes = routes.layer(Extension(layer));
    let offers = "Sec-WebSocket-Protocol: b, c\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let offers = offers.to_owned();
    let good = "Origin: https://example.com\r\n".to_owned() + &offers;
    let bad = "Origin: https://example.net\r\n";
    for (routes, lines, status, protocol, is_compressed) in [
        (
            Router::new().route("/chat", any(strict)),
            &*good,
            101,
            Some("c"),
            false,
        ),
        (
            Router::new().route("/chat", any(strict)),
            bad,
            403,
            None,
            false,
        ),
        (
            Router::new().route("/chat", any(of_the_layer)),
            &*offers,
            101,
            None,
            true,
        ),
        (
            Router::new().route("/chat", any(of_the_layer)),
            bad,
            403,
            None,
            false,
        ),
        (routes.clone(), bad, 101, None, false),
        (
            routes.clone(),
            "Sec-WebSocket-Protocol: b, c\r\n",
            101,
            Some("b"),
            false,
        ),
        (routes, &*offers, 431, None, false),
        (Router::new(), "", 404, None, false),
    ] {
        let (mut end, io) = pipe();
        router(io, routes);
        let lines = if status == 404 {
            "Connection: close\r\n"
        } else {
            lines
        };
        let answer = ask(&mut end, &asking(lines)).await;
        assert_eq!(answer.status, status, "{lines}");
        assert_eq!(answer.field("sec-websocket-protocol"), protocol);
        assert_eq!(
            answer.field("sec-websocket-extensions").is_some(),
            is_compressed
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_axum_may_answer_a_refusal_itself() {
    async fn page(upgrade: Result<WebSocketUpgrade, Refused>) -> Response {
        match upgrade {
            Ok(upgrade) => upgrade.on_upgrade(echo),
            Err(refused) if refused.reason() == Some(HandshakeError::Upgrade) => {
                "a page".into_response()
            }
            Err(refused) => refused.into_response(),
        }
    }
    for (request, status, body) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            200,
            "a page",
        ),
        (
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            400,
            "the Host header is missing\n",
        ),
    ] {
        let (mut end, io) = pipe();
        router(io, Router::new().route("/", any(page)));
        let answer = ask(&mut end, request.as_bytes()).await;
        assert_eq!((answer.status, &*answer.body), (status, body));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_of_tower_is_told_the_request() {
    let (end, io) = pipe();
    let greet = async |mut socket: Socket, request: http::Request<()>| {
        let asked = format!("{} {:?}", request.uri(), request.headers().get("x-user"));
        socket.send(&asked).await.unwrap();
    };
    let routes = Router::new().route_service("/ws", UpgradeService::new(Server::new(), greet));
    router(io, routes);
    let client = Client::new("a", "/ws?room=1").header("X-User", "ann");
    let mut socket = client.connect(Tokio::new(end)).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("/ws?room=1 Some(\"ann\")"));
}
