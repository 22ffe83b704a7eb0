//! Early stopping in a session: what it learns from settled experiments, and
//! which runs are watched.

use super::event::Plan;
use crate::curve::Curve;
use crate::experiment::{Experiment, Verdict};
use crate::metric::Direction;
use crate::stopping::{EarlyStop, Hopeless, Precedents, Tally, is_spared};
use crate::trial::{Exit, Trial};

/// What a session knows of learning curves, and what it did by them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stopping {
    precedents: Precedents,
    tally: Tally,
}

/// A run that may be stopped, beside what it is compared with.
#[derive(Clone, Debug)]
pub struct Watch {
    precedents: Precedents,
    direction: Direction,
    series: Option<Direction>,
    is_spared: bool,
}

impl Watch {
    /// Whether a run with this curve so far is hopeless.
    pub fn hopeless(&self, curve: &Curve) -> Option<Hopeless> {
        self.precedents.hopeless(self.direction, self.series, curve)
    }

    /// Whether it is finished even then, to see what comes of it.
    pub fn is_spared(&self) -> bool {
        self.is_spared
    }
}

impl Stopping {
    /// Takes in a settled experiment.
    pub(super) fn see(&mut self, experiment: &Experiment, is_believed: bool) {
        let is_kept = experiment.verdict() == Some(Verdict::Keep);
        let runs = || experiment.evidence().filter(|trial| trial.metric.is_some());
        if is_believed {
            for run in runs() {
                if let (Some(curve), Some(metric)) = (&run.curve, run.metric) {
                    self.precedents.finish(curve, metric);
                }
            }
        }
        if is_kept {
            let usual = runs().next().map_or(0.0, |run| run.usage.wall_seconds);
            self.precedents.crown(runs().filter_map(|run| run.curve.as_ref()), usual);
        }
        let Some((first, hopeless)) =
            experiment.evidence().next().and_then(|first| Some((first, first.hopeless.as_ref()?)))
        else {
            return;
        };
        if first.exit == Exit::Hopeless {
            self.tally.stopped += 1;
            let saved = hopeless.usual_seconds - first.usage.wall_seconds;
            self.tally.saved_seconds += if saved.is_finite() { saved.max(0.0) } else { 0.0 };
        } else {
            self.tally.checked += 1;
            self.tally.mistaken += u64::from(is_kept);
        }
    }

    /// Takes in another run of the incumbent.
    pub(super) fn see_incumbent(&mut self, trial: &Trial) {
        if let (Some(curve), Some(metric)) = (&trial.curve, trial.metric) {
            self.precedents.finish(curve, metric);
            self.precedents.attend(curve);
        }
    }

    /// The experiment's next run beside what it is compared with, if it may be
    /// stopped: the first of a proposed change, and no other. A run that is to
    /// confirm, audit or compare is there to be finished.
    pub(super) fn watch(&self, plan: &Plan, current: &Experiment) -> Option<Watch> {
        let may_be_stopped = plan.early_stop != EarlyStop::Off
            && !current.is_baseline()
            && current.trusts.is_none()
            && current.ruling.is_none()
            && current.evidence().next().is_none();
        may_be_stopped.then(|| Watch {
            precedents: self.precedents.clone(),
            direction: plan.direction,
            series: plan.series.is_none().then_some(plan.direction),
            is_spared: is_spared(plan.seed, current.number),
        })
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }
}

#[cfg(test)]
mod tests;
