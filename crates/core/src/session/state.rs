//! The fold of events, and what follows from it.

mod learning;
mod proposing;

use std::collections::{HashMap, VecDeque};

use super::again::{Reruns, Running, Sample};
use super::event::{Draft, Event, Plan, Queued, Record, Retry, StopReason};
use super::stopping::{Stopping, Watch};
use super::verdict::Case;
use super::verify::Verifications;
use crate::conditions::Conditions;
use crate::experiment::{Check, CommitId, Counts, Experiment, Relief, Verdict};
use crate::judge::{Beliefs, Noise, Ruling};
use crate::proposal::{Category, Fingerprint};
use crate::stop::Progress;
use crate::stopping::Tally;
use crate::suspicion::{Seen, Suspicion};
use crate::trial::{Exit, Purpose, Trial};
use crate::units::Timestamp;
use proposing::Proposing;

/// Failures in a row of one category after which the direction changes (E4).
const TURN_AFTER: u32 = 5;

/// The best experiment so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Incumbent {
    /// Number of the experiment.
    pub number: u64,
    /// Its commit.
    pub commit: CommitId,
    /// Its runs that were measured: those of its verdict and, after them, those
    /// since, to know it better. Those of a verification are not among them.
    pub runs: Vec<Sample>,
    /// Mean of `runs`.
    pub metric: f64,
    /// Lines of code in all targets.
    pub code_lines: u64,
    /// Tests of the baseline that its runs lack, the most of them.
    pub(super) missing_tests: f64,
    /// What the machine was like during `runs`, as far as it is known.
    pub conditions: Vec<Conditions>,
}

impl Incumbent {
    /// The values of its runs.
    pub fn values(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.value).collect()
    }

    /// Mean of the seconds that its runs took.
    pub(super) fn seconds(&self) -> f64 {
        self.runs.iter().map(|run| run.seconds).sum::<f64>() / self.runs.len().max(1) as f64
    }

    fn add(&mut self, run: Sample) {
        self.runs.push(run);
        self.metric = self.runs.iter().map(|run| run.value).sum::<f64>() / self.runs.len() as f64;
    }
}

/// Where the proposer should look (SPEC E4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    /// The category of the last keep, while it is recent: explore near it.
    pub near: Option<Category>,
    /// A category that failed several times in a row: try another.
    pub avoid: Option<Category>,
    /// Experiments that were not kept since the last keep: be bolder.
    pub failures_in_a_row: u32,
}

/// Runs that are repeated at least, because the machine was unlike what it was
/// for the incumbent; besides, one in ten experiments.
const REPEATS: u64 = 4;

/// What comes next. The conductor performs it and appends what came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Ask for the proposal of this number; a queued hypothesis goes first.
    Propose {
        /// Number that the experiment will have.
        number: u64,
        /// The hypothesis to answer, if one is queued.
        queued: Option<Queued>,
    },
    /// Commit this draft as the candidate of this number, or refuse it.
    Take {
        /// Number that the experiment will have.
        number: u64,
        /// What was written while something else ran.
        draft: Draft,
    },
    /// Run a trial of it.
    Run {
        /// Number of the experiment.
        number: u64,
        /// Number of the trial, from 1.
        trial: u64,
        /// What `AUTORESEARCH_SEED` shall be.
        seed: u64,
    },
    /// Run a trial of a settled experiment: of the incumbent or the baseline.
    Again {
        /// Number of the experiment.
        number: u64,
        /// Its commit.
        commit: CommitId,
        /// Number of the trial; it goes on from the experiment's own.
        trial: u64,
        /// What `AUTORESEARCH_SEED` shall be.
        seed: u64,
        /// What for; never its verdict.
        purpose: Purpose,
    },
    /// Make it need less memory and append what came of it: it ran out.
    Relieve {
        /// Number of the experiment.
        number: u64,
    },
    /// Run the checks and append what came of them: it would be kept.
    Check {
        /// Number of the experiment.
        number: u64,
    },
    /// Append this verdict: the evidence is complete.
    Judge {
        /// Number of the experiment.
        number: u64,
        /// The verdict.
        ruling: Ruling,
    },
    /// Move the branch if it was kept, and write the ledger.
    Settle {
        /// Number of the experiment.
        number: u64,
    },
    /// Stop; the session may be resumed later.
    Stop(StopReason),
}

