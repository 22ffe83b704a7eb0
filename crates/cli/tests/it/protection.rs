//! What a run or a proposer cannot do, whatever it tries (SPEC E11, L2). What a
//! lower level cannot prevent, it notices.

use std::fs;

use autoresearch_testkit::Place;

use crate::toy::{assert_sound, log, loss, session, show, status, text, toy, verdicts};

const LEVELS: [&str; 2] = ["run.protection=best", "run.protection=unprotected"];

/// Whether runs here are kept from doing it; else they are only found out.
fn is_confined(place: &Place) -> bool {
    status(place)["protection"] != "unprotected"
}

#[test]
fn an_evaluator_that_is_rewritten_and_put_back_is_no_gain() {
    let cheat = "cp evaluate.sh k\necho 'echo loss: 0' > evaluate.sh\nsh evaluate.sh\n\
                 cat k > evaluate.sh || true\n";
    for level in LEVELS {
        let place = toy(&[cheat.to_owned(), "sh evaluate.sh 40\n".to_owned()])
            .file("train.sh", "sh evaluate.sh 50\n")
            .file("evaluate.sh", "echo \"loss: ${1:-60}\"\n");
        place.commit_all("an evaluator that nobody named");
        let before = place.snapshot();
        place.run(session("2", &["--set", level])).expect(0);
        let log = log(&place);
        assert_eq!(log[2]["metric"], 40.0, "the next one is evaluated as ever");
        if is_confined(&place) {
            assert_eq!(log[1]["metric"], 60.0, "the honest evaluator answered");
        } else {
            assert_eq!(log[1]["crash_kind"], "tampered", "{}", log[1]);
        }
        assert_sound(&place, &before);
    }
}

