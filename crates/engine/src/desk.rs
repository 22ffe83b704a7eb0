//! Where proposals are written: a worktree at the incumbent, made when the
//! first proposer wants it, and programs that run there under supervision.

use std::path::PathBuf;
use std::time::Instant;

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::metric::Take;
use autoresearch_core::proposal::{FileEdit, Refusal};
use autoresearch_core::session::State;
use autoresearch_core::spent::Spent;
use autoresearch_core::trial::{Exit, Protection};
use autoresearch_ledger::{Journal, Message};
use autoresearch_propose::{Desk, Errand, Finished, Input, Listener, ProposeError};
use autoresearch_repo::{ChangeKind, Repo};
use autoresearch_report::{Activity, Progress};
use autoresearch_run::{Executor, Job, LogLimit};

use crate::bench::wait;
use crate::confine::Walls;
use crate::error::EngineError;
use crate::guard::{self, Targets};
use crate::integrity::HeldOut;
use crate::news::{News, Observer};
use crate::place::{Place, Setting, git_of};
use crate::places::Places;
use crate::stop::{Stop, Urgency};

/// The desk of a session, whether or not it was made yet.
pub(crate) struct Workplace {
    pub(crate) place: Place,
    pub(crate) places: Places,
    pub(crate) config: Config,
    pub(crate) session: String,
    pub(crate) executor: Box<dyn Executor>,
    pub(crate) walls: Walls,
    pub(crate) held_out: HeldOut,
    /// Programs run here so far, for their logs' names.
    pub(crate) errands: u64,
}

impl Workplace {
    /// The desk for one proposal.
    pub(crate) fn desk<'a>(&'a mut self, around: Around<'a>) -> impl Desk + 'a {
        OneDesk { workplace: self, around, began: None }
    }

    /// What the desk differs by from the incumbent.
    pub(crate) fn edits(
        &self,
        repo: &Repo,
        tip: Option<&CommitId>,
    ) -> Result<Result<Vec<FileEdit>, Refusal>, EngineError> {
        let (Some(worktree), Some(tip)) = (self.place.worktree(), tip) else {
            return Ok(Err(Refusal::Empty));
        };
        let mut edits = Vec::new();
        let ignored = [&self.config.links[..], &self.held_out.tracked].concat();
        for change in worktree.changes(tip, &ignored)? {
            if !self.config.target.contains(&change.path) {
                let targets = self.config.target.iter().map(|path| (path.clone(), Vec::new()));
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

/// What a desk needs of the session around it.
pub(crate) struct Around<'a> {
    pub(crate) repo: &'a Repo,
    pub(crate) tip: Option<CommitId>,
    pub(crate) targets: &'a Targets,
    pub(crate) state: &'a State,
    pub(crate) journal: &'a Journal,
    pub(crate) stop: &'a Stop,
    /// Who is told how long the proposer takes.
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) progress: &'a Progress,
    pub(crate) activity: Activity,
}

struct OneDesk<'a> {
    workplace: &'a mut Workplace,
    around: Around<'a>,
    /// When somebody began to wait without a program.
    began: Option<Instant>,
}

impl OneDesk<'_> {
    fn job(&self, errand: &Errand<'_>, folder: PathBuf) -> Job {
        let workplace = &self.workplace;
        let log = format!("desk-{:04}.log", workplace.errands);
        // With the history what is held out could be read from it.
        let stores = if workplace.held_out.tracked.is_empty() {
            self.around.repo.object_stores()
        } else {
            Vec::new()
        };
        let stdin = match &errand.input {
            Input::File(path) => Some(path.to_path_buf()),
            Input::Nothing | Input::Lines(_) => None,
        };
        let given = errand.environment.iter().map(|(_, value)| PathBuf::from(value));
        let brief = given.filter(|path| path.is_absolute()).chain(stdin.clone());
        let git = git_of(&folder);
        let confinement = workplace.walls.desk(&folder, git, stores, brief.collect());
        Job {
            id: format!("{}/desk-{}", workplace.session, workplace.errands),
            command: errand.command.to_vec(),
            directory: folder,
            environment: errand.environment.iter().cloned().collect(),
            stdin,
            deadline_seconds: workplace.config.propose.timeout.as_secs_f64(),
            quota: None,
            allowance_seconds: 0.0,
            cpus: Vec::new(),
            take: Take::Last,
            grace_seconds: workplace.config.run.grace.as_secs_f64(),
            log: workplace.places.folder().join("logs").join(log),
            log_limit: LogLimit::default(),
            limits: workplace.walls.limits(),
            confinement,
            container: None,
            source: None,
            series: None,
            wanted: Vec::new(),
            result: workplace.places.scratch().join("desk-result.json"),
        }
    }

    /// Between proposals any stop is a stop: nothing is lost by it.
    fn heed(journal: &Journal, stop: &Stop) {
        for (_, message) in journal.inbox().unwrap_or_default() {
            if let Some(Message::Stop { .. }) = message {
                stop.request(Urgency::Now);
            }
        }
        if stop.urgency() == Urgency::AfterThis {
            stop.request(Urgency::Now);
        }
    }
}

impl Desk for OneDesk<'_> {
    fn folder(&mut self) -> Result<PathBuf, ProposeError> {
        let failed = |e: EngineError| ProposeError::Failed(e.to_string());
        let Some(tip) = &self.around.tip else {
            return Err(ProposeError::Failed("there is no incumbent yet".to_owned()));
        };
        let path = self.workplace.places.desk();
        let Workplace { place, config, held_out, .. } = &mut *self.workplace;
        let withheld = &held_out.tracked;
        let setting = Setting { links: &config.links, withheld, history: withheld.is_empty() };
        place.hold(self.around.repo, &path, tip, setting).map_err(failed)?;
        Ok(path)
    }

    fn run(
        &mut self,
        errand: &Errand<'_>,
        _listener: &mut dyn Listener,
    ) -> Result<Finished, ProposeError> {
        let folder = self.folder()?;
        self.workplace.errands += 1;
        let job = self.job(errand, folder);
        let began = Instant::now();
        let Around { observer, progress, activity, journal, stop, .. } = &mut self.around;
        let report = wait(&*self.workplace.executor, &job, stop, None, &mut || {
            activity.elapsed = began.elapsed();
            observer.tell(&News::Working { activity, progress });
            Self::heed(journal, stop);
        })
        .map_err(|e| ProposeError::Failed(e.to_string()))?;
        let Some(report) = report else {
            return Err(ProposeError::Failed("its supervisor was killed".to_owned()));
        };
        if report.exit == Exit::Interrupted {
            return Err(ProposeError::Interrupted);
        }
        let success = report.exit == Exit::Code(0);
        let mut how = report.exit.to_string();
        let is_cut_off =
            report.protection > Protection::Unprotected && !self.workplace.config.propose.network;
        if let Some(hint) = report.hint.filter(|_| !success) {
            how = format!("{how} ({hint})");
        } else if !success && is_cut_off {
            how.push_str(" (it had no network; `propose.network = true` gives it one)");
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
        self.around.state.tried(guard::fingerprint(&after))
    }

    fn spend(&mut self, _spent: Spent) -> Result<(), ProposeError> {
        Ok(())
    }

    fn is_stopped(&mut self) -> bool {
        let began = *self.began.get_or_insert_with(Instant::now);
        let Around { observer, progress, activity, journal, stop, .. } = &mut self.around;
        activity.elapsed = began.elapsed();
        observer.tell(&News::Working { activity, progress });
        Self::heed(journal, stop);
        stop.urgency() >= Urgency::Now
    }

    fn say(&mut self, _doing: &str) {}
}
