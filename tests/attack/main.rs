//! `sockeye attack`: this crate's server is exact, and others get the grades that they deserve.
//!
//! Not here: the rows; `tests/proto` and `tests/handshake` replay them without a wire.
#![forbid(unsafe_code)]
#![allow(
    unreachable_pub,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "tests have std and fail where they unwrap nothing; what they share is all `pub`"
)]

mod careless;
#[path = "../program/running.rs"]
#[allow(dead_code, reason = "nobody types here")]
mod running;

use careless::Careless;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use running::{Said, Serving, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// However slow the machine: a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A server that is as slow as this machine is still exact.
const PATIENT: &[&str] = &["--timeout", "60"];

fn attack(url: &str, args: &[&str]) -> Said {
    run(&[&["attack", url], args].concat(), "")
}

/// The grades of rows by their names.
fn grade<'j>(json: &'j Value, row: &str) -> &'j str {
    let results = json["results"].as_array().unwrap();
    let found = results.iter().find(|result| result["row"] == row);
    found.unwrap_or_else(|| panic!("no row {row}"))["grade"]
        .as_str()
        .unwrap()
}

#[test]
fn our_server_is_exact() {
    let server = Serving::echo();
    let said = attack(
        &server.url,
        &[PATIENT, &["--modes", "splits", "--json"]].concat(),
    );
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let total = json["score"]["total"].as_u64().unwrap();
    if said.code != Some(0) {
        let results = json["results"].as_array().unwrap().iter();
        let bad: Vec<_> = results.filter(|one| one["grade"] != "exact").collect();
        panic!("{bad:#?} {}", said.stderr);
    }
    assert!(total > 700, "{total}");
    assert_eq!(json["score"]["exact"], total);
    assert_eq!(json["exact"], true);
    assert_eq!(json["areas"].as_array().unwrap().len(), 9);
}

#[test]
fn our_server_is_exact_behind_tls_and_within_its_limits() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (cert, key) = (dir.join("attack-cert.pem"), dir.join("attack-key.pem"));
    let CertifiedKey {
        cert: made,
        signing_key,
    } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&cert, made.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let tls = ["--tls-cert", cert, "--tls-key", key];
    let ours = ["--context-takeover", "--max-message", "1MiB"];
    let server = Serving::start(&[&["echo"][..], &tls, &ours].concat());
    let flags = ["--modes", "behind,whole", "--ca", cert, "--limits"];
    let said = attack(&server.url, &[PATIENT, &flags].concat());
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.ends_with("all exact\n"), "{}", said.stdout);
}

#[test]
fn a_careless_server_is_lax() {
    let server = Careless::start();
    let flags = ["--modes", "whole", "--json", "--timeout", "4", "--only"];
    let masks = attack(&server.url, &[&flags[..], &["masks"]].concat());
    assert_eq!((masks.code, masks.stderr.as_str()), (Some(1), ""));
    let json: Value = serde_json::from_str(&masks.stdout).unwrap();
    assert_eq!(
        grade(&json, "server refuses unmasked text at its second byte"),
        "lax"
    );
    assert_eq!(
        grade(&json, "server refuses an unmasked ping without a pong"),
        "lax"
    );
    assert_eq!(
        grade(&json, "server refuses an empty unmasked close"),
        "closed"
    );
    let more = ["--only", "control", "--only", "version"];
    let others = attack(&server.url, &[&flags[..5], &more].concat());
    let json: Value = serde_json::from_str(&others.stdout).unwrap();
    assert_eq!(grade(&json, "answers a ping of 1 bytes"), "exact");
    assert_eq!(json["areas"][0]["area"], "heads");
    assert!(json["areas"][0]["lax"].as_u64().unwrap() > 5);
    assert_eq!(json["exact"], false);
}

#[test]
fn there_is_a_list_and_nobody_to_attack_is_told() {
    let list = run(&["attack", "--list", "--only", "F09"], "");
    assert_eq!(list.code, Some(0));
    assert!(
        list.stdout.contains("F09") && list.lines().len() > 1,
        "{}",
        list.stdout
    );
    let nobody = attack("ws://127.0.0.1:1", &[]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(1), ""));
    for wrong in [
        &["attack"][..],
        &["attack", "ws://h", "--modes", "fast"],
        &["attack", "h"],
    ] {
        assert_eq!(run(wrong, "").code, Some(2), "{wrong:?}");
    }
}
