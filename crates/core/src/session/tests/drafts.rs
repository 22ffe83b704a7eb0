//! Proposals that are written while something runs, what they cost, and when
//! nobody is asked any more.

use super::*;
use crate::session::{Draft, Failing};

/// As many as wait or are under way at most.
const LOOKAHEAD: usize = 2;

impl Driver {
    /// Another proposal is written, if the state wants one.
    pub(super) fn draft(&mut self) {
        let Some(queued) = self.state.ahead(LOOKAHEAD, &[]) else { return };
        let answers = queued.cloned();
        let id = self.state.next_draft();
        self.append(Event::Drafted(Box::new(draft(id, answers))));
    }

    pub(super) fn take(&mut self, number: u64, draft: &Draft, luck: &Luck) {
        if matches!(luck, Luck::Refuse) {
            let refusal = Refusal::DoesNotApply { why: "w".into() };
            return self.append(Event::Refused {
                proposer: draft.proposer.clone(),
                hypothesis: draft.hypothesis.clone(),
                refusal,
                queued: None,
                draft: Some(draft.id),
                spent: Spent::default(),
            });
        }
        self.programs += 1;
        let proposed = Proposed {
            draft: Some(draft.id),
            proposer: draft.proposer.clone(),
            fingerprint: Fingerprint(u128::from(self.programs)),
            spent: Spent::default(),
            queued: draft.answers.as_ref().map(|queued| queued.id),
            number,
            parent: self.state.tip().cloned().unwrap(),
            hypothesis: draft.hypothesis.clone(),
            category: draft.category,
            settings: None,
            commit: Some(CommitId(format!("{number:040}"))),
            files: Vec::new(),
            code_lines: 10,
            expected: None,
        };
        self.append(Event::Proposed(Box::new(proposed)));
    }
}

fn draft(id: u64, answers: Option<Queued>) -> Draft {
    Draft {
        id,
        proposer: "agent".into(),
        hypothesis: format!("d{id}"),
        category: Category::Other,
        expected: None,
        settings: None,
        patch: "p".into(),
        answers,
        spent: Spent { dollars: 0.5, input_tokens: 100, ..Spent::default() },
    }
}

/// A session with a running candidate.
fn running(plan: Plan) -> Driver {
    let mut driver = settled(plan);
    driver.step(&Luck::Metric(90));
    assert!(driver.state.current().is_some());
    driver
}

fn ran_out(driver: &mut Driver) {
    while driver.state.current().is_some() {
        driver.step(&Luck::Metric(95));
    }
}

#[test]
fn a_draft_is_taken_before_anybody_is_asked() {
    let mut driver = running(plan(None));
    driver.draft();
    ran_out(&mut driver);
    let Some(Action::Take { number: 5, draft }) = driver.state.next() else {
        panic!("{:?}", driver.state.next())
    };
    driver.take(5, &draft, &Luck::Metric(0));
    let current = driver.state.current().unwrap();
    assert_eq!((current.proposer.as_str(), current.spent.dollars), ("agent", 0.5));
    assert_eq!(driver.state.drafts().count(), 0);
}

#[test]
fn what_a_draft_cost_is_booked_once() {
    let mut driver = running(plan(None));
    driver.draft();
    ran_out(&mut driver);
    driver.step(&Luck::Metric(0));
    assert!((driver.state.spent().dollars - 0.5).abs() < 1e-12);
    let (_, tally) = driver.state.portfolio().tallies().find(|(name, _)| *name == "agent").unwrap();
    assert!((tally.spent.dollars - 0.5).abs() < 1e-12);
}

#[test]
fn a_persons_question_survives_the_draft_that_no_longer_fits() {
    let mut driver = running(plan(None));
    let question = Queued {
        id: 1,
        hypothesis: "q".into(),
        patch: None,
        trusts: None,
        by: None,
        message: None,
    };
    driver.append(Event::Queued(question.clone()));
    driver.draft();
    assert_eq!(driver.state.queue().count(), 0, "it is being answered");
    ran_out(&mut driver);
    driver.step(&Luck::Refuse);
    assert_eq!(driver.state.queue().next(), Some(&question));
}

#[test]
fn no_more_is_written_than_may_be_run() {
    let mut driver = running(plan(Some(5)));
    assert!(driver.state.ahead(5, &[]).is_some());
    assert!(driver.state.ahead(5, &[None]).is_none(), "one is under way");
    driver.draft();
    assert!(driver.state.ahead(5, &[]).is_none(), "two are enough");
    assert!(running(plan(None)).state.ahead(0, &[]).is_none());
}

#[test]
fn nothing_is_written_for_a_target_that_never_ran() {
    let mut driver = Driver::new(plan(None));
    driver.step(&Luck::Metric(100));
    assert!(driver.state.current().unwrap().is_baseline());
    assert!(driver.state.ahead(1, &[]).is_none());
}

#[test]
fn a_session_stops_when_its_money_is_spent_and_its_drafts_have_run() {
    let allowance = Allowance { dollars: Some(0.5), ..Allowance::default() };
    let mut driver = running(Plan { allowance, ..plan(None) });
    driver.draft();
    assert!(driver.state.ahead(5, &[]).is_none(), "no money is left");
    ran_out(&mut driver);
    assert!(matches!(driver.state.next(), Some(Action::Take { .. })), "it is paid for");
    driver.step(&Luck::Metric(90));
    ran_out(&mut driver);
    let next = driver.state.next();
    assert!(
        matches!(&next, Some(Action::Stop(StopReason::Spent(what))) if what == "$0.50 of $0.50"),
        "{next:?}"
    );
}

fn failed(failing: Failing) -> Event {
    Event::ProposerFailed {
        proposer: "agent".into(),
        reason: "r".into(),
        exhausted: false,
        failing,
        spent: Spent::default(),
    }
}

#[test]
fn an_outage_counts_by_its_time_and_not_by_its_failures() {
    let mut driver = settled(Plan { patience: 2, outage_seconds: 60.0, ..plan(None) });
    // The driver's clock goes a second an event.
    for _ in 0..50 {
        driver.append(failed(Failing::Outage));
        assert!(matches!(driver.state.next(), Some(Action::Propose { .. })));
    }
    for _ in 0..20 {
        driver.append(failed(Failing::Outage));
    }
    let next = driver.state.next();
    assert!(matches!(next, Some(Action::Stop(StopReason::ProposerStuck(_)))), "{next:?}");
}

#[test]
fn a_proposer_that_can_never_succeed_ends_the_session_at_once() {
    let mut driver = settled(plan(None));
    driver.append(failed(Failing::ForGood));
    let next = driver.state.next();
    assert!(matches!(next, Some(Action::Stop(StopReason::ProposerStuck(_)))), "{next:?}");
    driver.append(Event::Resumed);
    assert!(matches!(driver.state.next(), Some(Action::Propose { .. })));
}
