//! Trials of experiments that are settled already.

use std::collections::BTreeMap;

use crate::experiment::{Experiment, Verdict};
use crate::trial::{Exit, Purpose, Trial};

/// Re-runs of one experiment that fail in a row before no more are asked for.
const FAILURES: u32 = 3;

/// What one run measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// What `AUTORESEARCH_SEED` was.
    pub seed: u64,
    /// The metric; finite.
    pub value: f64,
    /// Wall-clock seconds that it took.
    pub seconds: f64,
}

impl Sample {
    /// Of a trial, if it was measured.
    pub fn of(trial: &Trial) -> Option<Sample> {
        let value = trial.metric.filter(|value| value.is_finite())?;
        Some(Sample { seed: trial.seed, value, seconds: trial.usage.wall_seconds })
    }
}

/// A trial without an end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Running {
    pub(super) number: u64,
    pub(super) trial: u64,
    pub(super) seed: u64,
    pub(super) purpose: Purpose,
}

/// What is known of settled experiments that may run again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reruns {
    known: BTreeMap<u64, Known>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    /// Trials that were begun, those before the verdict included.
    trials: u64,
    /// Re-runs in a row that failed or died with their engine.
    failures: u32,
}

impl Reruns {
    /// Only what was kept can be the incumbent.
    pub(super) fn settle(&mut self, experiment: &Experiment) {
        if experiment.verdict() == Some(Verdict::Keep) {
            let trials = experiment.trials.len() as u64;
            self.known.insert(experiment.number, Known { trials, failures: 0 });
        }
    }

    pub(super) fn start(&mut self, running: &Running) {
        if !running.purpose.is_candidate() {
            let known = self.known.entry(running.number).or_default();
            known.trials = known.trials.max(running.trial);
        }
    }

    pub(super) fn end(&mut self, running: &Running, trial: &Trial) {
        let known = self.known.entry(running.number).or_default();
        match (trial.metric, &trial.exit) {
            (Some(_), _) => known.failures = 0,
            // A person's doing, who also stopped the session.
            (None, Exit::Interrupted) => {}
            (None, _) => known.failures += 1,
        }
    }

    pub(super) fn trials(&self, number: u64) -> u64 {
        self.known.get(&number).map_or(0, |known| known.trials)
    }

    /// Whether it has not failed too often in a row.
    pub(super) fn may_run(&self, number: u64) -> bool {
        self.known.get(&number).is_none_or(|known| known.failures < FAILURES)
    }
}
