//! What a ready-made metric brings, and who is heard beside it (SPEC A8).

#![expect(clippy::unwrap_used, reason = "helpers of tests; a panic is the failure")]

use std::time::Duration;

use autoresearch_config::{Layers, Origin};
use autoresearch_core::budget::Budget;
use autoresearch_core::metric::{Direction, Source};
use autoresearch_core::preset::Preset;

fn with(text: &str) -> Layers {
    let mut layers = Layers::new();
    layers.add_file("autoresearch.toml", text).unwrap();
    layers
}

/// SPEC A8: a preset says what a person would else have to.
#[test]
fn a_preset_fills_in_what_nobody_says_and_no_more() {
    let mut layers = with("target = \"tool.py\"\n[metric]\npreset = \"pylint\"\n");
    let config = layers.resolve().unwrap();
    assert_eq!(
        (config.metric.name.as_str(), config.metric.direction),
        ("score", Direction::Maximize)
    );
    assert_eq!(config.run.command, ["pylint", "--recursive=y", "."]);
    assert_eq!(layers.origin("metric.name"), Some(&Origin::Preset("pylint".into())));

    layers.set("metric.name", "errors", Origin::Asked).unwrap();
    layers.set("run.command", "pylint tool.py", Origin::Asked).unwrap();
    let config = layers.resolve().unwrap();
    assert_eq!(config.metric.direction, Direction::Minimize, "that of the number");
    assert_eq!(config.run.command, ["pylint", "tool.py"]);
}

#[test]
fn a_preset_runs_the_repositorys_own_python() {
    let mut layers = with("target = \"tool.py\"\n[metric]\npreset = \"pytest\"\n");
    let command = |layers: &Layers| layers.resolve().unwrap().run.command;
    assert_eq!(command(&layers)[..3], ["python3", "-m", "pytest"]);
    layers.use_python(".venv/bin/python");
    assert_eq!(command(&layers)[..3], [".venv/bin/python", "-m", "pytest"]);
    layers.use_python("uv run python");
    assert_eq!(command(&layers)[..5], ["uv", "run", "python", "-m", "pytest"]);
    layers.set("metric.preset", "coverage", Origin::Asked).unwrap();
    let command = command(&layers);
    assert!(command[2].starts_with("uv run python -m coverage run"), "{command:?}");
    assert!(!command[2].contains("python3"), "{command:?}");
}

#[test]
fn a_preset_has_the_numbers_that_it_has_and_finds_them_itself() {
    let mut layers =
        with("target = \"tool.py\"\n[metric]\npreset = \"pylint\"\nname = \"erors\"\n");
    let error = layers.resolve().unwrap_err().to_string();
    assert!(error.contains("no number `erors`; it has score, messages"), "{error}");
    layers.set("metric.name", "errors", Origin::Asked).unwrap();
    layers.set("metric.json", "out.json", Origin::Asked).unwrap();
    let error = layers.resolve().unwrap_err().to_string();
    assert!(error.contains("finds the metric by itself"), "{error}");
}

/// What has a key of its own is found under a preset's name, too, and the
/// preset says which key that is.
#[test]
fn a_preset_that_needs_a_key_says_which() {
    let mut layers = with(
        "target = 'train.py'\nbudget = '5m'\nrun.command = 'python3 train.py'\n\
        metric = { name = 'val_bpb', direction = 'minimize' }\n",
    );
    layers.set("metric.preset", "regex", Origin::Asked).unwrap();
    let error = layers.resolve().unwrap_err().to_string();
    assert!(error.contains("the preset `regex` needs `metric.pattern`"), "{error}");
    layers.set("metric.pattern", "bpb: ([0-9.]+)", Origin::Asked).unwrap();
    let config = layers.resolve().unwrap();
    assert_eq!(config.metric.name, "val_bpb", "asked for as ever");
    assert!(matches!(config.source(), Source::Pattern { .. }), "{:?}", config.source());
    assert!(config.series().is_some(), "it is in the output");

    layers.set("metric.preset", "artifact-size", Origin::Asked).unwrap();
    let error = layers.resolve().unwrap_err().to_string();
    assert!(error.contains("needs `metric.report`: size of the files"), "{error}");
    layers.set("metric.preset", "peak-memory", Origin::Asked).unwrap();
    layers.set("metric.command", "python3 weigh.py", Origin::Asked).unwrap();
    let error = layers.resolve().unwrap_err().to_string();
    assert!(error.contains("measures the run itself; leave out `metric.command`"), "{error}");
}

const LOSS: &str = "target = 'tool.py'\nbudget = '1m'\n[metric]\nname = 'loss'\n\
    direction = 'minimize'\njson = 'out.json'\n[run]\ncommand = 'echo loss: 3'\n";

fn preset(layers: &mut Layers, name: &str) {
    layers.set("metric.preset", name, Origin::Flag("--preset".into())).unwrap();
}

/// Found by a reviewer: a pass rate was minimized, and a patch kept that breaks tests.
#[test]
fn a_preset_named_by_flag_is_not_mixed_with_a_files_other_metric() {
    let flag = || Origin::Flag("--x".into());
    let mut layers = with(LOSS);
    preset(&mut layers, "pytest");
    let config = layers.resolve().unwrap();
    assert_eq!(
        (config.metric.name.as_str(), config.metric.direction),
        ("pass_rate", Direction::Maximize)
    );
    assert_eq!(config.run.command[..3], ["python3", "-m", "pytest"]);
    assert_eq!(config.budget, Budget::Wall(Duration::from_mins(10)));
    assert_eq!(config.metric.json, None);
    assert_eq!(config.target, ["tool.py"], "which is not about the metric");
    let aside = ["budget", "metric.direction", "metric.json", "metric.name", "run.command"];
    assert_eq!(layers.set_aside(), aside);

    // Flags and the environment win.
    layers.set("metric.name", "failed", flag()).unwrap();
    assert_eq!(layers.resolve().unwrap().metric.direction, Direction::Minimize);
    layers.set("metric.direction", "maximize", flag()).unwrap();
    layers.set("budget", "2m", Origin::Environment("AUTORESEARCH_BUDGET".into())).unwrap();
    let config = layers.resolve().unwrap();
    assert_eq!(config.metric.direction, Direction::Maximize);
    assert_eq!(config.budget, Budget::Wall(Duration::from_mins(2)));
}

