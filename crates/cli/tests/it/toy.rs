//! A toy to experiment on: `train.sh` prints its number, and `propose.sh`
//! replaces it by the prepared `proposals/<number of the experiment>`.

use autoresearch_testkit::{Ended, Place};
use serde_json::Value;

pub(crate) use crate::sound::{TAG, assert_sound, log};

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
