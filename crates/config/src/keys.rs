//! Every key of `autoresearch.toml`, once: validation, environment variables,
//! written comments, nearest names and the schema all read this table.

/// One key of `autoresearch.toml`.
#[derive(Debug)]
pub struct Key {
    /// Its full name, as `metric.name`. `run.env`, `search` and `agent` are tables
    /// with names of the user's own, as `run.env.OMP_NUM_THREADS`.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    /// Set when a session cannot start without it and it has no default.
    pub required: Option<Required>,
    pub(crate) kind: Kind,
}

/// How a required key is given or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Required {
    /// The flag of `autoresearch run`, as `--budget`.
    pub flag: &'static str,
    /// What a wizard asks.
    pub question: &'static str,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text that is not empty.
    Text,
    /// A name that can head a column of `results.tsv`.
    MetricName,
    /// A name that can end a branch's name.
    Tag,
    /// A path from the root of the repository.
    Path,
    /// A list of such paths without repetition, or one alone.
    Paths { may_be_empty: bool },
    /// A regular expression with a group.
    Pattern,
    /// A time, to the millisecond.
    Duration { may_be_zero: bool },
    /// A number of bytes.
    Size,
    /// A whole number.
    Integer { least: i64 },
    /// A whole number of at least one, or `unlimited`.
    Limit,
    /// A number of at least zero, or above it.
    Amount { may_be_zero: bool },
    /// `true` or `false`.
    Boolean,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A program and its arguments.
    Command,
    /// A list of texts, or one alone.
    Texts,
    /// A list of names without repetition, at least one, or one alone.
    Names,
    /// A list of constraints, or one alone.
    Constraints,
    /// Environment variables by name.
    Variables,
    /// Search ranges by the name of a setting.
    Ranges,
    /// A time, or a table of what a run may use instead.
    Budget,
    /// Which of several values counts.
    Take,
    /// A ready-made metric.
    Preset,
    /// A model's name.
    ModelName,
    /// Tables about agents by name.
    Agents,
}

impl Kind {
    /// Whether the names below this key are the user's own.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Kind::Variables | Kind::Ranges | Kind::Agents)
    }
}

impl Key {
    /// The environment variable that sets it, as `AUTORESEARCH_METRIC_NAME`;
    /// tables with names of the user's own have none.
    pub fn environment(&self) -> Option<String> {
        (!self.kind.is_open())
            .then(|| format!("{PREFIX}{}", self.name.to_uppercase().replace('.', "_")))
    }
}

/// What all environment variables of ours begin with.
pub(crate) const PREFIX: &str = "AUTORESEARCH_";

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, about, required: None }
}

const fn required(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    flag: &'static str,
    question: &'static str,
) -> Key {
    Key { name, kind, about, required: Some(Required { flag, question }) }
}

