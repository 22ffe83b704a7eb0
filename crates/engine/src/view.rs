//! A session for reading, whether or not an engine runs it. Nothing here grows
//! with the number of experiments but what is asked for whole.

use std::path::{Path, PathBuf};

use autoresearch_config::Config;
use autoresearch_core::experiment::{CommitId, Counts, Experiment};
use autoresearch_core::judge::Noise;
use autoresearch_core::session::{Draft, Event, Plan, Queued, Record, State, StopReason};
use autoresearch_core::trial::Protection;
use autoresearch_core::units::Timestamp;
use autoresearch_core::verification::Comparison;
use autoresearch_ledger::{Entry, Holder, Journal, Lock, Message};
use autoresearch_propose::Brief;
use autoresearch_repo::Repo;
use autoresearch_report::{
    History, PngError, Point, Proposers, Session, Size, SummaryOptions, plot_png, plot_svg,
    summary_markdown,
};

use crate::adjust;
use crate::briefing::{Known, Lasting, Memory};
use crate::conductor::read_targets;
use crate::error::EngineError;
use crate::history;
use crate::open::{config_of, find, plan_of, unopened};
use crate::places::Places;
use crate::remembering::{self, Remembering};
use crate::suite::{TestChanges, changes_between};
use crate::verify;

/// Suspects that a status names.
const SUSPECTS: u64 = 5;

/// A session, opened for reading.
pub struct View {
    repo: Repo,
    places: Places,
    journal: Journal,
    plan: Plan,
    config: Config,
    opened_at: Timestamp,
    vault: Option<PathBuf>,
}

/// What is going on, in figures that cost the same in any session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Who runs it, if anyone.
    pub engine: Option<Holder>,
    /// Why it rests, when it does and an engine could say so.
    pub stopped: Option<StopReason>,
    /// How many of each verdict.
    pub tally: Counts,
    /// The unmodified target.
    pub baseline: Option<Entry>,
    /// The best so far.
    pub best: Option<Entry>,
    /// Suspects that nobody has trusted yet, the last few, oldest first.
    pub suspects: Vec<Entry>,
    /// The last five settled experiments, oldest first.
    pub last: Vec<Entry>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When anything happened last.
    pub last_at: Timestamp,
    /// How the last run was confined.
    pub protection: Option<Protection>,
    /// Baseline and best, measured again beside each other.
    pub comparison: Option<Comparison>,
    /// What the metric's noise meant when the last experiment was settled.
    pub noise: Option<Noise>,
    /// What proposers had done and cost by then.
    pub proposers: Proposers,
}

impl View {
    /// Opens the session `tag` of the repository around `folder`, or the
    /// latest one.
    ///
    /// # Errors
    /// When there is none, or its journal cannot be read.
    pub fn open(folder: &Path, tag: Option<&str>) -> Result<View, EngineError> {
        let repo = Repo::discover(folder)?;
        let places = find(repo.root(), tag)?;
        let journal = Journal::open_read_only(&places.journal()).map_err(unopened(&places))?;
        let opened_at = journal.first()?.map_or_else(Timestamp::default, |record| record.at);
        let mut plan =
            plan_of(&journal)?.ok_or_else(|| EngineError::Empty(places.tag().to_owned()))?;
        if let Some(Event::Extended { iterations }) = journal.extended()?.map(|record| record.event)
        {
            plan.iterations = iterations;
        }
        let config = config_of(&plan)?;
        Ok(View { repo, places, journal, plan, config, opened_at, vault: None })
    }

    /// With the vault that briefs recall from, unless the configuration says otherwise.
    #[must_use]
    pub fn with_vault(mut self, vault: Option<PathBuf>) -> View {
        self.vault = vault;
        self
    }

    /// What was tried.
    pub(crate) fn memory(&self) -> Result<Memory, EngineError> {
        Memory::of(&self.journal, &self.repo)
    }

    /// What the session was opened with, and the limits that hold now.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The configuration that was confirmed.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its paths.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The repository that it belongs to.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Who runs it, if anyone.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn engine(&self) -> Result<Option<Holder>, EngineError> {
        Ok(Lock::holder(&self.places.lock())?)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn status(&self) -> Result<Status, EngineError> {
        let last = self.journal.last()?;
        let stopped = match last.as_ref().map(|record| &record.event) {
            Some(Event::Stopped { reason }) => Some(reason.clone()),
            _ => None,
        };
        let recent = self.journal.recent(1)?.pop();
        Ok(Status {
            engine: self.engine()?,
            stopped,
            tally: self.journal.tally()?,
            baseline: self.journal.entry(0)?,
            best: self.journal.best()?,
            suspects: self.journal.suspects(SUSPECTS)?,
            last: self.journal.last_entries(5)?,
            opened_at: self.opened_at,
            last_at: last.map_or(self.opened_at, |record| record.at),
            protection: recent.as_ref().and_then(|last| last.trials.last()?.protection),
            comparison: self.comparison()?,
            noise: recent.as_ref().and_then(|last| last.noise),
            proposers: recent.map(|last| last.proposers).unwrap_or_default(),
        })
    }

