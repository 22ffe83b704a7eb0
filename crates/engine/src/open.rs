//! How a session begins, and how it goes on: everything is checked before
//! anything is made, and what a dead engine left behind is cleaned.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use autoresearch_config::{Config, Confine, Layers, Origin};
use autoresearch_core::experiment::CommitId;
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::Fingerprint;
use autoresearch_core::session::{Event, Plan, Queued, State, VERSION};
use autoresearch_core::stop::StopRule;
use autoresearch_core::trial::Protection;
use autoresearch_core::units::counted;
use autoresearch_ledger::{Holder, Journal, JournalError, Lock, LockError, Message, TsvFile};
use autoresearch_propose::Proposer;
use autoresearch_propose::knobs::Spec;
use autoresearch_repo::{Head, Repo};
use autoresearch_report::Progress;
use autoresearch_run::protection::{Offer, offered};
use autoresearch_run::{Executor, Local};

use crate::adjust::{self, Adjusting};
use crate::bench::{Bench, MetricFn};
use crate::briefing::{self, Lasting, Memory};
use crate::conductor::{Conductor, Office, read_targets};
use crate::confine::{Inherited, Walls, this_program};
use crate::desk::{Room, Tried};
use crate::environment::Environment;
use crate::error::EngineError;
use crate::integrity::{HeldOut, Protected};
use crate::news::{News, Observer};
use crate::place::Place;
use crate::places::{FOLDER, Places};
use crate::remembering::{self, Remembering};
use crate::stop::{Limit, Stop};
use crate::writers::Writers;
use crate::{clock, fair, history, proposers, roles, seeds, targets, wrap};

/// How long what a dead engine was about to start may hold its lock.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// A new session, checked and not made.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) repo: Repo,
    pub(crate) head: Head,
    pub(crate) config: Config,
    pub(crate) tag: String,
    pub(crate) places: Places,
    /// Changes in the checkout that are no part of the session.
    pub(crate) dirty: Vec<String>,
    pub(crate) walls: Walls,
    /// On files and protection.
    notes: Vec<String>,
}

impl Opening {
    /// Checks that a session with this configuration can be made in the
    /// repository around `folder`. `made` is a tag whose branch this process made.
    pub(crate) fn check(
        folder: &Path,
        mut config: Config,
        made: Option<&str>,
    ) -> Result<Opening, EngineError> {
        let repo = Repo::discover(folder)?;
        let head = repo.head()?;
        let mut notes = Vec::new();
        if config.target.iter().any(|target| targets::is_pattern(target)) {
            let expanded = targets::expand(&config, &repo.tracked(&head.commit)?)?;
            config.target = expanded.files;
            notes.extend(expanded.notes);
        }
        notes.extend(roles::check(&repo, &head.commit, &config)?);
        for rule in &config.stop.when {
            StopRule::parse(rule, &config.metric.name)?;
        }
        for (name, range) in &config.search {
            Spec::parse(range)
                .map_err(|source| EngineError::Range { name: name.clone(), source })?;
        }
        briefing::templates(&config, repo.root())?;
        notes.extend(proposers::check(&config, repo.root())?);
        wrap::check(&config)?;
        fair::check(&config)?;
        let tag = match made.or(config.tag.as_deref()) {
            Some(tag) if made.is_some() => tag.to_owned(),
            Some(tag) => {
                if !is_tag(tag) {
                    return Err(EngineError::BadTag(tag.to_owned()));
                }
                free(&repo, tag)?;
                tag.to_owned()
            }
            None => first_free(&repo, &tag_of_today())?,
        };
        config.tag = Some(tag.clone());
        let results = repo.root().join(&config.results);
        let is_ours = || std::fs::read(&results).is_ok_and(|bytes| is_ours(repo.root(), &bytes));
        if results.exists() && !is_ours() {
            return Err(EngineError::ResultsTaken(results));
        }
        let ours = [format!("{FOLDER}/"), config.results.clone()];
        let mut dirty = repo.dirty_paths(20)?;
        dirty.retain(|path| !ours.iter().any(|own| path.starts_with(own.as_str())));
        let places = Places::new(repo.root(), &tag);
        let walls = walls(&repo, &config, &places, &std::env::temp_dir())?;
        notes.extend(walls.notes());
        Ok(Opening { repo, head, config, tag, places, dirty, walls, notes })
    }

