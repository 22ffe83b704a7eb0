//! The five ways in (SPEC G), and what a session does.

use autoresearch_testkit::{Place, Snapshot};
use serde_json::Value;

use crate::toy::{
    TAG, assert_sound, events, log, loss, parts, place, session, show, status, text, toy, verdicts,
};

/// A patch of the toy from one loss to another.
fn patch(from: u32, to: u32) -> String {
    format!(
        "--- a/train.sh\n+++ b/train.sh\n@@ -1,2 +1,2 @@\n-x={from}\n+x={to}\n echo \"loss: $x\"\n"
    )
}

fn crash_kind(place: &Place, number: usize) -> Value {
    log(place)[number]["crash_kind"].clone()
}

/// SPEC G1, E7.
#[test]
fn a_session_keeps_what_is_better_and_leaves_the_rest_behind() {
    let crash = "echo broken >&2\nexit 3\n".to_owned();
    let place = toy(&[loss(40), loss(60), crash, loss(30), loss(30.5), loss(20)]);
    let before = place.snapshot();
    let ended = place.run(session("6", &[])).expect(0);
    assert_eq!(events(&ended)[..2], ["note", "begun"], "how replicates are seeded comes first");
    assert_eq!(events(&ended).iter().filter(|event| *event == "settled").count(), 7);
    assert_eq!(ended.json_lines().last().unwrap()["reason"], "iterations");
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash", "keep", "discard", "keep"]);
    assert_eq!(log(&place)[3]["reason"], "exit: exit 3: broken");
    assert_eq!(status(&place)["best"]["metric"], 20.0);
    // Only the kept ones are on the branch; each has its own change.
    let subjects = place.git(&["log", "--format=%s", "main..autoresearch/t"]);
    assert_eq!(subjects, "exp: proposal 6\nexp: proposal 4\nexp: proposal 1");
    let diff = place.run(["diff", "2"]).expect(0).stdout;
    assert!(diff.contains("-x=40") && diff.contains("+x=60"), "{diff}");
    let diff = place.run(["diff", "2", "6"]).expect(0).stdout;
    assert!(diff.contains("-x=60") && diff.contains("+x=20"), "{diff}");
    assert_sound(&place, &before);
}

/// What a person reads, and the ten-experiment report (SPEC F1).
#[test]
fn without_json_a_session_tells_its_story_in_text() {
    let proposals: Vec<String> = (1..=10).map(|n| loss(50 - n)).collect();
    let place = toy(&proposals);
    let ended = place.run(["run", "--yes", "--tag", TAG, "-n", "10"]).expect(0);
    for part in [
        "Research Config",
        "train.sh",
        "autoresearch/t",
        "proposal 7",
        "autoresearch-summary.md",
        "autoresearch merge",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains('\u{1b}'), "no colours in a file");
    for args in [&["status"][..], &["log"], &["show", "3"], &["report"], &["doctor"]] {
        let said = place.run(args).expect(0).stdout;
        assert!(!said.is_empty() && !said.contains('\u{1b}'), "{args:?}: {said}");
    }
}

/// SPEC G2.
#[test]
fn a_hypothesis_with_its_patch_goes_first_and_the_loop_goes_on() {
    let place = toy(&[loss(1), loss(45)]);
    std::fs::write(place.base().join("p.diff"), patch(50, 40)).unwrap();
    let before = place.snapshot();
    let path = place.base().join("p.diff").display().to_string();
    place.run(session("2", &["--hypothesis", "forty is better", "--patch", &path])).expect(0);
    let log = log(&place);
    assert_eq!(
        (&log[1]["hypothesis"], &log[1]["verdict"]),
        (&"forty is better".into(), &"keep".into())
    );
    assert_eq!(show(&place, 1)["proposer"], "queue");
    assert_eq!(
        (&log[2]["hypothesis"], &log[2]["verdict"]),
        (&"proposal 2".into(), &"discard".into())
    );
    assert_sound(&place, &before);
}

