//! Sessions whose metric is a suite of tests, by the real pytest (installed by
//! `crates/cli/tests/it/pytest.sh`) and the real cargo.

use std::path::{Path, PathBuf};

use autoresearch_testkit::Place;
use serde_json::{Value, json};

use crate::toy::{assert_sound, log, place, session, show, text, verdicts};

/// The environment with pytest, or none, which is said.
fn environment() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/pytest");
    let folder = std::env::var_os("AUTORESEARCH_PYTEST").map_or(ours, PathBuf::from);
    if !folder.join("bin/pytest").exists() {
        println!("skipped: no pytest in {}; see crates/cli/tests/it/pytest.sh", folder.display());
        return None;
    }
    Some(folder.canonicalize().unwrap())
}

const CALC: &str = r#"def add(a, b):
    return a - b


def mul(a, b):
    return a + b


def sub(a, b):
    return a - b


def lower(text):
    """In small letters.

    >>> lower("A")
    'a'
    """
    return text
"#;

const TESTS: &str = r#"import pytest

from calc import add, mul, sub


@pytest.mark.parametrize("a, b, total", [(1, 0, 1), (1, 2, 3)])
def test_add(a, b, total):
    assert add(a, b) == total


def test_mul():
    assert mul(3, 3) == 9


def test_sub():
    assert sub(3, 1) == 2
"#;

const CONFIG: &str = r#"target = "TARGET"
budget = "BUDGET"

[metric]
preset = "PRESET"

[run]
grace = "1s"

[propose]
proposer = "command"
command = "sh propose.sh"
patience = 3
"#;

const PROPOSE: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
cp "proposals/$n" TARGET && echo "HYPOTHESIS: proposal $n"
"#;

fn config(preset: &str, target: &str, budget: &str) -> String {
    CONFIG.replace("TARGET", target).replace("PRESET", preset).replace("BUDGET", budget)
}

/// The calculator with three failing tests of six, and its environment as `.venv`.
fn calculator(environment: &Path, config: &str, proposals: &[String]) -> Place {
    let mut place = place()
        .file("calc.py", CALC)
        .file("tests/test_calc.py", TESTS)
        .file("tests/test_text.py", "def test_text():\n    assert 'a'.upper() == 'A'\n")
        .file("pytest.ini", "[pytest]\naddopts = --doctest-modules\npythonpath = .\n")
        .file(".gitignore", ".venv\n")
        .file("propose.sh", PROPOSE.replace("TARGET", "calc.py"))
        .file("autoresearch.toml", config);
    for (proposal, number) in proposals.iter().zip(1..) {
        place = place.file(format!("proposals/{number}"), proposal);
    }
    std::os::unix::fs::symlink(environment, place.root().join(".venv")).unwrap();
    place.repository()
}

fn added() -> String {
    CALC.replace("return a - b\n\n\ndef mul", "return a + b\n\n\ndef mul")
}

fn multiplied() -> String {
    added().replace("def mul(a, b):\n    return a + b", "def mul(a, b):\n    return a * b")
}

fn metrics(place: &Place) -> Vec<Value> {
    log(place).iter().map(|point| point["metric"].clone()).collect()
}

