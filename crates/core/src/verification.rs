//! How much better the best is than the baseline, measured again: runs of both,
//! made beside each other after the best was chosen. What was measured while
//! it was chosen is too good on average; these runs are not.
//!
//! The numbers may go into a paper: a difference of means with its 95%
//! interval, and its size in standard deviations. A run is one number here: how
//! repetitions inside a run become one is the metric's affair.

use std::fmt;

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::experiment::Experiment;
use crate::metric::{Direction, significant};
use crate::session::Sample;
use crate::trial::Purpose;

/// Share of intervals that cover the truth.
const CONFIDENCE: f64 = 0.95;

/// What each run of one side is summed up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Every seed ran on both sides: the mean of the differences, with the
    /// paired t interval (Student, 1908).
    Paired,
    /// The difference of the means, with Welch's interval (1947) and
    /// Satterthwaite's degrees of freedom (1946).
    #[default]
    Welch,
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Number of the experiment; 0 is the baseline.
    pub number: u64,
    /// What its runs measured.
    pub values: Vec<f64>,
    /// Mean of `values`.
    pub mean: f64,
    /// Runs that failed.
    pub failed: u64,
}

/// Two experiments, run beside each other after both were settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared with, usually the baseline.
    pub baseline: Side,
    /// The best.
    pub best: Side,
    /// How the gain is estimated.
    pub method: Method,
    /// Mean of the best against that of the baseline in units of the metric,
    /// positive when better.
    pub gain: f64,
    /// 95% interval of `gain`; absent with a single run a side, of width zero
    /// where nothing varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// `gain` in standard deviations, corrected for few runs: Hedges' g (1981).
    /// Absent where nothing varied, or with a single run a side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
}

impl Comparison {
    /// Compares what was measured; `None` when a side has no run that was.
    ///
    /// Paired when every seed occurs once on both sides, which removes what a
    /// seed and the machine at that hour do to both.
    pub fn of(
        direction: Direction,
        baseline: (u64, &[Sample]),
        best: (u64, &[Sample]),
    ) -> Option<Comparison> {
        let differences = paired(direction, baseline.1, best.1);
        let (baseline, best) = (side(baseline)?, side(best)?);
        let (a, b) = (&baseline.values, &best.values);
        let (method, gain, error) = match &differences {
            Some(differences) => {
                let error = variance(differences).map(|variance| {
                    let n = differences.len() as f64;
                    ((variance / n).sqrt(), n - 1.0)
                });
                (Method::Paired, mean(differences), error)
            }
            None => (Method::Welch, direction.gain(baseline.mean, best.mean), welch(a, b)),
        };
        let interval = error.filter(|(error, _)| error.is_finite()).and_then(|(error, degrees)| {
            let width = if error > 0.0 { quantile(degrees)? * error } else { 0.0 };
            Some((gain - width, gain + width))
        });
        let effect = effect(direction.gain(baseline.mean, best.mean), a, b);
        // Of values near the largest number there is, nothing can be said.
        gain.is_finite().then_some(Comparison { baseline, best, method, gain, interval, effect })
    }

    /// The comparison of two settled experiments by their runs for it: those
    /// under seeds that both ran with for this purpose.
    pub fn between(
        direction: Direction,
        baseline: &Experiment,
        best: &Experiment,
    ) -> Option<Comparison> {
        let (theirs, ours) = (verifications(baseline), verifications(best));
        let shared = |(seed, _): &&(u64, Option<Sample>), others: &[(u64, Option<Sample>)]| {
            others.iter().any(|(other, _)| other == seed)
        };
        let a: Vec<_> = theirs.iter().filter(|run| shared(run, &ours)).copied().collect();
        let b: Vec<_> = ours.iter().filter(|run| shared(run, &theirs)).copied().collect();
        let measured = |runs: &[(u64, Option<Sample>)]| -> Vec<Sample> {
            runs.iter().filter_map(|(_, sample)| *sample).collect()
        };
        let mut comparison = Comparison::of(
            direction,
            (baseline.number, &measured(&a)),
            (best.number, &measured(&b)),
        )?;
        let failed = |runs: &[(u64, Option<Sample>)]| {
            runs.iter().filter(|(_, sample)| sample.is_none()).count() as u64
        };
        comparison.baseline.failed = failed(&a);
        comparison.best.failed = failed(&b);
        Some(comparison)
    }

    /// What may be said of the best at 95%, as `clearly better`.
    pub fn conclusion(&self) -> &'static str {
        match self.interval {
            None => "too few runs to tell",
            Some((low, _)) if low > 0.0 => "clearly better",
            Some((_, high)) if high < 0.0 => "clearly worse",
            Some((low, high)) if high <= low => "equal",
            Some(_) => "not clearly better",
        }
    }
}

