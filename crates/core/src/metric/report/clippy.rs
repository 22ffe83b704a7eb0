//! `cargo clippy --message-format=json`: cargo's messages, one a line
//! (<https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>).
//! What cargo has in its cache it tells again.

use std::collections::HashSet;

use serde::Deserialize;

use super::embedded;
use super::kinds::Kinds;
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerMessage {
        message: Diagnostic,
    },
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    #[serde(default)]
    message: String,
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize, PartialEq, Eq, Hash)]
struct Code {
    code: String,
}

#[derive(Deserialize, PartialEq, Eq, Hash)]
struct Span {
    file_name: String,
    byte_start: u64,
    byte_end: u64,
}

/// Warnings in all and by lint, each once however many targets a file is
/// compiled for. What does not compile hides what stands behind it, and so does
/// a lint that is denied: that is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let (mut kinds, mut seen) = (Kinds::default(), HashSet::new());
    let (mut warnings, mut clippy) = (0_u32, 0_u32);
    let mut is_finished = None;
    let mut failure = None;
    let mut lines = Vec::new();
    for part in parts {
        match embedded::lines::<Line>(&part.text, "{\"reason\":") {
            Ok(more) => lines.extend(more),
            Err(line) => return Readings::troubled(embedded::unread("cargo", line)),
        }
    }
    for line in lines {
        match line {
            Line::BuildFinished { success } => {
                is_finished = Some(is_finished.unwrap_or(true) && success);
            }
            Line::CompilerMessage { message } if message.level.starts_with("error") => {
                failure.get_or_insert(message);
            }
            // One without a lint is a summary, or cargo's own.
            Line::CompilerMessage {
                message: Diagnostic { level, message, code: Some(code), spans },
            } if level == "warning" => {
                let lint = code.code.clone();
                if seen.insert((code, message, spans)) {
                    warnings = warnings.saturating_add(1);
                    clippy = clippy.saturating_add(u32::from(lint.starts_with("clippy::")));
                    kinds.count(&lint);
                }
            }
            Line::CompilerMessage { .. } | Line::Other => {}
        }
    }
    match (is_finished, failure) {
        (Some(true), _) => {}
        (_, Some(message)) => return Readings::troubled(failed(&message)),
        (Some(false), None) => return Readings::troubled("cargo could not build everything"),
        (None, None) => {
            return Readings::troubled(
                "cargo did not say that it finished; let it run with `--message-format=json`",
            );
        }
    }
    kinds.readings(name, &[("warnings", warnings), ("clippy", clippy)], is_lint)
}

/// `clippy::needless_return`, `rustdoc::bare_urls`, `unused_variables`.
pub(super) fn is_lint(name: &str) -> bool {
    let of_a_tool = ["clippy::", "rustdoc::"].iter().find_map(|tool| name.strip_prefix(tool));
    let lint = of_a_tool.unwrap_or(name);
    let is_word = lint.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    // All but one of rustc 1.95's have two words, and none of them is a typing error
    // for a number of ours.
    let is_known = of_a_tool.is_some() || lint.contains('_') || lint == "deprecated";
    !lint.is_empty() && is_word && is_known
}

fn failed(Diagnostic { message, code, spans, .. }: &Diagnostic) -> String {
    let place = spans.first().map(|span| format!(" in `{}`", span.file_name)).unwrap_or_default();
    // rustc's own errors have a number, and those of its parser nothing.
    let lint = code.as_ref().filter(|code| !is_number(&code.code));
    match lint {
        Some(Code { code }) => format!(
            "`{code}` is denied{place} and hides what stands behind it; add `-- --cap-lints=warn` to the command"
        ),
        None => format!("it does not compile: {message}{place}"),
    }
}

fn is_number(code: &str) -> bool {
    code.strip_prefix('E').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    fn read(name: &str, text: &str) -> Readings {
        super::read(name, &[part("", text)])
    }

    /// clippy 0.1.95, as cargo printed it.
    const LINES: &str = include_str!("recorded/clippy.jsonl");
    const DENIED: &str = include_str!("recorded/clippy-denied.jsonl");
    const BROKEN: &str = include_str!("recorded/clippy-broken.jsonl");

    #[test]
    fn a_lint_counts_once_however_many_targets_have_it() {
        let readings = read("warnings", LINES);
        assert_eq!(readings.metric, Some(5.0));
        assert_eq!(readings.secondary.get("clippy"), Some(&4.0));
        assert_eq!(readings.secondary.get("clippy::needless_return"), Some(&2.0));
        assert_eq!(read("clippy::needless_return", LINES).metric, Some(2.0));
        assert_eq!(read("clippy::len_without_is_empty", LINES).metric, Some(0.0));
        assert_eq!(read("unused_mut", LINES).metric, Some(0.0));
        for none in ["warnigns", "clipy", "clippy::", "clippy::Needless", "clippy:len_zero"] {
            assert!(read(none, LINES).trouble.unwrap().contains("there is no `"), "{none}");
        }
        let noisy = LINES.replace('\n', "\n    Checking tiny v0.1.0\n");
        assert_eq!(read("warnings", &noisy), readings);
    }

    #[test]
    fn what_does_not_compile_is_trouble_and_not_free_of_warnings() {
        let why = read("warnings", BROKEN).trouble.unwrap();
        assert_eq!(why, "it does not compile: mismatched types in `src/lib.rs`");
        let why = read("warnings", DENIED).trouble.unwrap();
        assert!(why.contains("`clippy::absurd_extreme_comparisons` is denied"), "{why}");
        let cut = LINES.replacen("\"level\":", "\"lev", 1);
        assert!(read("warnings", &cut).trouble.unwrap().contains("cargo's JSON cannot be read"));
        let cut = LINES.replace("build-finished", "build-started");
        assert!(read("warnings", &cut).trouble.unwrap().contains("did not say"));
    }
}