    /// Where runs of the unmodified target take their seed from.
    pub(crate) fn seeds(&self) -> Result<seeds::Source, EngineError> {
        seeds::Source::of(&self.config, |path| Ok(self.repo.read_file(&self.head.commit, path)?))
    }

    /// What is worth knowing before it begins.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.dirty.is_empty() {
            let shown: Vec<&str> = self.dirty.iter().take(5).map(String::as_str).collect();
            let more = if self.dirty.len() > shown.len() { ", …" } else { "" };
            notes.push(format!(
                "the checkout has changes that are not committed ({}{more}); the session starts from the last commit, {}, without them",
                shown.join(", "),
                self.head.commit.short()
            ));
        }
        notes.extend(wrap::note(&self.config));
        if self.head.branch.is_none() {
            notes.push("HEAD is detached; `merge` will need `--onto`".to_owned());
        }
        notes.extend(self.notes.iter().cloned());
        notes
    }

    /// Makes the session: its folder, lock, journal and branch.
    pub(crate) fn make(
        self,
        adjusting: &Adjusting,
        revert_on_failure: bool,
        hypotheses: Vec<(String, Option<String>)>,
    ) -> Result<Session, EngineError> {
        let Opening { repo, head, config, tag, places, walls, .. } = self;
        repo.exclude(&[&format!("/{FOLDER}/"), &format!("/{}", config.results)])?;
        places.create().map_err(EngineError::io("create", &places.folder()))?;
        let lock = lock(&places)?;
        discard_unopened(&places)?;
        let mut journal = Journal::create(&places.journal())?;
        let plan = Plan {
            version: VERSION,
            id: session_id(&places),
            tag,
            base: adjusting.base(&repo, &head.commit, &places)?,
            origin: head.branch,
            metric: config.metric.name.clone(),
            direction: config.metric.direction,
            iterations: config.iterations,
            stop_when: stop_rules(&config)?,
            stop_after_seconds: config.stop.time.map(|time| time.as_secs_f64()),
            patience: u32::try_from(config.propose.patience).unwrap_or(u32::MAX),
            revert_on_failure,
            seed: config.run.seed,
            sealed: config.metric.command.is_some(),
            mode: config.judge.mode,
            complexity: config.judge.complexity,
            suspects: config.judge.suspects,
            early_stop: config.judge.early_stop,
            series: config.judge.series.clone().filter(|name| *name != config.metric.name),
            constraints: config.judge.constraints.clone(),
            checks: config.checks.command.is_some(),
            verify: config.judge.verify,
            allowance: proposers::allowance(&config),
            outage_seconds: config.propose.outage.as_secs_f64(),
            config: autoresearch_config::to_toml(&config),
            platform: adjusting.platform.clone(),
            adjusted: adjusting.adjusted.clone(),
        };
        let mut state = State::default();
        let mut events = vec![Event::Opened(Box::new(plan))];
        events.extend(hypotheses.into_iter().zip(1..).map(|((hypothesis, patch), id)| {
            Event::Queued(Queued { id, hypothesis, patch, trusts: None, by: None, message: None })
        }));
        append(&mut journal, &mut state, events)?;
        // An earlier session's table, which its own journal can write again.
        let results = repo.root().join(&config.results);
        if results.exists() {
            std::fs::remove_file(&results).map_err(EngineError::io("replace", &results))?;
        }
        let (resumed, waits, vault) = (false, None, None);
        let session =
            Session { repo, places, config, journal, state, walls, lock, resumed, waits, vault };
        session.ensure_branch()?;
        Ok(session)
    }
}

/// An opened or resumed session that nobody conducts yet.
pub(crate) struct Session {
    pub(crate) repo: Repo,
    pub(crate) places: Places,
    pub(crate) config: Config,
    pub(crate) journal: Journal,
    pub(crate) state: State,
    walls: Walls,
    lock: Lock,
    pub(crate) resumed: bool,
    /// The queue alone proposes, whoever else is configured, and is waited for
    /// this long.
    pub(crate) waits: Option<Duration>,
    /// The vault that its opener has, unless the configuration says otherwise.
    pub(crate) vault: Option<PathBuf>,
}

