//! What makes runs comparable, from the configuration to the journal.

use autoresearch_testkit::Place;
use serde_json::Value;

use crate::toy::{CONFIG, TAG, log, loss, session, show, text, toy, verdicts};

const ENDLESS: &str = "i=0\nwhile :; do i=$((i+1)); echo \"step $i\"; echo 'loss: 40'; done\n";

fn crash_kind(place: &Place, number: usize) -> Value {
    log(place)[number]["crash_kind"].clone()
}

/// A toy whose file has this budget.
fn toy_with(budget: &str, proposals: &[String]) -> Place {
    let place = toy(proposals);
    let config = CONFIG.replace("budget = \"60s\"", &format!("budget = {budget}"));
    assert_ne!(config, CONFIG);
    let place = place.file("autoresearch.toml", config);
    place.commit_all("a budget");
    place
}

#[test]
fn a_budget_of_steps_ends_a_run_and_counts_its_last_metric() {
    let budget = r"{ steps = 50, pattern = 'step[: ]+(\d+)' }";
    let proposals = [ENDLESS.to_owned(), loss(30), "echo step 50\nsleep 1000\n".to_owned()];
    let place = toy_with(budget, &proposals);
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep", "crash"]);
    let trial = &show(&place, 1)["trials"][0];
    assert_eq!(trial["exit"]["budget"], "50 steps");
    assert!(trial["conditions"]["steps"].as_u64() >= Some(50), "{trial}");
    // It ended by itself, before.
    assert_eq!(show(&place, 2)["trials"][0]["exit"]["code"], 0);
    // It used its budget and said nothing.
    assert_eq!(crash_kind(&place, 3), "no_metric");
    let said = place.run(["show", "1"]).expect(0).stdout;
    assert!(said.contains("ended at its budget of 50 steps"), "{said}");
    place.assert_deserted();
}

#[test]
fn a_budget_of_cpu_time_ends_a_run_or_makes_it_a_crash() {
    let busy = ["echo 'loss: 40'\nwhile :; do :; done\n".to_owned()];
    for (on_budget, expected) in [("last", "keep"), ("crash", "crash")] {
        let place = toy_with("{ cpu = '500ms' }", &busy);
        let on_budget = format!("run.on_budget={on_budget}");
        place.run(session("1", &["--set", &on_budget])).expect(0);
        assert_eq!(verdicts(&place), ["keep", expected]);
        assert_eq!(show(&place, 1)["trials"][0]["exit"]["budget"], "500ms of CPU time");
    }
}

#[test]
fn a_run_that_hangs_has_not_used_its_budget_of_cpu_time() {
    let place =
        toy_with("{ cpu = '10m', wall = '4s' }", &["echo 'loss: 40'\nsleep 1000\n".to_owned()]);
    place.run(session("1", &[])).expect(0);
    assert_eq!(crash_kind(&place, 1), "timeout");
    let reason = text(&show(&place, 1)["trials"][0]["crash"]["reason"]);
    assert!(reason.contains("10m of CPU time") && reason.contains("`wall`"), "{reason}");
}

#[test]
fn a_run_is_told_its_budget_and_its_threads_which_it_cannot_exceed() {
    let tell = "cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)\n\
        echo \"$AUTORESEARCH_BUDGET_STEPS $AUTORESEARCH_BUDGET_SECONDS $OMP_NUM_THREADS \
        $MKL_NUM_THREADS $cpus\" > \"$AUTORESEARCH_OUT/told\"\necho 'loss: 1'\n";
    let place = toy_with("{ steps = 9, pattern = '(x)', wall = '2m' }", &[tell.to_owned()]);
    let place = place.variable("OMP_NUM_THREADS", "64");
    let args = ["--set", "run.threads=1", "--set", "run.env.MKL_NUM_THREADS=7"];
    place.run(session("1", &args)).expect(0);
    let told = place.read(".autoresearch/t/out/0001-1/told");
    let (rest, cpus) = told.trim_end().rsplit_once(' ').unwrap();
    assert_eq!(rest, "9 120 1 7");
    // One CPU, neither a range nor a list.
    assert!(cpus.parse::<usize>().is_ok(), "{told}");
}

#[test]
fn more_threads_than_cpus_are_an_error_before_anything_is_made() {
    let place = toy(&[]);
    let before = place.everything();
    let ended = place.run(session("1", &["--set", "run.threads=5000"]));
    let said = ended.expect(2).stderr;
    assert!(said.contains("`run.threads`: 5000 threads") && said.contains("hint"), "{said}");
    before.assert_same(&place.everything());
}

#[test]
fn cpu_time_in_a_container_is_refused() {
    let place = toy(&[]);
    let more = ["--budget", "{ cpu = '1m' }", "--set", "run.wrap=docker run --rm image"];
    let said = place.run(session("1", &more)).expect(2).stderr;
    assert!(said.contains("cannot be counted in a container"), "{said}");
}

#[test]
fn a_benchmark_is_judged_by_the_value_that_was_asked_for() {
    let place = toy(&["for x in 90 20 95; do echo \"loss: $x\"; done\n".to_owned()]);
    place.run(session("1", &["--set", "metric.take=min"])).expect(0);
    assert_eq!(show(&place, 1)["trials"][0]["metric"], 20.0);
    let args = ["run", "--dry-run", "--tag", "other", "--set", "metric.take=p10"];
    let said = place.run(args).expect(0).stdout;
    assert!(said.contains("the p10 of a run"), "{said}");
}

#[test]
fn a_dry_run_and_a_report_say_what_a_run_may_use() {
    let place = toy_with("{ cpu = '5m' }", &[loss(40)]);
    let said = place.run(["run", "--dry-run", "--tag", TAG]).expect(0).stdout;
    assert!(said.contains("5m of CPU time, at most 50m in all"), "{said}");
    assert!(said.contains("5m of CPU time each"), "{said}");
    place.run(session("1", &[])).expect(0);
    place.run(["report", "--tag", TAG]).expect(0);
    let summary = place.read(".autoresearch/t/autoresearch-summary.md");
    assert!(summary.contains("5m of CPU time an experiment"), "{summary}");
}
