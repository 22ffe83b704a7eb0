//! Rubbish in: an error that names place and remedy, or it just works.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use autoresearch_testkit::{Place, Running};

use crate::toy::{assert_sound, log, loss, parts, place, session, toy, verdicts};

/// Runs a session that must be refused with this code and these words, and
/// must not have touched anything.
#[track_caller]
fn refused(place: &Place, more: &[&str], code: i32, says: &[&str]) {
    let before = place.everything();
    place.run(session("1", more)).expect(code).says(says);
    before.assert_same(&place.everything());
}

#[test]
fn no_repository() {
    refused(
        &parts(place(), &[]),
        &[],
        2,
        &["error: failed to find a git repository at", "git init"],
    );
}

#[test]
fn no_commits_yet() {
    let place = parts(place(), &[]);
    place.git(&["init", "-q"]);
    refused(&place, &[], 2, &["commit your files first", "git add"]);
}

#[test]
fn a_bare_repository() {
    let place = place();
    place.git(&["init", "-q", "--bare"]);
    refused(&place, &[], 2, &["find a working tree"]);
}

#[test]
fn no_git_program() {
    let place = toy(&[]);
    let before = place.everything();
    let mut command = place.command(session("1", &[]));
    command.env("PATH", place.base().join("home"));
    Running::start(command)
        .wait()
        .expect(1)
        .says(&["error: failed to find the `git` program", "install git"]);
    before.assert_same(&place.everything());
}

#[test]
fn a_shallow_clone_just_works() {
    let origin = toy(&[loss(40)]);
    origin.commit_all("second");
    let place = place();
    let url = format!("file://{}", origin.root().display());
    place.git(&["clone", "-q", "--depth", "1", &url, "."]);
    assert_eq!(place.git(&["rev-parse", "--is-shallow-repository"]), "true");
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}

#[test]
fn a_repository_with_a_submodule() {
    let library = place().file("lib.sh", "x=40\n").repository();
    let place = toy(&[". ./lib/lib.sh\necho \"loss: $x\"\n".to_owned()]);
    place.git(&["submodule", "add", "-q", library.root().to_str().unwrap(), "lib"]);
    place.commit_all("with a submodule");
    refused(&place, &["--target", "lib"], 2, &["`lib`", "submodule"]);
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    // A worktree has the submodule's files, or the run says that it has not.
    assert_eq!(verdicts(&place), ["keep", "keep"], "{:?}", log(&place)[1]);
    assert_sound(&place, &before);
}

#[test]
fn a_branch_that_exists() {
    let place = toy(&[]);
    place.git(&["branch", "autoresearch/t"]);
    refused(
        &place,
        &[],
        2,
        &["the branch autoresearch/t exists already", "branch -D", "another `--tag`"],
    );
}

#[test]
fn a_session_that_exists() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &[])).expect(0);
    let before = place.snapshot();
    place
        .run(session("1", &[]))
        .expect(2)
        .says(&["a session `t` exists already", "resume --tag t"]);
    before.assert_same(&place.snapshot());
    // Another tag is another session.
    place.run(["run", "--yes", "--tag", "u", "-n", "1"]).expect(0);
    assert_eq!(place.run(["log", "--json", "--tag", "u"]).expect(0).json_lines().len(), 2);
    assert_eq!(place.run(["log", "--json", "--tag", "t"]).expect(0).json_lines().len(), 2);
}

#[test]
fn tags_that_are_no_names() {
    let place = toy(&[]);
    for tag in ["a b", "../x", "-x", "x.lock", "x..y", "", "x/y", "ü", "a~1"] {
        let tag = format!("--tag={tag}");
        place.run(["run", "--yes", "-n", "1", &tag]).expect(2).says(&["tag"]);
    }
    assert!(!place.root().join(".autoresearch").exists());
}

