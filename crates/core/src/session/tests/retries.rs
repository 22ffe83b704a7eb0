//! What runs again before it is judged: a candidate that ran out of memory, a
//! suspect, and what a person trusts.

use super::*;

/// Propose, run, relieve, run, judge, settle.
#[test]
fn a_candidate_out_of_memory_is_judged_by_its_retry() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Oom, Metric(9), Metric(9), Metric(9), Metric(9)]);
    let incumbent = driver.state.incumbent().unwrap();
    assert_eq!((incumbent.metric, incumbent.runs.len()), (9.0, 1));
    assert_eq!(incumbent.commit, CommitId(format!("{:039}b", 4)));
    assert_eq!(driver.state.tip(), Some(&incumbent.commit));
    assert_eq!(last_ruling(&driver).reason, "better by 91, after running out of memory (B 4 -> 2)");
}

#[test]
fn a_retry_that_fails_is_a_crash_that_tells_both_attempts() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Oom, Metric(9), Oom, Metric(9)]);
    let crash = last_ruling(&driver).crash.unwrap();
    assert_eq!(crash.kind, CrashKind::Oom);
    assert_eq!(crash.reason, "MemoryError; this was the retry with B 4 -> 2, after: MemoryError");
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Oom, Metric(9), Luck::Crash, Metric(9)]);
    assert_eq!(last_ruling(&driver).crash.unwrap().kind, CrashKind::Exit);
}

#[test]
fn where_no_relief_is_possible_it_is_a_crash_at_once() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Oom, Oom, Metric(9), Metric(9)]);
    let crash = last_ruling(&driver).crash.unwrap();
    assert_eq!((crash.kind, crash.reason.as_str()), (CrashKind::Oom, "MemoryError; B 4 -> 2"));
    assert_eq!(driver.state.counts().crash, 1);
}

#[test]
fn the_baseline_is_never_relieved() {
    let mut driver = Driver::new(plan(None));
    play(&mut driver, &[Metric(9)]);
    driver.append(Event::Started { number: 0, trial: 1, seed: 0, purpose: Purpose::Candidate });
    driver.append(Event::Ended {
        number: 0,
        trial: Box::new(out_of_memory()),
        purpose: Purpose::Candidate,
    });
    assert!(matches!(driver.state.next(), Some(Action::Judge { .. })));
}

/// Propose, run; run again under another seed; judge, settle.
#[test]
fn a_suspect_runs_again_under_another_seed() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Short(9)]);
    assert_eq!(driver.state.next(), Some(Action::Run { number: 4, trial: 2, seed: 1 }));
    play(&mut driver, &[Metric(100), Metric(9), Metric(9)]);
    let ruling = last_ruling(&driver);
    assert_eq!((ruling.verdict, ruling.rule), (Verdict::Discard, Rule::Unrepeated));
    assert_eq!(
        ruling.reason,
        "suspect: it ran 0.5 s, where others take 100 s; and it did not repeat: equal, and no simpler"
    );
    assert_eq!(ruling.gain, Some(45.5), "of the mean");
}

#[test]
fn a_suspect_that_repeats_is_held_or_kept_as_configured_unless_the_evaluation_is_sealed() {
    let after = |sealed, suspects| {
        let mut driver = settled(Plan { sealed, suspects, ..plan(None) });
        play(&mut driver, &[Metric(9), Short(9), Short(8), Metric(9), Metric(9)]);
        let ruling = last_ruling(&driver);
        (ruling.verdict, ruling.rule, ruling.reason, driver.state.incumbent().unwrap().metric)
    };
    let suspect = "suspect: it ran 0.5 s, where others take 100 s";
    let (verdict, rule, reason, metric) = after(false, Suspects::Hold);
    assert_eq!((verdict, rule, metric), (Verdict::Discard, Rule::Suspect, 100.0));
    assert!(reason.starts_with(suspect) && reason.ends_with("held, though it repeats"), "{reason}");
    let (verdict, rule, reason, metric) = after(false, Suspects::Keep);
    assert_eq!((verdict, rule, metric), (Verdict::Keep, Rule::Suspect, 8.5));
    assert!(reason.starts_with(suspect), "{reason}");
    let (verdict, rule, reason, metric) = after(true, Suspects::Hold);
    assert_eq!((verdict, rule, metric), (Verdict::Keep, Rule::Better, 8.5));
    assert!(reason.contains("sealed"), "{reason}");
}

#[test]
fn a_metric_that_does_not_vary_with_the_seed_is_told_where_others_do() {
    let audited = |others: u8| {
        let mut driver = settled(plan(None));
        play(&mut driver, &[Metric(9), Short(9), Short(others), Metric(9), Metric(9)]);
        play(&mut driver, &[Metric(5), Short(5), Short(5), Metric(5), Metric(5)]);
        last_ruling(&driver).reason.contains("does not vary with the seed")
    };
    assert!(audited(8));
    assert!(!audited(9));
}

#[test]
fn what_was_held_does_not_become_usual() {
    let mut driver = settled(plan(None));
    for _ in 0..8 {
        play(&mut driver, &[Metric(9), Short(9), Short(9), Metric(9), Metric(9)]);
        assert_eq!(last_ruling(&driver).rule, Rule::Suspect);
    }
}

#[test]
fn a_trusted_experiment_runs_again_without_suspicion() {
    let mut driver = settled(plan(None));
    play(&mut driver, &[Metric(9), Short(9), Short(9), Metric(9), Metric(9), Luck::Trust]);
    play(&mut driver, &[Metric(9), Short(9), Metric(9), Metric(9)]);
    let incumbent = driver.state.incumbent().unwrap();
    assert_eq!((incumbent.number, incumbent.runs.len()), (5, 1));
    let ruling = last_ruling(&driver);
    assert_eq!((ruling.rule, ruling.verdict), (Rule::Better, Verdict::Keep));
    assert_eq!(ruling.reason, "better by 91; a person trusted #4");
}
