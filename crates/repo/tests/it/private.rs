//! What a program does to git on a worktree of ours, it does to nobody.

use std::fs;

use autoresearch_repo::{ChangeKind, Repo, Worktree};

use crate::support::{Place, files_below};

fn isolated(
    place: &Place,
    history: bool,
) -> (Repo, autoresearch_core::experiment::CommitId, Worktree) {
    let (repo, head, desk) = place.desk();
    desk.isolate(&desk.path().with_extension("git"), &head, history).unwrap();
    (repo, head, desk)
}

#[test]
fn whatever_is_done_to_git_on_a_desk_leaves_the_users_repository_alone() {
    let place = Place::new();
    let (_, head, desk) = isolated(&place, true);
    let before = files_below(&place.root.join(".git"));
    let git = |args: &[&str]| place.git_in(desk.path(), args);
    assert_eq!(git(&["rev-parse", "HEAD"]), head.0);
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["log", "--format=%s"]), "start");
    fs::write(desk.path().join("train.py"), "lr = 2\n").unwrap();
    assert!(git(&["diff"]).contains("+lr = 2"));
    git(&["stash"]);
    git(&["stash", "pop"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "mine"]);
    git(&["checkout", "-q", "-b", "own"]);
    git(&["tag", "v1"]);
    git(&["config", "core.fsmonitor", "touch /tmp/never"]);
    git(&["config", "--unset", "core.fsmonitor"]);
    git(&["gc", "-q", "--prune=now"]);
    git(&["update-ref", "-d", "refs/heads/main"]);
    let hook = git(&["rev-parse", "--absolute-git-dir"]);
    fs::create_dir_all(format!("{hook}/hooks")).unwrap();
    assert!(!place.try_git_in(desk.path(), &["worktree", "remove", "--force", "."]).0);
    assert!(before == files_below(&place.root.join(".git")), "the user's .git changed");

    // The edit is understood all the same, and the next reset is as ever.
    let changes = desk.changes(&head, &[]).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].path.as_str(), changes[0].kind), ("train.py", ChangeKind::Modified));
    desk.reset_to(&head, &[]).unwrap();
    assert_eq!(desk.changes(&head, &[]).unwrap(), []);
}

#[test]
fn without_history_the_commit_is_known_by_name_only() {
    let place = Place::new();
    let (_, head, desk) = isolated(&place, false);
    assert_eq!(place.git_in(desk.path(), &["rev-parse", "HEAD"]), head.0);
    for args in [&["show", "HEAD:train.py"][..], &["log"], &["cat-file", "-p", &head.0]] {
        assert!(!place.try_git_in(desk.path(), args).0, "{args:?}");
    }
}

#[test]
fn what_is_withheld_is_gone_until_the_next_checkout_and_is_no_change() {
    let place = Place::new();
    place.write("held/out.csv", "1\n");
    place.commit_all("data");
    let (_, head, desk) = place.desk();
    let withheld = ["held".to_owned(), "missing/x".to_owned()];
    desk.withhold(&withheld).unwrap();
    assert!(!desk.path().join("held").exists() && desk.path().join("train.py").exists());
    assert_eq!(desk.changes(&head, &withheld).unwrap(), []);
    desk.move_to(&head, &[]).unwrap();
    assert!(desk.path().join("held/out.csv").exists());
    desk.withhold(&["../repo".to_owned()]).unwrap_err();

    // A link on the way is not followed.
    fs::remove_dir_all(desk.path().join("held")).unwrap();
    let outside = place.temp.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("out.csv"), "").unwrap();
    std::os::unix::fs::symlink(&outside, desk.path().join("held")).unwrap();
    desk.withhold(&["held/out.csv".to_owned()]).unwrap();
    assert!(outside.join("out.csv").exists());
}

#[test]
fn a_worktree_that_git_forgot_is_still_known_as_ours() {
    let place = Place::new();
    let (repo, head, desk) = isolated(&place, true);
    fs::remove_dir_all(place.root.join(".git/worktrees")).unwrap();
    let again = repo.worktree(desk.path(), &head).unwrap();
    assert_eq!(again.changes(&head, &[]).unwrap(), []);
}
