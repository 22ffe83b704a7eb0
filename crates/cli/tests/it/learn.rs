//! `autoresearch learn` (SPEC A10): a session on a ready-made metric, on several
//! files, until a goal holds.

use autoresearch_testkit::Place;

use crate::toy::{assert_sound, events, log, place, status, text, verdicts};

/// A system whose score is the sum of two files, as pylint would print it, and a
/// proposer that raises one of them.
fn system(first: &str) -> Place {
    place()
        .file("src/a.sh", first)
        .file("src/deep/b.sh", "y=2\n")
        .file("src/test_b.sh", "exit 0\n")
        .file(
            "lint.sh",
            ". ./src/a.sh; . ./src/deep/b.sh\necho \"Your code has been rated at $((x + y)).00/10\"\n",
        )
        .file(
            "propose.sh",
            ". ./src/a.sh\necho \"x=$((x + 1))\" > src/a.sh\necho \"HYPOTHESIS: x is $((x + 1))\"\n",
        )
        .repository()
}

const LEARN: &[&str] =
    &["learn", "src/**/*.sh", "--preset", "pylint", "--command", "sh lint.sh", "--tag", "t"];

fn learn<'a>(more: &[&'a str]) -> Vec<&'a str> {
    LEARN.iter().chain(more).copied().collect()
}

const PROPOSE: &[&str] = &["--proposer-command", "sh propose.sh", "--yes", "--json"];

/// The score falls with every experiment; the brief begins with `{"number":7,`.
const WORSE: &str = "n=$(head -c 24 | sed 's/[^0-9]*\\([0-9]*\\).*/\\1/')\necho x=-$n > src/a.sh\n";

fn reason(lines: &[serde_json::Value]) -> String {
    let stopped = lines.last().unwrap();
    assert_eq!(stopped["event"], "stopped", "{stopped}");
    text(&stopped["reason"]["rule"])
}

/// Why it stopped, as the summary says it, without Markdown's quotes.
fn stopped(place: &Place) -> String {
    let summary = place.read(".autoresearch/t/autoresearch-summary.md");
    let row = summary.lines().find_map(|line| line.strip_prefix("| Stopped | ")).unwrap();
    row.trim_end_matches(" |").replace('\\', "").replace("&gt;", ">")
}

/// SPEC A4, A10: the preset knows the metric, its direction and the budget.
#[test]
fn it_goes_on_until_the_goal_holds_and_says_so() {
    let place = system("x=3\n");
    let before = place.snapshot();
    let args = [PROPOSE, &["--goal", "score >= 9", "--goal", "improvement >= 50%"]].concat();
    let ended = place.run(learn(&args)).expect(0);
    assert_eq!(reason(&ended.json_lines()), "improvement >= 50%");
    assert_eq!(verdicts(&place), ["keep", "keep", "keep", "keep"]);
    assert_eq!(log(&place)[3]["metric"], 8.0);
    let hourly = &status(&place)["experiments_an_hour"];
    assert_eq!(hourly["goal"], 12.0, "{hourly}");
    assert!(hourly["rate"].as_f64().unwrap() > 0.0, "{hourly}");
    assert!(place.run(["status"]).expect(0).stdout.contains("an hour (goal 12)"));
    assert_eq!(stopped(&place), "the stop rule `improvement >= 50%` holds");
    assert_sound(&place, &before);
}

#[test]
fn a_goal_that_holds_already_ends_it_before_anything_is_tried() {
    let place = system("x=3\n");
    let args = ["--proposer-command", "sh propose.sh", "--yes", "--goal", "score >= 5"];
    let ended = place.run(learn(&args)).expect(0);
    assert_eq!(verdicts(&place), ["keep"]);
    assert!(
        ended.stderr.contains("`score >= 5` holds for what is there already"),
        "{}",
        ended.stderr
    );
    // Nor does more of the same help, which is said.
    let resumed = place.run(["resume", "-n", "+2"]).expect(0);
    resumed.says(&["nothing was tried", "a session of another `--goal`"]);
    assert_eq!(verdicts(&place), ["keep"]);
}

