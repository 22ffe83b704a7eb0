//! Settled experiments run again: to know the incumbent better, and to compare
//! the best with the baseline at the end.

use super::*;
use crate::session::verify::verification_runs;

/// Performs a re-run as a rule would ask for it.
fn again(driver: &mut Driver, number: u64, seed: u64, purpose: Purpose, luck: &Luck) {
    let Some(Action::Again { trial, .. }) = driver.state.again(number, seed, purpose) else {
        panic!("#{number} may not run again");
    };
    driver.rerun(number, trial, seed, purpose, luck);
}

#[test]
fn another_run_of_the_incumbent_makes_it_better_known_and_changes_no_verdict() {
    let mut driver = settled(plan(None));
    // Propose, and in the middle of the race the incumbent runs.
    play(&mut driver, &[Metric(9)]);
    let next = driver.state.next();
    again(&mut driver, 0, 7, Purpose::Incumbent, &Metric(90));
    again(&mut driver, 0, 8, Purpose::Incumbent, &Metric(95));
    assert_eq!(driver.state.next(), next);
    let incumbent = driver.state.incumbent().unwrap();
    assert_eq!((incumbent.values(), incumbent.metric), (vec![100.0, 90.0, 95.0], 95.0));
    let seeds: Vec<u64> = incumbent.runs.iter().map(|run| run.seed).collect();
    assert_eq!((seeds, driver.state.trials(0)), (vec![0, 7, 8], 3));
    assert_eq!(driver.state.baseline(), Some(100.0));
    let commit = driver.state.plan().unwrap().base.clone();
    let expected =
        Action::Again { number: 0, commit, trial: 4, seed: 9, purpose: Purpose::Incumbent };
    assert_eq!(driver.state.again(0, 9, Purpose::Incumbent), Some(expected));
}

#[test]
fn what_was_kept_runs_again_after_the_trials_of_its_verdict() {
    let mut driver = settled(Plan { suspects: Suspects::Keep, ..plan(None) });
    play(&mut driver, &[Metric(9), Short(9), Short(8), Metric(9), Metric(9)]);
    let Some(Action::Again { trial, commit, .. }) = driver.state.again(4, 0, Purpose::Incumbent)
    else {
        panic!("the incumbent may run again")
    };
    assert_eq!((trial, &commit), (3, driver.state.tip().unwrap()));
    assert_eq!(driver.state.again(2, 0, Purpose::Incumbent), None, "it was discarded");
}

#[test]
fn a_rerun_that_fails_or_dies_changes_nothing_and_three_in_a_row_are_the_last() {
    let mut driver = settled(plan(None));
    let before = driver.state.incumbent().cloned();
    let next = driver.state.next();
    for luck in [Luck::Crash, Luck::Die, Metric(100), Luck::Die, Luck::Die, Luck::Crash] {
        assert!(driver.state.again(0, 1, Purpose::Verification).is_some());
        again(&mut driver, 0, 1, Purpose::Verification, &luck);
        assert_eq!(
            (driver.state.incumbent(), driver.state.next()),
            (before.as_ref(), next.clone())
        );
    }
    assert_eq!(driver.state.again(0, 1, Purpose::Incumbent), None);
    assert_eq!(driver.state.trials(0), 7);
}

#[test]
fn a_person_who_stops_reruns_three_times_may_have_a_fourth() {
    let mut driver = settled(plan(None));
    for _ in 0..4 {
        let Some(Action::Again { trial, .. }) = driver.state.again(0, 1, Purpose::Incumbent) else {
            panic!("it did not fail")
        };
        let purpose = Purpose::Incumbent;
        driver.append(Event::Started { number: 0, trial, seed: 1, purpose });
        let ended = Box::new(Trial::ended(1, Exit::Interrupted));
        driver.append(Event::Ended { number: 0, trial: ended, purpose });
    }
}