#[test]
fn targets_that_are_none() {
    let place = toy(&[]);
    symlink("train.sh", place.root().join("link.sh")).unwrap();
    symlink("/etc/hostname", place.root().join("away")).unwrap();
    place.commit_all("links");
    place.write("fresh.sh", loss(1));
    for (target, says) in [
        ("missing.sh", &["`missing.sh`", "does not exist"][..]),
        ("fresh.sh", &["`fresh.sh`", "not in the last commit", "git add"]),
        ("link.sh", &["`link.sh`", "symbolic link"]),
        ("away", &["`away`", "symbolic link"]),
        ("proposals", &["`proposals`"]),
        (".", &["target"]),
        ("/etc/passwd", &["/etc/passwd", "target"]),
        ("../outside.sh", &["../outside.sh", "target"]),
        ("a/../../outside.sh", &["outside.sh", "target"]),
        (".git/config", &[".git/config"]),
        ("", &["target"]),
    ] {
        refused(&place, &["--target", target], 2, says);
    }
    refused(&place, &["--read-only", "missing.sh"], 2, &["a read-only file", "does not exist"]);
    refused(&place, &["--read-only", "train.sh"], 2, &["train.sh"]);
}

#[test]
fn results_in_a_place_that_is_not_theirs() {
    let place = toy(&[]);
    refused(&place, &["--results", "../results.tsv"], 2, &["results"]);
    refused(&place, &["--results", "/tmp/results.tsv"], 2, &["results"]);
    refused(&place, &["--results", "train.sh"], 2, &["train.sh"]);
    place.write("results.tsv", "somebody else's\n");
    refused(&place, &[], 2, &["results.tsv exists", "--results", "autoresearch import"]);
    assert_eq!(place.read("results.tsv"), "somebody else's\n");
}

#[test]
fn a_target_with_crlf_keeps_it() {
    let crlf = |x: u32| format!("x={x}\r\necho \"loss: {x}\"\r\n");
    let place = toy(&[crlf(40)]);
    place.write("train.sh", crlf(50));
    place.commit_all("from Windows");
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    let kept = place.other("git").args(["show", "autoresearch/t:train.sh"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&kept.stdout), crlf(40));
    assert_sound(&place, &before);
}

#[test]
fn names_that_are_not_utf8() {
    let place = toy(&["cat [!a-z]* > /dev/null\nprintf '\\377\\n'\necho 'loss: 40'\n".to_owned()]);
    fs::write(place.root().join(OsStr::from_bytes(b"\xff\xfe.txt")), "x").unwrap();
    place.commit_all("a strange name");
    fs::write(place.root().join(OsStr::from_bytes(b"\xfd untracked")), "x").unwrap();
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}

#[test]
fn a_repository_whose_own_name_is_not_utf8() {
    let name = OsStr::from_bytes(b"r\xe9po");
    let place = Place::named(env!("CARGO_BIN_EXE_autoresearch"), name);
    let place = parts(place, &[loss(40)]).repository();
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_sound(&place, &before);
    assert_eq!(
        place.run(["report", "--json"]).expect(0).json()["written"].as_array().unwrap().len(),
        3
    );
}

#[test]
fn blanks_and_quotes_in_every_path() {
    let name = "it's a \"repo\" $HOME `x` \\ é";
    let target = "tr'ain \"it\".sh";
    let place = parts(Place::named(env!("CARGO_BIN_EXE_autoresearch"), name), &[loss(40)])
        .file(target, loss(50));
    place.write(
        "propose.sh",
        place.read("propose.sh").replace(" train.sh", " \"tr'ain \\\"it\\\".sh\""),
    );
    let place = place.repository();
    let before = place.snapshot();
    let command = "sh \"tr'ain \\\"it\\\".sh\"";
    place.run(session("1", &["--target", target, "--command", command])).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep"]);
    assert_sound(&place, &before);
}

#[test]
fn hypotheses_with_tabs_newlines_and_quotes_are_one_row() {
    let place = toy(&[loss(40)]);
    place.write(
        "propose.sh",
        format!(
            "{}printf 'HYPOTHESIS: a\\tb \"c\" — \\\\n\\033[31mred\\n'\n",
            place.read("propose.sh")
        ),
    );
    place.commit_all("a strange sentence");
    let before = place.snapshot();
    place.run(session("1", &[])).expect(0);
    assert_eq!(place.read("results.tsv").lines().count(), 3);
    assert!(!place.git(&["log", "-1", "--format=%s", "autoresearch/t"]).contains('\u{1b}'));
    assert_sound(&place, &before);
}

#[test]
fn commands_that_cannot_be_run() {
    for (command, says) in [
        ("no-such-program-here", "was not found on PATH"),
        ("./no-such-file", "was not found"),
        ("./train.sh", "chmod +x"),
    ] {
        let place = toy(&[]);
        let ended = place.run(session("1", &["--command", command])).expect(4);
        assert!(ended.stdout.contains(says), "{command}: {}", ended.stdout);
        place.assert_deserted();
    }
    refused(&toy(&[]), &["--command", ""], 2, &["command"]);
    refused(&toy(&[]), &["--command", "sh 'unclosed"], 2, &["command"]);
}

