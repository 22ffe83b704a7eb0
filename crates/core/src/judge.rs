//! What is kept, and when it takes another run to tell.
//!
//! A policy is a pure function of [`Evidence`] and of [`Beliefs`], what the
//! session has learned of its metric. Greed is Karpathy's rule to the letter; the
//! others race: a candidate is run again, or the incumbent is, until dropping or
//! keeping is the best thing to do.

mod beliefs;
mod boundary;
mod effects;
mod race;
mod scale;
#[cfg(test)]
mod tests;
mod visible;

use serde::{Deserialize, Serialize};

use crate::experiment::Verdict;
use crate::metric::Direction;
use crate::trial::{Crash, Exit, Trial};
use crate::units::counted;

pub use beliefs::{Beliefs, Claims};
pub use boundary::Boundary;
pub use race::{CALIBRATION, Step, step};
pub use visible::{Noise, Outlook, smallest_gain};

/// How much is asked of evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Any improvement in one run is kept.
    Greedy,
    /// As much gain as an hour can bring; many keeps are luck.
    Bold,
    /// Gain, but nine keeps of ten help where the noise is not above the effects.
    #[default]
    Standard,
    /// Hardly any keep is false.
    Strict,
}

impl Mode {
    /// All of them, the more is asked the later.
    pub const ALL: [Mode; 4] = [Mode::Greedy, Mode::Bold, Mode::Standard, Mode::Strict];

    /// As configurations name it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Greedy => "greedy",
            Mode::Bold => "bold",
            Mode::Standard => "standard",
            Mode::Strict => "strict",
        }
    }
}

/// What a verdict is based on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Which way is better.
    pub direction: Direction,
    /// Finite values of the candidate's trials, at least one.
    pub candidate: &'a [f64],
    /// Finite values of the incumbent's trials, at least one.
    pub incumbent: &'a [f64],
    /// Lines of code of the candidate's targets.
    pub candidate_lines: u64,
    /// Lines of code of the incumbent's targets.
    pub incumbent_lines: u64,
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The unmodified target, kept by definition.
    Baseline,
    /// The metric is better.
    Better,
    /// It looked better, but not so much that further runs were worth it.
    Unproven,
    /// It is better, but not by as much as its added lines ask for.
    NotWorthItsLines,
    /// The metric is equal, or no worse as far as matters, and the code shorter.
    EqualAndSimpler,
    /// The metric is equal and the code no shorter.
    Equal,
    /// The metric is worse.
    Worse,
    /// Its learning curve was hopeless, and it was stopped.
    Hopeless,
    /// It breaks a constraint, whatever its metric.
    Constraint,
    /// It failed.
    Failed,
    /// It is too good to be true: a person shall look at it first. Held, or
    /// kept where the configuration says so.
    Suspect,
    /// It was held as suspect, and a person trusted it.
    Trusted,
    /// It was suspect, and was no better when it ran again.
    Unrepeated,
    /// Another tool decided.
    Imported,
}

/// What becomes of a result that is too good to be true, when no sealed
/// evaluation can audit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspects {
    /// It is not kept; the report shows it first.
    Hold,
    /// It is kept; the report shows it first.
    #[default]
    Keep,
}

/// A candidate against the incumbent, in numbers. In units of the metric,
/// positive when better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// Mean of the candidate's runs minus the estimate of the incumbent's value.
    pub difference: f64,
    /// Standard error of the difference.
    pub error: f64,
    /// Probability that the change helps, by all that the session has seen.
    pub better: f64,
    /// What the change is expected to bring: the difference corrected for luck.
    pub gain: f64,
    /// Runs of the candidate.
    pub runs: u32,
}

/// A verdict with its grounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// What happens to the candidate.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// The grounds in words.
    pub reason: String,
    /// Candidate minus incumbent in units of the metric, positive when better;
    /// absent for a crash and for the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// The evidence in numbers, where noise was reckoned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighed: Option<Weighed>,
    /// Set for a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<Crash>,
}

impl Ruling {
    /// The baseline is the first incumbent.
    pub fn baseline() -> Ruling {
        Ruling {
            verdict: Verdict::Keep,
            rule: Rule::Baseline,
            reason: "the unmodified target".to_owned(),
            gain: None,
            weighed: None,
            crash: None,
        }
    }

    /// A candidate whose run was stopped early; `None` if it was not.
    pub fn of_stopped(trial: &Trial) -> Option<Ruling> {
        let hopeless = trial.hopeless.filter(|_| trial.exit == Exit::Hopeless)?;
        trial.crash.is_none().then(|| Ruling {
            verdict: Verdict::Discard,
            rule: Rule::Hopeless,
            reason: format!("stopped {hopeless}"),
            gain: None,
            crash: None,
            weighed: None,
        })
    }

    /// A candidate that failed.
    pub fn crashed(crash: Crash) -> Ruling {
        Ruling {
            verdict: Verdict::Crash,
            rule: Rule::Failed,
            reason: format!("{}: {}", crash.kind, crash.reason),
            gain: None,
            weighed: None,
            crash: Some(crash),
        }
    }
}

/// Decides between candidate and incumbent: any improvement is kept, equal
/// with fewer lines is kept, everything else is discarded.
///
/// Source: the keep rule of Karpathy's `autoresearch` (`program.md`, 2026).
pub fn ruling_for(evidence: &Evidence<'_>) -> Ruling {
    let candidate = mean(evidence.candidate);
    let incumbent = mean(evidence.incumbent);
    let gain = evidence.direction.gain(incumbent, candidate);
    let fewer = i128::from(evidence.incumbent_lines) - i128::from(evidence.candidate_lines);
    let (verdict, rule, reason) = if gain > 0.0 {
        (Verdict::Keep, Rule::Better, format!("better by {}", short(gain)))
    } else if gain < 0.0 {
        (Verdict::Discard, Rule::Worse, format!("worse by {}", short(-gain)))
    } else if fewer > 0 {
        let fewer = counted(fewer, "line");
        (Verdict::Keep, Rule::EqualAndSimpler, format!("equal with {fewer} less"))
    } else {
        (Verdict::Discard, Rule::Equal, "equal, and no simpler".to_owned())
    };
    Ruling { verdict, rule, reason, gain: Some(gain), weighed: None, crash: None }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Four significant digits, without trailing zeros.
fn short(value: f64) -> String {
    crate::metric::significant(value, 4)
}
