//! The user's checkout is never touched (SPEC L6), however it looks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use autoresearch_testkit::Place;

use crate::toy::{assert_sound, loss, session, toy, verdicts};

fn proposals() -> [String; 2] {
    [loss(40), loss(60)]
}

/// Runs a session and checks that it did its work and nothing else.
fn run(place: &Place, args: &[&str]) {
    let before = place.snapshot();
    place.run(args).expect(0);
    assert_eq!(verdicts(place), ["keep", "keep", "discard"]);
    assert_sound(place, &before);
}

#[test]
fn a_dirty_checkout_stays_as_it_is() {
    let place = toy(&proposals());
    place.write(".gitignore", "*.log\n");
    place.write("notes.txt", "one\n");
    place.commit_all("more");
    // A stash, then something of everything.
    place.write("notes.txt", "stashed\n");
    place.git(&["stash", "push", "-q"]);
    place.write("train.sh", "half an idea\n");
    place.write("notes.txt", "staged\n");
    place.git(&["add", "notes.txt"]);
    place.write("notes.txt", "staged, then changed\n");
    place.write("new.txt", "staged and new\n");
    place.git(&["add", "new.txt"]);
    place.write("intended.txt", "");
    place.git(&["add", "--intent-to-add", "intended.txt"]);
    place.write("untracked.txt", "?\n");
    place.write("debug.log", "ignored\n");
    fs::remove_file(place.root().join("proposals/1")).unwrap();

    let before = place.snapshot();
    let ended = place.run(session("2", &[])).expect(0);
    let note = ended.json_lines().into_iter().find(|line| line["event"] == "note").unwrap();
    let text = note["text"].as_str().unwrap();
    assert!(text.contains("starts from the last commit") && text.contains("train.sh"), "{text}");
    assert_eq!(verdicts(&place), ["keep", "keep", "discard"]);
    assert_sound(&place, &before);
}

/// `git status` would write the index anew after this.
#[test]
fn an_index_that_is_out_of_date_is_not_refreshed() {
    let place = toy(&proposals());
    let file = fs::File::options().write(true).open(place.root().join("train.sh")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000))
        .unwrap();
    run(&place, &session("2", &[]));
}

#[test]
fn a_detached_head_stays_detached() {
    let place = toy(&proposals());
    place.git(&["checkout", "-q", "--detach"]);
    run(&place, &session("2", &[]));
    assert!(place.try_git(&["symbolic-ref", "HEAD"]).is_err());
    place
        .run(["merge", "--yes", "--squash"])
        .expect(2)
        .says(&["came from a detached HEAD", "--onto"]);
}

#[test]
fn a_session_can_be_started_from_a_subfolder() {
    let place = toy(&proposals());
    place.write("deep/er/file", "");
    place.commit_all("folders");
    let before = place.snapshot();
    let mut command = place.command(session("2", &[]));
    command.current_dir(place.root().join("deep/er"));
    autoresearch_testkit::Running::start(command).wait().expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard"]);
    assert_sound(&place, &before);
    // And looked at from another folder altogether.
    let mut command = place.command(["-C", "deep", "status", "--json"]);
    command.current_dir(place.root());
    let status = autoresearch_testkit::Running::start(command).wait().expect(0).json();
    assert_eq!(status["keep"], 1);
}

#[test]
fn hooks_and_signing_do_not_matter() {
    let place = toy(&proposals());
    for hook in [
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-commit",
        "post-checkout",
        "reference-transaction",
        "post-index-change",
    ] {
        let path = place.root().join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\necho {hook} >> \"$HOME/hooks\"\nexit 1\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    place.git(&["config", "commit.gpgsign", "true"]);
    place.git(&["config", "gpg.program", "false"]);
    run(&place, &session("2", &[]));
    let called = fs::read_to_string(place.base().join("home/hooks")).unwrap_or_default();
    assert_eq!(called, "", "hooks were called");
}

#[test]
fn settings_of_git_do_not_matter() {
    let place = toy(&proposals());
    for (key, value) in [
        ("core.autocrlf", "true"),
        ("core.quotePath", "true"),
        ("status.showUntrackedFiles", "all"),
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("color.ui", "always"),
        ("core.pager", "false"),
        ("i18n.commitEncoding", "ISO-8859-1"),
        ("extensions.worktreeConfig", "true"),
    ] {
        place.git(&["config", key, value]);
    }
    run(&place, &session("2", &[]));
}

#[test]
fn variables_of_git_in_the_environment_do_not_matter() {
    let place = toy(&proposals());
    let before = place.snapshot();
    let mut command = place.command(session("2", &[]));
    for (name, value) in [
        ("GIT_DIR", "/nonexistent"),
        ("GIT_WORK_TREE", "/nonexistent"),
        ("GIT_INDEX_FILE", "/nonexistent/index"),
        ("GIT_AUTHOR_DATE", "rubbish"),
        ("GIT_COMMITTER_EMAIL", ""),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "commit.gpgsign"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("LC_ALL", "tlh"),
    ] {
        command.env(name, value);
    }
    autoresearch_testkit::Running::start(command).wait().expect(0);
    assert_eq!(verdicts(&place), ["keep", "keep", "discard"]);
    assert_sound(&place, &before);
}

#[test]
fn a_session_in_a_linked_worktree_leaves_both_checkouts_alone() {
    let place = toy(&proposals());
    let other = place.base().join("other");
    place.git(&["worktree", "add", "-q", "-b", "side", other.to_str().unwrap()]);
    let before = place.snapshot();
    let mut command = place.command(session("2", &[]));
    command.current_dir(&other);
    autoresearch_testkit::Running::start(command).wait().expect(0);
    let log = place.run(["-C", other.to_str().unwrap(), "log", "--json"]).expect(0);
    assert_eq!(log.json_lines().len(), 3);
    let status = place.git(&["-C", other.to_str().unwrap(), "status", "--porcelain"]);
    assert_eq!(status, "");
    before.assert_same(&place.snapshot());
}
