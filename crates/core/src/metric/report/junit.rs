//! `JUnit` XML. There is no standard; read is what pytest, nextest, Maven, Gradle,
//! jest and `GoogleTest` write in common: `testcase` elements, wherever they are, with
//! `failure`, `error` or `skipped` in them.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::libtest;
use crate::metric::{Part, Readings};
use crate::suite::{Collector, Outcome, Test};

/// What a test's `status` or `result` is where it did not pass.
const FAILED: &[&str] = &["fail", "failed", "failure", "error", "broken", "timeout", "crashed"];

/// Text of one element that is looked at, in bytes.
const TEXT: usize = 64 << 10;
/// Elements within elements; no tool nests them by the thousand.
const DEEPEST: usize = 1000;

/// The tests of all files together.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut document = Document::default();
    let mut seconds = None;
    let mut foreign = None;
    for part in parts {
        document.begin();
        match document.read(&part.text) {
            Ok(()) => {
                if let Some(why) = document.untold.take() {
                    return Readings::troubled(format!("`{}` makes no sense: {why}", part.path));
                }
            }
            Err(Unfit::Foreign(root)) => {
                foreign = Some(format!("`{}` is no JUnit report: its root is `{root}`", part.path));
                continue;
            }
            Err(Unfit::Broken(why)) => {
                return Readings::troubled(format!(
                    "`{}` is no whole JUnit report: {why}",
                    part.path
                ));
            }
        }
        if let Some(more) = document.seconds() {
            seconds = Some(seconds.unwrap_or(0.0) + more);
        }
    }
    match foreign {
        // Other XML may lie beside, but not alone.
        Some(why) if !document.is_report => Readings::troubled(why),
        _ => document.tests.readings(name, seconds),
    }
}

/// Why a file is not read.
enum Unfit {
    /// It is another sort of XML, with this root.
    Foreign(String),
    Broken(String),
}

/// A file while it is read, and the tests of all so far.
#[derive(Default)]
struct Document {
    tests: Collector,
    is_report: bool,
    depth: usize,
    /// Names of the suites around, and how deep they are.
    suites: Vec<(usize, String)>,
    /// How deep the suites around are that count what does not pass, how much
    /// that is, and what was found before them.
    claims: Vec<(usize, u64, u64)>,
    /// Verdicts other than that a test was skipped.
    found: u64,
    /// A suite that counts more than it tells of.
    untold: Option<String>,
    case: Option<Case>,
    /// That pytest was at last, to put what its tear-down says to it.
    last: Option<(String, String)>,
    /// Seconds: of all, of the outer suites, of the tests.
    whole: Option<f64>,
    outer: Option<f64>,
    single: Option<f64>,
}

/// A `testcase` while it is read.
struct Case {
    name: String,
    depth: usize,
    outcome: Outcome,
    message: String,
    /// What its verdict's element says beside its message.
    text: String,
    is_in_verdict: bool,
    is_collection: bool,
    is_teardown: bool,
    /// What its own attributes say of it, where no verdict is in it.
    by_attribute: Outcome,
}

impl Document {
    fn begin(&mut self) {
        let tests = std::mem::take(&mut self.tests);
        *self = Document { tests, is_report: self.is_report, ..Document::default() };
    }

    /// How long it took, by the widest that tells.
    fn seconds(&self) -> Option<f64> {
        self.whole.or(self.outer).or(self.single)
    }