/// All keys, in the order in which a file has them.
pub const KEYS: &[Key] = &[
    required(
        "target",
        Kind::Paths { may_be_empty: false },
        "the files under experiment: the only ones that are ever changed",
        "--target",
        "Which file is under experiment?",
    ),
    key(
        "read_only",
        Kind::Paths { may_be_empty: true },
        "files that a proposer reads and nobody changes, as data preparation and evaluation",
    ),
    required(
        "budget",
        Kind::Budget,
        "what one experiment's run may use: time as `5m`, `{ cpu = \"5m\" }` or `{ steps = 1000, pattern = 'step (\\d+)' }`",
        "--budget",
        "How long may one experiment run (as 5m)?",
    ),
    key("iterations", Kind::Limit, "how many experiments at most; `unlimited` unless given"),
    key(
        "scope",
        Kind::Choice(&["architecture", "hyperparameters", "optimizer", "all"]),
        "what may be changed in the target",
    ),
    key("tag", Kind::Tag, "name of the session and end of its branch; from the date unless given"),
    key("results", Kind::Path, "where the table of results is written"),
    key(
        "links",
        Kind::Paths { may_be_empty: true },
        "untracked paths that runs need, linked into their worktrees",
    ),
    required(
        "metric.name",
        Kind::MetricName,
        "the number that experiments are judged by",
        "--metric",
        "Which metric are experiments judged by?",
    ),
    required(
        "metric.direction",
        Kind::Choice(&["minimize", "maximize"]),
        "which way is better",
        "--minimize or --maximize",
        "Is a lower value better (minimize) or a higher one (maximize)?",
    ),
    key(
        "metric.preset",
        Kind::Preset,
        "a ready-made metric, as `pytest`: name, direction, command and budget follow from it unless given; `autoresearch learn --list` has them all",
    ),
    key(
        "metric.report",
        Kind::Paths { may_be_empty: true },
        "with `preset`: where the tool's report lies, as `reports/*.xml`; where the preset says unless given",
    ),
    key(
        "metric.pattern",
        Kind::Pattern,
        "regular expression that finds it in the output; its first group is the number",
    ),
    key(
        "metric.take",
        Kind::Take,
        "which of the values that one run prints counts: `last`, `first`, `min`, `max`, `median` or a quantile as `p10`",
    ),
    key("metric.json", Kind::Path, "JSON file that the run writes and that holds the metric"),
    key(
        "metric.key",
        Kind::Text,
        "with `json`: where in the file, as `val.loss`; the name unless given",
    ),
    key(
        "metric.command",
        Kind::Command,
        "second command that measures, in a pristine checkout where the run cannot interfere",
    ),
    key(
        "metric.artifacts",
        Kind::Paths { may_be_empty: true },
        "with `command`: the files that are carried over to it",
    ),
    key(
        "metric.timeout",
        Kind::Duration { may_be_zero: false },
        "with `command`: how long it may take",
    ),
    key(
        "metric.held_out",
        Kind::Paths { may_be_empty: true },
        "with `command`: what exists only for it, as test data; neither runs nor proposers see it",
    ),
    key(
        "metric.allow_pickle",
        Kind::Boolean,
        "with `command`: whether an artefact may be a pickle, whose code runs where it is loaded",
    ),
    required(
        "run.command",
        Kind::Command,
        "what runs one experiment; a text is split into words as a shell would",
        "--command",
        "Which command runs one experiment?",
    ),
    key(
        "run.allowance",
        Kind::Duration { may_be_zero: true },
        "time beyond the budget before a run is ended, for start-up and evaluation of scripts that time themselves",
    ),
    key(
        "run.grace",
        Kind::Duration { may_be_zero: true },
        "time between asking a run to end and ending it",
    ),
    key(
        "run.on_budget",
        Kind::Choice(&["last", "crash"]),
        "whether a run that was ended counts with its last metric or as a crash",
    ),
    key(
        "run.threads",
        Kind::Integer { least: 1 },
        "threads of a run: it is held to so many CPUs, and libraries are told; all CPUs unless given",
    ),
    key("run.seed", Kind::Integer { least: 0 }, "given to runs as AUTORESEARCH_SEED"),
    key(
        "run.seeds",
        Kind::Choice(&["auto", "environment"]),
        "how a run is repeated under another seed: also by the target's own seeds, or by AUTORESEARCH_SEED alone",
    ),
    key("run.log_head", Kind::Size, "how much of the beginning of a long log stays in plain text"),
    key("run.log_tail", Kind::Size, "how much of the end of a long log stays in plain text"),
    key(
        "run.protection",
        Kind::Choice(&["best", "sandboxed", "restricted", "unprotected"]),
        "how runs and proposers are confined: the best that the machine offers, or exactly this",
    ),
    key(
        "run.readable",
        Kind::Texts,
        "what runs may read beyond the system and the worktree, as `/data` or `~/datasets`",
    ),
    key(
        "run.writable",
        Kind::Texts,
        "what runs may write beyond their worktree; it is shared by all of them",
    ),
    key("run.network", Kind::Boolean, "whether runs may reach the network"),
    key(
        "run.memory",
        Kind::Size,
        "memory that a run may take before it is ended; nine tenths of the machine's unless given",
    ),
    key(
        "run.processes",
        Kind::Integer { least: 1 },
        "processes and threads that a run may have at a time",
    ),
    key("run.output", Kind::Size, "output that a run may print before it is ended"),
    key("run.disk", Kind::Size, "disk space that a run may fill before it is ended"),
    key(
        "run.wrap",
        Kind::Command,
        "put before the run command, as `docker run --rm -v .:/work -w /work image`",
    ),
    key(
        "run.batch",
        Kind::Text,
        "the setting that is halved when memory runs out; found by its name unless given",
    ),
    key(
        "run.adjust",
        Kind::Boolean,
        "whether the platform's edits of the target may be made, as a commit before the baseline",
    ),
    key("run.env", Kind::Variables, "environment variables of the runs"),
    key(
        "propose.proposer",
        Kind::Names,
        "who proposes: `search` (embedded), `command`, an agent by its name, `model`, or `queue` (people alone); several take turns",
    ),
    key(
        "propose.command",
        Kind::Command,
        "the proposer `command`: a program that edits the target",
    ),
    key(
        "propose.model",
        Kind::ModelName,
        "model that an agent or the proposer `model` uses; `agent.NAME.model` is stronger",
    ),
    key("propose.timeout", Kind::Duration { may_be_zero: false }, "how long one proposal may take"),
    key(
        "propose.patience",
        Kind::Integer { least: 1 },
        "refused or failed proposals in a row before the session stops",
    ),
    key(
        "propose.wait",
        Kind::Duration { may_be_zero: true },
        "how long a session with the queue alone waits for the next hypothesis before it ends",
    ),
    key(
        "propose.outage",
        Kind::Duration { may_be_zero: true },
        "how long every proposer may be out of reach before the session stops",
    ),
    key(
        "propose.lookahead",
        Kind::Integer { least: 0 },
        "proposals that may be written while a run goes on; unset: 1 for agents and models, else 0",
    ),
    key(
        "propose.hour",
        Kind::Amount { may_be_zero: false },
        "what an hour of the machine is worth in dollars, when several proposers are weighed against their costs",
    ),
    key(
        "propose.max_dollars",
        Kind::Amount { may_be_zero: false },
        "what all proposals together may cost",
    ),
    key(
        "propose.max_tokens",
        Kind::Integer { least: 1 },
        "tokens that all proposals together may use",
    ),
    key(
        "propose.max_time",
        Kind::Duration { may_be_zero: false },
        "how long proposers may work in all",
    ),
    key(
        "propose.max_dollars_each",
        Kind::Amount { may_be_zero: false },
        "what one proposal may cost",
    ),
    key("propose.max_tokens_each", Kind::Integer { least: 1 }, "tokens that one proposal may use"),
    key(
        "propose.network",
        Kind::Boolean,
        "whether proposers may reach any host; an agent reaches that of its model in any case",
    ),
    key(
        "propose.readable",
        Kind::Texts,
        "what a proposer's program may read beyond what runs may, as `~/.config/my-agent`",
    ),
    key(
        "propose.brief",
        Kind::Size,
        "how large a brief is at most, the targets apart, which may take twice that; 16KiB at least",
    ),
    key(
        "propose.templates",
        Kind::Text,
        "folder with templates of your own for parts of the brief, as `prompts` or `~/.config/prompts`",
    ),
    key(
        "propose.bundles",
        Kind::Choice(&["refuse", "allow"]),
        "whether a proposal of several independent changes is refused; people's own never are",
    ),
    key(
        "model.provider",
        Kind::Choice(&["openai", "anthropic", "gemini", "ollama"]),
        "the proposer `model`: whose API is spoken; `openai` is also that of most local servers; guessed from the name where that tells",
    ),
    key("model.name", Kind::Text, "the model, as its API calls it; `propose.model` unless given"),
    key(
        "model.base_url",
        Kind::Text,
        "where the API is, as `http://127.0.0.1:8080/v1`; the provider's own address unless given",
    ),
    key(
        "model.key_env",
        Kind::Text,
        "name of the environment variable that holds the key; `OPENAI_API_KEY` and so on, and with `base_url` none, unless given",
    ),
    key(
        "model.format",
        Kind::Choice(&["auto", "blocks", "json"]),
        "how answers are written: blocks that search and replace, or JSON by a schema, for small models",
    ),
    key(
        "model.max_tokens",
        Kind::Integer { least: 1 },
        "most tokens of one answer; the API's own limit unless given (anthropic: 8192, JSON from a local server: 2048)",
    ),
    key(
        "model.temperature",
        Kind::Amount { may_be_zero: true },
        "sampling temperature; the API's own unless given",
    ),
    key(
        "model.price_in",
        Kind::Amount { may_be_zero: true },
        "US dollars for a million tokens read",
    ),
    key(
        "model.price_cached",
        Kind::Amount { may_be_zero: true },
        "US dollars for a million tokens read from a cache; `price_in` unless given",
    ),
    key(
        "model.price_out",
        Kind::Amount { may_be_zero: true },
        "US dollars for a million tokens written",
    ),
    key(
        "judge.mode",
        Kind::Choice(&["greedy", "bold", "standard", "strict"]),
        "how much is asked before a change is kept; `greedy` keeps any gain, noise or not",
    ),
    key(
        "judge.complexity",
        Kind::Integer { least: 0 },
        "what 20 added lines must bring, in half standard deviations of the noise; 0 is nothing",
    ),
    key(
        "judge.suspects",
        Kind::Choice(&["hold", "keep"]),
        "whether a result that is too good to be true is held back or kept when nothing can audit it",
    ),
    key(
        "judge.verify",
        Kind::Integer { least: 0 },
        "runs of the baseline and of the best each, in turn, that a session ends with; 0 is none",
    ),
    key(
        "judge.early_stop",
        Kind::Choice(&["off", "safe"]),
        "whether a run is ended early that is further behind than any run ever caught up",
    ),
    key(
        "judge.series",
        Kind::MetricName,
        "the number in the output that shows how a run is doing; the metric unless given",
    ),
    key(
        "judge.constraints",
        Kind::Constraints,
        "what must hold besides, as `peak_mem_gb <= 40`; whatever breaks one is discarded, and so is what does not report it",
    ),
    key(
        "checks.command",
        Kind::Command,
        "command that must pass before anything is kept; its time is not the run's",
    ),
    key(
        "checks.timeout",
        Kind::Duration { may_be_zero: false },
        "with `command`: how long it may take",
    ),
    key(
        "memory.enabled",
        Kind::Boolean,
        "whether what a session learns is written to the vault, and what earlier ones learned is read",
    ),
    key(
        "memory.path",
        Kind::Text,
        "the vault: a folder of notes for all repositories, as `~/notes/autoresearch`; in the data folder of the user unless given",
    ),
    key("stop.when", Kind::Texts, "rules that end the session, as `improvement >= 10%`"),
    key("stop.time", Kind::Duration { may_be_zero: false }, "how long the whole session may take"),
    key(
        "agent",
        Kind::Agents,
        "coding agents by name: fields of a known one that are to be others, or all of a new one",
    ),
    key("search", Kind::Ranges, "ranges for the embedded search, as `1e-4..1e-1 log`"),
];

