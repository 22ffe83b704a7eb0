//! `autoresearch measure`: a number without a session. What the presets
//! `latency` and `throughput` run, and a try at what any other preset reads.

mod aim;
mod args;
mod drive;
mod latency;
mod quantiles;
mod reports;
mod server;
mod throughput;

use std::path::PathBuf;
use std::time::Duration;

use autoresearch::run::Descendants;
use regex::Regex;

use self::aim::Aim;
use self::drive::{Plan, Shots, Until};
use self::server::{Ready, Server};
use crate::args::Global;
use crate::commands::presets;
use crate::exit::{BadInput, Exit};
use crate::signals;

pub(crate) use self::args::MeasureArgs;
use self::args::{AimArgs, What};

/// What the help says of it.
pub(crate) const ABOUT: &str = "\
Measure once, without a session: latency, throughput, or what a tool's report says

`measure latency` and `measure throughput` are what a session runs for the presets of these names; they \
print lines `METRIC name=value`. With a preset, the files that are named are read as a session would read \
them, to see what it would: `autoresearch measure --preset ruff report.json`.";

pub(crate) fn run(global: &Global, args: &MeasureArgs) -> anyhow::Result<Exit> {
    match &args.what {
        Some(What::Latency(args)) => latency::run(global, args),
        Some(What::Throughput(args)) => throughput::run(global, args),
        None if args.list => presets::list(global).map(|()| Exit::Success),
        None => reports::run(global, args),
    }
}

/// Starts the server that `args` want, measures, and ends it.
///
/// # Errors
/// What keeps it from being measured, and more errors than may be.
fn shoot(
    global: &Global,
    args: &AimArgs,
    otherwise: Until,
    items: Option<&Regex>,
) -> anyhow::Result<(Vec<String>, Shots)> {
    let _stop = signals::stop_on_signals()?;
    // Ended however this ends, after the server had its grace.
    let _all = Descendants::keep();
    let port = if args.wants_a_port() { Some(server::free_port()?) } else { None };
    let aims = Aim::all(global, args, port, items)?;
    let mut server = match &args.server {
        Some(command) => {
            let ready = Ready::of(args, &aims, port)?;
            let mut server = Server::start(global, &with_port(command, port), args)?;
            server.wait_until(&ready, args.ready_timeout)?;
            Some(server)
        }
        None => None,
    };
    let plan = Plan {
        warm_up: args.warm_up,
        until: args.until().unwrap_or(otherwise),
        concurrency: args.concurrency.get(),
        max_errors: args.max_errors,
    };
    let names = aims.iter().map(|aim| aim.name.clone()).collect();
    let shots = drive::drive(plan, aims, &mut || match &mut server {
        Some(server) => server.check(),
        None => interrupted(),
    });
    let shots = shots?;
    let (errors, most) = (shots.errors(), args.max_errors);
    if let Some(server) = server.as_mut().filter(|_| errors > most) {
        server.check_twice()?;
    }
    // Before our own numbers are printed.
    drop(server);
    if let Some(why) = shots.first_error().filter(|_| errors > most) {
        let all = shots.shots.len();
        anyhow::bail!("{errors} of {all} failed, {most} may (`--max-errors`); the first: {why}");
    }
    if shots.times(None).next().is_none() {
        let why = shots.first_error().map(|why| format!("; the first error: {why}"));
        anyhow::bail!("nothing was measured{}", why.unwrap_or_default());
    }
    Ok((names, shots))
}

/// # Errors
/// After a signal that asks for the end.
fn interrupted() -> anyhow::Result<()> {
    if signals::was_interrupted() {
        return Err(crate::exit::Answer::Interrupted.into());
    }
    Ok(())
}

/// `text` with the port where it says `{port}`.
fn with_port(text: &str, port: Option<u16>) -> String {
    match port {
        Some(port) => text.replace("{port}", &port.to_string()),
        None => text.to_owned(),
    }
}

/// The words of a command that is started in `global`'s folder.
fn words(global: &Global, text: &str) -> anyhow::Result<Vec<String>> {
    let words = shlex::split(text).filter(|words| !words.is_empty());
    let mut words = words.ok_or_else(|| {
        let message = format!("`{text}` is no command");
        BadInput::new(message, "close its quotation marks; for more than a command, `sh -c '…'`")
    })?;
    place_program(global, &mut words)?;
    Ok(words)
}

/// A program that is named by a path is found from `global`'s folder.
///
/// # Errors
/// When it is a variable, which only a shell would set.
fn place_program(global: &Global, words: &mut [String]) -> anyhow::Result<()> {
    if let Some((name, _)) = words.first().and_then(|word| word.split_once('='))
        && is_variable(name)
    {
        let message = format!("`{}` is no command", words[0]);
        return Err(BadInput::new(message, with_env(name)).into());
    }
    if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
        let path: PathBuf = global.directory.join(&*program);
        if let Some(path) = std::path::absolute(path).ok().as_deref().and_then(|path| path.to_str())
        {
            path.clone_into(program);
        }
    }
    Ok(())
}

/// Whether a shell would take `name=…` for a variable that is set, as variables are
/// usually called.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// How to set the variable `name`.
fn with_env(name: &str) -> String {
    format!("to set a variable, write `env {name}=… COMMAND`")
}

/// In milliseconds.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
