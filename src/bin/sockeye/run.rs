//! Running a handler as a server: say where, serve, stop in order.
//!
//! Not here: where the sockets come from; that is `sockets`.

use crate::args::Options;
use crate::sockets::Sockets;
use sockeye::proto;
use sockeye::proto::deflate::Policy;
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Builder, Exchange, Handler, Limits, Listen, Listener, Server};
use sockeye::tls;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run<H: Handler<State: Send> + Send>(
    options: &Options,
    handler: impl Fn() -> H,
) -> ExitCode {
    serve_by(options, |sockets| {
        let builder = builder(options)?;
        deal(sockets, options.workers, |share| {
            builder.clone().serve(share, handler())
        })
    })
}

/// The same, with servers of one's own making: `start` is told where they are to listen.
pub(crate) fn serve_by<H: Handler<State: Send> + Send>(
    options: &Options,
    start: impl FnOnce(&Sockets) -> io::Result<Vec<Server<H>>>,
) -> ExitCode {
    exit_status(serve(options, start))
}

/// One server per worker. Each socket has one that accepts from it.
pub(crate) fn deal<H: Handler>(
    sockets: &Sockets,
    workers: usize,
    make: impl FnMut(Vec<Listener>) -> io::Result<Server<H>>,
) -> io::Result<Vec<Server<H>>> {
    Listener::deal(&sockets.listeners, workers)
        .into_iter()
        .map(make)
        .collect()
}

/// What the program ends with, and a line about what is in the way.
pub(crate) fn exit_status(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockeye: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve<H: Handler<State: Send> + Send>(
    options: &Options,
    start: impl FnOnce(&Sockets) -> io::Result<Vec<Server<H>>>,
) -> io::Result<()> {
    let sockets = Sockets::open(options)?;
    // All of them listen, for signals as well, before anybody hears of it: a signal that a worker misses never comes
    // again, and the program would not end.
    let servers = start(&sockets)?;
    let stoppers: Vec<_> = servers.iter().map(Server::stopper).collect();
    let line = announcement(options, &sockets.places());
    let restarted = stoppers.clone();
    let _handover = sockets.serving(move || {
        restarted.iter().for_each(|one| drop(one.restart()));
    })?;
    announce(&line)?;
    let workers = servers
        .into_iter()
        .map(|mut server| move || server.run())
        .collect();
    run_together(workers, || {
        stoppers.iter().for_each(|other| drop(other.stop()));
    })
}

/// Runs workers to their ends, the first on this thread: a process with one thread spares itself libc's locks. One that
/// fails takes the others along: half a server is worse than none.
fn run_together<W>(workers: Vec<W>, stop_all: impl Fn() + Sync) -> io::Result<()>
where
    W: FnOnce() -> io::Result<()> + Send,
{
    let run = |worker: W| {
        let result = catch_unwind(AssertUnwindSafe(worker))
            .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")));
        if result.is_err() {
            stop_all();
        }
        result
    };
    let mut workers = workers.into_iter();
    let first = workers.next();
    thread::scope(|scope| {
        let run = &run;
        let spawn = |worker| thread::Builder::new().spawn_scoped(scope, move || run(worker));
        let threads: Vec<_> = workers
            .map(spawn)
            .collect::<io::Result<_>>()
            // The scope waits for those that run already.
            .inspect_err(|_| stop_all())?;
        let result = first.map_or(Ok(()), run);
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")))
            })
            .fold(result, Result::and)
    })
}

