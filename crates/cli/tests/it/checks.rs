//! Constraints and checks: what a better metric alone does not get past.

use autoresearch_testkit::{Place, kill};

use crate::toy::{CONFIG, assert_sound, log, loss, parts, place, session, show, text, verdicts};

/// A target that also reports its memory.
fn reporting(value: u32, mem: &str) -> String {
    format!("echo 'mem: {mem}'\n{}", loss(value))
}

/// A toy whose loss is 50 at a memory of 10, with these lines of configuration.
fn toy(more: &str, proposals: &[String]) -> Place {
    parts(place(), proposals)
        .file("train.sh", reporting(50, "10"))
        .file("autoresearch.toml", format!("{CONFIG}\n{more}\n"))
        .repository()
}

/// The same with this script as its checks.
fn checked(script: &str, more: &str, proposals: &[String]) -> Place {
    let place = toy(&format!("[checks]\ncommand = \"sh check.sh\"\n{more}"), proposals);
    place.write("check.sh", script);
    place.commit_all("checks");
    place
}

/// Begins a session that its baseline ends at once.
fn assert_baseline_fails(place: &Place, why: &[&str]) {
    let args = session("1", &[]).into_iter().filter(|arg| *arg != "--json");
    let said = place.run(args).expect(4).stdout;
    for part in ["stopped: the baseline failed: "].iter().chain(why) {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    assert_eq!(log(place).len(), 1);
}

#[test]
fn a_better_metric_that_breaks_a_constraint_is_discarded() {
    let flood = "seq 1 20000 | sed 's/.*/name&: &/'\n";
    let proposals = [
        reporting(40, "43.2"),
        loss(40),
        format!("echo 'mem: 43.3'\n{flood}{}", loss(40)),
        format!("echo 'mem: 39'\n{flood}{}", loss(45)),
    ];
    let place = toy("[judge]\nconstraints = [\"mem <= 40\"]", &proposals);
    let before = place.snapshot();
    place.run(session("4", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard", "discard", "discard", "keep"]);
    let log = log(&place);
    let reasons: Vec<String> = log[1..4].iter().map(|point| text(&point["reason"])).collect();
    assert_eq!(
        reasons,
        [
            "`mem <= 40` is broken: 43.2",
            "`mem <= 40` is broken: `mem` was not reported",
            "`mem <= 40` is broken: 43.3"
        ]
    );
    assert_eq!((&log[1]["rule"], &log[1]["metric"]), (&"constraint".into(), &40.0.into()));
    // Whoever proposes must not be drawn to where it is broken.
    let brief: serde_json::Value =
        serde_json::from_str(&place.read(".autoresearch/t/scratch/brief.json")).unwrap();
    let past =
        brief["history"].as_array().unwrap().iter().find(|past| past["number"] == 1).unwrap();
    assert!(past["metric"].is_null() && past["verdict"] == "discard", "{past}");
    let row = place.read("results.tsv").lines().nth(2).unwrap().to_owned();
    assert!(row.ends_with("proposal 1: `mem <= 40` is broken: 43.2"), "{row}");
    let shown = place.run(["show", "1"]).expect(0).stdout;
    assert!(shown.contains("discard: `mem <= 40` is broken: 43.2"), "{shown}");
    let planned = place.run(["run", "--dry-run", "--tag", "u"]).expect(0);
    assert!(planned.stdout.contains("discard what breaks `mem <= 40`"), "{}", planned.stdout);
    assert_sound(&place, &before);
}

#[test]
fn a_baseline_that_breaks_a_constraint_stops_the_session_before_any_proposal() {
    for (constraint, why) in [
        ("mem <= 9.5", "`mem <= 9.5` is broken: 10"),
        // The run's word does not count where the engine measures.
        ("peak_memory_gb >= 1000", "`peak_memory_gb >= 1000` is broken: "),
        ("mems < 11", "`mems` was not reported"),
    ] {
        let place = toy(&format!("[judge]\nconstraints = [\"{constraint}\"]"), &[loss(40)]);
        place.write("train.sh", format!("echo peak_memory_gb: 2000\n{}", reporting(50, "10")));
        place.commit_all("a forger");
        assert_baseline_fails(&place, &[why, "loosen `judge.constraints`"]);
    }
}

#[test]
fn a_constraint_that_cannot_be_read_is_pointed_at_before_anything_is_made() {
    let place = toy("[judge]\nconstraints = [\"mem <= 40\", \"mem 40\"]", &[]);
    place
        .run(session("1", &[]))
        .expect(2)
        .says(&["autoresearch.toml:18:29", "'mem 40' is no constraint: write one as"]);
    assert!(!place.root().join(".autoresearch").exists());
}

#[test]
fn what_the_measuring_command_reports_wins_over_what_the_run_says() {
    let trained = |mem: u32, params: u32| {
        format!("echo 'mem: 1'\necho 'params: {params}'\necho 'loss: 1'\necho {mem} > mem.txt\n")
    };
    let measured =
        "direction = \"minimize\"\ncommand = \"sh measure.sh\"\nartifacts = [\"mem.txt\"]\n";
    let config = CONFIG.replace("direction = \"minimize\"\n", measured)
        + "\n[judge]\nconstraints = [\"mem <= 40\", \"params <= 7\"]\n";
    let place = parts(place(), &[trained(41, 6), trained(39, 8), trained(39, 7)])
        .file("train.sh", trained(40, 7))
        .file("measure.sh", "echo \"mem: $(cat mem.txt)\"\necho \"loss: $(cat mem.txt)\"\n")
        .file("autoresearch.toml", config)
        .repository();
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "discard", "discard", "keep"]);
    let log = log(&place);
    assert_eq!(log[1]["reason"], "`mem <= 40` is broken: 41");
    assert_eq!(log[2]["reason"], "`params <= 7` is broken: 8");
}

/// Fails where the target says `bad`, or where the trial's leavings are.
const CHECK: &str = "[ -e left ] && { echo 'not pristine'; exit 1; }\n\
                     grep -q bad train.sh && { echo checking; echo 'AssertionError: bad'; exit 3; }\n\
                     exit 0\n";

#[test]
fn what_fails_the_checks_is_no_keep_however_good() {
    let leaving = |more: &str, value| format!("touch left\n{more}{}", loss(value));
    let proposals = [leaving("# bad\n", 40), leaving("", 45), leaving("# bad\n", 60)];
    let place = checked(CHECK, "", &proposals);
    let before = place.snapshot();
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "crash", "keep", "discard"]);
    let failed = &log(&place)[1];
    assert_eq!(failed["crash_kind"], "checks");
    assert_eq!(failed["reason"], "checks failed: exit 3: AssertionError: bad");
    let outcomes: Vec<_> = (0..4).map(|number| show(&place, number)["checks"].clone()).collect();
    assert_eq!(outcomes[0], serde_json::json!(["passed"]));
    assert_eq!(outcomes[1], serde_json::json!([{ "failed": "exit 3: AssertionError: bad" }]));
    assert_eq!(outcomes[2], outcomes[0]);
    assert!(outcomes[3].is_null(), "what is worse is not checked");
    let shown = place.run(["show", "1"]).expect(0).stdout;
    assert!(shown.contains("0001-checks.log"), "{shown}");
    assert!(place.read(".autoresearch/t/logs/0001-checks.log").contains("checking\n"));
    let planned = place.run(["run", "--dry-run", "--tag", "u"]).expect(0);
    assert!(planned.stdout.contains("run `sh check.sh` before anything is kept"), "{planned:?}");
    assert_sound(&place, &before);
}

