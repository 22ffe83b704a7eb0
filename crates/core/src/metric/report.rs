//! What a tool reports about a whole run, in its own machine-readable form. Each
//! form has a file of its own; all of them are pure, and read what the tool
//! really wrote.

mod clippy;
mod coverage;
mod criterion;
mod embedded;
mod ending;
mod hyperfine;
mod junit;
mod kinds;
mod libtest;
mod lighthouse;
mod mypy;
mod pylint;
mod retrieval;
mod ruff;
mod sizes;
mod timings;

use serde::{Deserialize, Serialize};

use super::{Extractor, Readings, Source};
use crate::trial::Usage;

/// The form of a tool's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `JUnit` XML, as pytest, nextest and many others write it.
    Junit,
    /// What `cargo test` prints.
    Libtest,
    /// coverage.py's JSON, llvm-cov's or tarpaulin's, or lcov's text.
    Coverage,
    /// pylint's text, a line for each message and the score at the end, or its
    /// `json2`.
    Pylint,
    /// ruff's `json` or `json-lines`.
    Ruff,
    /// mypy's text or its `json`.
    Mypy,
    /// What `cargo clippy --message-format=json` prints.
    Clippy,
    /// The files below `target/criterion` of each benchmark.
    Criterion,
    /// What `hyperfine --export-json` writes.
    Hyperfine,
    /// Lighthouse's JSON; of several the median counts.
    Lighthouse,
    /// Lines of JSON: query, relevant and returned ids.
    Retrieval,
    /// Lines `METRIC name=value` and the like.
    Printed,
    /// How large the files are.
    Sizes,
    /// What the run itself has used: see [`read_usage`]. There is no text.
    Usage,
}

impl Format {
    /// Whether there is a perfect value, which one aims at: to reach it by a jump is
    /// worth another look, and no reason not to keep what repeats.
    pub fn has_a_best(self) -> bool {
        self.is_suite() || self == Format::Coverage
    }

    /// Whether `name` can be a kind of what it counts by kind, as a linter's rule:
    /// of one that is not in a report there are none. Where anybody may name what
    /// is counted, every name can.
    pub(crate) fn has_kind(self, name: &str) -> bool {
        match self {
            Format::Ruff => ruff::is_rule(name),
            Format::Mypy => mypy::is_code(name),
            Format::Clippy => clippy::is_lint(name),
            _ => true,
        }
    }

    /// Whether it tells of single tests: [`Readings::tests`].
    pub fn is_suite(self) -> bool {
        matches!(self, Format::Junit | Format::Libtest)
    }
}

/// A file of a report, or the output of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file, from the root of the repository; empty for the output.
    pub path: String,
    /// How large it is, in bytes.
    pub bytes: u64,
    /// Its text; what is not UTF-8 is replaced.
    pub text: String,
}

/// Reads a report; `name` is the number that is the metric. Everything else that
/// the report says is secondary. What keeps the metric from being known is
/// [`Readings::trouble`].
pub fn read_report(format: Format, name: &str, parts: &[Part]) -> Readings {
    match format {
        Format::Junit => junit::read(name, parts),
        Format::Libtest => libtest::read(name, parts),
        Format::Coverage => coverage::read(name, parts),
        Format::Pylint => pylint::read(name, parts),
        Format::Ruff => ruff::read(name, parts),
        Format::Mypy => mypy::read(name, parts),
        Format::Clippy => clippy::read(name, parts),
        Format::Criterion => criterion::read(name, parts),
        Format::Hyperfine => hyperfine::read(name, parts),
        Format::Lighthouse => lighthouse::read(name, parts),
        Format::Retrieval => retrieval::read(name, parts),
        Format::Printed => printed(name, parts),
        Format::Sizes => sizes::read(name, parts),
        Format::Usage => Readings::default(),
    }
}

/// What a run has used, as numbers: `seconds`, `cpu_seconds` and `peak_mem_gb`,
/// this in GiB. Whoever measured it says so; nothing that a run prints can.
pub fn read_usage(name: &str, usage: &Usage) -> Readings {
    let numbers = [
        ("seconds", usage.wall_seconds),
        ("cpu_seconds", usage.cpu_seconds),
        ("peak_mem_gb", usage.peak_memory.gib()),
    ];
    Readings::of(name, numbers.map(|(name, value)| (name.to_owned(), value)))
}