impl Session {
    /// Takes up an earlier session: replays its journal, ends what a dead
    /// engine left running, and mends what it left half done.
    pub(crate) fn resume(
        folder: &Path,
        tag: Option<&str>,
        limit: Limit,
        observer: &mut dyn Observer,
    ) -> Result<Session, EngineError> {
        let repo = Repo::discover(folder)?;
        let places = find(repo.root(), tag)?;
        let lock = lock(&places)?;
        let journal = Journal::open(&places.journal()).map_err(unopened(&places))?;
        // A stop that nobody heard was for the engine that died; one that comes
        // from here on is for this one.
        let unheard = journal.inbox()?;
        let mut state = State::default();
        journal.replay(|record| state.apply(&record))?;
        let Some(plan) = state.plan().cloned() else {
            return Err(EngineError::Empty(places.tag().to_owned()));
        };
        let config = config_of(&plan)?;
        places.create().map_err(EngineError::io("create", &places.folder()))?;
        let walls = walls(&repo, &config, &places, &places.scratch())?;
        for note in walls.notes() {
            observer.tell(&News::Note(note));
        }
        let (resumed, waits, vault) = (true, None, None);
        let mut session =
            Session { repo, places, config, journal, state, walls, lock, resumed, waits, vault };
        let strays = autoresearch_run::sweep(&format!("{}/", plan.id))?;
        if strays > 0 {
            let what = format!("ended {strays} processes that a dead engine had left running");
            observer.tell(&News::Note(what));
        }
        session.places.clear_scratch();
        session.repo.delete_ref(&session.places.draft_ref())?;
        let containers = wrap::sweep(&session.config, &session.places, &plan.id)?;
        if containers > 0 {
            let containers = counted(containers, "container");
            let what = format!("removed {containers} that a dead engine had left running");
            observer.tell(&News::Note(what));
        }
        for (id, message) in unheard {
            if matches!(message, Some(Message::Stop { .. })) {
                session.journal.discard(id)?;
            }
        }
        session.ensure_branch()?;
        let mut events = vec![Event::Resumed];
        events.extend(match limit {
            Limit::Same => None,
            Limit::Unlimited => Some(Event::Extended { iterations: None }),
            Limit::At(most) => Some(Event::Extended { iterations: Some(most) }),
        });
        append(&mut session.journal, &mut session.state, events)?;
        if let Some(kept) = session.restore_results()? {
            observer.tell(&News::Note(format!(
                "{} had been edited; it is rebuilt from the journal, the edited one is {}",
                session.config.results,
                kept.display()
            )));
        }
        Ok(session)
    }

    /// The branch is where the journal says, or on the way there.
    fn ensure_branch(&self) -> Result<(), EngineError> {
        let (Some(plan), Some(tip)) = (self.state.plan(), self.state.tip()) else { return Ok(()) };
        let reference = self.places.branch_ref();
        let found = self.repo.read_ref(&reference)?;
        let is_next = |commit: &CommitId| {
            let current = self.state.current();
            current.is_some_and(|e| e.ruling.is_some() && e.commit.as_ref() == Some(commit))
        };
        match found {
            Some(found) if found == *tip || is_next(&found) => Ok(()),
            Some(found) => Err(EngineError::BranchMoved {
                branch: Places::branch(&plan.tag),
                found: found.short().to_owned(),
                expected: tip.short().to_owned(),
            }),
            // Deleted by hand, or never made: the commits are all there.
            None => Ok(self.repo.ensure_ref(&reference, tip, None)?),
        }
    }

    /// Moves the branch to where the state has it, from the session's base.
    pub(crate) fn move_branch(&self) -> Result<(), EngineError> {
        let (Some(plan), Some(tip)) = (self.state.plan(), self.state.tip()) else { return Ok(()) };
        Ok(self.repo.ensure_ref(&self.places.branch_ref(), tip, Some(&plan.base))?)
    }

    /// `results.tsv` says what the journal says.
    pub(crate) fn restore_results(&self) -> Result<Option<PathBuf>, EngineError> {
        restore_results(&self.repo, &self.config, &self.journal)
    }