#[test]
fn a_file_about_the_metric_of_the_preset_is_heard_beside_it() {
    for (text, name, way) in [
        ("preset = 'pylint'\nname = 'errors'", "errors", Direction::Minimize),
        ("name = 'errors'\ndirection = 'minimize'", "errors", Direction::Minimize),
        ("name = 'errors'", "errors", Direction::Minimize),
        ("report = 'lint.txt'", "score", Direction::Maximize),
    ] {
        let mut layers = with(&format!(
            "target = 'tool.py'\nbudget = '1m'\nrun.command = 'pylint a'\n[metric]\n{text}\n"
        ));
        preset(&mut layers, "pylint");
        assert!(layers.set_aside().is_empty(), "{text}");
        let config = layers.resolve().unwrap();
        assert_eq!((config.metric.name.as_str(), config.metric.direction), (name, way), "{text}");
        assert_eq!(config.run.command, ["pylint", "a"], "{text}");
    }
    // Of another preset, of a preset that takes any name, and of a direction alone.
    for (text, other) in [
        ("preset = 'pytest'\nname = 'errors'\ndirection = 'minimize'", "pylint"),
        ("name = 'loss'\ndirection = 'maximize'", "ruff"),
        ("direction = 'minimize'", "pylint"),
    ] {
        let mut layers = with(&format!("target = 'tool.py'\n[metric]\n{text}\n"));
        preset(&mut layers, other);
        assert!(layers.set_aside().contains(&"metric.direction"), "{text}");
        let metric = layers.resolve().unwrap().metric;
        let measure = Preset::named(other).unwrap().measures[0];
        assert_eq!((metric.name.as_str(), metric.direction), (measure.name, measure.direction));
    }
}

#[test]
fn a_file_cannot_turn_a_preset_round_and_a_flag_can() {
    let text = "target = 'a.py'\n[metric]\npreset = 'pytest'\nname = 'pass_rate'\n\
        direction = 'minimize'\n";
    insta::assert_snapshot!(with(text).resolve().unwrap_err().render(false), @r#"
    error: `metric.direction` says that a lower `pass_rate` is better, and the preset `pytest` that a higher one is; leave it out, or pass `--minimize` if you mean it
     --> autoresearch.toml:5:13
      |
    3 | preset = 'pytest'
      |          -------- `metric.preset` is set here
    4 | name = 'pass_rate'
    5 | direction = 'minimize'
      |             ^^^^^^^^^^
    "#);
    let mut layers = with(text);
    layers.set("metric.direction", "minimize", Origin::Flag("--minimize".into())).unwrap();
    assert_eq!(layers.resolve().unwrap().metric.direction, Direction::Minimize);
    // Of any name, the preset only guesses.
    let free = "target = 'a.py'\nrun.command = 'sh m.sh'\n[metric]\npreset = 'latency'\n\
        name = 'hits'\ndirection = 'maximize'\n";
    assert_eq!(with(free).resolve().unwrap().metric.direction, Direction::Maximize);
}

#[test]
fn a_preset_without_a_command_wants_one_that_measures() {
    let detected = Origin::Detected("target".into());
    let mut layers = with("target = 'srv.py'\n");
    layers.set("run.command", "python3 srv.py", detected.clone()).unwrap();
    preset(&mut layers, "latency");
    assert!(layers.missing().iter().any(|missing| missing.key == "run.command"));
    insta::assert_snapshot!(layers.resolve().unwrap_err().render(false), @r#"
    error: the preset `latency` needs `run.command`: how long a request or a command takes, by `autoresearch measure latency`
     |
     = note: from --preset
     = help: give one, as `--command "autoresearch measure latency --server 'python3 server.py {port}' --url http://127.0.0.1:{port}/"`, or set it in autoresearch.toml
    "#);
    layers.set("run.command", "autoresearch measure latency -- ls", Origin::Asked).unwrap();
    layers.resolve().unwrap();

    // Where the target is what is measured, its command is right.
    for name in ["peak-memory", "json", "regex", "command"] {
        let mut layers = with("target = 'srv.py'\n");
        layers.set("run.command", "python3 srv.py", detected.clone()).unwrap();
        preset(&mut layers, name);
        assert!(layers.missing().iter().all(|missing| missing.key != "run.command"), "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_preset_is_said_once_and_points_at_nothing_of_ours() {
    let mut layers = with("target = 'a.py'\n");
    preset(&mut layers, "pytest");
    layers.set("metric.name", "bogus", Origin::Flag("--metric".into())).unwrap();
    insta::assert_snapshot!(layers.resolve().unwrap_err().render(false), @r#"
    error: the preset `pytest` has no number `bogus`; it has pass_rate, passed, failed, errors, missing, skipped, tests, duration_s
     |
     = note: from --metric
     = note: --preset: `metric.preset` is set here
    "#);
    let mut layers = with("target = 'a.py'\nrun.command = 'make'\n");
    preset(&mut layers, "artifact-size");
    insta::assert_snapshot!(layers.resolve().unwrap_err().render(false), @r#"
    error: the preset `artifact-size` needs `metric.report`: size of the files that `metric.report` names
     |
     = note: from --preset
    "#);
}
