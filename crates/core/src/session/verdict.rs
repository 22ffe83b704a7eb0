//! What comes next for the experiment in flight: another trial, relief from
//! running out of memory, an audit of what is too good to be true, a verdict.

use std::fmt::Write as _;

use super::again::Sample;
use super::event::Plan;
use super::state::{Action, Incumbent};
use crate::experiment::{Experiment, Verdict};
use crate::judge::{
    Beliefs, CALIBRATION, Evidence, Mode, Rule, Ruling, Step, Suspects, ruling_for, step,
};
use crate::suspicion::{Seen, Suspicion, suspicion_of};
use crate::trial::{Crash, CrashKind, Exit, Trial};

/// Trials of one experiment that die with their engine before it counts as
/// crashed: a trial that takes the machine down must not do so for ever.
pub(super) const LOSSES: usize = 3;

/// An experiment with all that it is judged against.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    pub(super) incumbent: Option<&'a Incumbent>,
    pub(super) seen: &'a Seen,
    pub(super) beliefs: &'a Beliefs,
    pub(super) current: &'a Experiment,
    /// The run of the incumbent that is to be had.
    pub(super) again: Option<&'a Action>,
    /// Whether a run on a machine unlike the incumbent's may be repeated.
    pub(super) may_repeat: bool,
    /// Whether a keep asks for a run of the incumbent beside the candidate's.
    pub(super) lacks_company: bool,
}