    /// Where its vault is.
    pub(crate) fn vault(&self) -> Option<PathBuf> {
        remembering::place(&self.config, self.repo.root(), self.vault.as_deref())
    }

    /// Reads what earlier sessions left, also those that died.
    fn begin_to_remember(&self, stop: &Stop, observer: &mut dyn Observer) -> Option<Remembering> {
        let (vault, plan, given) = (self.vault()?, self.state.plan()?, self.vault.as_deref());
        remembering::catch_up(&self.repo, &plan.tag, &vault, given, stop, observer);
        match Remembering::begin(&self.repo, &self.config, plan, &vault) {
            Ok(mut remembering) => {
                for warning in remembering.take_warnings() {
                    observer.tell(&News::Note(warning));
                }
                Some(remembering)
            }
            Err(why) => {
                let what = format!("the session goes on without what earlier ones learned: {why}");
                observer.tell(&News::Note(what));
                None
            }
        }
    }

    /// Hands the session to a conductor.
    pub(crate) fn conduct<'a>(
        self,
        executor: &'a dyn Executor,
        proposer: Option<Box<dyn Proposer + 'a>>,
        metric_fn: Option<&'a MetricFn>,
        observer: &'a mut dyn Observer,
        stop: Stop,
    ) -> Result<Conductor<'a>, EngineError> {
        let remembering = self.begin_to_remember(&stop, observer);
        let Session {
            repo, places, config, journal, state, walls, mut lock, resumed, waits, ..
        } = self;
        let plan = state.plan().cloned();
        let config = adjust::applied(config, plan.as_ref());
        let id = plan.as_ref().map_or_else(String::new, |plan| plan.id.clone());
        let tip = state.tip().cloned().unwrap_or(CommitId(String::new()));
        let base = plan.as_ref().map_or_else(|| tip.clone(), |plan| plan.base.clone());
        let targets = read_targets(&repo, &tip, &config.target)?;
        let tracked = repo.tracked(&base)?;
        let held_out = HeldOut::of(&config, &tracked);
        let inherited = Inherited::by_this_process();
        let lookup = inherited.lookup(&config, repo.root());
        let this_program = this_program(&config, &lookup);
        let configuration =
            Fingerprint::of([("config", autoresearch_config::to_toml(&config).as_str())]);
        let lasting = Lasting::of(&repo, &base, &config, &tracked)?;
        let memory = Memory::of(&journal, &repo)?;
        if let Some(plan) = &plan {
            observer.tell(&News::Begun { plan, folder: places.folder(), resumed });
        }
        let confined = walls.protection > Protection::Unprotected;
        let proposers = match proposer {
            Some(proposer) => vec![proposer],
            None if waits.is_some() => Vec::new(),
            None => proposers::of(&config, &places, confined),
        };
        let tried = Tried::default();
        state.all_tried().for_each(|(fingerprint, number)| tried.insert(fingerprint, number));
        let errands = places.last_errand();
        let waits = waits.unwrap_or(config.propose.wait);
        if proposers.is_empty() && !waits.is_zero() {
            lock.tell(&Holder { waits: true, ..holder() })?;
        }
        let cpus = fair::cpus(&config)?;
        let history = history::of(&state, &config, &journal.entries(0)?);
        Ok(Conductor {
            bench: Bench {
                executor,
                repo: repo.clone(),
                places: places.clone(),
                config: config.clone(),
                session: id.clone(),
                protected: Protected::of(&config, &tracked),
                held_out: held_out.clone(),
                walls: walls.clone(),
                environment: Environment::new(lookup, places.environment()),
                configuration,
                metric_fn,
                this_program,
                place: Place::default(),
                scales: Place::default(),
                cpus,
            },
            office: Office {
                writers: Writers::new(Room {
                    repo: repo.clone(),
                    places: places.clone(),
                    config: config.clone(),
                    session: id,
                    executor: Arc::new(Local::this_program()?),
                    walls,
                    held_out,
                    tried,
                    errands: Arc::new(AtomicU64::new(errands)),
                }),
                waits,
                tsv: TsvFile::at(&repo.root().join(&config.results)),
                config,
                repo,
                places,
                observer,
                stop,
                targets: Arc::new(targets),
                candidate: None,
                lasting,
                memory,
                remembering: RefCell::new(remembering),
                pending: Vec::new(),
                settled: None,
                progress: Progress::of(&history),
                journal,
                state,
            },
            proposers,
            _lock: lock,
        })
    }
}