    /// The head of a report on it.
    pub fn session(&self, status: &Status) -> Session {
        let (plan, config) = (&self.plan, &self.config);
        let stopped = status.stopped.as_ref();
        let session = history::session(plan, config, stopped, status.last_at, self.opened_at);
        let comparison = status.comparison.clone();
        let not_compared = if comparison.is_none() { verify::why_not(self, status) } else { None };
        let Status { protection, noise, .. } = *status;
        let proposers = status.proposers.clone();
        Session { protection, comparison, not_compared, noise, proposers, ..session }
    }

    /// Baseline and best, measured again beside each other.
    fn comparison(&self) -> Result<Option<Comparison>, EngineError> {
        let Some(best) = self.incumbent()?.filter(|best| !best.is_baseline()) else {
            return Ok(None);
        };
        let baseline = self.journal.experiment(0)?;
        let direction = self.plan.direction;
        Ok(baseline.and_then(|baseline| Comparison::between(direction, &baseline, &best)))
    }

    /// An entry as a report's point.
    pub fn point(&self, entry: &Entry) -> Point {
        history::point(entry, self.opened_at)
    }

    /// Hands every event after the place `seq` to `each`, in order.
    pub(crate) fn replay_since(
        &self,
        seq: u64,
        each: impl FnMut(Record),
    ) -> Result<(), EngineError> {
        Ok(self.journal.since(seq, each)?)
    }

