//! What a tool reports about a whole run, in its own machine-readable form. Each
//! form has a file of its own; all of them are pure, and read what the tool
//! really wrote.

mod pylint;

use serde::{Deserialize, Serialize};

use super::Readings;

/// The form of a tool's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// pylint's text: a line for each message and the score at the end.
    Pylint,
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
        Format::Pylint => pylint::read(name, parts),
    }
}

impl Readings {
    /// Of `numbers`, the one called `name` is the metric and the others are
    /// secondary. One that is not finite counts as reported and no more.
    pub(super) fn of(name: &str, numbers: impl IntoIterator<Item = (String, f64)>) -> Readings {
        let mut readings = Readings::default();
        for (its_name, value) in numbers {
            match (its_name == name, value.is_finite()) {
                (true, true) => readings.metric = Some(value),
                (true, false) => readings.saw_non_finite = true,
                (false, true) => {
                    readings.secondary.insert(its_name, value);
                }
                (false, false) => {}
            }
        }
        readings
    }
}
