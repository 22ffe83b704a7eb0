//! What is too good to be true runs again, is held, and is shown first.

use crate::toy::{
    CONFIG, TAG, assert_sound, log, loss, parts, place, session, show, status, text, toy, verdicts,
};

/// Of 50.5, so that a perfect zero is a jump.
fn proposals(more: &[String]) -> Vec<String> {
    [vec![loss(49.5)], more.to_vec()].concat()
}

#[test]
fn an_absurd_metric_is_held_shown_first_and_kept_once_a_person_trusts_it() {
    let place = toy(&proposals(&[loss(0), loss(55)]));
    let before = place.snapshot();
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "discard"]);
    let held = &log(&place)[2];
    assert_eq!(held["rule"], "suspect");
    assert!(text(&held["reason"]).starts_with("suspect: a perfect 0"), "{held}");
    let trials = show(&place, 2)["trials"].clone();
    let seeds: Vec<_> = trials.as_array().unwrap().iter().map(|t| t["seed"].clone()).collect();
    assert_eq!(seeds, [0, 1], "run again under another seed");

    assert_eq!(status(&place)["suspects"][0]["number"], 2);
    let shown = place.run(["status"]).expect(0).stdout;
    let line = shown.lines().position(|line| line.contains("look first")).unwrap();
    assert!(line < shown.lines().position(|line| line.contains("best")).unwrap(), "{shown}");
    assert!(shown.contains("autoresearch diff 2"), "{shown}");
    assert!(place.run(["report"]).expect(0).stdout.contains("look first"));
    let summary = place.read(format!(".autoresearch/{TAG}/autoresearch-summary.md"));
    let section = summary.find("## Look at these first").unwrap();
    assert!(section < summary.find("## Result").unwrap(), "{summary}");

    // A person looks at it and overrules.
    place.run(["trust", "1"]).expect(2).says(&["not held"]);
    place.run(["trust", "2", "--dry-run"]).expect(0);
    assert!(place.run(["hypothesis", "list"]).expect(0).stdout.is_empty());
    let said = place.run(["trust", "2"]).expect(0).stdout;
    assert!(said.contains("runs again first on `autoresearch resume`"), "{said}");
    place.run(["trust", "2"]).expect(2).says(&["queued already"]);
    place.run(["resume", "--json", "-n", "+1"]).expect(0);
    let trusted = &log(&place)[4];
    assert_eq!((&trusted["verdict"], &trusted["metric"]), (&"keep".into(), &0.0.into()));
    assert!(text(&trusted["reason"]).contains("a person trusted #2"), "{trusted}");
    assert_eq!(show(&place, 4)["trials"].as_array().unwrap().len(), 1);
    assert_eq!(status(&place)["suspects"].as_array().unwrap().len(), 0);
    assert!(!place.run(["status"]).expect(0).stdout.contains("look first"));
    place.run(["trust", "2"]).expect(2).says(&["trusted already"]);
    assert_sound(&place, &before);
}

#[test]
fn a_wonder_that_does_not_repeat_is_discarded() {
    let wonder = "x=$((AUTORESEARCH_SEED * 60))\necho \"loss: $x\"\n".to_owned();
    let place = toy(&proposals(&[wonder]));
    let before = place.snapshot();
    place.run(session("2", &[])).expect(0);
    let point = &log(&place)[2];
    assert_eq!((&point["verdict"], &point["rule"]), (&"discard".into(), &"unrepeated".into()));
    let reason = text(&point["reason"]);
    assert!(reason.contains("and it did not repeat: worse by 10"), "{reason}");
    assert_eq!(status(&place)["suspects"].as_array().unwrap().len(), 0);
    assert_sound(&place, &before);
}

#[test]
fn where_suspects_are_kept_they_are_shown_first_all_the_same() {
    let config = format!("{CONFIG}\n[judge]\nsuspects = \"keep\"\n");
    let place =
        parts(place(), &proposals(&[loss(0)])).file("autoresearch.toml", config).repository();
    let before = place.snapshot();
    place.run(session("2", &[])).expect(0);
    let kept = &log(&place)[2];
    assert_eq!((&kept["verdict"], &kept["rule"]), (&"keep".into(), &"suspect".into()));
    assert_eq!(status(&place)["suspects"][0]["number"], 2);
    place.run(["trust", "2"]).expect(2).says(&["kept already"]);
    assert_sound(&place, &before);
}

/// What measures is out of the candidate's reach, so it audits.
#[test]
fn a_sealed_evaluation_audits_by_itself() {
    let config = CONFIG.replace(
        "direction = \"minimize\"\n",
        "direction = \"minimize\"\ncommand = \"sh train.sh\"\n",
    );
    let place =
        parts(place(), &proposals(&[loss(0)])).file("autoresearch.toml", config).repository();
    place.run(session("2", &[])).expect(0);
    let kept = &log(&place)[2];
    assert_eq!((&kept["verdict"], &kept["rule"]), (&"keep".into(), &"better".into()));
    assert!(text(&kept["reason"]).contains("the sealed evaluation repeats it"), "{kept}");
    assert_eq!(show(&place, 2)["trials"].as_array().unwrap().len(), 2);
}
