//! ruff's `json` and `json-lines` (`ruff check --output-format`).

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::embedded;
use super::kinds::Kinds;
use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Finding {
    code: Option<String>,
    filename: String,
    fix: Option<IgnoredAny>,
    message: String,
}

/// What the codes of ruff's rules begin with; ruff 0.17.6 (`ruff linter`).
const LINTERS: &[&str] = &[
    "A", "AIR", "ANN", "ARG", "ASYNC", "B", "BLE", "C", "COM", "CPY", "D", "DJ", "DOC", "DTZ", "E",
    "EM", "ERA", "EXE", "F", "FA", "FAST", "FBT", "FIX", "FLY", "FURB", "G", "I", "ICN", "INP",
    "INT", "ISC", "LOG", "N", "NPY", "PD", "PERF", "PGH", "PIE", "PLC", "PLE", "PLR", "PLW", "PT",
    "PTH", "PYI", "Q", "RET", "RSE", "RUF", "S", "SIM", "SLF", "SLOT", "T", "TC", "TD", "TID",
    "TRY", "UP", "W", "YTT",
];

/// Violations, those with a fix, and how many there are of a rule. A file that
/// ruff cannot read has no violations, so that it is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut findings = Vec::new();
    for Part { text, .. } in parts {
        let (arrays, rest) = embedded::values::<Vec<Finding>>(text, '[');
        // Lines of JSON: of a clean code there are none.
        let mut is_report = !arrays.is_empty() || text.trim().is_empty();
        findings.extend(arrays.into_iter().flatten());
        for line in rest {
            if line.starts_with('{') {
                let Ok(finding) = serde_json::from_str(line) else {
                    return Readings::troubled(embedded::unread("ruff", line));
                };
                findings.push(finding);
                is_report = true;
            } else if line == "[" || line.starts_with("[{") {
                return Readings::troubled(embedded::unread("ruff", line));
            }
        }
        if !is_report {
            return Readings::troubled(
                "ruff printed no JSON; let it run with `--output-format=json`",
            );
        }
        if text.contains("warning: No Python files found") {
            return Readings::troubled("ruff found no Python files");
        }
    }
    let (mut kinds, mut fixable) = (Kinds::default(), 0_u32);
    let mut all = 0_u32;
    for Finding { code, filename, fix, message } in &findings {
        match code.as_deref() {
            None | Some("invalid-syntax" | "E902" | "E999") => {
                let file = filename.rsplit('/').next().unwrap_or_default();
                return Readings::troubled(format!(
                    "ruff cannot check `{file}`: {message}; mend the file, or exclude it"
                ));
            }
            Some(code) => kinds.count(code),
        }
        all = all.saturating_add(1);
        fixable = fixable.saturating_add(u32::from(fix.is_some()));
    }
    kinds.readings(name, &[("violations", all), ("fixable", fixable)], is_rule)
}

/// `F401`, `PLR2004`.
pub(super) fn is_rule(name: &str) -> bool {
    let linter = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - linter.len();
    (3..=4).contains(&digits) && LINTERS.contains(&linter)
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    fn read(name: &str, text: &str) -> Readings {
        super::read(name, &[part("", text)])
    }

    /// ruff 0.17.6, as it printed it.
    const LINES: &str = include_str!("recorded/ruff.jsonl");

    #[test]
    fn violations_are_counted_in_all_and_by_rule() {
        let readings = read("violations", LINES);
        assert_eq!(readings.metric, Some(6.0));
        assert_eq!(readings.secondary.get("fixable"), Some(&4.0));
        assert_eq!(readings.secondary.get("F841"), Some(&2.0));
        let whole = format!("[{}]", LINES.trim().replace('\n', ","));
        assert_eq!(read("violations", &format!("note: cached\n{whole}\n")), readings);
        assert_eq!(read("F401", LINES).metric, Some(2.0));
    }

    #[test]
    fn a_rule_that_nothing_breaks_is_zero_and_no_other_name_is() {
        let none = read("E711", LINES);
        assert_eq!(none.metric, Some(0.0));
        assert_eq!(
            none.remark.unwrap(),
            "there is no `E711`; there are `F401`, `F841`, `F821`, `UP035`"
        );
        for rule in ["PLR2004", "C901", "C408", "T201", "ASYNC100", "T100", "RUF012"] {
            assert_eq!(read(rule, "[]").metric, Some(0.0), "{rule}");
        }
        for none in ["violatons", "F4O1", "PLT0000", "F", "401", "E7111111", "f401"] {
            let why = read(none, LINES).trouble.unwrap();
            assert!(why.starts_with(&format!("there is no `{none}`; there are `F401`")), "{why}");
        }
        assert_eq!(read("violations", "[]\n").metric, Some(0.0));
        assert_eq!(read("violations", "").metric, Some(0.0));
    }

    #[test]
    fn a_file_that_cannot_be_checked_is_trouble_and_not_clean() {
        let broken = include_str!("recorded/ruff-broken.json");
        let why = read("violations", broken).trouble.unwrap();
        assert!(why.contains("`bad.py`: Expected an identifier"), "{why}");
        let none = "warning: No Python files found under the given path(s)\n[]";
        assert!(read("violations", none).trouble.unwrap().contains("no Python files"));
        assert!(read("violations", "error: unknown flag\n").trouble.is_some());
    }
    #[test]
    fn all_that_ruff_printed_counts_and_what_cannot_be_read_is_trouble() {
        let whole = format!("[{}]", LINES.trim().replace('\n', ","));
        assert_eq!(read("violations", &format!("{whole}\nnote\n{whole}\n")).metric, Some(12.0));
        assert_eq!(read("violations", &format!("[]\n{LINES}")).metric, Some(6.0));
        let rdjson = r#"{"diagnostics":[],"severity":"WARNING","source":{"name":"ruff"}}"#;
        for text in [
            rdjson,
            &rdjson.replace(',', ",\n"),
            &format!("[]\n{}", &whole[..whole.len() / 2]),
            &format!("[]\n{}", whole[..whole.len() / 2].replace("[{", "[\n  {")),
            &LINES[..LINES.len() / 2],
        ] {
            let why = read("violations", text).trouble.unwrap();
            assert!(why.contains("cannot be read"), "{why}");
        }
    }
}
