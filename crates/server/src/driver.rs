//! Sessions that run in this process, on a thread of their own, and the one
//! that the tools are about.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use autoresearch::config::Config;
use autoresearch::core::session::StopReason;
use autoresearch::core::units::Timestamp;
use autoresearch::{EngineError, Limit, News, Observer, Stop, SystemExperiment, Urgency, View};

use crate::answers::{Started, told};
use crate::{Options, Overrides};

/// Notes of the engine that are kept for `status`.
const NOTES: usize = 10;

/// How long a session may take to open before `start` answers without it.
const OPENING: Duration = Duration::from_secs(40);

/// What `start` is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) tag: Option<String>,
    pub(crate) iterations: Option<u64>,
    pub(crate) new: bool,
    pub(crate) proposers: bool,
    pub(crate) idle: Duration,
    pub(crate) dry_run: bool,
}

/// Runs at most one session, and knows which one is meant.
pub(crate) struct Driver {
    options: Options,
    running: Mutex<Option<Running>>,
    /// The session that this server started last.
    tag: Arc<Mutex<Option<String>>>,
    notes: Arc<Mutex<VecDeque<String>>>,
}

struct Running {
    stop: Stop,
    thread: JoinHandle<()>,
}

/// A mutex that a panicking thread left behind holds what it held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    pub(crate) fn new(options: Options) -> Driver {
        let (running, tag, notes) = Default::default();
        Driver { options, running, tag, notes }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.options.folder
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.options.now)()
    }

    /// What a new session would be configured with.
    pub(crate) fn configured(&self, overrides: &Overrides) -> Result<Config, String> {
        (self.options.configure)(overrides)
    }

    /// The session that the tools are about: the one started here, or the
    /// latest in the repository.
    pub(crate) fn view(&self) -> Result<View, EngineError> {
        let tag = lock(&self.tag).clone();
        let view = View::open(self.folder(), tag.as_deref())?;
        Ok(view.with_vault(self.options.vault.clone()))
    }

    /// The same, as a tool says that there is none.
    pub(crate) fn session(&self) -> Result<View, String> {
        self.view().map_err(|error| match error {
            EngineError::NoSession { .. } => {
                "there is no session yet\nremedy: call `start`".to_owned()
            }
            error => told(&error),
        })
    }

    /// What the engine said lately.
    pub(crate) fn notes(&self) -> Vec<String> {
        lock(&self.notes).iter().cloned().collect()
    }

    /// Opens a session or goes on with one, on a thread.
    pub(crate) fn start(&self, wishes: &Wishes) -> Result<Started, String> {
        let mut running = lock(&self.running);
        if running.as_ref().is_some_and(|running| !running.thread.is_finished()) {
            return Err("a session runs here already\nremedy: go on with `propose` and `wait`, or end it with `stop` first".to_owned());
        }
        let existing = match View::open(self.folder(), wishes.tag.as_deref()) {
            Ok(view) if !wishes.new => Some(view),
            Ok(_) | Err(EngineError::NoSession { .. } | EngineError::Empty(_)) => None,
            Err(error) => return Err(told(&error)),
        };
        let begin = match existing {
            Some(view) => self.to_resume(&view, wishes)?,
            None => self.to_open(wishes)?,
        };
        let Begin { experiment, limit, mut started } = begin;
        if wishes.dry_run {
            return Ok(started);
        }
        let stop = Stop::default();
        let (tell, hear) = mpsc::channel();
        let mut ear = Ear {
            notes: Arc::clone(&self.notes),
            tag: Arc::clone(&self.tag),
            begun: Some(tell.clone()),
        };
        lock(&self.notes).clear();
        let notes = Arc::clone(&self.notes);
        let own_stop = stop.clone();
        let session = move || {
            let ended = match limit {
                None => experiment.run_session(&mut ear, &own_stop),
                Some(limit) => experiment.resume_with(limit, &mut ear, &own_stop),
            };
            if let Err(error) = ended {
                note(&notes, told(&error));
                // Nobody listens once it has begun.
                let _ = tell.send(Err(told(&error)));
            }
        };
        let thread = std::thread::Builder::new().name("session".to_owned()).spawn(session);
        let thread = thread.map_err(|error| format!("failed to start a thread: {error}"))?;
        *running = Some(Running { stop, thread });
        // Others may look and stop while it is being opened.
        drop(running);
        match hear.recv_timeout(OPENING) {
            Ok(Ok(tag)) => started.tag = Some(tag),
            Ok(Err(why)) => return Err(why),
            // It looks at the machine, which may take a while.
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(
                    "the session's thread failed; that is a bug, please report it".to_owned()
                );
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                started.notes.push("it is still being opened; see `status` in a while".to_owned());
            }
        }
        started.running = true;
        Ok(started)
    }

    fn to_open(&self, wishes: &Wishes) -> Result<Begin, String> {
        let overrides = Overrides { tag: wishes.tag.clone(), iterations: wishes.iterations };
        let config = self.configured(&overrides)?;
        let proposers = config.propose.proposer.join(", ");
        let experiment = self.experiment(config, wishes);
        let mut would = experiment.dry_run_session().map_err(|error| told(&error))?;
        would.actions.push(who_proposes(wishes, &proposers));
        would.notes.extend(would.platform.iter().map(|(label, value)| format!("{label}: {value}")));
        let started = Started {
            running: false,
            tag: wishes.tag.clone(),
            actions: would.actions,
            notes: would.notes,
            next: "the baseline runs first: `wait` with experiment 0, then `propose`".to_owned(),
        };
        Ok(Begin { experiment, limit: None, started })
    }

    fn experiment(&self, config: Config, wishes: &Wishes) -> SystemExperiment {
        let experiment =
            SystemExperiment::from_config(self.folder(), config).vault(self.options.vault.clone());
        if wishes.proposers { experiment } else { experiment.wait_for_hypotheses(wishes.idle) }
    }

    fn to_resume(&self, view: &View, wishes: &Wishes) -> Result<Begin, String> {
        let tag = view.plan().tag.clone();
        let status = view.status().map_err(|error| told(&error))?;
        if let Some(holder) = &status.engine {
            return Err(format!(
                "the session {tag} runs in process {} on {}\nremedy: `propose`, `wait` and `stop` work on it as it is",
                holder.pid, holder.host
            ));
        }
        let done = status.tally.total();
        let limit = match (wishes.iterations, view.plan().iterations) {
            (Some(more), _) => Limit::At(done.saturating_add(more)),
            (None, Some(most)) if most <= done => {
                return Err(format!(
                    "the session {tag} has made its {done} experiments\nremedy: pass `iterations`, how many more, or `new` for another session"
                ));
            }
            (None, _) => Limit::Same,
        };
        let mut config = view.config().clone();
        let proposers = config.propose.proposer.join(", ");
        config.tag = Some(tag.clone());
        let experiment = self.experiment(config, wishes);
        let most = match limit {
            Limit::At(most) => format!("at most {most} in all"),
            _ => "its limits as they were".to_owned(),
        };
        let actions = vec![
            format!("go on with the session {tag} after {done} experiments, {most}"),
            who_proposes(wishes, &proposers),
        ];
        let started = Started {
            running: false,
            tag: Some(tag),
            actions,
            notes: Vec::new(),
            next: "`brief` tells what was tried; then `propose`".to_owned(),
        };
        Ok(Begin { experiment, limit: Some(limit), started })
    }

    /// Stops the session that runs here as Ctrl-C does, and waits for it;
    /// `insist` may grow more urgent meanwhile.
    pub(crate) fn end(&self, insist: &Stop) {
        let Some(running) = lock(&self.running).take() else { return };
        running.stop.request(Urgency::Now);
        while !running.thread.is_finished() {
            running.stop.request(insist.urgency());
            std::thread::sleep(crate::LOOK);
        }
        let _ = running.thread.join();
    }
}