#[test]
fn baselines_without_a_number() {
    for (script, says) in [
        ("echo 'loss: nan'", "`loss` was never finite"),
        ("echo 'loss: -inf'", "`loss` was never finite"),
        ("echo 'val_loss: 3'", "`loss` was not reported"),
        (":", "`loss` was not reported"),
    ] {
        let place = toy(&[]);
        place.write("train.sh", script);
        place.commit_all("no number");
        let ended = place.run(session("1", &[])).expect(4);
        assert!(ended.stdout.contains(says), "{script}: {}", ended.stdout);
    }
}

/// SPEC B5.
#[test]
fn an_unknown_key_is_shown_with_its_line_a_caret_and_the_nearest() {
    let place = toy(&[]);
    let config = place.read("autoresearch.toml").replace("direction =", "directon =");
    place.write("autoresearch.toml", config);
    let before = place.everything();
    let ended = place.run(session("1", &[])).expect(2);
    for part in ["unknown key", "autoresearch.toml:6", "directon = \"minimize\"", "^", "direction"]
    {
        assert!(ended.stderr.contains(part), "no `{part}` in\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains('\u{1b}'), "no colours in a file");
    before.assert_same(&place.everything());
}

#[test]
fn values_that_are_none_name_where_they_were_given() {
    let place = toy(&[]);
    for (args, says) in [
        (&["--budget", "soon"][..], &["budget", "--budget"][..]),
        (&["--scope", "everything"], &["scope", "--scope"]),
        (&["--pattern", "("], &["pattern"]),
        (&["--stop-when", "whenever"], &["whenever"]),
        (&["--set", "run.grease=5s"], &["run.grease", "run.grace"]),
        (&["--set", "run.grace"], &["has no value"]),
        (&["--config", "missing.toml"], &["missing.toml"]),
    ] {
        let ended = place.run(session("1", args));
        assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {:?}", ended.code);
        ended.says(says);
    }
    let mut command = place.command(session("1", &[]));
    command.env("AUTORESEARCH_BUDGET", "soon");
    Running::start(command).wait().expect(2).says(&["AUTORESEARCH_BUDGET"]);
    let mut command = place.command(["run", "--dry-run"]);
    command.env("AUTORESEARCH_BUDGT", "5m");
    Running::start(command).wait().expect(0).says(&["AUTORESEARCH_BUDGT", "AUTORESEARCH_BUDGET"]);
}

/// SPEC B2: without a terminal nothing is asked.
#[test]
fn missing_inputs_without_a_terminal_name_flag_and_key() {
    let place = place().file("main.sh", loss(50)).repository();
    let before = place.everything();
    place.run(["run", "--yes"]).expect(2).says(&[
        "--target",
        "`target`",
        "--budget",
        "`budget`",
        "--metric",
        "`metric.name`",
        "--minimize or --maximize",
        "`metric.direction`",
        "--command",
        "`run.command`",
    ]);
    let full = [
        "run",
        "--target",
        "main.sh",
        "--command",
        "sh main.sh",
        "--budget",
        "9s",
        "--metric",
        "loss",
        "--minimize",
    ];
    place.run(full).expect(2).says(&["nobody is there to confirm", "--yes"]);
    before.assert_same(&place.everything());
}

#[test]
fn two_engines_at_once() {
    let place = toy(&["sleep 1000\n".to_owned(), loss(1)]);
    let engine = place.start(session("2", &[]));
    place.await_process("sleep 1000");
    place
        .run(["resume"])
        .expect(6)
        .says(&["another engine runs this session", &format!("process {}", engine.pid())]);
    place.run(session("1", &[])).expect(2).says(&["exists already"]);
    place.run(["merge", "--yes"]).expect(2).says(&["still runs in process"]);
    engine.interrupt();
    engine.wait().expect(130);
    place.assert_deserted();
}

#[test]
fn a_table_that_was_edited_by_hand_is_kept_aside_and_rebuilt() {
    let place = toy(&[loss(40), loss(30)]);
    place.run(session("1", &[])).expect(0);
    let before = place.snapshot();
    let right = place.read("results.tsv");
    let edited = right.replace("proposal 1", "my own words");
    assert_ne!(edited, right);
    place.write("results.tsv", &edited);
    place.run(["resume", "-n", "+1"]).expect(0).says(&["had been edited", "results.tsv.edited-1"]);
    assert_eq!(place.read("results.tsv.edited-1"), edited);
    assert_eq!(place.git(&["status", "--porcelain"]), "", "the kept one is hidden");
    assert!(place.read("results.tsv").starts_with(&right));
    assert_sound(&place, &before);
    // Gone altogether: written again.
    fs::remove_file(place.root().join("results.tsv")).unwrap();
    place.run(["report", "--restore-results"]).expect(0);
    assert!(place.read("results.tsv").starts_with(&right));
}

/// Found by a reviewer: it was called edited.
#[test]
fn the_table_of_another_session_is_replaced_without_a_word() {
    let place = toy(&[loss(40), loss(30)]);
    place.run(session("1", &[])).expect(0);
    let first = place.read("results.tsv");
    place.run(["run", "--yes", "--tag", "u", "-n", "1"]).expect(0);
    assert_ne!(place.read("results.tsv"), first, "that of `u`");
    let resumed = place.run(["resume", "--tag", "t", "-n", "+1"]).expect(0);
    assert!(!resumed.stderr.contains("edited"), "{}", resumed.stderr);
    assert!(place.read("results.tsv").starts_with(&first));
    let rebuilt = place.run(["report", "--tag", "u", "--restore-results"]).expect(0);
    assert!(!rebuilt.stderr.contains("edited"), "{}", rebuilt.stderr);
    assert!(!place.root().join("results.tsv.edited-1").exists());
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_folder_or_file_that_is_not_there() {
    let place = toy(&[]);
    let refused = |args: &[&str], parts: &[&str]| {
        place.run(args).expect(2).says(parts);
    };
    refused(&["-C", "nope", "status"], &["failed to find the folder nope"]);
    refused(&["run", "--config", "no.toml", "--yes"], &["there is no file", "no.toml"]);
    refused(&["run", "--patch", "no.diff", "--yes"], &["there is no patch no.diff", "git diff"]);
}

#[test]
fn a_branch_that_somebody_moved() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &[])).expect(0);
    place.git(&["branch", "-f", "autoresearch/t", "main"]);
    let ended = place.run(["resume", "-n", "+1"]);
    assert_ne!(ended.code, Some(0));
    let ended = ended.says(&["autoresearch/t", "git branch -f autoresearch/t"]);
    assert_eq!(ended.code, Some(1));
    place.git(&["branch", "-D", "autoresearch/t"]);
    let before = place.snapshot();
    place.run(["resume"]).expect(0);
    assert_sound(&place, &before);
}

