//! What a person sees when a config is wrong (SPEC B2, B5).

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is the failure")]

use autoresearch_config::{ConfigError, Layers, Origin, What};
use insta::assert_snapshot;

/// The error of a file, as shown.
fn shown(text: &str) -> String {
    Layers::new().add_file("autoresearch.toml", text).unwrap_err().render(false)
}

/// The error of a file that is fine by itself, put upon a complete one.
fn resolved(text: &str) -> String {
    let mut layers = complete();
    layers.add_file("autoresearch.toml", text).unwrap();
    layers.resolve().unwrap_err().render(false)
}

fn complete() -> Layers {
    let mut layers = Layers::new();
    let text = "\
        target = 'train.py'\n\
        budget = '5m'\n\
        metric = { name = 'val_bpb', direction = 'minimize' }\n\
        run.command = 'python train.py'\n";
    layers.add_file("team.toml", text).unwrap();
    layers
}

fn flag(key: &str, value: &str) -> Result<(), ConfigError> {
    complete().set(key, value, Origin::Flag(format!("--{key}")))
}

#[test]
fn an_unknown_key_shows_its_line_and_the_nearest_key() {
    assert_snapshot!(shown("budget = '5m'\nitertions = 5 # many\n"), @r#"
    error: unknown key `itertions`
     --> autoresearch.toml:2:1
      |
    2 | itertions = 5 # many
      | ^^^^^^^^^ did you mean `iterations`?
    "#);
}

#[test]
fn a_key_in_the_wrong_table_is_sent_to_the_right_one() {
    assert_snapshot!(shown("direction = 'minimize'\n[metrics]\nname = 'x'\n[run]\ncolour = 'red'\n"), @r#"
    error: unknown key `direction`
     --> autoresearch.toml:1:1
      |
    1 | direction = 'minimize'
      | ^^^^^^^^^ did you mean `metric.direction`?

    error: unknown key `metrics`
     --> autoresearch.toml:2:2
      |
    2 | [metrics]
      |  ^^^^^^^ did you mean `[metric]`?

    error: unknown key `run.colour`
     --> autoresearch.toml:5:1
      |
    5 | colour = 'red'
      | ^^^^^^ the keys here are command, allowance, grace, on_budget, seed, seeds, log_head, log_tail, protection, readable, writable, network, memory, processes, output, disk, wrap, batch, adjust, env
    "#);
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    assert_snapshot!(shown("budget = true\niterations = 1.5\ntarget = [1]\nmetric = 'val_bpb'\n"), @r#"
    error: `budget` must be a time, as "5m" or a number of seconds, not a boolean
     --> autoresearch.toml:1:10
      |
    1 | budget = true
      |          ^^^^

    error: `iterations` must be an integer or "unlimited", not a float
     --> autoresearch.toml:2:14
      |
    2 | iterations = 1.5
      |              ^^^

    error: `target` must be a path or a list of paths, as ["train.py"], not a list of other things
     --> autoresearch.toml:3:10
      |
    3 | target = [1]
      |          ^^^

    error: `metric` must be a table, not a string
     --> autoresearch.toml:4:10
      |
    4 | metric = 'val_bpb'
      |          ^^^^^^^^^ write `metric.name = …`
    "#);
}

#[test]
fn a_bad_duration_says_how_to_write_one() {
    assert_snapshot!(shown("budget = 'soon'\nstop.time = 0\nrun.grace = -1\n"), @r#"
    error: `budget`: `soon` is not a duration; write it as `300`, `90s`, `5m`, `1h30m` or `250ms`
     --> autoresearch.toml:1:10
      |
    1 | budget = 'soon'
      |          ^^^^^^

    error: `stop.time`: it must be more than zero
     --> autoresearch.toml:2:13
      |
    2 | stop.time = 0
      |             ^

    error: `run.grace`: `-1` is not a duration; write it as `300`, `90s`, `5m`, `1h30m` or `250ms`
     --> autoresearch.toml:3:13
      |
    3 | run.grace = -1
      |             ^^
    "#);
}

#[test]
fn a_bad_constraint_is_pointed_at() {
    let text = "[judge]\nconstraints = ['loss <= 1', 'mem <= 40GB']\n";
    assert_snapshot!(shown(text), @r"
    error: `judge.constraints`: '40GB' in the constraint 'mem <= 40GB' is no number: write it as the run reports it, without a unit, as 40 or 1e-3
     --> autoresearch.toml:2:29
      |
    2 | constraints = ['loss <= 1', 'mem <= 40GB']
      |                             ^^^^^^^^^^^^^
    ");
}

#[test]
fn a_bad_size_says_how_to_write_one() {
    assert_snapshot!(shown("run = { log_head = '4 parsecs', log_tail = -1 }\n"), @r#"
    error: `run.log_head`: `4 parsecs` is not a size; write it as `4096`, `512KiB` or `4MiB`
     --> autoresearch.toml:1:20
      |
    1 | run = { log_head = '4 parsecs', log_tail = -1 }
      |                    ^^^^^^^^^^^

    error: `run.log_tail`: -1 is below zero
     --> autoresearch.toml:1:44
      |
    1 | run = { log_head = '4 parsecs', log_tail = -1 }
      |                                            ^^
    "#);
}

#[test]
fn a_bad_pattern_says_why() {
    assert_snapshot!(shown("metric.pattern = 'acc (\\d+'\n"), @r#"
    error: `metric.pattern`: `acc (\d+` is not a regular expression: unclosed group
     --> autoresearch.toml:1:18
      |
    1 | metric.pattern = 'acc (\d+'
      |                  ^^^^^^^^^^
    "#);
}

#[test]
fn a_pattern_without_a_group_is_refused() {
    assert_snapshot!(shown("metric.pattern = 'acc: \\d+'\n"), @r#"
    error: `metric.pattern`: `acc: \d+` has no group; put `(` and `)` around the number
     --> autoresearch.toml:1:18
      |
    1 | metric.pattern = 'acc: \d+'
      |                  ^^^^^^^^^^
    "#);
}

#[test]
fn a_word_that_is_none_of_the_choices_is_shown_with_them() {
    assert_snapshot!(shown("scope = 'everything'\njudge.mode = 'bayes'\n"), @r#"
    error: `scope`: `everything` is none of `architecture`, `hyperparameters`, `optimizer`, `all`
     --> autoresearch.toml:1:9
      |
    1 | scope = 'everything'
      |         ^^^^^^^^^^^^

    error: `judge.mode`: `bayes` is none of `greedy`, `bold`, `standard`, `strict`
     --> autoresearch.toml:2:14
      |
    2 | judge.mode = 'bayes'
      |              ^^^^^^^
    "#);
}

#[test]
fn paths_stay_inside_the_repository_and_each_is_named_once() {
    assert_snapshot!(shown(
        "target = ['train.py', './train.py']\nread_only = ['/etc/passwd', 'x']\nlinks = '../data'\nresults = '.git/results.tsv'\n"
    ), @r#"
    error: `target`: `train.py` is named twice
     --> autoresearch.toml:1:23
      |
    1 | target = ['train.py', './train.py']
      |                       ^^^^^^^^^^^^

    error: `read_only`: `/etc/passwd` is absolute; write it from the root of the repository
     --> autoresearch.toml:2:14
      |
    2 | read_only = ['/etc/passwd', 'x']
      |              ^^^^^^^^^^^^^

    error: `links`: `../data` must not contain `..`
     --> autoresearch.toml:3:9
      |
    3 | links = '../data'
      |         ^^^^^^^^^

    error: `results`: `.git/results.tsv` lies in git's own folder
     --> autoresearch.toml:4:11
      |
    4 | results = '.git/results.tsv'
      |           ^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn an_empty_list_of_targets_is_refused() {
    assert_snapshot!(shown("target = []\nrun.command = []\n"), @r#"
    error: `target`: the list is empty; name at least one file
     --> autoresearch.toml:1:10
      |
    1 | target = []
      |          ^^

    error: `run.command`: a command needs a program
     --> autoresearch.toml:2:15
      |
    2 | run.command = []
      |               ^^
    "#);
}

#[test]
fn a_command_for_a_shell_is_refused() {
    assert_snapshot!(shown("run.command = 'cd src && python train.py'\npropose.command = \"agent 'x\"\n"), @r#"
    error: `run.command`: `&&` is for a shell, and no shell runs the command; write ["sh", "-c", "…"]
     --> autoresearch.toml:1:15
      |
    1 | run.command = 'cd src && python train.py'
      |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: `propose.command`: `agent 'x` has an unclosed quote
     --> autoresearch.toml:2:19
      |
    2 | propose.command = "agent 'x"
      |                   ^^^^^^^^^^
    "#);
    assert_snapshot!(shown("run.command = 'SEED=1 python train.py'\n"), @r#"
    error: `run.command`: `SEED=` is for a shell; set the variable in [run.env]
     --> autoresearch.toml:1:15
      |
    1 | run.command = 'SEED=1 python train.py'
      |               ^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn bad_toml_shows_its_position() {
    assert_snapshot!(shown("budget = '5m'\ntarget = [\n"), @r#"
    error: this is not TOML: unclosed array, expected `]`
     --> autoresearch.toml:2:11
      |
    2 | target = [
      |           ^
    "#);
    assert_snapshot!(shown("tag = 'a'\r\ntag = 'b'\r\n"), @r#"
    error: this is not TOML: duplicate key
     --> autoresearch.toml:2:1
      |
    2 | tag = 'b'
      | ^^^
    "#);
}

#[test]
fn a_byte_order_mark_does_not_move_the_caret() {
    let caret = "\n1 | bugdet = 5\n  | ^^^^^^ did";
    assert!(shown("bugdet = 5\n").contains(caret));
    assert_eq!(shown("\u{feff}bugdet = 5\n"), shown("bugdet = 5\n"));
}

#[test]
fn a_target_cannot_be_read_only() {
    assert_snapshot!(resolved("read_only = ['src', 'train.py']\n"), @r#"
    error: `train.py` is a target and read-only; it can only be one of them
     --> team.toml:1:10
      |
    1 | target = 'train.py'
      |          ^^^^^^^^^^
      |
      = note: autoresearch.toml:1: `read_only` is set here
    "#);
    assert_snapshot!(resolved("target = ['src/train.py', 'b']\nread_only = ['prepare.py', './src/']\n"), @r#"
    error: `src/train.py` is a target and read-only; it can only be one of them
     --> autoresearch.toml:1:10
      |
    1 | target = ['src/train.py', 'b']
      |          ^^^^^^^^^^^^^^^^^^^^^
    2 | read_only = ['prepare.py', './src/']
      |             ------------------------ `read_only` is set here
    "#);
}

#[test]
fn json_and_pattern_exclude_each_other() {
    assert_snapshot!(resolved("[metric]\njson = 'out.json'\npattern = 'acc (.*)'\n"), @r#"
    error: `metric.json` and `metric.pattern` exclude each other; keep the one that finds the metric
     --> autoresearch.toml:2:8
      |
    2 | json = 'out.json'
      |        ^^^^^^^^^^
    3 | pattern = 'acc (.*)'
      |           ---------- `metric.pattern` is set here
    "#);
}

#[test]
fn what_means_nothing_alone_is_an_error() {
    assert_snapshot!(
        resolved("metric = { first = true, key = 'a.b', artifacts = 'm.npz' }\npropose.proposer = 'command'\n"), @r#"
    error: `metric.first` means nothing without `metric.pattern`
     --> autoresearch.toml:1:20
      |
    1 | metric = { first = true, key = 'a.b', artifacts = 'm.npz' }
      |                    ^^^^

    error: `metric.key` means nothing without `metric.json`
     --> autoresearch.toml:1:32
      |
    1 | metric = { first = true, key = 'a.b', artifacts = 'm.npz' }
      |                                ^^^^^

    error: `metric.artifacts` means nothing without `metric.command`
     --> autoresearch.toml:1:51
      |
    1 | metric = { first = true, key = 'a.b', artifacts = 'm.npz' }
      |                                                   ^^^^^^^

    error: the proposer `command` needs `propose.command`
     --> autoresearch.toml:2:20
      |
    2 | propose.proposer = 'command'
      |                    ^^^^^^^^^
    "#);
}

#[test]
fn what_is_missing_is_named_by_flag_and_key() {
    let error = Layers::new().resolve().unwrap_err();
    assert_snapshot!(error.render(false), @r#"
    error: `target` is missing: give --target or set it in autoresearch.toml

    error: `budget` is missing: give --budget or set it in autoresearch.toml

    error: `metric.name` is missing: give --metric or set it in autoresearch.toml

    error: `metric.direction` is missing: give --minimize or --maximize or set it in autoresearch.toml

    error: `run.command` is missing: give --command or set it in autoresearch.toml
    "#);
    assert!(error.problems().iter().all(|problem| matches!(problem.what, What::Missing(_))));
}

#[test]
fn a_value_from_the_environment_or_a_flag_names_it() {
    let variables = [("AUTORESEARCH_BUDGET", "soon"), ("AUTORESEARCH_ITERATIONS", "many")];
    let error = Layers::new()
        .add_environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .unwrap_err();
    assert_snapshot!(error.render(false), @r#"
    error: `budget`: `soon` is not a duration; write it as `300`, `90s`, `5m`, `1h30m` or `250ms`
     |
     = note: from AUTORESEARCH_BUDGET

    error: `iterations` must be an integer or "unlimited", not a string
     |
     = note: from AUTORESEARCH_ITERATIONS
    "#);
    assert_snapshot!(flag("scope", "al").unwrap_err().render(false), @r#"
    error: `scope`: `al` is none of `architecture`, `hyperparameters`, `optimizer`, `all`
     |
     = note: from --scope
    "#);
    assert_snapshot!(flag("metrik.name", "x").unwrap_err().render(false), @r#"
    error: unknown key `metrik.name`
     |
     = note: from --metrik.name
     = help: did you mean `metric.name`?
    "#);
}

#[test]
fn one_line_a_problem_for_logs() {
    let error = Layers::new().add_file("a.toml", "bugdet = 5\n\nscope = 'al'\n").unwrap_err();
    assert_snapshot!(error, @r#"
    a.toml:1: unknown key `bugdet`; did you mean `budget`?
    a.toml:3: `scope`: `al` is none of `architecture`, `hyperparameters`, `optimizer`, `all`
    "#);
}

#[test]
fn a_conflict_between_a_file_and_a_flag_names_both() {
    let mut layers = complete();
    layers.set("read_only", "train.py", Origin::Flag("--read-only".to_owned())).unwrap();
    assert_snapshot!(layers.resolve().unwrap_err().render(false), @r#"
    error: `train.py` is a target and read-only; it can only be one of them
     |
     = note: from --read-only
     = note: team.toml:1: `target` is set here
    "#);
}

#[test]
fn colour_is_only_given_when_asked_for() {
    let error = Layers::new().add_file("a.toml", "bugdet = 5\n").unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
}
