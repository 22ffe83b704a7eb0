//! A worktree that jobs of one sort run on, one after the other.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use autoresearch_core::experiment::CommitId;
use autoresearch_repo::{Repo, Worktree};

use crate::error::EngineError;

/// How a worktree differs from a plain checkout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// Untracked paths that are linked in.
    pub(crate) links: &'a [String],
    /// Tracked paths that are taken away.
    pub(crate) withheld: &'a [String],
    /// Whether git there knows what was before.
    pub(crate) history: bool,
}

/// A worktree, made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Place {
    worktree: Option<Worktree>,
    /// Cleans up after the last job, beside whatever comes next.
    cleaning: Option<JoinHandle<bool>>,
}

impl Place {
    /// Makes it hold exactly `commit` in this `setting`, with a git of its own.
    pub(crate) fn hold(
        &mut self,
        repo: &Repo,
        path: &Path,
        commit: &CommitId,
        setting: Setting<'_>,
    ) -> Result<&Worktree, EngineError> {
        let Setting { links, withheld, history } = setting;
        let is_clean = self.cleaning.take().is_some_and(|thread| thread.join().unwrap_or(false));
        let worktree = match self.worktree.take() {
            Some(worktree) if is_clean => {
                worktree.move_to(commit, links)?;
                worktree
            }
            Some(worktree) => {
                worktree.reset_to(commit, links)?;
                worktree
            }
            None => {
                let fresh = repo.worktree(path, commit)?;
                fresh.reset_to(commit, links)?;
                fresh
            }
        };
        worktree.link(repo.root(), links)?;
        worktree.isolate(&git_of(path), commit, history)?;
        worktree.withhold(withheld)?;
        Ok(self.worktree.insert(worktree))
    }

    /// Nobody works there any more: begins to clean up.
    pub(crate) fn release(&mut self, links: &[String]) {
        let links = links.to_vec();
        self.cleaning = self
            .worktree
            .clone()
            .map(|worktree| std::thread::spawn(move || worktree.clean(&links).is_ok()));
    }

    /// The worktree, once it was made.
    pub(crate) fn worktree(&self) -> Option<&Worktree> {
        self.worktree.as_ref()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(thread) = self.cleaning.take() {
            let _ = thread.join();
        }
    }
}

/// The private git of the worktree at `path`.
pub(crate) fn git_of(path: &Path) -> PathBuf {
    path.with_extension("git")
}
