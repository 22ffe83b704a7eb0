//! Candidate commits.

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::FileEdit;
use autoresearch_core::units::Timestamp;
use autoresearch_repo::{EntryKind, RepoError};
use proptest::prelude::*;

use crate::support::{Place, candidate, change, content_of};

const AT: Timestamp = Timestamp(1_700_000_000_999);

#[test]
fn a_candidate_is_the_parent_with_the_changed_files() {
    let place = Place::new();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let files = [
        change("run.sh", b"#!/bin/sh\nexit 0\n"),
        change("new dir/\"quoted\"\nü.py", b"new"),
        FileEdit { path: "lib/model.py".into(), content: None },
    ];
    let message = "exp: doc\u{2014}string\n\nfrom 0000\ndone";
    let commit = repo.commit(&head, &files, message, "refs/autoresearch/x/1", AT).unwrap();
    assert_eq!(repo.read_ref("refs/autoresearch/x/1").unwrap().as_ref(), Some(&commit));
    assert_eq!(
        repo.list_files(&commit).unwrap(),
        [".gitignore", "new dir/\"quoted\"\nü.py", "run.sh", "train.py"]
    );
    assert_eq!(repo.kind_of(&commit, "run.sh").unwrap(), EntryKind::File { executable: true });
    assert_eq!(
        place.git(&["log", "-1", "--format=%P|%an|%ae|%cn|%at|%B", &commit.0]),
        format!("{head}|AutoResearch|autoresearch@localhost|AutoResearch|1700000000|{message}")
    );
    let diff = repo.diff(&head, &commit, &["run.sh".into()]).unwrap();
    assert!(diff.contains("+exit 0") && !diff.contains("model.py"), "{diff}");
}

#[test]
fn the_same_candidate_again_is_the_same_commit_and_another_takes_its_place() {
    let place = Place::new();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    let one = candidate(&repo, &head, 1, "train.py", "x\n");
    assert_eq!(candidate(&repo, &head, 1, "train.py", "x\n"), one);
    let other = [change("train.py", b"y\n")];
    // What a killed engine made and never journalled.
    let other = repo.commit(&head, &other, "exp: y", "refs/autoresearch/x/1", AT).unwrap();
    assert_ne!(other, one);
    assert_eq!(repo.read_ref("refs/autoresearch/x/1").unwrap(), Some(other));
}

#[test]
fn the_user_is_the_author_where_git_knows_one() {
    let place = Place::new();
    place.git(&["config", "user.name", "Ada <x> Lovelace"]);
    place.git(&["config", "user.email", "ada@example.org"]);
    let repo = place.repo();
    let commit = candidate(&repo, &repo.head().unwrap().commit, 1, "train.py", "x\n");
    let who = place.git(&["log", "-1", "--format=%an|%ae|%cn|%ce", &commit.0]);
    assert_eq!(who, "Ada x Lovelace|ada@example.org|Ada x Lovelace|ada@example.org");
}

#[test]
fn hooks_signing_and_line_endings_of_the_user_change_nothing() {
    let place = Place::new();
    let plain = place.repo();
    let head = plain.head().unwrap().commit;
    let expected = candidate(&plain, &head, 1, "train.py", "lr = 2\n");

    let hooks = place.temp.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for name in
        ["pre-commit", "post-checkout", "post-commit", "reference-transaction", "commit-msg"]
    {
        let hook = hooks.join(name);
        std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}/ran'\nexit 1\n", hooks.display()))
            .unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let quoted = hooks.to_string_lossy().into_owned();
    for (key, value) in [
        ("core.hooksPath", quoted.as_str()),
        ("commit.gpgsign", "true"),
        ("gpg.program", "/nonexistent"),
        ("core.autocrlf", "true"),
        ("core.safecrlf", "true"),
        ("user.useConfigOnly", "true"),
        ("diff.noprefix", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
        ("core.splitIndex", "true"),
        ("core.untrackedCache", "true"),
        ("status.showUntrackedFiles", "no"),
        ("fastimport.unpackLimit", "1"),
        ("clean.requireForce", "true"),
    ] {
        place.git(&["config", key, value]);
    }
    let (repo, head, desk) = place.desk();
    assert_eq!(candidate(&repo, &head, 1, "train.py", "lr = 2\n"), expected);
    std::fs::write(desk.path().join("train.py"), "lr = 2\n").unwrap();
    let changes = desk.changes(&head, &[]).unwrap();
    assert_eq!(content_of(&repo, changes[0].blob.as_deref()), b"lr = 2\n");
    desk.reset_to(&expected, &[]).unwrap();
    assert_eq!(std::fs::read(desk.path().join("train.py")).unwrap(), b"lr = 2\n");
    assert!(repo.diff(&head, &expected, &[]).unwrap().contains("\n--- a/train.py\n"));
    assert!(!hooks.join("ran").exists());
    assert_eq!(packs(&place), 0);
}

fn packs(place: &Place) -> usize {
    std::fs::read_dir(place.root.join(".git/objects/pack")).map_or(0, Iterator::count)
}

#[test]
fn candidates_make_no_packs() {
    let place = Place::new();
    let repo = place.repo();
    let head = repo.head().unwrap().commit;
    for number in 0..3 {
        candidate(&repo, &head, number, "train.py", &format!("lr = {number}\n"));
    }
    assert_eq!(packs(&place), 0);
}

#[test]
fn what_is_no_file_cannot_be_a_candidate() {
    let place = Place::new();
    #[cfg(unix)]
    std::os::unix::fs::symlink("train.py", place.root.join("link")).unwrap();
    let head = place.commit_all("link");
    let repo = place.repo();
    let before = place.git(&["for-each-ref"]);
    for path in ["link", "lib", "../x", "/x", ".git/config", ""] {
        let files = [change(path, b"x")];
        let error = repo.commit(&head, &files, "m", "refs/autoresearch/x/1", AT).unwrap_err();
        assert!(matches!(error, RepoError::BadPath { .. }), "{path}: {error}");
    }
    let missing = CommitId("1".repeat(40));
    let files = [change("train.py", b"x")];
    for reference in ["refs/autoresearch/x/1", "refs/autoresearch/..", "refs/a b", "HEAD"] {
        let parent = if reference.ends_with('1') { &missing } else { &head };
        let error = repo.commit(parent, &files, "m", reference, AT).unwrap_err();
        assert!(!matches!(error, RepoError::RefMoved { .. }), "{error}");
    }
    assert!(
        repo.commit(&CommitId("HEAD".into()), &files, "m", "refs/autoresearch/x/1", AT).is_err()
    );
    assert_eq!(place.git(&["for-each-ref"]), before);
    let left = std::fs::read_dir(place.root.join(".git")).unwrap();
    let left = left
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("fast_import"));
    assert_eq!(left.count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_back_as_they_went_in(content in proptest::collection::vec(any::<u8>(), 0..4000), message in ".{0,60}") {
        thread_local! {
            static PLACE: Place = Place::new();
        }
        PLACE.with(|place| {
            let repo = place.repo();
            let head = repo.head().unwrap().commit;
            let files = [change("train.py", &content)];
            let commit = repo.commit(&head, &files, &message, "refs/autoresearch/x/1", AT).unwrap();
            assert_eq!(repo.read_file(&commit, "train.py").unwrap().unwrap(), content);
        });
    }
}
