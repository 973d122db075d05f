//! Running a handler as a server: bind, say where, serve, stop in order.

use crate::args::Options;
use core::net::SocketAddr;
use sockeye::proto;
use sockeye::proto::deflate::Policy;
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Builder, Exchange, Handler, Limits, Server, listen};
use sockeye::tls;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::thread;

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run<H: Handler<State: Send> + Send>(
    options: &Options,
    handler: impl Fn() -> H,
) -> ExitCode {
    exit_status(serve(options, &handler))
}

/// What the program ends with, and a line about what is in the way.
fn exit_status(result: io::Result<()>) -> ExitCode {
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
    handler: &impl Fn() -> H,
) -> io::Result<()> {
    // All of them listen, for signals as well, before anybody hears of it: a signal that a worker misses never comes
    // again, and the program would not end.
    let servers = bind_all(options, handler)?;
    let stoppers: Vec<_> = servers.iter().map(Server::stopper).collect();
    announce(options, servers[0].local_addr())?;
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

/// One server per worker, all on the same port.
fn bind_all<H: Handler>(options: &Options, handler: &impl Fn() -> H) -> io::Result<Vec<Server<H>>> {
    let exchange = Exchange::new();
    let tls = tls(options)?;
    let mut addr = free_address(options.listen, options.workers)?;
    (0..options.workers)
        .map(|_| {
            let server = bind(options, addr, handler(), &exchange, tls.as_ref())?;
            addr = server.local_addr();
            Ok(server)
        })
        .collect()
}

/// Several workers share a port, which would let them share a stranger's too: so the port is taken alone first.
fn free_address(addr: SocketAddr, workers: usize) -> io::Result<SocketAddr> {
    // Port 0 is nobody's.
    if workers == 1 || addr.port() == 0 {
        return Ok(addr);
    }
    listen(addr, false)
        .and_then(|listener| listener.local_addr())
        .map_err(|error| cannot_listen(addr, &error))
}

fn bind<H: Handler>(
    options: &Options,
    addr: SocketAddr,
    handler: H,
    exchange: &Exchange,
    tls: Option<&tls::Server>,
) -> io::Result<Server<H>> {
    let limits = Limits {
        connection: proto::Limits::with_max_message(options.max_message),
        ..Limits::default()
    };
    let mut builder = Builder::new()
        .limits(limits)
        .origins(OriginPolicy::Any)
        .any_protocol()
        .deflate(deflate(options))
        .stop_on_signals();
    if options.workers > 1 {
        builder = builder.share_port().exchange(exchange);
    }
    if let Some(tls) = tls {
        builder = builder.tls(tls.clone());
    }
    builder
        .bind(addr, handler)
        .map_err(|error| cannot_listen(addr, &error))
}

/// The certificate and its key, which all workers share.
fn tls(options: &Options) -> io::Result<Option<tls::Server>> {
    let (Some(chain), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    let tls = tls::Server::from_files(chain, key).map_err(io::Error::other)?;
    Ok(Some(tls))
}

fn deflate(options: &Options) -> Option<Policy> {
    (!options.no_deflate).then(|| Policy {
        server_context_takeover: options.context_takeover,
        client_context_takeover: options.context_takeover,
        ..Policy::default()
    })
}

fn cannot_listen(addr: SocketAddr, error: &io::Error) -> io::Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; choose another --listen".to_owned()
        }
        io::ErrorKind::PermissionDenied => "this user may not; choose a port above 1023".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot listen on {addr}: {why}"))
}

/// The one line that scripts wait for.
fn announce(options: &Options, addr: SocketAddr) -> io::Result<()> {
    let scheme = if options.tls_cert.is_some() {
        "wss"
    } else {
        "ws"
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {scheme}://{addr}")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::{exit_status, run_together};
    use std::io;
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
}
