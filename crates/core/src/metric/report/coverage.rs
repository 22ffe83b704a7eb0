//! How much of the code ran: coverage.py's JSON, llvm-cov's (`cargo llvm-cov --json`),
//! tarpaulin's, and lcov's text, told apart by what is in them.

use serde_json::Value as Json;

use crate::metric::{Part, Readings};

/// What one report counts.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    lines: f64,
    covered: f64,
    branches: Option<(f64, f64)>,
    excluded: Option<f64>,
}

/// The counts of all files together.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut all = Counts::default();
    for part in parts {
        let Some(counts) = counts(&part.text) else {
            return Readings::troubled(format!(
                "`{}` is no report of coverage.py (JSON), llvm-cov (JSON), tarpaulin (JSON) or lcov",
                part.path
            ));
        };
        let (branches, taken) = counts.branches.unwrap_or_default();
        let is_share = |part: f64, whole: f64| (0.0..=whole).contains(&part);
        if !is_share(counts.covered, counts.lines) || !is_share(taken, branches) {
            return Readings::troubled(format!(
                "`{}` makes no sense: it covers {} of {} lines and {taken} of {branches} branches",
                part.path, counts.covered, counts.lines
            ));
        }
        all.lines += counts.lines;
        all.covered += counts.covered;
        if let Some((branches, taken)) = counts.branches {
            let (before, taken_before) = all.branches.unwrap_or_default();
            all.branches = Some((before + branches, taken_before + taken));
        }
        if let Some(excluded) = counts.excluded {
            all.excluded = Some(all.excluded.unwrap_or(0.0) + excluded);
        }
    }
    if all.lines <= 0.0 {
        return Readings::troubled("the coverage report has no lines that can run");
    }
    let number = |name: &str, value: f64| (name.to_owned(), value);
    let mut numbers = vec![
        number("line_coverage", all.covered / all.lines),
        number("lines", all.lines),
        number("covered_lines", all.covered),
        number("missing_lines", all.lines - all.covered),
    ];
    let branches = all.branches.filter(|(branches, _)| *branches > 0.0);
    if let Some((branches, taken)) = branches {
        numbers.push(number("branch_coverage", taken / branches));
        numbers.push(number("branches", branches));
        numbers.push(number("covered_branches", taken));
    }
    numbers.extend(all.excluded.map(|excluded| number("excluded_lines", excluded)));
    let mut readings = Readings::of(name, numbers);
    if readings.metric.is_none() && name.contains("branch") {
        let why = "the report has no branches; ask for them, as `coverage run --branch` does";
        readings.trouble = Some(why.to_owned());
    }
    readings
}

fn counts(text: &str) -> Option<Counts> {
    match serde_json::from_str::<Json>(text) {
        Ok(json) => {
            of_coverage_py(&json).or_else(|| of_llvm(&json)).or_else(|| of_tarpaulin(&json))
        }
        Err(_) => of_lcov(text),
    }
}

/// <https://coverage.readthedocs.io/en/latest/commands/cmd_json.html>
fn of_coverage_py(json: &Json) -> Option<Counts> {
    let totals = json.get("totals").filter(|_| json.get("meta").is_some())?;
    let number = |key: &str| totals.get(key).and_then(Json::as_f64);
    Some(Counts {
        lines: number("num_statements")?,
        covered: number("covered_lines")?,
        branches: number("num_branches").zip(number("covered_branches")),
        excluded: number("excluded_lines"),
    })
}

/// The form of `llvm-cov export`, `llvm.coverage.json.export`.
fn of_llvm(json: &Json) -> Option<Counts> {
    if json.get("type")?.as_str()? != "llvm.coverage.json.export" {
        return None;
    }
    let mut all = Counts::default();
    let mut branches = (0.0, 0.0);
    for data in json.get("data")?.as_array()? {
        let number = |what: &str, key: &str| data.get("totals")?.get(what)?.get(key)?.as_f64();
        all.lines += number("lines", "count")?;
        all.covered += number("lines", "covered")?;
        branches.0 += number("branches", "count").unwrap_or(0.0);
        branches.1 += number("branches", "covered").unwrap_or(0.0);
    }
    all.branches = (branches.0 > 0.0).then_some(branches);
    Some(all)
}

