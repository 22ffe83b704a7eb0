//! Races: a candidate and the incumbent run until it is clear which is better.

use proptest::prelude::*;

use super::tests::{Driver, Luck, driven_with, luck, plan};
use super::*;
use crate::experiment::Verdict;
use crate::judge::{CALIBRATION, Mode, Rule};
use crate::trial::Trial;

fn racing(mode: Mode) -> Plan {
    Plan { mode, complexity: 1, ..plan(Some(12)) }
}

/// The metrics that runs report in turn, proposals taking none.
fn played(metrics: &[u8]) -> Driver {
    let mut driver = driven_with(racing(Mode::Standard), &[]);
    let mut metrics = metrics.iter();
    loop {
        let is_run = matches!(driver.state.next(), Some(Action::Run { .. } | Action::Again { .. }));
        let luck = match metrics.as_slice().first() {
            None if is_run => return driver,
            Some(metric) => Luck::Metric(*metric),
            None => Luck::Metric(0),
        };
        if is_run {
            metrics.next();
        } else if metrics.as_slice().is_empty()
            && matches!(driver.state.next(), Some(Action::Propose { .. }))
        {
            return driver;
        }
        assert!(driver.step(&luck));
    }
}

fn rulings(driver: &Driver) -> Vec<(u64, Verdict, Rule)> {
    let judged = driver.journal.iter().filter_map(|record| match &record.event {
        Event::Judged { number, ruling } => Some((*number, ruling.verdict, ruling.rule)),
        _ => None,
    });
    judged.collect()
}

fn runs_of(driver: &Driver, wanted: u64) -> Vec<(u64, Purpose)> {
    let started = driver.journal.iter().filter_map(|record| match &record.event {
        Event::Started { number, seed, purpose, .. } if *number == wanted => {
            Some((*seed, *purpose))
        }
        _ => None,
    });
    started.collect()
}

#[test]
fn the_baseline_is_measured_under_two_seeds_before_anything_is_held_against_it() {
    let driver = played(&[10, 12]);
    let seed = driver.state.plan().unwrap().seed;
    let runs = [(seed, Purpose::Candidate), (seed + 1, Purpose::Candidate)];
    assert_eq!(runs_of(&driver, 0), runs);
    assert_eq!(driver.state.incumbent().unwrap().values(), [10.0, 12.0]);
}

#[test]
fn what_equals_the_incumbent_under_the_same_seed_needs_no_second_run() {
    let driver = played(&[10, 14, 10]);
    assert_eq!(rulings(&driver)[1], (1, Verdict::Discard, Rule::Equal));
    assert_eq!(runs_of(&driver, 1).len(), 1);
}

/// Lower is better. The noise is about 1, so 15 is promising and no more.
#[test]
fn what_is_promising_runs_again_and_the_incumbent_beside_it() {
    let driver = played(&[20, 22, 15]);
    assert_eq!(rulings(&driver).len(), 1, "{:?}", rulings(&driver));
    assert!(matches!(
        driver.state.next(),
        Some(Action::Run { number: 1, .. } | Action::Again { .. })
    ));
    // The same promise again and again is believed in the end.
    let driver = played(&[20, 22, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15]);
    let (number, _, _) = rulings(&driver)[1];
    assert_eq!(number, 1);
    assert!((2..=8).contains(&runs_of(&driver, 1).len()));
}

/// What two runs in a row agree on may be the machine's mood of that minute.
#[test]
fn without_seeds_nothing_is_kept_unless_the_incumbent_ran_beside_it() {
    let mut driver = driven_with(racing(Mode::Standard), &[]);
    let seeded = Some(crate::trial::Seeded::Nothing);
    let mut values = [20.0, 20.1, 15.0, 15.1, 15.2, 14.9].into_iter();
    while driver.state.counts().total() == 0 {
        match driver.state.next().unwrap() {
            Action::Run { number, trial, seed } => {
                let purpose = Purpose::Candidate;
                driver.append(Event::Started { number, trial, seed, purpose });
                let metric = values.next();
                let ended = crate::trial::Exit::Code(0);
                let ended = Trial { metric, seeded: seeded.clone(), ..Trial::ended(seed, ended) };
                driver.append(Event::Ended { number, trial: Box::new(ended), purpose });
            }
            // The machine has slowed everything down since.
            Action::Again { .. } => assert!(driver.step(&Luck::Metric(15))),
            _ => assert!(driver.step(&Luck::Metric(0))),
        }
    }
    assert!(runs_of(&driver, 0).iter().any(|(_, purpose)| *purpose == Purpose::Incumbent));
    let (_, verdict, _) = rulings(&driver)[1];
    assert_eq!(verdict, Verdict::Discard);
}

proptest! {
    /// SPEC L5, in the middle of a race as anywhere: a replayed journal goes on
    /// where it was, and events survive the journal.
    #[test]
    fn a_race_goes_on_where_it_was(
        lucks in prop::collection::vec(luck(), 0..80),
        mode in prop::sample::select(Mode::ALL.to_vec()),
    ) {
        let driver = driven_with(racing(mode), &lucks);
        let mut live = State::default();
        for (n, record) in driver.journal.iter().enumerate() {
            live.apply(record);
            let text = serde_json::to_string(&record.event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), &record.event);
            let replayed = State::replay(&driver.journal[..=n]);
            prop_assert_eq!(replayed.next(), live.next());
            prop_assert_eq!(&replayed, &live);
        }
    }

    /// No candidate runs for ever, whatever its runs say.
    #[test]
    fn a_race_has_an_end(lucks in prop::collection::vec(luck(), 0..300)) {
        let driver = driven_with(racing(Mode::Standard), &lucks);
        let mut live = State::default();
        for record in &driver.journal {
            live.apply(record);
            if let Some(current) = live.current() {
                let runs = current.evidence().count();
                prop_assert!(runs <= 8, "{runs} runs of #{}", current.number);
                let is_measured = current.evidence().all(|trial| trial.metric.is_some());
                if current.is_baseline() && current.verdict() == Some(Verdict::Keep) && is_measured {
                    prop_assert_eq!(runs, CALIBRATION);
                }
            }
        }
    }
}
