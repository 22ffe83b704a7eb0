//! Patches in the forms that people have.

use autoresearch_core::proposal::FileEdit;

use crate::support::{Place, candidate, change};

const BASE: &str = "a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\n";

fn place() -> Place {
    let place = Place::new();
    place.write("lib/deep.py", BASE);
    place.commit_all("deep");
    place
}

#[test]
fn a_patch_applies_in_every_common_form() {
    let place = place();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let hunk = "@@ -2,3 +2,3 @@\n b = 2\n-c = 3\n+c = 30\n d = 4\n";
    let wanted = vec![change("lib/deep.py", BASE.replace("c = 3", "c = 30").as_bytes())];
    for head_lines in [
        "diff --git a/lib/deep.py b/lib/deep.py\n--- a/lib/deep.py\n+++ b/lib/deep.py\n",
        "--- a/lib/deep.py\n+++ b/lib/deep.py\n",
        "--- lib/deep.py\n+++ lib/deep.py\n",
        "--- lib/deep.py.orig\t2026-01-01 00:00:00.000000000 +0000\n+++ lib/deep.py\t2026-01-01 00:00:01.000000000 +0000\n",
        "Here is my idea:\n\n--- a/lib/deep.py\n+++ b/lib/deep.py\n",
    ] {
        let patch = format!("{head_lines}{hunk}");
        assert_eq!(
            repo.apply_patch(&head, patch.as_bytes()).unwrap(),
            Ok(wanted.clone()),
            "{patch}"
        );
        let windows = patch.replace('\n', "\r\n");
        assert_eq!(
            repo.apply_patch(&head, windows.as_bytes()).unwrap(),
            Ok(wanted.clone()),
            "{windows}"
        );
    }
}

#[test]
fn a_patch_may_add_and_delete_files() {
    let place = place();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let patch = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x\n--- a/run.sh\n+++ /dev/null\n@@ -1 +0,0 @@\n-#!/bin/sh\n";
    let files = repo.apply_patch(&head, patch.as_bytes()).unwrap().unwrap();
    assert_eq!(
        files,
        [change("new.py", b"x\n"), FileEdit { path: "run.sh".into(), content: None }]
    );
}

#[test]
fn a_patch_against_an_older_commit_is_merged() {
    let place = place();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let old = candidate(&repo, &head, 1, "lib/deep.py", &BASE.replace("d = 4", "d = 40"));
    let patch = repo.patch(&head, &old).unwrap();
    // The context has moved on, next to the change.
    let new = candidate(
        &repo,
        &head,
        2,
        "lib/deep.py",
        &BASE.replace("a = 1\nb = 2", "a = 1\nz = 0\nb = 20"),
    );
    let files = repo.apply_patch(&new, patch.as_bytes()).unwrap().unwrap();
    let merged = BASE.replace("a = 1\nb = 2", "a = 1\nz = 0\nb = 20").replace("d = 4", "d = 40");
    assert_eq!(files, [change("lib/deep.py", merged.as_bytes())]);
    let conflict = candidate(&repo, &head, 3, "lib/deep.py", &BASE.replace("d = 4", "d = 41"));
    let words = repo.apply_patch(&conflict, patch.as_bytes()).unwrap().unwrap_err();
    assert!(words.contains("does not apply"), "{words}");
}

#[test]
fn what_is_no_patch_or_leaves_the_repository_is_explained() {
    let place = place();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    for patch in [
        "",
        "please make it faster",
        "--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n",
        "--- a/.git/config\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n",
        "--- a/nothere.py\n+++ b/nothere.py\n@@ -1 +1 @@\n-x\n+y\n",
        "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n",
    ] {
        let words = repo.apply_patch(&head, patch.as_bytes()).unwrap().unwrap_err();
        assert!(!words.is_empty(), "{patch}");
    }
    assert!(
        repo.apply_patch(&autoresearch_core::experiment::CommitId("2".repeat(40)), b"").is_err()
    );
}
