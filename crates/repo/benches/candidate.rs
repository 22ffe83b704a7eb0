//! What an experiment costs in git, in a repository of 1000 files, beside
//! what the same would cost by hand: `commit -am` and `reset --hard`.
//!
//! The aim is a candidate in 5 ms and a reset in 6 ms on a quiet machine.
//! Figures are to be read as ratios of one run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::FileEdit;
use autoresearch_core::units::Timestamp;
use autoresearch_repo::{Repo, Worktree};
use divan::Bencher;

fn main() {
    divan::main();
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

struct Place {
    folder: tempfile::TempDir,
    repo: Repo,
    head: CommitId,
    desk: Worktree,
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=u", "-c", "user.email=u@localhost"]).args(args);
    let status = command.current_dir(folder).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "git {args:?}");
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in 0..1000 {
        let path = folder.path().join(format!("d{}/f{file}.py", file % 20));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, format!("x = {file}\n").repeat(20)).expect("a file");
    }
    git(folder.path(), &["init", "-q"]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "start"]);
    let repo = Repo::discover(folder.path()).expect("a repository");
    let head = repo.head().expect("a commit").commit;
    let desk = repo.worktree(&folder.path().join(".autoresearch/desk-1"), &head).expect("a desk");
    Place { folder, repo, head, desk }
}

fn content() -> String {
    format!("x = {}\n", NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Place {
    fn candidate(&self, text: String) -> CommitId {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let files = [FileEdit { path: "d3/f3.py".to_owned(), content: Some(text.into_bytes()) }];
        let reference = format!("refs/autoresearch/x/{number}");
        self.repo.commit(&self.head, &files, "exp: x", &reference, Timestamp(0)).expect("a commit")
    }
}

#[divan::bench]
fn candidate_commit(bencher: Bencher<'_, '_>) {
    let place = place();
    bencher.with_inputs(content).bench_values(|text| place.candidate(text));
}

#[divan::bench]
fn desk_changes(bencher: Bencher<'_, '_>) {
    let place = place();
    let file = place.desk.path().join("d3/f3.py");
    bencher
        .with_inputs(|| fs::write(&file, content()))
        .bench_values(|_| place.desk.changes(&place.head, &[]));
}

#[divan::bench]
fn desk_reset(bencher: Bencher<'_, '_>) {
    let place = place();
    bencher
        .with_inputs(|| place.candidate(content()))
        .bench_values(|commit| place.desk.reset_to(&commit, &[]));
}

#[divan::bench]
fn git_commit_am(bencher: Bencher<'_, '_>) {
    let place = place();
    let file = place.folder.path().join("d3/f3.py");
    bencher
        .with_inputs(|| fs::write(&file, content()))
        .bench_values(|_| git(place.folder.path(), &["commit", "-qam", "x"]));
}

#[divan::bench]
fn git_reset_hard(bencher: Bencher<'_, '_>) {
    let place = place();
    let file = place.folder.path().join("d3/f3.py");
    bencher
        .with_inputs(|| fs::write(&file, content()))
        .bench_values(|_| git(place.folder.path(), &["reset", "-q", "--hard"]));
}
