//! pylint's text (its default output).

use crate::metric::{Part, Readings};

/// Messages by kind, and the score of the last `Your code has been rated at`.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let (mut errors, mut warnings, mut refactors, mut conventions) = (0, 0, 0, 0);
    let mut score = None;
    for line in parts.iter().flat_map(|part| part.text.lines()) {
        if let Some(rest) = line.trim_start().strip_prefix("Your code has been rated at ") {
            score = rest.split('/').next().and_then(|number| number.trim().parse::<f64>().ok());
        }
        match kind(line) {
            Some('E' | 'F') => errors += 1,
            Some('W') => warnings += 1,
            Some('R') => refactors += 1,
            Some('C') => conventions += 1,
            _ => {}
        }
    }
    let Some(score) = score else {
        let why = "pylint printed no score; it has none for code without statements, and none with `--score=n`";
        return Readings { trouble: Some(why.to_owned()), ..Readings::default() };
    };
    let messages = errors + warnings + refactors + conventions;
    let count = |name: &str, count: u32| (name.to_owned(), f64::from(count));
    Readings::of(
        name,
        [
            ("score".to_owned(), score),
            count("messages", messages),
            count("errors", errors),
            count("warnings", warnings),
            count("refactors", refactors),
            count("conventions", conventions),
        ],
    )
}

/// The kind of the message in `path:line:column: C0114: …`.
fn kind(line: &str) -> Option<char> {
    line.split(": ").skip(1).take(2).find_map(|part| {
        let part = part.split(':').next()?;
        let kind = part.chars().next()?;
        let is_id = part.len() == 5 && part[kind.len_utf8()..].bytes().all(|b| b.is_ascii_digit());
        is_id.then_some(kind)
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

    #[test]
    fn a_score_below_zero_is_a_score_and_none_is_said() {
        assert_eq!(read("Your code has been rated at -1.25/10\n").metric, Some(-1.25));
        assert!(read("nothing to lint\n").trouble.unwrap().contains("no score"));
    }
}
