//! pylint's text (its default output), and its `json2`.

use serde::Deserialize;

use super::embedded;
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Json2 {
    messages: Vec<Finding>,
    statistics: Statistics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    message_id: String,
    message: String,
    path: String,
    line: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    message_type_count: Counts,
    score: Option<f64>,
}

#[derive(Deserialize)]
struct Counts {
    fatal: u32,
    error: u32,
    warning: u32,
    refactor: u32,
    convention: u32,
}

/// Messages by kind, and the score of the last `Your code has been rated at`. A file
/// that pylint cannot check has one message and no other, so that it is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let reports = parts.iter().flat_map(|part| embedded::values::<Json2>(&part.text, '{').0);
    let reports: Vec<Json2> = reports.collect();
    if !reports.is_empty() {
        return of_json(name, &reports);
    }
    let (mut errors, mut warnings, mut refactors, mut conventions) = (0, 0, 0, 0);
    let mut score = None;
    for line in parts.iter().flat_map(|part| part.text.lines()) {
        if let Some(rest) = line.trim_start().strip_prefix("Your code has been rated at ") {
            score = rest.split('/').next().and_then(|number| number.trim().parse::<f64>().ok());
        }
        match id(line) {
            Some(id) if hides_a_file(id) => return unchecked(line),
            Some(id) if id.starts_with('E') => errors += 1,
            Some(id) if id.starts_with('W') => warnings += 1,
            Some(id) if id.starts_with('R') => refactors += 1,
            Some(id) if id.starts_with('C') => conventions += 1,
            _ => {}
        }
    }
    readings(name, score, [errors, warnings, refactors, conventions])
}

/// Of several runs the messages add up, and the last score counts, as in text.
fn of_json(name: &str, reports: &[Json2]) -> Readings {
    let mut messages = reports.iter().flat_map(|report| &report.messages);
    if let Some(found) = messages.find(|message| hides_a_file(&message.message_id)) {
        let Finding { path, line, message, .. } = found;
        return unchecked(&format!("{path}:{}: {message}", line.unwrap_or(1)));
    }
    let mut counts = [0_u32; 4];
    for Json2 { statistics: Statistics { message_type_count: more, .. }, .. } in reports {
        if more.fatal > 0 {
            return unchecked("json2 counts something fatal");
        }
        let more = [more.error, more.warning, more.refactor, more.convention];
        counts.iter_mut().zip(more).for_each(|(count, more)| *count = count.saturating_add(more));
    }
    readings(name, reports.last().and_then(|report| report.statistics.score), counts)
}

/// A syntax error, or anything fatal, as a file that is not there.
fn hides_a_file(id: &str) -> bool {
    id == "E0001" || id.starts_with('F')
}

fn unchecked(words: &str) -> Readings {
    let words: String = words.trim().chars().take(200).collect();
    Readings::troubled(format!("pylint cannot check a file: {words}; mend it, or exclude it"))
}

fn readings(name: &str, score: Option<f64>, counts: [u32; 4]) -> Readings {
    let Some(score) = score else {
        return Readings::troubled(
            "pylint printed no score; it has none for code without statements, and none with `--score=n`",
        );
    };
    let kinds = ["errors", "warnings", "refactors", "conventions"];
    let kinds = kinds.into_iter().zip(counts.map(f64::from));
    let numbers = [("score", score), ("messages", counts.map(f64::from).iter().sum())];
    let numbers = numbers.into_iter().chain(kinds);
    Readings::of(name, numbers.map(|(name, value)| (name.to_owned(), value)))
}

/// The id of the message in `path:line:column: C0114: …`, or in
/// `path:line: [C0114(…), …] …`, as a form that is often configured has it.
fn id(line: &str) -> Option<&str> {
    line.split(": ").skip(1).take(2).find_map(|part| {
        let id = part.strip_prefix('[').unwrap_or(part).split([':', '(']).next()?;
        let digits = id.strip_prefix(|kind: char| kind.is_ascii_uppercase())?;
        let is_id = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
        is_id.then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Readings {
        let part = Part { path: String::new(), bytes: text.len() as u64, text: text.to_owned() };
        super::read("score", &[part])
    }

    /// pylint 3.3, as it printed it.
    #[test]
    fn messages_are_counted_by_kind_and_the_score_is_the_metric() {
        let readings = read(
            "************* Module tool\n\
             tool.py:1:0: C0114: Missing module docstring (missing-module-docstring)\n\
             tool.py:3:0: W0611: Unused import os (unused-import)\n\
             tool.py:9:4: E1101: Module 'os' has no 'foo' member (no-member)\n\n\
             ------------------------------------------------------------------\n\
             Your code has been rated at 3.33/10 (previous run: 2.00/10, +1.33)\n\n",
        );
        assert_eq!(readings.metric, Some(3.33));
        assert_eq!(readings.secondary.get("messages"), Some(&3.0));
        assert_eq!(readings.secondary.get("errors"), Some(&1.0));
        assert_eq!(readings.trouble, None);
    }

    /// pylint 4.1.4, as it printed it.
    #[test]
    fn json2_says_the_same() {
        let readings = read(include_str!("recorded/pylint.json"));
        assert_eq!(readings.metric, Some(0.0));
        assert_eq!(readings.secondary.get("messages"), Some(&11.0));
        assert_eq!(readings.secondary.get("errors"), Some(&2.0));
        assert_eq!(readings.secondary.get("conventions"), Some(&5.0));
    }

    /// pylint 4.1.4, as it printed both of two files of which the second does not parse.
    #[test]
    fn a_file_that_cannot_be_checked_is_trouble_and_not_free_of_messages() {
        for broken in [
            include_str!("recorded/pylint-broken.txt"),
            include_str!("recorded/pylint-broken.json"),
        ] {
            let why = read(broken).trouble.unwrap();
            assert!(why.contains("b.py:4:"), "{why}");
            assert!(why.contains("Parsing failed: 'invalid syntax (b, line 4)'"), "{why}");
        }
        let template = "b.py:4: [E0001(syntax-error), ] Parsing failed\n";
        assert!(read(template).trouble.unwrap().contains("b.py:4"));
        let gone = "gone.py:1:0: F0001: No module named gone.py (fatal)\n\n\
                    Your code has been rated at 0.00/10\n";
        assert!(read(gone).trouble.unwrap().contains("No module named gone.py"));
    }

    #[test]
    fn the_messages_of_several_runs_add_up() {
        let one = include_str!("recorded/pylint.json");
        let readings = read(&format!("{one}\n{one}"));
        assert_eq!(readings.secondary.get("messages"), Some(&22.0));
    }

    #[test]
    fn a_score_below_zero_is_a_score_and_none_is_said() {
        assert_eq!(read("Your code has been rated at -1.25/10\n").metric, Some(-1.25));
        assert!(read("nothing to lint\n").trouble.unwrap().contains("no score"));
    }
}