/// The key that `name` means, and the user's own part of it in an open table.
pub(crate) fn find(name: &str) -> Option<(&'static Key, Option<&str>)> {
    KEYS.iter().find_map(|key| {
        if key.kind.is_open() {
            let own = name.strip_prefix(key.name)?.strip_prefix('.')?;
            (!own.is_empty()).then_some((key, Some(own)))
        } else {
            (key.name == name).then_some((key, None))
        }
    })
}

/// Whether `name` is a table, as `metric` or `run.env`.
pub(crate) fn is_table(name: &str) -> bool {
    KEYS.iter().any(|key| {
        (key.kind.is_open() && key.name == name)
            || key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The existing key or table nearest to `unknown`, also when only its table is
/// wrong (`direction` for `metric.direction`).
pub(crate) fn nearest(unknown: &str) -> Option<&'static str> {
    let likeness = strsim::normalized_damerau_levenshtein;
    let split = |name: &str| {
        let (table, last) = name.rsplit_once('.').unwrap_or(("", name));
        (table.to_owned(), last.to_owned())
    };
    let unknown = unknown.to_lowercase().replace('-', "_");
    let (table, last) = split(&unknown);
    KEYS.iter()
        .flat_map(|key| [Some(key.name), key.name.split_once('.').map(|(table, _)| table)])
        .flatten()
        .map(|name| {
            let (its_table, its_last) = split(name);
            // A shared table is no likeness.
            let whole = if table == its_table { 0.0 } else { likeness(&unknown, name) };
            let own = if table == its_table { 1.0 } else { 0.95 } * likeness(&last, &its_last);
            (name, whole.max(own))
        })
        .filter(|(_, likeness)| *likeness >= 0.5)
        // The first of equals.
        .rev()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(name, _)| name)
}
