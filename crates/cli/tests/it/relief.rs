//! A candidate that runs out of memory is made to need less, once (SPEC E8).

use autoresearch_testkit::Place;

use crate::toy::{TAG, assert_sound, log, place, session, show, text, verdicts};

const CONFIG: &str = r#"target = "train.py"
budget = "60s"

[metric]
name = "loss"
direction = "minimize"

[run]
command = "python3 train.py"

[propose]
proposer = "command"
command = "sh propose.sh"
patience = 3
"#;

/// Copies the prepared proposal.
const PROPOSE: &str = r#"n=$(head -c 24 | sed 's/[^0-9]*\([0-9]*\).*/\1/')
cp "proposals/$n" train.py && echo "HYPOTHESIS: proposal $n"
"#;

/// A target whose memory holds batches up to 32.
fn target(batch: u32, loss: u32) -> String {
    format!(
        "DEVICE_BATCH_SIZE = {batch}\naccumulation = 2\n\
         if DEVICE_BATCH_SIZE > 32:\n    raise MemoryError('too large')\n\
         print('loss:', {loss}, DEVICE_BATCH_SIZE, accumulation)\n"
    )
}

fn toy(config: &str, proposals: &[String]) -> Place {
    let mut place = place()
        .file("train.py", target(32, 50))
        .file("propose.sh", PROPOSE)
        .file("autoresearch.toml", config);
    for (body, number) in proposals.iter().zip(1..) {
        place = place.file(format!("proposals/{number}"), body);
    }
    place.repository()
}

#[test]
fn a_batch_too_large_for_memory_is_halved_retried_and_kept_as_two_commits() {
    let place = toy(CONFIG, &[target(64, 40), target(32, 40), target(64, 40)]);
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    let kept = &log(&place)[1];
    assert_eq!(kept["metric"], 40.0);
    let reason = text(&kept["reason"]);
    let change = "DEVICE_BATCH_SIZE 64 -> 32, accumulation 2 -> 4";
    assert!(reason.starts_with("better by 10") && reason.contains(change), "{reason}");

    // Both stay inspectable: the branch has the candidate and the retry on it.
    let branch = format!("autoresearch/{TAG}");
    let subjects = place.git(&["log", "--format=%s", &format!("main..{branch}")]);
    assert_eq!(subjects, format!("exp: proposal 1 (out of memory: {change})\nexp: proposal 1"));
    let at = |commit: &str| place.git(&["show", &format!("{branch}{commit}:train.py")]);
    assert!(at("").contains("SIZE = 32\naccumulation = 4\n"), "{}", at(""));
    assert!(at("~1").contains("SIZE = 64\naccumulation = 2\n"));
    let shown = show(&place, 1);
    assert_eq!(shown["trials"].as_array().unwrap().len(), 2);
    assert_eq!(shown["trials"][0]["crash"]["kind"], "oom");
    assert_eq!(shown["relief"]["is_retried"], true);

    // Neither program is ever tried again: 3 is the candidate, patches of both
    // are refused.
    place.run(["resume", "--json", "-n", "2"]);
    assert_sound(&place, &before);
    // What lands is what was kept, each commit of it.
    place.run(["merge", "--rebase", "--yes"]).expect(0);
    assert_eq!(place.git(&["show", "main:train.py"]), at(""));
}

#[test]
fn neither_the_candidate_nor_its_retry_is_ever_tried_again() {
    let lighter = target(32, 60).replace("accumulation = 2", "accumulation = 4");
    let place = toy(CONFIG, &[target(64, 60), target(64, 60), target(64, 60)]);
    let ended = place.run(session("2", &[]));
    // The proposer repeats itself until it is stuck.
    assert!(ended.stdout.matches("\"refused\"").count() >= 3, "{}", ended.stdout);
    assert_eq!(verdicts(&place), ["keep", "discard"]);
    let patch = format!(
        "--- a/train.py\n+++ b/train.py\n@@ -1,5 +1,5 @@\n DEVICE_BATCH_SIZE = 32\n-accumulation = 2\n+accumulation = 4\n \
         if DEVICE_BATCH_SIZE > 32:\n     raise MemoryError('too large')\n-{}\n+{}\n",
        target(32, 50).lines().last().unwrap(),
        lighter.lines().last().unwrap(),
    );
    place.write("lighter.patch", patch);
    place.run(["hypothesis", "add", "the retry", "--patch", "lighter.patch"]).expect(0);
    let resumed = place.run(["resume", "--json"]);
    let refused = resumed.json_lines().into_iter().find(|line| line["event"] == "refused").unwrap();
    assert_eq!(refused["hypothesis"], "the retry");
    assert!(text(&refused["reason"]).contains("experiment 1"), "{refused}");
}

#[test]
fn a_second_failure_is_a_crash_that_tells_both_attempts() {
    let place = toy(CONFIG, &[target(128, 40)]);
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "crash"]);
    let crash = &log(&place)[1];
    assert_eq!(crash["crash_kind"], "oom");
    let reason = text(&crash["reason"]);
    assert!(reason.contains("DEVICE_BATCH_SIZE 128 -> 64"), "{reason}");
    assert_eq!(reason.matches("MemoryError: too large").count(), 2, "{reason}");
    assert_eq!(show(&place, 1)["trials"].as_array().unwrap().len(), 2);
    assert_sound(&place, &before);
}

#[test]
fn where_nothing_can_be_halved_it_is_a_crash_that_says_so() {
    let config = CONFIG.replace("[run]\n", "[run]\nbatch = \"ROWS\"\n");
    let place = toy(&config, &[target(64, 40)]);
    place.run(session("1", &[])).expect(0);
    let crash = &log(&place)[1];
    assert_eq!((&crash["verdict"], &crash["crash_kind"]), (&"crash".into(), &"oom".into()));
    assert!(text(&crash["reason"]).contains("`run.batch`"), "{crash}");
    assert_eq!(show(&place, 1)["trials"].as_array().unwrap().len(), 1);
}
