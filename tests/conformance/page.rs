//! Writes `docs/conformance.md` from the requirements and what the tests say.
//!
//! Not here: numbers of lines, dates and counts of tests, which would change with every edit elsewhere.

use crate::requirements::{Exempt, KINDS, Requirement, Requirements};
use crate::tags::Tag;
use std::collections::BTreeMap;
use std::fmt::Write;

/// So many tests are named of one requirement.
const NAMED: usize = 3;

const HEAD: &str = "\
# What the RFCs require, and which test shows it

This page is written by a test, from what the tests say of themselves. It has every requirement that we found in RFC 6455
(The WebSocket Protocol) and RFC 7692 (Compression Extensions for WebSocket), and what RFC 9110 and RFC 9112 (HTTP) ask of
an opening handshake. RFC 8441 (WebSocket over HTTP/2) is listed; the feature `http2` leaves HTTP/2 itself to hyper.

A requirement has one or more tests that fail when it is broken, or a reason why there is none. `cargo test --test
conformance` fails where one has neither, where a test names a requirement that is not there, and where this page is not
what that test would write. To see for yourself, run the test that is named here, break the code, and run it again; for
thirty requirements drawn at random, [conformance-breaks.md](conformance-breaks.md) says what we broke and what failed.

- A test in Rust is run by its name: `cargo test --all-features a_client_masks_every_frame_with_a_key_of_its_own`.
- A row of a `.rows` file is run with the others of its file: [tests/proto](../tests/proto) replays frames and compressed
  messages whole, at every split and byte by byte; [tests/handshake](../tests/handshake) does so with the heads of
  handshakes.
- The requirements are data, [tests/requirements.tsv](../tests/requirements.tsv), with a way to check each and the cases
  of the Autobahn|Testsuite that would notice. What has no test is in
  [tests/requirements-exempt.tsv](../tests/requirements-exempt.tsv).

Levels in small letters are requirements that the RFC states without one of the words in capitals.
";

pub(crate) fn text(requirements: &Requirements, tags: &[Tag]) -> String {
    let mut page = HEAD.to_owned();
    totals(&mut page, requirements);
    kinds(&mut page, requirements);
    let mut tests: BTreeMap<&str, Vec<&Tag>> = BTreeMap::new();
    for tag in tags {
        tests.entry(&tag.id).or_default().push(tag);
    }
    let mut place = ("", "");
    for requirement in &requirements.all {
        let here = (requirement.rfc, requirement.section);
        if here.0 != place.0 {
            write!(page, "\n## RFC {}\n", here.0).unwrap();
        }
        if here != place {
            write!(page, "\n### Section {}\n\n", here.1).unwrap();
            page += "| id | level | who | requirement | tests |\n|---|---|---|---|---|\n";
            place = here;
        }
        let shown = match requirements.exempt.get(requirement.id) {
            Some(exempt) => why(exempt),
            None => named(tests.get(requirement.id).map_or(&[][..], Vec::as_slice)),
        };
        line(&mut page, requirement, &shown);
    }
    page
}

fn totals(page: &mut String, requirements: &Requirements) {
    *page += "\n## How many\n\n| RFC | level | requirements | with tests | without, for a reason |\n|---|---|---|---|---|\n";
    let mut rfcs: Vec<&str> = requirements.all.iter().map(|each| each.rfc).collect();
    rfcs.sort_unstable();
    rfcs.dedup();
    for rfc in rfcs {
        for weight in ["MUST", "SHOULD", "MAY"] {
            let those = |each: &&Requirement| each.rfc == rfc && each.weight() == weight;
            count(page, requirements, rfc, weight, those);
        }
    }
    count(page, requirements, "all", "", |_| true);
}

fn count(
    page: &mut String,
    requirements: &Requirements,
    rfc: &str,
    weight: &str,
    those: impl Fn(&&Requirement) -> bool,
) {
    let all = requirements.all.iter().filter(those);
    let (without, with): (Vec<_>, Vec<_>) =
        all.partition(|each| requirements.exempt.contains_key(each.id));
    if !with.is_empty() || !without.is_empty() {
        let all = with.len() + without.len();
        let (with, without) = (with.len(), without.len());
        writeln!(page, "| {rfc} | {weight} | {all} | {with} | {without} |").unwrap();
    }
}

fn kinds(page: &mut String, requirements: &Requirements) {
    *page +=
        "\nReasons why there is no test:\n\n| reason | how many | what it means |\n|---|---|---|\n";
    for (name, meaning) in KINDS {
        let of_it = |exempt: &&Exempt| exempt.kind == name;
        let count = requirements.exempt.values().filter(of_it).count();
        writeln!(page, "| {name} | {count} | {meaning} |").unwrap();
    }
}

fn line(page: &mut String, requirement: &Requirement, shown: &str) {
    let Requirement {
        id, level, role, ..
    } = requirement;
    let text = escaped(requirement.text);
    writeln!(page, "| {id} | {level} | {role} | {text} | {shown} |").unwrap();
}

fn why(exempt: &Exempt) -> String {
    format!("none ({}): {}", exempt.kind, escaped(exempt.reason))
}

fn named(tests: &[&Tag]) -> String {
    let names = tests.iter().take(NAMED).map(|tag| {
        let name = escaped(&tag.test);
        format!("[{name}](../{})", tag.file)
    });
    let mut shown = names.collect::<Vec<_>>().join("<br>");
    if tests.len() > NAMED {
        write!(shown, "<br>and {} more", tests.len() - NAMED).unwrap();
    }
    shown
}

/// What a cell of a table would take for something else.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\|*`<>[]~".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}