fn builder(options: &Options) -> io::Result<Builder> {
    let limits = Limits {
        connection: proto::Limits::with_max_message(options.max_message),
        ..Limits::default()
    };
    let mut builder = Builder::new()
        .limits(limits)
        .origins(OriginPolicy::Any)
        .any_protocol()
        .deflate(deflate(options))
        .trusted_proxies(options.proxies.iter().copied())
        .stop_on_signals();
    if let Some(bytes) = options.send_buffer {
        builder = builder.send_buffer(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    if options.workers > 1 {
        builder = builder.exchange(&Exchange::new());
    }
    if let Some(tls) = tls(options)? {
        builder = builder.tls(tls);
    }
    Ok(builder)
}

/// The certificate and its key, which all workers share.
pub(crate) fn tls(options: &Options) -> io::Result<Option<tls::Server>> {
    let (Some(chain), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    let tls = tls::Server::from_files(chain, key).map_err(io::Error::other)?;
    Ok(Some(tls))
}

pub(crate) fn deflate(options: &Options) -> Option<Policy> {
    (!options.no_deflate).then(|| Policy {
        server_context_takeover: options.context_takeover,
        client_context_takeover: options.context_takeover,
        ..Policy::default()
    })
}

/// Where clients find us, as URLs.
fn announcement(options: &Options, places: &[&Listen]) -> String {
    let scheme = if options.tls_cert.is_some() {
        "wss"
    } else {
        "ws"
    };
    let urls = places.iter().map(|place| match place {
        Listen::Ip(addr) => format!("{scheme}://{addr}"),
        Listen::Unix(path) => format!("{scheme}+unix:{}", percent_encoded(path)),
    });
    let urls: Vec<_> = urls.collect();
    format!("listening on {}", urls.join(" and "))
}

/// A socket's path as it stands in a URL: bytes that mean something there, or that no request line holds, as numbers.
fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        // Two slashes would begin a host.
        let second = text == "/" && *byte == b'/';
        if byte.is_ascii_graphic() && !b"%:?#\\\"<>".contains(byte) && !second {
            text.push(char::from(*byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

/// The one line that scripts wait for.
fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::{exit_status, percent_encoded, run_together};
    use std::io;
    use std::path::Path;
    use std::process::ExitCode;
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    /// However slow the machine: a worker that waits longer was not stopped.
    const PATIENCE: Duration = Duration::from_secs(30);

    type Worker<'w> = Box<dyn FnOnce() -> io::Result<()> + Send + 'w>;

    /// Runs one that does something beside two that serve until they are stopped. Gives what came of it, and how many
    /// of those two were stopped.
    fn beside_two(first: fn() -> io::Result<()>) -> (io::Result<()>, usize) {
        let (stopped, told, ended) = (Mutex::new(false), Condvar::new(), Mutex::new(0));
        let serve = || {
            let wait = stopped.lock().expect("no panic");
            let (_lock, time) = told
                .wait_timeout_while(wait, PATIENCE, |stopped| !*stopped)
                .expect("no panic");
            *ended.lock().expect("no panic") += usize::from(!time.timed_out());
            Ok(())
        };
        let workers: Vec<Worker<'_>> = vec![Box::new(serve), Box::new(first), Box::new(serve)];
        let result = run_together(workers, || {
            *stopped.lock().expect("no panic") = true;
            told.notify_all();
        });
        (result, ended.into_inner().expect("no panic"))
    }

    #[test]
    fn a_worker_that_panics_takes_the_others_along_and_the_program_fails() {
        let (result, stopped) = beside_two(|| panic!("asked to"));
        assert_eq!(stopped, 2);
        let error = result.as_ref().map_err(ToString::to_string);
        assert_eq!(error, Err("a worker panicked".to_owned()));
        assert_eq!(exit_status(result), ExitCode::FAILURE);
    }

    #[test]
    fn a_worker_that_fails_takes_the_others_along() {
        let (result, stopped) = beside_two(|| Err(io::ErrorKind::OutOfMemory.into()));
        assert_eq!(stopped, 2);
        let kind = result.map_err(|error| error.kind());
        assert_eq!(kind, Err(io::ErrorKind::OutOfMemory));
    }

    #[test]
    fn workers_that_end_in_order_are_a_success() {
        let workers = vec![|| Ok(()), || Ok(())];
        let result = run_together(workers, || unreachable!("nobody failed"));
        assert_eq!(exit_status(result), ExitCode::SUCCESS);
    }

    #[test]
    fn a_path_in_a_url_is_read_as_it_was() {
        let path = Path::new("/run/a b:c?d%e#f/\u{e9}.sock");
        let url = format!("ws+unix:{}", percent_encoded(path));
        assert_eq!(url, "ws+unix:/run/a%20b%3Ac%3Fd%25e%23f/%C3%A9.sock");
        let url = sockeye::client::Url::parse(&url).expect("a URL");
        assert_eq!(url.unix_path(), Some(path));
        assert_eq!(percent_encoded(Path::new("//run//s")), "/%2Frun//s");
    }
}