#[test]
fn a_baseline_that_fails_the_checks_stops_the_session_before_any_proposal() {
    let place = checked("echo 'no tests found'\nexit 5\n", "", &[loss(40)]);
    assert_baseline_fails(&place, &["checks failed: exit 5: no tests found", "`checks.command`"]);
}

#[test]
fn checks_that_hang_are_ended_and_have_failed() {
    let hanging = "grep -q slow train.sh && sleep 1000\nexit 0\n";
    let place = checked(hanging, "timeout = \"5s\"", &[format!("# slow\n{}", loss(40)), loss(45)]);
    let before = place.snapshot();
    place.run(session("2", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "crash", "keep"]);
    let reason = text(&log(&place)[1]["reason"]);
    assert!(reason.contains("still running after 5s; raise `checks.timeout`"), "{reason}");
    assert_sound(&place, &before);
}

/// The checks run the candidate's code, which may do anything.
#[test]
fn checks_cannot_change_what_is_protected_unnoticed() {
    let cheat = "case $AUTORESEARCH_OUT in *checks) (echo exit 0 > verify) || true;; esac\n";
    for level in ["best", "unprotected"] {
        let place = checked("sh train.sh\n", "", &[format!("{cheat}{}", loss(40)), loss(45)]);
        // No source by its name, and protected as the command names it.
        place.write("verify", "sh train.sh\n");
        place.commit_all("what verifies");
        let before = place.snapshot();
        let level = format!("run.protection={level}");
        let with = ["--set", &level, "--set", "checks.command=sh ./verify"];
        place.run(session("2", &with)).expect(0);
        let log = log(&place);
        if place.run(["status", "--json"]).expect(0).json()["protection"] == "unprotected" {
            assert_eq!(log[1]["crash_kind"], "checks", "{}", log[1]);
            assert!(text(&log[1]["reason"]).contains("`verify` was"), "{}", log[1]);
        } else {
            let said = place.read(".autoresearch/t/logs/0001-checks.log");
            assert!(said.contains("verify") && log[1]["verdict"] == "keep", "{said}");
        }
        assert_sound(&place, &before);
    }
}

