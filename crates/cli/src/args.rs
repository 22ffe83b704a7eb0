//! The command line as typed. What it means is decided in `settings`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use autoresearch::core::preset::Preset;
use autoresearch_simulate::{Rule, World};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::commands::mcp::Client;
use crate::commands::measure::MeasureArgs;
use crate::commands::skill::Agent;

/// Runs experiments overnight: propose one change, run it for a fixed time,
/// read one number, keep it if it is better, revert it if not, log it, repeat.
#[derive(Debug, Parser)]
#[command(name = "autoresearch", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", default_value = ".", hide_default_value = true, value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Print JSON for machines: one value, or one a line for `run`, `resume` and `verify`
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for what is needed and write autoresearch.toml
    Init(InitArgs),
    /// Start a session: the baseline, then experiment after experiment
    Run(RunArgs),
    /// Make a number of a system better: a session on a ready-made metric
    #[command(long_about = LEARN)]
    Learn(LearnArgs),
    /// Go on with an earlier session
    Resume(ResumeArgs),
    /// Where a session stands
    Status(TagArgs),
    /// Stop a running session after its current experiment
    Stop(StopArgs),
    /// Progress, summary and plot of a session or of a bare results.tsv
    Report(ReportArgs),
    /// List the experiments
    Log(LogArgs),
    /// Everything about one experiment
    Show(ShowArgs),
    /// The change of experiment N, or between experiments N and M
    Diff(DiffArgs),
    /// The queue of hypotheses that the loop takes from first
    Hypothesis(HypothesisArgs),
    /// What the next proposer would be told
    Brief(TagArgs),
    /// What earlier sessions learned, in every repository: the vault of notes
    Memory(MemoryArgs),
    /// Make a session out of another tool's results.tsv, to go on with it
    Import(ImportArgs),
    /// Let a result that was held as suspect run again, unsuspected
    Trust(TrustArgs),
    /// Measure the best again beside the baseline: the gain with its interval
    Verify(VerifyArgs),
    /// Bring what was kept back to the branch that the session came from
    Merge(MergeArgs),
    /// Serve an agent that drives: an MCP server on standard input and output
    Mcp(McpArgs),
    /// Teach coding agents to use this program: a skill file for their folders
    Skill(SkillArgs),
    /// Measure once, without a session: latency, throughput, or what a tool's report says
    #[command(long_about = crate::commands::measure::ABOUT)]
    Measure(MeasureArgs),
    /// What this machine and this repository offer, and what a run could do here
    Doctor(DoctorArgs),
    /// Watch a small language model improve, with nothing but Python 3
    Demo(DemoArgs),
    /// How often rules of judging are right, in worlds whose truth is known
    #[command(long_about = SIMULATE)]
    Simulate(SimulateArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const LEARN: &str = "\
Make a number of a system better: a session on a ready-made metric

As `run`, with all that a preset knows: which number, which way is better, which command, where the \
tool's report lies. What is left to say are the files to work on. A run may take 5 minutes unless the \
preset or you say otherwise; if every hypothesis comes with its patch, these are all that is tried. \
Flags and autoresearch.toml are stronger than the preset.

  autoresearch learn 'src/**/*.py' --preset pylint --goal 'improvement >= 10%'";

const SIMULATE: &str = "\
How often rules of judging are right, in worlds whose truth is known

Plays whole sessions under a virtual clock: changes whose true effects are drawn from a known \
distribution, runs that are as noisy as you say, and rules that see only the runs. Our own rules are \
the very code that judges real sessions; beside them stand those of other tools, and the best that is \
possible for one who knows everything but the effect of the change at hand.

The numbers of a rule:
  gain  what its kept changes are truly worth together, over what an omniscient judge would have \
gained with one run a change; 1 is all there was
  true  share of its kept changes that truly help
  over  what it claims to have gained beyond what is true, in typical gains a session

Noise is the standard deviation of a run in typical gains: at 0.2 one run tells nearly everything, at \
2 next to nothing. Needs no repository and no configuration; the same seed gives the same numbers.";

/// What a session is about; every flag has a key in autoresearch.toml.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// File under experiment, or a pattern as 'src/**/*.py'; may be given several times
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) target: Vec<String>,
    /// File that proposers read and nobody changes; may be given several times
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) read_only: Vec<String>,
    /// Command that makes one run, split as a shell would
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) command: Option<String>,
    /// What one run may use: time, as 5m or 90s, or as in the file { cpu = "5m" }
    #[arg(long, value_name = "BUDGET")]
    pub(crate) budget: Option<String>,
    /// A ready-made metric: its name, direction, command and budget hold where nothing else is said
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Preset::ALL.iter().map(|preset| preset.name)))]
    pub(crate) preset: Option<String>,
    /// Name of the metric; with --preset another of its numbers than the first
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Lower is better
    #[arg(long, conflicts_with = "maximize")]
    pub(crate) minimize: bool,
    /// Higher is better
    #[arg(long)]
    pub(crate) maximize: bool,
    /// Regular expression whose first group is the metric
    #[arg(long, value_name = "REGEX")]
    pub(crate) pattern: Option<String>,
    /// Experiments after the baseline, or `unlimited`
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) iterations: Option<String>,
    /// What may change: architecture, hyperparameters, optimizer or all
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Name of the session; its branch is autoresearch/<TAG>
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Where the table of results goes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) results: Option<String>,
    /// Untracked path that runs need, as .venv or data; may be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) link: Vec<String>,
    /// Who proposes: search, queue, command with --proposer-command, model, or a
    /// coding agent: claude, codex, gemini, opencode, pi, aider or one of
    /// autoresearch.toml; may be given several times
    #[arg(long, visible_alias = "agent", value_name = "WHO")]
    pub(crate) proposer: Vec<String>,
    /// The model that proposes, by the name that the agent or its provider knows
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Program that edits the target, split as a shell would; implies --proposer command
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) proposer_command: Option<String>,
    /// Command that must pass before anything is kept, split as a shell would
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) check: Option<String>,
    /// What all proposals together may cost, in dollars
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) max_dollars: Option<String>,
    /// Stop when this holds, as '`val_bpb` <= 0.9', 'improvement >= 10%', 'no keep in 20'
    #[arg(long, visible_alias = "goal", value_name = "RULE")]
    pub(crate) stop_when: Vec<String>,
    /// Stop the whole session after this time
    #[arg(long, value_name = "TIME")]
    pub(crate) stop_after: Option<String>,
    /// Any other key of autoresearch.toml, as run.grace=5s
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Configuration file; autoresearch.toml unless given
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// What holds where nobody says otherwise, by key: no flag, but a command's own
    #[arg(skip)]
    pub(crate) defaults: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Take every suggestion without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Print the file instead of writing it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LearnArgs {
    /// Files to make better, or patterns as 'src/**/*.py'
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath)]
    pub(crate) targets: Vec<String>,
    /// List the ready-made metrics
    #[arg(long)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A hypothesis to test first; may be given several times
    #[arg(long, value_name = "SENTENCE")]
    pub(crate) hypothesis: Vec<String>,
    /// A patch that tests the hypothesis of the same place
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) patch: Vec<PathBuf>,
    /// Begin without asking for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Say what would happen, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Which session; the latest unless given
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Another maximum of experiments in all, `+N` for N more, or `unlimited`
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) iterations: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Which session; the latest unless given
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) session: TagArgs,
    /// End the running trial, too; `resume` runs it again
    #[arg(long)]
    pub(crate) now: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A bare results table instead of a session
    #[arg(value_name = "RESULTS.TSV", value_hint = ValueHint::FilePath)]
    pub(crate) table: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) session: TagArgs,
    /// Lower is better, for a bare table
    #[arg(long, conflicts_with = "maximize")]
    pub(crate) minimize: bool,
    /// Higher is better, for a bare table
    #[arg(long)]
    pub(crate) maximize: bool,
    /// Where summary and plots go; a session's own folder unless given
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Write results.tsv again from the journal
    #[arg(long)]
    pub(crate) restore_results: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) session: TagArgs,
    /// Only the last N
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) last: Option<usize>,
    /// Only these: keep, discard or crash
    #[arg(long, value_name = "VERDICT")]
    pub(crate) only: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Number of the experiment
    #[arg(value_name = "N")]
    pub(crate) number: u64,
    #[command(flatten)]
    pub(crate) session: TagArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// Number of the held experiment
    #[arg(value_name = "N")]
    pub(crate) number: u64,
    #[command(flatten)]
    pub(crate) session: TagArgs,
    /// Say what would happen, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Which session; the latest unless given
    #[arg(value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Runs of each side; they add to those made before
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) runs: u64,
    /// Compare with this experiment instead of the baseline
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    pub(crate) against: u64,
    /// Say what would happen, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Number of the experiment
    #[arg(value_name = "N")]
    pub(crate) number: u64,
    /// Compare with this experiment instead of its parent
    #[arg(value_name = "M")]
    pub(crate) other: Option<u64>,
    #[command(flatten)]
    pub(crate) session: TagArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HypothesisArgs {
    #[command(subcommand)]
    pub(crate) action: HypothesisAction,
    /// Which session; the latest unless given
    #[arg(long, global = true, value_name = "TAG")]
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HypothesisAction {
    /// Put one into the queue of a running or resting session
    Add {
        /// One sentence
        sentence: String,
        /// The patch that tests it; `-` reads it from stdin
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        patch: Option<PathBuf>,
    },
    /// List those that wait
    List,
    /// Take one out
    Drop {
        /// Its number in the list
        id: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MemoryArgs {
    #[command(subcommand)]
    pub(crate) action: MemoryAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemoryAction {
    /// Find notes by words and by meaning
    Search {
        /// What to look for, in plain words
        #[arg(required = true)]
        words: Vec<String>,
        /// By what notes are found
        #[arg(long, value_enum, default_value_t = Found::Both)]
        by: Found,
        /// How many at most
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        most: usize,
        /// Only notes of this kind
        #[arg(long, value_enum)]
        kind: Option<NoteKind>,
    },
    /// Print a note
    Show {
        /// Its name, as `search` prints it
        name: String,
    },
    /// List notes, the newest first
    List {
        /// Only notes of this kind
        #[arg(long, value_enum)]
        kind: Option<NoteKind>,
        /// How many at most
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        most: usize,
    },
    /// Write a note of your own
    Add {
        /// In one line
        title: String,
        /// What there is to say; `-` reads it from stdin
        text: Option<String>,
        /// Tag; may be given several times
        #[arg(long, value_name = "TAG")]
        tag: Vec<String>,
    },
    /// Make the index anew from the notes, and name files that are none
    Reindex,
    /// Print where the vault is
    Path,
}

/// By what notes are found.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Found {
    /// The words that they have in common with the question
    Words,
    /// What they are about
    Meaning,
    /// Both together
    Both,
}

/// What a note is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NoteKind {
    /// One experiment
    Experiment,
    /// What a session taught
    Lesson,
    /// Where a session ended
    Handoff,
    /// A person's own
    Note,
}

impl From<NoteKind> for autoresearch::memory::Kind {
    fn from(kind: NoteKind) -> Self {
        match kind {
            NoteKind::Experiment => Self::Experiment,
            NoteKind::Lesson => Self::Lesson,
            NoteKind::Handoff => Self::Handoff,
            NoteKind::Note => Self::Note,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The results table
    #[arg(value_name = "RESULTS.TSV", value_hint = ValueHint::FilePath)]
    pub(crate) table: PathBuf,
    /// Branch or commit to go on from, if git has lost the last kept commit
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    #[command(flatten)]
    pub(crate) session: TagArgs,
    /// One commit with all kept changes
    #[arg(long, conflicts_with = "rebase")]
    pub(crate) squash: bool,
    /// One commit for each kept change
    #[arg(long)]
    pub(crate) rebase: bool,
    /// Onto this branch; the one that the session came from unless given
    #[arg(long, value_name = "BRANCH")]
    pub(crate) onto: Option<String>,
    /// Merge without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Say what would happen, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct McpArgs {
    #[command(subcommand)]
    pub(crate) action: Option<McpAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpAction {
    /// Tell an agent of this server, in its own configuration
    Install {
        /// Which agent
        #[arg(value_name = "CLIENT", required_unless_present = "print")]
        client: Option<Client>,
        #[command(flatten)]
        place: McpPlaceArgs,
        /// Print what belongs into the configuration, and touch nothing
        #[arg(long)]
        print: bool,
    },
    /// Take this server out of an agent's configuration
    Uninstall {
        /// Which agent
        #[arg(value_name = "CLIENT")]
        client: Client,
        #[command(flatten)]
        place: McpPlaceArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct McpPlaceArgs {
    /// For the user instead of this project; Codex knows no other way
    #[arg(long)]
    pub(crate) user: bool,
    /// Show how the file would change, and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SkillArgs {
    #[command(subcommand)]
    pub(crate) action: SkillAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SkillAction {
    /// Write the skill into the folders of agents
    Install {
        /// Which agent; `agents` (shared by several) and `claude` unless given
        #[arg(long, value_name = "AGENT")]
        agent: Vec<Agent>,
        /// For the user, in every project, instead of this one alone
        #[arg(long)]
        user: bool,
        /// Show what would be written, and touch nothing
        #[arg(long)]
        dry_run: bool,
        /// Replace another version
        #[arg(long)]
        force: bool,
    },
    /// Print the skill
    Show,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Ask the Python of this command instead of the configured one
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub(crate) command: Option<String>,
    /// Attack every level of protection that works here, not only the one in use
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder to make; must not exist, or be a demo that can go on
    #[arg(default_value = "autoresearch-demo", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Experiments after the baseline
    #[arg(short = 'n', long, default_value_t = 12)]
    pub(crate) iterations: u64,
    /// Time for one run
    #[arg(long, default_value = "8s")]
    pub(crate) budget: String,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Runs of a session, all in all; 100 for each slot unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) runs: Option<u64>,
    /// Sessions behind every number
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) sessions: u64,
    /// Standard deviations of a run, in typical gains; 0 is none
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.1,0.2,0.5,1,2", value_parser = noise)]
    pub(crate) noise: Vec<f64>,
    /// What is odd about runs or changes there; may be given several times
    #[arg(long, value_name = "WORLD", value_delimiter = ',', default_value = "plain", value_parser = worlds())]
    pub(crate) world: Vec<String>,
    /// How changes are judged, as greedy, deviations:2, score:2, steps:1.5, repeat:3, confirm,
    /// sprt:1.5, ours:standard, best:0.5; may be given several times; all of these unless given
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = Rule::of)]
    pub(crate) rule: Vec<Rule>,
    /// Candidates that run at once, in rounds; our own rules run one after another
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) slots: Vec<u64>,
    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads, two at most unless given; the numbers do not depend on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Print the tables in Markdown, with standard errors
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Draw gain against precision into this file, .svg or .png
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) plot: Option<PathBuf>,
}

/// A standard deviation of runs.
fn noise(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|noise| (0.0..=1000.0).contains(noise));
    number.ok_or_else(|| "say a number from 0 to 1000, as 0.5".to_owned())
}

/// The names of all worlds.
fn worlds() -> PossibleValuesParser {
    World::ALL.iter().map(|world| world.name()).chain(["all"]).collect::<Vec<_>>().into()
}
