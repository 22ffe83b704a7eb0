use super::*;
use crate::curve::Point;
use crate::experiment::CommitId;
use crate::judge::Rule;
use crate::proposal::{Category, Fingerprint};
use crate::session::{Action, Event, Proposed, Queued, Record, State};
use crate::spent::Spent;
use crate::trial::{Crash, CrashKind, Purpose};
use crate::units::Timestamp;

fn plan(early_stop: EarlyStop) -> Plan {
    Plan { early_stop, ..super::super::tests::plan(None) }
}

/// A session and its journal.
struct Told {
    state: State,
    journal: Vec<Record>,
}

impl Told {
    fn opened(early_stop: EarlyStop) -> Told {
        let mut told = Told { state: State::default(), journal: Vec::new() };
        told.append(Event::Opened(Box::new(plan(early_stop))));
        told
    }

    /// With a baseline and so many experiments that all learn alike.
    fn with(experiments: u64) -> Told {
        let mut told = Told::opened(EarlyStop::Safe);
        for number in 0..=experiments {
            told.propose(number);
            told.end(number, finished(1.0 + number as f64));
            told.settle(number);
        }
        told
    }

    fn append(&mut self, event: Event) {
        let seq = self.state.last_seq() + 1;
        let record = Record { seq, at: Timestamp(0), event };
        self.state.apply(&record);
        self.journal.push(record);
    }

    fn propose(&mut self, number: u64) {
        let queued = self.state.queue().next().map(|queued| queued.id);
        self.append(Event::Proposed(Box::new(Proposed {
            number,
            parent: CommitId("0".repeat(40)),
            hypothesis: "h".into(),
            category: Category::Other,
            proposer: "p".into(),
            fingerprint: Fingerprint(u128::from(number)),
            settings: None,
            commit: Some(CommitId(format!("{number:040}"))),
            files: Vec::new(),
            code_lines: 10,
            queued,
            expected: None,
            spent: Spent::default(),
            draft: None,
        })));
    }

    fn end(&mut self, number: u64, trial: Trial) {
        let n = self.state.current().map_or(0, |current| current.trials.len() as u64 + 1);
        self.append(started(number, n));
        self.append(ended(number, trial));
    }

    /// The rule that decided.
    fn settle(&mut self, number: u64) -> Rule {
        let Some(Action::Judge { ruling, .. }) = self.state.next() else {
            panic!("{:?}", self.state.next());
        };
        let rule = ruling.rule;
        self.append(Event::Judged { number, ruling });
        self.append(Event::Settled { number });
        rule
    }

    fn is_watched(&self) -> bool {
        self.state.watch().is_some()
    }
}

fn started(number: u64, trial: u64) -> Event {
    Event::Started { number, trial, seed: 0, purpose: Purpose::Candidate }
}

fn ended(number: u64, trial: Trial) -> Event {
    Event::Ended { number, trial: Box::new(trial), purpose: Purpose::Candidate }
}

/// From 10 down to `end`, in ten seconds.
fn curve(end: f64, points: u32) -> Curve {
    let point = |i| (f64::from(i), 10.0 + (end - 10.0) * f64::from(i) / 10.0).into();
    Curve::from((1..=points).map(point).collect::<Vec<Point>>())
}

fn finished(metric: f64) -> Trial {
    let mut trial = Trial::ended(0, Exit::Code(0));
    trial.metric = Some(metric);
    trial.curve = Some(curve(metric, 10));
    trial.usage.wall_seconds = 12.0;
    trial
}

fn hopeless(told: &Told) -> Hopeless {
    told.state.watch().unwrap().hopeless(&curve(50.0, 3)).unwrap()
}

fn stopped(why: Hopeless) -> Trial {
    let mut trial = Trial { hopeless: Some(why), ..Trial::ended(0, Exit::Hopeless) };
    trial.usage.wall_seconds = 3.0;
    trial
}