#[test]
fn a_candidate_is_never_run_as_something_settled() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9)]);
    let purpose = Purpose::Incumbent;
    driver.append(Event::Started { number: 4, trial: 1, seed: 0, purpose });
    driver.append(Event::Ended { number: 4, trial: Box::new(trial(Some(1.0))), purpose });
    assert_eq!(driver.state.next(), Some(Action::Run { number: 4, trial: 1, seed: 0 }));
}

/// A journal of the first version knows nothing of purposes.
#[test]
fn an_old_trial_was_a_candidates() {
    let old = r#"{"started":{"number":3,"trial":1,"seed":5}}"#;
    let purpose = Purpose::Candidate;
    let event = Event::Started { number: 3, trial: 1, seed: 5, purpose };
    assert_eq!(serde_json::from_str::<Event>(old).unwrap(), event);
    assert_eq!(serde_json::to_string(&event).unwrap(), old);
}

/// A session of four experiments, the first of them kept, that is to end with
/// `verify` runs of each side.
fn finished(verify: u64) -> Driver {
    let mut driver = Driver::new(Plan { verify, ..plan(Some(4)) });
    while driver.state.counts().total() < 4 {
        let value = match (driver.state.baseline(), driver.state.counts().total()) {
            (None, _) => 50,
            (Some(_), 0) => 40,
            _ => 60,
        };
        assert!(driver.step(&Metric(value)));
    }
    driver
}

/// What runs again until the session rests: experiments and seeds.
fn reruns_to_the_end(driver: &mut Driver, luck: &Luck) -> Vec<(u64, u64)> {
    let mut ran = Vec::new();
    while let Some(action) = driver.state.next() {
        if let Action::Again { number, seed, purpose, .. } = action {
            assert_eq!(purpose, Purpose::Verification);
            ran.push((number, seed));
        }
        driver.step(luck);
        assert!(ran.len() < 50, "it spins");
    }
    ran
}

/// A metric that varies, so that the comparison goes on.
fn varied_reruns(driver: &mut Driver) -> Vec<u64> {
    let mut ran = Vec::new();
    while let Some(Action::Again { number, .. }) = driver.state.next() {
        ran.push(number);
        let value = u8::try_from(ran.len()).unwrap();
        driver.step(&Metric(value));
    }
    ran
}

#[test]
fn a_session_ends_with_its_baseline_and_its_best_in_turn() {
    let mut driver = finished(5);
    let best = driver.state.incumbent().cloned().unwrap();
    assert_eq!(best.number, 1);
    // Two of each: no more than half of four experiments.
    let ran = reruns_to_the_end(&mut driver, &Metric(1));
    let seed = ran[0].1;
    assert_eq!(ran, [(0, seed), (1, seed), (1, seed + 1), (0, seed + 1)]);
    assert_eq!(driver.state.stopped(), Some(&StopReason::Iterations));
    assert_eq!(driver.state.incumbent(), Some(&best), "its verdict rests on other runs");
    assert_eq!(driver.state.rounds(0), 2);
}

#[test]
fn nothing_is_verified_that_was_not_asked_for_or_not_kept_or_hardly_tried() {
    for (verify, experiments, value) in [(0, 8, 9), (5, 8, 50), (5, 3, 9)] {
        let mut driver = Driver::new(Plan { verify, ..plan(Some(experiments)) });
        while driver.state.baseline().is_none() {
            driver.step(&Metric(50));
        }
        assert_eq!(reruns_to_the_end(&mut driver, &Metric(value)), [], "{verify} {experiments}");
        assert_eq!(driver.state.stopped(), Some(&StopReason::Iterations));
    }
    assert_eq!(
        [0, 1, 2, 3, 4, 9, 10, 99].map(|n| verification_runs(5, n)),
        [0, 0, 0, 0, 2, 4, 5, 5]
    );
    assert_eq!([0, 1, 2, 9].map(|n| verification_runs(1, n)), [0, 0, 1, 1]);
}

