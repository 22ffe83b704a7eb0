//! What `cargo test` prints: the lines of several test programs and of the
//! documentation's examples, one after the other. (libtest's JSON is not stable.)

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::metric::ansi::Stripper;
use crate::metric::{Part, Readings};
use crate::suite::{Collector, Outcome, Test};

/// The tests of every program that cargo ran.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut output = Output::default();
    for part in parts {
        let mut stripper = Stripper::default();
        let plain = String::from_utf8_lossy(stripper.strip(part.text.as_bytes())).into_owned();
        plain.lines().for_each(|line| output.take(line));
        output.finish_program();
    }
    if !output.has_run {
        return Readings::troubled(output.complaint());
    }
    output.tests.readings(name, Some(output.seconds))
}

/// The output while it is read.
#[derive(Default)]
struct Output {
    tests: Collector,
    has_run: bool,
    seconds: f64,
    program: Option<Program>,
    /// The first line that says `error`, where nothing ran yet, and where it points.
    error: Option<String>,
    is_uncompiled: bool,
}

/// A test program while its lines are read.
#[derive(Default)]
struct Program {
    /// What its tests' ids begin with.
    label: String,
    is_documentation: bool,
    /// Tests that it said it would run; none where it is no libtest program.
    expected: Option<usize>,
    /// Verdicts by name as printed; the worst one counts.
    found: BTreeMap<String, Outcome>,
    messages: BTreeMap<String, String>,
    /// The test whose verdict is not there yet.
    pending: Option<String>,
    /// Whether what failed is told now, with what it printed.
    is_dump: bool,
    /// Whose words those are.
    speaker: Option<String>,
    /// What cargo says of its end.
    end: Option<String>,
    is_summed_up: bool,
}

impl Output {
    fn take(&mut self, line: &str) {
        let indented = line.starts_with(' ').then(|| line.trim());
        if let Some(label) = indented.and_then(program_of) {
            self.begin(label, false);
        } else if let Some(package) = indented.and_then(|line| line.strip_prefix("Doc-tests ")) {
            self.begin(format!("doc {package}"), true);
        } else if let Some(program) = &mut self.program {
            if let Some(seconds) = program.take(line) {
                self.seconds += seconds;
            }
        } else {
            self.complain(line);
        }
    }

    fn begin(&mut self, label: String, is_documentation: bool) {
        self.finish_program();
        self.has_run = true;
        self.program = Some(Program { label, is_documentation, ..Program::default() });
    }

    fn complain(&mut self, line: &str) {
        self.is_uncompiled |= line.starts_with("error: could not compile");
        match &mut self.error {
            None if line.starts_with("error") => self.error = Some(line.to_owned()),
            Some(error) if !error.contains('\n') => {
                if let Some(place) = line.trim().strip_prefix("--> ") {
                    let _ = write!(error, "\n({place})");
                }
            }
            _ => {}
        }
    }

    /// Why nothing ran.
    fn complaint(&self) -> String {
        let Some(error) = &self.error else {
            return "cargo ran no tests, and did not say why".to_owned();
        };
        let error = Test::new(Outcome::Error, error).message;
        let what = if self.is_uncompiled || error.starts_with("error[") {
            "does not compile"
        } else {
            "cargo could not run the tests"
        };
        format!("{what}: {error}")
    }

    fn finish_program(&mut self) {
        let Some(program) = self.program.take() else { return };
        let Program { label, end, expected, .. } = &program;
        let Some(expected) = *expected else {
            // One with a `main` of its own (`harness = false`) is a test itself. What
            // has no examples says so, and is none.
            if !program.is_documentation {
                let outcome = if end.is_none() { Outcome::Passed } else { Outcome::Failed };
                self.tests.add(label, Test::new(outcome, end.as_deref().unwrap_or_default()));
            }
            return;
        };
        if !program.is_summed_up || program.found.len() < expected {
            let left = expected.saturating_sub(program.found.len());
            let at = program.pending.as_ref().map_or(String::new(), |name| format!(" in `{name}`"));
            let why = end.as_deref().unwrap_or("it ended before its tests were done");
            let message = format!("{why}{at}; {left} of {expected} tests did not end");
            self.tests.add(label, Test::new(Outcome::Unloaded, &message));
        }
        // Examples are named by their lines, which move: of one item, by their order.
        let mut found: Vec<(String, u64, &String, Outcome)> = Vec::new();
        for (raw, outcome) in &program.found {
            let (name, line) = name_of(raw);
            found.push((name, line, raw, *outcome));
        }
        found.sort();
        for (name, _, raw, outcome) in found {
            let message = program.messages.get(raw).map_or("", String::as_str);
            let message = if outcome == Outcome::Passed { "" } else { message };
            self.tests.add(&format!("{label}::{name}"), Test::new(outcome, message));
        }
    }
}

