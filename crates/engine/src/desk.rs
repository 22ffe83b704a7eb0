//! Where proposals are written: a worktree at the incumbent, made when the
//! first proposer wants it, and programs that run there under supervision.

mod errand;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::metric::Take;
use autoresearch_core::proposal::{FileEdit, Fingerprint, Refusal};
use autoresearch_core::spent::{Allowance, Spent};
use autoresearch_core::trial::{Exit, Protection};
use autoresearch_propose::{Desk, Errand, Finished, Input, Listener, ProposeError};
use autoresearch_repo::{ChangeKind, Repo};
use autoresearch_run::{Executor, Job, LogLimit};

use crate::confine::Walls;
use crate::error::EngineError;
use crate::guard::{self, Targets};
use crate::integrity::HeldOut;
use crate::place::{Place, Setting, git_of};
use crate::places::Places;
use crate::stop::{Stop, Urgency};

use errand::{Ended, Keeper};

/// What all desks of a session share.
#[derive(Clone)]
pub(crate) struct Room {
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) config: Config,
    pub(crate) session: String,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) walls: Walls,
    pub(crate) held_out: HeldOut,
    pub(crate) tried: Tried,
    /// Programs run on desks so far, for their logs' names.
    pub(crate) errands: Arc<AtomicU64>,
}

impl Room {
    /// The desk of this number, from 1.
    pub(crate) fn workplace(&self, number: usize) -> Workplace {
        Workplace { place: Place::default(), number, room: self.clone() }
    }
}

/// Which experiment tried a program first; every desk is told of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tried(Arc<RwLock<HashMap<Fingerprint, u64>>>);

impl Tried {
    pub(crate) fn insert(&self, fingerprint: Fingerprint, by: u64) {
        let mut tried = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tried.entry(fingerprint).or_insert(by);
    }

    fn get(&self, fingerprint: Fingerprint) -> Option<u64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&fingerprint).copied()
    }
}

/// The desk of one proposer, whether or not it was made yet.
pub(crate) struct Workplace {
    place: Place,
    number: usize,
    room: Room,
}

impl Workplace {
    /// The desk for one proposal.
    pub(crate) fn desk<'a>(&'a mut self, around: Around<'a>) -> OneDesk<'a> {
        OneDesk { workplace: self, around, spent: Spent::default(), is_laid: false }
    }

    pub(crate) fn repo(&self) -> &Repo {
        &self.room.repo
    }

    /// What the desk differs by from the incumbent.
    pub(crate) fn edits(
        &self,
        base: &CommitId,
    ) -> Result<Result<Vec<FileEdit>, Refusal>, EngineError> {
        let Room { repo, config, held_out, .. } = &self.room;
        let Some(worktree) = self.place.worktree() else {
            return Ok(Err(Refusal::Empty));
        };
        let mut edits = Vec::new();
        let ignored = [&config.links[..], &held_out.tracked].concat();
        for change in worktree.changes(base, &ignored)? {
            if !config.target.contains(&change.path) {
                let targets = config.target.iter().map(|path| (path.clone(), Vec::new()));
                return Ok(Err(guard::no_target(&targets.collect(), &change.path)));
            }
            let content = match (change.kind, &change.blob) {
                (ChangeKind::Added | ChangeKind::Modified, Some(blob)) => {
                    Some(repo.read_blob(blob)?)
                }
                (ChangeKind::Deleted, _) => None,
                (kind, _) => {
                    let how = match kind {
                        ChangeKind::ModeChanged => "has another mode",
                        ChangeKind::Symlink => "became a symbolic link",
                        _ => "is no ordinary file any more",
                    };
                    let what = format!("`{}` {how}; only its contents may change", change.path);
                    return Ok(Err(Refusal::Unacceptable { what }));
                }
            };
            edits.push(FileEdit { path: change.path, content });
        }
        Ok(Ok(edits))
    }
}

/// What a desk needs to know for one proposal.
pub(crate) struct Around<'a> {
    /// The incumbent that is changed.
    pub(crate) base: &'a CommitId,
    /// Its targets.
    pub(crate) targets: &'a Targets,
    pub(crate) stop: &'a Stop,
    /// Tells whoever watches what is being done.
    pub(crate) say: &'a mut dyn FnMut(&str),
    /// What the proposal may cost.
    pub(crate) cap: Allowance,
    pub(crate) began: Instant,
}

/// A desk while one proposal is written.
pub(crate) struct OneDesk<'a> {
    workplace: &'a mut Workplace,
    around: Around<'a>,
    spent: Spent,
    /// Whether anybody asked for its folder, which then holds the incumbent.
    is_laid: bool,
}

