//! Nothing is kept that breaks a constraint, or whose checks did not pass.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::experiment::{Check, CommitId, Verdict};
use crate::judge::{Rule, Ruling};
use crate::proposal::{Category, Fingerprint};
use crate::spent::Spent;
use crate::trial::{Crash, CrashKind, Exit, Trial};
use crate::units::Timestamp;

const DEADLINE: u64 = 200;

struct Session {
    state: State,
    journal: Vec<Record>,
}

/// With checks, and the constraint that `mem` is at most 40.
fn plan() -> Plan {
    let constraints = vec!["mem <= 40".parse().unwrap()];
    Plan { constraints, checks: true, ..super::tests::plan(Some(2)) }
}

fn trial(metric: f64, mem: Option<f64>) -> Trial {
    let secondary: BTreeMap<String, f64> =
        mem.into_iter().map(|mem| ("mem".to_owned(), mem)).collect();
    let mut trial = Trial { metric: Some(metric), secondary, ..Trial::ended(0, Exit::Code(0)) };
    trial.usage.wall_seconds = 100.0;
    trial
}

impl Session {
    fn new(plan: Plan) -> Session {
        let mut session = Session { state: State::default(), journal: Vec::new() };
        session.append(Event::Opened(Box::new(plan)));
        session
    }

    fn append(&mut self, event: Event) {
        let seq = self.state.last_seq() + 1;
        let at = Timestamp(i64::try_from(seq).unwrap() * 1000);
        let record = Record { seq, at, event };
        self.state.apply(&record);
        self.journal.push(record);
    }

    fn start(&mut self, number: u64, trial: u64, seed: u64) {
        self.append(Event::Started { number, trial, seed, purpose: Purpose::Candidate });
    }

    /// Performs what is next; every trial ends like this one.
    fn step(&mut self, ended: &Trial, outcome: &Check) -> bool {
        let Some(action) = self.state.next() else { return false };
        match action {
            Action::Propose { number, .. } => self.append(Event::Proposed(Box::new(Proposed {
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
                queued: None,
                expected: None,
                spent: Spent::default(),
                draft: None,
            }))),
            Action::Run { number, trial, seed } => {
                self.start(number, trial, seed);
                let trial = Box::new(Trial { seed, ..ended.clone() });
                self.append(Event::Ended { number, trial, purpose: Purpose::Candidate });
            }
            Action::Check { number } => {
                self.append(Event::Checking { number });
                self.append(Event::Checked { number, outcome: outcome.clone() });
            }
            Action::Judge { number, ruling } => self.append(Event::Judged { number, ruling }),
            Action::Settle { number } => self.append(Event::Settled { number }),
            Action::Relieve { .. } | Action::Again { .. } => unreachable!("nothing asks for it"),
            Action::Take { .. } => unreachable!("nothing is drafted here"),
            Action::Stop(reason) => self.append(Event::Stopped { reason }),
        }
        true
    }

    /// Settles one experiment of which every trial and the checks end so.
    fn settle(&mut self, ended: &Trial, outcome: &Check) -> Ruling {
        for _ in 0..DEADLINE {
            if let Some(Action::Judge { ruling, .. }) = self.state.next() {
                self.step(ended, outcome);
                self.step(ended, outcome);
                return ruling;
            }
            assert!(self.step(ended, outcome), "it rests: {:?}", self.state.stopped());
        }
        panic!("it never settles");
    }

    /// Goes on until the checks of the candidate are next.
    fn until_check(&mut self, ended: &Trial) {
        for _ in 0..DEADLINE {
            if matches!(self.state.next(), Some(Action::Check { .. })) {
                return;
            }
            assert!(self.step(ended, &Check::Passed));
        }
        panic!("nothing is checked");
    }

    fn checks(&self) -> usize {
        let is_check = |record: &&Record| matches!(record.event, Event::Checking { .. });
        self.journal.iter().filter(is_check).count()
    }

    fn trials(&self, of: u64) -> usize {
        let is_its =
            |record: &&Record| matches!(record.event, Event::Ended { number, .. } if number == of);
        self.journal.iter().filter(is_its).count()
    }
}

