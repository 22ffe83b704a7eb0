use super::*;

fn readings(text: &str) -> Readings {
    let part = Part { path: String::new(), bytes: text.len() as u64, text: text.to_owned() };
    read("pass_rate", &[part])
}

fn outcomes(readings: &Readings) -> Vec<(&str, Outcome)> {
    readings.tests.iter().map(|(id, test)| (id.as_str(), test.outcome)).collect()
}

/// cargo 1.95 printed them.
const WHOLE: &str = include_str!("../recorded/libtest.txt");
const ABORTED: &str = include_str!("../recorded/libtest-abort.txt");
const LEFT: &str = include_str!("../recorded/libtest-leave.txt");
const BROKEN: &str = include_str!("../recorded/libtest-broken.txt");

#[test]
fn every_program_and_every_example_of_a_crate_is_counted() {
    let readings = readings(WHOLE);
    assert_eq!(
        outcomes(&readings),
        [
            ("aborts::a_first", Outcome::Passed),
            ("aborts::b_aborts", Outcome::Passed),
            ("aborts::c_exits", Outcome::Passed),
            ("aborts::d_hangs", Outcome::Passed),
            // By their order, since their lines move.
            ("doc tiny::src/lib.rs - add", Outcome::Passed),
            ("doc tiny::src/lib.rs - add #2", Outcome::Failed),
            ("doc tiny::src/lib.rs - sub", Outcome::Passed),
            ("it::whole", Outcome::Passed),
            ("tiny (src/main.rs)::in_main", Outcome::Passed),
            ("tiny::tests::adds", Outcome::Passed),
            ("tiny::tests::panics", Outcome::Passed),
            ("tiny::tests::slow", Outcome::Skipped),
            // What it printed is no verdict of `tests::forged`.
            ("tiny::tests::subtracts", Outcome::Failed),
        ]
    );
    assert_eq!(readings.metric, Some(10.0 / 12.0));
    assert!((readings.secondary["duration_s"] - 0.59).abs() < 1e-9);
    assert_eq!(
        readings.tests["tiny::tests::subtracts"].message,
        "src/lib.rs:33:9: assertion `left == right` failed: a message of two lines left: 2 right: 1"
    );
    assert_eq!(readings.tests["tiny::tests::slow"].message, "slow");
    assert!(readings.tests["doc tiny::src/lib.rs - add #2"].message.contains("left: 4 right: 5"));
}

#[test]
fn a_program_that_aborts_leaves_its_tests_undone_and_says_which() {
    let readings = readings(ABORTED);
    assert_eq!(
        outcomes(&readings),
        [
            ("aborts", Outcome::Unloaded),
            ("aborts::a_first", Outcome::Passed),
            ("it::whole", Outcome::Passed)
        ]
    );
    assert_eq!(
        readings.tests["aborts"].message,
        "it was ended by signal: 6, SIGABRT: process abort signal in `b_aborts`; 3 of 4 tests did not end"
    );
    assert!(
        readings.remark.unwrap().starts_with("`aborts` did not load: it was ended by signal: 6")
    );
}

/// cargo takes exit 0 in the midst of the tests for success.
#[test]
fn a_program_that_leaves_before_its_tests_are_done_has_not_passed() {
    let readings = readings(LEFT);
    assert_eq!(readings.tests["aborts"].outcome, Outcome::Unloaded);
    assert!(readings.tests["aborts"].message.contains("before its tests were done"));
    assert_eq!(readings.metric, Some(3.0 / 4.0));
}

#[test]
fn what_does_not_compile_says_where() {
    assert_eq!(
        readings(BROKEN).trouble.unwrap(),
        "does not compile: error[E0425]: cannot find value `bb` in this scope (src/lib.rs:11:9)"
    );
    let no_manifest = "error: could not find `Cargo.toml` in `/x` or any parent directory\n";
    assert!(
        readings(no_manifest)
            .trouble
            .unwrap()
            .starts_with("cargo could not run the tests: error: could not find")
    );
    assert!(readings("").trouble.unwrap().contains("no tests"));
}

#[test]
fn colours_and_words_between_a_name_and_its_verdict_do_no_harm() {
    let text = "     Running tests/it.rs (target/debug/deps/it-0db70d83f876565d)\n\nrunning 3 tests\n\
                test a ... noise\nof a child\nok\ntest b ... \u{1b}[31mFAILED\u{1b}[m\n\
                test c ... ok <0.010s>\n\ntest result: FAILED. 2 passed; 1 failed; finished in 1.50s\n";
    let readings = readings(text);
    assert_eq!(
        outcomes(&readings),
        [("it::a", Outcome::Passed), ("it::b", Outcome::Failed), ("it::c", Outcome::Passed)]
    );
    assert_eq!(readings.secondary.get("duration_s"), Some(&1.5));
}

#[test]
fn a_verdict_that_a_test_prints_itself_does_not_win() {
    let text = "     Running tests/it.rs (target/debug/deps/it-0db70d83f876565d)\n\nrunning 1 test\n\
                test a ... ok\ntest a ... FAILED\n\ntest result: FAILED. 0 passed; 1 failed; finished in 0.00s\n";
    assert_eq!(readings(text).metric, Some(0.0));
}

#[test]
fn a_program_without_libtest_is_one_test_and_an_empty_one_is_none() {
    let text = [
        "     Running tests/own.rs (target/debug/deps/own-0db70d83f876565d)",
        "hello",
        "     Running tests/bad.rs (target/debug/deps/bad-0db70d83f876565d)",
        "error: test failed, to rerun pass `--test bad`",
        "",
        "Caused by:",
        "  process didn't exit successfully: `/x/bad-0d` (exit status: 3)",
        "   Doc-tests tiny",
        "",
        "running 0 tests",
        "",
        "test result: ok. 0 passed; 0 failed; finished in 0.00s",
    ];
    let readings = readings(&text.join("\n"));
    assert_eq!(outcomes(&readings), [("bad", Outcome::Failed), ("own", Outcome::Passed)]);
    assert_eq!(readings.tests["bad"].message, "it was ended by exit status: 3");
}

proptest::proptest! {
    #[test]
    fn no_output_is_too_strange(lines in proptest::collection::vec(
        r"( *Running .{0,3}\(.{0,9}\)|Doc-tests .?|running [0-9]{0,20} tests?|test .{0,4}( \.\.\. (ok|FAILED|x))?|failures:|---- .? stdout ----|error.{0,9}|test result: .{0,9}s)", 0..12
    )) {
        readings(&lines.join("\n"));
    }
}