struct Begin {
    experiment: SystemExperiment,
    /// `None` opens a new session.
    limit: Option<Limit>,
    started: Started,
}

fn who_proposes(wishes: &Wishes, configured: &str) -> String {
    if wishes.proposers {
        format!("take your proposals first, and otherwise those of {configured}")
    } else {
        let idle = autoresearch::core::units::human_duration(wishes.idle);
        format!("wait for your proposals, and rest when none came for {idle}")
    }
}

fn note(notes: &Mutex<VecDeque<String>>, what: String) {
    let mut notes = lock(notes);
    if notes.back() == Some(&what) {
        return;
    }
    if notes.len() == NOTES {
        notes.pop_front();
    }
    notes.push_back(what);
}

/// Hears what the engine tells.
struct Ear {
    notes: Arc<Mutex<VecDeque<String>>>,
    tag: Arc<Mutex<Option<String>>>,
    begun: Option<mpsc::Sender<Result<String, String>>>,
}

impl Observer for Ear {
    fn tell(&mut self, news: &News<'_>) {
        match news {
            News::Begun { plan, .. } => {
                // However long it took, and whether or not anybody still waits.
                *lock(&self.tag) = Some(plan.tag.clone());
                if let Some(begun) = self.begun.take() {
                    let _ = begun.send(Ok(plan.tag.clone()));
                }
            }
            News::Note(what) => note(&self.notes, what.clone()),
            News::Stopped { reason: StopReason::Failed(why), .. } => note(&self.notes, why.clone()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use autoresearch::core::session::Plan;

    use super::*;

    /// Opening may take longer than `start` waits for it.
    #[test]
    fn a_session_that_begins_late_is_the_one_that_the_tools_are_about() {
        let plan: Plan = serde_json::from_value(serde_json::json!({
            "version": 1, "id": "i", "tag": "new", "base": "0", "origin": null, "metric": "loss",
            "direction": "minimize", "iterations": null, "stop_when": [],
            "stop_after_seconds": null, "patience": 1, "seed": 1, "config": "", "platform": "",
        }))
        .unwrap();
        let tag = Arc::new(Mutex::new(Some("old".to_owned())));
        let (tell, hear) = mpsc::channel();
        drop(hear);
        let mut ear = Ear { notes: Arc::default(), tag: Arc::clone(&tag), begun: Some(tell) };
        ear.tell(&News::Begun { plan: &plan, folder: "f".into(), resumed: false });
        assert_eq!(lock(&tag).as_deref(), Some("new"));
    }
}
