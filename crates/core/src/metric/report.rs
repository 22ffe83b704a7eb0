//! What a tool reports about a whole run, in its own machine-readable form. Each
//! form has a file of its own; all of them are pure, and read what the tool
//! really wrote.

mod coverage;
mod junit;
mod libtest;
mod pylint;

use serde::{Deserialize, Serialize};

use super::Readings;

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
    /// pylint's text: a line for each message and the score at the end.
    Pylint,
}

impl Format {
    /// Whether there is a perfect value, which one aims at: to reach it by a jump is
    /// worth another look, and no reason not to keep what repeats.
    pub fn has_a_best(self) -> bool {
        self.is_suite() || self == Format::Coverage
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
    }
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
    fn troubled(why: impl Into<String>) -> Readings {
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
