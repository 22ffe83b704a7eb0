//! What a session says of its metric's noise: to whoever watches, in `status`, in
//! `show`, in the summary.

use autoresearch_testkit::{Ended, Place};
use serde_json::{Value, json};

use crate::toy::{TAG, loss, session, show, status, toy};
use crate::verify::noisy;

/// A baseline around 50,000, 40,000 at #1, and worse ones after it.
fn place(count: u32) -> Place {
    let proposals: Vec<String> =
        (0..count).map(|n| noisy(if n == 0 { 40 } else { 60 + n })).collect();
    let place = toy(&proposals);
    place.write("train.sh", noisy(50));
    place.commit_all("the target");
    place
}

/// What is noted of noise, which is after the baseline, once.
#[track_caller]
fn note(ended: &Ended) -> String {
    let lines = ended.json_lines();
    let is_noise = |line: &&Value| {
        line["event"] == "note" && line["text"].as_str().is_some_and(|t| t.starts_with("noise: "))
    };
    let notes: Vec<&Value> = lines.iter().filter(is_noise).collect();
    let settled = lines.iter().position(|line| line["event"] == "settled");
    let place = lines.iter().position(|line| is_noise(&line));
    assert_eq!((notes.len(), place), (1, settled.map(|at| at + 1)), "{}", ended.stdout);
    notes[0]["text"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn assert_says(text: &str, part: &str) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(part), "no `{part}` in:\n{text}");
}

fn summary(place: &Place) -> String {
    place.read(format!(".autoresearch/{TAG}/autoresearch-summary.md"))
}

#[test]
fn a_session_says_what_can_be_seen_through_its_noise() {
    let place = place(4);
    let ended = place.run(session("4", &[])).expect(0);
    assert_says(&note(&ended), "noise: one run varies by ");
    assert_says(&note(&ended), "(1 degree of freedom); ");

    let noise = status(&place)["noise"].clone();
    let number = |name: &str| noise[name].as_f64().unwrap();
    assert_eq!((&noise["kind"], &noise["keeps"]), (&json!("seen"), &json!(1)), "{noise}");
    assert!(number("sigma") > 10.0 && number("sigma") < 3000.0, "{noise}");
    assert!(number("in_four") > 0.0 && number("in_four") < 10_000.0, "{noise}");
    assert!((number("gain") - 10_000.0).abs() < 1500.0, "{noise}");
    assert!(number("false_keeps") < 0.2, "{noise}");
    let said = place.run(["status"]).expect(0).stdout;
    assert_says(&said, "noise one run varies by ");
    assert_says(&said, "kept together better by ");

    // The same wherever one looks, the journal included.
    assert_eq!(show(&place, 4)["noise"], noise);
    let report = place.run(["report", "--json"]).expect(0).json();
    assert_eq!(report["history"]["session"]["noise"], noise);
    assert_says(&summary(&place), "- Noise: one run varies by ");
    assert_says(&summary(&place), "- The kept changes together: better by ");

    let weighed = &show(&place, 1)["ruling"]["weighed"];
    let (difference, error) = (weighed["difference"].as_f64(), weighed["error"].as_f64());
    assert!(difference.is_some_and(|d| d > 8000.0) && error.is_some_and(|s| s > 0.0), "{weighed}");
    let shown = place.run(["show", "1"]).expect(0).stdout;
    let evidence = shown.lines().find(|line| line.trim_start().starts_with("evidence")).unwrap();
    for part in ["better by ", ", standard error ", ", z ", "; expected to bring "] {
        assert_says(evidence, part.trim());
    }
}

#[test]
fn where_noise_plays_no_part_a_session_says_so() {
    let greedy = place(1);
    let ended = greedy.run(session("1", &["--set", "judge.mode=greedy"])).expect(0);
    assert_says(&note(&ended), "it is not reckoned with; any gain in one run is kept");
    assert_eq!(status(&greedy)["noise"], json!({"kind": "ignored"}));
    assert!(!greedy.run(["show", "1"]).expect(0).stdout.contains("evidence"));

    let still = toy(&[loss(40)]);
    let ended = still.run(session("1", &[])).expect(0);
    assert_says(&note(&ended), "noise: none was seen, so every difference counts");
    assert_eq!(status(&still)["noise"], json!({"kind": "unseen"}));
    assert_says(&summary(&still), "- Noise: none was seen, so every difference counts");
}
