//! Properties of the state machine: whatever happens, a journal replays, and
//! who replays it goes on as if nothing had happened.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::experiment::CommitId;
use crate::metric::Direction;
use crate::proposal::{Category, Fingerprint, Refusal};
use crate::stop::StopRule;
use crate::trial::{Crash, CrashKind, Exit, Trial};
use crate::units::Timestamp;

fn plan(iterations: Option<u64>) -> Plan {
    Plan {
        version: VERSION,
        id: "id".into(),
        tag: "t".into(),
        base: CommitId("0".repeat(40)),
        origin: Some("main".into()),
        metric: "loss".into(),
        direction: Direction::Minimize,
        iterations,
        stop_when: Vec::new(),
        stop_after_seconds: None,
        patience: 4,
        revert_on_failure: true,
        seed: 0,
        config: String::new(),
        platform: String::new(),
        adjusted: Adjusted::default(),
    }
}

fn trial(metric: Option<f64>) -> Trial {
    let crash = Crash { kind: CrashKind::Exit, reason: "exit 1".into() };
    Trial {
        metric,
        crash: metric.is_none().then_some(crash),
        ..Trial::ended(0, Exit::Code(i32::from(metric.is_none())))
    }
}

/// What the world does when the machine acts; drawn by the property tests.
#[derive(Clone, Debug)]
enum Luck {
    Metric(u8),
    Crash,
    Refuse,
    Fail,
    Die,
    Queue,
    Repeat,
}

/// A conductor without a world: performs actions and journals what luck says.
struct Driver {
    state: State,
    journal: Vec<Record>,
    /// Fingerprints in the order in which experiments ran.
    ran: Vec<Fingerprint>,
    programs: u64,
}

impl Driver {
    fn new(plan: Plan) -> Driver {
        let mut driver =
            Driver { state: State::default(), journal: Vec::new(), ran: Vec::new(), programs: 0 };
        driver.append(Event::Opened(Box::new(plan)));
        driver
    }

    fn append(&mut self, event: Event) {
        let seq = self.state.last_seq() + 1;
        let at = Timestamp(i64::try_from(seq).unwrap() * 1000);
        let record = Record { seq, at, event };
        self.state.apply(&record);
        self.journal.push(record);
    }

    /// Performs one action; false when the session rests.
    fn step(&mut self, luck: &Luck) -> bool {
        let Some(action) = self.state.next() else { return false };
        match action {
            Action::Propose { number, queued } => self.propose(number, queued, luck),
            Action::Run { number, trial: n, seed } => {
                self.append(Event::Started { number, trial: n, seed });
                if matches!(luck, Luck::Die) {
                    self.append(Event::Resumed);
                    return true;
                }
                self.ran.extend(self.state.current().map(|e| e.fingerprint));
                let metric = match luck {
                    Luck::Crash if number > 0 => None,
                    Luck::Metric(value) => Some(f64::from(*value)),
                    _ => Some(100.0),
                };
                self.append(Event::Ended { number, trial: Box::new(trial(metric)) });
            }
            Action::Judge { number, ruling } => self.append(Event::Judged { number, ruling }),
            Action::Settle { number } => self.append(Event::Settled { number }),
            Action::Stop(reason) => self.append(Event::Stopped { reason }),
        }
        true
    }

