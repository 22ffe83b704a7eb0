//! The table of attacks in `docs/security.md`, from the first lines of the
//! attacks themselves, which the tests hold to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;

use crate::files::Files;

pub(crate) const PAGE: &str = "docs/security.md";
const FOLDER: &str = "crates/cli/tests/attacks/";
const BEGIN: &str = "<!-- attacks: written by `cargo xtask generate` -->\n";
const END: &str = "<!-- end of attacks -->\n";
const LEVELS: [&str; 3] = ["sandboxed", "restricted", "unprotected"];

/// Groups of attacks in the order of the page, with their titles.
const GROUPS: [(&str, &str); 15] = [
    ("evaluator", "Changing the evaluator"),
    ("scoring", "Lying about the metric"),
    ("held_out", "Reading held-out data (with a sealed command)"),
    ("seal", "Reaching the sealed command"),
    ("ledger", "Forging the ledger"),
    ("git", "Using git against the user"),
    ("host", "Reading and changing what is the user's"),
    ("next_trial", "Leaving something for the next trial"),
    ("process", "Outliving and fighting the supervisor"),
    ("network", "Reaching others"),
    ("install", "Installing packages"),
    ("kernel", "Reaching for powers"),
    ("bomb", "Using up the machine"),
    ("terminal", "Deceiving whoever watches"),
    ("proposer", "As a proposer"),
];

/// The page with its table as it should be.
pub(crate) fn page(files: &Files) -> anyhow::Result<String> {
    let page = files.text(PAGE).with_context(|| format!("{PAGE} is missing"))?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE}: no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE}: no {END}"))?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table(files)?))
}

fn table(files: &Files) -> anyhow::Result<String> {
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    let attacks = files.ending(".py").filter_map(|(path, text)| {
        let inside = path.strip_prefix(FOLDER)?;
        inside.contains('/').then_some((inside, text))
    });
    for (path, text) in attacks {
        let header = header(text);
        let of = |key: &str| {
            header.get(key).copied().with_context(|| format!("{path}: no line `# {key}: ...`"))
        };
        let group = of("group")?;
        if group == "honest" {
            continue;
        }
        anyhow::ensure!(GROUPS.iter().any(|(name, _)| *name == group), "{path}: group {group}?");
        let name = path.split_once('/').map_or(path, |(_, name)| name);
        let mut row = format!("| {} <br>`{name}` |", of("attack")?);
        for level in LEVELS {
            write!(row, " {} |", cell(of(level)?))?;
        }
        rows.entry(group).or_default().push(row);
        count += 1;
    }
    let mut text = format!(
        "{count} attacks. *Stopped*: it had no effect, and its run counts as what it honestly\n\
         is. *Detected*: it had no lasting effect, and its run is a crash of that kind or\n\
         its proposal refused. **Not stopped**: it had the effects named.\n"
    );
    for (group, title) in GROUPS {
        if let Some(rows) = rows.get(group) {
            let head = "| attack | sandboxed | restricted | unprotected |\n|---|---|---|---|";
            write!(text, "\n### {title}\n\n{head}\n{}\n", rows.join("\n"))?;
        }
    }
    text.push('\n');
    Ok(text)
}

/// `# key: value` lines at the beginning.
fn header(text: &str) -> BTreeMap<&str, &str> {
    text.lines().map_while(|line| line.strip_prefix("# ")?.split_once(": ")).collect()
}

/// An outcome as the page says it.
fn cell(outcome: &str) -> String {
    match outcome.split_once(' ') {
        Some(("works", effects)) => {
            let effects = effects.trim_start_matches('(').trim_end_matches(')');
            let said: Vec<&str> = effects.split(", ").map(explained).collect();
            format!("**not stopped**: {}", said.join(", "))
        }
        _ => outcome.to_owned(),
    }
}

/// An effect in plain words.
fn explained(effect: &str) -> &str {
    match effect {
        "carried" => "the next trial finds it",
        "cheat" => "a false result is kept",
        "checkout" => "the checkout is changed",
        "contact" => "somebody is reached",
        "engine" => "the session fails",
        "hang" => "the session hangs",
        "host" => "things of the user's are changed",
        "ledger" => "the ledger is wrong",
        "planted" => "it is left among the session's or git's files",
        "poison" => "the next trial is measured wrongly",
        "power" => "it has the power",
        "process" => "a process is left",
        "secret" => "a secret is learned",
        "setuid" => "such a program is left",
        "slipped" => "more than the target is changed",
        "terminal" => "control codes reach the terminal",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_the_headers_say() {
        let attack = "# attack: swaps it\n# group: evaluator\n# sandboxed: stopped\n\
                      # restricted: detected (tampered)\n# unprotected: works (cheat, host)\n\
                      from prepare import *\n# not: a header\n";
        let files = Files::of(&[
            (PAGE, &format!("before\n{BEGIN}old\n{END}after\n")),
            ("crates/cli/tests/attacks/targets/swap.py", attack),
            ("crates/cli/tests/attacks/prepare.py", "no attack"),
        ]);
        let page = page(&files).unwrap();
        assert!(page.starts_with("before\n") && page.ends_with("after\n"));
        let row = "| swaps it <br>`swap.py` | stopped | detected (tampered) | \
                   **not stopped**: a false result is kept, things of the user's are changed |";
        assert!(page.contains(row), "{page}");
        assert!(!page.contains("old"));
    }
}
