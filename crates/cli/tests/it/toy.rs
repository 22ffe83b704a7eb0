//! A toy to experiment on: `train.sh` prints its number, and `propose.sh`
//! replaces it by the prepared `proposals/<number of the experiment>`.

use std::collections::BTreeSet;

use autoresearch_testkit::{Ended, Place, Snapshot};
use serde_json::Value;

/// The tag of every session here.
pub(crate) const TAG: &str = "t";

pub(crate) const CONFIG: &str = r#"target = "train.sh"
budget = "60s"

[metric]
name = "loss"
direction = "minimize"

[run]
command = "sh train.sh"
grace = "5s"

[propose]
proposer = "command"
command = "sh propose.sh"
patience = 3
"#;

/// The brief is JSON that begins with `{"number":7,`.
pub(crate) const PROPOSE: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
cp "proposals/$n" train.sh && echo "HYPOTHESIS: proposal $n"
"#;

/// A target that reports a loss.
pub(crate) fn loss(value: impl std::fmt::Display) -> String {
    format!("x={value}\necho \"loss: $x\"\n")
}

/// A folder with a toy whose loss is 50, not yet a repository.
pub(crate) fn parts(place: Place, proposals: &[String]) -> Place {
    let mut place = place
        .file("train.sh", loss(50))
        .file("propose.sh", PROPOSE)
        .file("autoresearch.toml", CONFIG);
    for (body, number) in proposals.iter().zip(1..) {
        place = place.file(format!("proposals/{number}"), body);
    }
    place
}

pub(crate) fn place() -> Place {
    Place::new(env!("CARGO_BIN_EXE_autoresearch"))
}

/// A repository with a toy.
pub(crate) fn toy(proposals: &[String]) -> Place {
    parts(place(), proposals).repository()
}

/// Arguments of a session of `n` experiments.
pub(crate) fn session<'a>(n: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["run", "--yes", "--json", "--tag", TAG, "-n", n];
    args.extend(more);
    args
}

/// Settled experiments as `log --json` has them.
pub(crate) fn log(place: &Place) -> Vec<Value> {
    place.run(["log", "--json"]).expect(0).json_lines()
}

pub(crate) fn status(place: &Place) -> Value {
    place.run(["status", "--json"]).expect(0).json()
}

pub(crate) fn show(place: &Place, number: u64) -> Value {
    place.run(["show", &number.to_string(), "--json"]).expect(0).json()
}

/// Verdicts in order, the baseline's first.
pub(crate) fn verdicts(place: &Place) -> Vec<String> {
    log(place).iter().map(|point| text(&point["verdict"])).collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The `event`s of a `run --json`.
pub(crate) fn events(ended: &Ended) -> Vec<String> {
    ended.json_lines().iter().map(|line| text(&line["event"])).collect()
}

/// What holds of every session that rests, however it came there.
#[track_caller]
pub(crate) fn assert_sound(place: &Place, before: &Snapshot) {
    place.assert_deserted();
    let log = log(place);
    let numbers: Vec<u64> = log.iter().filter_map(|point| point["number"].as_u64()).collect();
    assert_eq!(numbers, (0..log.len() as u64).collect::<Vec<_>>(), "each experiment once");

    // The ledger says what the journal says, and rebuilding changes nothing.
    let table = place.read("results.tsv");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), log.len(), "{table}");
    for (row, point) in rows.iter().zip(&log) {
        let is_crash = point["verdict"] == "crash";
        let commit =
            if point["number"] == 0 { "baseline" } else { &point["commit"].as_str().unwrap()[..7] };
        assert_eq!((row[0], row[3]), (commit, point["verdict"].as_str().unwrap()), "{table}");
        if is_crash {
            assert_eq!(row[1], "—", "{table}");
        } else {
            assert_eq!(row[1].parse::<f64>().ok(), point["metric"].as_f64(), "{table}");
        }
    }
    place.run(["report", "--restore-results"]).expect(0).says(&["says what the journal says"]);
    assert_eq!(place.read("results.tsv"), table);

    // The branch is at the best commit, and every candidate survives.
    let best = log.iter().rfind(|point| point["verdict"] == "keep").expect("a baseline");
    let branch = place.git(&["rev-parse", &format!("refs/heads/autoresearch/{TAG}")]);
    assert_eq!(Some(branch.as_str()), best["commit"].as_str(), "the branch");
    let found: BTreeSet<String> = place
        .git(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/autoresearch"])
        .lines()
        .map(str::to_owned)
        .collect();
    let wanted: BTreeSet<String> = log
        .iter()
        .map(|p| {
            format!("refs/autoresearch/{TAG}/{} {}", p["number"], p["commit"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, wanted, "the candidates");
    before.assert_same(&place.snapshot());
}
