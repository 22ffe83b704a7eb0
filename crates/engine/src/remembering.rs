//! What outlives a session: read from the vault when it begins, recalled for every
//! proposal, written when it ends (SPEC A12, J). Nothing that goes wrong here ends or
//! harms a session: it is a note to whoever watches.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use autoresearch_config::Config;
use autoresearch_core::experiment::Verdict;
use autoresearch_core::session::{Plan, Queued, State};
use autoresearch_memory::{Kind, MemoryError, Note, Private, Query, Repository, Session, Vault};
use autoresearch_propose::{Recalled, Remembered};
use autoresearch_repo::Repo;

use crate::confine::Inherited;
use crate::error::EngineError;
use crate::lessons;
use crate::news::{News, Observer};
use crate::places::sessions;
use crate::stop::{Stop, Urgency};
use crate::view::View;

/// Notes that are recalled for a proposal, and bytes of each.
const NOTES: usize = 5;
const NOTE: usize = 600;

/// Bytes of the last hand-off that are told.
const HANDOFF: usize = 4_000;

/// Notes from which they are had on disk together, and not each.
const MANY: usize = 20;

/// A vault, as a running session uses it.
pub(crate) struct Remembering {
    vault: Vault,
    session: Session,
    hot: Option<String>,
    warnings: Vec<String>,
    handoff: Option<Recalled>,
    /// The last question and its answer: most proposals ask the same, and other sessions
    /// seldom add to it meanwhile.
    asked: Option<(String, Vec<Recalled>)>,
}

/// Where the vault is: what the configuration names, else `given`; `None` where there is
/// to be none.
pub(crate) fn place(config: &Config, root: &Path, given: Option<&Path>) -> Option<PathBuf> {
    if !config.memory.enabled {
        return None;
    }
    let Some(path) = &config.memory.path else { return given.map(Path::to_owned) };
    match path.strip_prefix('~').map(|rest| rest.trim_start_matches(['/', '\\'])) {
        Some(below) => Some(Inherited::by_this_process().home?.join(below)),
        None => Some(root.join(path)),
    }
}

/// A session, as its notes name it.
pub(crate) fn session(repo: &Repo, config: &Config, plan: &Plan) -> Result<Session, EngineError> {
    let name = repo.root().file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
    Ok(Session {
        repository: Repository { name, id: repo.first_commit(&plan.base)?.0 },
        tag: plan.tag.clone(),
        id: plan.id.clone(),
        target: config.target.clone(),
        metric: plan.metric.clone(),
        direction: plan.direction,
        budget: config.budget.to_string(),
        platform: plan.platform.clone(),
    })
}

fn open(repo: &Repo, vault: &Path) -> Vault {
    let home = Inherited::by_this_process().home;
    Vault::at(vault, Private::new(home.as_deref(), Some(repo.root())))
}

impl Remembering {
    /// Reads what every proposer of the session is told.
    pub(crate) fn begin(
        repo: &Repo,
        config: &Config,
        plan: &Plan,
        vault: &Path,
    ) -> Result<Remembering, String> {
        let session = session(repo, config, plan).map_err(|error| error.to_string())?;
        let mut vault = open(repo, vault);
        vault.sync(&mut |_| ()).map_err(|error| told(&error))?;
        let mut warnings = Vec::new();
        let hot = vault.hot_page(&session.repository).unwrap_or_else(|error| {
            warnings.push(told(&error));
            None
        });
        // People write there as well, and a brief goes to whoever proposes.
        let hot = hot.map(|page| vault.redact(&page));
        let handoff = last_handoff(&mut vault, &session).map_err(|error| told(&error))?;
        Ok(Remembering { vault, session, hot, warnings, handoff, asked: None })
    }

