//! `sockeye connect`: talk to a server, or to several, by hand or from a script.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the flags |
//! | `input` `command` `commands` `file` | what is typed: where it comes from, what it means to one server and to several |
//! | `event` `show` `json` `output` | what happens, how it looks, and where it goes |
//! | `desk` `talk` `multi` `several` | the conversation: with one server, with several, what is known of each |
//! | `session` | the connections |

mod command;
mod commands;
mod desk;
#[cfg(test)]
mod desk_tests;
mod event;
mod file;
mod input;
mod json;
mod multi;
pub(crate) mod options;
mod output;
mod session;
mod several;
mod show;
mod talk;

pub(crate) use session::cause;

use crate::args::wrong;
use desk::{Desk, Outcome};
use input::Input;
use multi::Multi;
use options::Options;
use output::{Form, Output};
use session::Session;
use std::io;
use std::process::ExitCode;
use talk::{Manner, Talk};

/// Talks until it has ended.
pub(crate) fn run(options: &Options) -> ExitCode {
    let several = options.multi || options.url.is_none();
    if several && options.reconnect {
        return wrong("--reconnect is for one connection; leave --multi out and name a URL");
    }
    let checked = options
        .url
        .as_deref()
        .map(|url| session::connector(options, url));
    if let Some(Err(why)) = checked {
        return wrong(&why);
    }
    match converse(options, several) {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Badly) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sockeye: {error}");
            ExitCode::FAILURE
        }
    }
}

fn converse(options: &Options, several: bool) -> io::Result<Outcome> {
    let mut session = Session::new(options)?;
    let stopper = session.stopper();
    let max_line = usize::try_from(options.max_message).unwrap_or(usize::MAX);
    let mut input = input::start(max_line, move || {
        // A loop that cannot be woken ends by itself.
        let _ = stopper.wake();
    })?;
    let mut desk = desk(options, several, &mut input);
    if let Some(url) = &options.url {
        desk.begin(url, &mut session).map_err(io::Error::other)?;
    }
    session.hold(desk.as_mut(), &input.lines)
}

fn desk(options: &Options, several: bool, input: &mut Input) -> Box<dyn Desk> {
    let terminal = input.terminal;
    let form = Form::choose(options.json, several);
    let output = Output::new(form, options.verbose, input.printer.take());
    if several {
        return Box::new(Multi::new(output, terminal, options.wait));
    }
    let manner = Manner {
        terminal,
        commands: terminal || options.commands,
        wait: options.wait,
        reconnect: options.reconnect,
        max_message: options.max_message,
    };
    Box::new(Talk::new(output, manner))
}