/// Sleeps the first time that a slow candidate is checked.
const SLOW: &str = "grep -q slow train.sh || exit 0\n\
                    [ -e \"$AUTORESEARCH_OUT/seen\" ] && exit 0\n\
                    touch \"$AUTORESEARCH_OUT/seen\"\nsleep 987\n";

/// A session in the middle of the checks of its first candidate, and what is
/// done to it.
fn disturbed(disturb: impl Fn(&Place, &autoresearch_testkit::Running)) -> (Place, Option<i32>) {
    let place = checked(SLOW, "", &[format!("# slow\n{}", loss(40))]);
    let before = place.snapshot();
    let engine = place.start(session("1", &[]));
    place.await_process("sleep 987");
    disturb(&place, &engine);
    let ended = engine.wait();
    place.assert_deserted();
    if log(&place).len() < 2 {
        place.run(["resume", "--json"]).expect(0);
    }
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_eq!(show(&place, 1)["trials"].as_array().unwrap().len(), 1, "it is not run again");
    assert_sound(&place, &before);
    (place, ended.code)
}

#[test]
fn an_engine_killed_while_checking_checks_again_on_resume() {
    let (place, code) = disturbed(|_, engine| engine.kill());
    assert_eq!(code, None);
    assert_eq!(show(&place, 1)["checks"], serde_json::json!(["lost", "passed"]));
}

#[test]
fn a_supervisor_killed_while_checking_costs_one_run_of_the_checks() {
    let (place, code) = disturbed(|place, engine| {
        let own = engine.pid();
        let is_supervisor = |process: &autoresearch_testkit::Process| {
            process.pid != own && process.command.contains("supervise")
        };
        place.processes().into_iter().filter(is_supervisor).for_each(|p| kill(p.pid));
    });
    assert_eq!(code, Some(0));
    assert_eq!(show(&place, 1)["checks"], serde_json::json!(["lost", "passed"]));
}

#[test]
fn a_session_stopped_while_checking_goes_on_with_the_checks() {
    let (place, _) = disturbed(|place, _| {
        place.run(["stop", "--now"]).expect(0);
    });
    assert_eq!(show(&place, 1)["checks"], serde_json::json!(["interrupted", "passed"]));
}
