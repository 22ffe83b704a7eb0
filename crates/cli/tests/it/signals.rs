//! Ctrl-C and `stop` (SPEC F2): a stop loses nothing, and nothing hangs.

use autoresearch_testkit::{Place, until};
use serde_json::json;

use crate::toy::{assert_sound, loss, session, show, status, toy, verdicts};

/// Lets runs see what a test leaves in HOME.
const HOME: [&str; 2] = ["--set", "run.writable=~"];

/// Lets proposers see it, too.
const OPEN: [&str; 2] = ["--set", "run.protection=unprotected"];

/// Runs while the file `slow` is in HOME.
fn patient(value: u32) -> String {
    format!(
        "touch \"$HOME/runs\"\nwhile [ -e \"$HOME/slow\" ]; do sleep 0.02; done\n{}",
        loss(value)
    )
}

/// Runs for ever, and takes TERM for an answer to write down.
fn stubborn() -> String {
    "trap 'touch \"$HOME/asked\"' TERM\ntouch \"$HOME/runs\"\n\
     while [ -e \"$HOME/slow\" ]; do sleep 0.02; done\necho 'loss: 45'\n"
        .to_owned()
}

fn home(place: &Place, name: &str) -> std::path::PathBuf {
    place.base().join("home").join(name)
}

fn slow_down(place: &Place) {
    std::fs::write(home(place, "slow"), "").unwrap();
}

fn hurry(place: &Place) {
    std::fs::remove_file(home(place, "slow")).unwrap();
}

fn await_file(place: &Place, name: &str) {
    until(name, || home(place, name).exists().then_some(()));
}

/// SPEC F2: what was running is recorded as such.
#[test]
fn one_ctrl_c_ends_after_recording_and_resume_goes_on() {
    let place = toy(&[patient(40), loss(30)]);
    let before = place.snapshot();
    slow_down(&place);
    let engine = place.start(session("2", &HOME));
    await_file(&place, "runs");
    engine.interrupt();
    let ended = engine.wait().expect(130);
    assert_eq!(ended.json_lines().last().unwrap()["reason"], "requested");
    place.assert_deserted();
    assert_eq!(status(&place)["stopped"], "requested");
    assert_eq!(verdicts(&place), ["keep"]);

    hurry(&place);
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
    let trials = show(&place, 1)["trials"].clone();
    assert_eq!(
        (&trials[0]["exit"], &trials[1]["exit"]),
        (&json!("interrupted"), &json!({"code": 0}))
    );
    assert_sound(&place, &before);
}

#[test]
fn a_second_ctrl_c_ends_at_once_a_run_that_ignores_the_first() {
    let place = toy(&[stubborn()]);
    let before = place.snapshot();
    slow_down(&place);
    let engine = place.start(session("1", &["--set", "run.grace=1h", HOME[0], HOME[1]]));
    await_file(&place, "runs");
    engine.interrupt();
    await_file(&place, "asked");
    engine.interrupt();
    engine.wait().expect(130);
    place.assert_deserted();

    hurry(&place);
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}

#[test]
fn a_run_that_ignores_ctrl_c_is_ended_after_its_grace() {
    let place = toy(&[stubborn()]);
    slow_down(&place);
    let engine = place.start(session("1", &["--set", "run.grace=100ms", HOME[0], HOME[1]]));
    await_file(&place, "runs");
    engine.interrupt();
    engine.wait().expect(130);
    assert!(home(&place, "asked").exists());
    place.assert_deserted();
}

#[test]
fn stop_ends_the_session_after_the_running_experiment() {
    let place = toy(&[patient(40), loss(30)]);
    let before = place.snapshot();
    slow_down(&place);
    let engine = place.start(session("2", &HOME));
    await_file(&place, "runs");
    let asked = place.run(["stop", "--json"]).expect(0).json();
    assert_eq!(asked["asked"]["pid"], engine.pid());
    hurry(&place);
    engine.wait().expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_eq!(status(&place)["stopped"], "requested");
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place).len(), 3);
    assert_sound(&place, &before);
}

#[test]
fn stop_now_ends_the_running_trial_and_is_no_interrupt() {
    let place = toy(&[patient(40)]);
    let before = place.snapshot();
    slow_down(&place);
    let engine = place.start(session("1", &HOME));
    await_file(&place, "runs");
    place.run(["stop", "--now"]).expect(0);
    engine.wait().expect(0);
    assert_eq!(verdicts(&place), ["keep"]);
    hurry(&place);
    place.run(["resume"]).expect(0);
    assert_eq!(show(&place, 1)["trials"][0]["exit"], "interrupted");
    assert_sound(&place, &before);
}

#[test]
fn a_hanging_proposer_does_not_keep_a_session_from_stopping() {
    for (args, code) in [(&["stop"][..], 0), (&["stop", "--now"], 0), (&[], 130)] {
        let place = toy(&[loss(40)]);
        place.write("propose.sh", format!("{}{}", patient(1), place.read("propose.sh")));
        place.commit_all("a proposer that hangs");
        let before = place.snapshot();
        slow_down(&place);
        let engine = place.start(session("1", &OPEN));
        await_file(&place, "runs");
        if args.is_empty() {
            engine.interrupt();
        } else {
            place.run(args).expect(0);
        }
        engine.wait().expect(code);
        place.assert_deserted();
        hurry(&place);
        place.run(["resume"]).expect(0);
        assert_eq!(verdicts(&place), ["keep", "keep"], "{args:?}");
        assert_sound(&place, &before);
    }
}

#[test]
fn a_resting_session_cannot_be_stopped() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &HOME)).expect(0);
    place.run(["stop"]).expect(2).says(&["no engine runs the session t"]);
}
