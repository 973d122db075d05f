//! `sockeye serve`: pages, chat, the samples, metrics and the admin page, on one port.
//!
//! | file | holds |
//! |---|---|
//! | `flags`, `written` | what it can be told, and how that is written |
//! | `config` | flags, file and defaults put together |
//! | `site` | the application that comes of it |
//! | `pages` | what is shown to whoever asks for a page |
//! | `samples` | what lives at its paths |
//! | `log` | those lines on their way to stderr |
//!
//! Not here: starting, announcing and stopping, which is `run`'s for all servers of the program.

mod config;
pub(crate) mod flags;
mod log;
mod pages;
mod samples;
mod site;
mod written;

use crate::args::wrong;
use crate::run;
use config::Config;
use flags::Flags;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(flags: Flags) -> ExitCode {
    let check = flags.check_config;
    let config = match Config::load(flags) {
        Ok(config) => config,
        Err(what) => return wrong(&what),
    };
    // Before any socket is opened, so that what is wrong disturbs nobody who serves already.
    match site::build(&config, &[&config.options.listen]) {
        Ok(site) if check => return show(&site.lines),
        Ok(_) => {}
        Err(error) if check || error.kind() == io::ErrorKind::InvalidInput => {
            return wrong(&error.to_string());
        }
        Err(error) => return run::exit_status(Err(error)),
    }
    let _log = log::install(config.log);
    let options = &config.options;
    run::serve_by(options, |sockets| {
        // Where sockets come from elsewhere, these are not the places that were asked for.
        site::build(&config, &sockets.places())?.start(sockets, options.workers)
    })
}

/// Says what would be served.
fn show(lines: &[String]) -> ExitCode {
    let mut stdout = io::stdout().lock();
    for line in lines {
        // Whoever closed the pipe has seen enough.
        let _ = writeln!(stdout, "{line}");
    }
    ExitCode::SUCCESS
}