/// With the baseline behind it.
fn session() -> Session {
    let mut session = Session::new(plan());
    assert_eq!(session.settle(&trial(100.0, Some(10.0)), &Check::Passed).verdict, Verdict::Keep);
    session
}

#[test]
fn a_better_metric_that_breaks_a_constraint_is_discarded_after_one_run() {
    let mut session = session();
    let checks = session.checks();
    let ruling = session.settle(&trial(99.0, Some(43.2)), &Check::Passed);
    assert_eq!((ruling.verdict, ruling.rule), (Verdict::Discard, Rule::Constraint));
    assert_eq!(ruling.reason, "`mem <= 40` is broken: 43.2");
    assert_eq!(ruling.gain, Some(1.0));
    assert_eq!((session.trials(1), session.checks()), (1, checks));
    assert_eq!(session.state.incumbent().unwrap().number, 0);
    let ruling = session.settle(&trial(98.0, None), &Check::Passed);
    assert_eq!(ruling.reason, "`mem <= 40` is broken: `mem` was not reported");
}

/// A wonder would run again; one that breaks a constraint does not.
#[test]
fn a_broken_constraint_ends_the_race_early() {
    let mut session = session();
    let mut wonder = trial(50.0, Some(50.0));
    wonder.usage.wall_seconds = 0.5;
    assert_eq!(session.settle(&wonder, &Check::Passed).rule, Rule::Constraint);
    assert_eq!(session.trials(1), 1);
}

#[test]
fn a_crash_is_a_crash_whatever_it_reported() {
    let mut session = session();
    let crash = Crash { kind: CrashKind::Exit, reason: "exit 1".into() };
    let crashed = Trial { metric: None, crash: Some(crash), ..trial(1.0, Some(99.0)) };
    let ruling = session.settle(&crashed, &Check::Passed);
    assert_eq!(ruling.crash.unwrap().kind, CrashKind::Exit);
}

