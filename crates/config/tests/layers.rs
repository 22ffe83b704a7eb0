//! Who is heard, and that nothing gets lost on the way (SPEC B).

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is the failure")]

use std::time::Duration;

use autoresearch_config::{KEYS, Layers, Origin, table, to_toml};
use autoresearch_core::budget::{Budget, Quota};
use autoresearch_core::metric::{Source, Take};
use autoresearch_core::proposal::Scope;
use autoresearch_core::units::Bytes;

const FULL: &str = r#"
target = ["train.py"]
read_only = ["prepare.py"]
budget = "5m"
iterations = 100
scope = "all"
tag = "mar8"
results = "results.tsv"
links = [".venv", "data/"]

[metric]
name = "val_bpb"
direction = "minimize"
pattern = 'accuracy\s+([0-9.]+)'
take = "p10"
command = ["python", "score.py"]
artifacts = ["model.npz"]
timeout = "5m"
held_out = ["data/test"]
allow_pickle = false

[run]
command = "python 'my train.py'"
allowance = "0s"
grace = 10
on_budget = "last"
threads = 2
seed = 0
env = { KEY = "value", THREADS = 1 }
log_head = "1MiB"
log_tail = 3145728
protection = "sandboxed"
readable = "/data"
writable = ["~/.cache/torch"]
network = false
memory = "32GiB"
processes = 100
output = "1GiB"
disk = "64GiB"
wrap = "podman run --rm image"
batch = "DEVICE_BATCH_SIZE"
adjust = true

[propose]
proposer = "command"
command = ["my-agent"]
timeout = "10m"
patience = 10
network = true
readable = ["~/.config/my-agent"]
brief = "32KiB"
templates = "~/.config/prompts"
bundles = "allow"

[judge]
mode = "greedy"
complexity = 2
suspects = "keep"
verify = 3
early_stop = "off"
series = "val_loss"
constraints = ["peak_mem_gb<=40", "tests.passed == tests.total"]

[checks]
command = "pytest -q"
timeout = "10m"

[stop]
when = ["val_bpb <= 0.9", "improvement >= 10%", "no keep in 20"]
time = "8h"

[search]
"LEARNING_RATE" = "1e-4..1e-1 log"
model.depth = "1..4"
"#;

const REQUIRED: [(&str, &str); 5] = [
    ("target", "train.py"),
    ("budget", "5m"),
    ("metric.name", "val_bpb"),
    ("metric.direction", "minimize"),
    ("run.command", "python3 train.py"),
];

fn with(text: &str) -> Layers {
    let mut layers = Layers::new();
    layers.add_file("autoresearch.toml", text).unwrap();
    layers
}

fn required() -> Layers {
    let mut layers = Layers::new();
    for (key, value) in REQUIRED {
        layers.set(key, value, Origin::Asked).unwrap();
    }
    layers
}

#[test]
fn every_key_of_the_specification_is_read() {
    let config = with(FULL).resolve().unwrap();
    assert_eq!(config.run.command, ["python", "my train.py"]);
    assert_eq!(config.budget, Budget::Wall(Duration::from_mins(5)));
    assert_eq!(config.links, [".venv", "data"]);
    assert_eq!(config.run.log_tail, Bytes(3 << 20));
    assert_eq!(config.run.env["THREADS"], "1");
    assert_eq!(config.search["model.depth"], "1..4");
    assert_eq!(config.stop.when.len(), 3);
    assert_eq!(config.propose.proposer, ["command"]);
    assert_eq!(
        config.source(),
        Source::Pattern { name: "val_bpb".into(), pattern: r"accuracy\s+([0-9.]+)".into() }
    );
    assert_eq!(config.metric.take, Take::Quantile(100));
    assert_eq!(config.run.threads, Some(2));
}

#[test]
fn budget_metric_direction_target_and_command_have_no_default() {
    let missing: Vec<_> = Layers::new().missing().into_iter().map(|m| (m.key, m.flag)).collect();
    assert_eq!(
        missing,
        [
            ("target", "--target"),
            ("budget", "--budget"),
            ("metric.name", "--metric"),
            ("metric.direction", "--minimize or --maximize"),
            ("run.command", "--command"),
        ]
    );
    assert!(required().missing().is_empty());
}

#[test]
fn all_the_rest_has_one() {
    let config = required().resolve().unwrap();
    assert_eq!(config.iterations, None);
    assert_eq!(config.tag, None);
    assert_eq!(config.scope, Scope::All);
    assert_eq!(config.run.grace, Duration::from_secs(10));
    assert_eq!(config.run.log_head, Bytes(1 << 20));
    assert_eq!(config.metric.timeout, Duration::from_mins(5));
    assert_eq!(config.source(), Source::Printed { name: "val_bpb".into() });
}