#[test]
fn a_damaged_journal() {
    for damage in [&b"rubbish, not a database"[..], b""] {
        let place = toy(&[loss(40)]);
        place.run(session("1", &[])).expect(0);
        let journal = ".autoresearch/t/journal.db";
        let _ = fs::remove_file(place.root().join(format!("{journal}-wal")));
        place.write(journal, damage);
        for args in [&["resume"][..], &["status"], &["log"], &["report"], &["merge", "--yes"]] {
            let ended = place.run(args);
            assert!(matches!(ended.code, Some(1 | 2)), "{args:?}: {:?}", ended.code);
            ended.says(&["journal"]);
        }
        assert_eq!(fs::read(place.root().join(journal)).unwrap(), damage, "it is evidence");
    }
}

#[test]
fn no_session_here() {
    let place = toy(&[]);
    for command in ["resume", "status", "stop", "log", "report", "merge"] {
        place.run([command]).expect(2).says(&["no session", "autoresearch run"]);
    }
    place.run(["resume", "--tag", "x"]).expect(2).says(&["no session `x`"]);
    assert!(!place.root().join(".autoresearch").exists());
}

#[test]
fn a_search_range_that_is_none_begins_nothing() {
    let place = toy(&[loss(40)]);
    place
        .run(session("1", &["--set", "search.LR=1e-4 to 1e-1"]))
        .expect(2)
        .says(&["search.LR", "1e-4 to 1e-1"]);
    assert!(!place.root().join(".autoresearch").exists());
}