    /// Everything that a report tells.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn history(&self) -> Result<History, EngineError> {
        let mut session = self.session(&self.status()?);
        session.environment_changes = self.journal.environment_changes()?;
        let mut state = State::default();
        self.journal.replay(|record| state.apply(&record))?;
        session.stopped_early = state.stopped_early();
        // A session of an earlier version did not record it.
        session.noise = session.noise.or_else(|| state.noise());
        // What was refused since the last experiment costs, too.
        session.proposers = state.portfolio().worth_telling();
        let points = self.journal.entries(0)?.iter().map(|entry| self.point(entry)).collect();
        Ok(History { session, points })
    }

    /// Every settled experiment from number `from` on, in short.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entries(&self, from: u64) -> Result<Vec<Entry>, EngineError> {
        Ok(self.journal.entries(from)?)
    }

    /// The last settled experiment, in short.
    pub(crate) fn last(&self) -> Result<Option<Entry>, EngineError> {
        Ok(self.journal.last_entries(1)?.pop())
    }

    /// A settled experiment, in short.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entry(&self, number: u64) -> Result<Option<Entry>, EngineError> {
        Ok(self.journal.entry(number)?)
    }

    /// A settled experiment, whole.
    ///
    /// # Errors
    /// [`EngineError::NoExperiment`].
    pub fn experiment(&self, number: u64) -> Result<Experiment, EngineError> {
        self.journal.experiment(number)?.ok_or(EngineError::NoExperiment(number))
    }

    /// Which tests experiment `number` made pass or fail against the one that it
    /// started from, where the metric is about a suite of tests.
    ///
    /// # Errors
    /// [`EngineError::NoExperiment`].
    pub fn test_changes(&self, number: u64) -> Result<Option<TestChanges>, EngineError> {
        let parent = self.experiment(number)?.parent;
        let is_parent = |kept: &Experiment| kept.commit.as_ref() == Some(&parent);
        let parent = self.kept()?.into_iter().filter(|kept| kept.number < number).rfind(is_parent);
        Ok(parent.and_then(|parent| changes_between(&self.places, parent.number, number)))
    }

    /// The last `limit` settled experiments, oldest first, whole.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn experiments(&self, limit: usize) -> Result<Vec<Experiment>, EngineError> {
        Ok(self.journal.recent(limit)?)
    }

    /// The best so far, whole.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn incumbent(&self) -> Result<Option<Experiment>, EngineError> {
        Ok(self.journal.kept(1)?.pop())
    }

    /// All kept experiments, oldest first, the baseline included.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn kept(&self) -> Result<Vec<Experiment>, EngineError> {
        Ok(self.journal.kept(usize::MAX >> 1)?)
    }

    /// Proposals that were written ahead and wait for their turn, first to last.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn drafts(&self) -> Result<Vec<Draft>, EngineError> {
        let mut state = State::default();
        self.journal.replay(|record| state.apply(&record))?;
        Ok(state.drafts().cloned().collect())
    }

    /// The numbers of messages with hypotheses that no engine has heard yet.
    pub(crate) fn unheard_hypotheses(&self) -> Result<Vec<i64>, EngineError> {
        let inbox = self.journal.inbox()?.into_iter();
        let is_hypothesis =
            |message: &Option<Message>| matches!(message, Some(Message::Hypothesis { .. }));
        Ok(inbox.filter(|(_, message)| is_hypothesis(message)).map(|(number, _)| number).collect())
    }

    /// The hypotheses that wait, those not yet taken in by an engine included.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn queue(&self) -> Result<Vec<Queued>, EngineError> {
        let mut state = State::default();
        self.journal.replay(|record| state.apply(&record))?;
        let mut next = state.next_queued();
        let mut queue: Vec<Queued> = state.queue().cloned().collect();
        for (number, message) in self.journal.inbox()? {
            let number = Some(number);
            match message {
                Some(Message::Hypothesis { hypothesis, patch, by }) => {
                    queue.push(Queued {
                        id: next,
                        hypothesis,
                        patch,
                        trusts: None,
                        by,
                        message: number,
                    });
                    next += 1;
                }
                Some(Message::Trust { number: held }) => {
                    let hypothesis = format!("the change of #{held}, which is trusted");
                    let queued = Queued {
                        id: next,
                        hypothesis,
                        patch: None,
                        trusts: Some(held),
                        by: None,
                        message: number,
                    };
                    queue.push(queued);
                    next += 1;
                }
                Some(Message::Drop { id }) => queue.retain(|queued| queued.id != id),
                _ => {}
            }
        }
        Ok(queue)
    }

    /// What the next proposer would be told.
    ///
    /// # Errors
    /// When the journal, git or a template cannot be read.
    pub fn brief(&self) -> Result<Brief, EngineError> {
        let mut state = State::default();
        self.journal.replay(|record| state.apply(&record))?;
        let config = adjust::applied(self.config.clone(), Some(&self.plan));
        let tracked = self.repo.tracked(&self.plan.base)?;
        let lasting = Lasting::of(&self.repo, &self.plan.base, &config, &tracked)?;
        let memory = Memory::of(&self.journal, &self.repo)?;
        let tip = state.tip().unwrap_or(&self.plan.base);
        // A patch needs nobody to write it.
        let queued = self.queue()?.into_iter().find(|queued| queued.patch.is_none());
        let vault = remembering::place(&self.config, self.repo.root(), self.vault.as_deref());
        let remembering = vault
            .and_then(|vault| Remembering::begin(&self.repo, &config, &self.plan, &vault).ok());
        let recalled =
            remembering.map(|mut all| all.recall(&state, queued.as_ref())).unwrap_or_default();
        let known = Known {
            config: &config,
            state: &state,
            targets: &read_targets(&self.repo, tip, &config.target)?,
            lasting: &lasting,
            memory: &memory,
            places: &self.places,
            proposer: None,
            recalled,
        };
        let current = state.current().map_or(0, |current| current.number);
        let number = current.max(memory.last()) + 1;
        Ok(known.brief(number, queued.as_ref()))
    }

    /// Whether messages wait that no engine has heard yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn has_unheard(&self) -> Result<bool, EngineError> {
        Ok(!self.journal.inbox()?.is_empty())
    }

    /// Leaves a message for the engine, and returns its number; it is heard now,
    /// or on resume.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn post(&self, message: &Message) -> Result<i64, EngineError> {
        Ok(Journal::open(&self.places.journal())?.post(message)?)
    }

    /// The change of experiment `number`, against its parent or against
    /// experiment `other`.
    ///
    /// # Errors
    /// [`EngineError::NoExperiment`], or what git says.
    pub fn diff(&self, number: u64, other: Option<u64>) -> Result<String, EngineError> {
        let to = self.experiment(number)?;
        let (from, to) = match other {
            None => (to.parent.clone(), commit_of(&to)?),
            Some(other) => (commit_of(&to)?, commit_of(&self.experiment(other)?)?),
        };
        Ok(self.repo.diff(&from, &to, &[])?)
    }

    /// Writes the summary and the plots, and says where.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_report(&self) -> Result<Vec<PathBuf>, EngineError> {
        write_report(&self.history()?, &self.places.folder())
    }

    /// Writes the results table again from the journal; an edited one is kept
    /// beside it, and named.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn restore_results(&self) -> Result<Option<PathBuf>, EngineError> {
        crate::open::restore_results(&self.repo, &self.config, &self.journal)
    }
}

/// Writes `autoresearch-summary.md`, `progress.svg` and `progress.png` into a
/// folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write_report(history: &History, folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let svg = plot_svg(history, Size::default());
    let png = plot_png(&svg, 2.0).map_err(|e: PngError| EngineError::Plot(e.to_string()))?;
    let options =
        SummaryOptions { plot: Some("progress.svg".to_owned()), ..SummaryOptions::default() };
    let summary = summary_markdown(history, &options);
    let mut written = Vec::new();
    for (name, bytes) in [
        ("autoresearch-summary.md", summary.as_bytes()),
        ("progress.svg", svg.as_bytes()),
        ("progress.png", png.as_slice()),
    ] {
        let path = folder.join(name);
        // In one step: whoever watches the file never sees half of it.
        let temporary = folder.join(format!(".{name}.new"));
        std::fs::write(&temporary, bytes)
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(EngineError::io("write", &path))?;
        written.push(path);
    }
    Ok(written)
}

fn commit_of(experiment: &Experiment) -> Result<CommitId, EngineError> {
    experiment.commit.clone().ok_or(EngineError::NoExperiment(experiment.number))
}
