//! The loop. One thread owns the state, performs what [`State::next`] says and
//! journals what came of it: intent before the act, outcome after it.
//!
//! An intent is on disk before its act begins. An outcome may wait in memory
//! until the next intent, since every act can be done again: whoever dies in
//! between does it again on resume.

use std::collections::VecDeque;
use std::time::Instant;

use autoresearch_config::{Config, ProposerKind};
use autoresearch_core::experiment::{CommitId, Experiment, Verdict};
use autoresearch_core::judge::Ruling;
use autoresearch_core::proposal::{Category, Edit, FileEdit, Proposal, Refusal};
use autoresearch_core::session::{Action, Event, Proposed, Queued, Record, State, StopReason};
use autoresearch_ledger::{Journal, Lock, Message, TsvFile};
use autoresearch_propose::{Brief, Mark, Past, ProposeError, Proposer, Text};
use autoresearch_repo::Repo;
use autoresearch_report::{Activity, Point, Progress, Stage};

use crate::adjust;
use crate::bench::{Bench, Order};
use crate::desk::{Around, Workplace};
use crate::error::EngineError;
use crate::guard::{self, Targets};
use crate::history;
use crate::news::{News, Observer};
use crate::places::Places;
use crate::stop::{Stop, Urgency};
use crate::{clock, crash_point};

/// Experiments that a brief tells of.
const REMEMBERED: usize = 200;

/// Experiments between two progress reports (SPEC F1).
const REPORT_EVERY: u64 = 10;

/// Everything that a running session holds.
pub(crate) struct Conductor<'a> {
    pub(crate) config: Config,
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) journal: Journal,
    pub(crate) state: State,
    pub(crate) bench: Bench<'a>,
    pub(crate) workplace: Workplace,
    pub(crate) proposer: Option<Box<dyn Proposer + 'a>>,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) stop: Stop,
    pub(crate) tsv: TsvFile,
    /// Contents of the targets at the state's tip.
    pub(crate) targets: Targets,
    /// Contents of the candidate's targets, unless it was proposed by an
    /// earlier engine.
    pub(crate) candidate: Option<Targets>,
    /// The targets as the session found them.
    pub(crate) origin: Vec<Text>,
    /// README and read-only files.
    pub(crate) context: Vec<Text>,
    /// The last experiments, oldest first.
    pub(crate) past: VecDeque<Past>,
    /// Records that are not on disk yet, and the experiment that they settle.
    pub(crate) pending: Vec<Record>,
    pub(crate) settled: Option<Experiment>,
    pub(crate) progress: Progress,
    /// Why the last proposal was refused.
    pub(crate) complaint: Option<String>,
    pub(crate) _lock: Lock,
}