fn printed(name: &str, parts: &[Part]) -> Readings {
    let source = Source::Printed { name: name.to_owned() };
    let mut extractor = match Extractor::new(&source) {
        Ok(extractor) => extractor,
        Err(error) => return Readings::troubled(error.to_string()),
    };
    for part in parts {
        extractor.feed(part.text.as_bytes());
        extractor.feed(b"\n");
    }
    extractor.finish()
}

impl Readings {
    /// Of `numbers`, the one called `name` is the metric and the others are
    /// secondary. One that is not finite counts as reported and no more.
    pub(super) fn of(name: &str, numbers: impl IntoIterator<Item = (String, f64)>) -> Readings {
        let mut readings = Readings::default();
        for (its_name, value) in numbers {
            readings.take(name, &its_name, value);
        }
        readings
    }

    /// That nothing can be measured, and why.
    pub(super) fn troubled(why: impl Into<String>) -> Readings {
        Readings { trouble: Some(why.into()), ..Readings::default() }
    }

    /// Takes in one number, instead of what it was before; `name` is the metric's.
    pub(crate) fn take(&mut self, name: &str, its_name: &str, value: f64) {
        match (its_name == name, value.is_finite()) {
            (true, true) => self.metric = Some(value),
            (true, false) => self.saw_non_finite = true,
            (false, true) => {
                self.secondary.insert(its_name.to_owned(), value);
            }
            (false, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::preset::Preset;
    use crate::units::Bytes;

    pub(super) fn part(path: &str, text: &str) -> Part {
        Part { path: path.to_owned(), bytes: text.len() as u64, text: text.to_owned() }
    }

    #[test]
    fn what_a_run_used_is_its_time_and_its_memory() {
        let usage = Usage { wall_seconds: 2.5, cpu_seconds: 4.0, peak_memory: Bytes(3 << 29) };
        let readings = read_usage("peak_mem_gb", &usage);
        assert_eq!(readings.metric, Some(1.5));
        assert_eq!(readings.secondary.get("seconds"), Some(&2.5));
    }

    #[test]
    fn printed_lines_of_several_parts_are_read() {
        let parts = [part("", "METRIC p95_ms=12.5"), part("", "METRIC min_ms=3\n")];
        let readings = read_report(Format::Printed, "p95_ms", &parts);
        assert_eq!((readings.metric, readings.secondary.get("min_ms")), (Some(12.5), Some(&3.0)));
    }

    /// Pieces of what the tools write, so that a report is not all rubbish.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n".to_owned()),
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just(",".to_owned()),
            Just("{\"query\": 1, \"relevant\": [1, 1e999], \"returned\": [\"a\", 1]}\n".to_owned()),
            Just("{\"relevant\": {\"a\": -1, \"b\": 1e300}, \"returned\": [\"b\"]}\n".to_owned()),
            Just(
                "{\"reason\":\"compiler-message\",\"message\":{\"level\":\"warning\"}}\n"
                    .to_owned()
            ),
            Just("{\"iters\":[0.0,1.0],\"times\":[1.0]}".to_owned()),
            Just("{\"results\":[{\"command\":\"a\",\"min\":-1.0}]}".to_owned()),
            Just("{\"categories\":{\"seo\":{\"score\":null}},\"audits\":{}}".to_owned()),
            Just("x.py:1: error: no [a]\nFound 1 error in 1 file".to_owned()),
            Just("x:1:0: \u{e9}1234: C0114: x\nYour code has been rated at 1e400/10\n".to_owned()),
            "\\PC{0,12}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_report_makes_a_reader_panic_and_no_metric_is_not_finite(
            texts in proptest::collection::vec((text(), 0..3_usize), 0..4),
            preset in proptest::sample::select(Preset::ALL),
            name in any::<usize>(),
            other in "[a-z@]{0,3}[0-9]{0,25}",
        ) {
            let names = preset.measures.iter().map(|measure| measure.name.replace('*', &other));
            let kinds = ["F401", "index", "dead_code"].map(str::to_owned);
            let names: Vec<String> = names.chain(kinds).collect();
            let paths = ["", "target/criterion/a/new/sample.json", "target/criterion/a/new/estimates.json"];
            let parts: Vec<Part> =
                texts.iter().map(|(text, at)| part(paths[*at], text)).collect();
            let readings = read_report(preset.format, &names[name % names.len()], &parts);
            prop_assert!(readings.metric.is_none_or(f64::is_finite));
            prop_assert!(readings.secondary.values().all(|value| value.is_finite()));
        }
    }
}