    fn propose(&mut self, number: u64, queued: Option<Queued>, luck: &Luck) {
        let id = queued.map(|q| q.id);
        if number > 0 {
            match luck {
                Luck::Refuse => {
                    let hypothesis = "h".into();
                    let refusal = Refusal::Empty;
                    return self.append(Event::Refused {
                        proposer: "p".into(),
                        hypothesis,
                        refusal,
                        queued: id,
                    });
                }
                Luck::Fail => {
                    let (proposer, reason) = ("p".into(), "r".into());
                    return self.append(Event::ProposerFailed {
                        proposer,
                        reason,
                        exhausted: false,
                    });
                }
                Luck::Queue => {
                    let id = self.state.next_queued();
                    let queued = Queued { id, hypothesis: "q".into(), patch: None };
                    return self.append(Event::Queued(queued));
                }
                _ => {}
            }
        }
        // A proposer that repeats itself is refused by what the state knows.
        let repeats = matches!(luck, Luck::Repeat) && self.programs > 0;
        if !repeats {
            self.programs += 1;
        }
        let fingerprint = Fingerprint(u128::from(self.programs));
        if let Some(of) = self.state.tried(fingerprint) {
            let refusal = Refusal::Duplicate { of };
            let (proposer, hypothesis) = ("p".into(), "h".into());
            return self.append(Event::Refused { proposer, hypothesis, refusal, queued: id });
        }
        let parent = self.state.tip().cloned().unwrap();
        self.append(Event::Proposed(Box::new(Proposed {
            number,
            parent,
            hypothesis: format!("h{number}"),
            category: Category::Other,
            proposer: "p".into(),
            fingerprint,
            settings: None,
            commit: Some(CommitId(format!("{number:040}"))),
            files: Vec::new(),
            code_lines: 10,
            queued: id,
        })));
    }
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        6 => (0_u8..20).prop_map(Luck::Metric),
        1 => Just(Luck::Crash),
        1 => Just(Luck::Refuse),
        1 => Just(Luck::Fail),
        1 => Just(Luck::Die),
        1 => Just(Luck::Queue),
        1 => Just(Luck::Repeat),
    ]
}

fn driven(lucks: &[Luck]) -> Driver {
    let mut driver = Driver::new(plan(Some(12)));
    for luck in lucks {
        if !driver.step(luck) {
            break;
        }
    }
    driver
}

proptest! {
    /// SPEC L5: any prefix of any journal replays, and what comes next after the
    /// replay is what came next before the crash.
    #[test]
    fn a_replayed_journal_goes_on_where_it_was(lucks in prop::collection::vec(luck(), 0..120)) {
        let driver = driven(&lucks);
        let mut live = State::default();
        for (n, record) in driver.journal.iter().enumerate() {
            live.apply(record);
            let replayed = State::replay(&driver.journal[..=n]);
            prop_assert_eq!(&replayed, &live);
            prop_assert_eq!(replayed.next(), live.next());
        }
    }

    /// The journal is JSON: what is read is what was written.
    #[test]
    fn events_survive_the_journal(lucks in prop::collection::vec(luck(), 0..60)) {
        for record in driven(&lucks).journal {
            let text = serde_json::to_string(&record.event).unwrap();
            prop_assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), record.event);
        }
    }

    /// SPEC E7: the same normalised change is never run twice.
    #[test]
    fn no_change_runs_to_its_end_twice(lucks in prop::collection::vec(luck(), 0..200)) {
        let mut ran = driven(&lucks).ran;
        let count = ran.len();
        ran.sort_unstable();
        ran.dedup();
        prop_assert_eq!(ran.len(), count);
    }

    /// The incumbent is the best of what was measured, and the tip is its commit.
    #[test]
    fn the_incumbent_is_the_best_of_all(lucks in prop::collection::vec(luck(), 0..200)) {
        let driver = driven(&lucks);
        let mut metrics = BTreeMap::new();
        let mut best: Option<f64> = None;
        for record in &driver.journal {
            match &record.event {
                Event::Ended { number, trial } => {
                    metrics.insert(*number, trial.metric);
                }
                Event::Settled { number } => {
                    let metric = metrics.get(number).copied().flatten();
                    best = [best, metric].into_iter().flatten().reduce(f64::min);
                }
                _ => {}
            }
        }
        prop_assert_eq!(driver.state.incumbent().map(|i| i.metric), best);
        if let Some(incumbent) = driver.state.incumbent() {
            prop_assert_eq!(driver.state.tip(), Some(&incumbent.commit));
        }
    }

    /// The maximum is kept to, whatever crashes, refusals and deaths there are.
    #[test]
    fn never_more_experiments_than_asked_for(lucks in prop::collection::vec(luck(), 0..300)) {
        prop_assert!(driven(&lucks).state.counts().total() <= 12);
    }

    /// `apply` is total: a journal in any order neither panics nor hangs.
    #[test]
    fn a_shuffled_journal_does_no_harm(lucks in prop::collection::vec(luck(), 0..60), seed in any::<u64>()) {
        let mut journal = driven(&lucks).journal;
        let count = journal.len();
        for at in 0..count {
            let other = usize::try_from(seed.rotate_left(u32::try_from(at % 64).unwrap()) % count as u64).unwrap();
            journal.swap(at, other);
        }
        let state = State::replay(&journal);
        let _ = state.next();
    }
}