/// The session `tag` in a checkout, or the latest one.
pub(crate) fn find(root: &Path, tag: Option<&str>) -> Result<Places, EngineError> {
    let missing = || EngineError::NoSession { tag: tag.map(str::to_owned), root: root.to_owned() };
    let known = crate::places::sessions(root);
    let tag = match tag {
        Some(tag) => known.iter().find(|known| *known == tag).ok_or_else(missing)?,
        None => known.last().ok_or_else(missing)?,
    };
    Ok(Places::new(root, tag))
}

/// A journal that is missing where a session's folder is: its engine died
/// before it was made.
pub(crate) fn unopened(places: &Places) -> impl FnOnce(JournalError) -> EngineError {
    let tag = places.tag().to_owned();
    move |error| match error {
        JournalError::Missing { .. } => EngineError::Empty(tag),
        error => error.into(),
    }
}

/// What a journal's session was opened with.
pub(crate) fn plan_of(journal: &Journal) -> Result<Option<Plan>, EngineError> {
    Ok(match journal.first()?.map(|record| record.event) {
        Some(Event::Opened(plan)) => Some(*plan),
        _ => None,
    })
}

/// The configuration that a session was confirmed with.
pub(crate) fn config_of(plan: &Plan) -> Result<Config, EngineError> {
    let mut layers = Layers::new();
    layers.add_file("the session's journal", &plan.config)?;
    let flag = |key: &str| Origin::Flag(key.to_owned());
    layers.set("tag", &plan.tag, flag("tag"))?;
    // Which a flag may have turned round, as a file may not.
    let direction = match plan.direction {
        Direction::Minimize => "minimize",
        Direction::Maximize => "maximize",
    };
    layers.set("metric.direction", direction, flag("metric.direction"))?;
    Ok(layers.resolve()?)
}

/// Appends events outside a conductor, and archives what they settle.
pub(crate) fn append(
    journal: &mut Journal,
    state: &mut State,
    events: Vec<Event>,
) -> Result<(), EngineError> {
    let mut records = Vec::new();
    let mut settled = None;
    for event in events {
        if matches!(event, Event::Settled { .. }) {
            settled = state.current().cloned();
        }
        let record = autoresearch_core::session::Record {
            seq: state.last_seq() + 1,
            at: clock::now(),
            event,
        };
        state.apply(&record);
        records.push(record);
    }
    crate::crash_point::before(&records);
    journal.append(&records, settled.as_ref())?;
    crate::crash_point::after(&records);
    Ok(())
}

/// How the jobs of a session are confined, after a try in the folder `scratch`.
fn walls(
    repo: &Repo,
    config: &Config,
    places: &Places,
    scratch: &Path,
) -> Result<Walls, EngineError> {
    let offer = if config.run.protection == Confine::Unprotected {
        let unasked = || Err("it was not asked for".to_owned());
        Offer { sandboxed: unasked(), restricted: unasked() }
    } else {
        offered(&Local::this_program()?, scratch)
    };
    let guarded = [repo.root().join(FOLDER), repo.common_dir().to_owned()];
    let inherited = Inherited::by_this_process();
    Walls::new(config, repo.root(), &guarded, places, &inherited, &offer)
}

/// The supervisor is this very program under a hidden command.
pub(crate) fn local() -> Result<Box<dyn Executor>, EngineError> {
    Ok(Box::new(Local::this_program()?))
}

fn is_tag(tag: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !tag.is_empty()
        && tag.len() <= 100
        && tag.chars().all(is_plain)
        && !tag.starts_with(['.', '-'])
        && !tag.ends_with('.')
        && tag.rsplit('.').next() != Some("lock")
        && !tag.contains("..")
}

fn free(repo: &Repo, tag: &str) -> Result<(), EngineError> {
    let places = Places::new(repo.root(), tag);
    if is_opened(&places) {
        return Err(EngineError::TagTaken(tag.to_owned()));
    }
    match repo.read_ref(&places.branch_ref())? {
        Some(_) => Err(EngineError::BranchTaken(Places::branch(tag))),
        None => Ok(()),
    }
}

