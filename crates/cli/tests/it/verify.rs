//! The comparison that a session ends with, and `autoresearch verify`: baseline
//! and best run again, in turn, and the gain has an interval.

use autoresearch_testkit::{Ended, Place, until};
use serde_json::{Value, json};

use crate::toy::{TAG, assert_sound, log, loss, session, show, status, toy, verdicts};

/// Noise that follows from the seed and differs between programs: a loss of
/// 1000·`x`, give or take 504.
pub(crate) fn noisy(x: u32) -> String {
    format!(
        "x={x}\nn=$(( AUTORESEARCH_SEED * AUTORESEARCH_SEED * x % 1009 - 504 ))\necho \"loss: $((x * 1000 + n))\"\n"
    )
}

/// Waits in a verification while the file `slow` is in HOME.
fn patient(x: u32) -> String {
    format!(
        "if [ \"$AUTORESEARCH_SEED\" -ge 100000 ]; then\n touch \"$HOME/runs\"\n \
         while [ -e \"$HOME/slow\" ]; do sleep 0.02; done\nfi\n{}",
        noisy(x)
    )
}

const HOME: [&str; 2] = ["--set", "run.writable=~"];

/// A baseline of 50, a best of 40 at #1, and worse ones after it.
fn place(count: u32, target: fn(u32) -> String) -> Place {
    let proposals: Vec<String> =
        (0..count).map(|n| target(if n == 0 { 40 } else { 60 + n })).collect();
    let place = toy(&proposals);
    place.write("train.sh", target(50));
    place.commit_all("the target");
    place
}

fn comparison(place: &Place) -> Value {
    status(place)["comparison"].clone()
}

/// Of what lies on standard output, in lines of any width.
#[track_caller]
fn prints(ended: &Ended, parts: &[&str]) {
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(said.contains(part), "no `{part}` in:\n{}", ended.stdout);
    }
}

/// What ran again, in order.
fn again(ended: &Ended) -> Vec<(u64, u64)> {
    let lines = ended.json_lines().into_iter().filter(|line| line["event"] == "again");
    lines
        .map(|line| (line["number"].as_u64().unwrap(), line["trial"]["seed"].as_u64().unwrap()))
        .collect()
}

fn count(comparison: &Value) -> (usize, usize) {
    let of = |side: &str| comparison[side]["values"].as_array().map_or(0, Vec::len);
    (of("baseline"), of("best"))
}

fn file(place: &Place, name: &str) -> std::path::PathBuf {
    place.base().join("home").join(name)
}

/// The true gain is 10,000, and lies in the interval.
#[track_caller]
fn assert_covers_the_truth(comparison: &Value) {
    let (low, high) = (&comparison["interval"][0], &comparison["interval"][1]);
    let (low, high) = (low.as_f64().unwrap(), high.as_f64().unwrap());
    assert!(low < 10_000.0 && 10_000.0 < high && high - low < 2000.0, "{comparison}");
}

#[test]
fn a_session_ends_with_its_gain_measured_again() {
    let place = place(10, noisy);
    let before = place.snapshot();
    let ended = place.run(session("10", &[])).expect(0);
    let ran = again(&ended);
    let numbers: Vec<u64> = ran.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 1, 0, 0, 1, 1, 0, 0, 1]);
    assert!(ran.chunks(2).all(|round| round[0].1 == round[1].1), "the same seeds: {ran:?}");
    let comparison = comparison(&place);
    assert_eq!((count(&comparison), &comparison["method"]), ((5, 5), &json!("paired")));
    assert_covers_the_truth(&comparison);
    assert!(comparison["effect"].as_f64().unwrap() > 10.0, "{comparison}");

    // The runs are told of and kept apart from those that the verdict is based on.
    let best = show(&place, 1);
    assert_eq!(
        (best["trials"].as_array().unwrap().len(), &best["reruns"][0]["number"]),
        (1, &json!(2))
    );
    assert_eq!(best["reruns"][4]["purpose"], "verification");
    assert_eq!(log(&place)[1]["metric"], best["trials"][0]["metric"]);
    prints(&place.run(["show", "1"]).expect(0), &["verification 6: exit 0, loss"]);
    let logs = (1..=6).map(|n| place.read(format!(".autoresearch/{TAG}/logs/0001-{n}.log")));
    assert!(logs.into_iter().all(|log| log.contains("loss:")), "a log for each");
    let summary = place.read(format!(".autoresearch/{TAG}/autoresearch-summary.md"));
    assert!(summary.contains("- Measured again: **clearly better**, better by "), "{summary}");
    prints(&place.run(["status"]).expect(0), &["again clearly better: better by"]);
    let report = place.run(["report", "--json"]).expect(0).json();
    assert_eq!(report["history"]["session"]["comparison"], comparison);
    assert_sound(&place, &before);
}

#[test]
fn a_metric_without_noise_says_so_after_three_runs() {
    let place = place(8, loss);
    let ended = place.run(session("8", &[])).expect(0);
    assert_eq!(again(&ended).len(), 6);
    let comparison = comparison(&place);
    assert_eq!(
        (&comparison["gain"], &comparison["interval"]),
        (&json!(10.0), &json!([10.0, 10.0]))
    );
    prints(&place.run(["status"]).expect(0), &["better by 10, the same in every run, 3 runs each"]);
}

