//! The rows about opening handshakes, by way of hyper: what it lets through is answered as where we read it.

#[path = "../../src/bin/sockeye/attack/heads.rs"]
mod heads;

use crate::wire::{Answer, ask, pipe, raw_answer, serve};
use axum::response::Response;
use axum::{Extension, Router};
use heads::Row;
use sockeye::aio::Server;
use sockeye::aio::http::{UpgradeService, WebSocketUpgrade};
use sockeye::proto::handshake::OriginPolicy;
use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower_service::Service as _;

const ROWS: &str = include_str!("../../tests/rows/handshake_server.rows");

/// What hyper takes for something else before we see it: line ends that are none, and what it does not tell.
const READ_BY_HYPER: [&str; 7] = [
    "two empty lines before the request",
    "a hundred empty lines before the request",
    "bare LF before the request",
    "LF lines",
    "bare LF in a value",
    "bare LF as the empty line",
    "target with a fragment",
];

/// Good ones that hyper refuses.
const REFUSED_BY_HYPER: [&str; 0] = [];

#[derive(Clone, Copy, Debug)]
enum By {
    Hyper,
    Axum,
    Tower,
}

/// Whatever hyper lets through.
#[tokio::test(start_paused = true)]
async fn every_row_that_comes_through_hyper_is_answered_as_it_ever_was() {
    let rows = heads::parse(ROWS, str::to_owned).unwrap();
    let (mut came, mut others, mut refused) = (0, BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        if row.text("want") == Some("more") {
            continue;
        }
        let server = server(row);
        let wanted = raw_answer(&server, &row.input).await;
        for by in [By::Hyper, By::Axum, By::Tower] {
            let (answer, has_come) = answer(by, &server, &row.input).await;
            came += usize::from(has_come);
            if !has_come {
                assert!(
                    answer.status == 0 || answer.status >= 400,
                    "{} {by:?}",
                    row.name
                );
                if wanted.status == 101 {
                    refused.insert(row.name.as_str());
                }
            } else if answer != wanted {
                others.insert(row.name.as_str());
            }
        }
    }
    assert_eq!(others, READ_BY_HYPER.into());
    assert_eq!(refused, REFUSED_BY_HYPER.into());
    assert!(came > 3 * 100, "{came}");
}

fn server(row: &Row) -> Server {
    let origins = match row.words("origin").as_slice() {
        [] | ["any"] => OriginPolicy::Any,
        ["same"] => OriginPolicy::SameHost,
        ["list", list @ ..] => {
            OriginPolicy::List(list.iter().map(|&origin| origin.to_owned()).collect())
        }
        other => panic!("{other:?}?"),
    };
    Server::new()
        .origins(origins)
        .protocols(row.words("supports"))
}

/// The answer, and whether it is ours: hyper answers malformed heads by itself.
async fn answer(by: By, server: &Server, request: &[u8]) -> (Answer, bool) {
    let (mut end, io) = pipe();
    let came = Arc::new(AtomicBool::new(false));
    let (server, seen) = (server.clone(), Arc::clone(&came));
    let note = move || seen.store(true, Ordering::Relaxed);
    match by {
        By::Hyper => serve(io, move |mut request| {
            note();
            ready(Ok(server.on_upgrade(&mut request, async |_| {})))
        }),
        By::Axum => {
            let router = Router::new().fallback(accept).layer(Extension(server));
            serve(io, move |request| {
                note();
                router.clone().call(request)
            });
        }
        By::Tower => {
            let service = UpgradeService::new(server, async |_, _| {});
            serve(io, move |request| {
                note();
                service.clone().call(request)
            });
        }
    }
    let answer = ask(&mut end, request).await;
    (answer, came.load(Ordering::Relaxed))
}

async fn accept(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |_| {})
}