impl Conductor<'_> {
    /// Runs until something says stop.
    pub(crate) fn run(&mut self) -> Result<StopReason, EngineError> {
        let ended = self.turn_the_wheel();
        if let Err(error) = &ended {
            // Best effort: the disk may be what failed.
            let reason = StopReason::Failed(error.to_string());
            self.observer.tell(&News::Stopped { reason: &reason, active: self.state.active() });
        }
        ended
    }

    fn turn_the_wheel(&mut self) -> Result<StopReason, EngineError> {
        loop {
            self.read_inbox()?;
            let urgency = self.stop.urgency();
            let is_between = self.state.current().is_none();
            if urgency >= Urgency::Now || (urgency == Urgency::AfterThis && is_between) {
                return self.rest(StopReason::Requested);
            }
            match self.state.next() {
                Some(Action::Stop(reason)) => return self.rest(reason),
                Some(action) => self.perform(action)?,
                None => return self.rest(StopReason::Requested),
            }
        }
    }

    fn perform(&mut self, action: Action) -> Result<(), EngineError> {
        match action {
            Action::Propose { number: 0, .. } => self.propose_baseline(),
            Action::Propose { number, queued } => self.propose(number, queued.as_ref()),
            Action::Run { number, trial, seed } => self.run_trial(number, trial, seed),
            Action::Judge { number, ruling } => self.judge(number, ruling),
            Action::Settle { number } => self.settle(number),
            Action::Stop(_) => Ok(()),
        }
    }

    /// The unmodified target is experiment 0.
    fn propose_baseline(&mut self) -> Result<(), EngineError> {
        let Some(base) = self.state.tip().cloned() else { return Ok(()) };
        self.repo.ensure_ref(&self.places.candidate_ref(0), &base, None)?;
        self.note(Event::Proposed(Box::new(Proposed {
            number: 0,
            parent: base.clone(),
            commit: Some(base),
            hypothesis: "Baseline — no modifications".to_owned(),
            category: Category::Other,
            proposer: "baseline".to_owned(),
            fingerprint: guard::fingerprint(&self.targets),
            settings: None,
            files: Vec::new(),
            code_lines: guard::code_lines(&self.targets),
            queued: None,
        })));
        Ok(())
    }

    fn propose(&mut self, number: u64, queued: Option<&Queued>) -> Result<(), EngineError> {
        let id = queued.map(|q| q.id);
        let (proposal, proposer) = match self.ask(number, queued)? {
            Asked::Answer(proposal, proposer) => (proposal, proposer),
            Asked::Nothing => return Ok(()),
        };
        let edits = match self.edits_of(&proposal.edit)? {
            Ok(edits) => edits,
            Err(refusal) => return self.refuse(&proposal, proposer, refusal, id),
        };
        let checked = guard::check(&self.targets, self.config.scope, &edits, |fingerprint| {
            self.state.tried(fingerprint)
        });
        let accepted = match checked {
            Ok(accepted) => accepted,
            Err(refusal) => return self.refuse(&proposal, proposer, refusal, id),
        };
        let Some(parent) = self.state.tip().cloned() else { return Ok(()) };
        let hypothesis = one_line(&proposal.hypothesis);
        // Committed before it is journalled: who dies in between leaves a
        // commit that nobody knows, and the number is proposed again.
        let message = format!(
            "exp: {hypothesis}\n\nExperiment {number} of {}, proposed by {proposer}.\n",
            Places::branch(&self.tag())
        );
        let reference = self.places.candidate_ref(number);
        let (changed, at) = (&accepted.changed, clock::now());
        let commit = self.repo.commit(&parent, changed, &message, &reference, at)?;
        self.complaint = None;
        self.note(Event::Proposed(Box::new(Proposed {
            number,
            parent,
            commit: Some(commit),
            hypothesis,
            category: proposal.category,
            proposer,
            fingerprint: accepted.fingerprint,
            settings: proposal.settings,
            files: accepted.changed.iter().map(|edit| edit.path.clone()).collect(),
            code_lines: accepted.code_lines,
            queued: id,
        })));
        self.candidate = Some(accepted.after);
        Ok(())
    }

    /// Asks whoever is next for a proposal.
    fn ask(&mut self, number: u64, queued: Option<&Queued>) -> Result<Asked, EngineError> {
        if let Some(Queued { hypothesis, patch: Some(patch), .. }) = queued {
            let hypothesis = if hypothesis.trim().is_empty() {
                "a queued patch".to_owned()
            } else {
                hypothesis.clone()
            };
            let category = Category::of(&hypothesis);
            let edit = Edit::Patch(patch.clone());
            let proposal = Proposal { hypothesis, category, edit, settings: None };
            return Ok(Asked::Answer(proposal, "queue".to_owned()));
        }
        let brief = self.brief(number, queued);
        let Some(proposer) = &mut self.proposer else {
            match queued {
                Some(queued) => {
                    let reason = "nobody here turns a sentence into an edit; give a patch, or another proposer";
                    self.set_aside(queued, reason.to_owned())?;
                }
                None => self.note(Event::ProposerFailed {
                    proposer: "queue".to_owned(),
                    reason: "the queue is empty".to_owned(),
                    exhausted: true,
                }),
            }
            return Ok(Asked::Nothing);
        };
        let name = proposer.name().to_owned();
        let limit = self.config.propose.timeout;
        let hypothesis = queued.map(|q| q.hypothesis.clone());
        let activity = activity(number, Stage::Proposing, limit, hypothesis);
        let tip = self.state.tip().cloned();
        let answer = {
            let mut desk = self.workplace.desk(Around {
                repo: &self.repo,
                tip,
                targets: &self.targets,
                state: &self.state,
                journal: &self.journal,
                stop: &self.stop,
                observer: self.observer,
                progress: &self.progress,
                activity,
            });
            proposer.propose(&brief, &mut desk)
        };
        match answer {
            Ok(proposal) => return Ok(Asked::Answer(proposal, name)),
            Err(ProposeError::Interrupted) => {}
            Err(ProposeError::CannotAnswer(reason)) => match queued {
                Some(queued) => self.set_aside(queued, reason)?,
                None => self.fail(name, reason, false),
            },
            Err(ProposeError::Failed(reason)) => self.fail(name, reason, false),
            Err(ProposeError::Exhausted(reason)) => self.fail(name, reason, true),
        }
        Ok(Asked::Nothing)
    }

    fn fail(&mut self, proposer: String, reason: String, exhausted: bool) {
        self.observer.tell(&News::Note(format!("{proposer}: {reason}")));
        self.complaint = Some(reason.clone());
        self.note(Event::ProposerFailed { proposer, reason, exhausted });
    }

    fn set_aside(&mut self, queued: &Queued, reason: String) -> Result<(), EngineError> {
        self.observer.tell(&News::Note(format!(
            "hypothesis {} (“{}”) waits: {reason}",
            queued.id, queued.hypothesis
        )));
        self.intend(Event::SetAside { id: queued.id, reason })
    }

    fn refuse(
        &mut self,
        proposal: &Proposal,
        proposer: String,
        refusal: Refusal,
        queued: Option<u64>,
    ) -> Result<(), EngineError> {
        let hypothesis = one_line(&proposal.hypothesis);
        let reason = refusal.to_string();
        self.observer.tell(&News::Refused { hypothesis: &hypothesis, reason: reason.clone() });
        self.complaint = Some(reason);
        self.intend(Event::Refused { proposer, hypothesis, refusal, queued })
    }

    /// The changed files of an edit, whole.
    fn edits_of(&mut self, edit: &Edit) -> Result<Result<Vec<FileEdit>, Refusal>, EngineError> {
        match edit {
            Edit::Files(files) => Ok(Ok(files.clone())),
            Edit::Desk => self.workplace.edits(&self.repo, self.state.tip()),
            Edit::Patch(patch) => {
                let Some(tip) = self.state.tip() else { return Ok(Err(Refusal::Empty)) };
                let files = self.repo.apply_patch(tip, patch.as_bytes())?;
                Ok(files.map_err(|why| Refusal::DoesNotApply { why }))
            }
        }
    }

    fn run_trial(&mut self, number: u64, trial: u64, seed: u64) -> Result<(), EngineError> {
        self.intend(Event::Started { number, trial, seed })?;
        let Some(commit) = self.state.current().and_then(|e| e.commit.clone()) else {
            return Ok(());
        };
        let limit = self.config.budget + self.config.run.allowance;
        let hypothesis = self.state.current().map(|e| e.hypothesis.clone());
        let mut activity = activity(number, Stage::Running, limit, hypothesis);
        let began = Instant::now();
        let order = Order { number, trial, seed, commit: &commit };
        let (observer, journal, stop) = (&mut *self.observer, &self.journal, &self.stop);
        let progress = &self.progress;
        let outcome = self.bench.run(&order, stop, &mut || {
            activity.elapsed = began.elapsed();
            observer.tell(&News::Working { activity: &activity, progress });
            // A stop must reach a running trial; everything else can wait.
            for (_, message) in journal.inbox().unwrap_or_default() {
                match message {
                    Some(Message::Stop { now: true }) => stop.request(Urgency::Now),
                    Some(Message::Stop { now: false }) => stop.request(Urgency::AfterThis),
                    _ => {}
                }
            }
        })?;
        self.observer.tell(&News::Ended { number, trial: &outcome });
        if let Some(what) = outcome.seal.as_ref().and_then(|s| s.environment_changed.as_ref()) {
            self.observer.tell(&News::Note(format!(
                "the environment changed at experiment {number}: {what}; results before and after do not compare"
            )));
        }
        let is_interrupted = outcome.is_interrupted();
        self.note(Event::Ended { number, trial: Box::new(outcome) });
        if is_interrupted { self.flush() } else { Ok(()) }
    }

    /// A keep is on disk before the branch moves; nothing happens before any
    /// other verdict is settled, and then both are.
    fn judge(&mut self, number: u64, ruling: Ruling) -> Result<(), EngineError> {
        let moves = ruling.verdict == Verdict::Keep
            || self.state.plan().is_some_and(|plan| !plan.revert_on_failure);
        let judged = Event::Judged { number, ruling };
        if moves {
            return self.intend(judged);
        }
        self.note(judged);
        Ok(())
    }

    fn settle(&mut self, number: u64) -> Result<(), EngineError> {
        let Some(mut experiment) = self.state.current().cloned() else { return Ok(()) };
        let before = self.state.tip().cloned();
        experiment.settled_at = Some(clock::now());
        self.settled = Some(experiment.clone());
        // Settling in memory says where the branch belongs; it moves before
        // the event is on disk, and moves again to the same place on resume.
        self.note(Event::Settled { number });
        if self.state.tip() != before.as_ref()
            && let Some(tip) = self.state.tip().cloned()
        {
            self.repo.ensure_ref(&self.places.branch_ref(), &tip, before.as_ref())?;
            self.targets = match self.candidate.take() {
                Some(targets) if !experiment.is_baseline() => targets,
                _ => read_targets(&self.repo, &tip, &self.config.target)?,
            };
        }
        self.flush()?;
        let row = history::row(&experiment, self.config.metric.direction);
        self.tsv
            .append(&self.config.metric.name, &row)
            .map_err(EngineError::io("append to", self.tsv.path()))?;
        let point = self.remember(&experiment);
        self.observer.tell(&News::Settled { experiment: &experiment, point: &point });
        let total = self.state.counts().total();
        if !experiment.is_baseline() && total.is_multiple_of(REPORT_EVERY) {
            self.observer.tell(&News::Progress(&self.progress));
        }
        Ok(())
    }

    /// Takes a settled experiment into what briefs and reports tell.
    fn remember(&mut self, experiment: &Experiment) -> Point {
        let point = history::point_of(experiment, self.state.opened_at());
        self.progress.record(&point);
        self.recall(experiment);
        point
    }

    /// Takes a settled experiment into what briefs tell.
    pub(crate) fn recall(&mut self, experiment: &Experiment) {
        let Some(ruling) = &experiment.ruling else { return };
        self.past.push_back(Past {
            number: experiment.number,
            hypothesis: experiment.hypothesis.clone(),
            category: experiment.category,
            verdict: ruling.verdict,
            reason: ruling.reason.clone(),
            metric: experiment.metric(),
            settings: experiment.settings.clone(),
        });
        if self.past.len() > REMEMBERED {
            // Keeps are remembered longer than failures.
            let place = self.past.iter().position(|p| p.verdict != Verdict::Keep).unwrap_or(0);
            self.past.remove(place);
        }
    }

    /// What other processes asked for becomes events.
    fn read_inbox(&mut self) -> Result<(), EngineError> {
        for (id, message) in self.journal.inbox()? {
            match message {
                Some(Message::Stop { now }) => {
                    self.stop.request(if now { Urgency::Now } else { Urgency::AfterThis });
                }
                Some(Message::Hypothesis { hypothesis, patch }) => {
                    let queued = Queued { id: self.state.next_queued(), hypothesis, patch };
                    self.intend(Event::Queued(queued))?;
                }
                Some(Message::Drop { id }) => self.intend(Event::Dropped { id })?,
                Some(Message::Report) => self.observer.tell(&News::Progress(&self.progress)),
                None => self.observer.tell(&News::Note("a message was not understood".to_owned())),
            }
            self.journal.discard(id)?;
        }
        Ok(())
    }

    fn rest(&mut self, reason: StopReason) -> Result<StopReason, EngineError> {
        self.intend(Event::Stopped { reason: reason.clone() })?;
        self.observer.tell(&News::Stopped { reason: &reason, active: self.state.active() });
        Ok(reason)
    }

    /// Applies an event whose act may be done again; it goes to disk with the
    /// next intent.
    pub(crate) fn note(&mut self, event: Event) {
        let record = Record { seq: self.state.last_seq() + 1, at: clock::now(), event };
        self.state.apply(&record);
        self.pending.push(record);
    }

    /// Applies an event and has it, and all before it, on disk.
    pub(crate) fn intend(&mut self, event: Event) -> Result<(), EngineError> {
        self.note(event);
        self.flush()
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        crash_point::before(&self.pending);
        self.journal.append(&self.pending, self.settled.as_ref())?;
        crash_point::after(&self.pending);
        self.pending.clear();
        self.settled = None;
        Ok(())
    }

    fn tag(&self) -> String {
        self.state.plan().map_or_else(String::new, |plan| plan.tag.clone())
    }

    fn brief(&self, number: u64, queued: Option<&Queued>) -> Brief {
        let focus = self.state.focus();
        let seed = self.state.plan().map_or(0, |plan| plan.seed);
        Brief {
            number,
            metric: self.config.metric.name.clone(),
            direction: self.config.metric.direction,
            budget_seconds: self.config.budget.as_secs_f64(),
            command: self.config.run.command.clone(),
            scope: self.config.scope,
            targets: texts(&self.targets),
            origin: self.origin.clone(),
            context: self.context.clone(),
            baseline: self.state.baseline().zip(self.state.plan()).map(|(metric, plan)| Mark {
                number: 0,
                commit: plan.base.0.clone(),
                metric,
            }),
            incumbent: self.state.incumbent().map(|incumbent| Mark {
                number: incumbent.number,
                commit: incumbent.commit.0.clone(),
                metric: incumbent.metric,
            }),
            hypothesis: queued.map(|q| q.hypothesis.clone()),
            near: focus.near,
            avoid: focus.avoid,
            failures_in_a_row: focus.failures_in_a_row,
            complaint: self.complaint.clone(),
            history: self.past.iter().cloned().collect(),
            platform: self.state.plan().map(adjust::for_brief).unwrap_or_default(),
            ranges: self.config.search.clone(),
            // Every question has its own lots, the same ones after a crash.
            seed: mix(seed, number, u64::from(self.state.stuck())),
        }
    }
}