/// Everything known of a session. Grows by some bytes an experiment (the set
/// of what was tried); settled experiments themselves live in the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub(super) plan: Option<Plan>,
    baseline: Option<f64>,
    /// The commit of the unmodified target; one of another tool may be lost.
    base: Option<CommitId>,
    baseline_failure: Option<String>,
    /// The commit that the branch points to and the next candidate changes.
    tip: Option<CommitId>,
    pub(super) incumbent: Option<Incumbent>,
    /// In flight: proposed and not settled.
    current: Option<Experiment>,
    /// The trial without an end.
    running: Option<Running>,
    /// Whether the checks of the current experiment run.
    checking: bool,
    /// Trials of settled experiments.
    reruns: Reruns,
    pub(super) verifications: Verifications,
    tried: HashMap<Fingerprint, u64>,
    queue: VecDeque<Queued>,
    /// Queued hypotheses that this engine's proposer cannot turn into an edit.
    aside: Vec<Queued>,
    last_queued: u64,
    next_number: u64,
    pub(super) counts: Counts,
    since_keep: u64,
    /// What effects and durations are usual here.
    seen: Seen,
    /// What learning curves have shown.
    stopping: Stopping,
    /// How noisy the metric is, and where the incumbent stands.
    beliefs: Beliefs,
    /// Runs on a machine unlike the incumbent's.
    unlike: u64,
    /// Whether runs differ by the machine alone, which has moods that last.
    takes_no_seed: bool,
    /// Whether the incumbent ran since the present experiment was proposed.
    is_beside: bool,
    near: Option<Category>,
    failed_category: Option<(Category, u32)>,
    proposing: Proposing,
    stopped: Option<StopReason>,
    opened_at: Timestamp,
    last_at: Timestamp,
    /// Time that engines ran, in milliseconds; pauses between stop and resume
    /// are not counted.
    pub(super) active_ms: i64,
    last_seq: u64,
}

