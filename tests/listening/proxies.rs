//! `--proxy-from`, on the real kernel.

use crate::client::Client;
use crate::frames::REQUEST;
use crate::program::{Place, Program, fails, text};

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0C\xCB\x00\x71\x07\xC0\x00\x02\x01\xC7\x38\x01\xBB";

#[test]
fn a_trusted_proxy_must_say_where_it_comes_from() {
    let any = "127.0.0.1:0";
    let program = Program::start(&["echo", "--listen", any, "--proxy-from", "127.0.0.0/8"]);
    for header in [V1, V2] {
        let mut client = Client::tcp(program.addr()).expect("it listens");
        client.send(header);
        client.assert_open();
        client.assert_echoes();
    }
    let mut client = Client::tcp(program.addr()).expect("it listens");
    client.send(REQUEST);
    assert_eq!(client.rest(), b"");
}

#[test]
fn others_are_not_believed() {
    let any = "127.0.0.1:0";
    let program = Program::start(&[
        "echo",
        "--listen",
        any,
        "--proxy-from",
        "10.0.0.0/8",
        "--proxy-from",
        "unix",
    ]);
    let mut client = Client::tcp(program.addr()).expect("it listens");
    client.send(V1);
    let answer = client.ask().expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let mut client = Client::tcp(program.addr()).expect("it listens");
    client.assert_open();
}

#[test]
fn unix_sockets_are_trusted_as_a_whole() {
    let place = Place::new();
    let path = place.path("a.sock");
    let listen = format!("unix:{}", text(&path));
    let _program = Program::start(&["echo", "--listen", &listen, "--proxy-from", "unix"]);
    let mut client = Client::unix(&path).expect("it listens");
    client.send(V1);
    client.assert_open();
    let mut client = Client::unix(&path).expect("it listens");
    client.send(REQUEST);
    assert_eq!(client.rest(), b"");
}

#[test]
fn what_names_no_proxy_is_told() {
    let (code, said) = fails(&["echo", "--proxy-from", "10.0.0.1/8"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("the address has bits behind its prefix"),
        "{said}"
    );
}