/// `better by 0.021, 95% interval 0.015 to 0.027, 5 runs each`.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.interval.map_or(0.0, |(low, high)| (high - low) / 2.0);
        let short = |value: f64| written(value, width);
        match self.gain {
            gain if gain > 0.0 => write!(f, "better by {}", short(gain))?,
            gain if gain < 0.0 => write!(f, "worse by {}", short(-gain))?,
            _ => f.write_str("no difference")?,
        }
        match self.interval {
            None => f.write_str(", too few runs for an interval")?,
            Some((low, high)) if high <= low => f.write_str(", the same in every run")?,
            // As the sentence is turned: of what it is worse by.
            Some((low, high)) if self.gain < 0.0 => {
                write!(f, ", 95% interval {} to {}", short(-high), short(-low))?;
            }
            Some((low, high)) => write!(f, ", 95% interval {} to {}", short(low), short(high))?,
        }
        if let Some(effect) = self.effect {
            write!(f, " ({} standard deviations)", significant(effect.abs(), 2))?;
        }
        match (self.baseline.values.len(), self.best.values.len()) {
            (1, 1) => f.write_str(", one run each")?,
            (a, b) if a == b => write!(f, ", {a} runs each")?,
            (a, b) => write!(f, ", {b} runs against {a}")?,
        }
        match self.baseline.failed + self.best.failed {
            0 => Ok(()),
            1 => f.write_str("; one more run failed"),
            failed => write!(f, "; {failed} more runs failed"),
        }
    }
}

/// A value with as many decimals as two digits of its uncertainty have.
fn written(value: f64, width: f64) -> String {
    let decimals = 1.0 - width.abs().log10().floor();
    if !(0.0..=9.0).contains(&decimals) {
        return significant(value, 3);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 9")]
    let text = format!("{value:.*}", decimals as usize);
    // What rounds to nothing has no sign.
    text.strip_prefix('-')
        .filter(|t| !t.contains(|c| c != '0' && c != '.'))
        .map_or(text.clone(), str::to_owned)
}

/// Runs for a verification that came to their end: seed and, unless it failed,
/// what was measured.
fn verifications(experiment: &Experiment) -> Vec<(u64, Option<Sample>)> {
    let runs = experiment.reruns.iter().filter(|rerun| rerun.purpose == Purpose::Verification);
    let trials = runs.map(|rerun| &rerun.trial).filter(|trial| !trial.is_interrupted());
    trials.map(|trial| (trial.seed, Sample::of(trial))).collect()
}

fn side((number, runs): (u64, &[Sample])) -> Option<Side> {
    let values: Vec<f64> = runs.iter().map(|run| run.value).collect();
    (!values.is_empty()).then(|| Side { number, mean: mean(&values), values, failed: 0 })
}

/// Gains by seed, when each seed occurs exactly once on both sides.
fn paired(direction: Direction, baseline: &[Sample], best: &[Sample]) -> Option<Vec<f64>> {
    let only = |runs: &[Sample], seed: u64| {
        let mut found = runs.iter().filter(|run| run.seed == seed);
        found.next().filter(|_| found.next().is_none()).map(|run| run.value)
    };
    let gain = |run: &Sample| {
        let (from, to) = (only(baseline, run.seed)?, only(best, run.seed)?);
        Some(direction.gain(from, to))
    };
    (baseline.len() == best.len()).then(|| best.iter().map(gain).collect()).flatten()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of a sample, by n - 1; `None` of fewer than two values. Exactly zero where
/// all are equal, whatever rounding does to their mean.
fn variance(values: &[f64]) -> Option<f64> {
    let first = values.first()?;
    if values.iter().all(|value| value - first == 0.0) {
        return (values.len() > 1).then_some(0.0);
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// Standard error of a difference of means, and its degrees of freedom (Welch,
/// *Biometrika* 34, 1947; Satterthwaite, *Biometrics* 2, 1946).
fn welch(a: &[f64], b: &[f64]) -> Option<(f64, f64)> {
    let share = |values: &[f64]| Some(variance(values)? / values.len() as f64);
    let (va, vb) = (share(a)?, share(b)?);
    let sum = va + vb;
    let of = |v: f64, values: &[f64]| v * v / (values.len() - 1) as f64;
    Some((sum.sqrt(), sum * sum / (of(va, a) + of(vb, b))))
}

/// Hedges' g with its approximate correction for few values, 1 - 3/(4m - 1)
/// for m degrees of freedom (*Journal of Educational Statistics* 6, 1981).
fn effect(gain: f64, a: &[f64], b: &[f64]) -> Option<f64> {
    let degrees = (a.len() + b.len() - 2) as f64;
    let sum = |values: &[f64]| Some(variance(values)? * (values.len() - 1) as f64);
    let pooled = ((sum(a)? + sum(b)?) / degrees).sqrt();
    let effect = gain / pooled * (1.0 - 3.0 / (4.0 * degrees - 1.0));
    effect.is_finite().then_some(effect)
}

/// Student's t beyond which lies half of what the interval leaves out.
fn quantile(degrees: f64) -> Option<f64> {
    let student = StudentsT::new(0.0, 1.0, degrees).ok()?;
    Some(student.inverse_cdf(f64::midpoint(1.0, CONFIDENCE)))
}

#[cfg(test)]
mod tests;
