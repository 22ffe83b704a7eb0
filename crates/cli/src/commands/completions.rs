//! `autoresearch completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;

pub(crate) fn run(shell: Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "autoresearch", &mut script);
    crate::output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Success)
}
