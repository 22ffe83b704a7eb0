//! What a settled experiment teaches the session: what effects and durations are
//! usual, how noisy the metric is, where to look next.

use super::{State, TURN_AFTER};
use crate::experiment::{Experiment, Verdict};
use crate::judge::{Mode, Rule};

impl State {
    /// Takes in what later experiments are held against.
    pub(super) fn see(&mut self, experiment: &Experiment) {
        let Some(ruling) = &experiment.ruling else { return };
        let runs: Vec<(u64, f64, f64)> = experiment
            .evidence()
            .filter_map(|trial| Some((trial.seed, trial.metric?, trial.usage.wall_seconds)))
            .collect();
        self.seen.compare(&runs);
        self.unlike +=
            experiment.trials.iter().filter(|trial| trial.unlike.is_some()).count() as u64;
        let is_kept = ruling.verdict == Verdict::Keep;
        let is_in_doubt =
            matches!(ruling.rule, Rule::Suspect | Rule::Unrepeated | Rule::Constraint);
        let is_believed = is_kept || !is_in_doubt;
        self.stopping.see(experiment, is_believed);
        if is_believed {
            self.seen.believe(ruling.gain, runs.first().map(|(_, _, seconds)| *seconds), is_kept);
        }
    }

    /// Takes in what an experiment says of the metric's noise, of the size of
    /// effects, and of the incumbent.
    pub(super) fn learn(&mut self, experiment: &Experiment) {
        let Some(plan) = self.plan.as_ref().filter(|plan| plan.mode != Mode::Greedy) else {
            return;
        };
        let Some(ruling) = &experiment.ruling else { return };
        let runs: Vec<f64> = experiment
            .evidence()
            .filter_map(|trial| Some(plan.direction.gain(0.0, trial.metric?)))
            .collect();
        let is_kept = ruling.verdict == Verdict::Keep;
        let is_doubted = matches!(ruling.rule, Rule::Suspect | Rule::Unrepeated);
        let is_same = matches!(ruling.rule, Rule::Equal | Rule::EqualAndSimpler);
        match (runs.as_slice(), &self.incumbent) {
            ([], _) => {}
            // What does the same stands where the incumbent stands.
            (_, Some(_)) if is_same && ruling.weighed.is_none() => {}
            (runs, None) if is_kept => self.beliefs.open(runs),
            (runs, Some(_)) if is_kept || !is_doubted => self.beliefs.settle(runs, is_kept),
            _ => {}
        }
    }

    pub(super) fn turn(&mut self, experiment: &Experiment) {
        if experiment.verdict() == Some(Verdict::Keep) {
            self.since_keep = 0;
            self.near = Some(experiment.category);
            self.failed_category = None;
            return;
        }
        self.since_keep += 1;
        let failures = match self.failed_category {
            Some((category, n)) if category == experiment.category => n + 1,
            _ => 1,
        };
        self.failed_category = Some((experiment.category, failures));
        if self.since_keep >= u64::from(TURN_AFTER) {
            self.near = None;
        }
    }
}