impl State {
    /// Replays a journal.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> State {
        let mut state = State::default();
        for record in records {
            state.apply(record);
        }
        state
    }

    /// Folds one event in. Total: an event that does not fit changes nothing
    /// but the clock, so that any journal replays.
    pub fn apply(&mut self, record: &Record) {
        self.keep_time(record);
        match &record.event {
            Event::Opened(plan) => {
                self.plan.get_or_insert_with(|| (**plan).clone());
            }
            Event::Resumed => {
                self.stopped = None;
                self.hopeful();
                self.queue.extend(std::mem::take(&mut self.aside));
                self.interrupt();
            }
            Event::Extended { iterations } => {
                if let Some(plan) = &mut self.plan {
                    plan.iterations = *iterations;
                }
            }
            Event::Queued(queued) | Event::Trusted { queued, .. } => {
                self.last_queued = self.last_queued.max(queued.id);
                self.queue.push_back(queued.clone());
                self.proposing.exhausted = None;
            }
            Event::Dropped { id } => {
                self.queue.retain(|queued| queued.id != *id);
                self.aside.retain(|queued| queued.id != *id);
            }
            Event::SetAside { id, .. } => {
                if let Some(place) = self.queue.iter().position(|queued| queued.id == *id) {
                    self.aside.extend(self.queue.remove(place));
                }
            }
            Event::Refused { .. }
            | Event::ProposerFailed { .. }
            | Event::Drafted(_)
            | Event::Proposed(_) => self.hear(record),
            Event::Started { number, trial, seed, purpose } => {
                self.start(Running {
                    number: *number,
                    trial: *trial,
                    seed: *seed,
                    purpose: *purpose,
                });
            }
            Event::Ended { number, trial, purpose } => self.end(*number, trial, *purpose),
            Event::Relieved { number, retry, what } => {
                self.relieve(*number, retry.as_ref(), what);
            }
            Event::Checking { number } => self.begin_checks(*number),
            Event::Checked { number, outcome } => self.end_checks(*number, outcome),
            Event::Judged { number, ruling } => {
                if let Some(current) = self.current_mut(*number) {
                    current.ruling.get_or_insert_with(|| ruling.clone());
                }
            }
            Event::Settled { number } => self.settle(*number),
            Event::Stopped { reason } => self.stopped = Some(reason.clone()),
        }
    }

    fn keep_time(&mut self, record: &Record) {
        match record.event {
            Event::Opened(_) => self.opened_at = record.at,
            Event::Resumed => {}
            _ if self.stopped.is_none() => {
                self.active_ms += (record.at.0 - self.last_at.0).max(0);
            }
            _ => {}
        }
        self.last_at = record.at;
        self.last_seq = record.seq;
    }

    fn current_mut(&mut self, number: u64) -> Option<&mut Experiment> {
        self.current.as_mut().filter(|current| current.number == number)
    }

    fn start(&mut self, running: Running) {
        let Running { number, trial, purpose, .. } = running;
        let current = self.current.as_ref().filter(|current| current.number == number);
        let fits = match current {
            Some(current) => purpose.is_candidate() && current.trials.len() as u64 + 1 == trial,
            None => !purpose.is_candidate() && number < self.next_number,
        };
        if fits && self.running.is_none() && !self.checking {
            self.reruns.start(&running);
            let seed = self.plan.as_ref().map_or(0, |plan| plan.seed);
            self.verifications.start(&running, seed);
            self.running = Some(running);
        }
    }

    fn end(&mut self, number: u64, trial: &Trial, purpose: Purpose) {
        let is_it = |running: &mut Running| (running.number, running.purpose) == (number, purpose);
        let Some(running) = self.running.take_if(is_it) else { return };
        if purpose.is_candidate() {
            self.current.iter_mut().for_each(|current| current.trials.push(trial.clone()));
            return;
        }
        self.reruns.end(&running, trial);
        self.verifications.end(&running, trial);
        if let (Purpose::Incumbent, Some(run)) = (purpose, Sample::of(trial))
            && let Some(incumbent) = self.incumbent.as_mut().filter(|i| i.number == number)
        {
            incumbent.add(run);
            incumbent.conditions.extend(trial.conditions.clone());
            self.stopping.see_incumbent(trial);
            if let Some(plan) = &self.plan {
                self.beliefs.again(plan.direction.gain(0.0, run.value));
                self.is_beside = true;
            }
        }
    }

    /// Trials and checks without an end did not survive their engine.
    fn interrupt(&mut self) {
        if let Some(Running { number, seed, purpose, .. }) = self.running {
            self.end(number, &Trial::ended(seed, Exit::Lost), purpose);
        }
        if let (true, Some(current)) = (std::mem::take(&mut self.checking), &mut self.current) {
            current.checks.push(Check::Lost);
        }
    }

    fn begin_checks(&mut self, number: u64) {
        self.checking = self.running.is_none() && self.current_mut(number).is_some();
    }

    fn end_checks(&mut self, number: u64, outcome: &Check) {
        if self.checking
            && let Some(current) = self.current_mut(number)
        {
            current.checks.push(outcome.clone());
            self.checking = false;
        }
    }

    fn relieve(&mut self, number: u64, retry: Option<&Retry>, what: &str) {
        let is_running = self.running.is_some();
        let Some(current) = self.current_mut(number).filter(|e| e.relief.is_none() && !is_running)
        else {
            return;
        };
        current.relief = Some(Relief {
            after: current.trials.len(),
            candidate: current.commit.clone(),
            is_retried: retry.is_some(),
            what: what.to_owned(),
        });
        let Some(retry) = retry else { return };
        current.commit = Some(retry.commit.clone());
        current.fingerprint = retry.fingerprint;
        current.code_lines = retry.code_lines;
        current.settings.clone_from(&retry.settings);
        for file in &retry.files {
            if !current.files.contains(file) {
                current.files.push(file.clone());
            }
        }
        self.tried.entry(retry.fingerprint).or_insert(number);
    }

    fn settle(&mut self, number: u64) {
        let Some(experiment) = self.current.take_if(|e| e.number == number && e.ruling.is_some())
        else {
            return;
        };
        let verdict = experiment.verdict();
        let reverts = self.plan.as_ref().is_none_or(|plan| plan.revert_on_failure);
        if verdict == Some(Verdict::Keep) || (!reverts && !experiment.is_baseline()) {
            self.tip.clone_from(&experiment.commit);
        }
        if experiment.is_baseline() {
            if verdict != Some(Verdict::Keep) {
                self.baseline_failure = experiment.ruling.as_ref().map(|r| r.reason.clone());
            }
        } else {
            self.counts.add(verdict.unwrap_or(Verdict::Crash));
            self.turn(&experiment);
        }
        self.see(&experiment);
        self.learn(&experiment);
        self.credit(&experiment);
        self.reruns.settle(&experiment);
        if verdict == Some(Verdict::Keep)
            && let (Some(commit), Some(metric)) = (&experiment.commit, experiment.metric())
        {
            self.baseline.get_or_insert(metric);
            if experiment.is_baseline() {
                self.base = Some(commit.clone());
            }
            self.verifications.begin_anew();
            self.incumbent = Some(Incumbent {
                number,
                commit: commit.clone(),
                runs: experiment.evidence().filter_map(Sample::of).collect(),
                metric,
                code_lines: experiment.code_lines,
                missing_tests: experiment.evidence().map(Trial::missing_tests).fold(0.0, f64::max),
                conditions: experiment
                    .evidence()
                    .filter(|trial| trial.metric.is_some())
                    .filter_map(|trial| trial.conditions.clone())
                    .collect(),
            });
        }
    }

    /// What to do now. `None` while a trial or the checks run. A pure function of the
    /// state: asked twice, it answers the same.
    pub fn next(&self) -> Option<Action> {
        let plan = self.plan.as_ref()?;
        if self.stopped.is_some() || self.running.is_some() || self.checking {
            return None;
        }
        if let Some(current) = &self.current {
            let again = self.incumbent.as_ref().and_then(|incumbent| {
                let runs = incumbent.runs.len() as u64;
                self.again(incumbent.number, plan.seed.wrapping_add(runs), Purpose::Incumbent)
            });
            return Some(Case { again: again.as_ref(), ..self.case(plan, current) }.next());
        }
        if let Some(reason) = self.reason_to_stop(plan) {
            let verification = reason.is_natural().then(|| self.verification(plan)).flatten();
            return Some(verification.unwrap_or(Action::Stop(reason)));
        }
        let number = self.next_number;
        let queued = self.queue.front().cloned();
        // A patch of a person's needs no writing; a sentence of theirs is
        // written while the draft runs.
        let is_ready = queued.as_ref().is_some_and(|queued| queued.patch.is_some());
        Some(match self.proposing.drafts.front() {
            Some(draft) if !is_ready => Action::Take { number, draft: draft.clone() },
            _ => Action::Propose { number, queued },
        })
    }

    /// Another trial of the incumbent or the baseline for such a purpose: what a
    /// rule answers that wants one. `None` when it is neither of them, or failed
    /// so often in a row that it is not worth another.
    pub fn again(&self, number: u64, seed: u64, purpose: Purpose) -> Option<Action> {
        let incumbent = self.incumbent.as_ref().filter(|incumbent| incumbent.number == number);
        let base = self.base.as_ref().filter(|_| number == 0);
        let commit = incumbent.map(|incumbent| &incumbent.commit).or(base)?.clone();
        let trial = self.trials(number) + 1;
        self.reruns.may_run(number).then_some(Action::Again {
            number,
            commit,
            trial,
            seed,
            purpose,
        })
    }

    /// How many trials of an experiment were begun: of a kept one that is
    /// settled, or of any that has run again since.
    pub fn trials(&self, number: u64) -> u64 {
        self.reruns.trials(number)
    }

    fn case<'a>(&'a self, plan: &'a Plan, current: &'a Experiment) -> Case<'a> {
        Case {
            plan,
            incumbent: self.incumbent.as_ref(),
            seen: &self.seen,
            beliefs: &self.beliefs,
            current,
            again: None,
            lacks_company: self.takes_no_seed
                && !self.is_beside
                && !self.beliefs.is_deterministic(),
            may_repeat: self.unlike < REPEATS + self.counts.total() / 10,
        }
    }

    /// Why the experiment in flight is run again before it may be kept.
    pub fn suspicion(&self) -> Option<Suspicion> {
        self.case(self.plan.as_ref()?, self.current.as_ref()?).suspicion()
    }

    /// The next run of the experiment in flight beside what its learning curve is
    /// held against, if it may be stopped early.
    pub fn watch(&self) -> Option<Watch> {
        self.stopping.watch(self.plan.as_ref()?, self.current.as_ref()?)
    }

    /// What early stopping has done so far.
    pub fn stopped_early(&self) -> Tally {
        self.stopping.tally()
    }

    fn reason_to_stop(&self, plan: &Plan) -> Option<StopReason> {
        if let Some(why) = &self.baseline_failure {
            return Some(StopReason::BaselineFailed(why.clone()));
        }
        if plan.iterations.is_some_and(|most| self.counts.total() >= most) {
            return Some(StopReason::Iterations);
        }
        let is_over =
            |most: f64| self.active_ms as f64 >= (most - self.reserve(plan, most)) * 1000.0;
        if plan.stop_after_seconds.is_some_and(is_over) {
            return Some(StopReason::Time);
        }
        let progress = self.progress(plan);
        if let Some(rule) = plan.stop_when.iter().find(|rule| rule.holds(&progress)) {
            return Some(StopReason::Rule(rule.to_string()));
        }
        self.why_nothing_is_proposed(plan)
    }

    fn progress(&self, plan: &Plan) -> Progress {
        Progress {
            direction: plan.direction,
            baseline: self.baseline,
            best: self.incumbent.as_ref().map(|i| i.metric),
            since_keep: self.since_keep,
        }
    }

    /// What the session was opened with.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Metric of the unmodified target.
    pub fn baseline(&self) -> Option<f64> {
        self.baseline
    }

    /// The best experiment so far.
    pub fn incumbent(&self) -> Option<&Incumbent> {
        self.incumbent.as_ref()
    }

    /// The commit that the branch points to and the next candidate changes: the
    /// incumbent's, unless failures are not reverted.
    pub fn tip(&self) -> Option<&CommitId> {
        self.tip.as_ref().or(self.plan.as_ref().map(|plan| &plan.base))
    }

    /// The experiment in flight.
    pub fn current(&self) -> Option<&Experiment> {
        self.current.as_ref()
    }

    /// The experiment that tried this program first.
    pub fn tried(&self, fingerprint: Fingerprint) -> Option<u64> {
        self.tried.get(&fingerprint).copied()
    }

    /// Every program that was tried, and the experiment that did first.
    pub fn all_tried(&self) -> impl Iterator<Item = (Fingerprint, u64)> {
        self.tried.iter().map(|(fingerprint, number)| (*fingerprint, *number))
    }

    /// The number that the next experiment gets.
    pub fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Hypotheses that wait, first to last; those set aside come last.
    pub fn queue(&self) -> impl Iterator<Item = &Queued> {
        self.queue.iter().chain(&self.aside)
    }

    /// The number that the next queued hypothesis gets.
    pub fn next_queued(&self) -> u64 {
        self.last_queued + 1
    }

    /// What is known of the metric's noise and of where the incumbent stands.
    pub fn beliefs(&self) -> &Beliefs {
        &self.beliefs
    }

    /// What the metric's noise means to the session; `None` before the baseline is
    /// settled.
    pub fn noise(&self) -> Option<Noise> {
        self.incumbent.as_ref()?;
        Noise::of(self.plan.as_ref()?.mode, &self.beliefs)
    }

    /// How the settled experiments ended.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Where to look next.
    pub fn focus(&self) -> Focus {
        Focus {
            near: self.near,
            avoid: self.failed_category.filter(|(_, n)| *n >= TURN_AFTER).map(|(c, _)| c),
            failures_in_a_row: u32::try_from(self.since_keep).unwrap_or(u32::MAX),
        }
    }

    /// Why it rests, if it does.
    pub fn stopped(&self) -> Option<&StopReason> {
        self.stopped.as_ref()
    }

    /// When it was opened.
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// When anything happened last.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Time that engines ran it, pauses not counted.
    pub fn active(&self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.active_ms).unwrap_or(0))
    }

    /// Place of the last event, 0 for an empty journal.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }
}
