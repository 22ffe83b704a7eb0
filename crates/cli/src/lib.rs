//! The `autoresearch` command: one file a command, everything else in the
//! engine. What a person or a pipe reads goes to stdout, notes and the live
//! line to stderr.
//!
//! It is a library so that the Python package holds the whole program.

mod args;
mod commands;
mod exit;
mod files;
mod output;
mod settings;
mod signals;
mod watch;
mod wizard;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::exit::Exit;

pub use crate::commands::memory::default_place as vault;
pub use crate::watch::event;

/// By what name the program was called.
static NAME: OnceLock<PathBuf> = OnceLock::new();

/// The file of the program. Where an interpreter runs it, that is the script that
/// was called, which is told by its whole path.
///
/// # Errors
/// When the system does not say.
pub(crate) fn own_file() -> anyhow::Result<PathBuf> {
    let program = autoresearch::run::Program::this()?;
    let script = NAME.get().filter(|_| !program.words.is_empty());
    Ok(script.cloned().unwrap_or(program.path))
}

/// The whole program: does what `words` say, the program's name first among
/// them, and returns the exit code for the process.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    // A trial's supervisor is this very program; it has no flags of its own.
    if let Some(code) = autoresearch::supervise_if_asked() {
        return u8::try_from(code).unwrap_or(1);
    }
    let _ = NAME.set(words.first().map(PathBuf::from).unwrap_or_default());
    match Cli::try_parse_from(words) {
        Ok(cli) => exit_of(cli) as u8,
        Err(error) => {
            // Nobody reads any more.
            let _ = error.print();
            u8::try_from(error.exit_code()).unwrap_or(1)
        }
    }
}

fn exit_of(cli: Cli) -> Exit {
    let outcome = match cli.command {
        Command::Init(args) => commands::init::run(&cli.global, &args),
        Command::Run(args) => commands::run::run(&cli.global, &args),
        Command::Learn(args) => commands::learn::run(&cli.global, &args),
        Command::Resume(args) => commands::resume::run(&cli.global, &args),
        Command::Status(args) => commands::status::run(&cli.global, &args),
        Command::Stop(args) => commands::stop::run(&cli.global, &args),
        Command::Report(args) => commands::report::run(&cli.global, &args),
        Command::Log(args) => commands::log::run(&cli.global, &args),
        Command::Show(args) => commands::show::run(&cli.global, &args),
        Command::Diff(args) => commands::diff::run(&cli.global, &args),
        Command::Hypothesis(args) => commands::hypothesis::run(&cli.global, &args),
        Command::Brief(args) => commands::brief::run(&cli.global, &args),
        Command::Memory(args) => commands::memory::run(&cli.global, &args),
        Command::Import(args) => commands::import::run(&cli.global, &args),
        Command::Trust(args) => commands::trust::run(&cli.global, &args),
        Command::Verify(args) => commands::verify::run(&cli.global, &args),
        Command::Merge(args) => commands::merge::run(&cli.global, &args),
        Command::Mcp(args) => commands::mcp::run(&cli.global, &args),
        Command::Skill(args) => commands::skill::run(&cli.global, &args),
        Command::Measure(args) => commands::measure::run(&cli.global, &args),
        Command::Doctor(args) => commands::doctor::run(&cli.global, &args),
        Command::Demo(args) => commands::demo::run(&cli.global, &args),
        Command::Simulate(args) => commands::simulate::run(&cli.global, &args),
        Command::Completions { shell } => commands::completions::run(shell),
    };
    match outcome {
        Ok(exit) => exit,
        Err(error) => {
            // A closed pipe (`autoresearch log | head`) is no failure.
            if output::is_broken_pipe(&error) {
                return Exit::Success;
            }
            output::report(&error);
            Exit::of(&error)
        }
    }
}
