//! Worktrees in the hands of programs that nobody trusts.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use autoresearch_core::experiment::CommitId;
use autoresearch_core::units::Timestamp;
use autoresearch_repo::{ChangeKind, Repo, RepoError, Worktree};

use crate::support::{Place, candidate, change, content_of, files_below, names};

const FILES: [&str; 4] = [".gitignore", "lib/model.py", "run.sh", "train.py"];

fn kinds(desk: &Worktree, base: &CommitId, ignore: &[&str]) -> Vec<(String, ChangeKind)> {
    let ignore: Vec<String> = ignore.iter().map(|path| (*path).to_owned()).collect();
    desk.changes(base, &ignore).unwrap().into_iter().map(|c| (c.path, c.kind)).collect()
}

/// The desk is whole: its files are those of the commit, git works on it.
fn assert_is(place: &Place, repo: &Repo, desk: &Worktree, commit: &CommitId) {
    let files = files_below(desk.path());
    let listed = repo.list_files(commit).unwrap();
    assert_eq!(names(&files), listed);
    for path in listed {
        assert_eq!(repo.read_file(commit, &path).unwrap().as_ref(), files.get(&path), "{path}");
    }
    assert_eq!(kinds(desk, commit, &[]), []);
    assert_eq!(place.git_in(desk.path(), &["status", "--porcelain", "--ignored"]), "");
    assert_eq!(place.git_in(desk.path(), &["rev-parse", "HEAD"]), commit.0);
    assert!(!place.try_git_in(desk.path(), &["symbolic-ref", "HEAD"]).0, "detached");
}

#[test]
fn a_reset_leaves_exactly_the_commit_and_what_is_kept() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    assert_is(&place, &repo, &desk, &head);
    let next = candidate(&repo, &head, 1, "lib/new.py", "x\n");
    let at = |path: &str| desk.path().join(path);
    fs::write(at("train.py"), "changed").unwrap();
    fs::remove_file(at("run.sh")).unwrap();
    fs::write(at("out.log"), "ignored").unwrap();
    fs::create_dir_all(at("a/b [x]/keep")).unwrap();
    fs::write(at("a/b [x]/keep/y"), "").unwrap();
    fs::write(at("a/b [x]/gone"), "").unwrap();
    fs::write(at("a/b x"), "").unwrap();
    fs::create_dir_all(at(".venv/lib")).unwrap();
    fs::write(at(".venv/lib/z"), "").unwrap();
    place.git_in(desk.path(), &["init", "-q", "nested"]);
    fs::write(at("nested/file"), "").unwrap();
    place.git_in(&at("nested"), &["add", "."]);
    place.git_in(&at("nested"), &["commit", "-qm", "nested"]);
    fs::create_dir_all(at("locked/in")).unwrap();
    fs::write(at("locked/in/file"), "").unwrap();
    fs::set_permissions(at("locked/in"), fs::Permissions::from_mode(0o500)).unwrap();

    desk.reset_to(&next, &["a/b [x]/keep".into(), ".venv".into()]).unwrap();
    let left = files_below(desk.path());
    let mut wanted = vec![".venv/lib/z", "a/b [x]/keep/y", "lib/new.py"];
    wanted.extend(FILES);
    wanted.sort_unstable();
    assert_eq!(names(&left), wanted);
    desk.reset_to(&next, &[]).unwrap();
    assert_is(&place, &repo, &desk, &next);
    assert!(!at("a").exists() && !at(".venv").exists() && !at("locked").exists());
}

