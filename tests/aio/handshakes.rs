//! Connections are opened, or not.

use crate::script::{REQUEST, Script, now};
use sockeye::aio::{Arrival, Client, Error, Server, Terms, WebSocket};
use sockeye::proto::handshake::client::Response;
use sockeye::proto::handshake::{HandshakeError, Misuse, OriginPolicy, Refusal, ResponseError};
use sockeye::proto::{Config, Event, Role};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::pipe::{End, pipe};

/// Lets both run until they are done.
fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    now(poll_fn(|_| {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..1000 {
            if first.is_none() {
                first = ready(one.as_mut().poll(&mut cx));
            }
            if second.is_none() {
                second = ready(other.as_mut().poll(&mut cx));
            }
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (one, other) => {
                (first, second) = (one, other);
                Poll::Pending
            }
        }
    }))
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn open(client: &Client, server: &Server) -> (WebSocket<End>, WebSocket<End>) {
    let (client_end, server_end) = pipe(3);
    let (client, server) = both(client.connect(client_end), server.accept(server_end));
    (client.unwrap(), server.unwrap())
}

#[test]
fn what_was_agreed_on_is_known_to_both() {
    let client = Client::new("x", "/").protocols(["v1", "v2"]);
    let server = Server::new().protocols(["v3", "v2", "v1"]);
    let (client, server) = open(&client, &server);
    assert_eq!((client.role(), server.role()), (Role::Client, Role::Server));
    for socket in [&client, &server] {
        assert_eq!(socket.protocol(), Some("v2"));
        assert!(socket.is_compressed());
    }
}

#[test]
fn compression_can_be_left_out_by_either() {
    let mut config = Config::default();
    config.deflate = None;
    let mut terms = Terms::default();
    terms.config = config.into();
    let (client, server) = (Client::new("x", "/"), Server::new());
    let without = (
        client.clone().terms(terms.clone()),
        server.clone().terms(terms),
    );
    for (client, server) in [(&without.0, &server), (&client, &without.1)] {
        let (client, server) = open(client, server);
        assert!(!client.is_compressed() && !server.is_compressed());
    }
}

#[test]
fn what_is_long_is_compressed_and_arrives() {
    let (mut client, mut server) = open(&Client::new("x", "/"), &Server::new());
    let text = "always the same ".repeat(2000);
    for _ in 0..3 {
        let (sent, received) = both(client.send(&text), server.receive());
        sent.unwrap();
        assert_eq!(received.unwrap(), Some(Event::Text(&text)));
        now(server.feed(&text)).unwrap();
        // Compressed it has fewer bytes than are queued before a write.
        assert!(server.queued_bytes() < 1000, "{}", server.queued_bytes());
        let (flushed, received) = both(server.flush(), client.receive());
        flushed.unwrap();
        assert_eq!(received.unwrap(), Some(Event::Text(&text)));
    }
}

/// What comes with the request, or with the answer to it, is not lost.
#[test]
fn frames_may_come_with_the_head() {
    let early = [REQUEST, b"\x81\x82\0\0\0\0hi\x81\x82\0\0\0\0yo"].concat();
    for split in 0..early.len() {
        let script = Script::new(&early, [split]);
        let mut socket = now(Server::new().accept(script)).unwrap();
        assert_eq!(
            now(socket.receive()).unwrap(),
            Some(Event::Text("hi")),
            "{split}"
        );
        assert_eq!(
            now(socket.receive()).unwrap(),
            Some(Event::Text("yo")),
            "{split}"
        );
        assert!(matches!(now(socket.receive()), Err(Error::Lost)));
    }
    let script = Script::new(b"\x81\x02hi", []).answers();
    let mut socket = now(Client::new("x", "/").connect(script)).unwrap();
    assert_eq!(now(socket.receive()).unwrap(), Some(Event::Text("hi")));
}

#[test]
fn the_stream_can_be_had_back() {
    let script = Script::new(REQUEST, []);
    let mut socket = now(Server::new().accept(script.clone())).unwrap();
    socket.get_mut().takes(3);
    assert_eq!(socket.get_ref().left(), 0);
    script.written();
    let stream = socket.into_inner();
    stream.say(b"more");
    assert_eq!(script.left(), 1);
}

fn arrive(script: &Script) -> Arrival<Script> {
    script.say(REQUEST);
    now(Server::new().greet(script.clone())).unwrap()
}

