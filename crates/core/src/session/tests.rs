//! Properties of the state machine: whatever happens, a journal replays, and
//! who replays it goes on as if nothing had happened.

mod again;
mod drafts;
mod retries;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::experiment::{CommitId, Verdict};
use crate::judge::{Mode, Rule, Suspects};
use crate::metric::Direction;
use crate::proposal::{Category, Fingerprint, Refusal};
use crate::spent::{Allowance, Spent};
use crate::stop::StopRule;
use crate::stopping::EarlyStop;
use crate::trial::{Crash, CrashKind, Exit, Trial};
use crate::units::Timestamp;

pub(super) fn plan(iterations: Option<u64>) -> Plan {
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
        sealed: false,
        mode: Mode::Greedy,
        complexity: 0,
        suspects: Suspects::Hold,
        early_stop: EarlyStop::Off,
        series: None,
        constraints: Vec::new(),
        checks: false,
        verify: 0,
        allowance: Allowance::default(),
        outage_seconds: 7200.0,
        config: String::new(),
        platform: String::new(),
        adjusted: Adjusted::default(),
    }
}

fn trial(metric: Option<f64>) -> Trial {
    let crash = Crash { kind: CrashKind::Exit, reason: "exit 1".into() };
    let mut trial = Trial {
        metric,
        crash: metric.is_none().then_some(crash),
        ..Trial::ended(0, Exit::Code(i32::from(metric.is_none())))
    };
    trial.usage.wall_seconds = 100.0;
    trial
}

fn out_of_memory() -> Trial {
    let crash = Crash { kind: CrashKind::Oom, reason: "MemoryError".into() };
    Trial { crash: Some(crash), ..trial(None) }
}

/// A metric that came far too soon.
fn short(metric: f64) -> Trial {
    let mut trial = trial(Some(metric));
    trial.usage.wall_seconds = 0.5;
    trial
}

/// What the world does when the machine acts; drawn by the property tests.
#[derive(Clone, Debug)]
pub(super) enum Luck {
    Metric(u8),
    Crash,
    /// Memory runs out; when relief is asked for, none is possible.
    Oom,
    /// A metric after no time at all.
    Short(u8),
    /// A person trusts the last suspect.
    Trust,
    Refuse,
    Fail,
    Die,
    Queue,
    Repeat,
    /// The next proposal is written while a run goes on.
    Draft,
}

/// A conductor without a world: performs actions and journals what luck says.
pub(super) struct Driver {
    pub(super) state: State,
    pub(super) journal: Vec<Record>,
    /// Programs with their seeds in the order in which they ran, and whether
    /// a person had trusted them.
    ran: Vec<(Fingerprint, u64, Option<u64>)>,
    /// The last experiment that was held.
    held: Option<u64>,
    programs: u64,
}

impl Driver {
    fn new(plan: Plan) -> Driver {
        let mut driver = Driver {
            state: State::default(),
            journal: Vec::new(),
            ran: Vec::new(),
            held: None,
            programs: 0,
        };
        driver.append(Event::Opened(Box::new(plan)));
        driver
    }

    pub(super) fn append(&mut self, event: Event) {
        let seq = self.state.last_seq() + 1;
        let at = Timestamp(i64::try_from(seq).unwrap() * 1000);
        let record = Record { seq, at, event };
        self.state.apply(&record);
        self.journal.push(record);
    }

