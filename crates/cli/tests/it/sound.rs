//! What holds of every session that rests, however it came there. The tests and
//! the soak (`crates/cli/examples/soak.rs`) ask it.

use std::collections::BTreeSet;

use autoresearch_testkit::{Place, Snapshot};
use serde_json::Value;

/// The tag of every session here.
pub(crate) const TAG: &str = "t";

/// Settled experiments as `log --json` has them.
pub(crate) fn log(place: &Place) -> Vec<Value> {
    place.run(["log", "--json"]).expect(0).json_lines()
}

/// Checks it; `before` is the checkout as it was before the session.
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
    let kept = log.iter().rfind(|point| point["verdict"] == "keep");
    let best = kept.or(log.first()).expect("a baseline");
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
    // One that was proposed when the session was told to stop has yet to run.
    let next = format!("refs/autoresearch/{TAG}/{} ", log.len());
    let found: BTreeSet<String> =
        found.into_iter().filter(|candidate| !candidate.starts_with(&next)).collect();
    assert!(found == wanted, "the candidates: {:?}", found.symmetric_difference(&wanted));
    before.assert_same(&place.snapshot());
}