/// Of four experiments, two runs of each side.
#[test]
fn an_engine_killed_while_it_verifies_goes_on_with_it() {
    let place = place(4, patient);
    let before = place.snapshot();
    std::fs::write(file(&place, "slow"), "").unwrap();
    let engine = place.start(session("4", &HOME));
    until("a verification", || file(&place, "runs").exists().then_some(()));
    engine.kill();
    engine.wait();
    place.assert_deserted();
    assert_eq!(verdicts(&place).len(), 5);
    prints(&place.run(["status"]).expect(0), &["not measured again: the session was interrupted"]);
    std::fs::remove_file(file(&place, "slow")).unwrap();

    let resumed = place.run(["resume", "--json"]).expect(0);
    let numbers: Vec<u64> = again(&resumed).iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 1, 0]);
    assert_eq!(count(&comparison(&place)), (2, 2));
    let baseline = show(&place, 0);
    let ran = baseline["trials"].as_array().unwrap().len();
    assert_eq!(baseline["reruns"][0]["number"], ran + 2, "the first one was lost");
    assert_eq!(status(&place)["stopped"], "iterations");
    assert_sound(&place, &before);
}

#[test]
fn a_verification_can_be_interrupted_and_goes_on() {
    let place = place(4, patient);
    let before = place.snapshot();
    std::fs::write(file(&place, "slow"), "").unwrap();
    let engine = place.start(session("4", &HOME));
    until("a verification", || file(&place, "runs").exists().then_some(()));
    // A session that runs is nobody else's to verify.
    place
        .run(["verify"])
        .expect(6)
        .says(&["another engine runs this session", "autoresearch stop"]);
    engine.interrupt();
    engine.wait().expect(130);
    place.assert_deserted();
    assert_eq!(status(&place)["stopped"], "requested");
    std::fs::remove_file(file(&place, "slow")).unwrap();
    let resumed = place.run(["resume", "--json"]).expect(0);
    assert_eq!(again(&resumed).len(), 4);
    assert_eq!(
        (status(&place)["stopped"].clone(), count(&comparison(&place))),
        (json!("iterations"), (2, 2))
    );
    assert_sound(&place, &before);
}

#[test]
fn runs_on_demand_add_to_what_is_known() {
    let place = place(3, noisy);
    let before = place.snapshot();
    place.run(session("3", &[])).expect(0);
    let rests = status(&place);
    assert_eq!((&rests["comparison"], &rests["stopped"]), (&Value::Null, &json!("iterations")));
    prints(
        &place.run(["status"]).expect(0),
        &["not measured again: too few experiments for it; `autoresearch verify` does it"],
    );

    let would = place.run(["verify", "--dry-run"]).expect(0);
    prints(
        &would,
        &[
            "run the baseline and #1, the best, 5 times each in turn",
            "compare them by these runs and the 0 of each",
        ],
    );
    assert_eq!(status(&place), rests, "a dry run touches nothing");

    let ended = place.run(["verify", TAG, "--runs", "3", "--json"]).expect(0);
    let last = ended.json_lines().pop().unwrap();
    assert_eq!((&last["event"], count(&last["comparison"])), (&json!("compared"), (3, 3)));
    prints(
        &place.run(["verify", "--runs", "2"]).expect(0),
        &["clearly better: better by", "5 runs each"],
    );
    let comparison = comparison(&place);
    assert_eq!(count(&comparison), (5, 5));
    assert_covers_the_truth(&comparison);
    assert_eq!(status(&place)["stopped"], "iterations", "it rests as it did");

    // With any other experiment, also one that was never kept.
    let ended = place.run(["verify", "--against", "3", "--runs", "2", "--json"]).expect(0);
    let against = &ended.json_lines().pop().unwrap()["comparison"];
    assert_eq!((count(against), &against["baseline"]["number"]), ((2, 2), &json!(3)));
    assert_eq!(show(&place, 3)["reruns"][1]["number"], 3);
    assert_eq!(count(&self::comparison(&place)), (5, 5), "not with the baseline's runs");

    // A session that goes on has a comparison as long as its best is the best.
    place.run(["resume", "-n", "4"]).expect(5);
    assert_eq!(count(&self::comparison(&place)), (5, 5));
    assert_sound(&place, &before);
}

#[test]
fn what_cannot_be_compared_is_an_error_with_a_remedy() {
    let place = toy(&[loss(60), loss(70)]);
    place.run(["verify"]).expect(2).says(&["no session"]);
    place.run(session("2", &[])).expect(0);
    let before = status(&place);
    place.run(["verify"]).expect(2).says(&["#0 is the best itself", "until something is kept"]);
    place.run(["verify", "--dry-run"]).expect(2).says(&["#0 is the best itself"]);
    place.run(["verify", "--against", "9"]).expect(2).says(&["no experiment 9"]);
    place.run(["verify", "--runs", "0"]).expect(2);
    assert_eq!(status(&place), before);
    prints(&place.run(["verify", "--against", "1"]).expect(0), &["clearly better: better by 10"]);
}

/// Its target needs a file that is no longer there.
#[test]
fn a_best_that_fails_now_is_an_error_and_no_comparison() {
    let fragile = |x: u32| format!("[ ! -e \"$HOME/gone\" ] || exit 7\n{}", loss(x));
    let place = toy(&[fragile(40)]);
    place.run(session("1", &HOME)).expect(0);
    std::fs::write(file(&place, "gone"), "").unwrap();
    place.run(["verify"]).expect(1).says(&["nothing was measured", "autoresearch show 1"]);
    assert_eq!(comparison(&place), Value::Null);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
}