    /// Performs one action; false when the session rests.
    pub(super) fn step(&mut self, luck: &Luck) -> bool {
        let Some(action) = self.state.next() else { return false };
        match action {
            Action::Propose { number, queued } => self.propose(number, queued, luck),
            Action::Take { number, draft } => self.take(number, &draft, luck),
            Action::Run { number, trial: n, seed } => {
                self.append(Event::Started { number, trial: n, seed, purpose: Purpose::Candidate });
                if matches!(luck, Luck::Die) {
                    self.append(Event::Resumed);
                    return true;
                }
                if matches!(luck, Luck::Draft) {
                    self.draft();
                }
                self.ran.extend(self.state.current().map(|e| (e.fingerprint, seed, e.trusts)));
                let ended = match luck {
                    Luck::Crash if number > 0 => trial(None),
                    Luck::Oom if number > 0 => out_of_memory(),
                    Luck::Metric(value) => trial(Some(f64::from(*value))),
                    Luck::Short(value) => short(f64::from(*value)),
                    _ => trial(Some(100.0)),
                };
                self.append(Event::Ended {
                    number,
                    trial: Box::new(Trial { seed, ..ended }),
                    purpose: Purpose::Candidate,
                });
            }
            Action::Again { number, trial, seed, purpose, .. } => {
                self.rerun(number, trial, seed, purpose, luck);
            }
            Action::Relieve { number } => {
                let retry = (!matches!(luck, Luck::Oom)).then(|| self.retry(number));
                self.append(Event::Relieved { number, retry, what: "B 4 -> 2".into() });
            }
            // See `checking_tests`.
            Action::Check { .. } => unreachable!("the plan has no checks"),
            Action::Judge { number, ruling } => {
                if ruling.rule == Rule::Suspect && ruling.verdict == Verdict::Discard {
                    self.held = Some(number);
                }
                self.append(Event::Judged { number, ruling });
            }
            Action::Settle { number } => self.append(Event::Settled { number }),
            Action::Stop(reason) => self.append(Event::Stopped { reason }),
        }
        true
    }

    fn rerun(&mut self, number: u64, n: u64, seed: u64, purpose: Purpose, luck: &Luck) {
        self.append(Event::Started { number, trial: n, seed, purpose });
        let ended = match luck {
            Luck::Die => return self.append(Event::Resumed),
            Luck::Metric(value) => trial(Some(f64::from(*value))),
            _ => trial(None),
        };
        let trial = Box::new(Trial { seed, ..ended });
        self.append(Event::Ended { number, trial, purpose });
    }

    fn fingerprint_of(&self, number: u64) -> Option<Fingerprint> {
        let last = |record: &Record| match &record.event {
            Event::Relieved { number: n, retry: Some(retry), .. } if *n == number => {
                Some(retry.fingerprint)
            }
            Event::Proposed(proposed) if proposed.number == number => Some(proposed.fingerprint),
            _ => None,
        };
        self.journal.iter().rev().find_map(last)
    }

    fn retry(&mut self, number: u64) -> Retry {
        self.programs += 1;
        Retry {
            commit: CommitId(format!("{number:039}b")),
            fingerprint: Fingerprint(u128::from(self.programs)),
            files: vec!["b.py".into()],
            code_lines: 10,
            settings: None,
        }
    }

    fn propose(&mut self, number: u64, queued: Option<Queued>, luck: &Luck) {
        let id = queued.as_ref().map(|q| q.id);
        let trusts = queued.and_then(|q| q.trusts);
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
                        draft: None,
                        spent: Spent::default(),
                    });
                }
                Luck::Fail => {
                    let (proposer, reason) = ("p".into(), "r".into());
                    return self.append(Event::ProposerFailed {
                        proposer,
                        reason,
                        exhausted: false,
                        failing: Failing::Usual,
                        spent: Spent::default(),
                    });
                }
                Luck::Queue => {
                    let id = self.state.next_queued();
                    let queued = Queued {
                        id,
                        hypothesis: "q".into(),
                        patch: None,
                        trusts: None,
                        by: None,
                        message: None,
                    };
                    return self.append(Event::Queued(queued));
                }
                Luck::Trust => {
                    let id = self.state.next_queued();
                    if let Some(held) = self.held.take() {
                        let trusts = Some(held);
                        let queued = Queued {
                            id,
                            hypothesis: "t".into(),
                            patch: None,
                            trusts,
                            by: None,
                            message: None,
                        };
                        return self.append(Event::Trusted { number: held, queued });
                    }
                }
                _ => {}
            }
        }
        // A proposer that repeats itself is refused by what the state knows.
        let repeats = matches!(luck, Luck::Repeat) && self.programs > 0;
        if !repeats {
            self.programs += 1;
        }
        let trusted = trusts.and_then(|number| self.fingerprint_of(number));
        let fingerprint = trusted.unwrap_or(Fingerprint(u128::from(self.programs)));
        if let Some(of) = self.state.tried(fingerprint).filter(|_| trusted.is_none()) {
            let refusal = Refusal::Duplicate { of };
            let (proposer, hypothesis) = ("p".into(), "h".into());
            return self.append(Event::Refused {
                proposer,
                hypothesis,
                refusal,
                queued: id,
                draft: None,
                spent: Spent::default(),
            });
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
            expected: None,
            spent: Spent::default(),
            draft: None,
        })));
    }
}

