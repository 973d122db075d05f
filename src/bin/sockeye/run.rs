//! Running a handler as a server: bind, say where, serve, stop in order.

use crate::args::{self, Options};
use core::net::SocketAddr;
use sockeye::proto;
use sockeye::proto::handshake::OriginPolicy;
use sockeye::server::{Builder, Exchange, Handler, Limits, Server, listen};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::thread;

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run<H: Handler<State: Send> + Send>(
    options: &Options,
    handler: impl Fn() -> H,
) -> ExitCode {
    if options.tls_cert.is_some() {
        return args::wrong(
            "this version has no TLS yet; put a proxy in front, or leave --tls-cert out",
        );
    }
    match serve(options, &handler) {
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
    announce(servers[0].local_addr())?;
    thread::scope(|scope| {
        let stoppers = &stoppers;
        let workers: Vec<_> = servers
            .into_iter()
            .map(|mut server| {
                scope.spawn(move || {
                    let result = catch_unwind(AssertUnwindSafe(|| server.run()))
                        .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")));
                    // One that fails takes the others along: half a server is worse than none.
                    if result.is_err() {
                        stoppers.iter().for_each(|other| drop(other.stop()));
                    }
                    result
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")))
            })
            .fold(Ok(()), Result::and)
    })
}

/// One server per worker, all on the same port.
fn bind_all<H: Handler>(options: &Options, handler: &impl Fn() -> H) -> io::Result<Vec<Server<H>>> {
    let exchange = Exchange::new();
    let mut addr = free_address(options.listen, options.workers)?;
    (0..options.workers)
        .map(|_| {
            let server = bind(options, addr, handler(), &exchange)?;
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
) -> io::Result<Server<H>> {
    let limits = Limits {
        connection: proto::Limits::with_max_message(options.max_message),
        ..Limits::default()
    };
    let mut builder = Builder::new()
        .limits(limits)
        .origins(OriginPolicy::Any)
        .any_protocol()
        .stop_on_signals();
    if options.workers > 1 {
        builder = builder.share_port().exchange(exchange);
    }
    builder
        .bind(addr, handler)
        .map_err(|error| cannot_listen(addr, &error))
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
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on ws://{addr}")?;
    stdout.flush()
}
