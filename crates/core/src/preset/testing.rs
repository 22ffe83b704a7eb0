//! Presets that run a test suite, and coverage, which is about one.

use super::{Measure, Preset, down, up};
use crate::metric::Format;

/// The numbers of every suite. All but `tests` are of the tests that the baseline has:
/// see [`crate::suite`].
const SUITE: &[Measure] = &[
    up("pass_rate", "share of the baseline's tests that pass, from 0 to 1"),
    up("passed", "tests of the baseline that pass"),
    down("failed", "tests of the baseline that do not pass, for whatever reason"),
    down("errors", "of these, tests that broke outside of what they check, or did not run"),
    down("missing", "of these, tests that are gone, or skipped though the baseline ran them"),
    down("skipped", "tests that are skipped; one that the baseline skipped is until it passes"),
    up("tests", "tests that the report has, new ones included"),
    down(
        "duration_s",
        "seconds that the tests took, as the report has it, where all of the baseline's ran",
    ),
];

pub(super) const PYTEST: Preset = Preset {
    name: "pytest",
    about: "share of the tests that pass, by pytest",
    measures: SUITE,
    // Of a file that does not import, the tests are missing; the others still run.
    // With `-v`, the test that hangs is the last word of the output. And a repository
    // may ask for a stop at the first failure (`addopts = "-x"`).
    command: &[
        "python3",
        "-m",
        "pytest",
        "-v",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "--maxfail=0",
        "--junitxml=report.xml",
    ],
    budget: "10m",
    format: Format::Junit,
    files: &["report.xml"],
    // 1: tests failed; 2: files could not be collected. 3 and 4 are errors of
    // pytest and of its use, 5 is no tests at all.
    codes: 0..=2,
};

pub(super) const CARGO_TEST: Preset = Preset {
    name: "cargo-test",
    about: "share of the tests that pass, by cargo test",
    measures: SUITE,
    command: &["cargo", "test", "--no-fail-fast"],
    budget: "10m",
    format: Format::Libtest,
    files: &[],
    // 101 for tests that fail, and for a crate that does not compile.
    codes: 0..=101,
};

/// nextest writes `JUnit` only where its configuration says so: one of our own, below
/// that of the repository.
const NEXTEST_COMMAND: &str = "mkdir -p target && \
    printf '[profile.default.junit]\\npath = \"junit.xml\"\\n' > target/autoresearch-nextest.toml && \
    exec cargo nextest run --no-fail-fast \
    --tool-config-file \"autoresearch:$PWD/target/autoresearch-nextest.toml\"";

pub(super) const NEXTEST: Preset = Preset {
    name: "nextest",
    about: "share of the tests that pass, by cargo nextest",
    measures: SUITE,
    command: &["sh", "-c", NEXTEST_COMMAND],
    budget: "10m",
    format: Format::Junit,
    files: &["target/nextest/default/junit.xml"],
    // 100: tests failed.
    codes: 0..=100,
};

pub(super) const JUNIT: Preset = Preset {
    name: "junit",
    about: "share of the tests that pass, by any tool that writes JUnit XML",
    measures: SUITE,
    command: &[],
    budget: "10m",
    format: Format::Junit,
    files: &["report.xml", "junit.xml", "**/TEST-*.xml"],
    // Every tool has its own for tests that fail; 126 and above are a shell's.
    codes: 0..=125,
};

/// Without a source, what no test imports is not in the report. Only folders with an
/// `__init__.py` are looked through for it, so that `src` has to be named. The tests
/// themselves would count as code that runs; the patterns are relative, since all of
/// the repository may lie below a folder called `tests`. A threshold of the
/// repository is none of ours.
const COVERAGE_COMMAND: &str = "python3 -m coverage run --branch --source=.,src \
    -m pytest -q -p no:cacheprovider && \
    python3 -m coverage json -q --fail-under=0 -o coverage.json \
    --omit='./**/tests/**,./**/test/**,./**/test_*.py,./**/tests.py,./**/*_test.py,./**/conftest.py'";

pub(super) const COVERAGE: Preset = Preset {
    name: "coverage",
    about: "share of the code that the tests run, where all of them pass",
    measures: &[
        up("line_coverage", "share of the lines that ran, from 0 to 1"),
        up("branch_coverage", "share of the branches that were taken, from 0 to 1"),
        up("lines", "lines that can run"),
        up("covered_lines", "lines that ran"),
        down("missing_lines", "lines that can run and did not"),
        up("branches", "branches"),
        up("covered_branches", "branches that were taken"),
        down("excluded_lines", "lines that a comment excludes, where the report has them"),
    ],
    command: &["sh", "-c", COVERAGE_COMMAND],
    budget: "10m",
    format: Format::Coverage,
    files: &["coverage.json", "tarpaulin-report.json", "lcov.info"],
    // Coverage by tests that fail is worth nothing.
    codes: 0..=0,
};
