//! Reasons to stop that the user states as rules.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metric::Direction;

/// What a rule is checked against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which way is better.
    pub direction: Direction,
    /// Metric of the unmodified target.
    pub baseline: Option<f64>,
    /// Metric of the incumbent.
    pub best: Option<f64>,
    /// Experiments settled since the last keep.
    pub since_keep: u64,
}

/// Placeholder until the parser lands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRule(String);

impl StopRule {
    /// Whether it holds.
    pub fn holds(&self, _progress: &Progress) -> bool {
        false
    }
}

impl fmt::Display for StopRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
