//! What a person sees when a config is wrong (SPEC B2, B5).

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
    assert_snapshot!(shown("budget = '5m'\nitertions = 5 # many\n"), @"");
}

#[test]
fn a_key_in_the_wrong_table_is_sent_to_the_right_one() {
    assert_snapshot!(shown("direction = 'minimize'\n[metrics]\nname = 'x'\n[run]\ncolour = 'red'\n"), @"");
}

#[test]
fn a_wrong_type_says_what_is_expected() {
    assert_snapshot!(shown("budget = true\niterations = 1.5\ntarget = [1]\nmetric = 'val_bpb'\n"), @"");
}

#[test]
fn a_bad_duration_says_how_to_write_one() {
    assert_snapshot!(shown("budget = 'soon'\nstop.time = 0\nrun.grace = -1\n"), @"");
}

#[test]
fn a_bad_size_says_how_to_write_one() {
    assert_snapshot!(shown("run = { log_head = '4 parsecs', log_tail = -1 }\n"), @"");
}

#[test]
fn a_bad_pattern_says_why() {
    assert_snapshot!(shown("metric.pattern = 'acc (\\d+'\n"), @"");
}

#[test]
fn a_pattern_without_a_group_is_refused() {
    assert_snapshot!(shown("metric.pattern = 'acc: \\d+'\n"), @"");
}

#[test]
fn a_word_that_is_none_of_the_choices_is_shown_with_them() {
    assert_snapshot!(shown("scope = 'everything'\njudge.mode = 'bayes'\n"), @"");
}

#[test]
fn paths_stay_inside_the_repository_and_each_is_named_once() {
    assert_snapshot!(shown(
        "target = ['train.py', './train.py']\nread_only = ['/etc/passwd', 'x']\nlinks = '../data'\nresults = '.git/results.tsv'\n"
    ), @"");
}

#[test]
fn an_empty_list_of_targets_is_refused() {
    assert_snapshot!(shown("target = []\nrun.command = []\n"), @"");
}

#[test]
fn a_command_for_a_shell_is_refused() {
    assert_snapshot!(shown("run.command = 'cd src && python train.py'\npropose.command = \"agent 'x\"\n"), @"");
    assert_snapshot!(shown("run.command = 'SEED=1 python train.py'\n"), @"");
}

#[test]
fn bad_toml_shows_its_position() {
    assert_snapshot!(shown("budget = '5m'\ntarget = [\n"), @"");
    assert_snapshot!(shown("tag = 'a'\r\ntag = 'b'\r\n"), @"");
}

#[test]
fn a_target_cannot_be_read_only() {
    assert_snapshot!(resolved("read_only = ['src', 'train.py']\n"), @"");
    assert_snapshot!(resolved("target = ['src/train.py', 'b']\nread_only = ['prepare.py', './src/']\n"), @"");
}

#[test]
fn json_and_pattern_exclude_each_other() {
    assert_snapshot!(resolved("[metric]\njson = 'out.json'\npattern = 'acc (.*)'\n"), @"");
}

#[test]
fn what_means_nothing_alone_is_an_error() {
    assert_snapshot!(
        resolved("metric = { first = true, key = 'a.b', artifacts = 'm.npz' }\npropose.proposer = 'command'\n"), @"");
}

#[test]
fn what_is_missing_is_named_by_flag_and_key() {
    let error = Layers::new().resolve().unwrap_err();
    assert_snapshot!(error.render(false), @"");
    assert!(error.problems().iter().all(|problem| matches!(problem.what, What::Missing(_))));
}

#[test]
fn a_value_from_the_environment_or_a_flag_names_it() {
    let variables = [("AUTORESEARCH_BUDGET", "soon"), ("AUTORESEARCH_ITERATIONS", "many")];
    let error = Layers::new()
        .add_environment(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
        .unwrap_err();
    assert_snapshot!(error.render(false), @"");
    assert_snapshot!(flag("scope", "al").unwrap_err().render(false), @"");
    assert_snapshot!(flag("metrik.name", "x").unwrap_err().render(false), @"");
}

#[test]
fn one_line_a_problem_for_logs() {
    let error = Layers::new().add_file("a.toml", "bugdet = 5\n\nscope = 'al'\n").unwrap_err();
    assert_snapshot!(error, @"");
}

#[test]
fn a_conflict_between_a_file_and_a_flag_names_both() {
    let mut layers = complete();
    layers.set("read_only", "train.py", Origin::Flag("--read-only".to_owned())).unwrap();
    assert_snapshot!(layers.resolve().unwrap_err().render(false), @"");
}

#[test]
fn colour_is_only_given_when_asked_for() {
    let error = Layers::new().add_file("a.toml", "bugdet = 5\n").unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
}