/// A `files` list with `traces`: one for each line, with how often it ran.
fn of_tarpaulin(json: &Json) -> Option<Counts> {
    let mut all = Counts::default();
    for file in json.get("files")?.as_array()? {
        for trace in file.get("traces")?.as_array()? {
            let stats = trace.get("stats")?;
            if let Some(hits) = stats.get("Line") {
                all.lines += 1.0;
                all.covered += f64::from(u8::from(hits.as_f64()? > 0.0));
            }
        }
    }
    Some(all)
}

/// The tracefile of geninfo(1): `DA:<line>,<hits>`, `BRDA:<line>,<block>,<branch>,<taken>`.
fn of_lcov(text: &str) -> Option<Counts> {
    let mut all = Counts::default();
    let mut is_lcov = false;
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let fields: Vec<&str> = value.split(',').collect();
        match (key, fields.as_slice()) {
            ("SF", _) => is_lcov = true,
            ("DA", [_, hits, ..]) => {
                all.lines += 1.0;
                all.covered += f64::from(u8::from(hits.parse::<f64>().ok()? > 0.0));
            }
            ("BRDA", [_, .., taken]) => {
                let (branches, before) = all.branches.unwrap_or_default();
                // A dash: what it belongs to never ran.
                let is_taken = taken.parse::<f64>().is_ok_and(|taken| taken > 0.0);
                all.branches = Some((branches + 1.0, before + f64::from(u8::from(is_taken))));
            }
            _ => {}
        }
    }
    is_lcov.then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(name: &str, texts: &[&str]) -> Readings {
        let part = |text: &&str| Part {
            path: "coverage.out".to_owned(),
            bytes: text.len() as u64,
            text: (*text).to_owned(),
        };
        read(name, &texts.iter().map(part).collect::<Vec<_>>())
    }

    const COVERAGE_PY: &str = include_str!("recorded/coverage.json");
    const LCOV: &str = include_str!("recorded/coverage.lcov");
    /// cargo-llvm-cov 0.9.1 wrote both (`--branch --json` on nightly, `--lcov`).
    const LLVM: &str = include_str!("recorded/llvm-cov.json");
    const LLVM_LCOV: &str = include_str!("recorded/llvm-cov.lcov");
    /// cargo-tarpaulin 0.37.5 wrote it, of the same crate.
    const TARPAULIN: &str = include_str!("recorded/tarpaulin.json");

    /// coverage.py 7.17 wrote both of one run.
    #[test]
    fn the_two_forms_of_one_run_say_the_same() {
        let json = readings("line_coverage", &[COVERAGE_PY]);
        let lcov = readings("line_coverage", &[LCOV]);
        assert_eq!(json.metric, Some(30.0 / 33.0));
        assert_eq!(json.metric, lcov.metric);
        for name in ["lines", "covered_lines", "missing_lines", "branch_coverage"] {
            assert_eq!(json.secondary.get(name), lcov.secondary.get(name), "{name}");
        }
        assert_eq!(json.secondary.get("branch_coverage"), Some(&0.5));
    }

    #[test]
    fn llvm_and_tarpaulin_are_known_by_their_contents() {
        let llvm = readings("branch_coverage", &[LLVM]);
        assert_eq!(llvm.metric, Some(0.75));
        assert_eq!(llvm.secondary.get("line_coverage"), Some(&(12.0 / 18.0)));
        assert_eq!(readings("line_coverage", &[LLVM_LCOV]).metric, Some(12.0 / 18.0));
        // It does not count what tests themselves consist of.
        assert_eq!(readings("line_coverage", &[TARPAULIN]).metric, Some(5.0 / 9.0));
        // Files of one run add up, whatever their forms.
        assert_eq!(readings("lines", &[LLVM, TARPAULIN]).metric, Some(27.0));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let trouble = |name, text| readings(name, &[text]).trouble.unwrap();
        assert!(trouble("branch_coverage", TARPAULIN).contains("--branch"));
        assert!(trouble("line_coverage", "{}").contains("`coverage.out` is no report of"));
        let many = COVERAGE_PY.replace("\"covered_lines\": 30", "\"covered_lines\": 60");
        assert_ne!(many, COVERAGE_PY);
        assert!(
            trouble("line_coverage", &many).contains("makes no sense: it covers 60 of 33 lines")
        );
        assert!(trouble("line_coverage", "hello").contains("no report"));
        assert!(trouble("line_coverage", "SF:a.py\nend_of_record\n").contains("no lines"));
        assert!(trouble("line_coverage", r#"{"files":[{"traces":3}]}"#).contains("no report"));
    }
}