#[test]
fn a_failed_baseline_ends_the_session() {
    let mut driver = Driver::new(plan(None));
    for _ in 0..1 {
        driver.step(&Luck::Metric(1));
    }
    driver.append(Event::Started { number: 0, trial: 1, seed: 0 });
    driver.append(Event::Ended { number: 0, trial: Box::new(trial(None)) });
    for _ in 0..3 {
        driver.step(&Luck::Metric(1));
    }
    assert!(matches!(driver.state.stopped(), Some(StopReason::BaselineFailed(_))));
}

#[test]
fn a_stuck_proposer_ends_the_session_and_a_resume_gives_it_another_chance() {
    let mut driver = Driver::new(plan(None));
    for _ in 0..4 {
        driver.step(&Luck::Metric(1));
    }
    while driver.step(&Luck::Refuse) {}
    assert!(matches!(driver.state.stopped(), Some(StopReason::ProposerStuck(_))));
    driver.append(Event::Resumed);
    assert!(matches!(driver.state.next(), Some(Action::Propose { number: 1, .. })));
}

#[test]
fn a_trial_that_kills_its_engine_three_times_is_a_crash() {
    let mut driver = Driver::new(plan(Some(1)));
    for _ in 0..4 {
        driver.step(&Luck::Metric(1));
    }
    driver.step(&Luck::Metric(1));
    for _ in 0..3 {
        driver.step(&Luck::Die);
    }
    while driver.step(&Luck::Metric(0)) {}
    assert_eq!(driver.state.counts().crash, 1);
}

#[test]
fn a_hypothesis_that_nobody_can_write_waits_for_a_resume() {
    let mut driver = Driver::new(plan(None));
    for _ in 0..4 {
        driver.step(&Luck::Metric(1));
    }
    driver.step(&Luck::Queue);
    driver.append(Event::SetAside { id: 1, reason: "r".into() });
    assert!(matches!(driver.state.next(), Some(Action::Propose { queued: None, .. })));
    assert_eq!(driver.state.queue().count(), 1);
    driver.append(Event::Resumed);
    assert!(matches!(driver.state.next(), Some(Action::Propose { queued: Some(_), .. })));
}

#[test]
fn stop_rules_and_limits_are_heeded() {
    let mut rule = plan(None);
    rule.stop_when = vec![StopRule::parse("loss <= 5", "loss").unwrap()];
    let mut driver = Driver::new(rule);
    while driver.step(&Luck::Metric(9)) && driver.journal.len() < 20 {}
    assert_eq!(driver.state.stopped(), None);
    while driver.step(&Luck::Metric(5)) {}
    assert_eq!(driver.state.stopped(), Some(&StopReason::Rule("loss <= 5".into())));

    let mut timed = plan(None);
    timed.stop_after_seconds = Some(10.0);
    let mut driver = Driver::new(timed);
    while driver.step(&Luck::Metric(1)) {}
    assert_eq!(driver.state.stopped(), Some(&StopReason::Time));
}

#[test]
fn after_five_failures_of_a_category_the_direction_turns() {
    let mut driver = Driver::new(plan(None));
    while driver.state.counts().total() < 5 {
        driver.step(&Luck::Metric(50));
    }
    assert_eq!(driver.state.focus().avoid, Some(Category::Other));
    assert_eq!(driver.state.focus().failures_in_a_row, 5);
}

/// SPEC A5.
#[test]
fn without_reverting_the_branch_moves_on_but_the_best_stays() {
    let mut keeps_all = plan(Some(1));
    keeps_all.revert_on_failure = false;
    let mut driver = Driver::new(keeps_all);
    for luck in [1, 1, 1, 1, 9, 9, 9, 9, 9] {
        driver.step(&Luck::Metric(luck));
    }
    assert_eq!(driver.state.incumbent().unwrap().number, 0);
    assert_eq!(driver.state.tip(), Some(&CommitId(format!("{:040}", 1))));
    assert_eq!(driver.state.counts().discard, 1);
}