impl OneDesk<'_> {
    /// What was spent on the proposal, time apart.
    pub(crate) fn spent(&self) -> Spent {
        self.spent
    }

    /// Whether the folder was asked for: else what lies there is older than the
    /// incumbent, and no proposal.
    pub(crate) fn is_laid(&self) -> bool {
        self.is_laid
    }

    /// How long it may still take.
    fn time_left(&self) -> Duration {
        let timeout = self.workplace.room.config.propose.timeout;
        let cap = self.around.cap.seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        let most = cap.map_or(timeout, |cap| cap.min(timeout));
        most.saturating_sub(self.around.began.elapsed())
    }

    /// Takes down what was spent just now.
    fn book(&mut self, spent: Spent) -> Result<(), ProposeError> {
        self.spent += spent;
        let cap = Allowance { seconds: None, ..self.around.cap };
        match cap.exceeded(&self.spent) {
            Some(what) => {
                Err(ProposeError::OverBudget(format!("the proposal cost too much: {what}")))
            }
            None => Ok(()),
        }
    }

    fn job(&self, errand: &Errand<'_>, folder: PathBuf) -> Job {
        let Workplace { room, number, .. } = &*self.workplace;
        let errands = room.errands.fetch_add(1, Ordering::Relaxed) + 1;
        let log = format!("desk-{errands:04}.log");
        // With the history what is held out could be read from it.
        let stores =
            if room.held_out.tracked.is_empty() { room.repo.object_stores() } else { Vec::new() };
        let stdin = match &errand.input {
            Input::File(path) => Some(path.to_path_buf()),
            Input::Nothing | Input::Lines(_) => None,
        };
        let given = errand.environment.iter().map(|(_, value)| PathBuf::from(value));
        let brief = given.filter(|path| path.is_absolute()).chain(stdin.clone());
        let readable = brief.chain(errand.readable.iter().cloned()).collect();
        let git = git_of(&folder);
        let confinement = room.walls.desk(*number, &folder, git, stores, readable, errand);
        Job {
            id: format!("{}/desk-{errands}", room.session),
            command: errand.command.to_vec(),
            directory: folder,
            environment: errand.environment.iter().cloned().collect(),
            stdin,
            talk: errand::talk_of(errand),
            deadline_seconds: self.time_left().as_secs_f64(),
            quota: None,
            allowance_seconds: 0.0,
            cpus: Vec::new(),
            take: Take::Last,
            grace_seconds: room.config.run.grace.as_secs_f64(),
            log: room.places.folder().join("logs").join(log),
            log_limit: LogLimit::default(),
            limits: room.walls.limits(),
            confinement,
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: room.places.scratch().join(format!("desk-result-{number}.json")),
        }
    }
}

impl Desk for OneDesk<'_> {
    fn folder(&mut self) -> Result<PathBuf, ProposeError> {
        let Workplace { place, number, room } = &mut *self.workplace;
        let Room { repo, places, config, held_out, .. } = room;
        let path = places.desk(*number);
        let withheld = &held_out.tracked;
        let setting = Setting { links: &config.links, withheld, history: withheld.is_empty() };
        place
            .hold(repo, &path, self.around.base, setting)
            .map_err(|error| ProposeError::Failed(error.to_string()))?;
        self.is_laid = true;
        Ok(path)
    }

    fn run(
        &mut self,
        errand: &Errand<'_>,
        listener: &mut dyn Listener,
    ) -> Result<Finished, ProposeError> {
        let folder = self.folder()?;
        let job = self.job(errand, folder);
        let deadline = Duration::from_secs_f64(job.deadline_seconds);
        let mut running = errand::start(&*self.workplace.room.executor, &job)?;
        let Ended { report, is_done } =
            errand::hear_out(&mut *running, deadline, errand, listener, self)?;
        if report.exit == Exit::Interrupted && !is_done {
            return Err(ProposeError::Interrupted);
        }
        let success = is_done || report.exit == Exit::Code(0);
        let mut how = report.exit.to_string();
        let is_cut_off = !self.workplace.room.config.propose.network
            && (report.protection == Protection::Sandboxed
                || report.protection == Protection::Restricted && errand.hosts.is_empty());
        if let Some(hint) = report.hint.filter(|_| !success) {
            how = format!("{how} ({hint})");
        } else if !success && is_cut_off {
            let reached = match errand.hosts {
                [] => "had no network".to_owned(),
                hosts => format!("could reach only {}", hosts.join(", ")),
            };
            let _ = write!(how, " (it {reached}; `propose.network = true` gives it all)");
        }
        Ok(Finished { success, how, tail: report.tail })
    }

    fn tried(&self, edits: &[FileEdit]) -> Option<u64> {
        let mut after = self.around.targets.clone();
        for edit in edits {
            if let Some(content) = &edit.content {
                after.insert(edit.path.clone(), content.clone());
            }
        }
        self.workplace.room.tried.get(guard::fingerprint(&after))
    }

    fn spend(&mut self, spent: Spent) -> Result<(), ProposeError> {
        self.book(spent)
    }

    fn say(&mut self, doing: &str) {
        (self.around.say)(doing);
    }

    fn is_stopped(&self) -> bool {
        self.around.stop.urgency() >= Urgency::Now
    }

    fn time_left(&self) -> Duration {
        OneDesk::time_left(self)
    }
}

impl Keeper for OneDesk<'_> {
    fn book(&mut self, spent: Spent) -> Result<(), ProposeError> {
        OneDesk::book(self, spent)
    }

    fn say(&mut self, doing: &str) {
        (self.around.say)(doing);
    }

    fn look(&mut self) -> Urgency {
        self.around.stop.urgency()
    }
}
