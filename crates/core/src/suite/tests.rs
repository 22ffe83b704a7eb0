use super::*;
use proptest::prelude::*;

fn suite(tests: &[(&str, Outcome)]) -> Tests {
    let test = |(id, outcome): &(&str, Outcome)| ((*id).to_owned(), Test::new(*outcome, "why"));
    tests.iter().map(test).collect()
}

/// The readings of `now` against `baseline`.
fn against(baseline: &Tests, now: &Tests) -> Readings {
    let mut readings = Readings { tests: now.clone(), ..Readings::default() };
    recount(&mut readings, "pass_rate", baseline);
    readings
}

use Outcome::{Error, Failed, Passed, Skipped, Unloaded};

fn baseline() -> Tests {
    suite(&[
        ("a::1", Passed),
        ("a::2", Failed),
        ("a::3", Failed),
        ("b::1", Passed),
        ("b::2", Skipped),
    ])
}

#[test]
fn a_failing_test_that_goes_or_is_skipped_does_not_raise_the_rate() {
    let all = baseline();
    assert_eq!(against(&all, &all).metric, Some(0.5));
    let mut gone = all.clone();
    gone.remove("a::2");
    gone.insert("a::2b".to_owned(), Test::new(Passed, ""));
    gone.insert("a::3".to_owned(), Test::new(Skipped, "later"));
    let readings = against(&all, &gone);
    assert_eq!(readings.metric, Some(0.5));
    assert_eq!((readings.secondary["missing"], readings.secondary["failed"]), (2.0, 2.0));
    assert_eq!(
        readings.remark.as_deref(),
        Some("2 tests of the baseline did not run, as `a::2`, which is gone")
    );
}

#[test]
fn what_was_skipped_does_not_count_even_if_it_passes_now() {
    let mut now = baseline();
    now.insert("b::2".to_owned(), Test::new(Passed, ""));
    assert_eq!(against(&baseline(), &now).metric, Some(0.5));
    now.insert("b::2".to_owned(), Test::new(Failed, ""));
    assert_eq!(against(&baseline(), &now).metric, Some(0.5));
}

#[test]
fn a_file_that_did_not_load_counts_once_and_passes_once_it_has_tests() {
    let all = suite(&[("a::1", Passed), ("tests.b", Unloaded)]);
    assert_eq!(against(&all, &all).metric, Some(0.5));
    let loaded = suite(&[("a::1", Passed), ("tests.b::x", Failed)]);
    assert_eq!(against(&all, &loaded).metric, Some(1.0));
    // Left out, it is missing; and a namesake is not it.
    assert_eq!(
        against(&all, &suite(&[("a::1", Passed), ("tests.bb::x", Passed)])).metric,
        Some(0.5)
    );
}

/// As when the code under test goes: a file of tests does not load any more.
#[test]
fn tests_that_vanish_are_errors_and_no_skipped_test_goes_with_them() {
    let all = suite(&[("a::1", Error), ("a::2", Passed), ("a::3", Skipped), ("b::1", Passed)]);
    let first = against(&all, &all);
    assert_eq!((first.secondary["errors"], first.secondary["skipped"]), (1.0, 1.0));
    let unloaded = against(&all, &suite(&[("a", Unloaded), ("b::1", Passed)]));
    assert_eq!((unloaded.secondary["errors"], unloaded.secondary["skipped"]), (2.0, 1.0));
    let emptied = against(&all, &suite(&[("b::1", Passed)]));
    assert_eq!((emptied.secondary["errors"], emptied.secondary["skipped"]), (2.0, 1.0));
    // Run again, it is skipped no longer once it passes.
    for (outcome, skipped) in [(Passed, 0.0), (Failed, 1.0), (Skipped, 1.0)] {
        let mut now = all.clone();
        now.insert("a::3".to_owned(), Test::new(outcome, ""));
        assert_eq!(against(&all, &now).secondary.get("skipped"), Some(&skipped), "{outcome:?}");
    }
}