#[test]
fn only_the_first_run_of_a_proposed_change_is_watched() {
    let mut told = Told::opened(EarlyStop::Safe);
    assert!(!told.is_watched());
    told.propose(0);
    assert!(!told.is_watched(), "the baseline");
    told.end(0, finished(1.0));
    told.settle(0);
    told.propose(1);
    assert!(told.is_watched());
    told.append(started(1, 1));
    assert!(told.is_watched(), "its trial runs");
    told.append(ended(1, Trial::ended(0, Exit::Interrupted)));
    assert!(told.is_watched(), "it was interrupted");
    told.end(1, finished(1.5));
    assert!(!told.is_watched(), "it has run");
    told.settle(1);
    let queued = Queued {
        id: 1,
        hypothesis: "t".into(),
        patch: None,
        trusts: Some(1),
        by: None,
        message: None,
    };
    told.append(Event::Trusted { number: 1, queued });
    told.propose(2);
    assert!(!told.is_watched(), "a person trusts it");

    let mut off = Told::opened(EarlyStop::Off);
    off.propose(0);
    off.end(0, finished(1.0));
    off.settle(0);
    off.propose(1);
    assert!(!off.is_watched());
}

#[test]
fn a_stopped_run_is_a_discard_and_its_time_is_counted_as_saved() {
    let mut told = Told::with(12);
    told.propose(13);
    let why = hopeless(&told);
    told.end(13, stopped(why));
    assert_eq!(told.settle(13), Rule::Hopeless);
    let tally = told.state.stopped_early();
    assert_eq!((tally.stopped, tally.checked, tally.saved_seconds), (1, 0, 9.0));
    assert_eq!((told.state.counts().discard, told.state.counts().crash), (13, 0));
    assert_eq!(told.state.tried(Fingerprint(13)), Some(13));
    assert_eq!(State::replay(&told.journal), told.state);
}

#[test]
fn a_hopeless_run_that_was_finished_and_kept_is_a_false_stop() {
    let mut told = Told::with(12);
    for (number, metric, mistaken) in [(13, 5.0, 0), (14, 0.5, 1)] {
        told.propose(number);
        let why = Some(hopeless(&told));
        told.end(number, Trial { hopeless: why, ..finished(metric) });
        told.settle(number);
        let tally = told.state.stopped_early();
        assert_eq!((tally.stopped, tally.checked, tally.mistaken), (0, number - 12, mistaken));
    }
}

#[test]
fn a_run_that_was_stopped_but_had_tampered_is_a_crash() {
    let mut told = Told::with(12);
    told.propose(13);
    let crash = Crash { kind: CrashKind::Tampered, reason: "`eval.py` was changed".into() };
    let trial = Trial { crash: Some(crash), ..stopped(hopeless(&told)) };
    told.end(13, trial);
    assert_eq!(told.settle(13), Rule::Failed);
}

#[test]
fn a_resumed_session_decides_as_the_one_that_died() {
    let mut told = Told::with(12);
    told.propose(13);
    told.append(started(13, 1));
    let text = serde_json::to_string(&told.journal).unwrap();
    let mut journal: Vec<Record> = serde_json::from_str(&text).unwrap();
    journal.push(Record {
        seq: told.state.last_seq() + 1,
        at: Timestamp(0),
        event: Event::Resumed,
    });
    let resumed = State::replay(&journal);
    let (now, before) = (resumed.watch().unwrap(), told.state.watch().unwrap());
    assert_eq!(now.is_spared(), before.is_spared());
    assert_eq!(now.hopeless(&curve(50.0, 3)), before.hopeless(&curve(50.0, 3)));
    assert!(now.hopeless(&curve(50.0, 3)).is_some());
}

#[test]
fn a_run_of_the_incumbent_that_does_badly_excuses_others() {
    let mut told = Told::with(12);
    let bad = Trial { curve: Some(curve(50.0, 10)), ..finished(1.0) };
    let purpose = Purpose::Incumbent;
    told.append(Event::Started { number: 0, trial: 2, seed: 0, purpose });
    told.append(Event::Ended { number: 0, trial: Box::new(bad), purpose });
    told.propose(13);
    assert_eq!(told.state.watch().unwrap().hopeless(&curve(50.0, 3)), None);
}
