//! Our own state machine under a virtual clock: the very code that runs
//! sessions, fed with events of a world instead of a machine.

use std::collections::BTreeMap;

use autoresearch_core::experiment::{CommitId, Verdict};
use autoresearch_core::judge::{Mode, Suspects};
use autoresearch_core::metric::Direction;
use autoresearch_core::proposal::{Category, Fingerprint};
use autoresearch_core::session::{Action, Event, Plan, Proposed, Record, State, VERSION};
use autoresearch_core::spent::{Allowance, Spent};
use autoresearch_core::trial::{Exit, Purpose, Trial, Usage};
use autoresearch_core::units::Timestamp;

use crate::world::{Outcome, Session, Version};

/// Seconds of a run.
const RUN: f64 = 300.0;
/// And in milliseconds.
const RUN_MS: i64 = 300_000;

pub(crate) fn play(session: Session, mode: Mode) -> Outcome {
    let mut play = Play { session, state: State::default(), now: 0, versions: BTreeMap::new() };
    play.note(Event::Opened(Box::new(plan(mode))));
    while play.act() {}
    let beliefs = play.state.beliefs();
    // Without noise, or without regard for it, a gain is a difference.
    let claimed = if mode == Mode::Greedy || beliefs.is_deterministic() {
        let best = play.state.incumbent().map_or(0.0, |incumbent| incumbent.metric);
        best - play.state.baseline().unwrap_or(best)
    } else {
        beliefs.claims().gain
    };
    play.session.outcome(claimed)
}

struct Play {
    session: Session,
    state: State,
    now: i64,
    /// The incumbent's version, and that of the experiment in flight.
    versions: BTreeMap<u64, Version>,
}

impl Play {
    fn note(&mut self, event: Event) {
        let record = Record { seq: self.state.last_seq() + 1, at: Timestamp(self.now), event };
        self.state.apply(&record);
    }

    /// Performs what comes next; false when the runs are used up.
    fn act(&mut self) -> bool {
        match self.state.next() {
            Some(Action::Propose { number, .. }) => {
                let incumbent = self.state.incumbent().map(|incumbent| incumbent.number);
                self.versions.retain(|known, _| Some(*known) == incumbent);
                let version = match incumbent.and_then(|number| self.versions.get(&number)) {
                    Some(incumbent) => self.session.change(&incumbent.clone()),
                    None => self.session.baseline(),
                };
                self.versions.insert(number, version);
                self.note(Event::Proposed(Box::new(proposed(number))));
            }
            Some(Action::Run { number, trial, seed }) => {
                return self.run(number, trial, seed, Purpose::Candidate);
            }
            Some(Action::Again { number, trial, seed, purpose, .. }) => {
                return self.run(number, trial, seed, purpose);
            }
            Some(Action::Judge { number, ruling }) => {
                if ruling.verdict == Verdict::Keep
                    && number > 0
                    && let Some(version) = self.versions.get(&number)
                {
                    self.session.keep(version);
                }
                self.note(Event::Judged { number, ruling });
            }
            Some(Action::Settle { number }) => self.note(Event::Settled { number }),
            Some(
                Action::Check { .. }
                | Action::Relieve { .. }
                | Action::Take { .. }
                | Action::Stop(_),
            )
            | None => {
                return false;
            }
        }
        true
    }

    fn run(&mut self, number: u64, trial: u64, seed: u64, purpose: Purpose) -> bool {
        let Some(version) = self.versions.get(&number).filter(|_| self.session.may_run()) else {
            return false;
        };
        let value = self.session.run(version);
        self.note(Event::Started { number, trial, seed, purpose });
        self.now += RUN_MS;
        let usage = Usage { wall_seconds: RUN, ..Usage::default() };
        let ended = Trial { metric: Some(value), usage, ..Trial::ended(seed, Exit::Code(0)) };
        self.note(Event::Ended { number, trial: Box::new(ended), purpose });
        true
    }
}

fn commit(number: u64) -> CommitId {
    CommitId(format!("{number:040x}"))
}

pub(crate) fn plan(mode: Mode) -> Plan {
    Plan {
        version: VERSION,
        id: "simulated".into(),
        tag: "simulated".into(),
        base: commit(0),
        origin: None,
        metric: "gain".into(),
        direction: Direction::Maximize,
        iterations: None,
        stop_when: Vec::new(),
        stop_after_seconds: None,
        patience: u32::MAX,
        revert_on_failure: true,
        seed: 0,
        sealed: false,
        mode,
        complexity: 1,
        constraints: Vec::new(),
        checks: false,
        early_stop: autoresearch_core::stopping::EarlyStop::Off,
        series: None,
        verify: 0,
        suspects: Suspects::Keep,
        allowance: Allowance::default(),
        outage_seconds: 7200.0,
        config: String::new(),
        platform: String::new(),
        adjusted: autoresearch_core::session::Adjusted::default(),
    }
}

pub(crate) fn proposed(number: u64) -> Proposed {
    Proposed {
        number,
        parent: commit(0),
        commit: Some(commit(number)),
        hypothesis: String::new(),
        category: Category::Other,
        proposer: String::new(),
        fingerprint: Fingerprint(number.into()),
        settings: None,
        files: Vec::new(),
        code_lines: 100,
        queued: None,
        expected: None,
        spent: Spent::default(),
        draft: None,
    }
}
