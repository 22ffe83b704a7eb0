//! The loop. One thread owns the state, performs what [`State::next`] says and
//! journals what came of it: intent before the act, outcome after it.
//!
//! An intent is on disk before its act begins. An outcome may wait in memory
//! until the next intent, since every act can be done again: whoever dies in
//! between does it again on resume. How proposals come about is in
//! `briefing` and `asking`,
//! what becomes of candidates in `running`, their checks in `checking`.

mod aside;
mod asking;
mod briefing;
mod checking;
mod comparing;
mod inbox;
mod relieving;
mod running;
mod waiting;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::experiment::{CommitId, Experiment};
use autoresearch_core::session::{Action, Event, Record, State, StopReason};
use autoresearch_ledger::{Journal, Lock, TsvFile};
use autoresearch_propose::{Proposer, Text};
use autoresearch_repo::Repo;
use autoresearch_report::{Activity, Progress, Stage};

use crate::bench::{Bench, Order};
use crate::briefing::{Lasting, Memory};
use crate::error::EngineError;
use crate::guard::Targets;
use crate::news::{News, Observer};
use crate::places::Places;
use crate::remembering::Remembering;
use crate::stop::{Stop, Urgency};
use crate::writers::Writers;
use crate::{clock, crash_point};

/// Everything that a running session holds.
pub(crate) struct Conductor<'a> {
    pub(crate) bench: Bench<'a>,
    pub(crate) office: Office<'a>,
    /// Until they are put to work.
    pub(crate) proposers: Vec<Box<dyn Proposer + 'a>>,
    pub(crate) _lock: Lock,
}

/// The books and the desks: everything but the bench. What is done here may be
/// done while the bench is busy.
pub(crate) struct Office<'a> {
    pub(crate) config: Config,
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) journal: Journal,
    pub(crate) state: State,
    pub(crate) writers: Writers,
    /// How long it waits for a hypothesis when nobody else proposes.
    pub(crate) waits: Duration,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) stop: Stop,
    pub(crate) tsv: TsvFile,
    /// Contents of the targets at the state's tip.
    pub(crate) targets: Arc<Targets>,
    /// Contents of the candidate's targets, unless it was proposed by an
    /// earlier engine.
    pub(crate) candidate: Option<Targets>,
    /// What briefs always tell, and what was tried so far.
    pub(crate) lasting: Lasting,
    pub(crate) memory: Memory,
    /// What earlier sessions left; asked for every brief.
    pub(crate) remembering: RefCell<Option<Remembering>>,
    /// Records that are not on disk yet, and the experiment that they settle.
    pub(crate) pending: Vec<Record>,
    pub(crate) settled: Option<Experiment>,
    pub(crate) progress: Progress,
}

impl Conductor<'_> {
    /// Runs until something says stop.
    pub(crate) fn run(&mut self) -> Result<StopReason, EngineError> {
        let proposers = std::mem::take(&mut self.proposers);
        std::thread::scope(|scope| {
            // A panic, as of an observer, leaves the scope only when the writers
            // have ended, who wait for tasks until they are dismissed.
            let ended = catch_unwind(AssertUnwindSafe(|| {
                self.office.writers.hire(scope, proposers);
                self.turn_the_wheel()
            }));
            let office = &mut self.office;
            office.writers.dismiss();
            let ended = ended.unwrap_or_else(|panic| resume_unwind(panic));
            if let Err(error) = &ended {
                // Best effort: the disk may be what failed.
                let reason = StopReason::Failed(error.to_string());
                let active = office.state.active();
                office.observer.tell(&News::Stopped { reason: &reason, active });
                let _ = office.intend(Event::Stopped { reason });
            }
            ended
        })
    }

    fn turn_the_wheel(&mut self) -> Result<StopReason, EngineError> {
        loop {
            let office = &mut self.office;
            office.read_inbox()?;
            office.collect()?;
            let urgency = office.stop.urgency();
            let is_between = office.state.current().is_none();
            if urgency >= Urgency::Now || (urgency == Urgency::AfterThis && is_between) {
                return office.rest(StopReason::Requested);
            }
            match office.state.next() {
                Some(Action::Stop(reason)) => return office.rest(reason),
                Some(action) => self.perform(action)?,
                None => return office.rest(StopReason::Requested),
            }
        }
    }

    fn perform(&mut self, action: Action) -> Result<(), EngineError> {
        let office = &mut self.office;
        match action {
            Action::Propose { number: 0, .. } => office.propose_baseline(),
            Action::Propose { number, queued } => office.propose(number, queued.as_ref()),
            Action::Take { draft, .. } => office.take(draft),
            Action::Run { number, trial, seed } => self.run_trial(number, trial, seed),
            Action::Again { number, commit, trial, seed, purpose } => {
                self.run_again(&Order { number, trial, seed, commit: &commit }, purpose).map(drop)
            }
            Action::Relieve { number } => office.relieve(number),
            Action::Check { number } => self.check(number),
            Action::Judge { number, ruling } => office.judge(number, ruling),
            Action::Settle { number } => office.settle(number),
            Action::Stop(_) => Ok(()),
        }
    }
}

impl Office<'_> {
    pub(crate) fn rest(&mut self, reason: StopReason) -> Result<StopReason, EngineError> {
        self.wind_up()?;
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
        if self.pending.is_empty() {
            return Ok(());
        }
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
}

fn activity(
    number: u64,
    stage: Stage,
    limit: std::time::Duration,
    hypothesis: Option<String>,
) -> Activity {
    Activity {
        number,
        stage,
        elapsed: std::time::Duration::ZERO,
        limit: Some(limit),
        hypothesis,
        doing: None,
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