/// Three rounds, where five were asked for.
#[test]
fn a_metric_without_noise_is_not_run_five_times() {
    let mut driver = Driver::new(Plan { verify: 5, ..plan(Some(12)) });
    while driver.state.counts().total() < 12 {
        let is_baseline = driver.state.baseline().is_none();
        driver.step(&Metric(if is_baseline { 50 } else { 40 }));
    }
    let mut twin = Driver { state: driver.state.clone(), ..Driver::new(plan(None)) };
    assert_eq!(reruns_to_the_end(&mut driver, &Metric(7)).len(), 6);
    assert_eq!(varied_reruns(&mut twin), [0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
}

#[test]
fn a_verification_that_was_killed_goes_on_where_it_was() {
    let mut driver = finished(5);
    driver.step(&Metric(3));
    let next = driver.state.next();
    driver.step(&Luck::Die);
    let (
        Some(Action::Again { number, seed, trial: lost, .. }),
        Some(Action::Again { number: again, seed: same, trial, .. }),
    ) = (next, driver.state.next())
    else {
        panic!("a run of the best")
    };
    assert_eq!((number, seed), (again, same));
    assert_eq!(trial, lost + 1, "its log is its own");
    assert_eq!(reruns_to_the_end(&mut driver, &Metric(3)).len(), 3);
}

#[test]
fn a_best_that_fails_again_and_again_is_given_up() {
    let mut driver = finished(5);
    assert_eq!(reruns_to_the_end(&mut driver, &Luck::Die).len(), 3);
    assert_eq!(driver.state.stopped(), Some(&StopReason::Iterations));
}

#[test]
fn a_new_best_is_verified_by_runs_of_its_own() {
    let mut driver = finished(2);
    let first = reruns_to_the_end(&mut driver, &Metric(9));
    driver.append(Event::Resumed);
    driver.append(Event::Extended { iterations: Some(5) });
    assert_eq!(driver.state.rounds(0), 2);
    // As good as nothing: the same best, which has been verified.
    assert_eq!(reruns_to_the_end(&mut driver, &Metric(60)), []);
    driver.append(Event::Resumed);
    driver.append(Event::Extended { iterations: Some(6) });
    let second = reruns_to_the_end(&mut driver, &Metric(5));
    assert_eq!(second.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 6, 6, 0]);
    assert!(second.iter().all(|(_, seed)| *seed > first[3].1), "{first:?} {second:?}");
}

/// Runs take 100 s, and events a second.
#[test]
fn time_is_left_for_the_comparison_and_kept_to() {
    let session = |most: f64| {
        let mut timed = Plan { verify: 5, ..plan(None) };
        timed.stop_after_seconds = Some(most);
        let mut driver = Driver::new(timed);
        let mut ran = 0_u32;
        while let Some(action) = driver.state.next() {
            ran += u32::from(matches!(action, Action::Again { .. }));
            let is_baseline = driver.state.baseline().is_none();
            driver.step(&Metric(if is_baseline { 50 } else { 40 }));
        }
        assert_eq!(driver.state.stopped(), Some(&StopReason::Time));
        (ran, driver.state.active().as_secs_f64())
    };
    // A tenth is enough for six runs of a metric without noise, or for none.
    let (ran, seconds) = session(10_000.0);
    assert_eq!(ran, 6);
    assert!((8_999.0..10_000.0).contains(&seconds), "{seconds}");
    let (ran, seconds) = session(500.0);
    assert_eq!(ran, 0);
    assert!((450.0..=500.0).contains(&seconds), "{seconds}");
}

#[test]
fn who_asked_for_the_end_waits_for_no_comparison() {
    for reason in [
        StopReason::Requested,
        StopReason::ProposerStuck("s".into()),
        StopReason::Failed("f".into()),
        StopReason::BaselineFailed("b".into()),
    ] {
        assert!(!reason.is_natural());
    }
    let mut driver = finished(5);
    driver.append(Event::Stopped { reason: StopReason::Requested });
    assert_eq!(driver.state.next(), None);
}