    /// What went wrong and was got over.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.append(&mut self.vault.take_warnings());
        warnings
    }

    /// What is told with the next brief: the notes that fit what is `queued`, or else the
    /// direction.
    pub(crate) fn recall(&mut self, state: &State, queued: Option<&Queued>) -> Remembered {
        let target = self.session.target.join(" ");
        let what = match (queued, state.focus().near) {
            (Some(queued), _) => queued.hypothesis.clone(),
            (None, Some(near)) => format!("{near}: improve {}", self.session.metric),
            (None, None) => format!("improve {}", self.session.metric),
        };
        let question = format!("{what} {target}");
        let notes = match self.asked.take() {
            Some((asked, notes)) if asked == question => notes,
            // A brief does without; the session was told when it began.
            _ => self.notes(&question).unwrap_or_default(),
        };
        self.asked = Some((question, notes.clone()));
        Remembered { hot: self.hot.clone(), handoff: self.handoff.clone(), notes }
    }

    fn notes(&mut self, question: &str) -> Result<Vec<Recalled>, MemoryError> {
        let session = Some(self.session.id.as_str());
        let query = Query { except_session: session, ..Query::new(question, 3 * NOTES) };
        let hits = self.vault.search(&query)?;
        let hot = self.hot.clone().unwrap_or_default();
        // What the hot page says and hand-offs, which tell of no change, are no news.
        let is_news = |name: &str| !hot.contains(&format!("[[{name}]]"));
        let fit = hits.into_iter().map(|hit| hit.entry);
        let fit = fit.filter(|e| e.kind != Kind::Handoff.name() && is_news(&e.name)).take(NOTES);
        let told = fit.filter_map(|entry| {
            let note = self.vault.read(&entry).ok()?;
            Some(recalled(&self.vault, &note, &note.excerpt(NOTE)))
        });
        Ok(told.collect())
    }
}

fn recalled(vault: &Vault, note: &Note, text: &str) -> Recalled {
    Recalled {
        name: note.name.clone(),
        title: vault.redact(&note.meta.title),
        repository: note.meta.repository.as_deref().map(|name| vault.redact(name)),
        text: vault.redact(text),
    }
}

fn last_handoff(vault: &mut Vault, session: &Session) -> Result<Option<Recalled>, MemoryError> {
    let handoffs = vault.list(Some(Kind::Handoff), Some(&session.repository.id), 20)?;
    let of_another = handoffs.iter().find(|e| e.session_id.as_deref() != Some(session.id.as_str()));
    let Some(entry) = of_another else { return Ok(None) };
    let note = vault.read(entry)?;
    let text = &note.body[..note.body.floor_char_boundary(HANDOFF)];
    Ok(Some(recalled(vault, &note, text)))
}

/// An error with its remedy.
pub(crate) fn told(error: &MemoryError) -> String {
    format!("{error}; {}", error.hint())
}

/// What was written of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The vault.
    pub vault: PathBuf,
    /// New notes on experiments.
    pub experiments: usize,
    /// New lessons.
    pub lessons: usize,
}

/// Writes what a session came to, and keeps whoever watches informed of what cannot be.
pub(crate) fn remember(
    view: &View,
    vault: &Path,
    stop: &Stop,
    observer: &mut dyn Observer,
) -> Option<Written> {
    // Whoever ended the session with an interrupt did not mean what it learned.
    let before = stop.urgency();
    let halt = || stop.urgency() > before || stop.urgency() == Urgency::AtOnce;
    said(write(view, vault, &halt, &mut |_| ()), observer)
}

/// Writes what sessions came to that died before they could (SPEC L5). Only of those that
/// were to be remembered, and in this vault; `given` is where it is unless configured.
pub(crate) fn catch_up(
    repo: &Repo,
    own: &str,
    vault: &Path,
    given: Option<&Path>,
    stop: &Stop,
    observer: &mut dyn Observer,
) {
    for tag in sessions(repo.root()).into_iter().filter(|tag| tag != own) {
        if stop.urgency() != Urgency::None {
            return;
        }
        if let Ok(view) = View::open(repo.root(), Some(&tag))
            && place(view.config(), repo.root(), given).as_deref() == Some(vault)
            && matches!(view.engine(), Ok(None))
        {
            let mut tell = |notes| {
                if notes == 0 {
                    return;
                }
                observer.tell(&News::Note(format!(
                    "session {tag} ended before its notes were written; {notes} are written now"
                )));
            };
            let halt = || stop.urgency() != Urgency::None;
            let done = write(&view, vault, &halt, &mut tell);
            said(done, observer);
        }
    }
}

