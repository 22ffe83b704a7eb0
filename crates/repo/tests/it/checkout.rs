//! Finding the user's repository, and leaving it alone.

use std::fs;

use autoresearch_repo::{EntryKind, Head, Repo, RepoError};

use crate::support::{Place, candidate, content_of};

#[test]
fn a_folder_without_repository_or_commits_says_what_to_do() {
    let place = Place::empty();
    let discover = || Repo::discover_with(&place.root, place.environment()).unwrap_err();
    let error = discover();
    assert!(matches!(error, RepoError::NotARepository { .. }), "{error}");
    assert!(error.to_string().contains("git init"));
    place.git(&["init", "-q"]);
    assert!(matches!(discover(), RepoError::NoCommits { .. }));
}

#[test]
fn a_machine_without_git_says_so() {
    let place = Place::new();
    let environment = [("PATH".into(), place.temp.path().join("home").into())];
    let error = Repo::discover_with(&place.root, environment).unwrap_err();
    assert!(matches!(error, RepoError::NoGit), "{error}");
}

#[test]
fn a_bare_repository_has_no_working_tree() {
    let place = Place::new();
    place.git(&["clone", "-q", "--bare", ".", "../bare"]);
    for folder in [place.temp.path().join("bare"), place.root.join(".git")] {
        let error = Repo::discover_with(&folder, place.environment()).unwrap_err();
        assert!(matches!(error, RepoError::NoWorkingTree { .. }), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_repository_of_someone_else_names_safe_directory() {
    let place = Place::new();
    // Only root can give a folder away; others have nothing to test here.
    if std::os::unix::fs::chown(&place.root, Some(12345), None).is_err() {
        return;
    }
    let error = Repo::discover_with(&place.root, place.environment()).unwrap_err();
    assert!(matches!(error, RepoError::DubiousOwnership { .. }), "{error}");
    assert!(error.to_string().contains("safe.directory"));
}

#[test]
fn the_head_has_a_branch_unless_it_is_detached() {
    let place = Place::new();
    place.write("sub dir/x", "");
    let repo = place.repo_at(&place.root.join("sub dir"));
    assert_eq!(repo.root(), place.root);
    let head = repo.head().unwrap();
    assert_eq!(head.branch.as_deref(), Some("main"));
    place.git(&["checkout", "-q", "--detach"]);
    assert_eq!(repo.head().unwrap(), Head { branch: None, ..head });
}

#[test]
fn dirty_paths_are_named_up_to_a_limit() {
    let place = Place::new();
    let repo = place.repo();
    assert!(repo.dirty_paths(9).unwrap().is_empty());
    place.write("train.py", "lr = 2\n");
    place.write("new \"file\"\n.txt", "");
    place.write("out.log", "ignored");
    let mut paths = repo.dirty_paths(9).unwrap();
    paths.sort();
    assert_eq!(paths, ["new \"file\"\n.txt", "train.py"]);
    assert_eq!(repo.dirty_paths(1).unwrap().len(), 1);
}

#[test]
fn excluded_lines_are_added_once_and_hide_our_folder() {
    let place = Place::new();
    let repo = place.repo();
    let file = place.root.join(".git/info/exclude");
    fs::write(&file, "# mine\r\nsecret").unwrap();
    for _ in 0..2 {
        repo.exclude(&["/.autoresearch/", "/results.tsv"]).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "# mine\r\nsecret\r\n/.autoresearch/\r\n/results.tsv\r\n"
    );
    place.write(".autoresearch/x/y", "");
    place.write("results.tsv", "");
    assert!(repo.dirty_paths(9).unwrap().is_empty());
}

#[test]
fn a_linked_worktree_as_checkout_works_and_shares_the_exclude_file() {
    let place = Place::new();
    place.git(&["worktree", "add", "-q", "-b", "side", "../side"]);
    let side = place.root.parent().unwrap().join("side");
    let repo = place.repo_at(&side);
    repo.exclude(&["/.autoresearch/"]).unwrap();
    assert_eq!(repo.head().unwrap().branch.as_deref(), Some("side"));
    let head = repo.head().unwrap().commit;
    let desk = repo.worktree(&side.join(".autoresearch/x/desk-1"), &head).unwrap();
    assert!(desk.path().join("train.py").exists());
    let commit = candidate(&repo, &head, 1, "train.py", "lr = 3\n");
    assert_eq!(repo.read_file(&commit, "train.py").unwrap().unwrap(), b"lr = 3\n");
    assert!(repo.dirty_paths(9).unwrap().is_empty());
    repo.remove_worktree(desk.path()).unwrap();
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 2);
}

/// SPEC L6.
#[test]
fn a_dirty_checkout_stays_as_it_is_byte_for_byte() {
    let place = Place::new();
    place.write("train.py", "stashed\n");
    place.git(&["stash", "-q"]);
    place.write("run.sh", "staged\n");
    place.git(&["add", "run.sh"]);
    place.write("train.py", "not staged\n");
    place.write("untracked", "x");
    place.write("out.log", "ignored");
    place.repo().exclude(&["/.autoresearch/"]).unwrap();
    let before = place.snapshot();

    let (repo, head, desk) = place.desk();
    repo.dirty_paths(9).unwrap();
    fs::write(desk.path().join("train.py"), "lr = 5\n").unwrap();
    let changes = desk.changes(&head, &[]).unwrap();
    assert_eq!(changes.len(), 1);
    let commit = candidate(&repo, &head, 1, "train.py", "lr = 5\n");
    repo.ensure_ref("refs/autoresearch/x/best", &commit, None).unwrap();
    desk.reset_to(&commit, &[]).unwrap();
    repo.diff(&head, &commit, &[]).unwrap();
    repo.apply_patch(
        &head,
        b"--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-lr = 1\n+lr = 4\n steps = 10\n",
    )
    .unwrap()
    .unwrap();
    assert_eq!(place.snapshot(), before);
    repo.remove_worktree(desk.path()).unwrap();
    assert_eq!(place.snapshot(), before);
}

#[test]
fn a_reference_moves_only_from_where_it_was() {
    let place = Place::new();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let next = candidate(&repo, &head, 1, "train.py", "1\n");
    let other = candidate(&repo, &head, 2, "train.py", "2\n");
    let name = "refs/heads/autoresearch/x";
    assert_eq!(repo.read_ref(name).unwrap(), None);
    repo.update_ref(name, &head, None).unwrap();
    assert_eq!(repo.read_ref(name).unwrap().as_ref(), Some(&head));
    let error = repo.update_ref(name, &head, None).unwrap_err();
    assert!(matches!(error, RepoError::RefMoved { expected: None, .. }), "{error}");
    repo.update_ref(name, &next, Some(&head)).unwrap();
    let error = repo.update_ref(name, &other, Some(&head)).unwrap_err();
    assert!(matches!(error, RepoError::RefMoved { found: Some(found), .. } if found == next));
    repo.ensure_ref(name, &next, Some(&head)).unwrap();
    assert!(repo.ensure_ref(name, &other, Some(&head)).is_err());
    place.git(&["pack-refs", "--all"]);
    assert_eq!(repo.read_ref("refs/autoresearch/x/2").unwrap(), Some(other));
}

#[cfg(unix)]
#[test]
fn every_kind_of_entry_is_told_apart() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    std::os::unix::fs::symlink("train.py", place.root.join("link")).unwrap();
    place.write("ünï\tcödé \"q\"\n", "odd");
    fs::write(place.root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "raw").unwrap();
    let head = place.commit_all("odd names");
    let repo = place.repo();
    let kind = |path| repo.kind_of(&head, path).unwrap();
    assert_eq!(kind("train.py"), EntryKind::File { executable: false });
    assert_eq!(kind("run.sh"), EntryKind::File { executable: true });
    assert_eq!(kind("lib"), EntryKind::Directory);
    assert_eq!(kind("link"), EntryKind::Symlink);
    assert_eq!(kind("*.py"), EntryKind::Missing);
    assert_eq!(kind("train.py/x"), EntryKind::Missing);
    assert_eq!(repo.read_file(&head, "ünï\tcödé \"q\"\n").unwrap().unwrap(), b"odd");
    assert_eq!(repo.read_file(&head, "lib").unwrap(), None);
    assert_eq!(
        repo.list_files(&head).unwrap(),
        [".gitignore", "lib/model.py", "link", "run.sh", "train.py", "ünï\tcödé \"q\"\n"]
    );
}

#[test]
fn a_shallow_clone_and_a_sha256_repository_work() {
    let place = Place::new();
    place.write("train.py", "lr = 2\n");
    place.commit_all("second");
    let origin = format!("file://{}", place.root.display());
    place.git(&["clone", "-q", "--depth", "1", &origin, "../shallow"]);
    let sha256 = Place::with(&["init", "-q", "--object-format=sha256"]);
    for (place, root) in
        [(&place, place.temp.path().join("shallow")), (&sha256, sha256.root.clone())]
    {
        let repo = place.repo_at(&root);
        let head = repo.head().unwrap().commit;
        let desk = repo.worktree(&root.join(".autoresearch/x/desk-1"), &head).unwrap();
        fs::write(desk.path().join("train.py"), "lr = 9\n").unwrap();
        let changes = desk.changes(&head, &[]).unwrap();
        assert_eq!(content_of(&repo, changes[0].blob.as_deref()), b"lr = 9\n");
        let commit = candidate(&repo, &head, 1, "train.py", "lr = 9\n");
        assert_eq!(commit.0.len(), head.0.len());
        repo.update_ref("refs/heads/autoresearch/x", &commit, None).unwrap();
        desk.reset_to(&commit, &[]).unwrap();
        assert!(desk.changes(&commit, &[]).unwrap().is_empty());
    }
}