#[test]
fn a_budget_is_time_or_cpu_time_or_steps_however_it_is_given() {
    let budget = |text: &str| {
        let mut layers = with(FULL);
        layers.set("budget", text, Origin::Flag("--budget".into())).unwrap();
        let by_flag = layers.resolve().unwrap().budget;
        let file = FULL.replace("\"5m\"\niter", &format!("{text}\niter"));
        assert_eq!(with(&file).resolve().unwrap().budget, by_flag);
        by_flag
    };
    assert_eq!(budget("90"), Budget::Wall(Duration::from_secs(90)));
    assert_eq!(
        budget("{ cpu = '5m' }"),
        Budget::Quota { quota: Quota::Cpu(Duration::from_mins(5)), wall: None }
    );
    assert_eq!(
        budget(r"{ steps = 1_000, pattern = 'step[: ]+(\d+)', wall = 7200 }"),
        Budget::Quota {
            quota: Quota::Steps { steps: 1000, pattern: r"step[: ]+(\d+)".into() },
            wall: Some(Duration::from_hours(2))
        }
    );
    let mut layers = with(&FULL.replace("budget = \"5m\"", "budget.cpu = 300"));
    assert_eq!(layers.text("budget").unwrap(), "{ cpu = \"5m\" }");
    layers.set("budget", "1m", Origin::Asked).unwrap();
    assert_eq!(layers.resolve().unwrap().budget, Budget::Wall(Duration::from_mins(1)));
}

#[test]
fn the_json_key_is_the_metrics_name_unless_given() {
    let mut layers = required();
    layers.set("metric.json", "out/m.json", Origin::Asked).unwrap();
    let source = |layers: &Layers| layers.resolve().unwrap().source();
    let json = |key: &str| Source::Json {
        name: "val_bpb".into(),
        file: "out/m.json".into(),
        key: key.into(),
    };
    assert_eq!(source(&layers), json("val_bpb"));
    layers.set("metric.key", "val.loss", Origin::Asked).unwrap();
    assert_eq!(source(&layers), json("val.loss"));
}

#[test]
fn the_stronger_origin_is_heard_in_whatever_order_they_speak() {
    let mut layers = Layers::new();
    layers.set("budget", "6m", Origin::Flag("--budget".into())).unwrap();
    let variables = [("AUTORESEARCH_BUDGET", "4m"), ("AUTORESEARCH_TAG", "env"), ("HOME", "/")];
    layers.add_environment(variables.map(|(k, v)| (k.to_owned(), v.to_owned()))).unwrap();
    layers.add_file("user.toml", "budget = '2m'\ntag = 'user'\nresults = 'a.tsv'\n").unwrap();
    layers.add_file("repo.toml", "\n\nresults = 'b.tsv'\n").unwrap();
    layers.set("results", "c.tsv", Origin::Detected("why".into())).unwrap();
    let origin = |key| layers.origin(key).unwrap().to_string();
    assert_eq!(origin("budget"), "--budget");
    assert_eq!(origin("tag"), "AUTORESEARCH_TAG");
    assert_eq!(origin("results"), "repo.toml:3");
    assert_eq!(origin("scope"), "default");
    assert_eq!(layers.origin("iterations"), None);
}

#[test]
fn every_key_can_be_set_by_its_environment_variable() {
    let config = with(FULL).resolve().unwrap();
    let json = serde_json::to_value(&config).unwrap();
    let mut layers = Layers::new();
    for key in KEYS {
        let Some(name) = key.environment() else {
            continue;
        };
        let value = json.pointer(&format!("/{}", key.name.replace('.', "/")));
        let Some(value) = value else { continue };
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        layers.add_environment([(name, text)]).unwrap();
        assert!(matches!(layers.origin(key.name), Some(Origin::Environment(_))), "{}", key.name);
    }
    let mut again = layers.resolve().unwrap();
    again.run.env = config.run.env.clone();
    again.search = config.search.clone();
    assert_eq!(again, config);
}

#[test]
fn variables_of_ours_that_set_nothing_are_told_with_the_nearest_that_would() {
    let mut layers = Layers::new();
    let names = ["AUTORESEARCH_BUDGT", "AUTORESEARCH_OUT", "AUTORESEARCH_TAG", "PATH"];
    layers.add_environment(names.map(|name| (name.to_owned(), "x".to_owned()))).unwrap();
    let unknown: Vec<_> = layers
        .unknown_environment()
        .iter()
        .map(|u| (u.name.as_str(), u.nearest.as_deref()))
        .collect();
    assert_eq!(unknown[0], ("AUTORESEARCH_BUDGT", Some("AUTORESEARCH_BUDGET")));
    assert_eq!(unknown[1].0, "AUTORESEARCH_OUT");
    assert_eq!(unknown.len(), 2);
}

