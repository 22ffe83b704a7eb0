//! A file is one idea; a long one is probably two.

use crate::files::Files;
use crate::finding::Finding;

const LONG: usize = 600;
const TOO_LONG: usize = 700;

pub(crate) fn check(files: &Files) -> Vec<Finding> {
    let remedy = "split it where its second idea begins";
    let mut findings = Vec::new();
    for (path, text) in files.ending(".rs") {
        let lines = text.lines().count();
        if lines > TOO_LONG {
            let what = format!("{lines} lines; {TOO_LONG} is the limit");
            findings.push(Finding::failure(path, lines, what, remedy));
        } else if lines > LONG {
            findings.push(Finding::warning(path, lines, format!("{lines} lines"), remedy));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;

    #[test]
    fn a_long_file_warns_and_a_longer_one_fails() {
        let lines = |n: usize| "x\n".repeat(n);
        let (fine, long, longer) = (lines(600), lines(700), lines(701));
        let files = Files::of(&[("a.rs", &fine), ("b.rs", &long), ("c.rs", &longer)]);
        let levels: Vec<Level> = check(&files).iter().map(|f| f.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Failure]);
    }
}
