//! A suite of tests: what became of each, and what that comes to.
//!
//! Whoever may change the program must not gain by changing what is counted. So the
//! tests of the baseline are the denominator: one that is gone, or skipped since, is
//! one that does not pass, and one that is new does not count. No number becomes better
//! by what does not run.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::metric::Readings;

/// Longest message of a test, in characters.
pub const MESSAGE: usize = 300;
/// Bytes of all messages of a suite together.
const MESSAGES: usize = 1 << 20;

/// The number that is how long the tests took, in seconds.
const DURATION: &str = "duration_s";

/// The tests of a suite by their ids, as `tests.test_calc::test_add[1-2]`.
pub type Tests = BTreeMap<String, Test>;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It passed.
    Passed,
    /// What it checks does not hold.
    Failed,
    /// It broke outside of what it checks, as in its set-up.
    Error,
    /// It was not run, on purpose.
    Skipped,
    /// No test but a file or program of tests that did not load or came to no end,
    /// so that nobody knows which tests it holds.
    Unloaded,
}

impl Outcome {
    /// All of them with their names in files.
    const NAMES: [(Outcome, &'static str); 5] = [
        (Outcome::Passed, "passed"),
        (Outcome::Failed, "failed"),
        (Outcome::Error, "error"),
        (Outcome::Skipped, "skipped"),
        (Outcome::Unloaded, "unloaded"),
    ];

    fn name(self) -> &'static str {
        Outcome::NAMES.iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, name)| name)
    }
}

/// One test of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in one line of at most [`MESSAGE`] characters; empty where nothing was
    /// said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Test {
    /// With as much of `message` as is kept.
    pub(crate) fn new(outcome: Outcome, message: &str) -> Test {
        let mut line = String::new();
        for word in message.split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            if line.len() > 4 * MESSAGE {
                break;
            }
        }
        if line.chars().count() > MESSAGE {
            line = line.chars().take(MESSAGE - 1).collect();
            line.push('…');
        }
        Test { outcome, message: line }
    }
}

/// Collects tests whose names may occur twice: the second is `name #2`, so that
/// leaving out one of them is noticed.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    tests: Tests,
    times: HashMap<String, u32>,
}

impl Collector {
    /// Takes in a test, and says under which id.
    pub(crate) fn add(&mut self, name: &str, test: Test) -> String {
        let times = self.times.entry(name.to_owned()).or_default();
        loop {
            *times += 1;
            let id = if *times == 1 { name.to_owned() } else { format!("{name} #{times}") };
            if !self.tests.contains_key(&id) {
                self.tests.insert(id.clone(), test);
                return id;
            }
        }
    }

    /// The test of this id.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Test> {
        self.tests.get_mut(id)
    }

    /// With as many of the messages as anybody reads.
    fn bounded(mut self) -> Tests {
        let mut left = MESSAGES;
        for test in self.tests.values_mut() {
            match left.checked_sub(test.message.len()) {
                Some(rest) => left = rest,
                None => test.message.clear(),
            }
        }
        self.tests
    }

    /// What a report of these tests says, `name` being the metric. Counted against
    /// themselves, since nothing else is known yet.
    pub(crate) fn readings(self, name: &str, seconds: Option<f64>) -> Readings {
        let tests = self.bounded();
        let count = |of: Outcome| tests.values().filter(|test| test.outcome == of).count();
        if tests.is_empty() {
            let why = "the report has no tests".to_owned();
            return Readings { trouble: Some(why), ..Readings::default() };
        }
        let (all, skipped) = (tests.len(), count(Outcome::Skipped));
        if all == skipped {
            let why = format!("no test ran: all {all} are skipped");
            return Readings { trouble: Some(why), ..Readings::default() };
        }
        let mut readings = Readings::default();
        readings.take(name, "tests", (all - count(Outcome::Unloaded)) as f64);
        if let Some(seconds) = seconds {
            readings.take(name, DURATION, seconds);
        }
        readings.tests.clone_from(&tests);
        recount(&mut readings, name, &tests);
        readings
    }
}

