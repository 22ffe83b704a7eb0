//! A hermetic place: its own HOME, no configuration, no identity.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use autoresearch_core::experiment::CommitId;
use autoresearch_core::proposal::FileEdit;
use autoresearch_core::units::Timestamp;
use autoresearch_repo::{Repo, Worktree};

pub(crate) struct Place {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) root: PathBuf,
}

impl Place {
    /// An empty folder.
    pub(crate) fn empty() -> Place {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        fs::create_dir(base.join("home")).unwrap();
        fs::write(base.join("gitconfig"), "").unwrap();
        let root = base.join("repo");
        fs::create_dir(&root).unwrap();
        Place { temp, root }
    }

    /// A repository with `train.py`, an executable `run.sh` and `lib/model.py`.
    pub(crate) fn new() -> Place {
        Place::with(&["init", "-q", "-b", "main"])
    }

    pub(crate) fn with(init: &[&str]) -> Place {
        let place = Place::empty();
        place.git(init);
        place.write("train.py", "lr = 1\nsteps = 10\n");
        place.write("run.sh", "#!/bin/sh\n");
        place.write("lib/model.py", "depth = 2\n");
        place.write(".gitignore", "*.log\n.venv/\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(place.root.join("run.sh"), fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        place.commit_all("start");
        place
    }

    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let base = self.temp.path();
        vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("HOME".into(), base.join("home").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), base.join("gitconfig").into()),
            // What a user's shell may have set, and must not matter.
            ("GIT_DIR".into(), "/nonexistent".into()),
            ("GIT_INDEX_FILE".into(), "/nonexistent".into()),
            ("GIT_AUTHOR_NAME".into(), "Nobody".into()),
            ("GIT_AUTHOR_DATE".into(), "2001-01-01T00:00:00Z".into()),
        ]
    }

    pub(crate) fn repo(&self) -> Repo {
        self.repo_at(&self.root)
    }

    pub(crate) fn repo_at(&self, from: &Path) -> Repo {
        Repo::discover_with(from, self.environment()).unwrap()
    }

    /// Git as the user runs it, in the checkout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args)
    }

    pub(crate) fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        let (ok, text) = self.try_git_in(folder, args);
        assert!(ok, "git {args:?}: {text}");
        text
    }

    pub(crate) fn try_git_in(&self, folder: &Path, args: &[&str]) -> (bool, String) {
        let safe = self.environment().into_iter().filter(|(name, _)| {
            !name.to_string_lossy().starts_with("GIT_")
                || name.to_string_lossy().starts_with("GIT_CONFIG")
        });
        let output = Command::new("git")
            .args(["-c", "user.name=User", "-c", "user.email=user@example.org"])
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .current_dir(folder)
            .env_clear()
            .envs(safe)
            .output()
            .unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    pub(crate) fn commit_all(&self, message: &str) -> CommitId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--no-verify", "--no-gpg-sign", "-m", message]);
        CommitId(self.git(&["rev-parse", "HEAD"]))
    }

    /// Where a worktree of ours goes.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(".autoresearch/x").join(name)
    }

    /// A desk at the current commit.
    pub(crate) fn desk(&self) -> (Repo, CommitId, Worktree) {
        let repo = self.repo();
        repo.exclude(&["/.autoresearch/"]).unwrap();
        let head = repo.head().unwrap().commit;
        let desk = repo.worktree(&self.folder("desk-1"), &head).unwrap();
        (repo, head, desk)
    }

    /// All that belongs to the user: working tree, index, stash, references
    /// that are not ours.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = files_below(&self.root);
        all.retain(|path, _| {
            !path.starts_with(".autoresearch/")
                && (!path.starts_with(".git/")
                    || path == ".git/index"
                    || path == ".git/HEAD"
                    || path == ".git/config")
        });
        all.insert("stash".into(), self.try_git_in(&self.root, &["stash", "list"]).1.into());
        let refs =
            self.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/stash", "refs/remotes"]);
        all.insert("refs".into(), refs.into());
        all
    }
}

/// Every file and link below a folder, but for `.git` in linked worktrees.
pub(crate) fn files_below(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let kind = fs::symlink_metadata(&path).unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                files.insert(
                    name,
                    fs::read_link(&path).unwrap().to_string_lossy().into_owned().into(),
                );
            } else if name != ".git" {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

pub(crate) fn names(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

pub(crate) fn change(path: &str, content: &[u8]) -> FileEdit {
    FileEdit { path: path.to_owned(), content: Some(content.to_vec()) }
}

/// What a blob holds.
pub(crate) fn content_of(repo: &Repo, blob: Option<&str>) -> Vec<u8> {
    repo.read_blob(blob.unwrap()).unwrap()
}

/// A candidate that sets one file.
pub(crate) fn candidate(
    repo: &Repo,
    parent: &CommitId,
    number: u64,
    path: &str,
    content: &str,
) -> CommitId {
    let files = [change(path, content.as_bytes())];
    let reference = format!("refs/autoresearch/x/{number}");
    repo.commit(parent, &files, &format!("exp: {number}"), &reference, Timestamp(1_000_000))
        .unwrap()
}