#[test]
fn changes_are_told_by_kind_with_their_blobs() {
    let place = Place::new();
    place.write("data/x.bin", "12345");
    place.write("mode.sh", "m");
    place.write("touched", "t");
    let (repo, head, desk) = {
        place.commit_all("more");
        place.desk()
    };
    let at = |path: &str| desk.path().join(path);
    fs::write(at("train.py"), "lr = 2\n").unwrap();
    fs::write(at("odd \"name\"\n\tü.py"), "new").unwrap();
    fs::write(at("ignored.log"), "").unwrap();
    fs::remove_file(at("lib/model.py")).unwrap();
    fs::remove_file(at("run.sh")).unwrap();
    symlink("/etc/passwd", at("run.sh")).unwrap();
    symlink("train.py", at("link")).unwrap();
    fs::set_permissions(at("mode.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("touched"), "t").unwrap();
    fs::create_dir(at(".venv")).unwrap();
    fs::write(at("data/ignored-by-us"), "").unwrap();
    fs::write(at("raw"), "r").unwrap();
    fs::write(
        desk.path().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff")),
        "",
    )
    .unwrap();

    let changes = desk.changes(&head, &["data".into()]).unwrap();
    let seen: Vec<_> =
        changes.iter().map(|c| (c.path.as_str(), c.kind, c.blob.is_some())).collect();
    assert_eq!(
        seen,
        [
            ("lib/model.py", ChangeKind::Deleted, false),
            ("link", ChangeKind::Symlink, false),
            ("mode.sh", ChangeKind::ModeChanged, false),
            ("odd \"name\"\n\tü.py", ChangeKind::Added, true),
            ("raw", ChangeKind::Added, true),
            ("run.sh", ChangeKind::Symlink, false),
            ("train.py", ChangeKind::Modified, true),
            ("\u{fffd}", ChangeKind::Other, false),
        ]
    );
    let blob = changes.iter().find(|c| c.path == "train.py").unwrap().blob.clone();
    assert_eq!(content_of(&repo, blob.as_deref()), b"lr = 2\n");
}

#[test]
fn changes_are_against_the_base_even_when_the_desk_is_elsewhere() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    let next = candidate(&repo, &head, 1, "new.py", "x\n");
    assert_eq!(kinds(&desk, &next, &[]), [("new.py".to_owned(), ChangeKind::Deleted)]);
    fs::write(desk.path().join("new.py"), "y\n").unwrap();
    assert_eq!(kinds(&desk, &next, &[]), [("new.py".to_owned(), ChangeKind::Modified)]);
    fs::write(desk.path().join("new.py"), "x\n").unwrap();
    assert_eq!(kinds(&desk, &next, &[]), []);
}

#[test]
fn what_a_proposer_does_with_git_on_its_desk_hides_nothing() {
    let place = Place::new();
    place.git(&["branch", "precious"]);
    let (repo, head, desk) = place.desk();
    let before = place.git(&["for-each-ref", "refs/heads/main", "refs/heads/precious"]);
    let run = |args: &[&str]| place.git_in(desk.path(), args);
    run(&["checkout", "-q", "precious"]);
    fs::write(desk.path().join("train.py"), "lr = 2\n").unwrap();
    run(&["add", "-A"]);
    run(&["update-index", "--assume-unchanged", "train.py"]);
    run(&["update-index", "--skip-worktree", "train.py"]);
    assert_eq!(kinds(&desk, &head, &[]), [("train.py".to_owned(), ChangeKind::Modified)]);
    desk.reset_to(&head, &[]).unwrap();
    assert_is(&place, &repo, &desk, &head);
    assert_eq!(place.git(&["for-each-ref", "refs/heads/main", "refs/heads/precious"]), before);

    fs::write(desk.path().join("train.py"), "lr = 3\n").unwrap();
    run(&["commit", "-qam", "look what I did"]);
    assert_eq!(kinds(&desk, &head, &[]), [("train.py".to_owned(), ChangeKind::Modified)]);
    run(&["checkout", "-q", "--orphan", "lost"]);
    fs::write(desk.path().join(".git").with_file_name("lib/model.py"), "depth = 9\n").unwrap();
    assert_eq!(kinds(&desk, &head, &[]).len(), 2);
    desk.reset_to(&head, &[]).unwrap();
    assert_is(&place, &repo, &desk, &head);
}

/// SPEC L6.
#[test]
fn a_desk_without_its_git_file_is_not_taken_for_the_checkout() {
    let place = Place::new();
    place.write("train.py", "precious\n");
    place.write("untracked", "precious\n");
    let (repo, head, desk) = place.desk();
    let before = place.snapshot();
    let git = desk.path().join(".git");
    for damage in 0..4 {
        fs::remove_file(&git).unwrap();
        match damage {
            1 => {
                fs::write(&git, format!("gitdir: {}\n", place.root.join(".git").display()))
                    .unwrap();
            }
            2 => {
                place.git_in(desk.path(), &["init", "-q", "."]);
            }
            3 => symlink(place.root.join(".git"), &git).unwrap(),
            _ => {}
        }
        fs::write(desk.path().join("train.py"), "damage\n").unwrap();
        assert_eq!(kinds(&desk, &head, &[])[0], ("train.py".to_owned(), ChangeKind::Modified));
        desk.reset_to(&head, &[]).unwrap();
        assert_is(&place, &repo, &desk, &head);
        assert_eq!(place.snapshot(), before);
    }
}

/// SPEC L6.
#[test]
fn a_folder_swapped_for_a_link_to_the_checkout_is_not_followed() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    let next = candidate(&repo, &head, 1, "lib/model.py", "depth = 7\n");
    let before = place.snapshot();
    fs::remove_dir_all(desk.path().join("lib")).unwrap();
    symlink(place.root.join("lib"), desk.path().join("lib")).unwrap();
    assert_eq!(
        kinds(&desk, &head, &[]),
        [("lib".to_owned(), ChangeKind::Symlink), ("lib/model.py".to_owned(), ChangeKind::Deleted)]
    );
    desk.reset_to(&next, &[]).unwrap();
    assert_is(&place, &repo, &desk, &next);
    assert_eq!(place.snapshot(), before);
    let outside = desk.path().join("outside");
    symlink(&place.root, &outside).unwrap();
    desk.reset_to(&next, &[]).unwrap();
    assert_eq!(place.snapshot(), before);
}