#[test]
fn a_share_of_a_baseline_of_0_is_no_goal_and_that_is_said() {
    let place = system("x=-2\n");
    let args = ["--proposer-command", "sh propose.sh", "--yes", "-n", "1"];
    let goals = ["--goal", "improvement >= 10%", "--goal", "improvement >= 5"];
    let ended = place.run(learn(&[&args[..], &goals].concat())).expect(0);
    let never = ended.stderr.matches("never holds").count();
    assert_eq!(never, 1, "{}", ended.stderr);
    ended.says(&["`improvement >= 10%` never holds: the baseline is 0", "a value of score"]);
}

/// A flag may turn a preset's number round, and the session remembers it.
#[test]
fn a_direction_by_flag_outlives_the_session() {
    let place = system("x=3\n").file("worse.sh", WORSE);
    place.commit_all("a proposer of worse");
    let args = ["--minimize", "--proposer-command", "sh worse.sh", "--yes", "-n", "1"];
    place.run(learn(&args)).expect(0);
    place.run(["resume", "-n", "+1"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
}

/// Found by a reviewer: the pass rate of `--preset pytest` was minimized.
#[test]
fn a_file_about_another_metric_is_not_mixed_with_the_preset() {
    let place = system("x=3\n").file(
        "autoresearch.toml",
        "metric = { name = 'loss', direction = 'minimize' }\nrun.command = 'echo loss: 3'\n",
    );
    place.commit_all("a file about a loss");
    let args = ["learn", "src/a.sh", "--preset", "pylint", "--dry-run"];
    let ended = place.run(args).expect(0);
    let metric = "score, higher is better, as pylint reports it";
    assert!(ended.stdout.contains(metric), "{}", ended.stdout);
    assert!(ended.stdout.contains("run `pylint --recursive=y .`"), "{}", ended.stdout);
    ended.says(&[
        "autoresearch.toml is about another metric than the preset `pylint`",
        "metric.direction, metric.name, run.command",
    ]);
}

#[test]
fn other_rules_end_it_as_well() {
    for (rule, flags) in [
        ("the stop rule `no keep in 2` holds", &["--goal", "no keep in 2"][..]),
        ("the session's time is over", &["--stop-after", "1ms"]),
        ("the maximum number of experiments is reached", &["-n", "1"]),
    ] {
        let place = system("x=3\n").file("worse.sh", WORSE);
        place.commit_all("a proposer of worse");
        let args = ["--proposer-command", "sh worse.sh", "--yes"];
        let ended = place.run(learn(&[&args, flags].concat())).expect(0);
        assert!(ended.stdout.contains(&format!("stopped: {rule}")), "{rule}: {}", ended.stdout);
        assert_eq!(stopped(&place), rule);
    }
}

/// SPEC E11: a pattern is explicit about what it means, and keeps meaning it.
#[test]
fn a_pattern_is_the_files_that_it_meant_when_the_session_began() {
    let place = system("x=3\n");
    let before = place.snapshot();
    let told = place.run(learn(&["--dry-run", "--json"])).expect(0).json();
    let files = serde_json::json!(["src/a.sh", "src/deep/b.sh"]);
    assert_eq!(told["config"]["target"], files);
    assert_eq!(told["config"]["budget"], "5m");
    assert_eq!(
        told["notes"][0], "`src/**/*.sh` leaves out src/test_b.sh (a test)",
        "{}",
        told["notes"]
    );
    let said = place.run(learn(&["--dry-run", "-n", "4"])).expect(0).stdout;
    for part in [
        "src/**/*.sh: 2 files",
        "(the preset pylint)",
        "- change only src/a.sh, src/deep/b.sh",
        "- keep src/test_b.sh, lint.sh, propose.sh from being changed",
        "- take proposals from the embedded search",
        "- take 20m for 4 experiments of one run each",
    ] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    assert_eq!(place.snapshot(), before, "a dry run touches nothing");

    // One change in both files; then another file that the pattern would match.
    std::fs::write(
        place.base().join("both.diff"),
        "--- a/src/a.sh\n+++ b/src/a.sh\n@@ -1 +1 @@\n-x=3\n+x=4\n--- a/src/deep/b.sh\n+++ b/src/deep/b.sh\n@@ -1 +1 @@\n-y=2\n+y=4\n",
    )
    .unwrap();
    let patch = place.base().join("both.diff").display().to_string();
    let ended = place.run(learn(&["--patch", &patch, "--hypothesis", "both", "--yes"])).expect(0);
    assert!(ended.stdout.contains("stopped: nothing is left to try"), "{}", ended.stdout);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_eq!(log(&place)[1]["metric"], 8.0);
    place.write("src/c.sh", "z=1\n");
    place.commit_all("another file");
    place.run(["hypothesis", "add", "a third", "--patch", &third(&place)]).expect(0);
    let resumed = place.run(["resume", "--json"]).expect(0).json_lines();
    let refused = resumed.iter().find(|line| line["event"] == "refused").unwrap();
    assert!(text(&refused["reason"]).contains("src/c.sh"), "{refused}");
}

fn third(place: &Place) -> String {
    let path = place.base().join("third.diff");
    std::fs::write(&path, "--- /dev/null\n+++ b/src/c.sh\n@@ -0,0 +1 @@\n+z=2\n").unwrap();
    path.display().to_string()
}

#[test]
fn what_is_not_known_is_asked_for_by_name() {
    let place = system("x=3\n");
    for (args, part) in [
        (&["learn", "--preset", "pylint"][..], "name the files"),
        (&["learn", "src/a.sh"], "pass `--preset` ("),
        (
            &["learn", "scr/**/*.sh", "--preset", "pylint", "--dry-run"],
            "did you mean `src/**/*.sh`",
        ),
        (&["learn", "src/*.sh", "src/test_b.sh", "--preset", "pylint", "--dry-run"], "a test"),
        (&["learn", "src/a.sh", "--preset", "pylimt"], "'pylint'"),
        (
            &["learn", "src/a.sh", "--preset", "pylint", "--metric", "sore"],
            "it has score, messages",
        ),
        (&["learn", "src/a.sh", "--preset", "latency", "--dry-run"], "needs `run.command`"),
    ] {
        let ended = place.run(args).expect(2);
        assert!(ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn presets_are_listed_with_their_numbers() {
    let place = place();
    let said = place.run(["learn", "--list"]).expect(0).stdout;
    for part in ["pylint's score of the code", "higher  pylint's own score", "pylint --recursive"] {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    let listed = place.run(["learn", "--list", "--json"]).expect(0).json();
    let pylint = listed.as_array().unwrap().iter().find(|preset| preset["name"] == "pylint");
    assert_eq!(pylint.unwrap()["measures"][0]["direction"], "maximize");
    let script = place.run(["completions", "bash"]).expect(0).stdout;
    assert!(script.contains("pylint"), "completions know the presets");
}

/// A program says that it has nothing left: the session has come to its end.
#[test]
fn a_command_that_has_nothing_left_ends_the_session_well() {
    let place = system("x=3\n").file("nothing.sh", "echo 'EXHAUSTED: every rule was tried'\n");
    place.commit_all("a proposer that is done");
    let ended =
        place.run(learn(&["--proposer-command", "sh nothing.sh", "--yes", "--json"])).expect(0);
    assert_eq!(events(&ended).last().unwrap(), "stopped");
    let stopped = ended.json_lines().pop().unwrap();
    assert!(text(&stopped["reason"]["exhausted"]).contains("every rule was tried"), "{stopped}");
}

/// What has nothing left has nothing for a sentence, either: it is not asked for ever.
#[test]
fn a_sentence_that_nobody_can_turn_into_an_edit_waits_and_the_session_ends() {
    let place = system("x=3\n").file("nothing.sh", "echo 'EXHAUSTED: every rule was tried'\n");
    place.commit_all("a proposer that is done");
    for (tag, proposer) in
        [("u", ["--proposer-command", "sh nothing.sh"]), ("v", ["--proposer", "search"])]
    {
        let more = ["--hypothesis", "more of x", "--yes", "--json", "--tag", tag];
        let results = format!("results={tag}.tsv");
        let words: Vec<&str> = LEARN[..LEARN.len() - 2]
            .iter()
            .copied()
            .chain(proposer)
            .chain(more)
            .chain(["--set", &results])
            .collect();
        let ended = place.run(words).expect(0);
        let stopped = ended.json_lines().pop().unwrap();
        assert_eq!(stopped["event"], "stopped", "{stopped}");
        assert!(stopped["reason"]["exhausted"].is_string(), "{stopped}");
        let told = ended.json_lines().iter().filter(|line| line["event"] == "note").count();
        assert!(told < 12, "{told} notes");
    }
}
