//! What a proposer is told, and one change at a time.

use autoresearch_testkit::Place;

use crate::toy::{CONFIG, TAG, loss, parts, place, session, toy, verdicts};

#[test]
fn a_brief_tells_what_was_tried_and_what_comes_next() {
    let place = toy(&[loss(40), loss(60), "exit 3\n".to_owned()]);
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash"]);
    let page = place.run(["brief"]).expect(0).stdout;
    for told in [
        "# Propose one change to `train.sh`",
        "This will be experiment 4.",
        "| 1 | 40 | +10 | proposal 1 |",
        "| exit | proposal | 1 | #3 | proposal 3 |",
        "    1\tx=40\n",
        "best so far, which the files above are: `loss` 40 (experiment 1)",
        "CATEGORY:",
    ] {
        assert!(page.contains(told), "no {told} in {page}");
    }
    let json = place.run(["brief", "--json", "--tag", TAG]).expect(0).json();
    assert_eq!((&json["number"], json["history"].as_array().unwrap().len()), (&4.into(), 4));
    assert_eq!(json["ledger"]["crashes"][0]["count"], 1);

    place.run(["hypothesis", "add", "say `less`"]).expect(0);
    let asked = place.run(["brief"]).expect(0).stdout;
    assert!(
        asked.contains("Test exactly this hypothesis, which a person asked for: `` say `less` ``"),
        "{asked}"
    );
}

#[test]
fn a_template_that_cannot_be_rendered_keeps_a_session_from_beginning() {
    let config = CONFIG.replace("patience = 3", "patience = 3\ntemplates = \"prompts\"");
    let place = parts(place(), &[loss(40)])
        .file("autoresearch.toml", config)
        .file("prompts/task.md", "Improve\n{{ metrik }}.\n")
        .repository();
    place.run(session("1", &[])).expect(2).says(&["prompts/task.md:2", "undefined value"]);
    assert!(!place.root().join(format!(".autoresearch/{TAG}/journal.db")).exists());
    place.write("prompts/task.md", "Improve {{ metric|code }}.\n");
    place.run(session("1", &[])).expect(0);
    assert!(place.run(["brief"]).expect(0).stdout.starts_with("Improve `loss`.\n"));
}

/// Proposes to change two settings that have nothing to do with one another.
fn python(more: &str) -> Place {
    let config = CONFIG
        .replace("train.sh", "train.py")
        .replace("\"sh train.py\"", "[\"sed\", \"-n\", \"s/^LR = /loss: /p\", \"train.py\"]")
        .replace("patience = 3", &format!("patience = 3\n{more}"));
    let propose = "cat \"$AUTORESEARCH_BRIEF\"\ncp two.py train.py\necho HYPOTHESIS: two at once\n";
    place()
        .file("train.py", "LR = 50\nDEPTH = 2\n")
        .file("two.py", "LR = 40\nDEPTH = 3\n")
        .file("propose.sh", propose)
        .file("autoresearch.toml", config)
        .repository()
}

#[test]
fn a_bundle_of_a_program_is_refused_and_told_why_and_a_persons_runs() {
    let place = python("");
    let ended = place.run(session("1", &[]));
    let refusals: Vec<_> =
        ended.json_lines().into_iter().filter(|line| line["event"] == "refused").collect();
    assert_eq!(refusals.len(), 3, "{}", ended.stdout);
    let reason = "it makes 2 changes that have nothing to do with one another: `LR`; `DEPTH`";
    assert!(refusals[0]["reason"].as_str().unwrap().starts_with(reason), "{}", refusals[0]);
    let told = place.read(format!(".autoresearch/{TAG}/logs/desk-0003.log"));
    assert_eq!(told.matches(reason).count(), 2, "{told}");
    // It still stands in the brief of a session that rests.
    assert_eq!(place.run(["brief"]).expect(0).stdout.matches(reason).count(), 3);

    let patch = "--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-LR = 50\n-DEPTH = 2\n+LR = 40\n+DEPTH = 3\n";
    place.write("two.patch", patch);
    place.run(["hypothesis", "add", "both", "--patch", "two.patch"]).expect(0);
    place.run(["resume", "--json"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
}

#[test]
fn bundles_run_where_they_are_allowed() {
    let place = python("bundles = \"allow\"");
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
}