/// Whether a session's journal holds its opening; one that died before that
/// holds nothing.
fn is_opened(places: &Places) -> bool {
    match Journal::open_read_only(&places.journal()) {
        Ok(journal) => !matches!(journal.first(), Ok(None)),
        // A damaged journal is somebody's work, too.
        Err(JournalError::Missing { .. }) => false,
        Err(_) => places.journal().metadata().is_ok_and(|meta| meta.len() > 0),
    }
}

fn discard_unopened(places: &Places) -> Result<(), EngineError> {
    if is_opened(places) {
        return Ok(());
    }
    for extension in ["db", "db-wal", "db-shm"] {
        let path = places.journal().with_extension(extension);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(EngineError::io("remove", &path)(e));
            }
            _ => {}
        }
    }
    Ok(())
}

fn first_free(repo: &Repo, tag: &str) -> Result<String, EngineError> {
    let mut n = 1_u32;
    loop {
        let tag = if n == 1 { tag.to_owned() } else { format!("{tag}-{n}") };
        match free(repo, &tag) {
            Ok(()) => return Ok(tag),
            Err(EngineError::TagTaken(_) | EngineError::BranchTaken(_)) => n += 1,
            Err(error) => return Err(error),
        }
    }
}

/// `nov21`, in the user's time zone.
fn tag_of_today() -> String {
    jiff::Zoned::now().strftime("%b%-d").to_string().to_lowercase()
}

/// Has the results table say what the journal says. One that was edited is kept
/// beside it, out of git's sight, and named; one of another session here is not.
pub(crate) fn restore_results(
    repo: &Repo,
    config: &Config,
    journal: &Journal,
) -> Result<Option<PathBuf>, EngineError> {
    let table = history::table(&config.metric.name, config.metric.direction, &journal.entries(0)?);
    let path = repo.root().join(&config.results);
    let kept = TsvFile::at(&path)
        .restore(&table, |bytes| is_ours(repo.root(), bytes))
        .map_err(EngineError::io("write", &path))?;
    if kept.is_some() {
        repo.exclude(&[&format!("/{}.edited-*", config.results)])?;
    }
    Ok(kept)
}

/// Whether a results file is what some session here has written, or the beginning
/// of it: then it can be written again from that session's journal.
fn is_ours(root: &Path, bytes: &[u8]) -> bool {
    crate::places::sessions(root).iter().any(|tag| {
        let Ok(journal) = Journal::open_read_only(&Places::new(root, tag).journal()) else {
            return false;
        };
        let Ok(Some(plan)) = plan_of(&journal) else { return false };
        let Ok(entries) = journal.entries(0) else { return false };
        history::table(&plan.metric, plan.direction, &entries)
            .to_text()
            .as_bytes()
            .starts_with(bytes)
    })
}

fn stop_rules(config: &Config) -> Result<Vec<StopRule>, EngineError> {
    let parse = |rule: &String| StopRule::parse(rule, &config.metric.name);
    Ok(config.stop.when.iter().map(parse).collect::<Result<_, _>>()?)
}

/// Takes a session's lock. That of an engine that has just been killed may be held
/// a moment longer, by a process that it was about to start.
fn lock(places: &Places) -> Result<Lock, EngineError> {
    let own = holder();
    let began = Instant::now();
    loop {
        match Lock::acquire(&places.lock(), &own) {
            Err(LockError::Held(by))
                if by.host == own.host
                    && !autoresearch_run::is_running(by.pid)
                    && began.elapsed() < LAST_BREATH =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            taken => return Ok(taken?),
        }
    }
}

fn holder() -> Holder {
    Holder {
        pid: std::process::id(),
        host: autoresearch_run::platform::host(),
        since: clock::now(),
        waits: false,
    }
}

/// Unique among all sessions of a machine: what was started under it can be
/// found again by it.
fn session_id(places: &Places) -> String {
    let seed = format!("{}:{}:{}", places.folder().display(), std::process::id(), clock::now().0);
    let id = autoresearch_core::proposal::Fingerprint::of([("session", seed.as_str())]);
    format!("{:016x}", id.0 >> 64)
}