#[test]
fn what_mends_a_test_is_kept_and_what_deletes_one_is_not() {
    let Some(environment) = environment() else { return };
    let whole = multiplied();
    let proposals = [
        added(),
        whole.clone(),
        // Equal, and simpler, but for the example that goes with its function.
        whole.split("\n\ndef lower").next().unwrap().to_owned(),
        format!("import nothing_there\n{whole}"),
        whole.replace("def sub(a, b):\n", "def sub(a, b):\n    while True:\n        pass\n"),
        whole.replace("return text", "return text.lower()"),
    ];
    let place = calculator(&environment, &config("pytest", "calc.py", "30s"), &proposals);
    let before = place.snapshot();
    place.run(session("6", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep", "discard", "discard", "crash", "keep"]);
    let rates = [0.5, 4.0 / 6.0, 5.0 / 6.0, 5.0 / 6.0, 1.0 / 6.0];
    assert_eq!(metrics(&place)[..5], rates.map(|rate| json!(rate)));
    let reason = |number: usize| text(&log(&place)[number]["reason"]);
    assert_eq!(
        reason(3),
        "equal, and no simpler; 1 test of the baseline did not run: `calc::calc.lower` is gone"
    );
    assert!(
        reason(4)
            .contains("`calc` did not load: ModuleNotFoundError: No module named 'nothing_there'"),
        "{}",
        reason(4)
    );
    assert!(
        reason(5).contains("`tests/test_calc.py::test_sub` was still running at its deadline"),
        "{}",
        reason(5)
    );
    let fixed =
        json!({ "against": 0, "fixed": ["tests.test_calc::test_add[1-2-3]"], "broken": [] });
    assert_eq!(show(&place, 1)["tests"], fixed);
    assert_eq!(show(&place, 4)["tests"]["broken"].as_array().unwrap().len(), 4);
    let shown = place.run(["show", "6"]).expect(0).stdout;
    for part in ["1 newly pass and 0 newly fail against #2", "passes: calc::calc.lower"] {
        assert!(shown.contains(part), "no `{part}` in {shown}");
    }
    // The last brief was written at the incumbent #2.
    let brief: Value =
        serde_json::from_str(&place.read(".autoresearch/t/scratch/brief.json")).unwrap();
    let failing = brief["failing"].as_array().unwrap();
    assert_eq!((failing.len(), &failing[0]["test"]), (1, &json!("calc::calc.lower")));
    let message = text(&failing[0]["message"]);
    assert!(message.contains("Got: 'A' calc.py:16"), "no path of the bench: {message}");
    assert_sound(&place, &before);
}

#[test]
fn a_suite_is_counted_against_the_baseline_by_a_sealed_measurement_too() {
    let Some(environment) = environment() else { return };
    let sealed = "preset = \"pytest\"\nartifacts = [\"calc.py\"]\n\
                  command = \".venv/bin/python -m pytest --junitxml=report.xml\"\n";
    let config = config("pytest", "calc.py", "60s")
        .replace("preset = \"pytest\"\n", sealed)
        .replace("[run]\n", "[run]\ncommand = \"true\"\n");
    let lost = CALC.split("\n\ndef lower").next().unwrap().to_owned();
    let place = calculator(&environment, &config, &[lost, added()]);
    place.run(session("2", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard", "keep"]);
    assert_eq!(metrics(&place)[..2], [json!(0.5), json!(0.5)]);
    assert!(text(&log(&place)[1]["reason"]).contains("`calc::calc.lower` is gone"));
}

#[test]
fn without_the_baselines_tests_a_session_says_how_to_go_on() {
    let Some(environment) = environment() else { return };
    let place =
        calculator(&environment, &config("pytest", "calc.py", "60s"), &[added(), multiplied()]);
    place.run(session("1", &[])).expect(0);
    let logs = place.root().join(".autoresearch/t/logs");
    let saved = std::fs::read(logs.join("0000-1.tests.tsv")).unwrap();
    for entry in std::fs::read_dir(&logs).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("0000-") && name.contains(".tests.tsv") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let ended = place.run(["resume", "-n", "2"]);
    assert_ne!(ended.code, Some(0));
    ended.says(&[
        "the tests of the baseline are not known",
        "0000-1.tests.tsv is gone or broken",
        "put the file back and `autoresearch resume --tag t`",
    ]);
    std::fs::write(logs.join("0000-1.tests.tsv"), saved).unwrap();
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
}

#[test]
fn coverage_is_measured_where_all_tests_pass() {
    let Some(environment) = environment() else { return };
    let tests = "from calc import size\n\n\ndef test_size():\n    assert size(1) == 'small'\n";
    let calc = "def size(n):\n    if n > 10:\n        return 'large'\n    return 'small'\n";
    let place = place()
        .file("calc.py", calc)
        .file("test_calc.py", tests)
        .file(".gitignore", ".venv\n.coverage\ncoverage.json\n")
        .file("propose.sh", PROPOSE.replace("TARGET", "calc.py"))
        .file("proposals/1", "def size(n):\n    return 'large' if n > 10 else 'small'\n")
        .file("proposals/2", "def size(n):\n    return 'tiny'\n")
        .file("autoresearch.toml", config("coverage", "calc.py", "60s"));
    std::os::unix::fs::symlink(environment, place.root().join(".venv")).unwrap();
    let place = place.repository();
    place.run(session("2", &[])).expect(0);
    // Four lines that can run, of which one did not; the tests' own do not count.
    assert_eq!(verdicts(&place), ["keep", "keep", "crash"]);
    assert_eq!(metrics(&place)[..2], [json!(0.75), json!(1.0)]);
    assert_eq!(show(&place, 0)["trials"][0]["secondary"]["branch_coverage"], json!(0.5));
    assert_eq!(log(&place)[2]["crash_kind"], "exit");
    // All at once is looked at twice, and what one aims at.
    let reason = text(&log(&place)[1]["reason"]);
    assert!(reason.ends_with("kept, since it repeats"), "{reason}");
}

#[test]
fn code_that_is_no_longer_imported_is_not_covered_by_that() {
    let Some(environment) = environment() else { return };
    let tests = "from calc import size\n\n\ndef test_size():\n    assert size(1) == 1\n";
    let late = "def size(n):\n    return n\n\n\ndef late():\n    import other\n";
    let place = place()
        .file("calc.py", "import other\n\n\ndef size(n):\n    return n\n")
        .file("src/other/__init__.py", "def untested():\n    a = 1\n    b = 2\n    return a + b\n")
        .file("tests/test_calc.py", tests)
        // The baseline is below what the repository asks for.
        .file(
            "pyproject.toml",
            "[tool.coverage.report]\nfail_under = 90\n[tool.pytest.ini_options]\n\
             pythonpath = [\".\", \"src\"]\n",
        )
        .file(".gitignore", ".venv\n.coverage\ncoverage.json\n")
        .file("propose.sh", PROPOSE.replace("TARGET", "calc.py"))
        .file("proposals/1", late)
        .file("autoresearch.toml", config("coverage", "calc.py", "60s"));
    std::os::unix::fs::symlink(environment, place.root().join(".venv")).unwrap();
    let place = place.repository();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard"]);
    assert_eq!(metrics(&place), [json!(4.0 / 7.0), json!(3.0 / 8.0)]);
}

const LOCK: &str = "# This file is automatically @generated by Cargo.
# It is not intended for manual editing.
version = 4

[[package]]
name = \"tiny\"
version = \"0.0.0\"
";

const LIB: &str = "/// Adds.
///
/// ```
/// assert_eq!(tiny::add(1, 2), 3);
/// ```
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_added() {
        assert_eq!(super::add(1, 0), 1);
    }

    #[test]
    fn more_is_added() {
        assert_eq!(super::add(1, 1), 2);
    }
}
";

/// A crate whose sum is a difference, and what is proposed of its `src/lib.rs`.
fn tiny(preset: &str, proposals: &[String]) -> Place {
    let cargo = PathBuf::from(env!("CARGO"));
    let toolchain = cargo.parent().and_then(Path::parent).unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    let mut place = place()
        .variable("PATH", format!("{}:{path}", toolchain.join("bin").display()))
        .file("src/lib.rs", LIB)
        .file(
            "tests/whole.rs",
            "#[test]\nfn is_there() {\n    assert_eq!(tiny::add(0, 0), 0);\n}\n",
        )
        .file("Cargo.toml", "[package]\nname = \"tiny\"\nedition = \"2021\"\n[workspace]\n")
        .file("Cargo.lock", LOCK)
        .file(".gitignore", "target\n")
        .file("propose.sh", PROPOSE.replace("TARGET", "src/lib.rs"))
        .file("autoresearch.toml", config(preset, "src/lib.rs", "300s"));
    for (proposal, number) in proposals.iter().zip(1..) {
        place = place.file(format!("proposals/{number}"), proposal);
    }
    place.repository()
}

#[test]
fn tests_of_a_crate_count_even_where_they_lie_in_the_target() {
    let without = LIB.replace(
        "    #[test]\n    fn more_is_added() {\n        assert_eq!(super::add(1, 1), 2);\n    }\n",
        "",
    );
    let proposals = [
        without,
        LIB.replace("a - b", "a + c"),
        LIB.replace("a - b", "if b > 1 { std::process::abort() } else { a + b }"),
        LIB.replace("a - b", "a + b"),
    ];
    let place = tiny("cargo-test", &proposals);
    place.run(session("4", &["--set", "judge.mode=greedy"])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard", "crash", "keep", "keep"]);
    assert_eq!(metrics(&place)[..2], [json!(0.5), json!(0.5)]);
    let log = log(&place);
    let reason = |number: usize| text(&log[number]["reason"]);
    assert!(reason(1).contains("`tiny::tests::more_is_added` is gone"), "{}", reason(1));
    assert!(reason(2).contains("does not compile: error[E0425]"), "{}", reason(2));
    // The example aborts, the rest of the suite goes on.
    assert_eq!(log[3]["metric"], json!(0.75));
    assert_eq!(log[4]["metric"], json!(1.0));
}

#[test]
fn nextest_tells_of_each_test_and_in_which_words_it_fails() {
    let is_there = std::process::Command::new(env!("CARGO"))
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        println!("skipped: no cargo nextest; `cargo install --locked cargo-nextest`");
        return;
    }
    let place = tiny("nextest", &[LIB.replace("a - b", "a * b"), LIB.replace("a - b", "a + b")]);
    place.run(session("2", &["--set", "judge.mode=greedy"])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard", "keep"]);
    assert_eq!(metrics(&place), [json!(2.0 / 3.0), json!(1.0 / 3.0), json!(1.0)]);
    let shown = place.run(["show", "1"]).expect(0).stdout;
    assert!(shown.contains("tiny::tests::nothing_is_added"), "{shown}");
}