#[test]
fn the_application_decides() {
    let script = Script::default();
    let arrival = arrive(&script);
    assert_eq!(arrival.request().path(), "/");
    assert_eq!(arrival.protocol(), None);
    let socket = now(arrival.accept_with(&[("Set-Cookie", "a=b")])).unwrap();
    assert!(
        String::from_utf8(script.written())
            .unwrap()
            .contains("\r\nSet-Cookie: a=b\r\n")
    );
    drop(socket);

    let script = Script::default();
    let error = now(arrive(&script).refuse(&Refusal::new(401, "log in first")));
    assert!(matches!(error, Error::Refused(401)));
    assert!(
        script
            .written()
            .starts_with(b"HTTP/1.1 401 Unauthorized\r\n")
    );
    assert!(script.has_ended());
}

#[test]
fn what_cannot_be_said_is_not() {
    let arrival = arrive(&Script::default()).with_protocol("v9".to_owned());
    assert!(matches!(
        now(arrival.accept()),
        Err(Error::Misuse(Misuse::ProtocolNotOffered))
    ));
    let headers = [("X", "a\r\nY: b")];
    let refused = now(arrive(&Script::default()).accept_with(&headers));
    assert!(matches!(refused, Err(Error::Misuse(_))));
    let client = Client::new("x", "/").header("X", "a\r\nY: b");
    assert!(matches!(
        now(client.connect(Script::default())),
        Err(Error::Misuse(_))
    ));
}

#[test]
fn a_wrong_request_is_answered_and_told() {
    for (request, status, error) in [
        (
            "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            405,
            HandshakeError::Method,
        ),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            426,
            HandshakeError::Upgrade,
        ),
    ] {
        let script = Script::new(request.as_bytes(), []);
        let told = now(Server::new().accept(script.clone())).unwrap_err();
        assert!(
            matches!(told, Error::Handshake(found) if found == error),
            "{told:?}"
        );
        let answer = String::from_utf8(script.written()).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(script.has_ended());
    }
}

#[test]
fn strangers_pages_are_refused() {
    let request = [
        &REQUEST[..REQUEST.len() - 2],
        b"Origin: http://evil\r\n\r\n",
    ]
    .concat();
    let script = Script::new(&request, []);
    let told = now(Server::new().accept(script.clone())).unwrap_err();
    assert!(matches!(told, Error::Handshake(HandshakeError::Origin)));
    assert!(script.written().starts_with(b"HTTP/1.1 403 "));
    let server = Server::new().origins(OriginPolicy::Any);
    assert!(now(server.accept(Script::new(&request, []))).is_ok());
}

#[test]
fn a_client_may_look_at_the_answer() {
    let (client_end, server_end) = pipe(5);
    let serve = async {
        let arrival = Server::new().greet(server_end).await?;
        arrival
            .accept_with(&[("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")])
            .await
    };
    let client = Client::new("x", "/");
    let opening = client.connect_with(client_end, |response| {
        let cookies = response.headers().all("set-cookie");
        (
            response.status(),
            cookies.map(<[u8]>::to_vec).collect::<Vec<_>>(),
        )
    });
    let (opened, _server) = both(opening, serve);
    let (socket, (status, cookies)) = opened.unwrap();
    assert_eq!((status, socket.role()), (101, Role::Client));
    assert_eq!(cookies, [b"a=b".to_vec(), b"c=d".to_vec()]);
}

#[test]
fn a_client_may_look_at_a_refusal_and_at_no_half_answer() {
    let refused = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    for (answer, seen) in [(&refused[..], Some(&b"/there"[..])), (&refused[..50], None)] {
        let mut place = None;
        let look = |response: &Response<'_>| {
            place = response.headers().first("location").map(<[u8]>::to_vec);
        };
        let told = now(Client::new("x", "/").connect_with(Script::new(answer, []), look));
        match seen {
            Some(_) => assert!(matches!(
                told,
                Err(Error::Response(ResponseError::Status(302)))
            )),
            None => assert!(matches!(told, Err(Error::Lost))),
        }
        assert_eq!(place.as_deref(), seen);
    }
}

#[test]
fn a_client_takes_no_other_answer() {
    let refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let told = now(Client::new("x", "/").connect(Script::new(refused, []))).unwrap_err();
    assert!(
        matches!(told, Error::Response(ResponseError::Status(401))),
        "{told:?}"
    );
    let told = now(Client::new("x", "/").connect(Script::new(&refused[..20], []))).unwrap_err();
    assert!(matches!(told, Error::Lost), "{told:?}");
}
