//! mypy's text, and its `--output=json`.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::embedded;
use super::kinds::Kinds;
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Message {
    file: String,
    code: Option<String>,
    severity: String,
}

/// Errors, files with errors, and how many there are of a kind. Of code that
/// cannot be parsed mypy checks nothing, so that it is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let (mut kinds, mut files, mut errors) = (Kinds::default(), BTreeSet::new(), 0_u32);
    let mut is_whole = false;
    for Part { text, .. } in parts {
        if text.contains("(errors prevented further checking)") {
            return blocked();
        }
        // As JSON, nothing is said of code without errors, and nothing at the end.
        is_whole |= text.trim().is_empty();
        is_whole |= text.lines().any(is_summary);
        let messages = embedded::lines::<Message>(text).map(|message| (true, message));
        let printed = text.lines().filter_map(message).map(|message| (false, message));
        for (is_json, Message { file, code, severity }) in messages.chain(printed) {
            is_whole |= is_json;
            if severity != "error" {
                continue;
            }
            if code.as_deref() == Some("syntax") {
                return blocked();
            }
            errors = errors.saturating_add(1);
            kinds.count(code.as_deref().unwrap_or("other"));
            files.insert(file);
        }
    }
    if !is_whole {
        return Readings::troubled("mypy said neither `Success` nor how many errors it `Found`");
    }
    let is_kind = !matches!(name, "errors" | "files") && !name.is_empty();
    let mut numbers = kinds.numbers(Some(name).filter(|_| is_kind));
    numbers.push(("errors".to_owned(), f64::from(errors)));
    numbers.push(("files".to_owned(), files.len() as f64));
    Readings::of(name, numbers)
}

fn blocked() -> Readings {
    Readings::troubled(
        "mypy stopped at what it cannot parse, and checked nothing else; mend the file, or exclude it",
    )
}

/// `Found 3 errors in 1 file (checked 5 source files)`, `Success: no issues found`.
fn is_summary(line: &str) -> bool {
    line.starts_with("Success: ") || line.starts_with("Found ") && line.contains(" error")
}

/// `tool.py:14: error: Incompatible return value type  [return-value]`, with a
/// column or more before the severity where that is asked for.
fn message(line: &str) -> Option<Message> {
    let (place, text) = line.split_once(": error: ")?;
    let (file, rest) = place.split_once(':')?;
    let is_place = rest.split(':').all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let code =
        text.strip_suffix(']').and_then(|text| text.rsplit_once("  [")).map(|(_, code)| code);
    is_place.then(|| Message {
        file: file.to_owned(),
        code: code.map(str::to_owned),
        severity: "error".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    fn read(name: &str, text: &str) -> Readings {
        super::read(name, &[part("", text)])
    }

    /// mypy 2.4.1, as it printed it.
    const TEXT: &str = include_str!("recorded/mypy.txt");
    const JSON: &str = include_str!("recorded/mypy.jsonl");

    #[test]
    fn errors_are_counted_in_all_and_by_kind_in_text_and_json() {
        let readings = read("errors", TEXT);
        assert_eq!(readings.metric, Some(4.0));
        assert_eq!(readings.secondary.get("files"), Some(&1.0));
        assert_eq!(readings.secondary.get("return-value"), Some(&1.0));
        assert_eq!(read("errors", JSON), readings);
        assert_eq!(read("name-defined", TEXT).metric, Some(1.0));
        assert_eq!(read("arg-type", TEXT).metric, Some(0.0));
    }

    #[test]
    fn no_error_is_zero_only_where_mypy_says_so() {
        assert_eq!(read("errors", "Success: no issues found in 1 source file\n").metric, Some(0.0));
        assert_eq!(read("errors", "").metric, Some(0.0));
        assert!(read("errors", "usage: mypy\n").trouble.is_some());
        let blocked = "bad.py:1: error: Expected an identifier  [syntax]\n\
                       Found 3 errors in 1 file (errors prevented further checking)\n";
        assert!(read("errors", blocked).trouble.unwrap().contains("cannot parse"));
    }
}