#[test]
fn a_pipe_in_place_of_a_file_blocks_nobody() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    let file = desk.path().join("train.py");
    fs::remove_file(&file).unwrap();
    autoresearch_testkit::pipe(&file);
    let seen = kinds(&desk, &head, &[]);
    assert_eq!(seen.len(), 1);
    assert!(matches!(seen[0].1, ChangeKind::Other | ChangeKind::Deleted), "{seen:?}");
    desk.reset_to(&head, &[]).unwrap();
    assert_is(&place, &repo, &desk, &head);
}

#[test]
fn a_change_of_the_same_size_and_time_is_seen() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    let file = desk.path().join("train.py");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "lr = 2\nsteps = 10\n").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    assert_eq!(kinds(&desk, &head, &[]), [("train.py".to_owned(), ChangeKind::Modified)]);
    desk.reset_to(&head, &[]).unwrap();
    assert_is(&place, &repo, &desk, &head);
}

#[test]
fn a_worktree_that_a_crash_left_broken_is_mended() {
    let place = Place::new();
    let (repo, head, desk) = place.desk();
    let path = desk.path().to_owned();
    let admin = place.root.join(".git/worktrees/desk-1");
    let again = |what: &str| {
        let desk = repo.worktree(&path, &head).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_is(&place, &repo, &desk, &head);
        assert_eq!(fs::read_dir(admin.parent().unwrap()).unwrap().count(), 1, "{what}");
    };
    fs::write(path.join("junk"), "").unwrap();
    again("as it is");
    fs::remove_dir_all(&path).unwrap();
    again("folder gone");
    fs::remove_dir_all(&path).unwrap();
    fs::create_dir(&path).unwrap();
    again("folder empty");
    fs::remove_dir_all(&admin).unwrap();
    again("git's folder gone");
    for lock in ["index.lock", "HEAD.lock", "autoresearch.index.lock"] {
        fs::write(admin.join(lock), "").unwrap();
    }
    again("locks left");
    fs::write(admin.join("autoresearch.index"), "DIRC torn").unwrap();
    again("index torn");
    fs::write(admin.join("HEAD"), "").unwrap();
    again("head torn");
    fs::remove_file(admin.join("commondir")).unwrap();
    again("git's folder torn");
    fs::write(admin.join("locked"), "initializing").unwrap();
    again("half made");
    repo.remove_worktree(&path).unwrap();
    repo.remove_worktree(&path).unwrap();
    assert!(!path.exists());
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_folder_of_the_user_is_never_taken_for_a_worktree() {
    let place = Place::new();
    let (repo, head, _desk) = place.desk();
    place.write("mine/file", "");
    place.git(&["init", "-q", "other"]);
    place.write("a-file", "");
    for name in ["mine", "other", "a-file", "lib"] {
        let path = place.root.join(name);
        let error = repo.worktree(&path, &head).unwrap_err();
        assert!(matches!(error, RepoError::NotOurs { .. }), "{name}: {error}");
        assert!(repo.remove_worktree(&path).is_err());
        assert!(path.exists());
    }
}

#[test]
fn links_lead_to_the_checkout_and_survive_a_reset() {
    let place = Place::new();
    place.write(".venv/bin/python", "");
    place.write("data/raw/x", "1");
    place.write("data/tracked", "t");
    place.git(&["add", "data/tracked"]);
    place.git(&["commit", "-qm", "data"]);
    let (_repo, head, desk) = place.desk();
    let links: Vec<String> = vec![".venv".into(), "data/raw/".into()];
    let check = || {
        for link in [".venv", "data/raw"] {
            assert_eq!(fs::read_link(desk.path().join(link)).unwrap(), place.root.join(link));
        }
    };
    desk.link(&place.root, &links).unwrap();
    check();
    assert_eq!(kinds(&desk, &head, &[".venv", "data/raw"]), []);
    desk.reset_to(&head, &links).unwrap();
    check();
    fs::remove_file(desk.path().join(".venv")).unwrap();
    fs::create_dir_all(desk.path().join(".venv/fake")).unwrap();
    desk.reset_to(&head, &links).unwrap();
    desk.link(&place.root, &links).unwrap();
    check();
    desk.reset_to(&head, &[]).unwrap();
    assert!(!desk.path().join(".venv").exists());
    assert!(place.root.join(".venv/bin/python").exists() && place.root.join("data/raw/x").exists());

    symlink(&place.root, desk.path().join("out")).unwrap();
    place.write("out/in", "");
    for bad in ["train.py", "data", "nothere", "../x", "out/in"] {
        let error = desk.link(&place.root, &[bad.to_owned()]).unwrap_err();
        assert!(matches!(error, RepoError::BadPath { .. }), "{bad}: {error}");
    }
    assert!(fs::symlink_metadata(desk.path().join("train.py")).unwrap().is_file());
}

#[test]
fn line_endings_and_filters_of_the_repository_hold_on_a_desk() {
    let place = Place::new();
    place.write(".gitattributes", "*.bat text eol=crlf\n");
    place.write("win.bat", "echo\r\n");
    place.write("crlf.py", "a\r\nb\r\n");
    let head = place.commit_all("endings");
    place.git(&["config", "core.autocrlf", "true"]);
    let (repo, _, desk) = place.desk();
    assert_eq!(repo.read_file(&head, "win.bat").unwrap().unwrap(), b"echo\n");
    assert_eq!(fs::read(desk.path().join("win.bat")).unwrap(), b"echo\r\n");
    assert_eq!(fs::read(desk.path().join("train.py")).unwrap(), b"lr = 1\nsteps = 10\n");
    fs::write(desk.path().join("win.bat"), "echo 2\r\n").unwrap();
    fs::write(desk.path().join("crlf.py"), "a\r\nc\r\n").unwrap();
    let changes = desk.changes(&head, &[]).unwrap();
    assert_eq!(content_of(&repo, changes[0].blob.as_deref()), b"a\r\nc\r\n");
    assert_eq!(content_of(&repo, changes[1].blob.as_deref()), b"echo 2\n");
}

#[test]
fn submodules_are_filled_from_the_checkout() {
    let place = Place::new();
    let sub = Place::new();
    sub.write("dep.py", "dep\n");
    sub.commit_all("dep");
    let url = sub.root.to_str().unwrap();
    place.git(&["submodule", "--quiet", "add", url, "vendor/sub mod"]);
    place.git(&["submodule", "--quiet", "add", url, "absent"]);
    place.commit_all("submodules");
    place.git(&["submodule", "--quiet", "deinit", "absent"]);
    // Nobody asks the origin again.
    drop(sub);
    let (repo, head, desk) = place.desk();
    let file = desk.path().join("vendor/sub mod/dep.py");
    let check = || {
        assert_eq!(fs::read(&file).unwrap(), b"dep\n");
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 5);
        assert_eq!(fs::read_dir(desk.path().join("absent")).unwrap().count(), 0);
        assert_eq!(kinds(&desk, &head, &[]), []);
    };
    check();
    let before = place.snapshot();
    fs::write(&file, "changed").unwrap();
    fs::write(file.with_file_name("junk"), "").unwrap();
    desk.reset_to(&head, &[]).unwrap();
    check();
    let outside = place.temp.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(desk.path().join("vendor")).unwrap();
    symlink(&outside, desk.path().join("vendor")).unwrap();
    desk.reset_to(&head, &[]).unwrap();
    check();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let commit = candidate(&repo, &head, 1, "train.py", "x\n");
    desk.reset_to(&commit, &[]).unwrap();
    assert_eq!(place.snapshot(), before);
    assert_eq!(place.git(&["submodule", "status", "vendor/sub mod"]).chars().next(), Some(' '));
    let error = repo.commit(
        &head,
        &[change("absent", b"x")],
        "m",
        "refs/autoresearch/x/9",
        Timestamp::default(),
    );
    assert!(matches!(error, Err(RepoError::BadPath { .. })));
}