#[test]
fn a_baseline_that_breaks_a_constraint_ends_the_session_with_the_remedy() {
    let mut session = Session::new(plan());
    let ruling = session.settle(&trial(100.0, Some(43.2)), &Check::Passed);
    assert_eq!(ruling.rule, Rule::Constraint);
    let Some(Action::Stop(StopReason::BaselineFailed(why))) = session.state.next() else {
        panic!("{:?}", session.state.next());
    };
    for part in ["`mem <= 40` is broken: 43.2", "`judge.constraints`"] {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(session.checks(), 0);
}

#[test]
fn checks_that_pass_change_nothing_and_run_once_for_what_would_be_kept() {
    let mut session = session();
    assert_eq!(session.checks(), 1, "the baseline's");
    let ruling = session.settle(&trial(99.0, Some(1.0)), &Check::Passed);
    assert_eq!((ruling.rule, ruling.reason.as_str()), (Rule::Better, "better by 1"));
    assert_eq!(session.checks(), 2);
    assert_eq!(session.settle(&trial(101.0, Some(1.0)), &Check::Passed).rule, Rule::Worse);
    assert_eq!(session.checks(), 2, "nobody asks for what is worse anyway");
}

#[test]
fn checks_that_fail_make_a_crash_of_what_would_be_kept() {
    let mut session = session();
    let failed = Check::Failed("exit 1: AssertionError".into());
    let ruling = session.settle(&trial(99.0, Some(1.0)), &failed);
    assert_eq!((ruling.verdict, ruling.rule), (Verdict::Crash, Rule::Failed));
    assert_eq!(ruling.reason, "checks failed: exit 1: AssertionError");
    assert_eq!(ruling.crash.unwrap().kind, CrashKind::Checks);
    assert_eq!((session.state.incumbent().unwrap().number, session.checks()), (0, 2));
}

#[test]
fn a_baseline_whose_checks_fail_ends_the_session_with_the_remedy() {
    let mut session = Session::new(plan());
    session.settle(&trial(100.0, Some(1.0)), &Check::Failed("exit 1".into()));
    let Some(Action::Stop(StopReason::BaselineFailed(why))) = session.state.next() else {
        panic!("{:?}", session.state.next());
    };
    assert!(why.contains("checks failed: exit 1") && why.contains("`checks.command`"), "{why}");
}

#[test]
fn checks_that_die_with_their_engine_run_again_but_not_for_ever() {
    let mut session = session();
    let better = trial(99.0, Some(1.0));
    session.until_check(&better);
    for _ in 0..2 {
        session.append(Event::Checking { number: 1 });
        assert_eq!(session.state.next(), None, "while they run");
        session.append(Event::Resumed);
        assert_eq!(session.state.next(), Some(Action::Check { number: 1 }));
    }
    let mut other = Session { state: session.state.clone(), journal: session.journal.clone() };
    assert_eq!(other.settle(&better, &Check::Passed).verdict, Verdict::Keep);

    session.append(Event::Checking { number: 1 });
    session.append(Event::Resumed);
    let ruling = session.settle(&better, &Check::Passed);
    assert_eq!(ruling.crash.unwrap().kind, CrashKind::Interrupted);
    assert_eq!(session.trials(1), 1, "the trial is not run again");
}

#[test]
fn a_stop_while_checking_costs_nothing() {
    let mut session = session();
    let better = trial(99.0, Some(1.0));
    session.until_check(&better);
    for _ in 0..9 {
        assert!(session.step(&better, &Check::Interrupted));
        assert_eq!(session.state.next(), Some(Action::Check { number: 1 }));
    }
    assert_eq!(session.settle(&better, &Check::Passed).verdict, Verdict::Keep);
}

/// The events are a file format.
#[test]
fn checks_are_journalled_as_they_were_and_old_plans_have_none() {
    for outcome in [Check::Passed, Check::Failed("x".into()), Check::Interrupted, Check::Lost] {
        let event = Event::Checked { number: 7, outcome };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
    let json = serde_json::to_string(&Event::Checked { number: 7, outcome: Check::Passed });
    assert_eq!(json.unwrap(), r#"{"checked":{"number":7,"outcome":"passed"}}"#);
    let mut json = serde_json::to_value(super::tests::plan(None)).unwrap();
    assert!(json.get("checks").is_none() && json.get("constraints").is_none());
    json["constraints"] = serde_json::json!(["mem<=40"]);
    let plan: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(plan.constraints[0].to_string(), "mem <= 40");
}

proptest! {
    /// Whatever the runs, the checks and the deaths: what is kept held to its
    /// constraint and passed; and who replays the journal goes on likewise.
    #[test]
    fn nothing_is_kept_unchecked(lots in proptest::collection::vec((0_u8..200, 0_u8..60, 0_u8..5, 0_u8..8), 1..60)) {
        let mut session = Session::new(Plan { iterations: None, ..plan() });
        for (metric, mem, outcome, death) in lots {
            let ended = trial(f64::from(metric), (mem > 5).then(|| f64::from(mem)));
            let outcome = match outcome {
                0 => Check::Failed("x".into()),
                1 => Check::Interrupted,
                2 => Check::Lost,
                _ => Check::Passed,
            };
            match (death, session.state.next()) {
                (0, Some(Action::Check { number })) => {
                    session.append(Event::Checking { number });
                    session.append(Event::Resumed);
                }
                (1, Some(Action::Run { number, trial, seed })) => {
                    session.start(number, trial, seed);
                    session.append(Event::Resumed);
                }
                _ => {
                    session.step(&ended, &outcome);
                }
            }
            let replayed = State::replay(&session.journal);
            prop_assert_eq!(&replayed, &session.state);
            if let Some(current) = session.state.current()
                && current.verdict() == Some(Verdict::Keep)
            {
                prop_assert_eq!(current.checks.last(), Some(&Check::Passed));
                let holds =
                    |trial: &Trial| trial.secondary.get("mem").is_some_and(|mem| *mem <= 40.0);
                prop_assert!(current.evidence().all(holds));
            }
        }
    }
}