#[test]
fn flags_take_lists_commands_and_unlimited() {
    let mut layers = with(FULL);
    for (key, value) in [
        ("target", "a.py, b.py"),
        ("read_only", "[\"x,y.py\"]"),
        ("links", ""),
        ("run.command", "[ -e x ]"),
        ("iterations", "unlimited"),
        ("metric.take", " MIN"),
        ("search.LEARNING_RATE", "0..1"),
        ("run.env.KEY", ""),
    ] {
        layers.set(key, value, Origin::Flag("--x".into())).unwrap();
    }
    let config = layers.resolve().unwrap();
    assert_eq!(config.target, ["a.py", "b.py"]);
    assert_eq!(config.read_only, ["x,y.py"]);
    assert!(config.links.is_empty());
    assert_eq!(config.run.command, ["[", "-e", "x", "]"]);
    assert_eq!(config.iterations, None);
    assert_eq!(config.search["LEARNING_RATE"], "0..1");
    assert_eq!(config.run.env["KEY"], "");
}

#[test]
fn crlf_and_a_byte_order_mark_are_accepted() {
    let text = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    let layers = with(&text);
    assert_eq!(layers.resolve().unwrap(), with(FULL).resolve().unwrap());
    assert_eq!(layers.origin("budget").unwrap().to_string(), "autoresearch.toml:4");
}

#[test]
fn a_file_with_an_error_adds_nothing() {
    let mut layers = Layers::new();
    assert!(layers.add_file("a.toml", "tag = 'x'\nbugdet = 1\n").is_err());
    assert_eq!(layers.origin("tag"), None);
}