#[test]
fn the_time_of_fewer_tests_is_none() {
    let all = baseline();
    let mut fewer = all.clone();
    fewer.remove("b::1");
    let timed = |name: &str, tests: &Tests| {
        let mut readings = Readings { tests: tests.clone(), ..Readings::default() };
        readings.take(name, "duration_s", 2.0);
        recount(&mut readings, name, &all);
        readings
    };
    assert_eq!(timed("duration_s", &all).metric, Some(2.0));
    assert_eq!(timed("pass_rate", &all).secondary.get("duration_s"), Some(&2.0));
    let readings = timed("duration_s", &fewer);
    assert_eq!(readings.metric, None);
    assert_eq!(
        readings.trouble.as_deref(),
        Some(
            "1 test of the baseline did not run: `b::1` is gone; the time of the others is not that of the suite"
        )
    );
    assert_eq!(timed("pass_rate", &fewer).secondary.get("duration_s"), None);
}

#[test]
fn what_fails_is_told_with_what_it_said() {
    let mut now = baseline();
    now.remove("b::1");
    let all = baseline();
    assert_eq!(failing(&all, &now), [("a::2", "why"), ("a::3", "why"), ("b::1", "it is gone")]);
    let mut fixed = all.clone();
    fixed.insert("a::2".to_owned(), Test::new(Passed, ""));
    fixed.insert("b::1".to_owned(), Test::new(Error, ""));
    let changes = changes(&all, &all, &fixed);
    assert_eq!((changes.fixed, changes.broken), (vec!["a::2".to_owned()], vec!["b::1".to_owned()]));
}

#[test]
fn the_test_that_hung_is_named_where_the_output_tells() {
    let pytest = "tests/test_a.py::test_one PASSED [ 33%]\ntests/test_a.py::test_two[x y] ";
    assert_eq!(last_running(pytest), Some("tests/test_a.py::test_two[x y]"));
    assert_eq!(last_running("tests/test_a.py::test_one PASSED [ 33%]\n"), None);
    let recorded = include_str!("../metric/report/recorded/libtest-hang.txt");
    assert_eq!(last_running(recorded), Some("d_hangs"));
    let slow = "test a ... ok\ntest it::b has been running for over 60 seconds\ntest c ... ok\n";
    assert_eq!(last_running(slow), Some("it::b"));
    assert_eq!(last_running(""), None);
}

#[test]
fn a_file_that_somebody_cut_is_not_read_as_less() {
    let text = to_tsv(&baseline());
    assert_eq!(from_tsv(&text), Some(baseline()));
    assert_eq!(from_tsv(&text[..text.len() - 1]), None);
    assert_eq!(from_tsv("outcome\ttest\n"), None);
    assert_eq!(from_tsv(""), None);
}

fn any_suite() -> impl Strategy<Value = Tests> {
    let outcome = prop::sample::select(vec![Passed, Failed, Error, Skipped, Unloaded]);
    let test = (outcome, ".{0,8}").prop_map(|(outcome, message)| Test::new(outcome, &message));
    prop::collection::btree_map(r"[a-c\t\n\\:]{1,3}", test, 0..8)
}

proptest! {
    #[test]
    fn tests_come_back_from_their_file(tests in any_suite()) {
        prop_assert_eq!(from_tsv(&to_tsv(&tests)), Some(tests));
    }

    /// SPEC A8: whatever is left out or put beside, nothing becomes better.
    #[test]
    fn leaving_out_skipping_and_adding_tests_makes_no_number_better(
        all in any_suite(),
        left_out in prop::collection::vec(any::<bool>(), 8),
        skipped in prop::collection::vec(any::<bool>(), 8),
        extra in any_suite(),
    ) {
        // What did not load has no tests that could be told from new ones.
        let all: Tests = all.into_iter().filter(|(_, test)| test.outcome != Unloaded).collect();
        let mut now = Tests::new();
        for (n, (id, test)) in all.iter().enumerate() {
            let outcome = if skipped[n] { Skipped } else { test.outcome };
            if !left_out[n] {
                now.insert(id.clone(), Test::new(outcome, ""));
            }
        }
        for (id, test) in extra {
            if !all.contains_key(&id) {
                now.insert(id, test);
            }
        }
        let (before, after) = (against(&all, &all), against(&all, &now));
        prop_assert!(after.metric <= before.metric, "{:?} {:?}", before.metric, after.metric);
        prop_assert!(after.secondary.get("passed") <= before.secondary.get("passed"));
        for name in ["failed", "errors", "missing", "skipped"] {
            let of = |readings: &Readings| readings.secondary.get(name).copied();
            prop_assert!(of(&after) >= of(&before), "{name}: {before:?} {after:?}");
        }
    }
}