pub(super) fn driven_with(plan: Plan, lucks: &[Luck]) -> Driver {
    let mut driver = Driver::new(plan);
    for luck in lucks {
        if !driver.step(luck) {
            break;
        }
    }
    driver
}

pub(super) fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        6 => (0_u8..20).prop_map(Luck::Metric),
        1 => Just(Luck::Crash),
        2 => Just(Luck::Oom),
        3 => (0_u8..20).prop_map(Luck::Short),
        1 => Just(Luck::Trust),
        1 => Just(Luck::Refuse),
        1 => Just(Luck::Fail),
        1 => Just(Luck::Die),
        1 => Just(Luck::Queue),
        1 => Just(Luck::Repeat),
        2 => Just(Luck::Draft),
    ]
}

fn driven(lucks: &[Luck]) -> Driver {
    driven_with(Plan { verify: 3, ..plan(Some(12)) }, lucks)
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
        // With another seed in an audit, and again where a person asked for it.
        let mut ran = driven(&lucks).ran;
        let count = ran.len();
        ran.sort_unstable();
        ran.dedup();
        prop_assert_eq!(ran.len(), count);
    }

    /// The incumbent is the best of what was measured and not doubted, and the
    /// tip is its commit.
    #[test]
    fn the_incumbent_is_the_best_of_all(lucks in prop::collection::vec(luck(), 0..200)) {
        let driver = driven(&lucks);
        let mut metrics: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let mut doubted = false;
        let mut best: Option<f64> = None;
        for record in &driver.journal {
            match &record.event {
                Event::Ended { number, trial, purpose: Purpose::Candidate } => {
                    metrics.entry(*number).or_default().extend(trial.metric);
                }
                Event::Judged { ruling, .. } => {
                    doubted =
                        matches!(ruling.rule, Rule::Suspect | Rule::Unrepeated | Rule::Failed);
                }
                Event::Settled { number } if !doubted => {
                    let values = &metrics[number];
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    let metric = (!values.is_empty()).then_some(mean);
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

proptest! {
    /// Whatever is done with suspects: none is kept on the strength of one run,
    /// and every suspect has one verdict.
    #[test]
    fn a_suspect_runs_twice_before_its_verdict(
        lucks in prop::collection::vec(luck(), 0..200),
        sealed in any::<bool>(),
        keeps in any::<bool>(),
    ) {
        let suspects = if keeps { Suspects::Keep } else { Suspects::Hold };
        let driver = driven_with(Plan { sealed, suspects, ..plan(Some(12)) }, &lucks);
        let mut live = State::default();
        for record in &driver.journal {
            let suspicion = live.suspicion();
            if let (Event::Judged { ruling, .. }, Some(_)) = (&record.event, suspicion) {
                let ran = live.current().unwrap().evidence().count();
                let gave_up = ruling.crash.as_ref().is_some_and(|c| c.kind == CrashKind::Interrupted);
                prop_assert!(ran == 2 || gave_up, "{ruling:?}");
                if ruling.rule == Rule::Suspect {
                    prop_assert!(!sealed);
                    prop_assert_eq!(ruling.verdict == Verdict::Keep, keeps);
                }
            }
            live.apply(record);
        }
    }

    /// SPEC E8: at most one retry an experiment, and both programs are known.
    #[test]
    fn memory_is_relieved_once(lucks in prop::collection::vec(luck(), 0..200)) {
        let driver = driven(&lucks);
        let mut relieved = std::collections::BTreeSet::new();
        for record in &driver.journal {
            if let Event::Relieved { number, retry, .. } = &record.event {
                prop_assert!(*number > 0 && relieved.insert(*number));
                if let Some(retry) = retry {
                    prop_assert_eq!(driver.state.tried(retry.fingerprint), Some(*number));
                }
            }
        }
    }
}

/// A session with a baseline of 100 and three experiments that were no better.
fn settled(plan: Plan) -> Driver {
    let mut driver = Driver::new(plan);
    while driver.state.counts().total() < 3 {
        driver.step(&Luck::Metric(100));
    }
    driver
}

fn last_ruling(driver: &Driver) -> crate::judge::Ruling {
    let ruling = |record: &Record| match &record.event {
        Event::Judged { ruling, .. } => Some(ruling.clone()),
        _ => None,
    };
    driver.journal.iter().rev().find_map(ruling).unwrap()
}

fn play(driver: &mut Driver, lucks: &[Luck]) {
    for luck in lucks {
        assert!(driver.step(luck));
    }
}

use Luck::{Metric, Oom, Short};

#[test]
fn lines_that_went_with_their_tests_make_nothing_simpler() {
    for (missing, rule) in [(0.0, Rule::EqualAndSimpler), (1.0, Rule::Equal)] {
        let mut driver = settled(plan(None));
        let number = driver.state.counts().total() + 1;
        driver.step(&Metric(100));
        let Some(Event::Proposed(proposed)) = driver.journal.last_mut().map(|last| &mut last.event)
        else {
            panic!("nothing was proposed");
        };
        proposed.code_lines = 5;
        let journal = std::mem::take(&mut driver.journal);
        driver.state = State::default();
        for record in journal {
            driver.append(record.event);
        }
        let mut ended = trial(Some(100.0));
        ended.secondary.insert("missing".to_owned(), missing);
        ended.remark = (missing > 0.0).then(|| "1 test is gone".to_owned());
        driver.append(Event::Started { number, trial: 1, seed: 0, purpose: Purpose::Candidate });
        let trial = Box::new(ended);
        driver.append(Event::Ended { number, trial, purpose: Purpose::Candidate });
        driver.step(&Metric(100));
        let ruling = last_ruling(&driver);
        assert_eq!(ruling.rule, rule, "{}", ruling.reason);
        assert_eq!(ruling.reason.ends_with("; 1 test is gone"), missing > 0.0, "{}", ruling.reason);
    }
}

/// A journal of the first version knows neither suspects nor relief.
#[test]
fn an_old_plan_keeps_what_it_kept() {
    let mut old = serde_json::to_value(plan(None)).unwrap();
    old.as_object_mut().unwrap().retain(|key, _| key != "sealed" && key != "suspects");
    let plan: Plan = serde_json::from_value(old).unwrap();
    assert_eq!((plan.sealed, plan.suspects), (false, Suspects::Keep));
}

#[test]
fn a_failed_baseline_ends_the_session() {
    let mut driver = Driver::new(plan(None));
    for _ in 0..1 {
        driver.step(&Luck::Metric(1));
    }
    driver.append(Event::Started { number: 0, trial: 1, seed: 0, purpose: Purpose::Candidate });
    driver.append(Event::Ended {
        number: 0,
        trial: Box::new(trial(None)),
        purpose: Purpose::Candidate,
    });
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