fn activity(
    number: u64,
    stage: Stage,
    limit: std::time::Duration,
    hypothesis: Option<String>,
) -> Activity {
    Activity { number, stage, elapsed: std::time::Duration::ZERO, limit: Some(limit), hypothesis }
}

enum Asked {
    Answer(Proposal, String),
    Nothing,
}

/// The proposer that the configuration names; `None` is the queue alone.
pub(crate) fn proposer_of(config: &Config, places: &Places) -> Option<Box<dyn Proposer>> {
    match config.propose.proposer {
        ProposerKind::Search => Some(Box::new(autoresearch_propose::Search::default())),
        ProposerKind::Command => {
            let command = config.propose.command.clone().unwrap_or_default();
            Some(Box::new(autoresearch_propose::Command::new(command, places.scratch())))
        }
        ProposerKind::Queue => None,
    }
}

/// Files as texts for a brief.
pub(crate) fn texts(files: &Targets) -> Vec<Text> {
    let text = |(path, bytes): (&String, &Vec<u8>)| Text {
        path: path.clone(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    };
    files.iter().map(text).collect()
}

/// Contents of the targets at a commit.
pub(crate) fn read_targets(
    repo: &Repo,
    commit: &CommitId,
    paths: &[String],
) -> Result<Targets, EngineError> {
    let mut targets = Targets::new();
    for path in paths {
        if let Some(bytes) = repo.read_file(commit, path)? {
            targets.insert(path.clone(), bytes);
        }
    }
    Ok(targets)
}

/// The first line, bounded: it becomes the subject of a commit and a row.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("an edit");
    let clean: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `SplitMix64`'s finaliser over three numbers (Steele et al., 2014).
fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut z = a
        .wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(c.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
