//! What stands between a good metric and a keep: constraints, which every
//! finished trial must hold to, and checks, which must pass once.

use super::state::Action;
use super::verdict::{Case, LOSSES};
use crate::experiment::{Check, Verdict};
use crate::judge::{Rule, Ruling};
use crate::trial::{Crash, CrashKind, Trial};

impl Case<'_> {
    /// The verdict on an experiment of which one of the finished trials breaks
    /// a constraint: no more runs are spent on it.
    pub(super) fn breach(&self, evidence: &[&Trial]) -> Option<Ruling> {
        let plan = self.plan;
        let finished = evidence.iter().filter(|trial| trial.metric.is_some());
        let mut reason = finished
            .flat_map(|trial| plan.constraints.iter().map(move |constraint| (trial, constraint)))
            .find_map(|(trial, constraint)| constraint.breach(trial, &plan.metric))?;
        if self.current.is_baseline() {
            reason.push_str(
                ", and nothing can be compared with a target that breaks it; loosen `judge.constraints`, or mend the target, commit it, and begin another session",
            );
        }
        let metrics = self.incumbent.zip(self.current.metric());
        let gain = metrics.map(|(incumbent, own)| plan.direction.gain(incumbent.metric, own));
        Some(Ruling {
            verdict: Verdict::Discard,
            rule: Rule::Constraint,
            reason,
            gain,
            weighed: None,
            crash: None,
        })
    }

    /// Carries `ruling` out, unless it is a keep without checks that passed.
    pub(super) fn unless_unchecked(&self, ruling: Ruling) -> Action {
        let (number, checks) = (self.current.number, &self.current.checks);
        if ruling.verdict != Verdict::Keep || !self.plan.checks {
            return Action::Judge { number, ruling };
        }
        let (kind, reason) = match checks.last() {
            Some(Check::Passed) => return Action::Judge { number, ruling },
            Some(Check::Failed(why)) if self.current.is_baseline() => (
                CrashKind::Checks,
                format!(
                    "{why}; they must pass on the unmodified target: mend it or `checks.command`, and begin another session"
                ),
            ),
            Some(Check::Failed(why)) => (CrashKind::Checks, why.clone()),
            _ if checks.iter().filter(|check| **check == Check::Lost).count() >= LOSSES => (
                CrashKind::Interrupted,
                format!("the engine died {LOSSES} times while its checks ran"),
            ),
            _ => return Action::Check { number },
        };
        Action::Judge { number, ruling: Ruling::crashed(Crash { kind, reason }) }
    }
}
