//! The final comparison: what is known of it, and making it on demand.

use std::path::Path;
use std::time::Duration;

use autoresearch_core::experiment::Experiment;
use autoresearch_core::session::verification_runs;
use autoresearch_core::units::human_duration;
use autoresearch_core::verification::Comparison;

use crate::error::EngineError;
use crate::news::Observer;
use crate::open::{Session, local};
use crate::stop::{Limit, Stop, Urgency};
use crate::view::{Status, View};

/// A comparison of the best that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Runs of each side, in addition to those that were made already.
    pub runs: u64,
    /// Number of the experiment to compare with; 0 is the baseline.
    pub against: u64,
}

/// Runs an experiment and the best of a resting session in turn, and compares
/// them by these and all earlier runs for that. `None` when it was stopped before
/// anything could be compared.
///
/// # Errors
/// When another engine runs the session, when there is nothing to compare, or
/// when neither run was measured.
pub fn verify(
    folder: &Path,
    tag: Option<&str>,
    asked: &Verification,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Option<Comparison>, EngineError> {
    let view = View::open(folder, tag)?;
    // Who runs it is the better reason not to.
    if view.engine()?.is_none() {
        pair(&view, asked.against)?;
    }
    let rested = view.status()?.stopped;
    let tag = view.plan().tag.clone();
    let session = Session::resume(folder, Some(&tag), Limit::Same, observer)?;
    let executor = local()?;
    let mut conductor = session.conduct(&*executor, None, None, observer, stop.clone())?;
    let runs = usize::try_from(asked.runs).unwrap_or(usize::MAX);
    conductor.compare(asked.against, runs, rested)?;
    drop(conductor);
    let view = View::open(folder, Some(&tag))?;
    view.write_report()?;
    let (other, best) = pair(&view, asked.against)?;
    let comparison = Comparison::between(view.plan().direction, &other, &best);
    if comparison.is_none() && stop.urgency() == Urgency::None {
        let (against, best) = (other.number, best.number);
        return Err(EngineError::NothingMeasured { against, best });
    }
    Ok(comparison)
}

/// Says what [`verify`] would do; touches nothing.
///
/// # Errors
/// When there is nothing to compare.
pub fn verify_dry_run(view: &View, asked: &Verification) -> Result<Vec<String>, EngineError> {
    let (other, best) = pair(view, asked.against)?;
    let seconds: Vec<f64> =
        other.evidence().chain(best.evidence()).map(|trial| trial.usage.wall_seconds).collect();
    let each = seconds.iter().sum::<f64>() / seconds.len().max(1) as f64;
    let all = Duration::try_from_secs_f64(each * 2.0 * asked.runs as f64).unwrap_or(Duration::MAX);
    let name = |experiment: &Experiment| match experiment.number {
        0 => "the baseline".to_owned(),
        number => format!("#{number}"),
    };
    let times = if asked.runs == 1 { "once".to_owned() } else { format!("{} times", asked.runs) };
    let earlier = Comparison::between(view.plan().direction, &other, &best);
    let earlier = earlier.map_or(0, |c| c.best.values.len());
    Ok(Vec::from([
        format!(
            "run {} and {}, the best, {times} each in turn, under the same new seeds",
            name(&other),
            name(&best)
        ),
        format!("take about {} for it", human_duration(all)),
        format!("compare them by these runs and the {earlier} of each that were made before"),
    ]))
}

/// An experiment and the best, which is another.
fn pair(view: &View, against: u64) -> Result<(Experiment, Experiment), EngineError> {
    let best = view.incumbent()?.ok_or(EngineError::NothingToCompare(0))?;
    let other = view.experiment(against)?;
    for experiment in [&other, &best] {
        if experiment.commit.is_none() {
            return Err(EngineError::NoCommit(experiment.number));
        }
    }
    if other.number == best.number {
        return Err(EngineError::NothingToCompare(against));
    }
    Ok((other, best))
}

/// Why a session whose best is no baseline has no comparison of it.
pub(crate) fn why_not(view: &View, status: &Status) -> Option<String> {
    status.best.as_ref().filter(|best| best.number > 0)?;
    let (plan, tried) = (view.plan(), status.tally.total());
    let why = match &status.stopped {
        _ if plan.verify == 0 => "it is turned off (`judge.verify`)",
        _ if status.baseline.as_ref().is_none_or(|baseline| baseline.commit.is_none()) => {
            return Some("the commit of the baseline is not known".to_owned());
        }
        _ if status.engine.is_some() => "the session runs",
        None => "the session was interrupted",
        Some(reason) if !reason.is_natural() => "the session did not come to its end",
        Some(_) if verification_runs(plan.verify, tried) == 0 => "too few experiments for it",
        Some(_) if plan.stop_after_seconds.is_some() => "no time was left for it",
        Some(_) => "its runs failed",
    };
    Some(format!("{why}; `autoresearch verify` does it"))
}