/// SPEC G2: a sentence goes to whoever can turn it into an edit.
#[test]
fn a_hypothesis_without_a_patch_is_handed_to_the_proposer() {
    let place = toy(&[]).file(
        "propose.sh",
        "cat \"$AUTORESEARCH_BRIEF\"\nprintf 'x=40\\necho \"loss: $x\"\\n' > train.sh\n",
    );
    place.commit_all("a proposer that says nothing");
    place.run(session("1", &["--hypothesis", "forty is better"])).expect(0);
    assert_eq!(log(&place)[1]["hypothesis"], "forty is better");
    assert_eq!(show(&place, 1)["proposer"], "command");
    let brief = place.read(".autoresearch/t/logs/desk-0001.log");
    assert!(brief.contains("forty is better"), "{brief}");
    assert!(brief.contains("## Platform\n\n- Linux "), "{brief}");
    assert!(brief.contains("- set for every run: AUTORESEARCH_DEVICE=c"), "{brief}");
}

/// SPEC G3.
#[test]
fn exactly_n_experiments_and_then_the_report() {
    let place = toy(&[loss(40), loss(60), loss(30), loss(20)]);
    place.run(session("3", &[])).expect(0);
    assert_eq!(verdicts(&place).len(), 1 + 3);
    let folder = ".autoresearch/t";
    assert!(place.read(format!("{folder}/autoresearch-summary.md")).contains("proposal 3"));
    assert!(place.read(format!("{folder}/progress.svg")).starts_with("<svg"));
    let png = std::fs::read(place.root().join(folder).join("progress.png")).unwrap();
    assert_eq!(&png[..4], b"\x89PNG");
    // More of it, in all and on top.
    place.run(["resume", "-n", "+1"]).expect(0);
    assert_eq!(verdicts(&place).len(), 1 + 4);
    assert_eq!(status(&place)["iterations"], 4);
}