    fn read(&mut self, text: &str) -> Result<(), Unfit> {
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event().map_err(|error| Unfit::Broken(error.to_string()))?;
            match event {
                Event::Start(element) => self.open(&element)?,
                Event::Empty(element) => {
                    self.open(&element)?;
                    self.close();
                }
                Event::End(_) => self.close(),
                Event::Text(text) => self.say(&text.xml10_content()),
                Event::CData(text) => self.say(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok().flatten();
                    let known = quick_xml::escape::resolve_predefined_entity(&reference);
                    match (character, known) {
                        (Some(character), _) => self.say(character.encode_utf8(&mut [0; 4])),
                        (None, Some(text)) => self.say(text),
                        (None, None) => {}
                    }
                }
                Event::Eof if self.depth > 0 => {
                    return Err(Unfit::Broken("it ends in the middle".to_owned()));
                }
                Event::Eof if self.is_report => return Ok(()),
                Event::Eof => return Err(Unfit::Broken("it is empty".to_owned())),
                _ => {}
            }
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), Unfit> {
        let name = element.local_name().into_inner().to_owned();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unfit::Broken(format!("it is deeper than {DEEPEST} elements")));
        }
        if self.depth == 1 {
            if !["testsuites", "testsuite"].contains(&name.as_str()) {
                self.depth = 0;
                return Err(Unfit::Foreign(name));
            }
            self.is_report = true;
        }
        let seconds = || attribute(element, "time").and_then(|time| seconds(&time));
        match name.as_str() {
            "testsuites" => self.whole = seconds(),
            "testsuite" => {
                if self.suites.is_empty() {
                    add(&mut self.outer, seconds());
                }
                self.suites.push((self.depth, attribute(element, "name").unwrap_or_default()));
                let count = |name| attribute(element, name).and_then(|count| count.parse().ok());
                let [failures, errors]: [Option<u64>; 2] = ["failures", "errors"].map(count);
                let claim = failures.unwrap_or(0).saturating_add(errors.unwrap_or(0));
                self.claims.push((self.depth, claim, self.found));
            }
            "testcase" if self.case.is_none() => {
                add(&mut self.single, seconds());
                self.case = Some(self.case_of(element));
            }
            "failure" | "error" | "skipped" => self.judge(&name, element),
            _ => {}
        }
        Ok(())
    }

    fn case_of(&self, element: &BytesStart<'_>) -> Case {
        let name = attribute(element, "name").unwrap_or_default();
        let class = attribute(element, "classname");
        let suite = || self.suites.last().map(|(_, name)| name.clone()).unwrap_or_default();
        let class = class.unwrap_or_else(suite);
        let status = attribute(element, "status").unwrap_or_default();
        let is_said_to_fail = ["status", "result"].iter().any(|name| {
            let said = attribute(element, name).unwrap_or_default();
            FAILED.iter().any(|word| said.eq_ignore_ascii_case(word))
        });
        // GoogleTest lists what it did not run.
        let is_run = !["notrun", "disabled", "skipped"].contains(&status.as_str());
        Case {
            name: if class.is_empty() { name } else { format!("{class}::{name}") },
            depth: self.depth,
            outcome: if is_run { Outcome::Passed } else { Outcome::Skipped },
            message: String::new(),
            text: String::new(),
            is_in_verdict: false,
            is_collection: false,
            is_teardown: false,
            by_attribute: if is_said_to_fail { Outcome::Failed } else { Outcome::Passed },
        }
    }

    /// Takes in the verdict of the test that is read; the worst one counts.
    fn judge(&mut self, verdict: &str, element: &BytesStart<'_>) {
        let Some(case) = self.case.as_mut().filter(|case| self.depth == case.depth + 1) else {
            return;
        };
        let message = attribute(element, "message").unwrap_or_default();
        let outcome = match verdict {
            "failure" => Outcome::Failed,
            "error" => Outcome::Error,
            _ => Outcome::Skipped,
        };
        self.found += u64::from(outcome != Outcome::Skipped);
        let is_worse = case.outcome == Outcome::Passed
            || (case.outcome == Outcome::Skipped && outcome != Outcome::Skipped);
        if is_worse {
            // As pytest names what it could not import.
            case.is_collection = outcome == Outcome::Error && message == "collection failure";
            case.is_teardown = message.starts_with("failed on teardown");
            case.outcome = outcome;
            case.message = message;
            case.text = String::new();
            case.is_in_verdict = true;
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(case) = self.case.as_mut().filter(|case| case.is_in_verdict)
            && self.depth == case.depth + 1
            && case.text.len() < TEXT
        {
            case.text.push_str(text);
        }
    }

    fn close(&mut self) {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        let _ = self.suites.pop_if(|(opened, _)| *opened == depth);
        if let Some((_, claim, before)) = self.claims.pop_if(|(opened, ..)| *opened == depth)
            && claim > self.found - before
        {
            let told = self.found - before;
            self.untold.get_or_insert(format!(
                "a suite counts {claim} failures and errors, and tells of {told}"
            ));
        }
        if let Some(case) = &mut self.case
            && depth == case.depth + 1
        {
            case.is_in_verdict = false;
        }
        if let Some(mut case) = self.case.take_if(|case| depth == case.depth) {
            if case.outcome == Outcome::Passed {
                case.outcome = case.by_attribute;
                self.found += u64::from(case.outcome == Outcome::Failed);
            }
            self.keep(case);
        }
    }

    fn keep(&mut self, case: Case) {
        let last_line = || {
            let line = case.text.lines().rev().map(str::trim).find(|line| !line.is_empty());
            line.map_or("", |line| line.strip_prefix("E ").unwrap_or(line).trim())
        };
        // As nextest tells it.
        let panic = libtest::panic_in(&case.text);
        let (outcome, message) = if case.is_collection {
            (Outcome::Unloaded, last_line())
        } else if let Some(panic) = &panic {
            (case.outcome, panic.as_str())
        } else if case.message.trim().is_empty() {
            (case.outcome, case.text.as_str())
        } else {
            (case.outcome, case.message.as_str())
        };
        let message = if outcome == Outcome::Passed { "" } else { message };
        // What fails, and breaks in its tear-down as well, pytest writes twice.
        if case.is_teardown
            && let Some((name, id)) = &self.last
            && *name == case.name
            && self.tests.get_mut(id).is_some_and(|test| test.outcome == Outcome::Failed)
        {
            return;
        }
        let id = self.tests.add(&case.name, Test::new(outcome, message));
        self.last = Some((case.name, id));
    }
}

fn add(sum: &mut Option<f64>, seconds: Option<f64>) {
    if let Some(seconds) = seconds {
        *sum = Some(sum.unwrap_or(0.0) + seconds);
    }
}

/// `1,234.5`: a comma is between thousands, or this is no time.
fn seconds(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let has_sense = whole.split_once(',').is_none_or(|(first, rest)| {
        (1..=3).contains(&first.len()) && rest.split(',').all(|group| group.len() == 3)
    });
    let seconds: f64 = format!("{}{fraction}", whole.replace(',', "")).parse().ok()?;
    (has_sense && seconds >= 0.0).then_some(seconds)
}

/// An attribute's value; as it is written where an entity in it is unknown.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().into_inner() == name)?;
    let value = quick_xml::escape::unescape(&found.value);
    Some(value.map_or_else(|_| found.value.clone().into_owned(), std::borrow::Cow::into_owned))
}

#[cfg(test)]
mod tests;
