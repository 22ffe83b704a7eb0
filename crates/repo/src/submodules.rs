//! Submodules on a worktree: the files, without the repository.
//!
//! They are read from the user's own copy of the submodule. Git takes a
//! folder without a `.git` in the place of a submodule for one that is not
//! checked out, so they are no change of the desk; and a change of theirs is
//! part of no candidate.

use std::fs;

use crate::error::RepoError;
use crate::objects::EntryKind;
use crate::path;
use crate::worktree::{Worktree, exact, remove_all};

impl Worktree {
    /// Makes each submodule that the user has checked out exactly its commit.
    pub(crate) fn fill_submodules(&self) -> Result<(), RepoError> {
        if !self.path().join(".gitmodules").is_file() {
            return Ok(());
        }
        let staged = self.call("look for submodules").args(["ls-files", "--stage", "-z"]).run()?;
        for (number, line) in staged.split(|b| *b == 0).enumerate() {
            if let Some((commit, path)) = submodule(line) {
                self.fill(number, commit, path)?;
            }
        }
        Ok(())
    }

    fn fill(&self, number: usize, commit: &str, path: &[u8]) -> Result<(), RepoError> {
        let name = path::from_bytes(path);
        let (theirs, ours) = (self.repo.root().join(&name), self.path().join(&name));
        if !theirs.join(".git").exists() {
            return Ok(());
        }
        let git_dir = self
            .repo
            .git
            .call("find a submodule", &theirs)
            .args(["rev-parse", "--absolute-git-dir"])
            .run()?;
        let git_dir = path::from_bytes(git_dir.strip_suffix(b"\n").unwrap_or(&git_dir));
        if !fs::symlink_metadata(&ours).is_ok_and(|there| there.is_dir()) {
            remove_all(&ours)
                .and_then(|()| fs::create_dir_all(&ours))
                .map_err(RepoError::io("make the folder", &ours))?;
        }
        // A `.git` in it would make the folder a repository again.
        remove_all(&ours.join(".git")).map_err(RepoError::io("clean", &ours))?;
        let index = self.admin().join(format!("autoresearch-{number}.index"));
        let _ = fs::remove_file(index.with_extension("index.lock"));
        let call = |purpose| {
            exact(self.repo.git.call(purpose, &ours))
                .remedy("run `git submodule update --init` in your checkout")
                .env("GIT_DIR", &git_dir)
                .env("GIT_WORK_TREE", &ours)
                .env("GIT_INDEX_FILE", &index)
        };
        call("fill a submodule").args(["read-tree", "--reset", "-u", commit]).run()?;
        call("clean a submodule").args(["clean", "-qffdx"]).run()?;
        Ok(())
    }
}

/// Commit and path of a line of `ls-files --stage -z` (`<mode> <id>
/// <stage>TAB<path>`) that is a submodule.
fn submodule(line: &[u8]) -> Option<(&str, &[u8])> {
    let tab = line.iter().position(|b| *b == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
    let is_submodule = EntryKind::of(words.next()?) == EntryKind::Submodule;
    is_submodule.then_some((words.next()?, &line[tab + 1..]))
}