#[test]
fn the_written_file_has_what_is_required_with_comments() {
    insta::assert_snapshot!(to_toml(&required().resolve().unwrap()), @r#"
    # What this research session is about. Flags win over this file.

    # the files under experiment: the only ones that are ever changed
    target = ["train.py"]

    # what one experiment's run may use: time as `5m`, `{ cpu = "5m" }` or `{ steps = 1000, pattern = 'step (\d+)' }`
    budget = "5m"

    [metric]
    # the number that experiments are judged by
    name = "val_bpb"

    # which way is better
    direction = "minimize"

    [run]
    # what runs one experiment; a text is split into words as a shell would
    command = ["python3", "train.py"]
    "#);
}

#[test]
fn the_written_file_has_what_differs_from_the_defaults() {
    insta::assert_snapshot!(to_toml(&with(FULL).resolve().unwrap()), @r#"
    # What this research session is about. Flags win over this file.

    # the files under experiment: the only ones that are ever changed
    target = ["train.py"]

    # files that a proposer reads and nobody changes, as data preparation and evaluation
    read_only = ["prepare.py"]

    # what one experiment's run may use: time as `5m`, `{ cpu = "5m" }` or `{ steps = 1000, pattern = 'step (\d+)' }`
    budget = "5m"

    # how many experiments at most; `unlimited` unless given
    iterations = 100

    # name of the session and end of its branch; from the date unless given
    tag = "mar8"

    # untracked paths that runs need, linked into their worktrees
    links = [".venv", "data"]

    [metric]
    # the number that experiments are judged by
    name = "val_bpb"

    # which way is better
    direction = "minimize"

    # regular expression that finds it in the output; its first group is the number
    pattern = 'accuracy\s+([0-9.]+)'

    # which of the values that one run prints counts: `last`, `first`, `min`, `max`, `median` or a quantile as `p10`
    take = "p10"

    # second command that measures, in a pristine checkout where the run cannot interfere
    command = ["python", "score.py"]

    # with `command`: the files that are carried over to it
    artifacts = ["model.npz"]

    # with `command`: what exists only for it, as test data; neither runs nor proposers see it
    held_out = ["data/test"]

    [run]
    # what runs one experiment; a text is split into words as a shell would
    command = ["python", "my train.py"]

    # threads of a run: it is held to so many CPUs, and libraries are told; all CPUs unless given
    threads = 2

    # how runs and proposers are confined: the best that the machine offers, or exactly this
    protection = "sandboxed"

    # what runs may read beyond the system and the worktree, as `/data` or `~/datasets`
    readable = ["/data"]

    # what runs may write beyond their worktree; it is shared by all of them
    writable = ["~/.cache/torch"]

    # memory that a run may take before it is ended; nine tenths of the machine's unless given
    memory = "32GiB"

    # processes and threads that a run may have at a time
    processes = 100

    # put before the run command, as `docker run --rm -v .:/work -w /work image`
    wrap = ["podman", "run", "--rm", "image"]

    # the setting that is halved when memory runs out; found by its name unless given
    batch = "DEVICE_BATCH_SIZE"

    # whether the platform's edits of the target may be made, as a commit before the baseline
    adjust = true

    # environment variables of the runs
    [run.env]
    KEY = "value"
    THREADS = "1"

    [propose]
    # who proposes: `search` (embedded), `command`, an agent by its name, `model`, or `queue` (people alone); several take turns
    proposer = ["command"]

    # the proposer `command`: a program that edits the target
    command = ["my-agent"]

    # whether proposers may reach any host; an agent reaches that of its model in any case
    network = true

    # what a proposer's program may read beyond what runs may, as `~/.config/my-agent`
    readable = ["~/.config/my-agent"]

    # how large a brief is at most, the targets apart, which may take twice that; 16KiB at least
    brief = "32KiB"

    # folder with templates of your own for parts of the brief, as `prompts` or `~/.config/prompts`
    templates = "~/.config/prompts"

    # whether a proposal of several independent changes is refused; people's own never are
    bundles = "allow"

    [judge]
    # how much is asked before a change is kept; `greedy` keeps any gain, noise or not
    mode = "greedy"

    # what 20 added lines must bring, in half standard deviations of the noise; 0 is nothing
    complexity = 2

    # whether a result that is too good to be true is held back or kept when nothing can audit it
    suspects = "keep"

    # runs of the baseline and of the best each, in turn, that a session ends with; 0 is none
    verify = 3

    # whether a run is ended early that is further behind than any run ever caught up
    early_stop = "off"

    # the number in the output that shows how a run is doing; the metric unless given
    series = "val_loss"

    # what must hold besides, as `peak_mem_gb <= 40`; whatever breaks one is discarded, and so is what does not report it
    constraints = ["peak_mem_gb <= 40", "tests.passed == tests.total"]

    [checks]
    # command that must pass before anything is kept; its time is not the run's
    command = ["pytest", "-q"]

    [stop]
    # rules that end the session, as `improvement >= 10%`
    when = ["val_bpb <= 0.9", "improvement >= 10%", "no keep in 20"]

    # how long the whole session may take
    time = "8h"

    # ranges for the embedded search, as `1e-4..1e-1 log`
    [search]
    LEARNING_RATE = "1e-4..1e-1 log"
    "model.depth" = "1..4"
    "#);
}

#[test]
fn the_research_config_has_the_rows_of_the_specification_in_order() {
    let mut layers = with(FULL);
    layers.set("budget", "90s", Origin::Flag("--budget".into())).unwrap();
    layers.set("target", "train.py", Origin::Asked).unwrap();
    let show = |layers: &Layers| {
        let rows = table(&layers.resolve().unwrap(), layers);
        let rows = rows.into_iter().map(|r| format!("{} | {} | {}", r.label, r.value, r.origin));
        rows.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(show(&layers), @r#"
    Training script | train.py | your answer
    Read-only script | prepare.py | autoresearch.toml:3
    Time budget per experiment | 1m30s | --budget
    Metric | val_bpb, lower is better, by the pattern `accuracy\s+([0-9.]+)`, the p10 of a run, measured by python score.py | autoresearch.toml:12, autoresearch.toml:13
    Maximum iterations | 100 | autoresearch.toml:5
    Modification scope | all | autoresearch.toml:6
    Branch tag | mar8 | autoresearch.toml:7
    Results file | results.tsv | autoresearch.toml:8
    Run command | python 'my train.py' | autoresearch.toml:23
    Proposer | my-agent | autoresearch.toml:45
    Links | .venv, data | autoresearch.toml:9
    Stop rules | val_bpb <= 0.9, improvement >= 10%, no keep in 20, after 8h | autoresearch.toml:69, autoresearch.toml:70
    Constraints | peak_mem_gb <= 40, tests.passed == tests.total | autoresearch.toml:62
    Checks before a keep | pytest -q | autoresearch.toml:65
    "#);
    insta::assert_snapshot!(show(&required()), @r#"
    Training script | train.py | your answer
    Read-only script | none | default
    Time budget per experiment | 5m | your answer
    Metric | val_bpb, lower is better | your answer
    Maximum iterations | unlimited | 
    Modification scope | all | default
    Branch tag | from the date | 
    Results file | results.tsv | default
    Run command | python3 train.py | your answer
    Proposer | the embedded search | default
    Links | none | default
    Stop rules | none | default
    "#);
}
