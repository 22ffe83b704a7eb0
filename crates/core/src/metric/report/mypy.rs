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

/// The kinds of errors; mypy 2.4.1 (`mypy.errorcodes`), without `syntax`.
const CODES: &str = "\
    abstract annotation-unchecked arg-type assert-type assignment attr-defined await-not-async \
    call-arg call-overload comparison-overlap deprecated dict-item empty-body exhaustive-match \
    exit-return explicit-any explicit-override func-returns-value has-type ignore-without-code \
    import import-not-found import-untyped index list-item literal-required \
    maybe-unrecognized-str-typeform metaclass method-assign misc mutable-override name-defined \
    name-match narrowed-type-not-subtype no-any-return no-any-unimported no-overload-impl \
    no-redef no-untyped-call no-untyped-def nonetype-type operator overload-cannot-match \
    overload-overlap override possibly-undefined prop-decorator redundant-cast redundant-expr \
    redundant-self return return-value safe-super str-bytes-safe str-format str-unpack \
    top-level-await truthy-bool truthy-function truthy-iterable type-abstract type-arg type-var \
    typeddict-item typeddict-readonly-mutated typeddict-unknown-key unimported-reveal union-attr \
    unreachable untyped-decorator unused-awaitable unused-coroutine unused-ignore \
    used-before-def valid-newtype valid-type var-annotated";

/// Errors, files with errors, and how many there are of a kind. Of code that
/// cannot be parsed mypy checks nothing, so that it is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let (mut kinds, mut files, mut errors) = (Kinds::default(), BTreeSet::new(), 0_u32);
    // Of the lines of text, and as mypy itself sums them up.
    let (mut printed, mut found, mut without_kind) = (0_u32, None, 0_u32);
    let mut is_whole = false;
    for Part { text, .. } in parts {
        if text.contains("(errors prevented further checking)") {
            return blocked();
        }
        let messages = match embedded::lines::<Message>(text, "{") {
            Ok(messages) => messages,
            Err(line) => return Readings::troubled(embedded::unread("mypy", line)),
        };
        // As JSON, nothing is said of code without errors, and nothing at the end.
        is_whole |= text.trim().is_empty() || !messages.is_empty();
        for line in text.lines() {
            is_whole |= line.starts_with("Success: ");
            if let Some(count) = summary(line) {
                found = Some(count.saturating_add(found.unwrap_or(0)));
            }
        }
        let lines: Vec<Message> = text.lines().filter_map(message).collect();
        printed = printed.saturating_add(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        for Message { file, code, severity } in messages.into_iter().chain(lines) {
            if severity != "error" {
                continue;
            }
            if code.as_deref() == Some("syntax") {
                return blocked();
            }
            errors = errors.saturating_add(1);
            without_kind = without_kind.saturating_add(u32::from(code.is_none()));
            kinds.count(code.as_deref().unwrap_or("other"));
            files.insert(file);
        }
    }
    match found {
        Some(found) if found != printed => {
            return Readings::troubled(format!(
                "mypy found {found} errors, of which {printed} can be read; add `--no-pretty` to the command"
            ));
        }
        None if !is_whole => {
            return Readings::troubled(
                "mypy said neither `Success` nor how many errors it `Found`; add `--error-summary` to the command",
            );
        }
        _ => {}
    }
    if without_kind > 0 && is_code(name) {
        return Readings::troubled(format!(
            "mypy does not say of what kind {without_kind} of the errors are; add `--no-pretty --show-error-codes` to the command"
        ));
    }
    let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
    kinds.readings(name, &[("errors", errors), ("files", files)], is_code)
}

/// One of mypy itself, or of the plugins of pydantic and Django.
pub(super) fn is_code(name: &str) -> bool {
    let is_own = CODES.split(' ').any(|code| code == name);
    is_own || name.starts_with("pydantic-") || name.starts_with("django-")
}

fn blocked() -> Readings {
    Readings::troubled(
        "mypy stopped at what it cannot parse, and checked nothing else; mend the file, or exclude it",
    )
}

/// The errors of `Found 3 errors in 1 file (checked 5 source files)`.
fn summary(line: &str) -> Option<u32> {
    let (count, rest) = line.strip_prefix("Found ")?.split_once(" error")?;
    rest.contains(" file").then(|| count.parse().ok())?
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

    /// mypy 2.4.1 with `pretty = true`, as it printed it.
    #[test]
    fn errors_that_are_wrapped_are_not_overlooked() {
        let long = "package/another_package/some_module_with_a_name_that_is_rather_long.py:2: error:\n\
                    Incompatible return value type (got \"int\", expected \"str\")  [return-value]\n\
                    \x20       return x\n\
                    \x20              ^\n\
                    Found 1 error in 1 file (checked 1 source file)\n";
        let why = read("errors", long).trouble.unwrap();
        assert_eq!(
            why,
            "mypy found 1 errors, of which 0 can be read; add `--no-pretty` to the command"
        );
        let short = "m.py:2: error: Incompatible return value type (got \"int\", expected \"str\") \n\
                     [return-value]\n\
                     \x20       return x\n\
                     \x20              ^\n\
                     Found 1 error in 1 file (checked 1 source file)\n";
        assert_eq!(read("errors", short).metric, Some(1.0));
        for kind in ["return-value", "arg-type"] {
            let why = read(kind, short).trouble.unwrap();
            assert!(why.contains("of what kind 1 of the errors are"), "{why}");
        }
    }

    #[test]
    fn a_kind_that_mypy_does_not_know_is_no_zero() {
        let why = read("errorz", TEXT).trouble.unwrap();
        assert!(why.starts_with("there is no `errorz`; there are `attr-defined`"), "{why}");
        assert_eq!(read("asignment", JSON).metric, None);
        assert_eq!(read("pydantic-field", TEXT).metric, Some(0.0));
        // One that is newer than the list.
        let new = TEXT.replace("[return]", "[brand-new]");
        assert_eq!(read("brand-new", &new).metric, Some(1.0));
    }

    #[test]
    fn a_line_of_json_that_is_cut_is_trouble() {
        let cut = &JSON.trim()[..JSON.trim().len() - 5];
        assert!(read("errors", cut).trouble.unwrap().contains("cannot be read"));
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