/// What a test of the baseline came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passed,
    Failed,
    Error,
    /// Gone, or skipped since.
    Missing,
}

/// The fate of the baseline's test `id`; none where the baseline skipped it.
fn fate(id: &str, baseline: Outcome, tests: &Tests) -> Option<Fate> {
    if baseline == Outcome::Skipped {
        return None;
    }
    Some(match tests.get(id).map(|test| test.outcome) {
        Some(Outcome::Passed) => Fate::Passed,
        Some(Outcome::Failed) => Fate::Failed,
        Some(Outcome::Error | Outcome::Unloaded) => Fate::Error,
        // What did not load is as good as passed once it has: its tests are new.
        None if baseline == Outcome::Unloaded && has_loaded(id, tests) => Fate::Passed,
        Some(Outcome::Skipped) | None => Fate::Missing,
    })
}

/// Whether there are tests of what is called `id`.
fn has_loaded(id: &str, tests: &Tests) -> bool {
    ["::", "."].iter().any(|end| {
        let beginning = format!("{id}{end}");
        tests
            .range(beginning.clone()..)
            .next()
            .is_some_and(|(first, _)| first.starts_with(&beginning))
    })
}

/// Counts the tests of `readings` against those of the baseline: the numbers are
/// put in their places, and what is amiss is the remark. `name` is the metric.
pub fn recount(readings: &mut Readings, name: &str, baseline: &Tests) {
    let fates = || baseline.iter().filter_map(|(id, test)| fate(id, test.outcome, &readings.tests));
    let count = |of: Fate| fates().filter(|fate| *fate == of).count() as f64;
    let counted = fates().count() as f64;
    if counted == 0.0 {
        return;
    }
    let (passed, missing) = (count(Fate::Passed), count(Fate::Missing));
    // What did not run may have broken as well as not.
    let errors = count(Fate::Error) + missing;
    let skipped = skipped(baseline, &readings.tests) as f64;
    let remark = remark(baseline, &readings.tests);
    for (its_name, value) in [
        ("pass_rate", passed / counted),
        ("passed", passed),
        ("failed", counted - passed),
        ("errors", errors),
        ("missing", missing),
        ("skipped", skipped),
    ] {
        readings.take(name, its_name, value);
    }
    if missing > 0.0 {
        withdraw_duration(readings, name, remark.as_deref());
    }
    readings.remark = remark;
}

/// Tests that are skipped; one that the baseline skipped is until it passes.
fn skipped(baseline: &Tests, tests: &Tests) -> usize {
    let is = |tests: &Tests, id: &str, outcome| tests.get(id).is_some_and(|t| t.outcome == outcome);
    let skipped_at_first = baseline.iter().filter(|(_, test)| test.outcome == Outcome::Skipped);
    let still = skipped_at_first.filter(|(id, _)| !is(tests, id, Outcome::Passed));
    let newly = tests.iter().filter(|(id, test)| {
        test.outcome == Outcome::Skipped && !is(baseline, id, Outcome::Skipped)
    });
    still.count() + newly.count()
}

/// The time of fewer tests is not the suite's.
fn withdraw_duration(readings: &mut Readings, name: &str, why: Option<&str>) {
    readings.secondary.remove(DURATION);
    if name == DURATION {
        readings.metric = None;
        let why = why.unwrap_or("not all tests ran");
        readings.trouble = Some(format!("{why}; the time of the others is not that of the suite"));
    }
}

