use super::*;

fn parts(texts: &[&str]) -> Vec<Part> {
    let part = |(text, n): (&&str, usize)| Part {
        path: format!("{n}.xml"),
        bytes: text.len() as u64,
        text: (*text).to_owned(),
    };
    texts.iter().zip(1..).map(part).collect()
}

fn readings(texts: &[&str]) -> Readings {
    read("pass_rate", &parts(texts))
}

fn number(readings: &Readings, name: &str) -> Option<f64> {
    readings.secondary.get(name).copied()
}

/// pytest 9.2 wrote them (`-v --continue-on-collection-errors --doctest-modules`).
const PYTEST: &str = include_str!("../recorded/pytest.xml");
const COLLECTION: &str = include_str!("../recorded/pytest-collection.xml");

#[test]
fn every_way_in_which_a_test_of_pytest_ends_is_told_apart() {
    let readings = readings(&[PYTEST]);
    let outcomes: Vec<_> =
        readings.tests.iter().map(|(id, test)| (id.as_str(), test.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("calc::calc.add", Outcome::Passed),
            ("calc::calc.sub", Outcome::Failed),
            ("tests.test_broken", Outcome::Unloaded),
            ("tests.test_calc.TestSub::test_known", Outcome::Skipped),
            ("tests.test_calc.TestSub::test_skipped", Outcome::Skipped),
            ("tests.test_calc.TestSub::test_zero", Outcome::Passed),
            ("tests.test_calc::test_add[1-2-3]", Outcome::Passed),
            ("tests.test_calc::test_add[2-2-5]", Outcome::Failed),
            // Failed, and broke in its tear-down: one test.
            ("tests.test_calc::test_both", Outcome::Failed),
            ("tests.test_calc::test_needs", Outcome::Error),
            ("tests.test_calc::test_text", Outcome::Failed),
        ]
    );
    // Of nine that were not skipped, three passed.
    assert_eq!(readings.metric, Some(3.0 / 9.0));
    assert_eq!(number(&readings, "failed"), Some(6.0));
    assert_eq!(number(&readings, "errors"), Some(2.0));
    assert_eq!(number(&readings, "skipped"), Some(2.0));
    assert_eq!(number(&readings, "tests"), Some(10.0));
    assert_eq!(number(&readings, "duration_s"), Some(0.076));
    assert_eq!(number(&readings, "missing"), Some(0.0));
}

#[test]
fn messages_are_one_short_line() {
    let tests = readings(&[PYTEST]).tests;
    let message = |id: &str| tests[id].message.as_str();
    assert_eq!(message("tests.test_calc::test_add[2-2-5]"), "assert 4 == 5 + where 4 = add(2, 2)");
    assert_eq!(
        message("tests.test_broken"),
        "ModuleNotFoundError: No module named 'nothing_there'"
    );
    assert_eq!(
        message("tests.test_calc::test_needs"),
        "failed on setup with \"RuntimeError: no database\""
    );
    assert_eq!(message("tests.test_calc.TestSub::test_skipped"), "not today");
    assert_eq!(message("calc::calc.add"), "");
    assert!(message("tests.test_calc::test_text").contains("'a<b>"));
}

#[test]
fn a_file_that_does_not_import_is_named() {
    let readings = readings(&[COLLECTION]);
    assert_eq!(readings.metric, Some(0.0));
    assert_eq!(
        readings.remark.as_deref(),
        Some(
            "`tests.test_broken` did not load: ModuleNotFoundError: No module named 'nothing_there'"
        )
    );
}

/// nextest 0.9.143 wrote it (`--retries 1`).
const NEXTEST: &str = include_str!("../recorded/nextest.xml");

#[test]
fn what_nextest_writes_is_read_and_a_retry_that_passes_is_a_pass() {
    let readings = readings(&[NEXTEST]);
    let outcomes: Vec<_> =
        readings.tests.iter().map(|(id, test)| (id.as_str(), test.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("flaky::it::aborts", Outcome::Failed),
            ("flaky::it::whole", Outcome::Passed),
            ("flaky::tests::adds", Outcome::Passed),
            ("flaky::tests::passes_the_second_time", Outcome::Passed),
            ("flaky::tests::subtracts", Outcome::Failed),
        ]
    );
    assert_eq!(readings.metric, Some(3.0 / 5.0));
    let message = |id: &str| readings.tests[id].message.as_str();
    assert_eq!(
        message("flaky::tests::subtracts"),
        "src/lib.rs:10:9: assertion `left == right` failed: a < b & c left: 2 right: 1"
    );
    assert_eq!(message("flaky::it::aborts"), "process aborted with signal 6 (SIGABRT)");
    assert!(number(&readings, "duration_s").is_some_and(|seconds| seconds < 10.0));
}

