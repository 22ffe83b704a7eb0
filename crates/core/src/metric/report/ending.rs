//! What a report is worth, by how the tool ended that wrote it: one that does not say
//! what the tool's exit code or its last words say is none.

use super::Format;
use crate::metric::Readings;
use crate::trial::Exit;

impl Format {
    /// Why `readings`, the metric of which is `name`, cannot be believed of a tool that
    /// ended with `exit` and with `tail` as the end of its output.
    pub fn doubt(self, name: &str, readings: &Readings, exit: &Exit, tail: &str) -> Option<String> {
        let (tool, all) = match self {
            Format::Ruff => ("ruff", "violations"),
            Format::Mypy => ("mypy", "errors"),
            Format::Pylint => ("pylint", "messages"),
            Format::Junit => return stopped(tail),
            _ => return None,
        };
        let Exit::Code(code @ 1..) = exit else { return None };
        let found =
            if name == all { readings.metric } else { readings.secondary.get(all).copied() };
        (found == Some(0.0)).then(|| {
            format!(
                "{tool} exited with {code}, as where it finds something, and its report has nothing: let it print all that it finds, in a form that is read, or set `metric.report`"
            )
        })
    }
}

/// That pytest, or its xdist, did not run all tests, as it says at its end. Of a
/// baseline the others would not even be missed.
fn stopped(tail: &str) -> Option<String> {
    let mut lines = tail.lines().map(str::trim).filter(|line| line.starts_with("!!!"));
    let line = lines.find(|line| {
        line.contains("stopping after") || line.contains("continuing from this test next run")
    })?;
    let words = line.trim_matches(['!', ' ']);
    Some(format!(
        "pytest did not run all tests ({words}): take `-x`, `--maxfail` and `--stepwise` from its options, or add `--maxfail=0` to the command"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;
    use crate::metric::read_report;

    fn doubt(format: Format, name: &str, text: &str, code: i32) -> Option<String> {
        let readings = read_report(format, name, &[part("", text)]);
        format.doubt(name, &readings, &Exit::Code(code), "")
    }

    #[test]
    fn a_report_of_nothing_by_a_tool_that_found_something_is_not_believed() {
        for (format, name, text) in [
            (Format::Ruff, "violations", ""),
            (Format::Ruff, "F401", "[]"),
            (Format::Mypy, "errors", ""),
            (Format::Mypy, "return-value", ""),
            (Format::Pylint, "score", "Your code has been rated at 5.00/10\n"),
        ] {
            assert_eq!(doubt(format, name, text, 0), None, "{name}");
            let why = doubt(format, name, text, 1).unwrap();
            assert!(why.contains("exited with 1"), "{why}");
        }
        let found = "a.py:1: error: no  [misc]\nFound 1 error in 1 file (checked 1 source file)";
        assert_eq!(doubt(Format::Mypy, "errors", found, 1), None);
        assert_eq!(doubt(Format::Mypy, "misc", found, 1), None);
        // What the report says itself is why.
        assert_eq!(doubt(Format::Ruff, "violations", "no JSON", 1), None);
        assert_eq!(doubt(Format::Sizes, "bytes", "", 1), None);
    }

    /// As pytest 9.2 ended (`-x`, `--stepwise`).
    #[test]
    fn pytest_that_stopped_at_a_failure_is_not_believed() {
        let of = |tail: &str| {
            Format::Junit.doubt("pass_rate", &Readings::default(), &Exit::Code(1), tail)
        };
        let why = of("FAILED test_x.py::test_1 - assert 1 > 2\n\
                      !!!!!!!!!!!!!!!!!!!!!!!!!! stopping after 1 failures !!!!!!!!!!!!!!!!!!!!!!!!!!!\n\
                      ============================== 1 failed in 0.02s ===============================\n")
            .unwrap();
        assert!(why.contains("all tests (stopping after 1 failures): take `-x`"), "{why}");
        let next =
            "!!!!!!!! Interrupted: Test failed, continuing from this test next run. !!!!!!!!!";
        assert!(of(next).is_some());
        let xdist = "!!!!!!!!!! xdist.dsession.Interrupted: stopping after 1 failures !!!!!!!!!!";
        assert!(of(xdist).is_some());
        let import = "!!!!!!!! Interrupted: 1 error during collection !!!!!!!!";
        assert_eq!(of(import), None);
        assert_eq!(of("test_stopping after failures PASSED"), None);
    }
}