#[test]
fn experiments_that_never_were() {
    let place = toy(&[loss(40)]);
    place.run(session("1", &[])).expect(0);
    for args in [&["show", "7"][..], &["diff", "7"], &["diff", "1", "7"]] {
        place.run(args).expect(2).says(&["no experiment 7"]);
    }
    place.run(["log", "--only", "good"]).expect(2).says(&["`keep`, `discard` or `crash`"]);
}

#[test]
fn tables_that_are_none() {
    let place =
        place().file("bad.tsv", "commit\tloss\tstatus\nx\t1\tmaybe\n").file("empty.tsv", "");
    place.run(["report", "bad.tsv"]).expect(2).says(&["bad.tsv", "line 2", "`maybe`"]);
    place.run(["report", "empty.tsv"]).expect(2).says(&["empty.tsv", "line 1"]);
    place.run(["report", "missing.tsv"]).expect(2).says(&["missing.tsv"]);
}

/// A shell in a mount namespace of its own, where this machine allows that.
fn with_mounts(place: &Place, script: &str) -> Option<Command> {
    let flags = if is_root() { "-m" } else { "-rm" };
    let can = Command::new("unshare")
        .args([flags, "sh", "-c", "mount -t tmpfs none /mnt"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("skipped: this machine lets nobody mount");
        return None;
    }
    let mut command = place.other("unshare");
    command.args([flags, "sh", "-euc", script, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_autoresearch")).arg(place.root()).arg(place.base());
    Some(command)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

#[test]
fn a_read_only_disk() {
    let place = toy(&[loss(40)]);
    let script = "mount --bind \"$2\" \"$2\"; mount -o remount,ro,bind \"$2\"; cd \"$2\"; \
                  exec \"$1\" run --yes --tag t -n 1";
    let Some(command) = with_mounts(&place, script) else {
        return;
    };
    let before = place.everything();
    Running::start(command).wait().expect(1).says(&[place.root().to_str().unwrap()]);
    before.assert_same(&place.everything());
}

/// A disk that fills up in the middle of a session, and is freed.
#[test]
fn a_full_disk_loses_nothing() {
    let fill = "[ -e \"$HOME/filled\" ] || dd if=/dev/zero of=../../../fill bs=4096 2> \"$HOME/filled\"\necho 'loss: 40'\n".to_owned();
    let place = toy(&[fill, loss(30)]);
    let script = r#"
        mkdir "$3/disk"
        mount -t tmpfs -o size=3m none "$3/disk"
        cp -a "$2" "$3/disk/repo"
        cd "$3/disk/repo"
        code=0
        "$1" run --yes --tag t -n 2 --set run.protection=unprotected > "$3/first" 2>&1 || code=$?
        echo "$code" > "$3/code"
        rm fill
        "$1" resume > "$3/second" 2>&1 || { cat "$3/second" >&2; exit 1; }
        "$1" log --json
        cp results.tsv "$3"
        git status --porcelain > "$3/status"
    "#;
    let Some(command) = with_mounts(&place, script) else {
        return;
    };
    let ended = Running::start(command).wait();
    let kept = |name: &str| fs::read_to_string(place.base().join(name)).unwrap_or_default();
    let first = kept("first");
    let ended = ended.expect(0);
    assert_eq!(kept("code"), "1\n", "{first}");
    assert!(first.contains("No space") || first.contains("full"), "{first}");
    assert!(!first.contains("panicked"), "{first}");
    let log = ended.json_lines();
    let metrics: Vec<_> = log.iter().map(|point| point["metric"].as_f64()).collect();
    assert_eq!(metrics, [Some(50.0), Some(40.0), Some(30.0)], "{first}\n{}", kept("second"));
    assert_eq!(kept("results.tsv").lines().count(), 4);
    assert_eq!(kept("status"), "");
    place.assert_deserted();
}

#[test]
fn a_results_table_on_a_full_device() {
    // Whatever is written there fails, as on a full disk.
    let place =
        toy(&["ln -sf /dev/full ../../../results.tsv\necho 'loss: 40'\n".to_owned(), loss(30)]);
    let before = place.snapshot();
    let open = ["--set", "run.protection=unprotected"];
    place.run(session("2", &open)).expect(1).says(&["results.tsv", "autoresearch resume"]);
    place.assert_deserted();
    fs::remove_file(place.root().join("results.tsv")).unwrap();
    place.run(["resume"]).expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "keep"]);
    assert_sound(&place, &before);
}