impl Program {
    /// Takes the next line; the seconds that it tells of, if it does.
    fn take(&mut self, line: &str) -> Option<f64> {
        if let Some(rest) = line.strip_prefix("running ")
            && let Some((count, "test" | "tests")) = rest.split_once(' ')
            && let Ok(count) = count.parse::<usize>()
        {
            // Examples that cannot be merged into one program run after the others.
            self.expected = Some(self.expected.unwrap_or(0).saturating_add(count));
            (self.is_dump, self.is_summed_up) = (false, false);
        } else if let Some(summary) = line.strip_prefix("test result: ") {
            (self.is_dump, self.is_summed_up) = (false, true);
            return summary.rsplit_once("finished in ")?.1.strip_suffix('s')?.parse().ok();
        } else if line.starts_with("error: ") && line.contains("test failed") {
            self.end.get_or_insert_with(|| "it failed".to_owned());
            self.is_dump = false;
        } else if let Some((_, how)) = line
            .trim_start()
            .strip_prefix("process didn't exit successfully: `")
            .and_then(|rest| rest.split_once("` ("))
        {
            self.end = Some(format!("it was ended by {}", how.trim_end_matches(')')));
        } else if line == "failures:" || line == "successes:" {
            (self.is_dump, self.speaker) = (true, None);
        } else if self.is_dump {
            self.listen(line);
        } else if let Some(rest) = line.strip_prefix("test ") {
            self.verdict(rest);
        } else if let Some(name) = self.pending.take_if(|_| outcome_of(line).is_some()) {
            // What a test printed may stand between its name and its verdict.
            self.found(name, outcome_of(line).unwrap_or(Outcome::Error));
        }
        None
    }

    /// `name ... ok`.
    fn verdict(&mut self, rest: &str) {
        if let Some((name, verdict)) = rest.rsplit_once(" ... ")
            && let Some(outcome) = outcome_of(verdict)
        {
            self.pending = None;
            if let Some(reason) = verdict.strip_prefix("ignored, ") {
                self.messages.insert(name.to_owned(), reason.to_owned());
            }
            self.found(name.to_owned(), outcome);
        } else if let Some((name, _)) = rest.split_once(" ...") {
            self.pending = Some(name.to_owned());
        }
    }

    fn found(&mut self, name: String, outcome: Outcome) {
        let worst = self.found.entry(name).or_insert(outcome);
        // A name is unique; whoever prints a verdict of his own does not win by it.
        if *worst == Outcome::Passed {
            *worst = outcome;
        }
    }

    /// A line of what a failed test printed.
    fn listen(&mut self, line: &str) {
        let told = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        if let Some(name) = told {
            self.speaker = Some(name.to_owned());
            return;
        }
        if ends_a_panic(line) {
            self.speaker = None;
        }
        let Some(name) = &self.speaker else { return };
        // What is said before the panic is the test's own.
        if let Some(place) = panicked_at(line) {
            self.messages.insert(name.clone(), format!("{place} "));
        } else if let Some(message) = self.messages.get_mut(name)
            && message.len() < 4096
        {
            message.push_str(line);
            message.push(' ');
        } else if !line.trim().is_empty() && !self.messages.contains_key(name) {
            self.messages.insert(name.clone(), format!("{line} "));
        }
    }
}

/// What the tests of `Running unittests src/lib.rs (target/debug/deps/tiny-b84)` are
/// called by: the program's name, with its file where that is not what a name says.
fn program_of(line: &str) -> Option<String> {
    let (source, path) = line.strip_prefix("Running ")?.strip_suffix(')')?.split_once(" (")?;
    let file = path.rsplit(['/', '\\']).next()?;
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    let source = source.strip_prefix("unittests ").unwrap_or(source);
    let is_usual = source == "src/lib.rs" || source.starts_with("tests/");
    Some(if is_usual { name.to_owned() } else { format!("{name} ({source})") })
}

/// A test's name without what it is expected to do, and the line of an example.
fn name_of(raw: &str) -> (String, u64) {
    let mut name = raw;
    for suffix in [" - should panic", " - compile fail", " - compile"] {
        name = name.strip_suffix(suffix).unwrap_or(name);
    }
    let line = name.strip_suffix(')').and_then(|name| name.rsplit_once(" (line "));
    match line.and_then(|(name, line)| Some((name, line.parse().ok()?))) {
        Some((name, line)) => (name.to_owned(), line),
        None => (name.to_owned(), 0),
    }
}

/// The outcome that a verdict means.
fn outcome_of(verdict: &str) -> Option<Outcome> {
    let word = verdict.split([' ', ',', ':']).next()?;
    match word {
        "ok" | "bench" => Some(Outcome::Passed),
        "FAILED" => Some(Outcome::Failed),
        "ignored" => Some(Outcome::Skipped),
        _ => None,
    }
}

/// Where a thread panicked, by the line that says so.
fn panicked_at(line: &str) -> Option<&str> {
    line.strip_prefix("thread '")?.rsplit_once("panicked at ").map(|(_, place)| place)
}

fn ends_a_panic(line: &str) -> bool {
    line.starts_with("stack backtrace:") || line.starts_with("note: ")
}

/// Place and words of the first panic in a text, without the thread's number.
pub(super) fn panic_in(text: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| panicked_at(line).is_none());
    let place = lines.next().and_then(panicked_at)?;
    let said = lines.take_while(|line| !ends_a_panic(line)).map(str::trim);
    Some(std::iter::once(place).chain(said).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests;
