//! How much one experiment's run may use: wall-clock time, or what does not
//! depend on what else the machine does.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::human_duration;

/// How much wall-clock time a budget of CPU time is worth before the run is
/// taken to hang: ten times as much covers a machine shared by ten.
const BACKSTOP_FACTOR: u32 = 10;
/// A run needs time to start, however small its budget.
const LEAST_BACKSTOP: Duration = Duration::from_mins(1);
/// Nobody knows how long a step takes.
const BACKSTOP_OF_STEPS: Duration = Duration::from_hours(1);

/// How much one experiment's run may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Wall-clock time; more than zero.
    Wall(Duration),
    /// Something else.
    Quota {
        /// What.
        quota: Quota,
        /// Wall-clock time after which the run hangs; `None` is for
        /// [`Budget::wall`] to say.
        wall: Option<Duration>,
    },
}

/// A budget in what does not depend on what else the machine does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// CPU time, user and system, of the whole process tree; more than zero.
    Cpu(Duration),
    /// Steps that the run says it has done.
    Steps {
        /// How many; at least one.
        steps: u64,
        /// A regular expression with at least one group; the first is the
        /// number of the step.
        pattern: String,
    },
}

impl Budget {
    /// Wall-clock time that a run may take at most, before any allowance: the
    /// budget itself, or the time after which a run with a quota hangs. For CPU
    /// time ten times as much, at least a minute; for steps an hour.
    pub fn wall(&self) -> Duration {
        match self {
            Budget::Wall(wall) | Budget::Quota { wall: Some(wall), .. } => *wall,
            Budget::Quota { quota: Quota::Cpu(cpu), .. } => {
                cpu.saturating_mul(BACKSTOP_FACTOR).max(LEAST_BACKSTOP)
            }
            Budget::Quota { quota: Quota::Steps { .. }, .. } => BACKSTOP_OF_STEPS,
        }
    }

    /// What it counts beside wall-clock time.
    pub fn quota(&self) -> Option<&Quota> {
        match self {
            Budget::Wall(_) => None,
            Budget::Quota { quota, .. } => Some(quota),
        }
    }
}

/// `5m`, `5m of CPU time`, `1000 steps`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Wall(wall) => f.write_str(&human_duration(*wall)),
            Budget::Quota { quota, .. } => quota.fmt(f),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quota::Cpu(cpu) => write!(f, "{} of CPU time", human_duration(*cpu)),
            Quota::Steps { steps: 1, .. } => f.write_str("1 step"),
            Quota::Steps { steps, .. } => write!(f, "{steps} steps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_hangs_ends_whatever_is_counted() {
        let cpu =
            |seconds, wall| Budget::Quota { quota: Quota::Cpu(Duration::from_secs(seconds)), wall };
        assert_eq!(cpu(300, None).wall(), Duration::from_mins(50));
        assert_eq!(cpu(1, None).wall(), Duration::from_mins(1));
        assert_eq!(cpu(300, Some(Duration::from_mins(6))).wall(), Duration::from_mins(6));
        let quota = Quota::Steps { steps: 1000, pattern: "step (\\d+)".into() };
        assert_eq!(quota.to_string(), "1000 steps");
        assert_eq!(Budget::Quota { quota, wall: None }.wall(), Duration::from_hours(1));
        assert_eq!(cpu(300, None).to_string(), "5m of CPU time");
        assert_eq!(Budget::Wall(Duration::from_mins(5)).to_string(), "5m");
    }
}