type Done = Result<(Option<Written>, Vec<String>), String>;

fn said(done: Done, observer: &mut dyn Observer) -> Option<Written> {
    match done {
        Ok((written, warnings)) => {
            for warning in warnings {
                observer.tell(&News::Note(warning));
            }
            written
        }
        Err(why) => {
            observer.tell(&News::Note(format!(
                "what was learned is not in the vault, and will be when the next session here begins: {why}"
            )));
            None
        }
    }
}

/// `halt` is asked before every note, and `begin` hears how many experiments have none
/// yet.
fn write(view: &View, path: &Path, halt: &dyn Fn() -> bool, begin: &mut dyn FnMut(usize)) -> Done {
    let said = |error: EngineError| error.to_string();
    let Some(last) = view.last().map_err(said)? else { return Ok((None, Vec::new())) };
    let session = session(view.repo(), view.config(), view.plan()).map_err(said)?;
    let mut vault = open(view.repo(), path);
    let handoff = session.name(&format!("handoff-{:04}", last.number));
    if vault.has(&session.folder(), &handoff) {
        return Ok((None, Vec::new()));
    }
    let mut written = Written { vault: path.to_owned(), experiments: 0, lessons: 0 };
    experiments(view, &session, &vault, &mut written, halt, begin)?;
    let history = view.history().map_err(said)?;
    let mut warnings = Vec::new();
    written.lessons = lessons::write(view, &session, &history, &mut vault, &mut warnings)
        .map_err(|error| error.as_ref().map_or_else(ToString::to_string, told))?;
    vault.sync(&mut |_| ()).map_err(|error| told(&error))?;
    warnings.append(&mut vault.take_warnings());
    Ok((Some(written), warnings))
}

/// Notes on experiments that have none yet.
fn experiments(
    view: &View,
    session: &Session,
    vault: &Vault,
    written: &mut Written,
    halt: &dyn Fn() -> bool,
    begin: &mut dyn FnMut(usize),
) -> Result<(), String> {
    let said = |error: EngineError| error.to_string();
    let folder = session.folder();
    let entries = view.entries(0).map_err(said)?;
    let is_written = |number| vault.has(&folder, &session.experiment(number));
    let missing: HashSet<u64> =
        entries.iter().map(|entry| entry.number).filter(|number| !is_written(*number)).collect();
    begin(missing.len());
    let is_many = missing.len() > MANY;
    let mut incumbent = None;
    let mut is_halted = false;
    for entry in entries {
        let is_kept = entry.verdict == Verdict::Keep;
        if !missing.contains(&entry.number) && !is_kept {
            continue;
        }
        is_halted = halt();
        if is_halted {
            break;
        }
        let experiment = view.experiment(entry.number).map_err(said)?;
        if missing.contains(&entry.number) {
            // Another tool's commits may be lost, and a note does without.
            let diff = view.diff(entry.number, None).ok().filter(|_| entry.number > 0);
            let note = session.note(&experiment, incumbent.as_ref(), &diff.unwrap_or_default());
            let added = if is_many {
                vault.add_unsettled(&folder, &note)
            } else {
                vault.add(&folder, &note)
            };
            let added = added.map_err(|error| told(&error))?;
            written.experiments += usize::from(added.is_new);
        }
        if is_kept {
            incumbent = Some(experiment);
        }
    }
    if is_many {
        // Before the hand-off: where that is, all is.
        vault.settle().map_err(|error| told(&error))?;
    }
    if is_halted {
        return Err("it was asked to stop".to_owned());
    }
    Ok(())
}
