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

/// Violations, those with a fix, and how many there are of a rule. A file that
/// ruff cannot read has no violations, so that it is trouble.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut findings = Vec::new();
    for Part { text, .. } in parts {
        match embedded::value::<Vec<Finding>>(text) {
            Some(found) => findings.extend(found),
            // Lines of JSON: of a clean code there are none.
            None if text.lines().all(|line| line.is_empty() || line.starts_with('{')) => {
                findings.extend(embedded::lines(text));
            }
            None => {
                return Readings::troubled(
                    "ruff printed no JSON; let it run with `--output-format=json`",
                );
            }
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
    let mut numbers = kinds.numbers(Some(name).filter(|name| is_rule(name)));
    numbers.push(("violations".to_owned(), f64::from(all)));
    numbers.push(("fixable".to_owned(), f64::from(fixable)));
    Readings::of(name, numbers)
}

/// `F401`, `PLR2004`.
fn is_rule(name: &str) -> bool {
    let digits = name.trim_start_matches(|c: char| c.is_ascii_uppercase());
    digits.len() < name.len() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
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
        assert_eq!(read("E711", LINES).metric, Some(0.0));
        assert_eq!(read("violations", "[]\n").metric, Some(0.0));
        assert_eq!(read("violations", "").metric, Some(0.0));
        assert_eq!(read("violatons", LINES).metric, None);
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
}
