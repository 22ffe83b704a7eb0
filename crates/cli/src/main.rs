//! The `autoresearch` command: one file a command, everything else in the
//! library. What a person or a pipe reads goes to stdout, notes and the live
//! line to stderr.

mod args;
mod commands;
mod exit;
mod files;
mod output;
mod settings;
mod signals;
mod watch;
mod wizard;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::Exit;

fn main() -> std::process::ExitCode {
    // A trial's supervisor is this very program; it has no flags of its own.
    if let Some(code) = autoresearch::supervise_if_asked() {
        return std::process::ExitCode::from(u8::try_from(code).unwrap_or(1));
    }
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Init(args) => commands::init::run(&cli.global, &args),
        Command::Run(args) => commands::run::run(&cli.global, &args),
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
        Command::Doctor(args) => commands::doctor::run(&cli.global, &args),
        Command::Demo(args) => commands::demo::run(&cli.global, &args),
        Command::Simulate(args) => commands::simulate::run(&cli.global, &args),
        Command::Completions { shell } => commands::completions::run(shell),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            // A closed pipe (`autoresearch log | head`) is no failure.
            if output::is_broken_pipe(&error) {
                return Exit::Success.into();
            }
            output::report(&error);
            Exit::of(&error).into()
        }
    }
}