impl Case<'_> {
    pub(super) fn next(&self) -> Action {
        let Case { plan, current, .. } = *self;
        let number = current.number;
        if current.ruling.is_some() {
            return Action::Settle { number };
        }
        let evidence: Vec<&Trial> = current.evidence().collect();
        let stopped = evidence.first().and_then(|first| Ruling::of_stopped(first));
        if let Some(ruling) = stopped.or_else(|| self.breach(&evidence)) {
            return Action::Judge { number, ruling };
        }
        let ruling = match (evidence.as_slice(), self.suspicion()) {
            ([], _) => return self.run(plan.seed),
            ([first, ..], _) if self.may_be_relieved(first) => return Action::Relieve { number },
            ([.., last], _) if self.is_unfair(last) => return self.run(last.seed),
            // Under another seed: what repeats then is no accident.
            ([_], Some(_)) => return self.run(plan.seed.wrapping_add(1)),
            ([first, second, ..], Some(suspicion)) => self.audited(first, second, suspicion),
            (_, None) => None,
        };
        match ruling.map_or_else(|| self.race(&evidence), Step::Ruling) {
            Step::Ruling(ruling) => match self.again {
                // The machine may have changed since the incumbent ran.
                Some(again) if self.lacks_company && ruling.rule == Rule::Better => again.clone(),
                _ => self.unless_unchecked(ruling),
            },
            Step::Incumbent if let Some(again) = self.again => again.clone(),
            // Every run has a seed of its own, the same ones for all.
            Step::Incumbent | Step::Candidate => {
                self.run(plan.seed.wrapping_add(evidence.len() as u64))
            }
        }
    }

    /// Why the first result would be run again before it is kept.
    pub(super) fn suspicion(&self) -> Option<Suspicion> {
        let first = self.current.evidence().next()?;
        let (metric, incumbent) = (first.metric?, self.incumbent?);
        let is_exempt = self.current.is_baseline() || self.current.trusts.is_some();
        let ruling = self.at_first_sight(&[first])?;
        if is_exempt || ruling.verdict != Verdict::Keep {
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

    /// Whether a run is repeated because the machine was unlike what it was for
    /// the incumbent, which may explain a difference: once an experiment.
    fn is_unfair(&self, last: &Trial) -> bool {
        let unlike = self.current.trials.iter().filter(|trial| trial.unlike.is_some());
        last.unlike.is_some()
            && last.metric.is_some()
            && self.plan.mode != Mode::Greedy
            && self.may_repeat
            && unlike.count() == 1
    }

    /// Once an experiment, and never for the unmodified target.
    fn may_be_relieved(&self, first: &Trial) -> bool {
        let is_oom = first.crash.as_ref().is_some_and(|crash| crash.kind == CrashKind::Oom);
        is_oom && self.current.relief.is_none() && !self.current.is_baseline()
    }

    /// By all the evidence; one failure is enough to fail.
    fn race(&self, evidence: &[&Trial]) -> Step {
        let Case { plan, incumbent, current, .. } = *self;
        if let Some(crash) = self.failure(evidence) {
            return Step::Ruling(Ruling::crashed(crash));
        }
        let Some(incumbent) = incumbent else {
            let is_known = plan.mode == Mode::Greedy || evidence.len() >= CALIBRATION;
            return if is_known { Step::Ruling(Ruling::baseline()) } else { Step::Candidate };
        };
        let (candidate, incumbent_values) = (values(evidence), incumbent.values());
        let mut step = match evidence {
            // Under the same seed to the last bit: it does the same.
            [only] if incumbent.runs.iter().any(|run| is_same(run, only)) => {
                let evidence = self.evidence(&candidate, &candidate, incumbent);
                Step::Ruling(ruling_for(&evidence))
            }
            _ => {
                let evidence = self.evidence(&candidate, &incumbent_values, incumbent);
                step(plan.mode, &evidence, self.beliefs, plan.complexity)
            }
        };
        if let Step::Ruling(ruling) = &mut step {
            if let Some(relief) = current.relief.as_ref().filter(|relief| relief.is_retried) {
                let _ = write!(ruling.reason, ", after running out of memory ({})", relief.what);
            }
            if let Some(number) = current.trusts {
                let _ = write!(ruling.reason, "; a person trusted #{number}");
            }
            let remark = evidence.iter().rev().find_map(|trial| trial.remark.as_ref());
            if let Some(remark) = remark.filter(|_| self.has_lost_tests(incumbent)) {
                let _ = write!(ruling.reason, "; {remark}");
            }
            if let Some(suspicion) = self.suspicion() {
                let _ = write!(
                    ruling.reason,
                    "; suspect ({suspicion}), but the sealed evaluation repeats it"
                );
            }
        }
        step
    }

    /// By the means alone, noise not reckoned with: `None` for a failure and
    /// for the baseline.
    fn at_first_sight(&self, evidence: &[&Trial]) -> Option<Ruling> {
        let incumbent = self.incumbent.filter(|_| self.failure(evidence).is_none())?;
        let (candidate, incumbent_values) = (values(evidence), incumbent.values());
        Some(ruling_for(&self.evidence(&candidate, &incumbent_values, incumbent)))
    }

    /// Whether it lacks tests that the incumbent has.
    fn has_lost_tests(&self, incumbent: &Incumbent) -> bool {
        let mut missing = self.current.evidence().map(Trial::missing_tests);
        missing.any(|missing| missing > incumbent.missing_tests)
    }

    fn evidence<'v>(
        &self,
        candidate: &'v [f64],
        values: &'v [f64],
        incumbent: &Incumbent,
    ) -> Evidence<'v> {
        // Lines that went together with their tests make nothing simpler.
        let least = if self.has_lost_tests(incumbent) { incumbent.code_lines } else { 0 };
        Evidence {
            direction: self.plan.direction,
            candidate,
            incumbent: values,
            candidate_lines: self.current.code_lines.max(least),
            incumbent_lines: incumbent.code_lines,
        }
    }

    fn failure(&self, evidence: &[&Trial]) -> Option<Crash> {
        let failed = evidence.iter().find(|trial| trial.metric.is_none())?;
        let crash = failed.crash.clone().unwrap_or_else(|| Crash {
            kind: CrashKind::NoMetric,
            reason: format!("`{}` was not reported", self.plan.metric),
        });
        Some(Crash { reason: self.both_attempts(crash.reason), ..crash })
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

    /// Of a suspect that ran again; `None` where the race goes on, since the
    /// sealed evaluation repeats it.
    fn audited(&self, first: &Trial, second: &Trial, suspicion: Suspicion) -> Option<Ruling> {
        let better = |ruling: &Ruling| ruling.verdict == Verdict::Keep;
        let again = self.at_first_sight(&[second]);
        if !again.as_ref().is_some_and(better) {
            let why = match again {
                Some(ruling) => ruling.reason,
                None => self
                    .failure(&[second])
                    .map_or_else(String::new, |crash| Ruling::crashed(crash).reason),
            };
            // As the metric of the experiment is: of all runs that have one.
            let measured = [first, second].into_iter().filter(|trial| trial.metric.is_some());
            let all = self.at_first_sight(&measured.collect::<Vec<_>>());
            return Some(Ruling {
                verdict: Verdict::Discard,
                rule: Rule::Unrepeated,
                reason: format!("suspect: {suspicion}; and it did not repeat: {why}"),
                gain: all.and_then(|ruling| ruling.gain),
                weighed: None,
                crash: None,
            });
        }
        if self.plan.sealed {
            return None;
        }
        let is_fixed = self.seen.varies_with_the_seed()
            && first.seed != second.seed
            && first.metric.map(f64::to_bits) == second.metric.map(f64::to_bits);
        let fixed = if is_fixed { ", and it does not vary with the seed as others do" } else { "" };
        let ruling = self.at_first_sight(&[first, second])?;
        Some(match self.plan.suspects {
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
        })
    }
}

fn values(evidence: &[&Trial]) -> Vec<f64> {
    evidence.iter().filter_map(|trial| trial.metric).collect()
}

fn is_same(run: &Sample, trial: &Trial) -> bool {
    run.seed == trial.seed && Some(run.value.to_bits()) == trial.metric.map(f64::to_bits)
}
