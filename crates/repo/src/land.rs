//! Bringing what was kept onto the user's branch (SPEC F4).
//!
//! Everything is prepared in a worktree of ours; the branch moves last, in
//! one step, and only forward. Nothing is ever pushed.

use std::path::{Path, PathBuf};

use autoresearch_core::experiment::CommitId;

use crate::error::RepoError;
use crate::path;
use crate::repo::{Repo, id};
use crate::worktree::Worktree;

/// How kept commits become commits of the user's branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One commit of everything.
    Squash,
    /// Each kept commit for itself. Where the branch has not moved since,
    /// they are the same commits.
    Rebase,
}

/// What is to be landed.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The branch that moves, as `main`.
    pub onto: String,
    /// The commit that the session started from.
    pub base: CommitId,
    /// The last kept commit.
    pub branch_tip: CommitId,
    /// The kept commits in order; for [`Style::Rebase`].
    pub kept: Vec<CommitId>,
    /// One commit or several.
    pub style: Style,
    /// Message of the one commit; for [`Style::Squash`].
    pub message: String,
    /// Reference that keeps the result even if the branch cannot move, as
    /// `refs/autoresearch/<tag>/landed`.
    pub reference: String,
}

/// How a landing ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// The branch moved to this commit.
    Moved(CommitId),
    /// The branch had all of it already, and did not move.
    AlreadyThere,
}

/// Why a landing failed; the branch and its checkout are as they were.
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    /// The branch does not exist.
    #[error("find the branch `{0}`; name one that `git branch` lists")]
    NoBranch(String),
    /// The branch has changed the same lines since.
    #[error("merge, since the same lines were changed in {}; merge by hand: `git merge` the research branch and resolve the conflicts", paths.join(", "))]
    Conflict {
        /// The files with conflicts.
        paths: Vec<String>,
    },
    /// The branch is checked out, and its checkout cannot follow.
    #[error("update the checkout at {}: git says: {stderr}; commit or stash what is in the way, then run `git merge --ff-only {reference}` there", checkout.display())]
    CheckoutInTheWay {
        /// Root of that checkout.
        checkout: PathBuf,
        /// The words of git, which name the files.
        stderr: String,
        /// What was prepared.
        result: CommitId,
        /// Where it is kept.
        reference: String,
    },
    /// Anything else.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

impl Repo {
    /// Lands a session's kept commits on a branch. `scratch` is a folder that
    /// does not exist; it is gone afterwards. When the branch is checked out,
    /// that checkout follows as by `git merge --ff-only` (hooks off), which
    /// never overwrites a local change.
    ///
    /// # Errors
    /// See [`LandError`]. In every case nothing of the user's has changed.
    pub fn land(&self, request: &Landing, scratch: &Path) -> Result<Landed, LandError> {
        let branch = format!("refs/heads/{}", request.onto);
        let Some(tip) = self.read_ref(&branch)? else {
            return Err(LandError::NoBranch(request.onto.clone()));
        };
        let commits = match request.style {
            Style::Squash => vec![self.squashed(request)?],
            Style::Rebase => request.kept.clone(),
        };
        let worktree = self.worktree(scratch, &tip);
        let picked = worktree.map_err(LandError::from).and_then(|w| pick_all(&w, &commits));
        let removed = self.remove_worktree(scratch);
        let result = picked?;
        removed?;
        if result == tip {
            return Ok(Landed::AlreadyThere);
        }
        let old = self.read_ref(&request.reference)?;
        self.update_ref(&request.reference, &result, old.as_ref())?;
        match self.checkout_of(&branch)? {
            None => self.update_ref(&branch, &result, Some(&tip))?,
            Some(checkout) => {
                let merge = self
                    .git
                    .call("update the checkout", &checkout)
                    .args(["merge", "--quiet", "--ff-only", "--no-autostash", id(&result)?])
                    .outcome()?;
                if !merge.is_success() {
                    return Err(LandError::CheckoutInTheWay {
                        checkout,
                        stderr: merge.stderr(),
                        result,
                        reference: request.reference.clone(),
                    });
                }
            }
        }
        Ok(Landed::Moved(result))
    }

    /// Everything from base to tip as one commit on the base.
    fn squashed(&self, request: &Landing) -> Result<CommitId, RepoError> {
        let tree = format!("{}^{{tree}}", id(&request.branch_tip)?);
        let commit = self
            .as_author("squash the kept commits")
            .args(["commit-tree", "-p", id(&request.base)?, "-F", "-", &tree])
            .input(format!("{}\n", request.message.trim_end()).into_bytes())
            .text()?;
        Ok(CommitId(commit))
    }

    fn as_author(&self, purpose: &'static str) -> crate::git::Call {
        let (name, email) = self.identity();
        self.call(purpose)
            .env("GIT_AUTHOR_NAME", name)
            .env("GIT_AUTHOR_EMAIL", email)
            .env("GIT_COMMITTER_NAME", name)
            .env("GIT_COMMITTER_EMAIL", email)
    }

    /// The checkout, if any, that has this branch (full name) checked out.
    fn checkout_of(&self, branch: &str) -> Result<Option<PathBuf>, RepoError> {
        let list = self
            .call("list the worktrees")
            .args(["worktree", "list", "--porcelain", "-z"])
            .run()?;
        let mut checkout = PathBuf::new();
        for field in list.split(|b| *b == 0) {
            if let Some(path) = field.strip_prefix(b"worktree ") {
                checkout = path::from_bytes(path);
            } else if field.strip_prefix(b"branch ") == Some(branch.as_bytes()) && checkout.is_dir()
            {
                return Ok(Some(checkout));
            }
        }
        Ok(None)
    }
}

/// Applies the commits in order on a worktree; its last commit.
fn pick_all(worktree: &Worktree, commits: &[CommitId]) -> Result<CommitId, LandError> {
    let (name, email) = worktree.repo.identity();
    let ask = |what: &str| worktree.call("read the result").args(["rev-parse", what]).text();
    for commit in commits {
        let before = ask("HEAD")?;
        let pick = worktree
            .call("apply a kept commit")
            .remedy("merge the research branch by hand")
            .env("GIT_COMMITTER_NAME", name)
            .env("GIT_COMMITTER_EMAIL", email)
            .args(["cherry-pick", "--ff", "--allow-empty", "--keep-redundant-commits", id(commit)?])
            .outcome()?;
        if !pick.is_success() {
            let paths = worktree
                .call("list the conflicts")
                .args(["diff", "--name-only", "--diff-filter=U", "-z"])
                .run()?;
            let paths: Vec<String> = paths
                .split(|b| *b == 0)
                .filter(|path| !path.is_empty())
                .map(|path| String::from_utf8_lossy(path).into_owned())
                .collect();
            return Err(if paths.is_empty() {
                pick.error().into()
            } else {
                LandError::Conflict { paths }
            });
        }
        // What the branch had already leaves no empty commit behind.
        if ask("HEAD^{tree}")? == ask(&format!("{before}^{{tree}}"))? {
            worktree.reset_to(&CommitId(before), &[])?;
        }
    }
    Ok(CommitId(ask("HEAD")?))
}