#[test]
fn suites_in_suites_names_without_classes_and_tests_that_were_not_run_are_understood() {
    let readings =
        readings(&[r#"<testsuite name="all" time="1,234.5"><testsuite name="inner" time="9">
        <testcase name="a"/><testcase name="b" status="notrun"/>
        <testcase name="c"><skipped/><error>broke</error></testcase>
        </testsuite><testcase name="a" classname="K"><failure/></testcase></testsuite>"#]);
    let ids: Vec<_> = readings.tests.keys().map(String::as_str).collect();
    assert_eq!(ids, ["K::a", "inner::a", "inner::b", "inner::c"]);
    assert_eq!(readings.tests["inner::c"].outcome, Outcome::Error);
    assert_eq!(readings.metric, Some(1.0 / 3.0));
    assert_eq!(number(&readings, "duration_s"), Some(1234.5));
}

#[test]
fn several_files_are_one_suite_and_equal_names_are_several_tests() {
    let file = r#"<testsuite name="s" time="1.5"><testcase classname="K" name="t"/>
        <testcase classname="K" name="t"><failure message="no"/></testcase></testsuite>"#;
    let readings = readings(&[file, file]);
    let ids: Vec<_> = readings.tests.keys().map(String::as_str).collect();
    assert_eq!(ids, ["K::t", "K::t #2", "K::t #3", "K::t #4"]);
    assert_eq!(readings.metric, Some(0.5));
    assert_eq!(number(&readings, "duration_s"), Some(3.0));
}

#[test]
fn what_is_no_whole_report_is_trouble() {
    let trouble = |texts: &[&str]| readings(texts).trouble.unwrap();
    let cut = PYTEST.split_at(PYTEST.len() / 2).0;
    assert!(trouble(&[cut]).contains("`1.xml` is no whole JUnit report"));
    assert!(trouble(&[""]).contains("empty"));
    assert!(trouble(&["<html></html>"]).contains("its root is `html`"));
    assert!(trouble(&["<testsuites/>"]).contains("no tests"));
    let skipped = r#"<testsuite><testcase name="a"><skipped/></testcase></testsuite>"#;
    assert!(trouble(&[skipped]).contains("all 1 are skipped"));
    // Other XML may lie beside a report.
    assert_eq!(readings(&["<html></html>", NEXTEST]).metric, Some(3.0 / 5.0));
}

#[test]
fn a_report_that_is_made_to_take_for_ever_is_none() {
    let nested = |n: usize| {
        format!(
            "<testsuites>{}<testcase name=\"a\"/>{}</testsuites>",
            "<testsuite>".repeat(n),
            "</testsuite>".repeat(n)
        )
    };
    assert_eq!(readings(&[&nested(900)]).metric, Some(1.0));
    let trouble = readings(&[&nested(500_000)]).trouble.unwrap();
    assert!(trouble.contains("deeper than 1000 elements"), "{trouble}");
}

#[test]
fn of_many_failures_all_are_counted_and_some_are_told() {
    let why = "x".repeat(300);
    let case =
        |n: usize| format!("<testcase name=\"t{n}\"><failure message=\"{why}\"/></testcase>");
    let text = (0..10_000).map(case).collect::<String>();
    let readings = readings(&[&format!("<testsuite>{text}<testcase name=\"a\"/></testsuite>")]);
    assert_eq!(readings.metric, Some(1.0 / 10_001.0));
    let told: usize = readings.tests.values().map(|test| test.message.len()).sum();
    assert!((500_000..=1 << 20).contains(&told), "{told}");
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(text in r#"(<testcase( name="[a-z&;#0]{0,3}")?/?>|</?testsuite>|<failure/>|&[a-z#0-9x]{0,4};|[<>a/!\[\]]|<!\[CDATA\[){0,24}"#) {
        readings(&[&format!("<testsuite>{text}")]);
        readings(&[&text]);
    }
}

#[test]
fn a_time_that_is_none_does_not_count() {
    let seconds = |time: &str| {
        let text = format!(r#"<testsuite time="{time}"><testcase name="a"/></testsuite>"#);
        number(&readings(&[&text]), "duration_s")
    };
    assert_eq!(seconds("1.5"), Some(1.5));
    assert_eq!(seconds("1,234,567.5"), Some(1_234_567.5));
    for none in ["1,5", "-5", "1234,567", "1,23.5", ",123", "1.5,123", "NaN", ""] {
        assert_eq!(seconds(none), None, "{none}");
    }
}

#[test]
fn a_test_that_is_said_to_fail_does_not_pass() {
    let readings = readings(&[r#"<testsuite failures="2"><testcase name="a" status="failed"/>
        <testcase name="b" result="FAILURE"/><testcase name="c" status="run" result="completed"/>
        </testsuite>"#]);
    assert_eq!(readings.metric, Some(1.0 / 3.0));
}

#[test]
fn a_suite_that_counts_more_failures_than_it_tells_of_is_trouble() {
    let trouble = |text: &str| readings(&[text]).trouble;
    let silent = r#"<testsuites><testsuite tests="5" failures="2" errors="1"><testcase name="a"/>
        <testcase name="b"><failure/></testcase></testsuite></testsuites>"#;
    let why = trouble(silent).unwrap();
    assert!(why.contains("a suite counts 3 failures and errors, and tells of 1"), "{why}");
    // What another suite tells is not its own, and what an inner one tells is.
    let other = r#"<testsuites><testsuite><testcase name="b"><failure/></testcase></testsuite>
        <testsuite failures="1"><testcase name="a"/></testsuite></testsuites>"#;
    assert!(trouble(other).is_some());
    let inner = r#"<testsuite failures="1"><testsuite><testcase name="b"><failure/></testcase>
        </testsuite></testsuite>"#;
    assert_eq!(trouble(inner), None);
}