/// Which files did not load, and which tests are missing.
fn remark(baseline: &Tests, tests: &Tests) -> Option<String> {
    let mut words = Vec::new();
    let mut unloaded = tests.iter().filter(|(_, test)| test.outcome == Outcome::Unloaded);
    if let Some((id, test)) = unloaded.next() {
        let mut line = format!("`{id}` did not load: {}", test.message);
        let more = unloaded.count();
        if more > 0 {
            let _ = write!(line, " (and {more} more)");
        }
        words.push(line);
    }
    let mut missing = baseline
        .iter()
        .filter(|(id, test)| fate(id, test.outcome, tests) == Some(Fate::Missing))
        .map(|(id, _)| id);
    if let Some(first) = missing.next() {
        let word = if tests.contains_key(first) { "is skipped" } else { "is gone" };
        words.push(match missing.count() {
            0 => format!("1 test of the baseline did not run: `{first}` {word}"),
            more => format!(
                "{} tests of the baseline did not run, as `{first}`, which {word}",
                more + 1
            ),
        });
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// The tests of the baseline that do not pass, and why; by id.
pub fn failing<'a>(baseline: &'a Tests, tests: &'a Tests) -> Vec<(&'a str, &'a str)> {
    let failing = baseline.iter().filter_map(|(id, test)| {
        let message = tests.get(id).map_or("it is gone", |test| test.message.as_str());
        let fate = fate(id, test.outcome, tests)?;
        (fate != Fate::Passed).then_some((id.as_str(), message))
    });
    failing.collect()
}

/// What one run has changed against another, of the baseline's tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Ids of tests that pass and did not.
    pub fixed: Vec<String>,
    /// Ids of tests that passed and do not.
    pub broken: Vec<String>,
}

/// What `after` has changed against `before`.
pub fn changes(baseline: &Tests, before: &Tests, after: &Tests) -> Changes {
    let mut changes = Changes::default();
    for (id, test) in baseline {
        let passes = |tests: &Tests| fate(id, test.outcome, tests) == Some(Fate::Passed);
        match (passes(before), passes(after)) {
            (false, true) => changes.fixed.push(id.clone()),
            (true, false) => changes.broken.push(id.clone()),
            _ => {}
        }
    }
    changes
}

/// The tests as lines of `outcome`, id and message, with tabs between them.
pub fn to_tsv(tests: &Tests) -> String {
    let mut text = "outcome\ttest\tmessage\n".to_owned();
    for (id, test) in tests {
        let (outcome, id) = (test.outcome.name(), escaped(id));
        let _ = writeln!(text, "{outcome}\t{id}\t{}", escaped(&test.message));
    }
    text
}

/// What [`to_tsv`] wrote; none for anything else.
pub fn from_tsv(text: &str) -> Option<Tests> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    lines.next().filter(|line| *line == "outcome\ttest\tmessage")?;
    let read = |line: &str| {
        let mut cells = line.split('\t');
        let (outcome, id, message) = (cells.next()?, cells.next()?, cells.next()?);
        let (outcome, _) = Outcome::NAMES.into_iter().find(|(_, name)| *name == outcome)?;
        Some((unescaped(id), Test { outcome, message: unescaped(message) }))
    };
    lines.map(read).collect()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            },
            (other, false) => other,
        });
    }
    plain
}

/// The test that ran when the output ended, where a line tells: pytest's
/// `tests/test_a.py::test_b` without a word after it (`-v`), and `cargo test`'s
/// `test a::b ...`, or its `test a::b has been running for over 60 seconds`.
pub fn last_running(tail: &str) -> Option<&str> {
    let mut lines = tail.lines().rev().map(str::trim_end).filter(|line| !line.is_empty());
    let last = lines.next()?;
    if let Some(name) = last.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ...")) {
        return Some(name);
    }
    let is_done = [" PASSED", " FAILED", " ERROR", " SKIPPED", " XFAIL", " XPASS"];
    if last.contains(".py::") && !is_done.iter().any(|word| last.contains(word)) {
        return Some(last);
    }
    std::iter::once(last).chain(lines).find_map(|line| {
        line.strip_prefix("test ")?.strip_suffix(" has been running for over 60 seconds")
    })
}

#[cfg(test)]
mod tests;