/// SPEC G4: a branch and a table that a bare agent left behind.
#[test]
fn a_foreign_branch_and_table_become_a_session_that_goes_on() {
    let place = toy(&[loss(1), loss(2), loss(3), loss(35)]);
    place.git(&["checkout", "-q", "-b", "agents/mar5"]);
    place.write("train.sh", loss(40));
    let kept = place.commit_all("better");
    place.write("train.sh", loss(60));
    let discarded = place.commit_all("worse");
    place.git(&["checkout", "-q", "main"]);
    let base = place.git(&["rev-parse", "HEAD"]);
    let table = format!(
        "commit\tloss\tmemory_gb\tstatus\tdescription\n{}\t50.000000\t0.1\tKEEP\tbaseline\n{}\t40.000000\t0.1\tkeep\tforty\n{}\t60.000000\t0.1\tdiscard\tsixty\nc0011f2\t0.000000\t0.0\tcrash\ttoo big (OOM)\n",
        &base[..7],
        &kept[..7],
        &discarded[..7]
    );
    place.write("results.tsv", &table);
    let before = place.snapshot();
    let imported = place.run(["import", "results.tsv", "--tag", TAG, "--json"]).expect(0).json();
    assert_eq!(imported["rows"], 4);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash"]);
    assert_eq!(place.git(&["rev-parse", "autoresearch/t"]), kept);
    place.run(["resume", "-n", "+1"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard", "crash", "keep"]);
    assert_eq!(log(&place)[4]["metric"], 35.0);
    assert_eq!(place.read("results.tsv"), table, "the table that was read is not written");
    assert_eq!(place.read("results-2.tsv").lines().count(), 6);
    let diff = place.run(["diff", "4"]).expect(0).stdout;
    assert!(diff.contains("-x=40"), "{diff}");
    place.assert_deserted();
    before.assert_same(&place.snapshot());
}

/// SPEC G5: no repository, no session.
#[test]
fn a_bare_table_is_reported_on() {
    let place = place().file(
        "old.tsv",
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\naaaaaaa\t0.9979\t44.0\tkeep\tbaseline\nbbbbbbb\t0.9821\t43.2\tkeep\tReLU²\nccccccc\t0.000000\t0.0\tcrash\tOOM\n",
    );
    let said = place.run(["report", "old.tsv", "--out", "out"]).expect(0).stdout;
    assert!(said.contains("0.9821"), "{said}");
    assert!(place.read("out/autoresearch-summary.md").contains("ReLU²"));
    let json = place.run(["report", "old.tsv", "--out", "out", "--json"]).expect(0).json();
    assert_eq!(json["history"]["points"].as_array().unwrap().len(), 3);
}

/// SPEC E7.
#[test]
fn an_equal_result_with_fewer_lines_is_kept() {
    let place = toy(&[format!("{}echo more\n", loss(50)), loss(50), format!("{}:\n", loss(50))]);
    place.write("train.sh", format!(": # a line that does nothing\n{}", loss(50)));
    place.commit_all("a longer baseline");
    place.run(session("3", &[])).expect(0);
    let rules: Vec<String> = log(&place).iter().map(|point| text(&point["rule"])).collect();
    assert_eq!(rules, ["baseline", "equal", "equal_and_simpler", "equal"]);
}

/// SPEC E7, L: never twice, and a refusal costs no iteration.
#[test]
fn a_duplicate_is_refused_without_a_run() {
    let again = format!("{}\n\n# spoken differently\n", loss(60))
        .replace("\n\n# spoken differently\n", "   \n\n");
    let place = toy(&[loss(60), again]);
    let ended = place.run(session("5", &[])).expect(5);
    let refusals: Vec<Value> =
        ended.json_lines().into_iter().filter(|line| line["event"] == "refused").collect();
    assert_eq!(refusals.len(), 3, "patience is 3");
    assert!(text(&refusals[0]["reason"]).contains("tried in experiment 1"), "{refusals:?}");
    assert_eq!(verdicts(&place), ["keep", "discard"]);
    assert!(status(&place)["stopped"]["proposer_stuck"].is_string());
}

/// SPEC E11.
#[test]
fn an_edit_outside_the_targets_is_refused_and_patience_ends_the_session() {
    for (mischief, named) in [
        ("echo cheat >> propose.sh", "`propose.sh` is not a target"),
        ("echo new > new.sh", "`new.sh` is not a target"),
        ("rm train.sh", "a target must stay"),
        ("rm train.sh; ln -s propose.sh train.sh", "symbolic link"),
        ("chmod +x train.sh", "mode"),
        (":", "changes nothing"),
    ] {
        let place = toy(&[]);
        place.write("propose.sh", format!("{mischief}; exit 0\n"));
        place.commit_all("a bad proposer");
        let before = place.snapshot();
        let ended = place.run(session("2", &[])).expect(5);
        let lines = ended.json_lines();
        let refusals: Vec<&Value> =
            lines.iter().filter(|line| line["event"] == "refused").collect();
        assert_eq!(refusals.len(), 3, "{mischief}: {}", ended.stdout);
        assert!(text(&refusals[0]["reason"]).contains(named), "{mischief}: {refusals:?}");
        assert_sound(&place, &before);
    }
}

/// Agents like to commit by themselves.
#[test]
fn a_proposer_that_commits_its_edit_is_understood() {
    let place = toy(&[loss(40)]);
    let commit = "git add -A && git -c user.name=a -c user.email=a@b commit -qm mine\ngit checkout -q -b agents-own\n";
    place.write("propose.sh", format!("{}{commit}", place.read("propose.sh")));
    place.commit_all("a proposer that commits");
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_eq!(place.git(&["log", "-1", "--format=%s", "autoresearch/t"]), "exp: proposal 1");
}

#[test]
fn a_proposer_that_fails_says_why_and_ends_the_session() {
    let place = toy(&[]);
    let ended = place.run(session("2", &[])).expect(5);
    assert!(ended.stdout.contains("proposals/1"), "cp's own words: {}", ended.stdout);
    assert_eq!(verdicts(&place), ["keep"]);
}

#[test]
fn the_scope_hyperparameters_lets_only_literals_through() {
    let place = toy(&["LR = 0.2\n".to_owned(), "LR = 0.1\nEXTRA = 1\n".to_owned()])
        .file("train.py", "LR = 0.5\n")
        .file("run.sh", "sed 's/^LR = /loss: /' train.py\n");
    place.write("propose.sh", place.read("propose.sh").replace("train.sh", "train.py"));
    place.commit_all("python");
    let args = ["--target", "train.py", "--command", "sh run.sh", "--scope", "hyperparameters"];
    let ended = place.run(session("2", &args)).expect(5);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    let refused = ended.json_lines().into_iter().find(|line| line["event"] == "refused").unwrap();
    assert!(text(&refused["reason"]).contains("the scope is `hyperparameters`"), "{refused}");
}

#[test]
fn every_failure_of_a_run_has_its_kind() {
    let place = toy(&[
        "echo 'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.'\nexit 1\n".to_owned(),
        "echo 'loss: nan'\n".to_owned(),
        "echo 'loss: inf'\n".to_owned(),
        "echo done\n".to_owned(),
        "kill -SEGV $$\n".to_owned(),
        "exit 7\n".to_owned(),
        "echo 'loss: 1'; exit 1\n".to_owned(),
        "echo 'loss: nan'; echo 'loss: 42'\n".to_owned(),
        "printf '\\377\\376\\nstep 1\\rloss: 41\\r\\n\\377'\n".to_owned(),
    ]);
    let before = place.snapshot();
    place.run(session("9", &[])).expect(0);
    let kinds: Vec<Value> = (1..8).map(|n| crash_kind(&place, n)).collect();
    assert_eq!(kinds, ["oom", "not_finite", "not_finite", "no_metric", "exit", "exit", "exit"]);
    assert_eq!(verdicts(&place)[8..], ["keep", "keep"], "the last finite value counts");
    assert_sound(&place, &before);
}

#[test]
fn a_run_at_its_deadline_counts_with_its_last_metric_or_as_a_crash() {
    let endless =
        "trap '' TERM\necho 'loss: 45'\nsleep 1000 &\nwhile :; do sleep 1; done\n".to_owned();
    for (on_budget, expected) in [("last", "keep"), ("crash", "crash")] {
        let place = toy(std::slice::from_ref(&endless));
        let on_budget = format!("run.on_budget={on_budget}");
        let args = ["--budget", "2s", "--set", "run.grace=50ms", "--set", &on_budget];
        place.run(session("1", &args)).expect(0);
        assert_eq!(verdicts(&place), ["keep", expected]);
        if expected == "crash" {
            assert_eq!(crash_kind(&place, 1), "timeout");
        }
        assert_eq!(show(&place, 1)["trials"][0]["exit"], "deadline");
        place.assert_deserted();
    }
}

#[test]
fn a_run_that_changes_a_read_only_file_is_found_out() {
    let place = toy(&[
        "echo 'echo 0' > prepare.sh\necho 'loss: 1'\n".to_owned(),
        "rm prepare.sh; ln -s train.sh prepare.sh\necho 'loss: 1'\n".to_owned(),
        loss(40),
    ])
    .file("prepare.sh", "echo 50\n");
    place.commit_all("a read-only script");
    // What is confined cannot change it; see `trust.rs`.
    let open = ["--read-only", "prepare.sh", "--set", "run.protection=unprotected"];
    place.run(session("3", &open)).expect(0);
    assert_eq!(verdicts(&place), ["keep", "crash", "crash", "keep"]);
    assert_eq!(
        (crash_kind(&place, 1), crash_kind(&place, 2)),
        ("tampered".into(), "tampered".into())
    );
}

/// SPEC A3, L2: the run's own words do not count.
#[test]
fn a_sealed_metric_is_measured_elsewhere_from_the_artefact() {
    let cheat =
        "echo 40 > model.txt\necho 'echo loss: 0' > measure.sh\necho 'loss: 1'\n".to_owned();
    let place = toy(&[cheat, "echo 'loss: 2'\n".to_owned()])
        .file("train.sh", "echo 50 > model.txt\necho 'loss: 3'\n")
        .file("measure.sh", "echo \"loss: $(cat model.txt)\"\n");
    place.commit_all("sealed");
    let sealed = ["--set", "metric.command=sh measure.sh", "--set", "metric.artifacts=model.txt"];
    place.run(session("2", &sealed)).expect(0);
    let log = log(&place);
    assert_eq!((&log[0]["metric"], &log[1]["metric"]), (&50.0.into(), &40.0.into()));
    assert_eq!(crash_kind(&place, 2), "no_metric");
    assert!(text(&log[2]["reason"]).contains("model.txt"), "{}", log[2]["reason"]);
}

/// SPEC E6.
#[test]
fn the_metric_comes_from_a_pattern_or_a_json_file() {
    let place = toy(&["echo 'score=40/100'\n".to_owned()]);
    place.write("train.sh", "echo 'score=50/100'\n");
    place.commit_all("a pattern");
    place.run(session("1", &["--pattern", r"score=(\d+)/"])).expect(0);
    assert_eq!(log(&place)[1]["metric"], 40.0);

    let json = |value: u32| {
        format!("mkdir -p out\necho '{{\"val\":{{\"loss\":{value}}}}}' > out/m.json\n")
    };
    let place = toy(&[json(40), "echo 'loss: 1'\n".to_owned()]);
    place.write("train.sh", json(50));
    place.commit_all("a file");
    let source = ["--set", "metric.json=out/m.json", "--set", "metric.key=val.loss"];
    place.run(session("2", &source)).expect(0);
    assert_eq!(log(&place)[1]["metric"], 40.0);
    assert_eq!(crash_kind(&place, 2), "no_metric", "the file of the run before is gone");
}

#[test]
fn a_higher_metric_is_better_when_told_so() {
    let place = toy(&[loss(60), loss(55)]);
    place.write(
        "autoresearch.toml",
        place.read("autoresearch.toml").replace("minimize", "maximize"),
    );
    place.run(session("2", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard"]);
}

/// SPEC F2, A10.
#[test]
fn a_session_stops_when_a_rule_holds() {
    for (rule, after) in [("loss <= 40", 2), ("no keep in 2", 4), ("improvement >= 10%", 2)] {
        let place = toy(&[loss(49), loss(40), loss(60), loss(61), loss(62)]);
        let ended = place.run(session("5", &["--stop-when", rule])).expect(0);
        let stopped = ended.json_lines().pop().unwrap();
        assert!(stopped["reason"]["rule"].is_string(), "{stopped}");
        assert_eq!(verdicts(&place).len(), 1 + after, "{rule}");
    }
}

#[test]
fn untracked_data_is_linked_into_the_runs() {
    let place = toy(&["x=$(($(cat data/number) - 1))\necho \"loss: $x\"\n".to_owned()]);
    place.write("train.sh", "echo \"loss: $(cat data/number)\"\n");
    place.write(".gitignore", "data/\n");
    place.commit_all("data");
    place.write("data/number", "50\n");
    let before = place.snapshot();
    place.run(session("1", &["--link", "data"])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}

#[test]
fn a_run_is_told_its_number_its_seed_its_budget_and_where_to_leave_things() {
    let place = toy(&["echo \"$AUTORESEARCH_EXPERIMENT $AUTORESEARCH_SEED $AUTORESEARCH_BUDGET_SECONDS\" > \"$AUTORESEARCH_OUT/told\"\necho 'loss: 1'\n".to_owned()]);
    place.run(session("1", &["--set", "run.seed=7"])).expect(0);
    assert_eq!(place.read(".autoresearch/t/out/0001-1/told"), "1 7 60\n");
}

/// SPEC A9: says what would happen, touches nothing.
#[test]
fn a_dry_run_touches_nothing() {
    let place = toy(&[loss(40)]);
    let before = place.everything();
    let said = place.run(["run", "--dry-run", "--tag", TAG]).expect(0).stdout;
    for part in ["create the branch autoresearch/t", "change only train.sh", "sh train.sh"] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    let json = place.run(["run", "--dry-run", "--json", "--tag", TAG]).expect(0).json();
    assert_eq!(json["config"]["metric"]["name"], "loss");
    place.run(["init", "--dry-run", "--yes"]).expect(0);
    before.assert_same(&place.everything());
}

/// SPEC I1.
#[test]
fn a_resting_session_takes_hypotheses_and_gives_them_back() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &[])).expect(0);
    std::fs::write(place.base().join("p.diff"), patch(40, 30)).unwrap();
    let path = place.base().join("p.diff").display().to_string();
    place.run(["hypothesis", "add", "not this"]).expect(0);
    place.run(["hypothesis", "add", "thirty", "--patch", &path]).expect(0);
    let queue = place.run(["hypothesis", "list", "--json"]).expect(0).json_lines();
    assert_eq!(
        (queue[0]["hypothesis"].as_str(), queue[1]["hypothesis"].as_str()),
        (Some("not this"), Some("thirty"))
    );
    let id = |n: usize| queue[n]["id"].to_string();
    place.run(["hypothesis", "drop", &id(0)]).expect(0);
    place.run(["hypothesis", "drop", &id(0)]).expect(2).says(&["no hypothesis 1 waits"]);
    let queue = place.run(["hypothesis", "list", "--json"]).expect(0).json_lines();
    assert_eq!(queue.len(), 1);
    place.run(["resume", "-n", "+1"]).expect(0);
    assert_eq!(log(&place)[2]["hypothesis"], "thirty");
    assert_eq!(log(&place)[2]["verdict"], "keep");
    assert_eq!(place.run(["hypothesis", "list"]).expect(0).stdout, "");
}

#[test]
fn a_running_session_takes_a_hypothesis_next() {
    let slow = format!("while [ -e \"$HOME/slow\" ]; do sleep 0.02; done\n{}", loss(40));
    let place = toy(&[slow, loss(1)]);
    std::fs::write(place.base().join("home/slow"), "").unwrap();
    let whole = "--- a/train.sh\n+++ b/train.sh\n@@ -1,3 +1,2 @@\n-while [ -e \"$HOME/slow\" ]; do sleep 0.02; done\n-x=40\n+x=30\n echo \"loss: $x\"\n";
    std::fs::write(place.base().join("p.diff"), whole).unwrap();
    let path = place.base().join("p.diff").display().to_string();
    let engine = place.start(session("2", &["--set", "run.readable=~"]));
    place.await_process("sleep 0.02");
    place.run(["hypothesis", "add", "thirty", "--patch", &path]).expect(0);
    let queue = place.run(["hypothesis", "list", "--json"]).expect(0).json_lines();
    assert_eq!(queue[0]["hypothesis"], "thirty");
    std::fs::remove_file(place.base().join("home/slow")).unwrap();
    engine.wait().expect(0);
    assert_eq!(log(&place)[2]["hypothesis"], "thirty");
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
}

#[test]
fn a_patch_that_does_not_apply_is_refused_and_the_loop_goes_on() {
    let place = toy(&[loss(40)]);
    std::fs::write(place.base().join("p.diff"), patch(7, 8)).unwrap();
    let path = place.base().join("p.diff").display().to_string();
    let ended = place.run(session("1", &["--hypothesis", "eight", "--patch", &path])).expect(0);
    let refused = ended.json_lines().into_iter().find(|line| line["event"] == "refused").unwrap();
    assert!(text(&refused["reason"]).contains("does not apply"), "{refused}");
    assert_eq!(log(&place)[1]["hypothesis"], "proposal 1");
}

#[test]
fn the_queue_alone_ends_when_it_is_empty() {
    let place = toy(&[]);
    std::fs::write(place.base().join("p.diff"), patch(50, 40)).unwrap();
    let path = place.base().join("p.diff").display().to_string();
    let ended = place.run(session("5", &["--proposer", "queue", "--patch", &path])).expect(0);
    assert!(ended.json_lines().pop().unwrap()["reason"]["exhausted"].is_string());
    assert_eq!(verdicts(&place), ["keep", "keep"]);
}

fn merged(style: &str, after: impl Fn(&Place)) -> Place {
    let place = toy(&[loss(40), loss(60), loss(30)]);
    place.run(session("3", &[])).expect(0);
    after(&place);
    place.run(["merge", "--yes", style]).expect(0);
    place
}

/// SPEC F4.
#[test]
fn a_squashed_merge_is_one_commit_with_all_that_was_kept() {
    let place = merged("--squash", |_| ());
    assert_eq!(place.git(&["rev-list", "--count", "main"]), "2");
    assert_eq!(place.read("train.sh"), loss(30), "the checkout follows its branch");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    let message = place.git(&["log", "-1", "--format=%B"]);
    assert!(message.contains("proposal 1") && message.contains("proposal 3"), "{message}");
    assert!(!message.contains("proposal 2"), "{message}");
    // Again: nothing is left to do.
    place.run(["merge", "--yes", "--squash"]).expect(0);
    assert_eq!(place.git(&["rev-list", "--count", "main"]), "2");
}

/// SPEC F4: onto a branch that went on meanwhile.
#[test]
fn a_rebased_merge_is_a_commit_for_each_kept_change() {
    let place = merged("--rebase", |place| {
        place.write("other.txt", "went on\n");
        place.commit_all("meanwhile");
    });
    let subjects = place.git(&["log", "--format=%s", "main"]);
    assert_eq!(subjects, "exp: proposal 3\nexp: proposal 1\nmeanwhile\nstart");
    assert_eq!(place.read("train.sh"), loss(30));
}

#[test]
fn a_merge_that_conflicts_leaves_everything_as_it_was() {
    for style in ["--squash", "--rebase"] {
        let place = toy(&[loss(40)]);
        place.run(session("1", &[])).expect(0);
        place.write("train.sh", loss(49));
        place.commit_all("meanwhile");
        let before: Snapshot = place.snapshot();
        place.run(["merge", "--yes", style]).expect(1).says(&["train.sh"]);
        before.assert_same(&place.snapshot());
    }
}

#[test]
fn a_merge_over_local_changes_leaves_everything_as_it_was() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &[])).expect(0);
    place.write("train.sh", "half an idea\n");
    let before = place.snapshot();
    place.run(["merge", "--yes", "--squash"]).expect(1).says(&["train.sh"]);
    before.assert_same(&place.snapshot());
    place.run(["merge", "--squash"]).expect(2).says(&["--yes"]);
}

/// SPEC E10, D3: without a baseline there is nothing to compare with.
#[test]
fn a_failing_baseline_ends_the_session_with_its_reason() {
    let place = toy(&[loss(40)]);
    place.write("train.sh", "echo oh dear\nexit 9\n");
    place.commit_all("broken");
    let before = place.snapshot();
    let ended = place.run(session("1", &[])).expect(4);
    let reason = ended.json_lines().pop().unwrap()["reason"]["baseline_failed"].clone();
    assert!(text(&reason).contains("exit 9: oh dear"), "{reason}");
    place.assert_deserted();
    before.assert_same(&place.snapshot());
}

#[test]
fn the_embedded_search_needs_nothing_but_a_target() {
    let place = parts(place(), &[])
        .file("train.py", "LR = 0.5\nDEPTH = 4\n")
        .file("run.sh", "sed -n 's/^LR = /loss: /p' train.py\n")
        .repository();
    let before = place.snapshot();
    let args = ["--target", "train.py", "--command", "sh run.sh", "--proposer", "search"];
    place.run(session("4", &args)).expect(0);
    assert_eq!(verdicts(&place).len(), 5);
    assert_eq!(show(&place, 1)["proposer"], "search");
    assert_sound(&place, &before);
}
