//! `--listen unix:…`: the file is there as long as somebody serves.

use crate::client::Client;
use crate::program::{Place, Program, fails, text};
use std::fs;

#[test]
fn the_program_listens_on_a_unix_socket() {
    let place = Place::new();
    let path = place.path("a b.sock");
    let listen = format!("unix:{}", text(&path));
    for workers in ["1", "3"] {
        let program = Program::start(&["echo", "--listen", &listen, "--workers", workers]);
        let url = format!("ws+unix:{}", text(&path).replace(' ', "%20"));
        assert_eq!(program.url, url);
        let mut client = Client::unix(&path).expect("it listens");
        client.assert_open();
        client.assert_echoes();
        program.terminate();
        assert_eq!(client.frame().close_code(), Some(1001));
        drop(client);
        program.assert_ends();
        assert!(!path.exists());
    }
}

#[test]
fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
    let place = Place::new();
    let path = place.path("a.sock");
    let listen = format!("unix:{}", text(&path));
    Program::start(&["broadcast", "--listen", &listen]).kill();
    assert!(path.exists());
    let program = Program::start(&["echo", "--listen", &listen]);
    let (code, said) = fails(&["echo", "--listen", &listen]);
    let expected = format!("sockeye: cannot listen on {listen}: another program answers there");
    assert_eq!((code, said), (Some(1), expected));
    let mut client = Client::unix(&path).expect("it listens");
    client.assert_open();
    drop(client);
    program.terminate();
    program.assert_ends();
    fs::write(&path, "precious").expect("it can be written");
    let (code, said) = fails(&["echo", "--listen", &listen]);
    assert_eq!(code, Some(1));
    assert!(
        said.ends_with(": a file is there that is no socket"),
        "{said}"
    );
    assert_eq!(fs::read(&path).expect("it is there"), b"precious");
}

#[test]
fn what_is_no_place_is_told() {
    for place in ["unix:", "9001", "unix", "localhost:9001"] {
        let (code, said) = fails(&["echo", "--listen", place]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("unix:/path"), "{said}");
    }
}
