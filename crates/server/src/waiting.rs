//! Waiting for what a session does, never longer than a client's patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use autoresearch::core::session::Event;
use autoresearch::ledger::Holder;
use autoresearch::{Fate, Follower};

use crate::answers::{Row, Waited, told};
use crate::driver::Driver;
use crate::looking;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Until this experiment is settled.
    Experiment(u64),
    /// Until this proposal is refused or its experiment is settled.
    Proposal(i64),
    /// Until anything is settled or refused, or there is nothing to wait for.
    Anything,
}

/// How often the journal is read, and how often it is asked who runs the
/// session: that takes the lock for an instant.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
const ASK: Duration = Duration::from_secs(1);

/// Lines of what happened that one answer holds.
const LINES: usize = 50;

/// Waits for one goal.
pub(crate) struct Waiter {
    driver: Arc<Driver>,
    follower: Follower,
    goal: Goal,
    happened: Vec<String>,
    has_happened: bool,
    settled: Option<u64>,
    /// Whether there was nothing to wait for at the last look.
    was_idle: bool,
    engine: Option<Holder>,
    asked: Instant,
}

impl Waiter {
    pub(crate) fn new(driver: Arc<Driver>, goal: Goal) -> Result<Waiter, String> {
        let view = driver.session()?;
        let engine = view.engine().map_err(|error| told(&error))?;
        let follower = Follower::new(view).map_err(|error| told(&error))?;
        let (happened, asked) = (Vec::new(), Instant::now());
        let (has_happened, settled, was_idle) = (false, None, false);
        Ok(Waiter {
            driver,
            follower,
            goal,
            happened,
            has_happened,
            settled,
            was_idle,
            engine,
            asked,
        })
    }

    /// Reads on; an answer when what was waited for has happened, or never will.
    pub(crate) fn step(&mut self) -> Result<Option<Waited>, String> {
        if self.asked.elapsed() >= ASK {
            self.engine = self.follower.view().engine().map_err(|error| told(&error))?;
            self.asked = Instant::now();
        }
        for record in self.follower.catch_up().map_err(|error| told(&error))? {
            self.hear(&record.event);
        }
        // An engine that rests has said so before it lets the lock go.
        if self.follower.state().stopped().is_some() {
            self.engine = None;
        }
        let is_over = self.engine.is_none();
        let number = match self.goal {
            Goal::Anything => {
                let state = looking::state(&self.follower, self.engine.as_ref())?;
                // Between hearing a message and acting on it an engine looks idle.
                let is_idle =
                    std::mem::replace(&mut self.was_idle, state == "waiting") && state == "waiting";
                if !is_over && !self.has_happened && !is_idle {
                    return Ok(None);
                }
                match self.settled {
                    Some(number) => number,
                    None => return self.answer(true, None).map(Some),
                }
            }
            Goal::Experiment(number) => number,
            Goal::Proposal(message) => match self.follower.fate(message) {
                None => {
                    return Err(format!(
                        "there is no proposal {message}\nremedy: take the number that `propose` returned, or wait for `experiment`"
                    ));
                }
                Some(Fate::Experiment(number)) => number,
                Some(Fate::Refused(why) | Fate::SetAside(why)) => {
                    return self.answer(true, Some(why)).map(Some);
                }
                Some(Fate::Dropped) => {
                    let why = "it was taken out of the queue".to_owned();
                    return self.answer(true, Some(why)).map(Some);
                }
                Some(Fate::Queued { .. }) if is_over => {
                    return self.answer(false, None).map(Some);
                }
                Some(Fate::Queued { .. }) => return Ok(None),
            },
        };
        let entry = self.follower.view().entry(number).map_err(|error| told(&error))?;
        match entry {
            Some(entry) => {
                let mut answer = self.answer(true, None)?;
                answer.experiment = Some(Row::from(&entry));
                Ok(Some(answer))
            }
            None if is_over => self.answer(false, None).map(Some),
            None => Ok(None),
        }
    }

    /// What is so far, when patience ends.
    pub(crate) fn so_far(&mut self) -> Result<Waited, String> {
        self.answer(false, None)
    }

    /// What runs now, in words.
    pub(crate) fn doing(&self) -> Option<String> {
        looking::doing(&self.follower, self.driver.now())
    }

    fn answer(&mut self, done: bool, refused: Option<String>) -> Result<Waited, String> {
        let is_over = self.engine.is_none();
        Ok(Waited {
            done,
            experiment: None,
            refused,
            state: looking::state(&self.follower, self.engine.as_ref())?.to_owned(),
            stopped: is_over.then(|| looking::stopped(&self.follower)),
            doing: self.doing().filter(|_| !is_over),
            happened: std::mem::take(&mut self.happened),
        })
    }

    fn hear(&mut self, event: &Event) {
        let line = match event {
            Event::Refused { hypothesis, refusal, .. } => {
                self.has_happened = true;
                format!("refused: {hypothesis}: {refusal}")
            }
            Event::SetAside { reason, .. } => {
                self.has_happened = true;
                format!("set aside: {reason}")
            }
            Event::ProposerFailed { proposer, reason, .. } => format!("{proposer}: {reason}"),
            Event::Proposed(proposed) => {
                format!("experiment {} begins: {}", proposed.number, proposed.hypothesis)
            }
            Event::Ended { number, trial, .. } => match trial.metric {
                Some(metric) => format!("experiment {number}: a run measured {metric}"),
                None => format!("experiment {number}: a run ended: {}", trial.exit),
            },
            Event::Judged { number, ruling } => {
                format!("experiment {number}: {}: {}", ruling.verdict, ruling.reason)
            }
            Event::Settled { number } => {
                self.has_happened = true;
                self.settled = Some(*number);
                return;
            }
            Event::Stopped { reason } => format!("the session rests: {reason}"),
            _ => return,
        };
        if self.happened.len() == LINES {
            self.happened.remove(0);
        }
        self.happened.push(line);
    }
}
