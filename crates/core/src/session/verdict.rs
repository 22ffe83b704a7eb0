//! What comes next for the experiment in flight: another trial, relief from
//! running out of memory, an audit of what is too good to be true, a verdict.

use std::fmt::Write as _;

use super::event::Plan;
use super::state::{Action, Incumbent};
use crate::experiment::{Experiment, Verdict};
use crate::judge::{Evidence, Rule, Ruling, Suspects, ruling_for};
use crate::suspicion::{Seen, Suspicion, suspicion_of};
use crate::trial::{Crash, CrashKind, Exit, Trial};

/// Trials of one experiment that die with their engine before it counts as
/// crashed: a trial that takes the machine down must not do so for ever.
const LOSSES: usize = 3;

/// An experiment with all that it is judged against.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    pub(super) incumbent: Option<&'a Incumbent>,
    pub(super) seen: &'a Seen,
    pub(super) current: &'a Experiment,
}

impl Case<'_> {
    pub(super) fn next(&self) -> Action {
        let Case { plan, current, .. } = *self;
        let number = current.number;
        if current.ruling.is_some() {
            return Action::Settle { number };
        }
        let evidence: Vec<&Trial> = current.evidence().collect();
        if let Some(ruling) = evidence.first().and_then(|first| Ruling::of_stopped(first)) {
            return Action::Judge { number, ruling };
        }
        let ruling = match (evidence.as_slice(), self.suspicion()) {
            ([], _) => return self.run(plan.seed),
            ([first, ..], _) if self.may_be_relieved(first) => return Action::Relieve { number },
            // Under another seed: what repeats then is no accident.
            ([_], Some(_)) => return self.run(plan.seed.wrapping_add(1)),
            ([first, second, ..], Some(suspicion)) => self.audited(first, second, suspicion),
            (evidence, None) => self.ruling(evidence),
        };
        Action::Judge { number, ruling }
    }

    /// Why the first result would be run again before it is kept.
    pub(super) fn suspicion(&self) -> Option<Suspicion> {
        let first = self.current.evidence().next()?;
        let (metric, incumbent) = (first.metric?, self.incumbent?);
        let is_exempt = self.current.is_baseline() || self.current.trusts.is_some();
        if is_exempt || self.ruling(&[first]).verdict != Verdict::Keep {
            return None;
        }
        let seconds = first.usage.wall_seconds;
        suspicion_of(metric, seconds, self.plan.direction, &incumbent.values(), self.seen)
    }

    fn run(&self, seed: u64) -> Action {
        let Experiment { number, trials, .. } = self.current;
        if trials.iter().filter(|trial| trial.exit == Exit::Lost).count() >= LOSSES {
            let reason = format!("the engine died {LOSSES} times while it ran");
            let crash = Crash { kind: CrashKind::Interrupted, reason };
            return Action::Judge { number: *number, ruling: Ruling::crashed(crash) };
        }
        Action::Run { number: *number, trial: trials.len() as u64 + 1, seed }
    }

    /// Once an experiment, and never for the unmodified target.
    fn may_be_relieved(&self, first: &Trial) -> bool {
        let is_oom = first.crash.as_ref().is_some_and(|crash| crash.kind == CrashKind::Oom);
        is_oom && self.current.relief.is_none() && !self.current.is_baseline()
    }

    /// By the mean of all the evidence; one failure is enough to fail.
    fn ruling(&self, evidence: &[&Trial]) -> Ruling {
        let Case { plan, incumbent, current, .. } = *self;
        if let Some(failed) = evidence.iter().find(|trial| trial.metric.is_none()) {
            let crash = failed.crash.clone().unwrap_or_else(|| Crash {
                kind: CrashKind::NoMetric,
                reason: format!("`{}` was not reported", plan.metric),
            });
            return Ruling::crashed(Crash { reason: self.both_attempts(crash.reason), ..crash });
        }
        let Some(incumbent) = incumbent else { return Ruling::baseline() };
        let candidate: Vec<f64> = evidence.iter().filter_map(|trial| trial.metric).collect();
        let mut ruling = ruling_for(&Evidence {
            direction: plan.direction,
            candidate: &candidate,
            incumbent: &incumbent.values(),
            candidate_lines: current.code_lines,
            incumbent_lines: incumbent.code_lines,
        });
        if let Some(relief) = current.relief.as_ref().filter(|relief| relief.is_retried) {
            let _ = write!(ruling.reason, ", after running out of memory ({})", relief.what);
        }
        if let Some(number) = current.trusts {
            let _ = write!(ruling.reason, "; a person trusted #{number}");
        }
        ruling
    }

    /// Of a crash with what was done about memory before it.
    fn both_attempts(&self, reason: String) -> String {
        match &self.current.relief {
            None => reason,
            Some(relief) if !relief.is_retried => format!("{reason}; {}", relief.what),
            Some(relief) => {
                let before = self.current.trials.iter().take(relief.after);
                let first = before.filter_map(|trial| trial.crash.as_ref()).next_back();
                let first = first.map_or("", |crash| crash.reason.as_str());
                format!("{reason}; this was the retry with {}, after: {first}", relief.what)
            }
        }
    }

    /// Of a suspect that ran again.
    fn audited(&self, first: &Trial, second: &Trial, suspicion: Suspicion) -> Ruling {
        let again = self.ruling(&[second]);
        if again.verdict != Verdict::Keep {
            // As the metric of the experiment is: of all runs that have one.
            let measured = [first, second].into_iter().filter(|trial| trial.metric.is_some());
            let gain = self.ruling(&measured.collect::<Vec<_>>()).gain;
            return Ruling {
                verdict: Verdict::Discard,
                rule: Rule::Unrepeated,
                reason: format!("suspect: {suspicion}; and it did not repeat: {}", again.reason),
                gain,
                crash: None,
            };
        }
        let is_fixed = self.seen.varies_with_the_seed()
            && first.seed != second.seed
            && first.metric.map(f64::to_bits) == second.metric.map(f64::to_bits);
        let fixed = if is_fixed { ", and it does not vary with the seed as others do" } else { "" };
        let ruling = self.ruling(&[first, second]);
        match self.plan.suspects {
            _ if self.plan.sealed => Ruling {
                reason: format!(
                    "{}; suspect ({suspicion}{fixed}), but the sealed evaluation repeats it",
                    ruling.reason
                ),
                ..ruling
            },
            Suspects::Keep => Ruling {
                rule: Rule::Suspect,
                reason: format!("suspect: {suspicion}{fixed}; kept, since it repeats"),
                ..ruling
            },
            Suspects::Hold => Ruling {
                verdict: Verdict::Discard,
                rule: Rule::Suspect,
                reason: format!("suspect: {suspicion}{fixed}; held, though it repeats"),
                ..ruling
            },
        }
    }
}