#[test]
fn a_tracked_data_file_may_be_written_over_and_comes_back() {
    let place = toy(&["echo 1 > data.csv\necho 'loss: 45'\n".to_owned(), loss("$(cat data.csv)")])
        .file("data.csv", "40\n");
    place.commit_all("data");
    place.run(session("2", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
    assert_eq!(log(&place)[2]["metric"], 40.0);
}

#[test]
fn a_run_sees_nothing_of_the_session_but_its_own_place() {
    let peek = "if cat ../journal.db ../logs/* ../scratch/* ../bench-1.git/../lock > /dev/null 2>&1 || \
                [ \"$(ls .. | sort | tr '\\n' ' ')\" != 'bench-1 bench-1.git out ' ]; \
                then echo 'loss: 1'; ls ..; else echo 'loss: 40'; fi\n";
    let place = toy(&[peek.to_owned()]);
    place.run(session("1", &[])).expect(0);
    if status(&place)["protection"] == "sandboxed" {
        assert_eq!(
            log(&place)[1]["metric"],
            40.0,
            "{}",
            place.read(".autoresearch/t/logs/0001-1.log")
        );
    }
}

/// Tries every way to `held/test.txt` (in git) and `secret.txt` (not in git).
fn burglar(place: &Place) -> String {
    let root = place.root().display();
    format!(
        "cat held/test.txt secret.txt {root}/held/test.txt {root}/secret.txt\n\
         git show HEAD:held/test.txt\n\
         git --git-dir {root}/.git show main:held/test.txt\n\
         cat ../../../held/test.txt ../../../secret.txt ../measure-1/held/test.txt\n\
         (cd {root} && git show HEAD:held/test.txt)\n\
         for p in /proc/[0-9]*; do cat $p/root{root}/secret.txt $p/cwd/secret.txt; done\n"
    )
}

#[test]
fn held_out_data_is_seen_by_the_measuring_command_alone() {
    let place = toy(&[])
        .file("held/test.txt", "in-git-7\n")
        .file(".gitignore", "secret.txt\n")
        .file("secret.txt", "not-in-git-7\n")
        .file("train.sh", "echo 50 > model.txt\n")
        .file(
            "measure.sh",
            "[ -e train.sh ] && exit 3\ngrep -q in-git held/test.txt && grep -q not-in-git secret.txt && \
             echo \"loss: $(cat model.txt)\"\n",
        );
    let burglar = burglar(&place);
    place.write(
        "proposals/1",
        format!("({burglar}) > \"$AUTORESEARCH_OUT/loot\" 2>&1\necho 40 > model.txt\n"),
    );
    place.write("propose.sh", format!("({burglar}) 2>&1\n{}", place.read("propose.sh")));
    place.commit_all("sealed");
    let before = place.snapshot();
    let sealed = [
        "--set",
        "metric.command=sh measure.sh",
        "--set",
        "metric.artifacts=model.txt",
        "--set",
        "metric.held_out=[\"held\", \"secret.txt\"]",
        "--set",
        "read_only=held/test.txt",
    ];
    place.run(session("1", &sealed)).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    if is_confined(&place) {
        for file in ["out/0001-1/loot", "logs/desk-0001.log", "scratch/brief.json"] {
            let loot = place.read(format!(".autoresearch/t/{file}"));
            assert!(!loot.contains("-git-7"), "{file}: {loot}");
        }
        let loot = place.read(".autoresearch/t/out/0001-1/loot");
        assert!(loot.contains("No such file"), "it did try: {loot}");
    }
    assert_sound(&place, &before);

    let unprotected = [&sealed[..], &["--set", LEVELS[1]]].concat();
    let mut args = session("1", &unprotected);
    args[4] = "u";
    let notes = place.run(args).expect(0).stdout;
    assert!(notes.contains("nothing keeps an unprotected run from reading it"), "{notes}");
}

#[test]
fn a_declared_target_is_measured_as_it_was_committed() {
    let place = toy(&["x=40\necho x=1 > train.sh\ntrue\n".to_owned()])
        .file("train.sh", "x=50\n")
        .file("measure.sh", "echo \"loss: $(sed -n s/^x=//p train.sh)\"\n");
    place.commit_all("sealed");
    let sealed = ["--set", "metric.command=sh measure.sh", "--set", "metric.artifacts=train.sh"];
    place.run(session("1", &sealed)).expect(0);
    assert_eq!(log(&place)[1]["metric"], 40.0);
}

#[test]
fn a_pickle_is_no_artefact_unless_the_user_insists() {
    let pickle = "printf '\\200\\004K\\050.' > model.bin\n";
    let sealed = ["--set", "metric.command=sh measure.sh", "--set", "metric.artifacts=model.bin"];
    let run = |more: &[&str]| {
        let place = toy(&[pickle.to_owned()])
            .file("train.sh", "echo 50 > model.bin\n")
            .file("measure.sh", "echo \"loss: $(wc -c < model.bin)\"\n");
        place.commit_all("sealed");
        let ended = place.run(session("1", &[&sealed, more].concat())).expect(0);
        (log(&place)[1].clone(), ended.stdout)
    };
    let (refused, _) = run(&[]);
    assert_eq!(refused["crash_kind"], "no_metric");
    let reason = text(&refused["reason"]);
    assert!(reason.contains("it is a pickle") && reason.contains("safetensors"), "{reason}");
    let (allowed, said) = run(&["--set", "metric.allow_pickle=true"]);
    assert_eq!(allowed["metric"], 5.0);
    assert!(said.contains("a pickle runs code"), "{said}");
}

#[test]
fn files_that_no_experiment_is_about_cannot_be_targets() {
    let place = toy(&[]);
    let files = [
        ("requirements.txt", "it is a dependency file"),
        ("uv.lock", "it is a lock file"),
        ("tokenizer.json", "it is a tokenizer or vocabulary file"),
        ("tests/test_a.py", "it is a test"),
        ("evaluate.py", "it is an evaluation harness"),
        (".gitattributes", "changes what git does"),
    ];
    for (path, _) in files {
        place.write(path, "");
    }
    place.write("prepare.sh", loss(50));
    place.commit_all("files");
    let before = place.everything();
    for (path, why) in files {
        place.run(session("1", &["--target", path])).expect(2).says(&[path, why]);
    }
    before.assert_same(&place.everything());
    let said = place.run(["run", "--dry-run", "--tag", "d", "--target", "prepare.sh"]).expect(0);
    let said = format!("{}{}", said.stdout, said.stderr);
    assert!(said.contains("prepares data"), "{said}");
}

#[test]
fn a_path_that_runs_may_reach_must_exist_and_not_be_the_sessions_own() {
    let place = toy(&[]);
    let before = place.everything();
    for (key, path, why) in [
        ("run.readable", "/nowhere/at/all", "does not exist"),
        ("run.writable", "~/missing", "does not exist"),
        ("run.writable", ".git", "what the session itself keeps"),
        ("run.readable", ".", "what the session itself keeps"),
    ] {
        let set = format!("{key}={path}");
        place.run(session("1", &["--set", &set])).expect(2).says(&[key, path, why]);
    }
    before.assert_same(&place.everything());
}

#[test]
fn what_is_named_can_be_read_and_written_and_nothing_else_can() {
    let place = toy(&[]);
    let base = place.base().display().to_string();
    for folder in ["data", "cache", "other"] {
        fs::create_dir(place.base().join(folder)).unwrap();
        fs::write(place.base().join(folder).join("x"), "").unwrap();
    }
    place.write(
        "proposals/1",
        format!(
            "cat {base}/data/x && echo y > {base}/cache/y && ! touch {base}/data/y && ! cat {base}/other/x && \
             ! touch {base}/cache/../other/y && echo 'loss: 40'\n"
        ),
    );
    place.commit_all("a curious run");
    let (read, write) = (format!("run.readable={base}/data"), format!("run.writable={base}/cache"));
    place.run(session("1", &["--set", &read, "--set", &write])).expect(0);
    if is_confined(&place) {
        assert_eq!(verdicts(&place), ["keep", "keep"], "{}", log(&place)[1]);
        assert_eq!(fs::read_to_string(place.base().join("cache/y")).unwrap(), "y\n");
    }
}

/// The proposer's git is its own, at every level.
#[test]
fn whatever_a_proposer_does_to_git_the_users_repository_stays() {
    for level in LEVELS {
        let place = toy(&[loss(40)]);
        let mischief = "git config user.email evil@example.org\ngit config core.hooksPath /tmp/evil\n\
             git stash\ngit stash pop\ngit tag evil\ngit branch -f main HEAD\ngit checkout -q -b evil\n\
             git add -A; git commit -qm evil\ngit update-ref -d refs/heads/main\n\
             git worktree remove --force .\ngit gc -q --prune=now\ngit reflog expire --all\n";
        place.write("propose.sh", format!("{}{mischief}exit 0\n", place.read("propose.sh")));
        place.commit_all("a busy proposer");
        let before = place.snapshot();
        place.run(session("1", &["--set", level])).expect(0);
        assert_eq!(verdicts(&place), ["keep", "keep"]);
        assert_sound(&place, &before);
    }
}

#[test]
fn a_run_can_ask_git_for_its_commit_and_change_nothing_by_it() {
    for level in LEVELS {
        let ask = "git rev-parse HEAD > \"$AUTORESEARCH_OUT/head\"\ngit config user.name evil\n\
                   git tag evil\ngit stash\necho 'loss: 40'\n";
        let place = toy(&[ask.to_owned()]);
        let before = place.snapshot();
        place.run(session("1", &["--set", level])).expect(0);
        let head = place.read(".autoresearch/t/out/0001-1/head");
        assert_eq!(head.trim(), log(&place)[1]["commit"], "{level}");
        assert_sound(&place, &before);
    }
}

#[test]
fn a_changed_package_between_two_runs_is_told_and_reported() {
    let place = toy(&[loss(40), loss(30)]).file(".gitignore", ".venv/\n");
    place.commit_all("ignore");
    let site = ".venv/lib/python3.11/site-packages";
    place.write(".venv/bin/python", "");
    place.write(".venv/pyvenv.cfg", "version = 3.11.2\n");
    place.write(format!("{site}/torch-2.1.0.dist-info/METADATA"), "");
    let ended = place.run(session("1", &[])).expect(0);
    assert!(!ended.stdout.contains("environment changed"), "{}", ended.stdout);
    let site = place.root().join(site);
    fs::rename(site.join("torch-2.1.0.dist-info"), site.join("torch-2.2.0.dist-info")).unwrap();
    let ended = place.run(["resume", "-n", "+1", "--json"]).expect(0);
    let told = "the environment changed at experiment 2: torch 2.1.0 → 2.2.0";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    let summary = place.read(".autoresearch/t/autoresearch-summary.md");
    assert!(summary.contains("experiment 2: torch 2.1.0 → 2.2.0"), "{summary}");
    let seal = |number| show(&place, number)["trials"][0]["seal"].clone();
    assert_eq!(seal(0)["environment"], seal(1)["environment"]);
    assert_ne!(seal(1)["environment"], seal(2)["environment"]);
    for part in ["evaluator", "configuration"] {
        assert_eq!(seal(0)[part], seal(2)[part]);
        assert_eq!(text(&seal(0)[part]).len(), 32);
    }
}

#[test]
fn how_runs_are_confined_is_shown_and_demanding_less_is_told() {
    let place = toy(&[loss(40)]);
    let ended = place.run(session("1", &["--set", LEVELS[1]])).expect(0);
    assert!(ended.stdout.contains("not confined"), "{}", ended.stdout);
    assert_eq!(status(&place)["protection"], "unprotected");
    assert!(place.run(["status"]).expect(0).stdout.contains("its runs are unprotected"));
    assert_eq!(show(&place, 0)["trials"][0]["protection"], "unprotected");
    let summary = place.read(".autoresearch/t/autoresearch-summary.md");
    assert!(summary.contains("| Protection | unprotected |"), "{summary}");
}
