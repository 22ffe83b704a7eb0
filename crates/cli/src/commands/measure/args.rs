//! The flags of `autoresearch measure`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use autoresearch::core::preset::Preset;
use autoresearch::core::units::parse_duration;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueHint};
use regex::Regex;

use super::drive::Until;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MeasureArgs {
    #[command(subcommand)]
    pub(super) what: Option<What>,
    /// The ready-made metric whose report is read
    #[arg(long, value_name = "NAME", value_parser = presets())]
    pub(super) preset: Option<String>,
    /// Which of its numbers; the first unless given
    #[arg(long, value_name = "NUMBER", requires = "preset")]
    pub(super) metric: Option<String>,
    /// List the ready-made metrics with their numbers, directions and commands
    #[arg(long, conflicts_with_all = ["preset", "reports"])]
    pub(super) list: bool,
    /// Files of the report, patterns of such, or - for standard input; where the
    /// preset says unless given
    #[arg(value_name = "REPORT", requires = "preset", value_hint = ValueHint::FilePath)]
    pub(super) reports: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// How long a request or a command takes: min, median, mean, p90, p95, p99
    Latency(AimArgs),
    /// Requests a second, or items that a command does a second
    Throughput(ThroughputArgs),
}

/// What is measured, and how often.
#[derive(Debug, Args)]
pub(super) struct AimArgs {
    /// Address that is asked, or NAME=ADDRESS; several take turns
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) url: Vec<String>,
    /// Command that is run, split as a shell would, or NAME=COMMAND; several take turns
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(super) command: Vec<String>,
    /// Server that is started before and ended after; {port} in it and in
    /// addresses is a free port
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(super) server: Option<String>,
    /// The server is ready when this address answers 2xx; else when its port is open
    #[arg(long, value_name = "URL", requires = "server", conflicts_with = "ready_pattern")]
    pub(super) ready: Option<String>,
    /// The server is ready when it prints a line that matches
    #[arg(long, value_name = "REGEX", requires = "server")]
    pub(super) ready_pattern: Option<Regex>,
    /// How long it may take until then
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(super) ready_timeout: Duration,
    /// Write what the server prints into this file instead of standard error
    #[arg(long, value_name = "FILE", requires = "server", value_hint = ValueHint::FilePath)]
    pub(super) server_log: Option<PathBuf>,
    /// Rounds before what counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) warm_up: u64,
    /// Rounds that count, each of every address or command once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(super) repetitions: Option<u64>,
    /// Measure for so long instead
    #[arg(long = "for", value_name = "TIME", conflicts_with = "repetitions", value_parser = time)]
    pub(super) duration: Option<Duration>,
    /// Requests or commands at once
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) concurrency: NonZeroUsize,
    /// Requests or commands that may fail: a status from 400, no answer, another exit code than 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_errors: u64,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(super) timeout: Duration,
    /// Method of the requests; POST where there is a body
    #[arg(long, value_name = "METHOD")]
    pub(super) method: Option<String>,
    /// Header of the requests, as 'Accept: text/html'; may be given several times
    #[arg(long, value_name = "HEADER")]
    pub(super) header: Vec<String>,
    /// File that is the body of the requests
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) body_file: Option<PathBuf>,
    /// Connect anew for every request
    #[arg(long)]
    pub(super) no_keep_alive: bool,
    /// One command with its arguments
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(super) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ThroughputArgs {
    #[command(flatten)]
    pub(super) aim: AimArgs,
    /// Items that one command does
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) items: Option<u64>,
    /// Items as the command prints them: the first group of the last line that matches
    #[arg(long, value_name = "REGEX", conflicts_with = "items", value_parser = with_group)]
    pub(super) items_pattern: Option<Regex>,
}

impl AimArgs {
    /// When it is enough, where that is said.
    pub(super) fn until(&self) -> Option<Until> {
        self.repetitions.map(Until::Rounds).or(self.duration.map(Until::Time))
    }

    /// Whether a free port is asked for.
    pub(super) fn wants_a_port(&self) -> bool {
        let texts = self.server.iter().chain(&self.ready).chain(&self.url);
        texts.chain(&self.command).chain(&self.words).any(|text| text.contains("{port}"))
    }
}

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn with_group(text: &str) -> Result<Regex, String> {
    let pattern = Regex::new(text).map_err(|error| error.to_string())?;
    if pattern.captures_len() < 2 {
        return Err("it has no group: put parentheses around the number".to_owned());
    }
    Ok(pattern)
}

fn presets() -> PossibleValuesParser {
    Preset::ALL.iter().map(|preset| preset.name).collect::<Vec<_>>().into()
}
