//! The number that an experiment is about: where it is found, which way is
//! better. Reading it from a stream of output is [`Extractor`]'s work, from a
//! JSON file [`read_json`]'s.

mod ansi;
mod extract;
mod json;
mod number;
mod printed;
mod report;
mod secondary;
mod take;

pub use extract::{BadPattern, Extractor, SERVER_MARK};
pub use json::read_json;
pub use report::{Format, Part, read_report, read_usage};
pub use take::{BadTake, Take};

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::suite::Tests;

/// The number that `text` starts with, read as [`Extractor`] reads one: with thousands
/// separators, a unit, not necessarily finite.
pub fn number_of(text: &str) -> Option<f64> {
    number::prefix(text.trim().as_bytes()).map(|(number, _)| number)
}

/// Which way is better. Asked, never assumed (SPEC B1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Lower is better.
    Minimize,
    /// Higher is better.
    Maximize,
}

impl Direction {
    /// How much better `to` is than `from`: positive when better.
    pub fn gain(self, from: f64, to: f64) -> f64 {
        match self {
            Direction::Minimize => from - to,
            Direction::Maximize => to - from,
        }
    }

    /// Whether `a` is strictly better than `b`.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        self.gain(b, a) > 0.0
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Minimize => "lower is better",
            Direction::Maximize => "higher is better",
        })
    }
}

/// Where the metric is read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Printed as `name: 0.99`, `name=0.99`, `METRIC name=0.99` and the like.
    Printed {
        /// The metric's name.
        name: String,
    },
    /// First capture group of a regular expression, line by line.
    Pattern {
        /// The metric's name.
        name: String,
        /// The expression; has at least one group.
        pattern: String,
    },
    /// A key of a JSON file that the run writes, with `.` between levels.
    Json {
        /// The metric's name.
        name: String,
        /// The file, from the working directory of the run.
        file: String,
        /// The key, as `metrics.val.loss` or `results.0.score`.
        key: String,
    },
    /// What a tool reports of the whole run, in a form of its own.
    Report {
        /// The metric's name: one of the numbers of the report.
        name: String,
        /// The form.
        format: Format,
        /// The files, as patterns (`reports/*.xml`) from the working directory of
        /// the run; none is its output.
        files: Vec<String>,
    },
}

/// All that was read from one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// The finite value of the metric that counts: see [`Take`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<f64>,
    /// Whether the metric was reported as a number that is not finite.
    #[serde(default)]
    pub saw_non_finite: bool,
    /// Last finite value of everything else that looks like a metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secondary: BTreeMap<String, f64>,
    /// Why there is no metric, where the report says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What became of single tests, where it is the report of a test suite.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: Tests,
    /// What is to be known beside the numbers, as a file that did not load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// `value` with at most `digits` significant digits and no trailing zeros.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        return format!("{value:.*e}", digits.saturating_sub(1));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 20")]
    let decimals = (digits as f64 - 1.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