#[test]
fn a_checkout_inside_a_submodule_is_a_repository_like_any_other() {
    let outer = Place::new();
    let sub = Place::new();
    outer.git(&["submodule", "--quiet", "add", sub.root.to_str().unwrap(), "sub"]);
    let root = outer.root.join("sub");
    let repo = outer.repo_at(&root);
    repo.exclude(&["/.autoresearch/"]).unwrap();
    let head = repo.head().unwrap().commit;
    let desk = repo.worktree(&root.join(".autoresearch/x/desk-1"), &head).unwrap();
    assert!(Path::new(&desk.path().join("train.py")).exists());
    let commit = candidate(&repo, &head, 1, "train.py", "x\n");
    desk.reset_to(&commit, &[]).unwrap();
    assert_eq!(kinds(&desk, &commit, &[]), []);
    assert!(repo.dirty_paths(9).unwrap().is_empty());
}

#[test]
fn desks_and_candidates_may_be_made_at_the_same_time() {
    let place = Place::new();
    let repo = place.repo();
    repo.exclude(&["/.autoresearch/"]).unwrap();
    let head = repo.head().unwrap().commit;
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (place, repo, head) = (&place, repo.clone(), &head);
            scope.spawn(move || {
                let desk = repo.worktree(&place.folder(&format!("desk-{number}")), head).unwrap();
                for step in 0..3 {
                    let number = number * 10 + step;
                    let commit =
                        candidate(&repo, head, number, "train.py", &format!("lr = {number}\n"));
                    desk.reset_to(&commit, &[]).unwrap();
                    assert_is(place, &repo, &desk, &commit);
                    place.git(&["pack-refs", "--all"]);
                }
            });
        }
    });
    assert_eq!(place.git(&["for-each-ref", "refs/autoresearch/x"]).lines().count(), 12);
}
